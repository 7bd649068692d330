"""MQTT sensors of the simulated plant: JSON messages as the plant file's paths want them, commands back in.

A topic carries every point that names it, with one time and one quality. A time path whose last word holds
`ms` or `epoch` gets milliseconds since 1970, any other one ISO 8601.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import aiomqtt
import numpy as np

from drivers.broker import BrokerLost, connected
from drivers.mqtt.address import DeviceSettings, OutputAddress, PointAddress
from gateway.clock import Clock, to_datetime
from gateway.plant.model import Device, Output, Plant, Point
from gateway.sample import SECOND, Instant
from simulators.devices.broker import LocalBroker
from simulators.devices.modbus import SLOWNESS, Commanded, DeviceFault, expect
from simulators.plant.plant import PlantModel

_AGAIN = 0.5
"""Seconds before the next try to reach the broker."""
_BAD = "bad"

Json = dict[str, "Json | str | float | None"]


@dataclass(frozen=True, slots=True)
class _Topic:
    """What goes out together."""

    name: str
    points: Sequence[tuple[Point, PointAddress]]
    period: float


class MqttSensors:
    """Everything behind one MQTT device of the plant file."""

    def __init__(
        self,
        device: Device,
        plant: Plant,
        model: PlantModel,
        commanded: Commanded,
        clock: Clock,
        rng: np.random.Generator,
        *,
        with_broker: bool,
    ) -> None:
        self.device = device
        self.fault: DeviceFault | None = None
        self._settings = expect(device.settings, DeviceSettings)
        self._model = model
        self._commanded = commanded
        self._clock = clock
        self._rng = rng
        self._topics = _topics(plant, device)
        self._outputs = [
            (output, expect(output.address, OutputAddress)) for output in plant.outputs if output.device == device.id
        ]
        self._broker = LocalBroker(self._settings.host, self._settings.port) if with_broker else None
        self._task: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._stopping = False
        """A lost connection can swallow a cancellation; this cannot be swallowed."""

    async def start(self) -> None:
        """Start the broker, if it is ours, and publish; with a broker of ours, connected on return.

        Raises PortInUse.
        """
        if self._broker is not None:
            await self._broker.start()
        self._stopping = False
        self._up.clear()
        self._task = asyncio.create_task(self._run(), name=f"sensors of {self.device.id}")
        if self._broker is not None:
            await self._up.wait()

    async def stop(self) -> None:
        """Say goodbye to the broker and stop it."""
        task, self._task = self._task, None
        if task is not None:
            self._stopping = True
            while not task.done():
                task.cancel()
                await asyncio.wait([task], timeout=1.0)
        if self._broker is not None:
            await self._broker.stop()

    async def apply(self) -> None:
        """Be there or not, as the fault wants it: a dead site has no broker, or no sensors on a foreign one."""
        if self.fault is DeviceFault.DEAD:
            await self.stop()
        elif self._task is None:
            await self.start()

    async def _run(self) -> None:
        anybody = self._settings.model_copy(update={"client_id": None})
        while not self._stopping:
            with contextlib.suppress(BrokerLost):
                async with connected(anybody) as client:
                    await self._serve(client)
            if not self._stopping:
                await asyncio.sleep(_AGAIN)

    async def _serve(self, client: aiomqtt.Client) -> None:
        """Publish and obey until the connection is lost or we stop."""
        for _, address in self._outputs:
            await client.subscribe(address.topic, qos=1)
        self._up.set()
        listening = asyncio.create_task(self._listen(client), name=f"commands of {self.device.id}")
        try:
            await self._publish(client)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _listen(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            if self.fault is DeviceFault.HANG:
                continue
            for output, address in self._outputs:
                if message.topic.matches(address.topic):
                    self._obey(output, address, message.payload)

    def _obey(self, output: Output, address: OutputAddress, payload: object) -> None:
        before, _, after = address.payload.partition("{value}")
        text = payload.decode(errors="replace") if isinstance(payload, bytes) else str(payload)
        match = re.fullmatch(re.escape(before) + r"\s*([-+.\deE]+)\s*" + re.escape(after), text)
        if match is not None:
            value = float(match[1])
            self._model.command(output.id, value)
            self._commanded(output.id, value)

    async def _publish(self, client: aiomqtt.Client) -> None:
        loop = asyncio.get_running_loop()
        due = {topic.name: loop.time() for topic in self._topics}
        while not self._stopping:
            now = loop.time()
            for topic in self._topics:
                if due[topic.name] <= now:
                    due[topic.name] = max(due[topic.name] + topic.period, now)
                    await self._send(client, topic)
            await asyncio.sleep(max(0.01, min(due.values(), default=now + 1.0) - loop.time()))

    async def _send(self, client: aiomqtt.Client, topic: _Topic) -> None:
        if self.fault is DeviceFault.HANG:
            return
        payload = self._payload(topic, self._clock.now())
        if self.fault is DeviceFault.SLOW:
            await asyncio.sleep(SLOWNESS)
        if self.fault is DeviceFault.GARBAGE:
            payload = self._rng.bytes(16)
        await client.publish(topic.name, payload, qos=max(address.qos for _, address in topic.points))

    def _payload(self, topic: _Topic, now: Instant) -> bytes:
        first, address = topic.points[0]
        if address.value is None:
            return f"{self._model.value(first.id):.4f}".encode()
        document: Json = {}
        for point, where in topic.points:
            value = self._model.value(point.id)
            sound = math.isfinite(value) and self.fault is not DeviceFault.EXCEPTION
            _put(document, where.value or "value", round(value, 4) if sound else None)
            if where.time is not None:
                _put(document, where.time, _stamp(where.time, now))
            if where.quality is not None:
                _put(document, where.quality, where.good[0] if sound else _BAD)
        return json.dumps(document).encode()


def mqtt_sites(
    plant: Plant,
    model: PlantModel,
    rng: np.random.Generator,
    commanded: Commanded,
    clock: Clock,
    *,
    with_broker: bool,
) -> list[MqttSensors]:
    """The sensors behind each MQTT device of the plant file."""
    return [
        MqttSensors(device, plant, model, commanded, clock, rng.spawn(1)[0], with_broker=with_broker)
        for device in plant.devices
        if isinstance(device.settings, DeviceSettings)
    ]


def _topics(plant: Plant, device: Device) -> list[_Topic]:
    grouped: dict[str, list[tuple[Point, PointAddress]]] = {}
    for point in plant.points:
        if point.device == device.id:
            address = expect(point.address, PointAddress)
            topic = address.topic.replace("+", "any").replace("#", "any")
            grouped.setdefault(topic, []).append((point, address))
    return [
        _Topic(name, members, min(point.period for point, _ in members) / SECOND) for name, members in grouped.items()
    ]


def _put(document: Json, path: str, value: str | float | None) -> None:
    *folders, last = path.split(".")
    for folder in folders:
        inner = document.setdefault(folder, {})
        if not isinstance(inner, dict):
            raise TypeError(f"expected {path} to lead through objects, got a value at {folder}")
        document = inner
    document[last] = value


def _stamp(path: str, now: Instant) -> str | float:
    name = path.rsplit(".", 1)[-1]
    if "ms" in name or "epoch" in name:
        return now // 1000
    return to_datetime(now).isoformat()
