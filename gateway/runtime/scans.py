"""How often each device really speaks, measured at the tick loop. Watches; changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gateway.plant.model import Plant
from gateway.runtime.loop import Loop, Tick
from gateway.sample import Instant


@dataclass(slots=True)
class Scan:
    """The periods of one device (microseconds)."""

    at: Instant
    """When it last spoke."""
    last: int = 0
    longest: int = 0
    """Since start."""
    count: int = 0
    total: int = 0


class ScanTimes:
    """Implements `gateway.runtime.loop.Listener`."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._plant: Plant | None = None
        self._devices: tuple[str, ...] = ()
        self._device_of = np.empty(0, dtype=np.int32)
        self.scans: dict[str, Scan] = {}

    def on_tick(self, tick: Tick) -> None:
        if self._plant is not self._loop.plant:
            self._take(self._loop.plant)
        if len(tick.points) != len(self._device_of):
            return  # the last tick of another plant file
        for row in np.unique(self._device_of[tick.points]).tolist():
            self._spoke(self._devices[row], tick.now)

    def _take(self, plant: Plant) -> None:
        self._plant = plant
        self._devices = tuple(device.id for device in plant.devices)
        place = {device: row for row, device in enumerate(self._devices)}
        self._device_of = np.array([place[point.device] for point in plant.points], dtype=np.int32)
        self.scans = {device: scan for device, scan in self.scans.items() if device in place}

    def _spoke(self, device: str, now: Instant) -> None:
        scan = self.scans.get(device)
        if scan is None:
            self.scans[device] = Scan(now)
            return
        scan.last = now - scan.at
        scan.longest = max(scan.longest, scan.last)
        scan.count += 1
        scan.total += scan.last
        scan.at = now
