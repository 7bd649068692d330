"""Whole days of 2,000 points at 1 Hz, laid down as the history's housekeeping leaves them, but without the wait.

Days after the first repeat it, moved by whole days. Goes through the housekeeping's own writing and committing: files,
order, row groups, compression and catalog are what appending and merging would have left.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gateway.sample import SECOND
from gateway.store import DAY
from gateway.stores import history_sql as sql
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.history_shelf import Grain, Level, Segment
from gateway.stores.history_upkeep import _DAY_GROUP, COMPACT_ROWS, _Span

SECONDS = 86_400


def lay_down(history: DuckdbHistory, points: int, first: int, days: int) -> int:
    """Samples, minutes and hours of `days` days from `first` on; how many samples."""
    if not days:
        return 0
    made = [_first_day(history, low, min(low + _run(), points), first) for low in range(0, points, _run())]
    for day in range(1, days):
        for segments in made:
            history._upkeep._commit([_moved(history, each, day * DAY) for each in segments], ())
    return points * SECONDS * days


def hours(history: DuckdbHistory, points: int, first: int, days: int) -> None:
    """Hours alone, a file a day: what is left of a year whose samples and minutes have gone."""
    upkeep = history._upkeep
    for day in range(days):
        start = first + day * DAY
        query = f"""
            SELECT point::INTEGER AS point, {start} + hour * {sql.HOUR} AS start, low, low + 1.0 AS high,
                   (low + 0.5) * 3600 AS total, 3600::BIGINT AS numbers, low AS last,
                   start + {sql.HOUR - SECOND} AS last_at, 0::UTINYINT AS worst, 3600::BIGINT AS samples,
                   {sql.HOUR}::BIGINT AS good
            FROM (SELECT point, hour, (point + hour + {day}) % 97 * 0.5 AS low
                  FROM range({points}) p(point), range(24) h(hour))
            ORDER BY point, start
        """  # noqa: S608 - numbers
        span = _Span(start, start + DAY - 1, points * SECONDS)
        upkeep._commit([upkeep._write(query, Grain.HOUR, Level.DAY, "", _DAY_GROUP, span)], ())


def _run() -> int:
    """Points whose samples of a day fill one file."""
    return max(1, COMPACT_ROWS // SECONDS)


def _first_day(history: DuckdbHistory, low: int, high: int, first: int) -> list[Segment]:
    upkeep, keys = history._upkeep, history._keys[low:high]
    rng = np.random.default_rng(low)
    rows = len(keys) * SECONDS
    times = np.tile(first + np.arange(SECONDS, dtype=np.int64) * SECOND, len(keys))
    upkeep._database.register(
        "laid_down",
        {
            "point": np.repeat(keys, SECONDS),
            "source_time": times,
            "receive_time": times + rng.integers(1_000, 90_000, rows),
            "value": (np.repeat(np.arange(low, high) % 400, SECONDS) + rng.integers(-20, 21, rows)) * 0.1,
            "quality": np.zeros(rows, dtype=np.uint8),
            "reason": np.zeros(rows, dtype=np.uint8),
        },
    )
    made = list(_grains(history, rows, first))
    upkeep._commit(made, ())
    upkeep._database.unregister("laid_down")
    return made


def _grains(history: DuckdbHistory, rows: int, first: int) -> Iterator[Segment]:
    upkeep = history._upkeep
    columns = f"SELECT {sql.SAMPLE_COLUMNS} FROM laid_down"  # noqa: S608 - our own names
    samples = upkeep._write(columns, Grain.SAMPLE, Level.DAY, "", _DAY_GROUP)
    yield samples
    span = _Span(samples.receive_low, samples.receive_high, rows)
    kept = sql.rollup(sql.rows_to_keep(columns, f"{columns} WHERE false"), Grain.MINUTE)
    minutes = upkeep._write(kept, Grain.MINUTE, Level.DAY, "", _DAY_GROUP, span)
    yield minutes
    yield upkeep._write(_renamed(history, minutes), Grain.HOUR, Level.DAY, "", _DAY_GROUP, span)


def _renamed(history: DuckdbHistory, minutes: Segment) -> str:
    """Hours from a minutes file that has not got its final name yet."""
    file = str(history._shelf.directory / (minutes.name + ".new")).replace("'", "''")
    return sql.coarser(f"read_parquet('{file}')", Grain.HOUR)


def _moved(history: DuckdbHistory, segment: Segment, by: int) -> Segment:
    source = sql.files(history._shelf.directory, [segment])
    if segment.grain is Grain.SAMPLE:
        columns = (
            f"point, source_time + {by} AS source_time, receive_time + {by} AS receive_time, value, quality, reason"
        )
        query = f"SELECT {columns} FROM {source}"  # noqa: S608 - our own file names
        return history._upkeep._write(query, Grain.SAMPLE, Level.DAY, "", _DAY_GROUP)
    query = f"SELECT * REPLACE (start + {by} AS start, last_at + {by} AS last_at) FROM {source}"  # noqa: S608
    span = _Span(segment.receive_low + by, segment.receive_high + by, segment.samples)
    return history._upkeep._write(query, segment.grain, Level.DAY, "", _DAY_GROUP, span)
