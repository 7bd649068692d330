"""The engine's border: which readings are taken, and as what, whoever handed them up.

Pure, and a function of the readings alone in the order in which they came: never of how they were cut into batches
or of when somebody looked. So the running gateway and a back-test take the same ones. Refuses only what is surely
worse than what is held; every reading that is refused or changed is counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gateway.plant.model import Point
from gateway.sample import FUTURE_LIMIT, Indices, Quality, Reason, SampleBatch

Columns = tuple[NDArray[np.generic], ...]
_Booleans = NDArray[np.bool_]
_Kind = TypeVar("_Kind", bound=np.generic)

_NEVER = -(2**62)
_FEW_POINTS = 2**16


class Irregularity(IntEnum):
    """What can be wrong with a reading beside its value; a row of `Admission.counts`."""

    OUT_OF_ORDER = 0
    """Older by its source's clock than a value of the point that is fresh still; refused."""
    DUPLICATE = 1
    """The held reading once more; changes nothing."""
    FUTURE = 2
    """Stamped further ahead of its receipt than clocks drift; UNCERTAIN, and as old as its receipt."""
    NOT_A_NUMBER = 3
    """NaN or infinite, and not called BAD; BAD."""


IMPOSSIBLE = (Irregularity.FUTURE, Irregularity.NOT_A_NUMBER)
"""What every driver has to have seen to already: any of these is a mistake in a driver, and an alarm."""

_TAKEN = len(Irregularity)


