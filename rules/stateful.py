"""Kernels with a memory: delays, edges, latches and windows. Bounded from the start.

Delays run by `now`, so that silence cannot stop them and a wrong source clock cannot shorten them;
onsets are source times. An UNKNOWN leaves every memory as it stands, unless a docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gateway.rule import PointColumns
from gateway.sample import Bytes, Floats, Instant, Instants
from rules.graph import Op
from rules.kernels import FALSE, TRUE, UNKNOWN, Booleans, Frame, Nodes, TruthKernel

_NEVER = np.iinfo(np.int64).min // 4
BUCKETS = 16
"""Parts that a window is split into. It so covers its length plus at most a sixteenth."""


class HeldKernel(TruthKernel):
    """TRUE once the argument has been TRUE for the duration, counted from the tick that saw it first.

    While the argument is UNKNOWN so is the outcome; the count goes on but cannot end. Strictly, as for
    the return to normal, an UNKNOWN starts the count anew: lost time is not normal time.
    """

    def __init__(self, nodes: Nodes, *, strict: bool) -> None:
        super().__init__(nodes)
        self._strict = strict
        self._duration = nodes.parameters[0].astype(np.int64)
        self._active = np.zeros(nodes.count, dtype=np.bool_)
        self._started = np.zeros(nodes.count, dtype=np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        input_truth = frame.truth[argument]
        is_true = input_truth == TRUE
        np.copyto(self._started, now, where=is_true & ~self._active)
        if self._strict:
            self._active = is_true
        else:
            self._active = is_true | (self._active & (input_truth == UNKNOWN))
        pending = is_true & (now - self._started < self._duration)
        truth = np.where(pending, FALSE, input_truth)
        self.emit(frame, truth, lambda: frame.onset[argument])


class WithinKernel(TruthKernel):
    """TRUE while the argument is TRUE and for the duration after it was last seen so.

    Counts what has been seen since the program started; UNKNOWN if the argument was UNKNOWN within the
    duration and not TRUE.
    """

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._duration = nodes.parameters[0].astype(np.int64)
        self._last_true = np.full(nodes.count, _NEVER, dtype=np.int64)
        self._last_unknown = np.full(nodes.count, _NEVER, dtype=np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        input_truth = frame.truth[argument]
        np.copyto(self._last_true, now, where=input_truth == TRUE)
        np.copyto(self._last_unknown, now, where=input_truth == UNKNOWN)
        maybe = np.where(now - self._last_unknown <= self._duration, UNKNOWN, FALSE)
        truth = np.where(now - self._last_true <= self._duration, TRUE, maybe)

        def candidate() -> Instants:
            return np.where(input_truth == TRUE, frame.onset[argument], now)

        self.emit(frame, truth, candidate)


class RisesKernel(TruthKernel):
    """TRUE for the one tick at which the argument turns from FALSE to TRUE; an UNKNOWN between is bridged."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._previous = np.full(nodes.count, UNKNOWN)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        (argument,) = self.nodes.arguments
        input_truth = frame.truth[argument]
        known = input_truth != UNKNOWN
        rise = (input_truth == TRUE) & (self._previous == FALSE)
        np.copyto(self._previous, input_truth, where=known)
        self.emit(frame, np.where(known, rise, UNKNOWN), lambda: frame.onset[argument])


