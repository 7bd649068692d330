"""The latest of every point, with its age applied: what rules and people are shown.

No value outlives its source: a value past its stale limit is STALE, whatever the driver last said. Which readings
are taken is `gateway.admission`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gateway.admission import Admission
from gateway.plant.model import Plant, Point, Text
from gateway.rule import PointColumns
from gateway.sample import Instant, PointIndex, Quality, Reading, Reason, SampleBatch

_NO_NAME = Text("", "")


class PointTable:
    """Columns by point index. `apply` what comes, then `columns(now)` for what holds now."""

    def __init__(self, plant: Plant) -> None:
        self._points = plant.points
        self._ids = tuple(point.id for point in plant.points)
        self.admission = Admission(plant.points)
        self._effective = self.columns(Instant(0))

    def apply(self, batch: SampleBatch) -> None:
        """Take a batch in; of several readings of one point the newest holds."""
        self.admission.admit(batch)

    def columns(self, now: Instant) -> PointColumns:
        """The latest of every point as of `now`; a copy, safe to keep."""
        held = self.admission
        old = np.minimum(held.source_time, held.receive_time) < now - held.stale_after
        stale = old & (held.quality < Quality.STALE)
        quality = np.where(stale, np.uint8(Quality.STALE), held.quality)
        reason = np.where(stale, np.uint8(Reason.TOO_OLD), held.reason)
        self._effective = PointColumns(
            held.value.copy(), quality, reason, held.source_time.copy(), held.receive_time.copy()
        )
        return self._effective

    def carried(self, plant: Plant, now: Instant) -> PointTable:
        """The table of another plant file, with the latest of every point that is read as it was before."""
        table = PointTable(plant)
        earlier = {point.id: point for point in self._points}
        known = [(point, earlier[point.id]) for point in plant.points if point.id in earlier]
        same = [(point, before) for point, before in known if source_of(point) == source_of(before)]
        table.admission.inherit(self.admission, *_places(same))
        table.admission.inherit_counts(self.admission, *_places(known))
        table.columns(now)
        return table

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

    def readings(self, points: Iterable[PointIndex]) -> tuple[Reading, ...]:
        """The same of several points, each once, in the order given."""
        return tuple(self.reading(point) for point in dict.fromkeys(points))


def source_of(point: Point) -> Point:
    """What a value's meaning depends on: the point without its place, its name and its calibration."""
    return replace(point, index=0, name=_NO_NAME, calibration_due=None)


def _places(pairs: Sequence[tuple[Point, Point]]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    first, second = np.array([(one.index, other.index) for one, other in pairs], dtype=np.intp).reshape(-1, 2).T
    return first, second
