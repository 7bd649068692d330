"""Contracts of the two stores: the journal (the truth) and the history (the curves).

What `Journal.commit` has returned from survives SIGKILL and power loss; nothing is shown before that.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.event import Entry, Event
from gateway.plant.keeping import DEFAULT_BUDGET, DEFAULT_KEEPING, Keeping
from gateway.plant.model import Plant
from gateway.sample import SECOND, Bytes, Floats, Instant, Instants, SampleBatch

DAY = 86_400 * SECOND


class StateKind(StrEnum):
    """What the journal keeps projections of."""

    ALARM = "alarm"
    DEMAND = "demand"
    TICKET = "ticket"
    CHECK = "check"
    INTERLOCK = "interlock"
    """What is kept of an interlock between its demands."""
    OUTPUT = "output"


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


@dataclass(frozen=True, slots=True)
class ChainEntry:
    """A journal entry as it is stored: with what proves its place."""

    sequence: int
    id: str
    kind: str
    at: Instant
    subject: str
    body: str
    previous_hash: str
    hash: str


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

    async def chain(self, after: int, limit: int) -> Sequence[ChainEntry]:
        """Like `read`, as the entries are stored."""
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

    async def rewind(self, follower: str, sequence: int) -> None:
        """Let this follower read again from here on, durably."""
        ...

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


@dataclass(frozen=True, slots=True)
class HistoryPlan:
    """What a history is asked to keep, and how large it may become."""

    budget: int = DEFAULT_BUDGET
    """Bytes on the disk. Beyond it the oldest samples go first, then the oldest minutes; events never."""
    keeping: Keeping = DEFAULT_KEEPING
    classes: Mapping[str, Keeping] = field(default_factory=dict)
    """Kept otherwise, by the name of a point class."""
    class_of: Mapping[str, str] = field(default_factory=dict)
    """Point class by point id, for the points that have one."""
    holds: Mapping[str, int] = field(default_factory=dict)
    """How long a value stands for its point if nothing follows it (microseconds), by point id."""

    def keeping_of(self, point_class: str) -> Keeping:
        return self.classes.get(point_class, self.keeping)


@dataclass(frozen=True, slots=True)
class HistorySize:
    """What the history holds now, and what it let go of."""

    size: int
    """Bytes on the disk."""
    budget: int
    samples: int
    waiting: int
    """Samples that are not compacted yet."""
    expired: int
    """Samples that went because their time was over, since the file was made."""
    cut: int
    """Samples that went before their time was over, because the budget was full."""
    damaged: tuple[str, ...]
    """Files of the history that are missing or have not the length that they were written with."""


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
    count: Instants
    """Samples in the bucket, of whatever quality."""
    not_good: Instants
    """How much of the bucket no good or uncertain value stood for (microseconds): bad quality and gaps alike."""
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


@dataclass(frozen=True, slots=True)
class Tally:
    """How many different samples, by point and source time, a store holds of some time."""

    samples: int
    numbers: int
    """Those with a value that is a number."""


class Copy(Protocol):
    """A store elsewhere that is given everything as well; writing twice has the effect of once."""

    async def prepare(self) -> str:
        """Set up what it needs there; what it may not, in words, empty if all is there. Raises StoreFailed."""
        ...

    async def append_samples(self, batch: SampleBatch) -> None:
        """Raises StoreFailed to be asked again, RecordsRefused for a batch with a sample that it can never take."""
        ...

    def bind(self, plant: Plant) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches whose point indices are those of another plant file."""
        ...

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Raises StoreFailed to be asked again, RecordsRefused for entries that it can never take."""
        ...

    async def tally(self, start: Instant, end: Instant) -> Tally:
        """What it holds with a source time in [start, end). Raises StoreFailed."""
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

    async def read(self, point: str, start: Instant, end: Instant, resolution: int) -> Curve:
        """The curve over start <= source time < end, in buckets of `resolution` microseconds from `start` on.

        Where start and resolution are whole minutes (hours), buckets may be made of kept minutes (hours); an
        `end` inside one of them then takes it in whole. Where samples have gone, their minutes stand in.
        Raises UnknownSubject for a point that never was; RequestRefused for a range that ends before it
        starts, a resolution below one, or more buckets than anybody can read.
        """
        ...

    async def latest(self, points: Collection[str] | None = None) -> SampleBatch:
        """The sample received last of each point (of all, if None); a point never heard of has no row."""
        ...

    async def read_events(
        self, start: Instant, end: Instant, *, kind_prefix: str = "", subject: str = "", limit: int = 1000
    ) -> Sequence[EventRecord]: ...

    async def last_event(self) -> int:
        """Sequence of the newest journal entry that is kept; 0 where there is none."""
        ...

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

    async def sample_count(self) -> int:
        """All samples that are kept, of all points."""
        ...

    async def maintain(self, now: Instant) -> bool:
        """One bounded piece of housekeeping (compaction, retention, budget) beside the writer.

        True while more is waiting. Raises StoreFailed; then nothing that was committed is lost.
        """
        ...

    async def size(self) -> HistorySize: ...

    async def snapshot(self, target: Path) -> None:
        """Make a history at `target`, of everything that is committed now, beside the writer. Raises StoreFailed."""
        ...

    async def close(self) -> None: ...
