"""Hears the points of one broker and publishes its outputs.

While the broker is gone, every point is BAD, once at the loss and once a second after. A payload that
cannot be read is BAD for the points of its topic and for no others. Never raises into the runtime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import aiomqtt
import numpy as np
from pydantic import BaseModel

from drivers.link import LinkReporter, own, retry_delay
from drivers.mqtt.address import DeviceSettings, OutputAddress, PointAddress
from drivers.mqtt.client import BrokerLost, connected, subscribe
from drivers.mqtt.codec import Expected, encode, parse, readings
from drivers.mqtt.manifest import MANIFEST
from gateway.driver import DriverKind, DriverWork, LinkState, Receipt, ScanLoad
from gateway.plant.model import Device, Output, Point
from gateway.sample import Indices, Instant, Quality, Reason, Sample, SampleBatch, failed

REMINDER = 1.0
"""Seconds between the BAD samples of a broker that stays away."""
_BATCH_LIMIT = 1_000
"""Messages in one batch, so that a flood does not hold the first of them back."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Listener:
    index: int
    expected: Expected


class MqttDriver:
    """One broker; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        self._listeners: dict[str, list[_Listener]] = {}
        self._topics: dict[str, int] = {}
        for point in work.points:
            address = own(PointAddress, point.address, point.id)
            listener = _Listener(point.index, Expected(address, point.low, point.high))
            self._listeners.setdefault(address.topic, []).append(listener)
            self._topics[address.topic] = max(address.qos, self._topics.get(address.topic, 0))
        self._all = np.array([point.index for point in work.points], dtype=np.int32)
        self._refused: Indices = np.array([], dtype=np.int32)
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)
        self._client: aiomqtt.Client | None = None
        self._broken = False

    async def run(self) -> None:
        self._reporter.connecting(f"{self._settings.host}:{self._settings.port}")
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name=f"mqtt {self._work.device.id}")
            tasks.create_task(self._remind(), name=f"mqtt {self._work.device.id} reminder")

    async def _listen(self) -> None:
        attempt = 0
        while True:
            try:
                async with connected(self._settings) as client:
                    await self._arrive(client)
                    attempt = 0
                    await self._receive(client)
            except BrokerLost as error:
                if self._reporter.down(Reason.DISCONNECTED, error.detail):
                    self._hand_up(failed(self._all, Reason.DISCONNECTED, self._work.clock.now()))
            finally:
                self._client = None
            await asyncio.sleep(retry_delay(attempt))
            attempt += 1

    async def _arrive(self, client: aiomqtt.Client) -> None:
        refused = await subscribe(client, self._topics)
        if refused:
            _log.warning("device %s: broker refuses %d topics: %s", self._work.device.id, len(refused), refused[:5])
        self._refused = np.array([one.index for topic in refused for one in self._listeners[topic]], dtype=np.int32)
        self._hand_up(failed(self._refused, Reason.DEVICE_EXCEPTION, self._work.clock.now()))
        self._client = client
        self._reporter.up(f"{self._settings.host}:{self._settings.port} lets us in")

    async def _receive(self, client: aiomqtt.Client) -> None:
        messages = client.messages
        async for first in messages:
            samples = self._samples(first)
            try:
                # What came in the same turn of the loop goes up in the same batch.
                for _ in range(min(len(messages), _BATCH_LIMIT)):
                    samples.extend(self._samples(await anext(messages)))
            finally:
                self._hand_up(SampleBatch.of(samples))

    def _samples(self, message: aiomqtt.Message) -> list[Sample]:
        now = self._work.clock.now()
        listeners = self._listeners.get(message.topic.value, [])
        try:
            samples = _samples_of(message, listeners, now)
        except Exception:
            # Supervision point: a mistake in decoding must show as BAD samples, not end the listening.
            if not self._broken:
                _log.exception("device %s: message lost by a mistake of ours", self._work.device.id)
            self._broken = True
            return [_bad(listener.index, now) for listener in listeners]
        self._broken = False
        return samples

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(REMINDER)
            now = self._work.clock.now()
            if self._reporter.state is LinkState.DOWN:
                self._hand_up(failed(self._all, self._reporter.reason, now))
            elif self._reporter.state is LinkState.UP:
                self._hand_up(failed(self._refused, Reason.DEVICE_EXCEPTION, now))

    def _hand_up(self, batch: SampleBatch) -> None:
        if len(batch):
            self._work.receiver.samples(batch)

    async def write(self, output: Output, value: float) -> Receipt:
        """Written means that the broker confirmed the message, within the device's timeout."""
        written, detail = False, ""
        client = self._client
        try:
            address = own(OutputAddress, output.address, output.id)
            payload = encode(address, value)
            if client is None:
                detail = f"not connected: {self._reporter.detail}"
            else:
                await client.publish(address.topic, payload, qos=address.qos, retain=address.retain)
                written, detail = True, "confirmed by the broker"
        except (aiomqtt.MqttError, TypeError, ValueError) as error:
            detail = f"not confirmed: {error}"
        return Receipt(written, detail, self._work.clock.now())


def _samples_of(message: aiomqtt.Message, listeners: Sequence[_Listener], now: Instant) -> list[Sample]:
    document = parse(message.payload)
    return [
        Sample(listener.index, one.value, one.quality, one.reason, one.source_time, now)
        for listener in listeners
        for one in readings(document, listener.expected, retained=message.retain, now=now)
    ]


def _bad(index: int, now: Instant) -> Sample:
    return Sample(index, float("nan"), Quality.BAD, Reason.MALFORMED, now, now)


def occupies(_device: Device, address: BaseModel) -> Sequence[Hashable]:
    """A point takes one value of one topic; an output takes its topic."""
    if isinstance(address, OutputAddress):
        return [("command", address.topic)]
    point = own(PointAddress, address, "an MQTT point")
    return [("value", point.topic, point.value)]


def load(_device: Device, _points: Sequence[Point]) -> ScanLoad | None:
    """None: sensors speak by themselves."""
    return None


KIND = DriverKind(
    name="mqtt",
    device_settings=DeviceSettings,
    point_address=PointAddress,
    output_address=OutputAddress,
    open=MqttDriver,
    occupies=occupies,
    load=load,
    manifest=MANIFEST,
)
