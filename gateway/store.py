"""Contracts of the two stores: the journal (the truth) and the history (the curves).

What `Journal.commit` has returned from survives SIGKILL and power loss; nothing is shown before that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from gateway.event import Entry, Event
from gateway.plant.model import Plant
from gateway.sample import Bytes, Floats, Instant, Instants, SampleBatch


class StateKind(StrEnum):
    """What the journal keeps projections of."""

    ALARM = "alarm"
    DEMAND = "demand"
    TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class StateRow:
    """The present state of one alarm, demand or ticket, as its machine encodes it."""

    kind: StateKind
    id: str
    standing: bool
    """False once it needs nobody any more; such rows are history, kept but not loaded at start."""
    body: str


@dataclass(frozen=True, slots=True)
class Aside:
    """An entry that a follower's target refused for what it says: passed over, and kept in sight."""

    sequence: int
    cause: str


class Journal(Protocol):
    """Append-only, hash-chained. One writer; any number of readers."""

    async def commit(self, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        """Append events and replace state rows in one durable transaction.

        An event whose id is already there is left out of the result: twice has the effect of once.
        Raises StoreFailed; then nothing of the call is kept.
        """
        ...

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """Entries with a sequence above `after`, oldest first, at most `limit`."""
        ...

    async def last_sequence(self) -> int:
        """Sequence of the newest entry; 0 where there is none."""
        ...

    async def states(self, kind: StateKind, *, standing_only: bool) -> Sequence[StateRow]: ...

    async def state(self, kind: StateKind, subject: str) -> StateRow | None: ...

    async def cursor(self, follower: str) -> int:
        """How far this follower has read; 0 for a new one."""
        ...

    async def advance(self, follower: str, sequence: int) -> None: ...

    async def set_aside(self, follower: str, sequence: int, cause: str) -> None:
        """Keep in sight, durably, that this follower passes over an entry, and why."""
        ...

    async def aside(self, follower: str) -> Sequence[Aside]:
        """What this follower has passed over, oldest first."""
        ...

    async def verify(self) -> int | None:
        """Recompute the hash chain; the first sequence at which it breaks, or None."""
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One point over a time, in buckets that keep the extremes; empty buckets are absent."""

    point: str
    start: Instants
    """Bucket start."""
    low: Floats
    high: Floats
    mean: Floats
    """NaN where the bucket holds no good value."""
    last: Floats
    worst: Bytes
    """Worst `Quality` in the bucket."""
    bucket: int
    """Bucket width (microseconds)."""


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event as the time-series store keeps it, beside the curves."""

    sequence: int
    at: Instant
    kind: str
    subject: str
    equipment: str
    body: str


class Copy(Protocol):
    """A store elsewhere that is given everything as well; writing twice has the effect of once."""

    async def append_samples(self, batch: SampleBatch) -> None:
        """Raises StoreFailed; the caller holds the batch and tries again."""
        ...

    def bind(self, plant: Plant) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches whose point indices are those of another plant file."""
        ...

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Raises StoreFailed to be asked again, RecordsRefused for entries that it can never take."""
        ...

    async def close(self) -> None: ...


class History(Protocol):
    """Time-series store: samples, and the alarm, interlock and ticket events beside them."""

    async def append(self, batch: SampleBatch) -> None:
        """Keep a batch durably. Raises StoreFailed; then nothing of the batch is kept."""
        ...

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Keep journal entries; one that is already there stays once."""
        ...

    async def read(self, point: str, start: Instant, end: Instant, buckets: int) -> Curve:
        """Raises UnknownSubject for a point that never was, RequestRefused for a range that ends before it starts."""
        ...

    async def read_events(
        self, start: Instant, end: Instant, *, kind_prefix: str = "", subject: str = "", limit: int = 1000
    ) -> Sequence[EventRecord]: ...

    def samples(
        self, points: Collection[str] | None, start: Instant, end: Instant, *, chunk: int = 65_536
    ) -> AsyncIterator[SampleBatch]:
        """Every sample with start <= receive time < end, in order of receive time, at most `chunk` rows a batch.

        `points`: ids, or None for all that the plant file has now; a batch's `point` is their index there.
        Samples of equal receive time keep an order that never changes. The writer goes on meanwhile; what it
        adds before the place that was reached is left out. Raises, at the first batch, UnknownSubject for an
        id that the plant file does not have, RequestRefused for a range or chunk that does not hold.
        """
        ...

    async def sample_count(self) -> int: ...

    async def close(self) -> None: ...
