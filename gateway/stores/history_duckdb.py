"""The history in a DuckDB file and Parquet files beside it: samples in columns, events, curves in buckets.

One thread writes, others read snapshots, a last one puts in order what is older, so that neither charts nor
housekeeping stop the samples. Never counts a value that is not good or uncertain into a curve, and never
writes again after the disk failed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from gateway.errors import Problem, RequestRefused, StoreFailed, UnknownSubject, wrong_field
from gateway.event import Entry
from gateway.sample import SECOND, Indices, Instant, SampleBatch
from gateway.store import Curve, EventRecord, HistoryPlan, HistorySize
from gateway.stores.history_inlet import Inlet, event_columns, no_samples, sample_columns
from gateway.stores.history_queries import (
    CurveAsked,
    count_of,
    curve_of,
    last_event_of,
    latest_of,
    records_of,
    removed_of,
    waiting_of,
)
from gateway.stores.history_replay import Selection, replay
from gateway.stores.history_retention import Why
from gateway.stores.history_schema import (
    DEFAULT_HOLD,
    STORE,
    cause,
    name_directory,
    open_database,
    point_keys,
    room_may_return,
    sample_table,
    transaction,
)
from gateway.stores.history_shelf import Catalog, Generation, Grain, Shelf, recover
from gateway.stores.history_snapshot import take
from gateway.stores.history_sql import HORIZON
from gateway.stores.history_upkeep import Upkeep, load_catalog, used_by
from gateway.stores.place import StoreThreads

Result = TypeVar("Result")

_READERS = 2
"""Charts read at once; more would only take the processor from the scan."""

_APPENDING = "append to"

_MOST_BUCKETS = 100_000
"""More than any screen has columns; keeps one request from filling the memory."""

_MOST_ROWS = 1_000_000
"""In one batch of a replay."""

SEAL_ROWS = 2_000_000
"""Samples in the table that is being written before the next one takes over."""

SEAL_AGE = 3600 * SECOND
"""Or this long, if it holds any."""

_APPEND_EVENTS = "INSERT INTO event FROM incoming_events ON CONFLICT DO NOTHING"


class DuckdbHistory:
    """`gateway.store.History` in one file, which this process holds alone. Get one from `open`."""

    def __init__(self, path: Path, database: DuckDBPyConnection, point_names: Sequence[str], plan: HistoryPlan) -> None:
        self._path = path
        self._database = database
        self._plan = plan
        self._key_of = point_keys(database, point_names, plan.holds)
        self._keys = np.array([self._key_of[name] for name in point_names], dtype=np.int32)
        catalog, retired = load_catalog(database, name_directory(path))
        self._damaged = recover(name_directory(path), catalog.segments, retired)
        whole = tuple(each for each in catalog.segments if each.name not in self._damaged)
        self._shelf = Shelf(replace(catalog, segments=whole))
        self._incoming = Inlet(database, "incoming", _append_to(catalog.generations[-1]), no_samples())
        self._incoming_events = Inlet(database, "incoming_events", _APPEND_EVENTS, event_columns(()))
        self._written = waiting_of(database, replace(catalog, generations=catalog.generations[-1:]))
        self._sealed_at: Instant | None = None
        self._upkeep = Upkeep(database.cursor(), path, self._shelf, plan, self._key_of)
        self._upkeep_turn = asyncio.Lock()
        self._copying = database.cursor()
        self._cursors: SimpleQueue[DuckDBPyConnection] = SimpleQueue()
        for _ in range(_READERS):
            self._cursors.put(database.cursor())
        self._writing = StoreThreads(STORE, "writer", 1)
        self._reading = StoreThreads(STORE, "reader", _READERS)
        self._keeping = StoreThreads(STORE, "upkeep", 1, yields=True)
        self._failed = ""

    @classmethod
    async def open(cls, path: Path | str, point_names: Sequence[str], plan: HistoryPlan | None = None) -> DuckdbHistory:
        """Open or create the file; `point_names[i]` is the name of point index i in every batch.

        Raises StoreFailed that names the file and says what to do.
        """
        return await asyncio.to_thread(cls._open, Path(path), point_names, plan or HistoryPlan())

    @classmethod
    def _open(cls, path: Path, point_names: Sequence[str], plan: HistoryPlan) -> DuckdbHistory:
        place = path.absolute()
        database = open_database(place)
        try:
            return cls(place, database, point_names, plan)
        except (duckdb.Error, OSError) as error:
            database.close()
            raise StoreFailed(STORE, f"open {place}", cause(error)) from error

    async def append(self, batch: SampleBatch) -> None:
        """Keep a batch durably. Raises StoreFailed; then nothing of the batch is kept."""
        await self._append_as(batch, self._keys)

    async def bind(
        self, point_names: Sequence[str], plan: HistoryPlan | None = None
    ) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches of another plant file's points, before or after `serve`; new points get their keys now.

        Raises StoreFailed.
        """
        keys = await self._writing.run("append", lambda: self._new_keys(point_names, plan or self._plan))
        return lambda batch: self._append_as(batch, keys)

    def serve(self, point_names: Sequence[str], plan: HistoryPlan | None = None) -> None:
        """From now on `point_names[i]` is the name of point index i, bound before, and the plan is this one."""
        self._plan = plan or self._plan
        self._upkeep.follow(self._plan, self._key_of)
        self._keys = np.array([self._key_of[name] for name in point_names], dtype=np.int32)

    async def _append_as(self, batch: SampleBatch, keys: Indices) -> None:
        if len(batch):
            await self._writing.run("append", lambda: self._write(_APPENDING, lambda: self._append(batch, keys)))

    def _new_keys(self, point_names: Sequence[str], plan: HistoryPlan) -> Indices:
        known = self._write(_APPENDING, lambda: point_keys(self._database, point_names, plan.holds))
        self._key_of.update(known)
        return np.array([known[name] for name in point_names], dtype=np.int32)

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Keep journal entries; one that is already there stays once."""
        if entries:
            columns = event_columns(entries)
            await self._writing.run(
                "append", lambda: self._write(_APPENDING, lambda: self._incoming_events.pour(columns))
            )

    async def read(self, point: str, start: Instant, end: Instant, resolution: int) -> Curve:
        """The point's curve over start <= source time < end, in buckets of `resolution` from `start` on.

        Numbers are of good and uncertain values, NaN where a bucket has none; `worst` is of all.
        Raises UnknownSubject for a point that never was, RequestRefused for a range or resolution that does
        not hold.
        """
        key = self._key_of.get(point)
        if key is None:
            raise UnknownSubject("point", point)
        low, high = (max(-HORIZON, min(HORIZON, each)) for each in (start, end))
        refuse(range_problems(start, end) or _resolution_problems(high - low, resolution))
        hold = self._plan.holds.get(point, DEFAULT_HOLD)
        return await self._query(partial(curve_of, CurveAsked(point, key, hold, low, high, resolution)))

    async def latest(self, points: Collection[str] | None = None) -> SampleBatch:
        """The sample received last of each point; a point never heard of has no row."""
        return await self._query(partial(latest_of, self._index_of(points)))

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
        return await self._query(partial(records_of, values))

    async def last_event(self) -> int:
        """Sequence of the newest journal entry that is kept; 0 where there is none."""
        return await self._query(lambda cursor, _: last_event_of(cursor))

    async def samples(
        self, points: Collection[str] | None, start: Instant, end: Instant, *, chunk: int = 65_536
    ) -> AsyncIterator[SampleBatch]:
        """Every sample with start <= receive time < end, in order of receive time, at most `chunk` rows a batch."""
        refuse(range_problems(start, end) + number_problems("chunk", chunk, _MOST_ROWS))
        wanted = Selection(self._index_of(points), start, end)
        async for batch in replay(self._query, wanted, chunk):
            yield batch

    async def sample_count(self) -> int:
        """All samples of all points."""
        return await self._query(count_of)

    async def maintain(self, now: Instant) -> bool:
        """One piece of housekeeping, a few seconds at most; True while more is waiting. Raises StoreFailed."""
        async with self._upkeep_turn:
            if self._sealed_at is None:
                self._sealed_at = now
            due = self._written >= SEAL_ROWS or now >= self._sealed_at + SEAL_AGE
            if due and self._written:
                await self._writing.run("seal", lambda: self._write("seal a table of", self._seal))
            if due:
                self._sealed_at = now
            sealed_at = self._sealed_at
            return await self._keeping.run(
                "maintain", lambda: self._write("put in order", lambda: self._upkeep.step(now, sealed_at))
            )

    async def size(self) -> HistorySize:
        """What the history holds now, and what it let go of."""
        waiting = await self._query(waiting_of)
        removed = await self._query(lambda cursor, _: removed_of(cursor))
        catalog = self._shelf.catalog
        return HistorySize(
            size=await self._query(lambda cursor, _: used_by(cursor, self._path, self._shelf)),
            budget=self._plan.budget,
            samples=waiting + sum(segment.samples for segment in catalog.of(Grain.SAMPLE)),
            waiting=waiting,
            expired=removed.get(Why.EXPIRED, 0),
            cut=removed.get(Why.BUDGET, 0),
            damaged=self._damaged,
        )

    async def snapshot(self, target: Path) -> None:
        """Make a history at `target`, of everything that is committed now; appends and reads go on, housekeeping waits.

        Raises StoreFailed.
        """
        async with self._upkeep_turn:
            with self._shelf.lent() as catalog:
                await self._keeping.run("copy", lambda: take(self._copying, catalog, target))

    async def close(self) -> None:
        """Finish what is under way and close the file; twice has the effect of once."""
        self._upkeep.interrupt()
        with suppress(duckdb.ConnectionException):  # closed already
            self._copying.interrupt()
        await self._keeping.close(_nothing)
        await self._reading.close(_nothing)
        await self._writing.close(self._database.close)

    def _append(self, batch: SampleBatch, keys: Indices) -> None:
        self._incoming.pour(sample_columns(batch, keys))
        self._written += len(batch)

    def _seal(self) -> None:
        """Go on with a new table: what is in the old one can be put in order without stopping the writer."""
        catalog = self._shelf.catalog
        following = Generation(catalog.generations[-1].number + 1, 0)
        with self._shelf.changing():
            with transaction(self._database):
                self._database.execute(sample_table(following.table))
                self._database.execute("INSERT INTO generation VALUES (?, 0)", [following.number])
            self._shelf.put(replace(catalog, generations=(*catalog.generations, following)))
        self._incoming.aim(_append_to(following))
        self._written = 0

    def _index_of(self, points: Collection[str] | None) -> Indices:
        """The index of each key; -1 for keys of points that are not chosen, or that the plant file lacks."""
        every = np.full(max(self._key_of.values(), default=-1) + 1, -1, dtype=np.int32)
        every[self._keys] = np.arange(len(self._keys), dtype=np.int32)
        if points is None:
            return every
        chosen = np.full_like(every, -1)
        for name in points:
            key = self._key_of.get(name, -1)
            if key < 0 or every[key] < 0:
                raise UnknownSubject("point", name)
            chosen[key] = every[key]
        return chosen

    def _write(self, doing: str, job: Callable[[], Result]) -> Result:
        """One transaction, on its own thread; after a failure of the disk there is no other."""
        if self._failed:
            raise StoreFailed(STORE, f"{doing} {self._path}", self._failed)
        try:
            return job()
        except (duckdb.DataError, duckdb.IntegrityError):
            raise  # the data is wrong, which is a bug, and the disk is not
        except (duckdb.Error, OSError) as error:
            if isinstance(error, duckdb.FatalException) or (doing == _APPENDING and not room_may_return(error)):
                self._failed = f"it failed before and is not trusted again: {cause(error)}"
            with suppress(duckdb.Error):
                self._database.rollback()
            raise StoreFailed(STORE, f"{doing} {self._path}", cause(error)) from error

    async def _query(self, job: Callable[[DuckDBPyConnection, Catalog], Result]) -> Result:
        return await self._reading.run("read", lambda: self._read(job))

    def _read(self, job: Callable[[DuckDBPyConnection, Catalog], Result]) -> Result:
        """One query on a connection of its own, on a reader thread, over a catalog that stays as it is."""
        cursor = self._cursors.get()
        try:
            while True:
                with self._shelf.lent() as catalog:
                    try:
                        return job(cursor, catalog)
                    except duckdb.CatalogException:
                        if catalog is self._shelf.catalog:
                            raise
        except duckdb.Error as error:
            raise StoreFailed(STORE, f"read {self._path}", cause(error)) from error
        finally:
            self._cursors.put(cursor)


def _append_to(generation: Generation) -> str:
    return f"INSERT INTO {generation.table} FROM incoming"


def range_problems(start: Instant, end: Instant) -> list[Problem]:
    if start <= end:
        return []
    return [wrong_field("end", f"a time at or after the start ({start})", str(end))]


def _resolution_problems(span: int, resolution: int) -> list[Problem]:
    least = max(1, -(-span // _MOST_BUCKETS))
    if resolution >= least:
        return []
    expected = f"{least} or more microseconds (at most {_MOST_BUCKETS} buckets)"
    return [wrong_field("resolution", expected, str(resolution))]


def number_problems(field: str, number: int, most: int) -> list[Problem]:
    if 1 <= number <= most:
        return []
    return [wrong_field(field, f"a number from 1 to {most}", str(number))]


def refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise RequestRefused(problems)


def _nothing() -> None:
    """The readers' last job: their cursors end with the database."""
