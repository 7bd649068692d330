"""The history played back: every sample of some points in the order in which the gateway received them.

Reads a window of receive times at a time, so that memory stays bounded, no query runs long and the writer
never waits. Changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from gateway.sample import SECOND, Indices, Instant, SampleBatch
from gateway.stores import history_sql as sql
from gateway.stores.history_shelf import Catalog, Grain

Result = TypeVar("Result")

ROWS_AT_ONCE = 500_000
"""What a window is sized for: 17 MB of columns."""

FIRST_WINDOW = 60 * SECOND

_LARGEST_GROWTH = 2.0
_LARGEST_SHRINK = 1 / 16

_WINDOW = """
    SELECT point, value, quality, reason, source_time, receive_time
    FROM ({rows})
    WHERE receive_time >= $low AND receive_time < $high {chosen}
    ORDER BY receive_time, point, source_time
"""

_NEXT = "SELECT min(receive_time) FROM ({rows}) WHERE receive_time >= $low AND receive_time < $high {chosen}"

_CHOSEN = "AND point IN (SELECT unnest($keys))"

_COLUMNS = {
    "value": np.float64,
    "quality": np.uint8,
    "reason": np.uint8,
    "source_time": np.int64,
    "receive_time": np.int64,
}


class Reader(Protocol):
    """Runs one query over a catalog on a connection of its own, away from the event loop and from the writer."""

    def __call__(self, job: Callable[[DuckDBPyConnection, Catalog], Result]) -> Awaitable[Result]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """Which samples, and the point index that each key of the file has in the batches handed out."""

    index_of: Indices
    """By key; -1 for a key that is not chosen."""
    start: Instant
    end: Instant

    def values(self, low: int, high: int) -> dict[str, object]:
        """Parameters of a query over one window."""
        bounds: dict[str, object] = {"low": low, "high": high}
        return bounds if self.every else bounds | {"keys": np.nonzero(self.index_of >= 0)[0].tolist()}

    @property
    def every(self) -> bool:
        return bool((self.index_of >= 0).all())

    def query(self, template: str, catalog: Catalog, low: int, high: int) -> str:
        segments = [each for each in catalog.of(Grain.SAMPLE) if each.receive_high >= low and each.receive_low < high]
        return template.format(rows=sql.samples(catalog, segments), chosen="" if self.every else _CHOSEN)


async def replay(read: Reader, wanted: Selection, chunk: int) -> AsyncIterator[SampleBatch]:
    """Batches of at most `chunk` rows with start <= receive time < end; equal times in the order of the file's keys."""
    low, width = int(wanted.start), FIRST_WINDOW
    while low < wanted.end:
        high = min(low + width, int(wanted.end))
        found = await read(partial(_window, wanted, low, high))
        for begin in range(0, len(found), chunk):
            yield found.rows(slice(begin, begin + chunk))
        if len(found):
            low = high
            width = max(1, int(width * min(max(ROWS_AT_ONCE / len(found), _LARGEST_SHRINK), _LARGEST_GROWTH)))
            continue
        following = await read(partial(_next, wanted, high))
        if following is None:
            return
        low = following


def _window(wanted: Selection, low: int, high: int, cursor: DuckDBPyConnection, catalog: Catalog) -> SampleBatch:
    found = cursor.execute(wanted.query(_WINDOW, catalog, low, high), wanted.values(low, high)).fetchnumpy()
    return batch_of(found, wanted.index_of)


def batch_of(found: Mapping[str, NDArray[np.generic]], index_of: Indices) -> SampleBatch:
    """The rows of a query over samples, with point indices in place of keys."""
    columns = {name: _plain(found[name]).astype(kind, copy=False) for name, kind in _COLUMNS.items()}
    return SampleBatch(point=index_of[found["point"]], **columns)


def _next(wanted: Selection, low: int, cursor: DuckDBPyConnection, catalog: Catalog) -> int | None:
    high = int(wanted.end)
    row = cursor.execute(wanted.query(_NEXT, catalog, low, high), wanted.values(low, high)).fetchone()
    return None if row is None or row[0] is None else int(row[0])


def _plain(column: NDArray[np.generic]) -> NDArray[np.generic]:
    """NULL, which comes as a mask, as the NaN that it was."""
    return np.ma.filled(column, np.nan) if isinstance(column, np.ma.MaskedArray) else column
