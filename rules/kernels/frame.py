"""What all kernels share: the frame that a tick fills, what a node reads of it, and onsets.

A kernel owns the nodes of one operation at one depth. `step` advances all of them by one tick; `scan` advances
one of them by a block of ticks. Both read and write the same state, a column per field and a row per node,
and must give the same bits. A step never skips a node: nothing is short-circuited.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gateway.rule import PointColumns, Trace, Truth
from gateway.sample import Bytes, Floats, Instant, Instants
from rules.kernels.block import Block, fill

T = TypeVar("T", bound=np.generic)
Booleans = NDArray[np.bool_]
Places = NDArray[np.intp]
Slots = slice | Places
"""Where nodes stand in a column of the frame; a slice wherever they stand side by side."""

FALSE, TRUE, UNKNOWN = np.uint8(Truth.FALSE), np.uint8(Truth.TRUE), np.uint8(Truth.UNKNOWN)
NEVER = -(2**62)
"""Before every time that there is, by any duration."""

Candidate = Callable[[Places], Instants]
"""The onsets of the truths that have changed, by their places among the nodes (or ticks) at hand."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The outcome of every node at one tick: numbers by numeric slot, truths by truth slot."""

    value: Floats
    known: Booleans
    """Whether the value may be used at all."""
    time: Instants
    """Source time of the newest sample in the value, never later than now."""
    truth: Bytes
    onset: Instants
    """Source time at which the last known truth set in."""

    def bytes(self) -> int:
        return sum(column.nbytes for column in (self.value, self.known, self.time, self.truth, self.onset))


@dataclass(frozen=True, slots=True, eq=False)
class Numbers:
    """Numbers of several nodes at one tick, or of one node at several ticks."""

    value: Floats
    known: Booleans
    column: Instants
    slots: Slots | None = None
    """Where in `column` their times stand, if not all along it."""

    def time(self) -> Instants:
        return self.column if self.slots is None else pick(self.column, self.slots)

    def time_at(self, places: Places) -> Instants:
        return _pick_at(self.column, self.slots, places)


@dataclass(frozen=True, slots=True, eq=False)
class Truths:
    """Truths of several nodes at one tick, or of one node at several ticks."""

    truth: Bytes
    column: Instants
    slots: Slots | None = None
    """Where in `column` their onsets stand, if not all along it."""

    def onset_at(self, places: Places) -> Instants:
        return _pick_at(self.column, self.slots, places)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """What a stateless kernel computes from; `now` and the parameters are columns or single values."""

    numbers: tuple[Numbers, ...]
    truths: tuple[Truths, ...]
    parameters: tuple[Floats, ...]
    columns: PointColumns | Trace
    points: Slots | int
    """Where in `columns` the nodes' points stand; one point where the columns are ticks."""
    now: Instants

    def now_at(self, places: Places) -> Instants:
        return self.now if self.now.ndim == 0 else self.now[places]


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The nodes of one kernel: where they write, where they read, and their parameters."""

    out: slice
    arguments: tuple[Slots, ...]
    numeric: tuple[bool, ...]
    """Which arguments are numbers."""
    parameters: tuple[Floats, ...]
    onset: Instants
    """Their part of the frame's onsets; nothing where they are numbers."""

    @property
    def count(self) -> int:
        return int(self.out.stop - self.out.start)

    def durations(self, place: int = 0) -> Instants:
        """A parameter as whole microseconds."""
        return self.parameters[place].astype(np.int64)

    def whole(self, place: int) -> int:
        """A parameter that all of these nodes have in common."""
        return int(self.parameters[place][0])

    def numbers(self, frame: Frame, place: int) -> Numbers:
        slots = self.arguments[place]
        return Numbers(pick(frame.value, slots), pick(frame.known, slots), frame.time, slots)

    def truths(self, frame: Frame, place: int) -> Truths:
        slots = self.arguments[place]
        return Truths(pick(frame.truth, slots), frame.onset, slots)


