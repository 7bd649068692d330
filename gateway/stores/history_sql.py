"""The history's questions as SQL text: where rows lie, and how samples become buckets.

Only text and numbers go in and out; nothing here touches a database. Buckets can be added up: what a
minute is made of may lie in several files.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.sample import SECOND, Quality
from gateway.stores.history_shelf import Catalog, Generation, Grain, Segment

MINUTE = 60 * SECOND
HOUR = 3600 * SECOND
DAY = 24 * HOUR
WIDTH = {Grain.MINUTE: MINUTE, Grain.HOUR: HOUR}

HORIZON = (2**61 // HOUR) * HOUR
"""Times beyond this are cut to it (73,000 years), so that no difference of instants overflows."""

SAMPLE_COLUMNS = "point, source_time, receive_time, value, quality, reason"

ROLLUP_COLUMNS = "point, start, low, high, total, numbers, last, last_at, worst, samples, good"

NO_ROWS = """
    SELECT NULL::INTEGER AS point, NULL::BIGINT AS source_time, NULL::BIGINT AS receive_time,
           NULL::DOUBLE AS value, NULL::UTINYINT AS quality, NULL::UTINYINT AS reason
    WHERE false
"""

COMBINED = """
    min(low) AS low, max(high) AS high, sum(total) AS total, sum(numbers)::BIGINT AS numbers,
    arg_max(last, last_at) AS last, max(last_at) AS last_at, max(worst) AS worst,
    sum(samples)::BIGINT AS samples, sum(good)::BIGINT AS good
"""


def files(directory: Path, segments: Iterable[Segment]) -> str:
    """A relation over the files; they must not be none."""
    names = ", ".join("'" + str(directory / segment.name).replace("'", "''") + "'" for segment in segments)
    return f"read_parquet([{names}])"


def table_rows(generation: Generation) -> str:
    """A query for the samples of a generation that are in no file yet."""
    rest = f" WHERE rowid >= {generation.done}" if generation.done else ""
    return f"SELECT {SAMPLE_COLUMNS} FROM {generation.table}{rest}"  # noqa: S608 - numbers


def samples(catalog: Catalog, segments: Iterable[Segment]) -> str:
    """A query for every sample in the generations and these of the files, each once."""
    parts = [table_rows(each) for each in catalog.generations]
    kept = list(segments)
    if kept:
        parts.append(f"SELECT {SAMPLE_COLUMNS} FROM {files(catalog.directory, kept)}")  # noqa: S608 - our own file names
    return " UNION ALL ".join(parts) if parts else NO_ROWS


def buckets(rows: str, origin: str, width: str, lowest: str, highest: str) -> str:
    """A query for partial buckets: point, bucket, and the columns that `COMBINED` adds up.

    `rows` has point, source_time, receive_time, value, quality, hold, and `own`: false for a row that only
    says until when the one before it stood, or since when it stands. A value that counts stands from its own
    time, but not before `lowest`, until the point's next sample, the end of its hold, or `highest`.
    A bucket may come several times.
    """
    return f"""
        WITH told AS (
            SELECT point, receive_time, value, quality, own,
                   greatest(least(source_time, {HORIZON}), -{HORIZON}) AS told_at,
                   coalesce(quality <= {Quality.UNCERTAIN:d} AND isfinite(value), false) AS counts,
                   greatest(told_at, {lowest}) AS since,
                   least(lead(told_at) OVER (PARTITION BY point ORDER BY told_at, receive_time),
                         told_at + hold, {highest}) AS until,
                   (since - {origin}) // {width} AS bucket,
                   {origin} + (bucket + 1) * {width} AS over
            FROM ({rows})
        )
        SELECT point, bucket,
               min(value) FILTER (counts AND own) AS low,
               max(value) FILTER (counts AND own) AS high,
               sum(value) FILTER (counts AND own) AS total,
               count(*) FILTER (counts AND own) AS numbers,
               last(value ORDER BY told_at, receive_time) FILTER (counts AND own) AS last,
               max(told_at) FILTER (counts AND own) AS last_at,
               max(quality) FILTER (own) AS worst,
               count(*) FILTER (own) AS samples,
               sum(least(until, over) - since) FILTER (counts AND until > since) AS good
        FROM told
        GROUP BY point, bucket
        UNION ALL
        SELECT point, bucket, NULL, NULL, NULL, 0, NULL, NULL, NULL, 0,
               sum(least(until, {origin} + (bucket + 1) * {width}) - ({origin} + bucket * {width}))
        FROM (
            SELECT point, until, unnest(range(bucket + 1, (until - 1 - {origin}) // {width} + 1)) AS bucket
            FROM told
            WHERE counts AND until > over
        )
        GROUP BY point, bucket
    """  # noqa: S608 - texts of this module and parameter names


def curve(rows: str, rollups: Iterable[str]) -> str:
    """A query for one point's curve from its samples and its kept minutes or hours."""
    parts = [buckets(rows, "$start", "$width", "$start", "$end")]
    parts += [
        f"""
        SELECT point, (start - $start) // $width, low, high, total, numbers, last, last_at, worst, samples, good
        FROM {each}
        WHERE point = $point AND start >= $start AND start < $end
        """  # noqa: S608 - our own file names
        for each in rollups
    ]
    united = " UNION ALL ".join(f"SELECT * FROM ({part})" for part in parts)  # noqa: S608
    return f"""
        SELECT bucket, low, high, total / numbers AS mean, last, worst, samples, coalesce(good, 0) AS good
        FROM (SELECT bucket, {COMBINED} FROM ({united}) GROUP BY bucket)
        WHERE samples > 0 AND bucket >= 0
        ORDER BY bucket
    """  # noqa: S608


def rows_of_one(samples_query: str) -> str:
    """One point's samples in a range, and those before it that may still stand at its start."""
    return f"""
        SELECT point, source_time, receive_time, value, quality, $hold AS hold, source_time >= $start AS own
        FROM ({samples_query})
        WHERE point = $point AND source_time >= $start - $hold AND source_time < $end
    """  # noqa: S608


def rows_to_keep(sealed: str, following: str) -> str:
    """All samples of `sealed`, and per point the first of `following`, which ends what stood."""
    return f"""
        SELECT s.point, s.source_time, s.receive_time, s.value, s.quality, p.hold, true AS own
        FROM ({sealed}) s JOIN point p ON p.key = s.point
        UNION ALL
        SELECT f.point, min(f.source_time), min(f.receive_time), NULL, NULL, 0, false
        FROM ({following}) f
        GROUP BY f.point
    """  # noqa: S608


def rollup(rows: str, grain: Grain) -> str:
    """A query for whole minutes or hours from samples, sorted; each bucket once."""
    width = WIDTH[grain]
    origin = f"(-{HORIZON})"
    parts = buckets(rows, origin, str(width), origin, str(HORIZON))
    return f"""
        SELECT point, {origin} + bucket * {width} AS start, {COMBINED}
        FROM ({parts})
        WHERE samples > 0 OR good > 0
        GROUP BY point, bucket
        ORDER BY point, start
    """  # noqa: S608


def coarser(finer: str, grain: Grain) -> str:
    """A query for minutes or hours from rows that are as fine or finer, sorted; each bucket once."""
    width = WIDTH[grain]
    return f"""
        SELECT point, widened AS start, {COMBINED}
        FROM (SELECT *, (start + {HORIZON}) // {width} * {width} - {HORIZON} AS widened FROM {finer})
        GROUP BY point, widened
        ORDER BY point, widened
    """  # noqa: S608
