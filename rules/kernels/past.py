"""Once, since and count: whether something was so at a tick in a bounded past. Exact, with bounded memory.

Each is worked out twice, as a plane each of two-valued logic: from what is certain, and from what is possible.
TRUE is what is certain, FALSE what is not even possible; all before the first tick is possible. So a known
outcome is right whatever the unknown inputs were.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.rule import PointColumns
from gateway.sample import Bytes, Instant, Instants
from rules.graph import ALWAYS, Op
from rules.kernels.block import Block, fill, shifted
from rules.kernels.frame import (
    FALSE,
    NEVER,
    TRUE,
    UNKNOWN,
    Booleans,
    Frame,
    Nodes,
    Numbers,
    TruthKernel,
    Truths,
    either,
)

LATE = -NEVER
"""After every time that there is."""


class Plane(ABC):
    """Ticks at which something happened, each remembered until a tick that wipes out all before it."""

    @abstractmethod
    def begin(self, rows: Booleans, now: Instant) -> None:
        """For these nodes, anything may have happened at every time before `now`."""

    @abstractmethod
    def step(self, wiped: Booleans | None, event: Booleans, now: Instant) -> Booleans:
        """Whether it happened in the window as of this tick, for all nodes."""

    @abstractmethod
    def scan(self, row: int, wiped: Booleans | None, event: Booleans, block: Block) -> Booleans:
        """The same for one node at many ticks."""

    @abstractmethod
    def states(self) -> tuple[NDArray[np.generic], ...]: ...

    def settle(self, now: Instant) -> None:  # noqa: B027 - most have nothing in common
        """All nodes are as of the tick at `now`."""


class Latest(Plane):
    """Whether it happened within b: one time a node, the latest."""

    def __init__(self, b: Instants) -> None:
        self._b = b
        self._last = np.full(len(b), NEVER)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (self._last,)

    def begin(self, rows: Booleans, now: Instant) -> None:
        self._last[rows] = now - 1

    def step(self, wiped: Booleans | None, event: Booleans, now: Instant) -> Booleans:
        if wiped is not None:
            np.copyto(self._last, NEVER, where=wiped)
        np.copyto(self._last, now, where=event)
        within: Booleans = self._last >= now - self._b
        return within

    def scan(self, row: int, wiped: Booleans | None, event: Booleans, block: Block) -> Booleans:
        now = block.now
        places = np.flatnonzero(event if wiped is None else event | wiped)
        times = now[places] if wiped is None else np.where(event[places], now[places], NEVER)
        last = fill(self._last[row], places, times, len(now))
        self._last[row] = last[-1]
        within: Booleans = last >= now - self._b[row]
        return within


class Earliest(Plane):
    """Whether it happened at least a ago: one time a node, the earliest."""

    def __init__(self, a: Instants) -> None:
        self._a = a
        self._first = np.full(len(a), LATE)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (self._first,)

    def begin(self, rows: Booleans, now: Instant) -> None:
        del now
        self._first[rows] = NEVER

    def step(self, wiped: Booleans | None, event: Booleans, now: Instant) -> Booleans:
        if wiped is not None:
            np.copyto(self._first, LATE, where=wiped)
        np.copyto(self._first, now, where=event & (self._first == LATE))
        before: Booleans = self._first <= now - self._a
        return before

    def scan(self, row: int, wiped: Booleans | None, event: Booleans, block: Block) -> Booleans:
        now = block.now
        places = np.flatnonzero(event if wiped is None else event | wiped)
        happened = event[places]
        begins = happened & ~shifted(happened, self._first[row] != LATE)
        turns = begins if wiped is None else begins | wiped[places]
        places, happened = places[turns], happened[turns]
        first = fill(self._first[row], places, np.where(happened, now[places], LATE), len(now))
        self._first[row] = first[-1]
        before: Booleans = first <= now - self._a[row]
        return before


class Sliced(Plane):
    """Whether it happened in [now-b, now-a]: the earliest and latest time in each slice of the clock since now-a.

    Slices are as wide as the window, so that its two ends never fall into the same one: in the slice of now-a
    the earliest time decides, of all slices before that the latest.
    """

    def __init__(self, count: int, a: int, b: int) -> None:
        self._a, self._b = a, b
        self._width = b - a
        self._slices = a // self._width + 2
        self._early = np.full((self._slices, count), LATE)
        self._late = np.full((self._slices, count), NEVER)
        self._passed = np.full(count, NEVER)
        """The latest time in the slices before that of now-a."""
        self._any = np.zeros(count, dtype=np.bool_)
        """Whether there is anything to wipe out."""
        self._now: Instant | None = None

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (self._early, self._late, self._passed, self._any)

    def settle(self, now: Instant) -> None:
        self._now = now

    def begin(self, rows: Booleans, now: Instant) -> None:
        self._passed[rows], self._any[rows] = now - 1, True

    def step(self, wiped: Booleans | None, event: Booleans, now: Instant) -> Booleans:
        self._advance(now)
        if wiped is not None:
            wiped = wiped & self._any
            if wiped.any():
                self._early[:, wiped], self._late[:, wiped] = LATE, NEVER
                self._passed[wiped], self._any[wiped] = NEVER, False
        if event.any():
            column = now // self._width % self._slices
            early = self._early[column]
            np.copyto(early, now, where=event & (early == LATE))
            np.copyto(self._late[column], now, where=event)
            self._any |= event
        upper = now - self._a
        found: Booleans = self._early[upper // self._width % self._slices] <= upper
        found |= self._passed >= now - self._b
        return found

    def _advance(self, now: Instant) -> None:
        """Take in what has passed now-a since the last tick, then empty the slices that begin."""
        before, self._now = self._now, now
        if before is None:
            return
        last, upto = before // self._width, (now - self._a) // self._width
        for number in range((before - self._a) // self._width, min(upto, last + 1)):
            np.maximum(self._passed, self._late[number % self._slices], out=self._passed)
        newest = now // self._width
        for number in range(max(last, newest - self._slices) + 1, newest + 1):
            self._early[number % self._slices] = LATE
            self._late[number % self._slices] = NEVER

    def scan(self, row: int, wiped: Booleans | None, event: Booleans, block: Block) -> Booleans:
        now, length = block.now, len(block.now)
        kept = self._kept(row)
        events = np.flatnonzero(event)
        wipes = np.flatnonzero(wiped) if wiped is not None else events[:0]
        wiped_at = fill(-1, wipes, wipes, length)
        until = block.latest_until(self._a)
        latest_event = fill(-1, events, events, length)
        place = np.where(until >= 0, latest_event[until], -1)
        time = np.where(place >= 0, now[place], self._latest_kept(row, kept, now - self._a))
        found: Booleans = (place >= wiped_at) & (time >= now - self._b)
        self._keep(row, kept, events, int(wiped_at[-1]), now)
        return found

    def _kept(self, row: int) -> Instants:
        """The times since now-a that the state knows of, in order."""
        both = np.concatenate([self._early[:, row], self._late[:, row]])
        return np.sort(both[(both > NEVER) & (both < LATE)])

    def _latest_kept(self, row: int, kept: Instants, upper: Instants) -> Instants:
        """The latest time until `upper` before this block."""
        times = np.concatenate([self._passed[row : row + 1], kept])
        if not len(kept):
            return np.broadcast_to(times[0], upper.shape)
        return times[np.searchsorted(kept, upper, side="right")]

    def _keep(self, row: int, kept: Instants, events: NDArray[np.intp], wiped_at: int, now: Instants) -> None:
        """Bring the state of a node to the end of a block."""
        if wiped_at >= 0:
            self._passed[row], kept = NEVER, kept[:0]
        times = np.concatenate([kept, now[events[events >= wiped_at]]])
        begin = (int(now[-1]) - self._a) // self._width * self._width
        passed, recent = times[times < begin], times[times >= begin]
        if len(passed):
            self._passed[row] = passed[-1]
        self._early[:, row], self._late[:, row] = LATE, NEVER
        columns = recent // self._width % self._slices
        self._late[columns, row] = recent
        self._early[columns[::-1], row] = recent[::-1]
        self._any[row] = len(times) > 0 or self._passed[row] > NEVER


def _plane(nodes: Nodes) -> Plane:
    a, b = nodes.whole(0), nodes.whole(1)
    if a == 0:
        return Latest(nodes.durations(1))
    if b >= ALWAYS:
        return Earliest(nodes.durations(0))
    return Sliced(nodes.count, a, b)


class Past(TruthKernel):
    """`since(f, g)`: g at a tick t in [now-b, now-a] and f at all ticks after t; `once(g)` without f.

    Sets in with its newest argument that is as the outcome is, or else at the tick at which time decided.
    """

    passes = 20

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._once = op is Op.ONCE
        self._certain, self._possible = _plane(nodes), _plane(nodes)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), *self._certain.states(), *self._possible.states())

    def begin(self, rows: Booleans, now: Instant) -> None:
        self._possible.begin(rows, now)

    def settle(self, now: Instant) -> None:
        self._certain.settle(now)
        self._possible.settle(now)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        arguments = [self.nodes.truths(frame, place) for place in range(len(self.nodes.arguments))]
        until, event = (None if self._once else arguments[0].truth), arguments[-1].truth
        certain = self._certain.step(None if until is None else until != TRUE, event == TRUE, now)
        possible = self._possible.step(None if until is None else until == FALSE, event != FALSE, now)
        truth = either(certain, certain ^ possible)
        self.emit(frame, truth, lambda places: self._onset(places, arguments, truth, np.asarray(now)))

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        truths = [argument for argument in arguments if isinstance(argument, Truths)]
        until, event = (None if self._once else truths[0].truth), truths[-1].truth
        certain = self._certain.scan(row, None if until is None else until != TRUE, event == TRUE, block)
        possible = self._possible.scan(row, None if until is None else until == FALSE, event != FALSE, block)
        truth = either(certain, certain ^ possible)
        return self.emitted(row, truth, lambda places: self._onset(places, truths, truth, block.now[places]))

    @staticmethod
    def _onset(places: NDArray[np.intp], arguments: Sequence[Truths], truth: Bytes, now: Instants) -> Instants:
        outcome = truth[places]
        onset = np.broadcast_to(now, places.shape)
        for argument in arguments:
            like = np.broadcast_to(argument.truth, truth.shape)[places] == outcome
            onset = np.where(like, argument.onset_at(places), onset)
        return onset


class CountAtLeast(TruthKernel):
    """TRUE if the argument was TRUE at n ticks within the window; FALSE only if all of it is known."""

    passes = 12

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._number, self._window = nodes.whole(0), nodes.whole(1)
        self._times = np.full((self._number, nodes.count), NEVER)
        """The latest n times; `_next` says which of them is the earliest."""
        self._next = np.zeros(nodes.count, dtype=np.intp)
        self._nth = np.full(nodes.count, NEVER)
        self._unknown = np.full(nodes.count, NEVER)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._times, self._next, self._nth, self._unknown)

    def begin(self, rows: Booleans, now: Instant) -> None:
        self._unknown[rows] = now - 1

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        argument = self.nodes.truths(frame, 0)
        event = argument.truth == TRUE
        if event.any():
            rows = np.flatnonzero(event)
            self._times[self._next[rows], rows] = now
            self._next[rows] = (self._next[rows] + 1) % self._number
            self._nth[rows] = self._times[self._next[rows], rows]
        np.copyto(self._unknown, now, where=argument.truth == UNKNOWN)
        truth = self._outcome(self._nth, self._unknown, np.asarray(now))
        self.emit(frame, truth, lambda places: np.where(event[places], argument.onset_at(places), now))

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        (argument,) = (argument for argument in arguments if isinstance(argument, Truths))
        now, length = block.now, len(block.now)
        event = argument.truth == TRUE
        places, lost = np.flatnonzero(event), np.flatnonzero(argument.truth == UNKNOWN)
        times = np.concatenate([np.roll(self._times[:, row], -int(self._next[row])), now[places]])
        nth = fill(self._nth[row], places, times[1 : len(places) + 1], length)
        unknown = fill(self._unknown[row], lost, now[lost], length)
        self._times[:, row], self._next[row] = times[-self._number :], 0
        self._nth[row], self._unknown[row] = nth[-1], unknown[-1]
        truth = self._outcome(nth, unknown, now)
        return self.emitted(row, truth, lambda at: np.where(event[at], argument.onset_at(at), now[at]))

    def _outcome(self, nth: Instants, unknown: Instants, now: Instants) -> Bytes:
        begin = now - self._window
        enough = nth >= begin
        return either(enough, (unknown >= begin) & ~enough)