class Kernel(ABC):
    """All nodes of one operation at one depth."""

    passes = 8
    """Array operations on each node a tick, at most: what `plan` counts."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    @abstractmethod
    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        """Advance all nodes by one tick."""

    @abstractmethod
    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Numbers | Truths:
        """Advance one node by a block of ticks; its outcome at each."""

    def states(self) -> tuple[NDArray[np.generic], ...]:
        """The state, of shape [..., nodes]: what `scan` and `step` share and a new program may take over."""
        return ()

    def begin(self, rows: Booleans, now: Instant) -> None:  # noqa: B027 - most have nothing to do
        """The first tick of these nodes is at hand: everything before it is unknown."""

    def settle(self, now: Instant) -> None:  # noqa: B027 - most have nothing to do
        """All nodes are as of the tick at `now`: bring what they have in common there too."""

    def bytes(self) -> int:
        """Bytes of state and indices; fixed from the start."""
        slots = [slots.nbytes for slots in self.nodes.arguments if not isinstance(slots, slice)]
        return sum(slots) + sum(a.nbytes for a in self.nodes.parameters) + sum(a.nbytes for a in self.states())


class Onset:
    """Remembers since when a truth has stood; an UNKNOWN in between changes nothing."""

    def __init__(self, since: Instants) -> None:
        self.last = np.full(len(since), UNKNOWN)
        self.since = since

    def track(self, truth: Bytes, candidate: Candidate) -> None:
        """Note the truths of all nodes at one tick; `candidate` is asked only for those that have changed."""
        changed = truth != self.last
        changed &= truth != UNKNOWN
        if changed.any():
            places = np.flatnonzero(changed)
            self.since[places] = candidate(places)
            self.last[places] = truth[places]

    def trace(self, row: int, truth: Bytes, candidate: Candidate) -> Instants:
        """Note the truths of one node at many ticks; its onset at each."""
        before = self.since[row]
        places = changes(truth, self.last[row])
        if not len(places):
            return np.broadcast_to(before, truth.shape)
        values = np.broadcast_to(candidate(places), places.shape)
        self.last[row], self.since[row] = truth[places[-1]], values[-1]
        return fill(before, places, values, len(truth))


class TruthKernel(Kernel):
    """Base of kernels whose outcome is a truth with an onset."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self.tracker = Onset(nodes.onset)

    def emit(self, frame: Frame, truth: Bytes, candidate: Candidate) -> None:
        out = frame.truth[self.nodes.out]
        out[:] = truth
        self.tracker.track(out, candidate)

    def emitted(self, row: int, truth: Bytes, candidate: Candidate) -> Truths:
        return Truths(truth, self.tracker.trace(row, truth, candidate))

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (self.tracker.last, self.tracker.since)


class Stateless(Kernel):
    """Base of kernels that are one formula over columns, whether those are nodes or ticks."""

    reads_points = False
    """Whether the first parameter of the nodes is the index of a point."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._rows = [int(point) for point in nodes.parameters[0]] if self.reads_points else []
        self._points = slots(self._rows) if self.reads_points else slice(0, 0)

    def _at_tick(self, frame: Frame, columns: PointColumns, now: Instant) -> Inputs:
        nodes = self.nodes
        places = range(len(nodes.arguments))
        return Inputs(
            tuple(nodes.numbers(frame, place) for place in places if nodes.numeric[place]),
            tuple(nodes.truths(frame, place) for place in places if not nodes.numeric[place]),
            nodes.parameters,
            columns,
            self._points,
            np.asarray(now, dtype=np.int64),
        )

    def _over_ticks(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Inputs:
        return Inputs(
            tuple(argument for argument in arguments if isinstance(argument, Numbers)),
            tuple(argument for argument in arguments if isinstance(argument, Truths)),
            tuple(column[row : row + 1] for column in self.nodes.parameters),
            block.trace,
            self._rows[row] if self.reads_points else 0,
            block.now,
        )


class StatelessNumber(Stateless):
    """A formula whose outcome is a number."""

    @abstractmethod
    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        """Value, whether it is known, and its time."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        value, known, time = self.compute(self._at_tick(frame, columns, now))
        out = self.nodes.out
        frame.value[out], frame.known[out], frame.time[out] = value, known, time

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Numbers:
        value, known, time = self.compute(self._over_ticks(row, arguments, block))
        shape = block.now.shape
        return Numbers(np.broadcast_to(value, shape), np.broadcast_to(known, shape), np.broadcast_to(time, shape))


class StatelessTruth(TruthKernel, Stateless):
    """A formula whose outcome is a truth."""

    @abstractmethod
    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        """The truths, and the onsets of those that have changed."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        self.emit(frame, *self.compute(self._at_tick(frame, columns, now)))

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        truth, candidate = self.compute(self._over_ticks(row, arguments, block))
        return self.emitted(row, np.broadcast_to(truth, block.now.shape), candidate)


def slots(places: Sequence[int]) -> Slots:
    """Places in a column: a slice if they are side by side or all the same (then of one), else indices."""
    indices = np.array(places, dtype=np.intp)
    first = int(indices[0])
    if (indices == first).all():
        return slice(first, first + 1)
    if (np.diff(indices) == 1).all():
        return slice(first, first + len(indices))
    return indices


def pick(column: NDArray[T], where: Slots) -> NDArray[T]:
    return column[where] if isinstance(where, slice) else column.take(where)


def _pick_at(column: Instants, where: Slots | None, places: Places) -> Instants:
    if where is None:
        return column[places]
    if not isinstance(where, slice):
        return column[where[places]]
    view = column[where]
    return view if len(view) == 1 else view[places]


def changes(truth: Bytes, before: np.uint8) -> Places:
    """The ticks at which a known truth differs from the last known one."""
    known = truth != UNKNOWN
    if known.all():
        return _differences(truth, before)
    places = np.flatnonzero(known)
    return places[_differences(truth[places], before)]


def _differences(truth: Bytes, before: np.uint8) -> Places:
    different = np.empty(len(truth), dtype=np.bool_)
    if len(truth):
        different[0] = truth[0] != before
        np.not_equal(truth[1:], truth[:-1], out=different[1:])
    return np.flatnonzero(different)


def either(truth: Booleans, unknown: Booleans) -> Bytes:
    """Truths: UNKNOWN where `unknown`, else as `truth` says; bits, because a choice would be slower."""
    lost = unknown.view(np.uint8)
    outcome: Bytes = (truth.view(np.uint8) & (lost ^ np.uint8(1))) | (lost << np.uint8(1))
    return outcome
