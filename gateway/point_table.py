"""The latest of every point, with its age applied: what rules and people are shown.

No value outlives its source: a value past its stale limit is STALE, whatever the driver last said.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.event import Reading
from gateway.plant.model import Plant, Point, Text
from gateway.rule import PointColumns
from gateway.sample import Instant, PointIndex, Quality, Reason, SampleBatch

_NO_NAME = Text("", "")


class PointTable:
    """Columns by point index. `apply` what comes, then `columns(now)` for what holds now."""

    def __init__(self, plant: Plant) -> None:
        count = len(plant.points)
        self._points = plant.points
        self._ids = tuple(point.id for point in plant.points)
        self._stale_after = np.array([point.stale_after for point in plant.points], dtype=np.int64)
        self._value = np.full(count, np.nan)
        self._quality = np.full(count, Quality.BAD, dtype=np.uint8)
        self._reason = np.full(count, Reason.NEVER_SEEN, dtype=np.uint8)
        self._source_time = np.zeros(count, dtype=np.int64)
        self._receive_time = np.zeros(count, dtype=np.int64)
        self._effective = self.columns(Instant(0))

    def apply(self, batch: SampleBatch) -> None:
        """Take a batch in; of several readings of one point the last in the batch holds."""
        rows = batch.point
        self._value[rows] = np.where(batch.quality == Quality.BAD, np.nan, batch.value)
        self._quality[rows] = batch.quality
        self._reason[rows] = batch.reason
        self._source_time[rows] = batch.source_time
        self._receive_time[rows] = batch.receive_time

    def columns(self, now: Instant) -> PointColumns:
        """The latest of every point as of `now`; a copy, safe to keep."""
        age = now - np.minimum(self._source_time, self._receive_time)
        stale = (age > self._stale_after) & (self._quality < Quality.STALE)
        quality = np.where(stale, np.uint8(Quality.STALE), self._quality)
        reason = np.where(stale, np.uint8(Reason.TOO_OLD), self._reason)
        self._effective = PointColumns(
            self._value.copy(), quality, reason, self._source_time.copy(), self._receive_time.copy()
        )
        return self._effective

    def carried(self, plant: Plant, now: Instant) -> PointTable:
        """The table of another plant file, with the latest of every point that is read as it was before."""
        table = PointTable(plant)
        sources = {point.id: (point.index, source_of(point)) for point in self._points}
        kept = [
            (sources[point.id][0], point.index)
            for point in plant.points
            if point.id in sources and sources[point.id][1] == source_of(point)
        ]
        before, after = np.array(kept, dtype=np.intp).reshape(-1, 2).T
        for own, earlier in zip(table._columns(), self._columns()):
            own[after] = earlier[before]
        table.columns(now)
        return table

    def _columns(self) -> tuple[NDArray[np.generic], ...]:
        return (self._value, self._quality, self._reason, self._source_time, self._receive_time)

    @property
    def latest(self) -> PointColumns:
        """What the last call of `columns` returned."""
        return self._effective

    def reading(self, point: PointIndex) -> Reading:
        """One point as of the last `columns`, for an event or a person."""
        columns = self._effective
        quality = Quality(int(columns.quality[point]))
        usable = quality <= Quality.UNCERTAIN
        return Reading(
            point=self._ids[point],
            value=float(columns.value[point]) if usable else None,
            quality=quality.name.lower(),
            reason=Reason(int(columns.reason[point])).name.lower(),
            source_time=Instant(int(columns.source_time[point])),
        )


def source_of(point: Point) -> Point:
    """What a value's meaning depends on: the point without its place, its name and its calibration."""
    return replace(point, index=0, name=_NO_NAME, calibration_due=None)
