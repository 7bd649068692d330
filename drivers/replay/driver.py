"""Plays a recording as if it were a device: rows go up when they are due, at any speed.

A recording that is missing, faulty or over is a lost device: BAD once at the loss and once a second after,
until the file changes. Takes no commands; never raises into the runtime.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from operator import attrgetter

import numpy as np
from pydantic import BaseModel

from drivers.link import LinkReporter, own
from drivers.replay.address import DeviceSettings, OutputAddress, PointAddress, Times
from drivers.replay.client import identity, parts, readings
from drivers.replay.codec import FileFault, Recorded
from drivers.replay.manifest import MANIFEST
from drivers.source_time import believable
from gateway.driver import DriverKind, DriverWork, Receipt, ScanLoad
from gateway.errors import Problem
from gateway.plant.model import Device, Output, Point
from gateway.sample import SECOND, Instant, Quality, Reason, SampleBatch, failed

REMINDER = 1.0
"""Seconds between the BAD samples of a recording that does not play, and between two looks at its file."""
CROWDED = 100_000
"""Samples that may wait in the gateway before a recording at `max` speed waits too."""
_PAUSE = 0.005
_LONGEST = 1.0
"""Seconds of sleep at most, so that a gap of hours in a recording ends on time after a suspended machine."""
_time = attrgetter("time")


class ReplayDriver:
    """One recording; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        self._all = np.array([point.index for point in work.points], dtype=np.int32)
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)

    async def run(self) -> None:
        self._reporter.connecting(self._settings.file)
        while True:
            seen = identity(self._settings)
            try:
                await self._play()
                reason, detail = Reason.DISCONNECTED, f"{self._settings.file}: the recording is over"
            except FileFault as fault:
                reason, detail = fault.reason, str(fault)
            else:
                if self._settings.repeat:
                    await asyncio.sleep(_PAUSE)
                    continue
            self._reporter.down(reason, detail)
            await self._wait_for_another(seen, reason)

    async def _wait_for_another(self, seen: tuple[int, int] | None, reason: Reason) -> None:
        while True:
            self._work.receiver.samples(failed(self._all, reason, self._work.clock.now()))
            await asyncio.sleep(REMINDER)
            if identity(self._settings) != seen:
                return

    async def _play(self) -> None:
        begun: tuple[Instant, Instant] | None = None
        async for part in parts(self._settings, self._work.points):
            if begun is None:
                begun = (part[0].time, self._work.clock.now())
                self._reporter.up(f"{self._settings.file} plays at {self._settings.speed} times its speed")
            if self._settings.speed == "max":
                await self._at_once(part)
            else:
                await self._in_time(part, *begun, float(self._settings.speed))

    async def _at_once(self, part: Sequence[Recorded]) -> None:
        while self._work.receiver.waiting > CROWDED:  # noqa: ASYNC110 - the receiver's contract has no event
            await asyncio.sleep(_PAUSE)
        now = self._work.clock.now()
        self._hand_up(part, [Instant(one.time - part[-1].time + now) for one in part], now)
        await asyncio.sleep(0)

    async def _in_time(self, part: Sequence[Recorded], first: Instant, begun: Instant, speed: float) -> None:
        place = 0
        while place < len(part):
            now = self._work.clock.now()
            due = bisect_right(part, first + (now - begun) * speed, lo=place, key=_time)
            if due > place:
                rows = part[place:due]
                self._hand_up(rows, [Instant(begun + round((one.time - first) / speed)) for one in rows], now)
                place = due
            else:
                ahead = (part[place].time - first) / speed - (now - begun)
                await asyncio.sleep(min(max(ahead / SECOND, 0.001), _LONGEST))

    def _hand_up(self, rows: Sequence[Recorded], shifted: Sequence[Instant], now: Instant) -> None:
        quality = np.array([one.quality for one in rows], dtype=np.uint8)
        reason = np.array([one.reason for one in rows], dtype=np.uint8)
        times = np.array(shifted, dtype=np.int64)
        if self._settings.times is Times.ORIGINAL:
            times = np.array([one.time for one in rows], dtype=np.int64)
            doubtful = np.array([believable(one.time, now) is None for one in rows])
            times[doubtful] = now
            hit = doubtful & (quality == Quality.GOOD)
            quality[hit], reason[hit] = Quality.UNCERTAIN, Reason.SOURCE_CLOCK
        self._work.receiver.samples(
            SampleBatch(
                point=np.array([one.point for one in rows], dtype=np.int32),
                value=np.array([one.value for one in rows], dtype=np.float64),
                quality=quality,
                reason=reason,
                source_time=times,
                receive_time=np.full(len(rows), now, dtype=np.int64),
            )
        )

    async def write(self, output: Output, value: float) -> Receipt:
        """Nobody obeys in a recording."""
        detail = f"{output.id} = {value:g}: a recording takes no commands"
        return Receipt(written=False, detail=detail, at=self._work.clock.now())


def occupies(_device: Device, address: BaseModel) -> Sequence[Hashable]:
    """A point takes its column."""
    if isinstance(address, OutputAddress):
        return []
    return [own(PointAddress, address, "a recorded point").column]


def load(_device: Device, _points: Sequence[Point]) -> ScanLoad | None:
    """None: a recording speaks by itself."""
    return None


def examine(device: Device, points: Sequence[Point]) -> Sequence[Problem]:
    """The first mistake of the recording, from its first row to its last."""
    try:
        for _ in readings(own(DeviceSettings, device.settings, device.id), points):
            pass
    except FileFault as fault:
        return [fault.problem]
    return []


KIND = DriverKind(
    name="replay",
    device_settings=DeviceSettings,
    point_address=PointAddress,
    output_address=OutputAddress,
    open=ReplayDriver,
    occupies=occupies,
    load=load,
    manifest=MANIFEST,
    examine=examine,
)
