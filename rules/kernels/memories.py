"""Delays, edges and latches: what a truth or a number was before this tick, in a few values a node.

Delays run by `now`, so that silence cannot stop them and a wrong source clock cannot shorten them; onsets are
source times. An UNKNOWN leaves every memory as it stands, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.rule import PointColumns
from gateway.sample import Bytes, Instant, Instants
from rules.kernels.block import Block, fill, shifted
from rules.kernels.frame import (
    FALSE,
    TRUE,
    UNKNOWN,
    Booleans,
    Frame,
    Nodes,
    Numbers,
    Places,
    TruthKernel,
    Truths,
    either,
)


class Delay(TruthKernel):
    """TRUE once the argument has been TRUE for the duration, counted from the tick that saw it first.

    While the argument is UNKNOWN so is the outcome; the count goes on but cannot end. Strictly, as for
    the return to normal, an UNKNOWN starts the count anew: lost time is not normal time.
    """

    passes = 12

    def __init__(self, nodes: Nodes, *, strict: bool) -> None:
        super().__init__(nodes)
        self._strict = strict
        self._duration = nodes.durations()
        self._active = np.zeros(nodes.count, dtype=np.bool_)
        self._started = np.zeros(nodes.count, dtype=np.int64)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._active, self._started)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        argument = self.nodes.truths(frame, 0)
        is_true = argument.truth == TRUE
        begins = is_true & ~self._active
        if begins.any():
            self._started[begins] = now
        if self._strict:
            self._active[:] = is_true
        else:
            self._active &= argument.truth == UNKNOWN
            self._active |= is_true
        pending = self._started > now - self._duration
        pending &= is_true
        self.emit(frame, argument.truth ^ pending.view(np.uint8), argument.onset_at)

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        (argument,) = _truths(arguments)
        places = None if self._strict else _known(argument.truth)
        truth = argument.truth if places is None else argument.truth[places]
        now = block.now if places is None else block.now[places]
        is_true = truth == TRUE
        begins = np.flatnonzero(is_true & ~shifted(is_true, self._active[row]))
        started = fill(self._started[row], begins, now[begins], len(now))
        pending = is_true & (started > now - self._duration[row])
        outcome = truth ^ pending.view(np.uint8)
        if len(now):
            self._active[row], self._started[row] = is_true[-1], started[-1]
        return self.emitted(row, _spread(outcome, places, len(block.now)), argument.onset_at)


class Latch(TruthKernel):
    """TRUE from set until reset: `set or (before and not reset)`, in Kleene's logic.

    While that is UNKNOWN the memory stands, so that a value that comes back above its clear limit is
    TRUE again at once, with its first onset.
    """

    passes = 14

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._memory = np.zeros(nodes.count, dtype=np.bool_)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._memory)

    def resume(self, row: int, onset: Instant) -> None:
        """Start as set, since `onset`."""
        self._memory[row] = True
        self.tracker.last[row], self.tracker.since[row] = TRUE, onset

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        raised, cleared = self.nodes.truths(frame, 0), self.nodes.truths(frame, 1)
        is_true, is_false = self._outcome(raised.truth, cleared.truth, self._memory)
        self._memory &= ~is_false
        self._memory |= is_true
        self._emit_at(frame, raised, cleared, is_true, is_false)

    def _emit_at(self, frame: Frame, raised: Truths, cleared: Truths, is_true: Booleans, is_false: Booleans) -> None:
        truth = either(is_true, ~(is_true | is_false))
        self.emit(frame, truth, lambda places: self._onset(places, raised, cleared, truth))

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        raised, cleared = _truths(arguments)
        sets = raised.truth == TRUE
        turns = np.flatnonzero(sets | ((raised.truth == FALSE) & (cleared.truth == TRUE)))
        after = fill(self._memory[row], turns, sets[turns], len(block.now))
        is_true, is_false = self._outcome(raised.truth, cleared.truth, shifted(after, self._memory[row]))
        self._memory[row] = after[-1]
        truth = either(is_true, ~(is_true | is_false))
        return self.emitted(row, truth, lambda places: self._onset(places, raised, cleared, truth))

    @staticmethod
    def _outcome(raised: Bytes, cleared: Bytes, memory: Booleans) -> tuple[Booleans, Booleans]:
        is_true = (raised == TRUE) | (memory & (cleared == FALSE))
        is_false = (raised == FALSE) & (~memory | (cleared == TRUE))
        return is_true, is_false

    @staticmethod
    def _onset(places: Places, raised: Truths, cleared: Truths, truth: Bytes) -> Instants:
        from_reset = (truth[places] == FALSE) & (np.broadcast_to(cleared.truth, truth.shape)[places] == TRUE)
        return np.where(from_reset, cleared.onset_at(places), raised.onset_at(places))


class Rises(TruthKernel):
    """TRUE for the one tick at which the argument turns from FALSE to TRUE; an UNKNOWN between is bridged."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._previous = np.full(nodes.count, UNKNOWN)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._previous)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        argument = self.nodes.truths(frame, 0)
        unknown = argument.truth == UNKNOWN
        rise = (argument.truth == TRUE) & (self._previous == FALSE)
        np.copyto(self._previous, argument.truth, where=~unknown)
        self.emit(frame, either(rise, unknown), argument.onset_at)

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        (argument,) = _truths(arguments)
        places = _known(argument.truth)
        truth = argument.truth if places is None else argument.truth[places]
        rise = (truth == TRUE) & (shifted(truth, self._previous[row]) == FALSE)
        if len(truth):
            self._previous[row] = truth[-1]
        return self.emitted(row, _spread(rise.view(np.uint8), places, len(block.now)), argument.onset_at)


