"""Tells each PLC that asks for it that the gateway lives: a counter in one of its registers.

Counts only while decisions are made and can be kept. A heartbeat from a hung engine would be a lie, so nothing
here has a timer that could outlive it; and nothing else depends on it: a PLC that misses it shows a lamp.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from gateway.clock import Clock
from gateway.driver import Driver, LinkState, Receipt
from gateway.duration import format_duration
from gateway.errors import StoreFailed
from gateway.event import Event
from gateway.events.outputs import HeartbeatChanged
from gateway.identity import identity
from gateway.plant.model import Device, Heartbeat, Output, Plant
from gateway.runtime.commands import WRITE_TIMEOUT
from gateway.runtime.loop import Loop
from gateway.runtime.supervise import attempt
from gateway.sample import SECOND, Instant

LONGEST_SILENCE = SECOND
"""Without a tick for longer than this nothing is decided: ten ticks are due in it even when nothing comes."""

_log = logging.getLogger(__name__)


class Heartbeats:
    """One task a device."""

    def __init__(self, plant: Plant, loop: Loop, clock: Clock) -> None:
        self._plant, self._loop, self._clock = plant, loop, clock
        self._drivers: Mapping[str, Driver] = {}
        self._counts: dict[str, int] = {}
        self._why_not: dict[str, str] = {}
        """Devices whose counter stands still although they answer, and why."""
        self._beating: dict[str, bool] = {}
        """As the journal has it."""
        self._changed = asyncio.Event()

    @property
    def written(self) -> bool:
        """Whether every device that answers takes its counter."""
        return not self._why_not

    def switch(self, plant: Plant) -> None:
        """The devices of another plant file from now on; a counter goes on where it was."""
        self._plant = plant
        self._why_not.clear()
        self._changed.set()

    async def run(self, drivers: Mapping[str, Driver]) -> None:
        """Count for ever by these drivers, a live view; ends by cancellation."""
        self._drivers = drivers
        while True:
            self._changed.clear()
            async with asyncio.TaskGroup() as group:
                beats = [
                    group.create_task(self._keep_beating(device, device.heartbeat), name=f"heartbeat {device.id}")
                    for device in self._plant.devices
                    if device.heartbeat is not None
                ]
                await self._changed.wait()
                for beat in beats:
                    beat.cancel()

    async def _keep_beating(self, device: Device, heartbeat: Heartbeat) -> None:
        while True:
            why_not = self._unsound() or await self._beat(device, heartbeat)
            link = self._loop.links.get(device.id)
            if why_not and link is not None and link.state is LinkState.UP:
                self._why_not[device.id] = why_not
            else:
                self._why_not.pop(device.id, None)
            await self._note(device.id, why_not)
            await asyncio.sleep(heartbeat.period / SECOND)

    def _unsound(self) -> str:
        """Why the gateway would not act now; empty while it would."""
        silent = self._clock.now() - self._loop.now
        if silent > LONGEST_SILENCE:
            return f"nothing was decided for {format_duration(silent)}"
        if self._loop.failure is not None:
            return f"the journal cannot be written: {self._loop.failure}"
        return ""

    async def _beat(self, device: Device, heartbeat: Heartbeat) -> str:
        """Count one further; why that failed, or nothing. A device that does not answer is not asked: others wait."""
        link = self._loop.links.get(device.id)
        if link is None or link.state is not LinkState.UP:
            return "the device is not connected"
        count = (self._counts.get(device.id, 0) + 1) % heartbeat.counts
        output = Output(
            id=f"{device.id}.heartbeat",
            name=device.name,
            equipment="",
            kind="heartbeat",
            device=device.id,
            address=heartbeat.address,
            allowed=True,
            values=(),
            read_back=False,
        )
        receipt = await attempt(
            f"the heartbeat of {device.id}",
            self._write(output, float(count)),
            lambda error: Receipt(written=False, detail=f"the driver broke: {error!r}", at=self._clock.now()),
        )
        if receipt.written:
            self._counts[device.id] = count
        return "" if receipt.written else receipt.detail

    async def _write(self, output: Output, value: float) -> Receipt:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                return await self._drivers[output.device].write(output, value)
        except TimeoutError:
            return Receipt(written=False, detail=f"no answer within {WRITE_TIMEOUT:g} s", at=self._clock.now())

    async def _note(self, device: str, why_not: str) -> None:
        """Into the journal when it begins or ends; what cannot be kept now is tried at the next count."""
        beating = not why_not
        if beating is self._beating.get(device, False):
            return

        def changed(now: Instant) -> Sequence[Event]:
            identifier = identity(self._plant.site.id, device, "heartbeat", str(beating), now)
            return [HeartbeatChanged(id=identifier, at=now, device=device, beating=beating, detail=why_not)]

        try:
            await self._loop.act(changed)
        except StoreFailed as failure:
            _log.error("the heartbeat of %s %s, and the journal does not take it: %s", device, why_not, failure)
        else:
            self._beating[device] = beating
