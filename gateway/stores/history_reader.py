"""A history that is only read: for a back-test over a data directory, of this version or an older one.

Never writes: no migration, no new point, no log taken into the file, nothing of a crash put right. The file is held
against writers while it is open, so that no gateway changes it meanwhile, and none can start on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from gateway.errors import StoreFailed
from gateway.sample import Instant, SampleBatch
from gateway.stores.history_replay import Selection, replay
from gateway.stores.history_schema import STORE, cause, name_directory, open_read_only
from gateway.stores.history_shelf import UNFINISHED, Catalog, Generation, Segment
from gateway.stores.history_upkeep import load_catalog
from gateway.stores.place import StoreThreads

Result = TypeVar("Result")

_ONE_TABLE = 1
"""The schema version in which all samples were in one table."""


class HistoryReader:
    """Samples of a file that stays as it is, to the byte. Get one from `open`."""

    def __init__(self, path: Path, database: DuckDBPyConnection, version: int, point_names: Sequence[str]) -> None:
        self._path = path
        self._database = database
        keys = dict(database.execute("SELECT name, key FROM point").fetchall())
        self._index_of = np.full(max(keys.values(), default=-1) + 1, -1, dtype=np.int32)
        for index, name in enumerate(point_names):
            if name in keys:
                self._index_of[keys[name]] = index
        self._catalog, self.damaged = _readable(_catalog_of(database, path, version))
        self._reading = StoreThreads(STORE, "reader", 1)

    @classmethod
    async def open(cls, path: Path, point_names: Sequence[str]) -> HistoryReader:
        """`point_names[i]` is the name of point index i in every batch; one that was never stored has no samples.

        Raises StoreFailed that names the file and says what to do.
        """
        return await asyncio.to_thread(cls._open, path, point_names)

    @classmethod
    def _open(cls, path: Path, point_names: Sequence[str]) -> HistoryReader:
        place = path.absolute()
        database, version = open_read_only(place)
        try:
            return cls(place, database, version, point_names)
        except duckdb.Error as error:
            database.close()
            raise StoreFailed(STORE, f"read {place}", cause(error)) from error

    def samples(self, start: Instant, end: Instant, *, chunk: int = 65_536) -> AsyncIterator[SampleBatch]:
        """What `gateway.store.History.samples` gives for all points."""
        return replay(self._query, Selection(self._index_of, start, end), chunk)

    async def close(self) -> None:
        """Let others have the file."""
        await self._reading.close(self._database.close)

    async def _query(self, job: Callable[[DuckDBPyConnection, Catalog], Result]) -> Result:
        return await self._reading.run("read", lambda: self._read(job))

    def _read(self, job: Callable[[DuckDBPyConnection, Catalog], Result]) -> Result:
        try:
            return job(self._database, self._catalog)
        except duckdb.Error as error:
            raise StoreFailed(STORE, f"read {self._path}", cause(error)) from error


def _catalog_of(database: DuckDBPyConnection, path: Path, version: int) -> Catalog:
    files = name_directory(path)
    if version > _ONE_TABLE:
        return load_catalog(database, files)[0]
    first = Generation(0, 0)
    database.execute(f"CREATE TEMP VIEW {first.table} AS SELECT * FROM sample")  # noqa: S608 - a name of ours
    return Catalog(files, (first,), (), {})


def _readable(catalog: Catalog) -> tuple[Catalog, tuple[str, ...]]:
    """The catalog of the files that are whole, under the names that they have now, and the names of the others."""
    whole: list[Segment] = []
    damaged = []
    for segment in catalog.segments:
        names = (segment.name, segment.name + UNFINISHED)
        found = next((name for name in names if _size(catalog.directory / name) == segment.size), None)
        if found is None:
            damaged.append(segment.name)
        else:
            whole.append(replace(segment, name=found))
    return replace(catalog, segments=tuple(whole)), tuple(damaged)


def _size(file: Path) -> int | None:
    return file.stat().st_size if file.is_file() else None
