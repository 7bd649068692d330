"""What is known of each point of a Sparkplug site, and the samples that come of it. Sans-IO, told the time.

The last good value is kept to be repeated while its session lives, and to be shown as stale when a message was
missed; it is forgotten with the session.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from drivers.judgement import Judge
from drivers.source_time import believable
from drivers.sparkplug.session import MetricKey, NodeKey, Reported
from gateway.sample import SECOND, Indices, Instant, Quality, Reason, Sample, SampleBatch

_GOOD, _STALE = 192, 500
"""Values of the Quality property (Sparkplug 3.0, 6.4.9); 0 is bad, and what is neither is taken as bad."""


@dataclass(slots=True)
class _Known:
    key: MetricKey
    index: int
    period: int
    judge: Judge
    last: Sample | None = None
    told: Instant = Instant(0)
    """When its last sample was handed up."""


class Points:
    """Collects samples until `flush`; several points may show one metric."""

    def __init__(self, points: Iterable[tuple[MetricKey, int, int, Judge]]) -> None:
        self._known = [_Known(*one) for one in points]
        self._by_metric: dict[MetricKey, list[_Known]] = {}
        self._by_node: dict[NodeKey, list[_Known]] = {}
        for known in self._known:
            self._by_metric.setdefault(known.key, []).append(known)
            self._by_node.setdefault(known.key[:2], []).append(known)
        self._waiting: list[Sample] = []

    @property
    def shortest_period(self) -> int:
        return min((known.period for known in self._known), default=1_000_000)

    def flush(self) -> SampleBatch:
        """Everything since the last call, in order."""
        waiting, self._waiting = self._waiting, []
        return SampleBatch.of(waiting)

    def report(self, reported: Reported, at: Instant) -> None:
        """A metric as it stood in a message."""
        for known in self._by_metric.get(reported.key, ()):
            sample = _sample(reported, known, at)
            self._waiting.append(sample)
            if not reported.historical:
                known.last, known.told = (sample if sample.quality < Quality.STALE else None), at
            elif known.last is not None:
                # What is past belongs into the history, and must not stand in for what is now.
                self._waiting.append(known.last)

    def lose(self, node: NodeKey, unit: str | None, reason: Reason, at: Instant) -> None:
        """The node with everything behind it, or one of its devices, has no values any more."""
        for known in self._of(node, unit):
            known.last, known.told = None, at
            self._waiting.append(Sample(known.index, math.nan, Quality.BAD, reason, at, at))

    def lost(self, node: NodeKey, unit: str | None, reason: Reason, at: Instant) -> SampleBatch:
        """The same at once."""
        self.lose(node, unit, reason, at)
        return self.flush()

    def doubt(self, node: NodeKey, at: Instant) -> None:
        """A message of the node is missing: any of its values may be out of date."""
        for known in self._of(node, None):
            last, known.last, known.told = known.last, None, at
            if last is not None:
                self._waiting.append(
                    Sample(known.index, last.value, Quality.STALE, Reason.TOO_OLD, last.source_time, at)
                )

    def _of(self, node: NodeKey, unit: str | None) -> list[_Known]:
        return [known for known in self._by_node.get(node, ()) if unit is None or known.key[2] == unit]

    def silent(self, is_alive: Callable[[MetricKey], bool], now: Instant) -> Indices:
        """Points whose node or device has no session, and of which nothing was told for a second."""
        found = []
        for known in self._known:
            if now - known.told >= SECOND and not is_alive(known.key):
                known.last, known.told = None, now
                found.append(known.index)
        return np.array(found, dtype=np.int32)

    def held(self, is_alive: Callable[[MetricKey], bool], now: Instant) -> SampleBatch:
        """Last values that still hold and are due to be said again."""
        found = []
        for known in self._known:
            last = known.last
            if last is not None and now - known.told >= known.period and is_alive(known.key):
                known.told = now
                found.append(Sample(known.index, last.value, last.quality, last.reason, now, now))
        return SampleBatch.of(found)


def _sample(reported: Reported, known: _Known, at: Instant) -> Sample:
    written = None if reported.timestamp is None else Instant(reported.timestamp * 1000)
    believed = believable(written, at)
    time = at if believed is None else believed
    quality, reason = _worth(reported, known.judge)
    if quality is Quality.GOOD and believed is None:
        quality, reason = Quality.UNCERTAIN, Reason.SOURCE_CLOCK
    value = math.nan if quality is Quality.BAD or reported.value is None else reported.value
    return Sample(known.index, value, quality, reason, time, at)


def _worth(reported: Reported, judge: Judge) -> tuple[Quality, Reason]:
    if reported.null:
        return Quality.BAD, Reason.NOT_A_NUMBER
    if reported.value is None:
        return Quality.BAD, Reason.MALFORMED
    if reported.quality not in (None, _GOOD, _STALE):
        return Quality.BAD, Reason.SENSOR_FAULT
    quality, reason = judge.number(reported.value)
    if quality is Quality.GOOD and reported.quality == _STALE:
        return Quality.STALE, Reason.TOO_OLD
    return quality, reason
