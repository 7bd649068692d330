"""A block of ticks, and how what happens at some of them is spread over all. The time axis of `scan`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from gateway.rule import Trace
from gateway.sample import Instant, Instants

T = TypeVar("T", bound=np.generic)
Cached = TypeVar("Cached")


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Ticks that follow each other, and what nodes work out about their times once for all."""

    trace: Trace
    before: Instant | None
    """The tick before the first of these."""
    _known: dict[object, object] = field(default_factory=dict)

    @property
    def now(self) -> Instants:
        return self.trace.now

    def once(self, key: object, work: Callable[[], Cached]) -> Cached:
        """What `work` gives, worked out once for this block."""
        if key not in self._known:
            self._known[key] = work()
        return cast("Cached", self._known[key])

    def latest_until(self, ago: int) -> NDArray[np.intp]:
        """For each tick the last tick of the block that is at least so long ago; -1 if there is none."""
        return self.once(("until", ago), lambda: np.searchsorted(self.now, self.now - ago, side="right") - 1)


def fill(before: T | int, places: NDArray[np.intp], values: NDArray[T], length: int) -> NDArray[T]:
    """A value at every tick: `before` up to the first place, from each place on its value."""
    if not len(places):
        return np.broadcast_to(np.asarray(before, dtype=values.dtype), (length,))
    counts = np.empty(len(places) + 1, dtype=np.intp)
    counts[0] = places[0]
    np.subtract(places[1:], places[:-1], out=counts[1:-1])
    counts[-1] = length - places[-1]
    every = np.empty(len(places) + 1, dtype=values.dtype)
    every[0], every[1:] = before, values
    return np.repeat(every, counts)


def shifted(values: NDArray[T], before: T | float) -> NDArray[T]:
    """Each tick's predecessor."""
    result = np.empty_like(values)
    if len(values):
        result[0], result[1:] = before, values[:-1]
    return result
