"""Numbers over a window: minimum, maximum, spread, average, slope, and the exposure dose.

A window is split into slices of the clock, so that it covers its length and at most one slice more. Unknown while
the number is, and until the window has filled; a gap as long as the window empties it, a shorter one is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.rule import PointColumns
from gateway.sample import Bytes, Floats, Instant
from rules.graph import Op, slice_width
from rules.kernels.block import Block, fill, shifted
from rules.kernels.frame import (
    NEVER,
    Booleans,
    Candidate,
    Frame,
    Kernel,
    Nodes,
    Numbers,
    TruthKernel,
    Truths,
    either,
)
from rules.kernels.sliding import Segments, Sliding


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """What a window takes in: columns over nodes or over ticks."""

    value: Floats
    known: Booleans
    previous: Floats
    """The number at the tick before; NaN where that was unknown."""
    reference: Floats | np.float64
    """A value near the others: what sums are taken from, so that they lose no digits."""
    elapsed: Floats | np.float64
    """Microseconds since the tick before; 0 where a whole window has passed."""
    place: Floats | np.float64
    """Seconds since the beginning of the block of slices."""


class Formula:
    """What one operation sums up, and what it makes of the sums."""

    joins: tuple[np.ufunc, ...] = ()
    relative = False
    """Whether the outcome counts from the reference."""

    def __init__(self, block: float) -> None:
        self.block = block
        """Seconds that a block of slices takes."""

    def take(self, tick: Tick) -> list[Floats]:
        raise NotImplementedError

    def outcome(self, totals: Sequence[Floats]) -> Floats:
        """The number that the totals make; an average still counts from the reference."""
        raise NotImplementedError

    def shift(self, totals: Sequence[Floats]) -> Sequence[Floats]:
        """Totals of the block before as seen from this one."""
        return totals


class Minimum(Formula):
    joins: tuple[np.ufunc, ...] = (np.minimum,)

    def take(self, tick: Tick) -> list[Floats]:
        return [np.where(tick.known, tick.value, np.inf)]

    def outcome(self, totals: Sequence[Floats]) -> Floats:
        return totals[0]


class Maximum(Minimum):
    joins = (np.maximum,)

    def take(self, tick: Tick) -> list[Floats]:
        return [np.where(tick.known, tick.value, -np.inf)]


class Spread(Formula):
    joins = (np.minimum, np.maximum)

    def take(self, tick: Tick) -> list[Floats]:
        return [np.where(tick.known, tick.value, limit) for limit in (np.inf, -np.inf)]

    def outcome(self, totals: Sequence[Floats]) -> Floats:
        return totals[1] - totals[0]


class Average(Formula):
    """Weighted by time: a value counts from its tick to the next, in the slice of the end of that stretch."""

    joins = (np.add, np.add)
    relative = True

    def take(self, tick: Tick) -> list[Floats]:
        counts = ~np.isnan(tick.previous)
        stretch = np.where(counts, tick.elapsed, 0.0)
        return [np.where(counts, tick.previous - tick.reference, 0.0) * stretch, stretch]

    def outcome(self, totals: Sequence[Floats]) -> Floats:
        mean: Floats = totals[0] / totals[1]
        return mean


class Slope(Formula):
    """The regression line through the ticks of the window, a second."""

    joins = (np.add,) * 5

    def take(self, tick: Tick) -> list[Floats]:
        one = tick.known.astype(np.float64)
        above = np.where(tick.known, tick.value - tick.reference, 0.0)
        time = one * tick.place
        return [one, time, time * tick.place, above, above * tick.place]

    def shift(self, totals: Sequence[Floats]) -> Sequence[Floats]:
        count, time, squares, above, product = totals
        back = -self.block
        shifted_squares = squares + time * (2 * back) + count * (back * back)
        return [count, time + count * back, shifted_squares, above, product + above * back]

    def outcome(self, totals: Sequence[Floats]) -> Floats:
        count, time, squares, above, product = totals
        slope: Floats = (count * product - time * above) / (count * squares - time * time)
        return slope


class Exposure(Formula):
    """Dose, the time that is known of, and the time that has passed. Below zero there is nothing to inhale."""

    joins = (np.add, np.add, np.add)

    def take(self, tick: Tick) -> list[Floats]:
        counts = ~np.isnan(tick.previous)
        stretch = np.where(counts, tick.elapsed, 0.0)
        dose = np.where(counts, np.maximum(tick.previous, 0.0), 0.0) * stretch
        return [dose, stretch, np.array(np.broadcast_to(tick.elapsed, stretch.shape))]


_FORMULAS: dict[Op, type[Formula]] = {
    Op.MIN: Minimum,
    Op.MAX: Maximum,
    Op.SPREAD: Spread,
    Op.AVG: Average,
    Op.SLOPE: Slope,
    Op.DOSE: Exposure,
}


class Window:
    """The number of each node over its window, and since when there is one."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        parameters = tuple(float(column[0]) for column in nodes.parameters)
        slices, width = slice_width(parameters)
        self._slices, self._width, self.duration = slices, width, int(parameters[0])
        self._block = slices * width
        self.formula = _FORMULAS[op](self._block / 1e6)
        self.sliding = Sliding(self.formula.joins, nodes.count, slices, width, self.formula.shift)
        self._previous = np.full(nodes.count, np.nan)
        self._reference = np.full(nodes.count, np.nan)
        self._first = np.zeros(nodes.count, dtype=np.int64)
        """The tick since which the window has not been empty."""
        self._last = np.full(nodes.count, NEVER)
        """The latest slice with a known number."""
        self._now: Instant | None = None

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*self.sliding.states(), self._previous, self._reference, self._first, self._last)

    def settle(self, now: Instant) -> None:
        self._now = now
        self.sliding.settle(now)

    def step(self, number: Numbers, now: Instant) -> tuple[list[Floats], Floats, Booleans]:
        """Totals, their references, and whether the window is full, as of this tick."""
        before, self._now = self._now, now
        slice_ = self.sliding.enter(now)
        gap = before is None or slice_ - before // self._width > self._slices
        empty = number.known & (self._last < slice_ - self._slices)
        if empty.any():
            self._first[empty] = now
            np.copyto(self._reference, number.value, where=empty & np.isnan(self._reference))
        np.copyto(self._last, slice_, where=number.known)
        elapsed = np.float64(0.0 if before is None or gap else now - before)
        place = np.float64(now % self._block / 1e6)
        tick = Tick(number.value, number.known, self._previous, self._reference, elapsed, place)
        totals = self.sliding.add(self.formula.take(tick))
        self._previous[:] = number.value
        np.copyto(self._previous, np.nan, where=~number.known)
        return totals, self._reference, self._first <= now - self.duration

    def scan(self, row: int, number: Numbers, block: Block) -> tuple[list[Floats], np.float64, Booleans]:
        """The same for one node at many ticks."""
        now, known = block.now, number.known
        segments = Segments.of(block, self._slices, self._width)
        places = np.flatnonzero(known)
        slices = segments.number[places]
        empty = places[slices - shifted(slices, self._last[row]) > self._slices]
        first = fill(self._first[row], empty, now[empty], len(now))
        if len(places):
            self._last[row] = slices[-1]
            if np.isnan(self._reference[row]):
                self._reference[row] = number.value[places[0]]
        value = np.where(known, number.value, np.nan)
        tick = Tick(
            number.value,
            known,
            shifted(value, self._previous[row]),
            self._reference[row],
            block.once(("elapsed", self._slices, self._width), lambda: self._elapsed(block, segments)),
            block.once(("place", self._block), lambda: now % self._block / 1e6),
        )
        totals = self.sliding.scan(row, segments, self.formula.take(tick))
        self._previous[row], self._first[row] = value[-1], first[-1]
        return totals, self._reference[row], first <= now - self.duration

    def _elapsed(self, block: Block, segments: Segments) -> Floats:
        now, number = block.now, segments.number
        before = int(now[0]) if block.before is None else block.before
        whole = np.diff(number, prepend=before // self._width) > self._slices
        return np.where(whole, 0.0, np.diff(now, prepend=before))


class WindowNumbers(Kernel):
    """Minimum, maximum, spread, average or slope."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._window = Window(nodes, op)
        self.passes = 16 + 6 * len(self._window.formula.joins)

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return self._window.states()

    def settle(self, now: Instant) -> None:
        self._window.settle(now)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        number, out = self.nodes.numbers(frame, 0), self.nodes.out
        totals, reference, full = self._window.step(number, now)
        value = self._window.formula.outcome(totals)
        value = value + reference if self._window.formula.relative else value
        full &= number.known
        full &= np.isfinite(value)
        frame.value[out], frame.known[out], frame.time[out] = value, full, number.time()

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Numbers:
        (number,) = (argument for argument in arguments if isinstance(argument, Numbers))
        totals, reference, full = self._window.scan(row, number, block)
        value = self._window.formula.outcome(totals)
        value = value + reference if self._window.formula.relative else value
        full &= number.known
        full &= np.isfinite(value)
        return Numbers(value, full, number.time())


class Dose(TruthKernel):
    """Whether the time-weighted average of a number over the window is above a limit.

    Time that nothing is known of counts as 0 at least, and as the limit or the last known number, whichever is
    more, at most: TRUE if even the least is above the limit, FALSE if even the most is not and the number is
    known now, else UNKNOWN.
    """

    passes = 48

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._window = Window(nodes, Op.DOSE)
        self._latest = np.full(nodes.count, -np.inf)
        """The last known number."""

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (*super().states(), *self._window.states(), self._latest)

    def settle(self, now: Instant) -> None:
        self._window.settle(now)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        number, limit = self.nodes.numbers(frame, 0), self.nodes.numbers(frame, 1)
        totals, _, _ = self._window.step(number, now)
        np.copyto(self._latest, number.value, where=number.known)
        self.emit(frame, *self._outcome(number, limit, totals, self._latest))

    def scan(self, row: int, arguments: Sequence[Numbers | Truths], block: Block) -> Truths:
        number, limit = (argument for argument in arguments if isinstance(argument, Numbers))
        totals, _, _ = self._window.scan(row, number, block)
        places = np.flatnonzero(number.known)
        latest = fill(self._latest[row], places, number.value[places], len(block.now))
        self._latest[row] = latest[-1]
        return self.emitted(row, *self._outcome(number, limit, totals, latest))

    def _outcome(
        self, number: Numbers, limit: Numbers, totals: Sequence[Floats], latest: Floats
    ) -> tuple[Bytes, Candidate]:
        dose, known, passed = totals
        length = np.maximum(passed, float(self._window.duration))
        missing = length - known
        least = dose / length
        most = (dose + missing * np.maximum(latest, limit.value)) / length
        above = least > limit.value
        # What is missing could be above the limit as well as at it: then only a margin is a proof.
        below = np.where(missing > 0, most < limit.value, most <= limit.value) & number.known
        unknown = ~limit.known | ~(above | below)
        return either(above & limit.known, unknown), number.time_at
