"""The devices of the plant file that is in force: each driver in a task of its own, exchanged one by one.

A driver whose device did not change reads on through a change of plant file: what it hands up is numbered
anew on the way. Never touches another device for the sake of one that changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.clock import Clock
from gateway.driver import Driver, DriverKind, DriverWork, LinkStatus
from gateway.plant import own
from gateway.plant.guard import Guard
from gateway.plant.model import Device, Output, Plant, Point, Text
from gateway.point_table import source_of
from gateway.runtime.health import HealthDriver
from gateway.runtime.intake import Intake
from gateway.runtime.supervise import supervise
from gateway.sample import Indices, SampleBatch

LONGEST_END = 5.0
"""Seconds that a driver has to let go of its device before the next one takes it."""

_NOBODY = Text("", "")

Probes = Mapping[str, Callable[[], float]]
"""What the gateway says of itself, by point kind."""


class Renumbering:
    """Implements `gateway.driver.Receiver`: from the point indices of one plant file to those of the next."""

    def __init__(self, intake: Intake, point_ids: Sequence[str]) -> None:
        self._intake = intake
        self._ids = tuple(point_ids)
        self._index: Indices | None = None
        self._ended = False

    def samples(self, batch: SampleBatch) -> None:
        if self._ended:
            return
        self._intake.samples(batch if self._index is None else batch.renumbered(self._index))

    def link(self, status: LinkStatus) -> None:
        if not self._ended:
            self._intake.link(status)

    @property
    def waiting(self) -> int:
        return self._intake.waiting

    def lost(self, device: str, count: int) -> None:
        self._intake.lost(device, count)

    def renumber(self, plant: Plant) -> None:
        """From now on the indices are those of this plant."""
        index_of = {point.id: point.index for point in plant.points}
        self._index = np.array([index_of.get(point, -1) for point in self._ids], dtype=np.int32)

    def end(self) -> None:
        """Whatever still comes is of a device that is not there any more."""
        self._ended = True


@dataclass(frozen=True, slots=True)
class _Running:
    work: DriverWork
    driver: Driver
    receiver: Renumbering


class Devices:
    """All drivers. `drivers` is a live view, by device id."""

    def __init__(
        self, plant: Plant, kinds: Mapping[str, DriverKind], intake: Intake, clock: Clock, probes: Probes
    ) -> None:
        self._kinds, self._intake, self._clock, self._probes = kinds, intake, clock, probes
        self.drivers: dict[str, Driver] = {}
        self._running: dict[str, _Running] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._group: asyncio.TaskGroup | None = None
        for device in plant.devices:
            self._open(plant, device)

    async def run(self) -> None:
        """Run every driver for ever; ends by cancellation."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for device in self._running:
                self._start(device, None)
            await asyncio.Event().wait()

    def changed(self, plant: Plant) -> tuple[str, ...]:
        """The devices that `switch` would start, stop, or start anew."""
        return changed_devices(plant, {device: running.work for device, running in self._running.items()})

    def switch(self, plant: Plant) -> None:
        """Take over another plant file at once."""
        wanted = {device.id: device for device in plant.devices}
        changed = self.changed(plant)
        for device in changed:
            running = self._running.pop(device, None)
            if running is not None:
                running.receiver.end()
                self.drivers.pop(device)
        for running in self._running.values():
            running.receiver.renumber(plant)
        for device in changed:
            before = self._tasks.pop(device, None)
            if before is not None:
                before.cancel()
            if device in wanted:
                self._open(plant, wanted[device])
                self._start(device, before)

    def _open(self, plant: Plant, device: Device) -> None:
        receiver = Renumbering(self._intake, [point.id for point in plant.points])
        work = DriverWork(
            device=device,
            points=[point for point in plant.points if point.device == device.id],
            outputs=[output for output in plant.outputs if output.device == device.id],
            receiver=receiver,
            clock=self._clock,
        )
        driver = (
            HealthDriver(work, self._probes)
            if device.driver == own.INTERNAL_DRIVER
            else self._kinds[device.driver].open(work)
        )
        self._running[device.id] = _Running(work, driver, receiver)
        self.drivers[device.id] = driver

    def _start(self, device: str, before: asyncio.Task[None] | None) -> None:
        if self._group is not None:
            run = supervise(f"device {device}", self._running[device].driver.run)
            self._tasks[device] = self._group.create_task(_after(before, run), name=f"device {device}")


async def _after(before: asyncio.Task[None] | None, run: Coroutine[None, None, None]) -> None:
    if before is not None:
        await asyncio.wait([before], timeout=LONGEST_END)
    await run


def changed_devices(plant: Plant, running: Mapping[str, DriverWork]) -> tuple[str, ...]:
    """Devices that are new, gone, or to be read or written in another way; a name is no other way."""
    wanted = {device.id: device for device in plant.devices}
    changed = [device for device in running if device not in wanted]
    for device in plant.devices:
        work = running.get(device.id)
        points = [point for point in plant.points if point.device == device.id]
        outputs = [output for output in plant.outputs if output.device == device.id]
        if (
            work is None
            or (work.device.driver, work.device.settings) != (device.driver, device.settings)
            or _essence(work.points) != _essence(points)
            or _output_essence(work.outputs) != _output_essence(outputs)
        ):
            changed.append(device.id)
    return tuple(changed)


def _essence(points: Sequence[Point]) -> dict[str, Point]:
    """By id, without what a driver does not care for."""
    return {point.id: source_of(point) for point in points}


def _output_essence(outputs: Sequence[Output]) -> dict[str, Output]:
    """By id, without its name and without what limits and proves its writes."""
    return {output.id: replace(output, name=_NOBODY, guard=Guard()) for output in outputs}
