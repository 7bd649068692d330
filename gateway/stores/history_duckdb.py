"""The history in one DuckDB file: samples in columns, events beside them, curves in buckets.

One thread writes, others read snapshots, so that no chart stops the samples. Never counts a value
that is not good or uncertain into a curve, and never writes again after the disk failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection
from numpy.typing import NDArray

from gateway.errors import Problem, RequestRefused, StoreFailed, UnknownSubject
from gateway.event import Entry, encode, subject_of
from gateway.sample import Indices, Instant, Quality, SampleBatch
from gateway.store import Curve, EventRecord
from gateway.stores.history_replay import Selection, replay
from gateway.stores.history_schema import STORE, cause, open_database, point_keys, room_may_return
from gateway.stores.place import StoreThreads

Result = TypeVar("Result")

Columns = Mapping[str, NDArray[np.generic]]

_READERS = 2
"""Charts read at once; more would only take the processor from the scan."""

_MOST_BUCKETS = 100_000
"""More than any screen has columns; keeps one request from filling the memory."""

_MOST_ROWS = 1_000_000
"""In one batch of a replay."""

_HORIZON = 2**62
"""Bounds beyond this are cut to it (146,000 years), so that no difference of instants overflows."""

_CURVE = """
    SELECT (source_time - $start) // $width AS bucket,
           min(value) FILTER (counts) AS low,
           max(value) FILTER (counts) AS high,
           avg(value) FILTER (counts) AS mean,
           last(value ORDER BY source_time, receive_time) FILTER (counts) AS last,
           max(quality) AS worst
    FROM (
        SELECT source_time, receive_time, value, quality, quality <= $usable AND isfinite(value) AS counts
        FROM sample
        WHERE point = $point AND source_time >= $start AND source_time < $end
    )
    GROUP BY bucket
    ORDER BY bucket
"""

_EVENTS = """
    SELECT sequence, "at", kind, subject, equipment, body
    FROM event
    WHERE "at" >= $start AND "at" < $end AND starts_with(kind, $prefix) AND ($subject = '' OR subject = $subject)
    ORDER BY "at", sequence
    LIMIT $most