class Admission:
    """Holds the latest reading of every point, as it was taken; columns by point index, without the effect of age."""

    def __init__(self, points: Sequence[Point]) -> None:
        count = len(points)
        self.value = np.full(count, np.nan)
        self.quality = np.full(count, Quality.BAD, dtype=np.uint8)
        self.reason = np.full(count, Reason.NEVER_SEEN, dtype=np.uint8)
        self.source_time = np.zeros(count, dtype=np.int64)
        self.receive_time = np.zeros(count, dtype=np.int64)
        self.stale_after = np.array([point.stale_after for point in points], dtype=np.int64)
        self.counts = np.zeros((len(Irregularity), count + 1), dtype=np.int64)
        """Readings since start by kind and point; the last column is of points that have left the plant."""
        self._stamp = np.full(count, _NEVER, dtype=np.int64)
        """The source's own time of the newest usable value that had one."""

    def admit(self, batch: SampleBatch) -> SampleBatch:
        """Take a batch in; what of it was taken, in the same order and as it is held now."""
        if not len(batch):
            return batch
        judged = self._judged(batch)
        order = self._by_point(judged.point)
        if order is None:
            verdict = self._verdicts(judged)
        else:
            verdict = np.empty(len(batch), dtype=np.uint8)
            verdict[order] = self._verdicts(judged.rows(order))
        taken = verdict == _TAKEN
        if not taken.all():
            for kind in (Irregularity.OUT_OF_ORDER, Irregularity.DUPLICATE):
                self._count(kind, judged.point[verdict == kind])
            judged = judged.rows(taken)
        self._hold(judged)
        return judged

    def inherit(self, earlier: Admission, points: NDArray[np.intp], before: NDArray[np.intp]) -> None:
        """Hold at `points` what `earlier` held at `before`."""
        for own, theirs in zip(self._columns(), earlier._columns()):
            own[points] = theirs[before]

    def inherit_counts(self, earlier: Admission, points: NDArray[np.intp], before: NDArray[np.intp]) -> None:
        """Count on; what `earlier` counted elsewhere than at `before` stays in the sum."""
        self.counts[:, points] = earlier.counts[:, before]
        self.counts[:, -1] = earlier.counts.sum(axis=1) - earlier.counts[:, before].sum(axis=1)

    def total(self, kind: Irregularity) -> int:
        """Readings of this kind since start."""
        return int(self.counts[kind].sum())

    def _columns(self) -> Columns:
        return (self.value, self.quality, self.reason, self.source_time, self.receive_time, self._stamp)

    def _judged(self, batch: SampleBatch) -> SampleBatch:
        """The readings with what they say of themselves put right."""
        quality, reason, source_time = batch.quality, batch.reason, batch.source_time
        absurd = ~np.isfinite(batch.value) & (quality < Quality.BAD)
        ahead = source_time > batch.receive_time + FUTURE_LIMIT
        if ahead.any():
            self._count(Irregularity.FUTURE, batch.point[ahead])
            doubtful = ahead & (quality == Quality.GOOD)
            quality = np.where(doubtful, np.uint8(Quality.UNCERTAIN), quality)
            reason = np.where(doubtful, np.uint8(Reason.SOURCE_CLOCK), reason)
            source_time = np.where(ahead, batch.receive_time, source_time)
        if absurd.any():
            self._count(Irregularity.NOT_A_NUMBER, batch.point[absurd])
            quality = np.where(absurd, np.uint8(Quality.BAD), quality)
            reason = np.where(absurd, np.uint8(Reason.NOT_A_NUMBER), reason)
        value = np.where(quality == Quality.BAD, np.nan, batch.value)
        return SampleBatch(batch.point, value, quality, reason, source_time, batch.receive_time)

    def _by_point(self, point: Indices) -> NDArray[np.intp] | None:
        """The order in which readings of one point stand together, as they came; None if each point comes once."""
        if len(point) == 1 or bool((point[1:] > point[:-1]).all()):
            return None
        if len(self.value) <= _FEW_POINTS:  # numbers this short are sorted by radix, ten times as fast
            return np.argsort(point.astype(np.uint16), kind="stable")
        return np.argsort(point, kind="stable")

    def _verdicts(self, rows: SampleBatch) -> NDArray[np.uint8]:
        """Of rows that stand point by point: taken, or what is wrong with them."""
        point = rows.point
        verdict = np.full(len(rows), _TAKEN, dtype=np.uint8)
        verdict[self._repeats(rows)] = Irregularity.DUPLICATE
        stamped = np.flatnonzero(_is_stamped(rows))
        if len(stamped):
            # In a point whose stamps never fall nothing is out of order; only the others are gone through one by one.
            stamp = np.minimum(rows.source_time[stamped], rows.receive_time[stamped])
            falls = stamp < _before(point[stamped], stamp, self._stamp)
            if falls.any():
                unruly = np.zeros(len(self.value), dtype=np.bool_)
                unruly[point[stamped[falls]]] = True
                chosen = unruly[point]
                verdict[chosen] = self._one_by_one(rows.rows(chosen))
        return verdict

    def _repeats(self, rows: SampleBatch) -> _Booleans:
        """Rows that say what the row before them, or what is held, says."""
        point = rows.point
        same: _Booleans = rows.source_time == _before(point, rows.source_time, self.source_time)
        if same.any():
            same &= rows.quality == _before(point, rows.quality, self.quality)
            same &= rows.reason == _before(point, rows.reason, self.reason)
            same &= (rows.value == _before(point, rows.value, self.value)) | (rows.quality == Quality.BAD)
        return same

    def _one_by_one(self, rows: SampleBatch) -> list[int]:
        """The law in full, for points whose stamps fall somewhere."""
        verdict: list[int] = []
        point, stamp, stale_after, held = -1, _NEVER, 0, (0, 0, 0, 0.0)
        for row, is_stamped in zip(rows.samples(), _is_stamped(rows).tolist()):
            if row.point != point:
                point, stamp = row.point, int(self._stamp[row.point])
                stale_after = int(self.stale_after[point])
                held = _said(self.quality[point], self.reason[point], self.source_time[point], self.value[point])
            said = _said(row.quality, row.reason, row.source_time, row.value)
            told = min(row.source_time, row.receive_time)
            if said == held:
                verdict.append(Irregularity.DUPLICATE)
            elif is_stamped and told < stamp and row.receive_time - stale_after <= stamp <= row.receive_time:
                verdict.append(Irregularity.OUT_OF_ORDER)
            else:
                verdict.append(_TAKEN)
                held, stamp = said, told if is_stamped else stamp
        return verdict

    def _hold(self, taken: SampleBatch) -> None:
        rows = taken.point  # of several readings of one point the last stays
        self.value[rows] = taken.value
        self.quality[rows] = taken.quality
        self.reason[rows] = taken.reason
        self.source_time[rows] = taken.source_time
        self.receive_time[rows] = taken.receive_time
        stamped = _is_stamped(taken)
        if stamped.any():
            stamp = np.minimum(taken.source_time, taken.receive_time)
            self._stamp[rows[stamped]] = stamp[stamped]

    def _count(self, kind: Irregularity, points: Indices) -> None:
        np.add.at(self.counts[kind], points, 1)


def _is_stamped(rows: SampleBatch) -> _Booleans:
    """Usable values with a time of their source's own; one that a driver stamped itself has both times the same."""
    stamped: _Booleans = (rows.quality <= Quality.UNCERTAIN) & (rows.source_time != rows.receive_time)
    return stamped


def _before(point: Indices, column: NDArray[_Kind], held: NDArray[_Kind]) -> NDArray[_Kind]:
    """For each of rows that stand point by point: the column one row earlier, or what is held at the point's first."""
    before = held[point]
    again = point[1:] == point[:-1]
    if again.any():
        before[1:][again] = column[:-1][again]
    return before


def _said(quality: int, reason: int, source_time: int, value: float) -> tuple[int, int, int, float]:
    """What makes two readings the same; what is BAD has no value to compare."""
    return int(quality), int(reason), int(source_time), 0.0 if quality == Quality.BAD else float(value)
