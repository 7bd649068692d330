"""The files of a history: which there are, who reads them, and when one that is no longer needed may go.

Immutable Parquet files beside the database; the database's `segment` table says which count. A file that
no table names is never removed: it may be the only copy of something.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from gateway.stores.place import sync_directory

UNFINISHED = ".new"
"""Suffix of a file that no transaction has named yet."""


class Grain(IntEnum):
    """What a row of a segment is. Stored; never renumber."""

    SAMPLE = 0
    MINUTE = 1
    HOUR = 2


class Level(IntEnum):
    """How often a segment has been put in order. Stored; never renumber."""

    FRESH = 0
    """One sealed table, all points of all classes."""
    DAY = 1
    """One day of one class, whole."""
    MONTH = 2


@dataclass(frozen=True, slots=True)
class Segment:
    """One immutable file, sorted by point and time, and what it can hold at all."""

    name: str
    grain: Grain
    level: Level
    point_class: str
    """Empty for points without a class, and for fresh segments."""
    point_low: int
    point_high: int
    """Keys of the points in it lie between these, both included."""
    source_low: int
    source_high: int
    """Source times (bucket starts) in it lie between these, both included."""
    receive_low: int
    receive_high: int
    """Receive times of the samples it stands for lie between these, both included."""
    samples: int
    """Samples that it stands for."""
    size: int
    """Bytes."""
    sha256: str


@dataclass(frozen=True, slots=True)
class Generation:
    """A table `recent_<number>` of samples as they came."""

    number: int
    done: int
    """Its first rows that are in segments already."""

    @property
    def table(self) -> str:
        return f"recent_{self.number}"


@dataclass(frozen=True, slots=True)
class Catalog:
    """Everything that counts as of one transaction: each sample once in a generation or a sample segment."""

    directory: Path
    """Where the segments lie."""
    generations: tuple[Generation, ...]
    """Oldest first; the last is being written."""
    segments: tuple[Segment, ...]
    cut: dict[tuple[str, Grain], int]
    """By class and grain: what was received up to here has gone."""

    def of(self, grain: Grain) -> Iterator[Segment]:
        return (segment for segment in self.segments if segment.grain is grain)

    def gone_until(self, point_class: str, grain: Grain) -> int:
        return self.cut.get((point_class, grain), -(2**63))


class Shelf:
    """The present catalog, lent to readers; a file that left it goes when the last reader that saw it is done."""

    def __init__(self, catalog: Catalog) -> None:
        self.directory = catalog.directory
        self._catalog = catalog
        self._lock = threading.Lock()
        self._serial = 0
        self._reading: set[int] = set()
        self._leaving: list[tuple[int, str]] = []

    @property
    def catalog(self) -> Catalog:
        return self._catalog

    @contextmanager
    def lent(self) -> Iterator[Catalog]:
        """The catalog as of now; its files stay until the end of the block."""
        with self._lock:
            self._serial += 1
            mine = self._serial
            self._reading.add(mine)
            catalog = self._catalog
        try:
            yield catalog
        finally:
            with self._lock:
                self._reading.discard(mine)

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold while the database commits and `put` follows, so that no reader falls between the two."""
        with self._lock:
            yield

    def put(self, catalog: Catalog) -> None:
        """The new catalog; only inside `changing`."""
        staying = {segment.name for segment in catalog.segments}
        left = [segment.name for segment in self._catalog.segments if segment.name not in staying]
        self._leaving += [(self._serial, name) for name in left]
        self._catalog = catalog

    def free(self) -> list[str]:
        """Names of files that left the catalog and that nobody reads any more."""
        with self._lock:
            oldest = min(self._reading, default=self._serial + 1)
            return [name for serial, name in self._leaving if serial < oldest]

    def remove(self, names: Sequence[str]) -> None:
        """Take files off the disk."""
        for name in names:
            (self.directory / name).unlink(missing_ok=True)
        with self._lock:
            gone = set(names)
            self._leaving = [(serial, name) for serial, name in self._leaving if name not in gone]

    def finish(self, names: Sequence[str]) -> None:
        """Give files that a transaction has named their names, durably."""
        for name in names:
            (self.directory / (name + UNFINISHED)).replace(self.directory / name)
        sync_directory(self.directory)

    def bytes(self) -> int:
        return sum(segment.size for segment in self._catalog.segments)


def sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def recover(directory: Path, segments: Sequence[Segment], retired: Sequence[str]) -> tuple[str, ...]:
    """Finish or undo what a crash left, and return the names of segments that are missing or have another length."""
    if not directory.is_dir():
        return tuple(segment.name for segment in segments)
    damaged = []
    for segment in segments:
        place = directory / segment.name
        unfinished = place.with_name(place.name + UNFINISHED)
        if not place.exists() and unfinished.exists():
            unfinished.replace(place)
        if not place.is_file() or place.stat().st_size != segment.size:
            damaged.append(segment.name)
    for leftover in directory.glob(f"*{UNFINISHED}"):
        leftover.unlink()
    for name in retired:
        (directory / name).unlink(missing_ok=True)
    sync_directory(directory)
    return tuple(damaged)