"""

_APPEND = "INSERT INTO sample FROM incoming"
_APPEND_EVENTS = "INSERT INTO event FROM incoming_events ON CONFLICT DO NOTHING"


class DuckdbHistory:
    """`gateway.store.History` in one file, which this process holds alone. Get one from `open`."""

    def __init__(self, path: Path, database: DuckDBPyConnection, point_names: Sequence[str]) -> None:
        self._path = path
        self._database = database
        self._key_of = point_keys(database, point_names)
        self._keys = np.array([self._key_of[name] for name in point_names], dtype=np.int32)
        self._incoming = _Inlet(database, "incoming", _APPEND, _no_samples())
        self._incoming_events = _Inlet(database, "incoming_events", _APPEND_EVENTS, _event_columns(()))
        self._cursors: SimpleQueue[DuckDBPyConnection] = SimpleQueue()
        for _ in range(_READERS):
            self._cursors.put(database.cursor())
        self._writing = StoreThreads(STORE, "writer", 1)
        self._reading = StoreThreads(STORE, "reader", _READERS)
        self._failed = ""

    @classmethod
    async def open(cls, path: Path | str, point_names: Sequence[str]) -> DuckdbHistory:
        """Open or create the file; `point_names[i]` is the name of point index i in every batch.

        Raises StoreFailed that names the file and says what to do.
        """
        return await asyncio.to_thread(cls._open, Path(path), point_names)

    @classmethod
    def _open(cls, path: Path, point_names: Sequence[str]) -> DuckdbHistory:
        place = path.absolute()
        database = open_database(place)
        try:
            return cls(place, database, point_names)
        except duckdb.Error as error:
            database.close()
            raise StoreFailed(STORE, f"open {place}", cause(error)) from error

    async def append(self, batch: SampleBatch) -> None:
        """Keep a batch durably. Raises StoreFailed; then nothing of the batch is kept."""
        await self._append_as(batch, self._keys)

    async def bind(self, point_names: Sequence[str]) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches of another plant file's points, before or after `serve`; new points get their keys now.

        Raises StoreFailed.
        """
        keys = await self._writing.run("append", lambda: self._new_keys(point_names))
        return lambda batch: self._append_as(batch, keys)

    def serve(self, point_names: Sequence[str]) -> None:
        """From now on `point_names[i]` is the name of point index i; they have been bound before."""
        self._keys = np.array([self._key_of[name] for name in point_names], dtype=np.int32)

    async def _append_as(self, batch: SampleBatch, keys: Indices) -> None:
        if len(batch):
            await self._writing.run("append", lambda: self._write(lambda: self._append(batch, keys)))

    def _new_keys(self, point_names: Sequence[str]) -> Indices:
        self._write(lambda: self._key_of.update(point_keys(self._database, point_names)))
        return np.array([self._key_of[name] for name in point_names], dtype=np.int32)

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Keep journal entries; one that is already there stays once."""
        if entries:
            columns = _event_columns(entries)
            await self._writing.run("append", lambda: self._write(lambda: self._incoming_events.pour(columns)))

    async def read(self, point: str, start: Instant, end: Instant, buckets: int) -> Curve:
        """The point's curve over start <= source time < end, in at most `buckets` buckets of equal width.

        Numbers are of good and uncertain values, NaN where a bucket has none; `worst` is of all.
        Raises UnknownSubject for a point that never was, RequestRefused for a range or count that does not hold.
        """
        key = self._key_of.get(point)
        if key is None:
            raise UnknownSubject("point", point)
        refuse(range_problems(start, end) + number_problems("buckets", buckets, _MOST_BUCKETS))
        low, high = max(start, -_HORIZON), min(end, _HORIZON)
        width = max(1, -((low - high) // buckets))
        values = {"start": low, "end": high, "width": width, "point": key, "usable": int(Quality.UNCERTAIN)}
        return await self._query(lambda cursor: _curve(cursor, point, values))

    async def read_events(
        self, start: Instant, end: Instant, *, kind_prefix: str = "", subject: str = "", limit: int = 1000
    ) -> Sequence[EventRecord]:
        """Events with start <= at < end, oldest first, at most `limit`; empty strings choose everything."""
        values: dict[str, int | str] = {
            "start": start,
            "end": end,
            "prefix": kind_prefix,
            "subject": subject,
            "most": max(limit, 0),
        }
        return await self._query(lambda cursor: _records(cursor, values))

    async def samples(
        self, points: Collection[str] | None, start: Instant, end: Instant, *, chunk: int = 65_536
    ) -> AsyncIterator[SampleBatch]:
        """Every sample with start <= receive time < end, in order of receive time, at most `chunk` rows a batch."""
        refuse(range_problems(start, end) + number_problems("chunk", chunk, _MOST_ROWS))
        index_of = np.full(max(self._key_of.values(), default=-1) + 1, -1, dtype=np.int32)
        index_of[self._keys] = np.arange(len(self._keys), dtype=np.int32)
        if points is not None:
            index_of = self._only(points, index_of)
        async for batch in replay(self._query, Selection(index_of, start, end), chunk):
            yield batch

    async def sample_count(self) -> int:
        """All samples of all points."""
        return await self._query(_count)

    async def close(self) -> None:
        """Finish what is under way and close the file; twice has the effect of once."""
        await self._reading.close(_nothing)
        await self._writing.close(self._database.close)

    def _only(self, points: Collection[str], index_of: Indices) -> Indices:
        only = np.full_like(index_of, -1)
        for name in points:
            key = self._key_of.get(name, -1)
            if key < 0 or index_of[key] < 0:
                raise UnknownSubject("point", name)
            only[key] = index_of[key]
        return only

    async def _query(self, job: Callable[[DuckDBPyConnection], Result]) -> Result:
        return await self._reading.run("read", lambda: self._read(job))

    def _append(self, batch: SampleBatch, keys: Indices) -> None:
        self._incoming.pour(
            {
                "point": keys[batch.point],
                "source_time": np.ascontiguousarray(batch.source_time, dtype=np.int64),
                "receive_time": np.ascontiguousarray(batch.receive_time, dtype=np.int64),
                "value": np.ascontiguousarray(batch.value, dtype=np.float64),
                "quality": np.ascontiguousarray(batch.quality, dtype=np.uint8),
                "reason": np.ascontiguousarray(batch.reason, dtype=np.uint8),
            }
        )

    def _write(self, job: Callable[[], None]) -> None:
        """One statement, which is one transaction, on the writer thread."""
        if self._failed:
            raise StoreFailed(STORE, f"append to {self._path}", self._failed)
        try:
            job()
        except (duckdb.DataError, duckdb.IntegrityError):
            raise  # the data is wrong, which is a bug, and the disk is not
        except duckdb.Error as error:
            if not room_may_return(error):
                self._failed = f"it failed before and is not trusted again: {cause(error)}"
            with suppress(duckdb.Error):
                self._database.rollback()
            raise StoreFailed(STORE, f"append to {self._path}", cause(error)) from error

    def _read(self, job: Callable[[DuckDBPyConnection], Result]) -> Result:
        """One query on a connection of its own, on a reader thread."""
        cursor = self._cursors.get()
        try:
            return job(cursor)
        except duckdb.Error as error:
            raise StoreFailed(STORE, f"read {self._path}", cause(error)) from error
        finally:
            self._cursors.put(cursor)


class _Inlet:
    """A view over columns in memory, and the statement that pours them into a table.

    Exchanging the columns of a registered view and running a parsed statement again is the fastest
    durable append that DuckDB's Python interface has: no registration, no parsing, no copy.
    """

    def __init__(self, database: DuckDBPyConnection, view: str, statement: str, columns: Columns) -> None:
        self._database = database
        self._columns = dict(columns)
        database.register(view, self._columns)
        self._statement = database.extract_statements(statement)[0]

    def pour(self, columns: Columns) -> None:
        """Append the columns in one transaction; they have the names and types of the first ones.

        NaN becomes NULL on the way.
        """
        self._columns.update(columns)
        self._database.execute(self._statement)


def range_problems(start: Instant, end: Instant) -> list[Problem]:
    if start <= end:
        return []
    return [Problem("", 0, 0, "end", f"a time at or after the start ({start})", str(end))]


def number_problems(field: str, number: int, most: int) -> list[Problem]:
    if 1 <= number <= most:
        return []
    return [Problem("", 0, 0, field, f"a number from 1 to {most}", str(number))]


def refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise RequestRefused(problems)


def _curve(cursor: DuckDBPyConnection, point: str, values: Mapping[str, int]) -> Curve:
    found = cursor.execute(_CURVE, values).fetchnumpy()
    return Curve(
        point=point,
        start=values["start"] + found["bucket"].astype(np.int64) * values["width"],
        low=_floats(found["low"]),
        high=_floats(found["high"]),
        mean=_floats(found["mean"]),
        last=_floats(found["last"]),
        worst=found["worst"].astype(np.uint8),
        bucket=values["width"],
    )


def _floats(column: NDArray[np.float64]) -> NDArray[np.float64]:
    """NULL, which comes as a mask, as NaN."""
    return np.ma.filled(column, np.nan)


def _records(cursor: DuckDBPyConnection, values: Mapping[str, int | str]) -> Sequence[EventRecord]:
    return [EventRecord(*row) for row in cursor.execute(_EVENTS, values).fetchall()]


def _count(cursor: DuckDBPyConnection) -> int:
    row = cursor.execute("SELECT count(*) FROM sample").fetchone()
    return int(row[0]) if row else 0


def _no_samples() -> Columns:
    times = np.empty(0, dtype=np.int64)
    marks = np.empty(0, dtype=np.uint8)
    return {
        "point": np.empty(0, dtype=np.int32),
        "source_time": times,
        "receive_time": times,
        "value": np.empty(0, dtype=np.float64),
        "quality": marks,
        "reason": marks,
    }


def _event_columns(entries: Sequence[Entry]) -> Columns:
    events = [entry.event for entry in entries]
    return {
        "sequence": np.array([entry.sequence for entry in entries], dtype=np.int64),
        "at": np.array([event.at for event in events], dtype=np.int64),
        "kind": np.array([event.kind for event in events], dtype=object),
        "subject": np.array([subject_of(event) for event in events], dtype=object),
        "equipment": np.array([getattr(event, "equipment", "") for event in events], dtype=object),
        "body": np.array([encode(event).decode() for event in events], dtype=object),
    }


def _nothing() -> None:
    """The readers' last job: their cursors end with the database."""
