"""A sliding window as slices of the clock: O(1) a tick and node whatever its length, and nothing ever subtracted.

The slices stand in blocks of as many as the window has. A block that is full is turned into the joined values
of its tails; the window is a tail of the block before, the head of this one, and the slice that is being filled
(van Herk 1992; Gil & Werman 1993). So a sum does not drift, and the same bits come out however the ticks are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.sample import Floats, Instant, Instants
from rules.kernels.block import Block

Shift = Callable[[Sequence[Floats]], Sequence[Floats]]
"""Values of the block before as seen from this one."""

_IDENTITY: dict[np.ufunc, float] = {np.add: 0.0, np.minimum: np.inf, np.maximum: -np.inf}
_SHORT = 64
"""Up to so many ticks a slice, slices are the inner loop."""


@dataclass(frozen=True, slots=True, eq=False)
class Segments:
    """The ticks of a block, by the slice that they fall into."""

    number: Instants
    """Of its slice, for each tick."""
    starts: NDArray[np.intp]
    """First tick in each slice that has any."""
    counts: NDArray[np.intp]
    ends: NDArray[np.intp]
    places: NDArray[np.int64]
    """Where each of these slices stands, counted from the beginning of the block that the state is in."""
    first: int
    """Where the slice of the state stands."""
    gathers: tuple[tuple[NDArray[np.intp], NDArray[np.bool_] | None, NDArray[np.intp]], ...]
    """Slices of like length as a matrix: which ticks, which of them are real, and where those belong."""

    @property
    def goes_on(self) -> bool:
        """Whether the first of these slices is the one of the state."""
        return int(self.places[0]) == self.first

    @classmethod
    def of(cls, block: Block, slices: int, width: int) -> Segments:
        return block.once(("slices", slices, width), lambda: cls._cut(block, slices, width))

    @classmethod
    def _cut(cls, block: Block, slices: int, width: int) -> Segments:
        number = block.now // width
        starts = np.concatenate([[0], np.flatnonzero(number[1:] != number[:-1]) + 1])
        counts = np.diff(starts, append=len(number))
        prior = int(number[0] if block.before is None else block.before // width)
        gaps = np.diff(number[starts], prepend=prior)
        # A gap that empties the window is cut to its remainder, so that silence takes no memory.
        gaps = np.where(gaps > 2 * slices, 2 * slices + gaps % slices, gaps)
        places = prior % slices + np.cumsum(gaps)
        return cls(number, starts, counts, starts + counts - 1, places, prior % slices, _gathers(starts, counts))

    def running(self, join: np.ufunc, values: Floats) -> Floats:
        """At each tick, what the values since the beginning of its slice join to, from left to right."""
        if len(self.starts) == len(values):
            return values
        result = np.empty_like(values)
        for ticks, real, targets in self.gathers:
            matrix = values[ticks]
            if len(matrix) <= _SHORT:
                for place in range(1, len(matrix)):
                    join(matrix[place - 1], matrix[place], out=matrix[place])
            else:
                matrix = np.ascontiguousarray(join.accumulate(np.ascontiguousarray(matrix.T), axis=1).T)
            result[targets] = matrix.ravel() if real is None else matrix[real]
        return result


def _gathers(
    starts: NDArray[np.intp], counts: NDArray[np.intp]
) -> tuple[tuple[NDArray[np.intp], NDArray[np.bool_] | None, NDArray[np.intp]], ...]:
    last = int(starts[-1] + counts[-1]) - 1
    gathers = []
    classes = np.ceil(np.log2(counts)).astype(np.int64)
    for each in np.unique(classes):
        chosen = classes == each
        begin, count = starts[chosen], counts[chosen]
        offsets = np.arange(int(count.max()))[:, np.newaxis]
        ticks = begin + offsets
        real = offsets < count
        if real.all():
            gathers.append((ticks, None, ticks.ravel()))
        else:
            gathers.append((np.minimum(ticks, last), real, ticks[real]))
    return tuple(gathers)


class Sliding:
    """Some values of each node joined over its window, each by its own operation."""

    def __init__(self, joins: Sequence[np.ufunc], count: int, slices: int, width: int, shift: Shift) -> None:
        self._joins, self._shift = tuple(joins), shift
        self.slices, self.width = slices, width
        self._blank = np.array([_IDENTITY[join] for join in joins])
        many = len(joins)
        self._ring = np.empty((many, slices, count))
        """Slices of this block up to the one that is being filled, then tails of the block before."""
        self._head, self._closed = np.empty((many, count)), np.empty((many, count))
        self._number: int | None = None
        self._fresh = False
        """Whether the slice that is being filled has nothing in it yet."""
        self._wipe()

    def states(self) -> tuple[NDArray[np.generic], ...]:
        return (self._ring, self._head, self._closed)

    def settle(self, now: Instant) -> None:
        self._number, self._fresh = now // self.width, False

    def enter(self, now: Instant) -> int:
        """Move on to the slice of `now`; its number."""
        number = now // self.width
        before, self._number = self._number, number
        if before is None or number == before:
            return number
        if number - before > 2 * self.slices:
            self._wipe()
            return number
        for each in range(before, number):
            self._close(each, empty=each > before)
        column = number % self.slices
        tails = self._shift(list(self._ring[:, column]))
        for place, (join, tail) in enumerate(zip(self._joins, tails)):
            join(tail, self._head[place], out=self._closed[place])
        self._fresh = True
        return number

    def _close(self, number: int, *, empty: bool) -> None:
        column = number % self.slices
        for place, join in enumerate(self._joins):
            ring = self._ring[place]
            if empty:
                ring[column] = self._blank[place]
            else:
                join(self._head[place], ring[column], out=self._head[place])
            if column == self.slices - 1:
                for each in range(self.slices - 2, -1, -1):
                    join(ring[each + 1], ring[each], out=ring[each])
                self._head[place] = self._blank[place]

    def _wipe(self) -> None:
        self._ring[:] = self._blank[:, np.newaxis, np.newaxis]
        self._head[:] = self._blank[:, np.newaxis]
        self._closed[:] = self._blank[:, np.newaxis]
        self._fresh = False

    def add(self, values: Sequence[Floats]) -> list[Floats]:
        """Take in the values of this tick; what the whole window joins to."""
        totals = []
        column = (self._number or 0) % self.slices
        for place, (join, value) in enumerate(zip(self._joins, values)):
            current = self._ring[place, column]
            if self._fresh:
                current[:] = value
            else:
                join(current, value, out=current)
            totals.append(join(self._closed[place], current))
        self._fresh = False
        return totals

    def scan(self, row: int, segments: Segments, values: Sequence[Floats]) -> list[Floats]:
        """The same for one node at many ticks; `values` may be overwritten."""
        slices = self.slices
        blocks = int(segments.places[-1]) // slices + 1
        end, column = (blocks - 1) * slices, int(segments.places[-1]) % slices
        runs, tails, heads = [], [], []
        for place, (join, value) in enumerate(zip(self._joins, values)):
            if segments.goes_on:
                value[0] = join(self._ring[place, segments.first, row], value[0])
            running = segments.running(join, value)
            filled = np.full(blocks * slices, self._blank[place])
            filled[: segments.first + 1] = self._ring[place, : segments.first + 1, row]
            filled[segments.places] = running[segments.ends]
            head, tail = self._joined(join, filled, place)
            tail[:slices] = self._ring[place, :, row]
            runs.append(running)
            tails.append(tail[segments.places])
            heads.append(head[segments.places])
            self._ring[place, : column + 1, row] = filled[end : end + column + 1]
            self._ring[place, column + 1 :, row] = tail[end + column + 1 : end + slices]
            self._head[place, row] = head[end + column]
        totals = []
        for place, (join, tail) in enumerate(zip(self._joins, self._shift(tails))):
            closed = join(tail, heads[place])
            if segments.goes_on:
                closed[0] = self._closed[place, row]
            self._closed[place, row] = closed[-1]
            totals.append(join(self._spread(segments, closed), runs[place]))
        return totals

    def _joined(self, join: np.ufunc, filled: Floats, place: int) -> tuple[Floats, Floats]:
        """For the place of each slice: what the head of its block before it joins to, and the tail one block ago."""
        rows = filled.reshape(-1, self.slices)
        head = np.full(rows.shape, self._blank[place])
        head[:, 1:] = join.accumulate(rows[:, :-1], axis=1)
        tail = np.empty(filled.size + self.slices)
        tail[self.slices :].reshape(rows.shape)[:, ::-1] = join.accumulate(rows[:, ::-1], axis=1)
        return head.ravel(), tail

    @staticmethod
    def _spread(segments: Segments, closed: Floats) -> Floats:
        return closed if len(closed) == len(segments.number) else np.repeat(closed, segments.counts)
