"""What is asked of a history, answered from its tables and files. Reads only.

Every answer sees one catalog: what the writer and the housekeeping do meanwhile changes nothing in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from gateway.sample import Indices, SampleBatch
from gateway.store import Curve, EventRecord
from gateway.stores import history_sql as sql
from gateway.stores.history_replay import batch_of
from gateway.stores.history_shelf import Catalog, Grain, Segment

_EVENTS = """
    SELECT sequence, "at", kind, subject, equipment, body
    FROM event
    WHERE "at" >= $start AND "at" < $end AND starts_with(kind, $prefix) AND ($subject = '' OR subject = $subject)
    ORDER BY "at", sequence
    LIMIT $most
"""

_LATEST = """
    SELECT point, last(value ORDER BY receive_time, source_time) AS value,
           last(quality ORDER BY receive_time, source_time) AS quality,
           last(reason ORDER BY receive_time, source_time) AS reason,
           last(source_time ORDER BY receive_time, source_time) AS source_time,
           max(receive_time) AS receive_time
    FROM ({rows})
    WHERE point IN (SELECT unnest($keys))
    GROUP BY point
    ORDER BY point
"""


@dataclass(frozen=True, slots=True)
class CurveAsked:
    """One point's curve, as the file knows the point; times within `history_sql.HORIZON`."""

    point: str
    key: int
    hold: int
    """How long a value stands if nothing follows (microseconds)."""
    start: int
    end: int
    width: int


def curve_of(asked: CurveAsked, cursor: DuckDBPyConnection, catalog: Catalog) -> Curve:
    """The curve, from the coarsest rows that keep its buckets exact."""
    values = {"point": asked.key, "hold": asked.hold, "start": asked.start, "end": asked.end, "width": asked.width}
    found = cursor.execute(curve_query(asked, catalog), values).fetchnumpy()
    start = asked.start + found["bucket"].astype(np.int64) * asked.width
    over = np.minimum(start + asked.width, asked.end)
    return Curve(
        point=asked.point,
        start=start,
        low=_floats(found["low"]),
        high=_floats(found["high"]),
        mean=_floats(found["mean"]),
        last=_floats(found["last"]),
        worst=np.ma.filled(found["worst"], 0).astype(np.uint8),
        count=found["samples"].astype(np.int64),
        not_good=np.maximum(0, over - start - found["good"].astype(np.int64)),
        bucket=asked.width,
    )


def curve_query(asked: CurveAsked, catalog: Catalog) -> str:
    """The SQL of `curve_of`; it names only the files that can hold rows of this point and range."""
    grain = grain_for(asked.start, asked.width)
    fine = _near(catalog.of(Grain.SAMPLE), asked, asked.hold) if grain is Grain.SAMPLE else ()
    rows = sql.rows_of_one(sql.samples(catalog, fine))
    coarse = list(_near(_standing_for(catalog, grain), asked, sql.HOUR))
    return sql.curve(rows, [sql.files(catalog.directory, coarse)] if coarse else [])


def grain_for(start: int, width: int) -> Grain:
    """The coarsest grain whose rows fall whole into the buckets."""
    if start % sql.HOUR == 0 and width % sql.HOUR == 0:
        return Grain.HOUR
    if start % sql.MINUTE == 0 and width % sql.MINUTE == 0:
        return Grain.MINUTE
    return Grain.SAMPLE


def _standing_for(catalog: Catalog, grain: Grain) -> Iterator[Segment]:
    """The minutes and hours that a curve of this grain takes beside or instead of samples, each time once.

    Of every set of segments the one that is as coarse as asked; where that has gone, the next coarser;
    where it was never made (fresh segments have no hours), the next finer.
    """
    for segment in catalog.segments:
        finer_gone = segment.grain > Grain.SAMPLE and segment.receive_high <= catalog.gone_until(
            segment.point_class, Grain(segment.grain - 1)
        )
        wanted = (
            segment.grain is grain
            or (segment.grain is Grain.MINUTE and grain is Grain.HOUR and segment.level == 0)
            or (segment.grain > grain and finer_gone)
        )
        if wanted and segment.grain is not Grain.SAMPLE:
            yield segment


def _near(segments: Iterator[Segment], asked: CurveAsked, before: int) -> Iterator[Segment]:
    return (
        each
        for each in segments
        if each.point_low <= asked.key <= each.point_high
        and each.source_high >= asked.start - before
        and each.source_low < asked.end
    )


def latest_of(index_of: Indices, cursor: DuckDBPyConnection, catalog: Catalog) -> SampleBatch:
    """The sample received last of every chosen point: newest places first, and no further than needed."""
    missing = set(np.nonzero(index_of >= 0)[0].tolist())
    parts: list[SampleBatch] = []
    for rows in _newest_first(catalog):
        if not missing:
            break
        found = cursor.execute(_LATEST.format(rows=rows), {"keys": sorted(missing)}).fetchnumpy()
        missing -= set(found["point"].tolist())
        parts.append(batch_of(found, index_of))
    return SampleBatch.concatenate(parts)


def _newest_first(catalog: Catalog) -> Iterator[str]:
    for generation in reversed(catalog.generations):
        yield sql.table_rows(generation)
    by_receipt: dict[int, list[Segment]] = {}
    for segment in catalog.of(Grain.SAMPLE):
        by_receipt.setdefault(segment.receive_high // sql.DAY, []).append(segment)
    for day in sorted(by_receipt, reverse=True):
        yield f"SELECT * FROM {sql.files(catalog.directory, by_receipt[day])}"  # noqa: S608 - our own file names


def count_of(cursor: DuckDBPyConnection, catalog: Catalog) -> int:
    """All samples that are kept."""
    return waiting_of(cursor, catalog) + sum(segment.samples for segment in catalog.of(Grain.SAMPLE))


def waiting_of(cursor: DuckDBPyConnection, catalog: Catalog) -> int:
    """Samples in generations."""
    total = 0
    for generation in catalog.generations:
        row = cursor.execute(f"SELECT count(*) FROM {generation.table}").fetchone()  # noqa: S608 - a number
        total += (int(row[0]) if row else 0) - generation.done
    return total


def records_of(values: Mapping[str, int | str], cursor: DuckDBPyConnection, _: Catalog) -> Sequence[EventRecord]:
    return [EventRecord(*row) for row in cursor.execute(_EVENTS, values).fetchall()]


def last_event_of(cursor: DuckDBPyConnection) -> int:
    row = cursor.execute("SELECT coalesce(max(sequence), 0) FROM event").fetchone()
    return int(row[0]) if row else 0


def removed_of(cursor: DuckDBPyConnection) -> Mapping[str, int]:
    """Samples that went, by the reason why."""
    found = cursor.execute(
        "SELECT reason, sum(samples)::BIGINT FROM removed WHERE grain = 0 GROUP BY reason"
    ).fetchall()
    return {str(reason): int(count) for reason, count in found}


def _floats(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """NULL, which comes as a mask, as NaN."""
    return np.ma.filled(column, np.nan)
