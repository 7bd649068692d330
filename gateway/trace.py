"""Samples as they were received, laid out as what the ticks of a running gateway would have seen.

Pure, and the same as `PointTable` tick by tick: what `gateway.admission` took, the latest of every point, staleness
applied. Memory is bounded by the ticks asked for at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from gateway.admission import Admission
from gateway.plant.model import Point
from gateway.rule import Trace
from gateway.sample import SECOND, Instant, Instants, Quality, Reason, SampleBatch

RESOLUTION = SECOND // 10
"""A sample is seen at the first multiple of this at or after its receipt: a tick gathers what came meanwhile."""

HEARTBEAT = SECOND
"""Silence is a tick too, this long after the last: delays and stale limits must run out."""

TICKS_AT_ONCE = 8_192

_Columns = tuple[NDArray[np.generic], ...]


class TraceBuilder:
    """Feed it batches in order of receipt, and take traces; how it is cut into either changes no bit of them."""

    def __init__(
        self, points: Sequence[Point], start: Instant, *, resolution: int = RESOLUTION, heartbeat: int = HEARTBEAT
    ) -> None:
        """The first tick is at or after `start`."""
        count = len(points)
        self._resolution, self._heartbeat = resolution, heartbeat
        self._admission = Admission(points)
        self._stale_after = self._admission.stale_after[:, np.newaxis]
        self._last = _ceiling(int(start), resolution) - heartbeat
        """The last tick that was taken; before the first, one heartbeat before it."""
        self._latest: _Columns = (
            np.full(count, np.nan),
            np.full(count, Quality.BAD, dtype=np.uint8),
            np.full(count, Reason.NEVER_SEEN, dtype=np.uint8),
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
        )
        self._fed: list[SampleBatch] = []

    def feed(self, batch: SampleBatch) -> None:
        """Samples received after those that were fed before, all of points that the builder has."""
        taken = self._admission.admit(batch)
        if len(taken):
            self._fed.append(taken)

    def refine(self, resolution: int) -> None:
        """Tell receipt times apart more finely in what is not taken yet."""
        self._resolution = resolution

    def take(self, end: Instant, most: int = TICKS_AT_ONCE) -> Iterator[Trace]:
        """Every tick before `end` that was not taken yet; everything received before `end` has been fed."""
        fed = SampleBatch.concatenate(self._fed)
        tick_of = np.maximum(_ceilings(fed.receive_time, self._resolution), self._last + 1)
        tick_of = np.maximum.accumulate(tick_of)
        due = int(np.searchsorted(tick_of, end))
        ticks = self._ticks(np.unique(tick_of[:due]), end)
        row = 0
        for begin in range(0, len(ticks), most):
            now = ticks[begin : begin + most]
            until = int(np.searchsorted(tick_of, now[-1], side="right"))
            yield self._trace(now, fed, slice(row, until), np.searchsorted(now, tick_of[row:until]))
            row = until
        self._fed = [] if due == len(fed) else [_part(fed, slice(due, None))]

    def _ticks(self, wanted: Instants, end: Instant) -> Instants:
        """The wanted ticks, and a heartbeat wherever they leave a gap."""
        bounds = np.concatenate([[self._last], wanted, [end]]).astype(np.int64)
        silent = np.maximum((np.diff(bounds) - 1) // self._heartbeat, 0)
        spread = np.repeat(bounds[:-1], silent + 1)
        within = np.arange(len(spread)) - np.repeat(np.cumsum(silent + 1) - (silent + 1), silent + 1)
        ticks: Instants = spread + within * self._heartbeat
        return ticks[1:]

    def _trace(self, now: Instants, fed: SampleBatch, rows: slice, place: NDArray[np.intp]) -> Trace:
        points = len(self._latest[0])
        source = np.zeros((points, len(now)), dtype=np.int32)
        source[:, 0] = np.arange(points)
        point = fed.point[rows]
        source[point, place] = np.arange(points, points + len(point))  # of several in one tick the last holds
        np.maximum.accumulate(source, axis=1, out=source)
        new: _Columns = (
            fed.value[rows],
            fed.quality[rows],
            fed.reason[rows],
            fed.source_time[rows],
            fed.receive_time[rows],
        )
        every = [np.concatenate([old, fresh]) for old, fresh in zip(self._latest, new)]
        value, quality, reason, source_time, receive_time = (column[source] for column in every)
        last = source[:, -1]
        self._latest = tuple(column[last] for column in every)
        self._last = int(now[-1])
        stale = (np.minimum(source_time, receive_time) < now - self._stale_after) & (quality < Quality.STALE)
        quality[stale] = Quality.STALE
        reason[stale] = Reason.TOO_OLD
        return Trace(now, value, quality, reason, source_time, receive_time)


def _ceiling(time: int, step: int) -> int:
    return -(-time // step) * step


def _ceilings(times: Instants, step: int) -> Instants:
    ceilings: Instants = -(-times // step) * step
    return ceilings


def _part(batch: SampleBatch, rows: slice) -> SampleBatch:
    return SampleBatch(
        batch.point[rows],
        batch.value[rows],
        batch.quality[rows],
        batch.reason[rows],
        batch.source_time[rows],
        batch.receive_time[rows],
    )