class Changed(TruthKernel):
    """TRUE for the one tick at which a number differs from the last known one."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._previous = np.full(nodes.count, np.nan)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._previous)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        number = self.nodes.numbers(frame, 0)
        changed = (number.value != self._previous) & ~np.isnan(self._previous)
        np.copyto(self._previous, number.value, where=number.known)
        self.emit(frame, either(changed, ~number.known), number.time_at)

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        (number,) = _numbers(arguments)
        places = None if number.known.all() else np.flatnonzero(number.known)
        value = number.value if places is None else number.value[places]
        previous = shifted(value, self._previous[row])
        changed = (value != previous) & ~np.isnan(previous)
        if len(value):
            self._previous[row] = value[-1]
        return self.emitted(row, _spread(changed.view(np.uint8), places, len(block.now)), number.time_at)


class Stuck(TruthKernel):
    """TRUE once a number has been exactly the same for the duration, UNKNOWN until so much has been seen.

    A gap starts the count anew.
    """

    passes = 14

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._duration = nodes.durations()
        self._previous = np.full(nodes.count, np.nan)
        self._since = np.zeros(nodes.count, dtype=np.int64)
        self._onset = np.zeros(nodes.count, dtype=np.int64)
        self._moved = np.zeros(nodes.count, dtype=np.bool_)
        """Whether it moved at `since`, rather than came into sight."""

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), self._previous, self._since, self._onset, self._moved)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        number = self.nodes.numbers(frame, 0)
        begins = number.known & (number.value != self._previous)
        if begins.any():
            places = np.flatnonzero(begins)
            self._since[places], self._onset[places] = now, number.time_at(places)
            self._moved[places] = ~np.isnan(self._previous[places])
        self._previous[:] = number.value
        np.copyto(self._previous, np.nan, where=~number.known)
        stuck = self._since <= now - self._duration
        truth = either(stuck, ~number.known | ~(stuck | self._moved))
        self.emit(frame, truth, lambda places: self._onset[places])

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        (number,) = _numbers(arguments)
        now, length = block.now, len(block.now)
        value = np.where(number.known, number.value, np.nan)
        previous = shifted(value, self._previous[row])
        begins = np.flatnonzero(number.known & (value != previous))
        since = fill(self._since[row], begins, now[begins], length)
        onset = fill(self._onset[row], begins, number.time_at(begins), length)
        moved = fill(self._moved[row], begins, ~np.isnan(previous[begins]), length)
        stuck = since <= now - self._duration[row]
        truth = either(stuck, ~number.known | ~(stuck | moved))
        self._previous[row], self._since[row] = value[-1], since[-1]
        self._onset[row], self._moved[row] = onset[-1], moved[-1]
        return self.emitted(row, truth, lambda places: onset[places])


def _known(truth: Bytes) -> Places | None:
    """The ticks at which a truth is known; None if at all."""
    known = truth != UNKNOWN
    return None if known.all() else np.flatnonzero(known)


def _spread(truth: Bytes, places: Places | None, length: int) -> Bytes:
    """Truths of some ticks among all, UNKNOWN at the others."""
    if places is None:
        return truth
    result = np.full(length, UNKNOWN)
    result[places] = truth
    return result


def _truths(arguments: Sequence[Numbers | Truths]) -> list[Truths]:
    return [argument for argument in arguments if isinstance(argument, Truths)]


def _numbers(arguments: Sequence[Numbers | Truths]) -> list[Numbers]:
    return [argument for argument in arguments if isinstance(argument, Numbers)]
