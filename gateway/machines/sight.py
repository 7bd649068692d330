"""What is seen of a plant after a command: one point against what was expected of it, tick by tick.

Pure but for what it remembers between ticks, which a restart may lose: then it says that it did not look, never that
it saw. A value that was taken in before the command proves nothing about it.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.machines.output import Sight
from gateway.plant.guard import Comparison, Expectation, PointTest
from gateway.rule import PointColumns, Truth
from gateway.sample import Instant, PointIndex, Quality


@dataclass(frozen=True, slots=True)
class Seen:
    """One point as of now; `value` only where it is GOOD."""

    value: float | None
    source_time: Instant
    receive_time: Instant


def look(columns: PointColumns, point: PointIndex | None) -> Seen:
    """The point as of now; nothing of a point that the plant file no longer has."""
    if point is None:
        return Seen(None, Instant(0), Instant(0))
    good = columns.quality[point] == Quality.GOOD
    return Seen(
        float(columns.value[point]) if good else None,
        Instant(int(columns.source_time[point])),
        Instant(int(columns.receive_time[point])),
    )


def truth_of(test: PointTest, value: float | None, baseline: float | None = None) -> Truth:
    """Kleene: unknown where the value, or what it is compared with, is unknown. Not for `steady`."""
    if value is None:
        return Truth.UNKNOWN
    match test.comparison:
        case Comparison.EQUALS:
            return Truth(value == test.operand)
        case Comparison.ABOVE:
            return Truth(value > test.operand)
        case Comparison.BELOW:
            return Truth(value < test.operand)
        case Comparison.FALLS_BY if baseline is not None:
            return Truth(value <= baseline - test.operand)
        case Comparison.RISES_BY if baseline is not None:
            return Truth(value >= baseline + test.operand)
        case _:
            return Truth.UNKNOWN


class Watch:
    """One expectation of one command, from the first look on."""

    def __init__(self, expected: Expectation, asked_at: Instant, watched_from: Instant, baseline: float | None) -> None:
        """`baseline`: the point at the command, for what falls or rises; None where that is not known."""
        self.expected, self.asked_at, self.watched_from = expected, asked_at, watched_from
        self._baseline = baseline
        self._sight = Sight(Truth.UNKNOWN, watched_from, watched_from)
        self._low = self._high = 0.0
        self._calm_since: Instant | None = None
        self._last = Instant(0)

    def look(self, seen: Seen) -> Sight:
        """What is known now."""
        if seen.value is None or seen.receive_time < self.asked_at:
            truth, since = Truth.UNKNOWN, seen.receive_time
            self._calm_since = None
        elif self.expected.test.comparison is Comparison.STEADY:
            truth, since = self._calm(seen.value, seen.source_time)
        else:
            truth, since = truth_of(self.expected.test, seen.value, self._baseline), seen.source_time
        if truth is not self._sight.truth:
            self._sight = Sight(truth, Instant(max(since, self.asked_at)), self.watched_from)
        return self._sight

    def _calm(self, value: float, at: Instant) -> tuple[Truth, Instant]:
        """Whether it has moved no more than allowed for long enough, and since when that is so."""
        if at != self._last or self._calm_since is None:
            self._last = at
            self._low, self._high = min(self._low, value), max(self._high, value)
            if self._calm_since is None or self._high - self._low > self.expected.test.operand:
                self._low = self._high = value
                self._calm_since = at
        proven = Instant(self._calm_since + self.expected.held)
        return (Truth.TRUE, proven) if at >= proven else (Truth.FALSE, at)