class ChangedKernel(TruthKernel):
    """TRUE for the one tick at which a number differs from the last known one."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._previous = np.full(nodes.count, np.nan)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        (argument,) = self.nodes.arguments
        value, known = frame.value[argument], frame.known[argument]
        changed = known & (value != self._previous) & ~np.isnan(self._previous)
        np.copyto(self._previous, value, where=known)
        self.emit(frame, np.where(known, changed, UNKNOWN), lambda: frame.time[argument])


class StuckKernel(TruthKernel):
    """TRUE once a number has been exactly the same for the duration; a gap starts the count anew."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._duration = nodes.parameters[0].astype(np.int64)
        self._previous = np.full(nodes.count, np.nan)
        self._since = np.zeros(nodes.count, dtype=np.int64)
        self._onset = np.zeros(nodes.count, dtype=np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        value, known = frame.value[argument], frame.known[argument]
        moved = known & (value != self._previous)
        np.copyto(self._since, now, where=moved)
        np.copyto(self._onset, frame.time[argument], where=moved)
        self._previous = np.where(known, value, np.nan)
        truth = np.where(known, now - self._since >= self._duration, UNKNOWN)
        self.emit(frame, truth, self._onset.copy)


class LatchKernel(TruthKernel):
    """TRUE from set until reset: `set or (before and not reset)`, in Kleene's logic.

    While that is UNKNOWN the memory stands, so that a value that comes back above its clear limit is
    TRUE again at once, with its first onset.
    """

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._memory = np.zeros(nodes.count, dtype=np.bool_)

    def resume(self, row: int, onset: Instant) -> None:
        """Start as set, since `onset`."""
        self._memory[row] = True
        self.tracker.last[row], self.tracker.since[row] = TRUE, onset

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        set_at, reset_at = self.nodes.arguments
        raised, cleared = frame.truth[set_at], frame.truth[reset_at]
        is_true = (raised == TRUE) | (self._memory & (cleared == FALSE))
        is_false = (raised == FALSE) & (~self._memory | (cleared == TRUE))
        truth = np.where(is_true, TRUE, np.where(is_false, FALSE, UNKNOWN))
        self._memory = is_true | (self._memory & ~is_false)

        def candidate() -> Instants:
            from_reset = is_false & (cleared == TRUE)
            return np.where(from_reset, frame.onset[reset_at], frame.onset[set_at])

        self.emit(frame, truth, candidate)


class _Ring:
    """Which buckets of which window are in use, by `now`."""

    def __init__(self, windows: Floats) -> None:
        self.duration = windows.astype(np.int64)
        self.width = np.maximum(self.duration // BUCKETS, 1)
        self.rows = np.arange(len(windows))
        self.number = np.full((len(windows), BUCKETS + 1), _NEVER, dtype=np.int64)
        """Which stretch of time each bucket holds."""

    def enter(self, now: Instant, wanted: Booleans) -> tuple[Instants, Booleans]:
        """The column that each window writes to, and whether that bucket begins."""
        current = now // self.width
        column = current % (BUCKETS + 1)
        fresh = wanted & (self.number[self.rows, column] != current)
        self.number[self.rows[fresh], column[fresh]] = current[fresh]
        return column, fresh

    def valid(self, now: Instant) -> Booleans:
        return self.number >= (now // self.width - BUCKETS)[:, np.newaxis]

    def memory(self) -> int:
        return self.duration.nbytes + self.width.nbytes + self.rows.nbytes + self.number.nbytes


class CountKernel:
    """How often the argument was TRUE (a rise) within the window, as far as seen since the start."""

    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes
        self._ring = _Ring(nodes.parameters[0])
        self._counts = np.zeros(self._ring.number.shape)
        self._time = np.zeros(nodes.count, dtype=np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        truth = frame.truth[argument]
        event = truth == TRUE
        column, fresh = self._ring.enter(now, event)
        rows = self._ring.rows
        self._counts[rows[fresh], column[fresh]] = 0
        self._counts[rows[event], column[event]] += 1
        np.copyto(self._time, frame.onset[argument], where=event)
        frame.value[self.nodes.out] = np.where(self._ring.valid(now), self._counts, 0).sum(axis=1)
        frame.known[self.nodes.out] = truth != UNKNOWN
        frame.time[self.nodes.out] = self._time

    def memory(self) -> int:
        return self._ring.memory() + self._counts.nbytes + self._time.nbytes


class WindowKernel:
    """Minimum, maximum, average, spread or slope of a number over a window, sampled once a tick.

    Approximate: the window is a ring of 16 buckets, so that it covers up to a sixteenth more than asked;
    the slope is the regression line through the buckets' means. Unknown while the number is, and until
    the window has filled; a gap as long as the window empties it.
    """

    def __init__(self, nodes: Nodes, op: Op) -> None:
        self.nodes = nodes
        self._outcome = _OUTCOMES[op]
        self._ring = _Ring(nodes.parameters[0])
        shape = self._ring.number.shape
        self.count, self.total, self.moment = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        """Per bucket: ticks, sum of values, sum of seconds since the bucket's beginning."""
        self.low, self.high = np.full(shape, np.inf), np.full(shape, -np.inf)
        self._first = np.zeros(nodes.count, dtype=np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        value, known = frame.value[argument], frame.known[argument]
        empty = ~self._ring.valid(now).any(axis=1)
        np.copyto(self._first, now, where=empty)
        self._write(value, known, now)
        valid = self._ring.valid(now)
        outcome = self._outcome(self, valid, now)
        warm = now - self._first >= self._ring.duration
        frame.value[self.nodes.out] = outcome
        frame.known[self.nodes.out] = known & warm & np.isfinite(outcome)
        frame.time[self.nodes.out] = frame.time[argument]

    def _write(self, value: Floats, known: Booleans, now: Instant) -> None:
        column, fresh = self._ring.enter(now, known)
        begun = (self._ring.rows[fresh], column[fresh])
        for field in (self.count, self.total, self.moment):
            field[begun] = 0
        self.low[begun], self.high[begun] = np.inf, -np.inf
        here = (self._ring.rows[known], column[known])
        value = value[known]
        self.count[here] += 1
        self.total[here] += value
        self.moment[here] += (now % self._ring.width[known]) / 1e6
        self.low[here] = np.minimum(self.low[here], value)
        self.high[here] = np.maximum(self.high[here], value)

    def minimum(self, valid: Booleans, now: Instant) -> Floats:
        del now
        lowest: Floats = np.where(valid, self.low, np.inf).min(axis=1)
        return lowest

    def maximum(self, valid: Booleans, now: Instant) -> Floats:
        del now
        highest: Floats = np.where(valid, self.high, -np.inf).max(axis=1)
        return highest

    def spread(self, valid: Booleans, now: Instant) -> Floats:
        return self.maximum(valid, now) - self.minimum(valid, now)

    def average(self, valid: Booleans, now: Instant) -> Floats:
        del now
        ticks = np.where(valid, self.count, 0).sum(axis=1)
        mean: Floats = np.where(valid, self.total, 0).sum(axis=1) / ticks
        return mean

    def slope(self, valid: Booleans, now: Instant) -> Floats:
        width = self._ring.width[:, np.newaxis]
        begin = np.where(valid, self._ring.number * width - now, 0) / 1e6
        time, value = begin + self.moment / self.count, self.total / self.count
        time = np.where(valid, time - _mean(time, valid), 0)
        value = np.where(valid, value - _mean(value, valid), 0)
        slope: Floats = (time * value).sum(axis=1) / (time * time).sum(axis=1)
        return slope

    def memory(self) -> int:
        return self._ring.memory() + self._first.nbytes + 5 * self.count.nbytes


def _mean(values: Floats, valid: Booleans) -> Floats:
    mean: Floats = np.where(valid, values, 0).sum(axis=1) / valid.sum(axis=1)
    return mean[:, np.newaxis]


_OUTCOMES: dict[Op, Callable[[WindowKernel, Booleans, Instant], Floats]] = {
    Op.MIN: WindowKernel.minimum,
    Op.MAX: WindowKernel.maximum,
    Op.AVG: WindowKernel.average,
    Op.SPREAD: WindowKernel.spread,
    Op.SLOPE: WindowKernel.slope,
}


class UnknownSince:
    """The tick at which each condition last turned UNKNOWN."""

    def __init__(self, count: int) -> None:
        self._was = np.zeros(count, dtype=np.bool_)
        self._since = np.zeros(count, dtype=np.int64)

    def apply(self, truth: Bytes, onset: Instants, now: Instant) -> Instants:
        """The onsets, with that tick in place of the onset wherever the truth is UNKNOWN."""
        unknown = truth == UNKNOWN
        np.copyto(self._since, now, where=unknown & ~self._was)
        self._was = unknown
        return np.where(unknown, self._since, onset)
