"""What flows up: batches of samples, each value inseparable from its quality.

No value leaves this module without a quality, and a quality other than GOOD always has a reason.
A reader that wants a bare number has to ask for the good ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import NewType

import numpy as np
from numpy.typing import NDArray

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01T00:00:00Z. Every time in the system is one of these."""

SECOND = 1_000_000
"""Microseconds in a second: durations are plain integers in the unit of `Instant`."""

FUTURE_LIMIT = 5 * SECOND
"""How far a source's clock may be ahead of ours before it is not believed."""

PointIndex = int
"""Position of a point in `Plant.points`; stable for the life of one loaded plant file."""

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Indices = NDArray[np.int32]
Instants = NDArray[np.int64]


class Quality(IntEnum):
    """How far a value may be trusted; ordered, so that the worst of several is their maximum."""

    GOOD = 0
    UNCERTAIN = 1
    STALE = 2
    BAD = 3


class Reason(IntEnum):
    """Why a value is not good. Stored beside the value; never renumber."""

    NONE = 0
    NEVER_SEEN = 1
    """The source has not spoken since the gateway started."""
    TOO_OLD = 2
    """Older than the point's stale limit."""
    TIMEOUT = 3
    """The device did not answer within its time."""
    DISCONNECTED = 4
    """The connection is refused, reset or not there."""
    DEVICE_EXCEPTION = 5
    """The device answered with an exception code (Modbus exceptions 1-11)."""
    MALFORMED = 6
    """The answer or payload could not be decoded."""
    NOT_A_NUMBER = 7
    """NaN or infinity."""
    OUT_OF_RANGE = 8
    """Outside the measuring range that the plant file gives."""
    SENSOR_FAULT = 9
    """The sensor itself reports a fault."""
    WARMING_UP = 10
    """The sensor reports that it is not ready yet."""
    SOURCE_CLOCK = 11
    """The source's time stamp cannot be true."""
    SOURCE_DOUBT = 12
    """The source itself vouches for its value only in part."""
    RETAINED = 13
    """Kept from earlier by a broker; how old it is, nobody says."""
    WRONG_DEVICE = 14
    """What answers is not the device that the plant file means."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one point, for code that handles few of them."""

    point: PointIndex
    value: float
    quality: Quality
    reason: Reason
    source_time: Instant
    receive_time: Instant


@dataclass(frozen=True, slots=True, eq=False)
class SampleBatch:
    """Readings in columns of equal length; the only thing that drivers produce.

    `value` is NaN wherever `quality` is BAD: a failed read has no number to mistake for one.
    """

    point: Indices
    value: Floats
    quality: Bytes
    reason: Bytes
    source_time: Instants
    receive_time: Instants

    def __len__(self) -> int:
        return len(self.point)

    def samples(self) -> list[Sample]:
        """The same readings, one object each."""
        return [
            Sample(
                int(self.point[row]),
                float(self.value[row]),
                Quality(int(self.quality[row])),
                Reason(int(self.reason[row])),
                Instant(int(self.source_time[row])),
                Instant(int(self.receive_time[row])),
            )
            for row in range(len(self))
        ]

    def renumbered(self, index: Indices) -> SampleBatch:
        """The readings by other point indices; `index` has the new one for each old one, -1 to leave it out."""
        point = index[self.point]
        kept = point >= 0
        if kept.all():
            return SampleBatch(point, self.value, self.quality, self.reason, self.source_time, self.receive_time)
        return replace(self, point=point).rows(kept)

    def rows(self, chosen: slice | NDArray[np.bool_] | NDArray[np.intp]) -> SampleBatch:
        """Some of the readings, in the same order, or in that of the indices."""
        return SampleBatch(
            point=self.point[chosen],
            value=self.value[chosen],
            quality=self.quality[chosen],
            reason=self.reason[chosen],
            source_time=self.source_time[chosen],
            receive_time=self.receive_time[chosen],
        )

    def part(self, start: int, end: int) -> SampleBatch:
        """The rows from `start` up to `end`; no copy."""
        rows = slice(start, end)
        return SampleBatch(
            point=self.point[rows],
            value=self.value[rows],
            quality=self.quality[rows],
            reason=self.reason[rows],
            source_time=self.source_time[rows],
            receive_time=self.receive_time[rows],
        )

    @classmethod
    def of(cls, samples: Iterable[Sample]) -> SampleBatch:
        """Columns from single readings."""
        rows = list(samples)
        return cls(
            point=np.array([s.point for s in rows], dtype=np.int32),
            value=np.array([s.value for s in rows], dtype=np.float64),
            quality=np.array([s.quality for s in rows], dtype=np.uint8),
            reason=np.array([s.reason for s in rows], dtype=np.uint8),
            source_time=np.array([s.source_time for s in rows], dtype=np.int64),
            receive_time=np.array([s.receive_time for s in rows], dtype=np.int64),
        )

    @classmethod
    def concatenate(cls, batches: Iterable[SampleBatch]) -> SampleBatch:
        """One batch with the rows of all, in order."""
        parts = list(batches)
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return cls.of(())
        return cls(
            point=np.concatenate([b.point for b in parts]),
            value=np.concatenate([b.value for b in parts]),
            quality=np.concatenate([b.quality for b in parts]),
            reason=np.concatenate([b.reason for b in parts]),
            source_time=np.concatenate([b.source_time for b in parts]),
            receive_time=np.concatenate([b.receive_time for b in parts]),
        )


def failed(points: Indices, reason: Reason, now: Instant) -> SampleBatch:
    """What a driver hands up when a read fails: BAD for every point it wanted, with the reason."""
    count = len(points)
    stamp = np.full(count, now, dtype=np.int64)
    return SampleBatch(
        point=np.asarray(points, dtype=np.int32),
        value=np.full(count, np.nan),
        quality=np.full(count, Quality.BAD, dtype=np.uint8),
        reason=np.full(count, reason, dtype=np.uint8),
        source_time=stamp,
        receive_time=stamp.copy(),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """One point's value at the moment of an event; `value` is None unless it may be used (good or uncertain)."""

    point: str
    value: float | None
    quality: str
    reason: str
    source_time: Instant
