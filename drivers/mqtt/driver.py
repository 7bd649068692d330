"""Hears the points of one broker and publishes its outputs.

While the broker is gone, every point is BAD, once at the loss and once a second after. A payload that
cannot be read is BAD for the points of its topic and for no others. Never raises into the runtime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence

import aiomqtt
import numpy as np
from pydantic import BaseModel

from drivers.broker import BrokerLost, Inbox, arrivals, connected, subscribe, tls_context
from drivers.clocks import ClockWatch
from drivers.link import LinkReporter, own, retry_delay
from drivers.mqtt.address import DeviceSettings, OutputAddress, PointAddress, locate
from drivers.mqtt.client import Router, filters
from drivers.mqtt.codec import Listener, encode, parse, readings
from drivers.mqtt.manifest import MANIFEST
from gateway.driver import DriverKind, DriverWork, LinkState, Receipt, ScanLoad
from gateway.errors import Problem
from gateway.plant.model import Device, Output, Point
from gateway.sample import Indices, Instant, Quality, Reason, Sample, SampleBatch, failed

REMINDER = 1.0
"""Seconds between the BAD samples of a broker that stays away."""
_LOOK_AT_CLOCKS = 5
"""Reminders between two looks at the sources' clocks."""
_log = logging.getLogger(__name__)


class MqttDriver:
    """One broker; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        listeners: list[tuple[str, Listener]] = []
        topics: dict[str, int] = {}
        for point in work.points:
            address = own(PointAddress, point.address, point.id)
            listeners.append((address.topic, Listener.of(point, address)))
            topics[address.topic] = max(address.qos, topics.get(address.topic, 0))
        self._router = Router(listeners)
        self._filters = filters(topics, self._settings.subscribe, self._settings.share)
        self._all = np.array([point.index for point in work.points], dtype=np.int32)
        self._refused: Indices = np.array([], dtype=np.int32)
        self._inbox = Inbox(self._settings.inbox, work.clock)
        self._clocks = ClockWatch()
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)
        self._client: aiomqtt.Client | None = None
        self._broken = False

    async def run(self) -> None:
        self._reporter.connecting(self._settings.place)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(), name=f"mqtt {self._work.device.id}")
            tasks.create_task(self._remind(), name=f"mqtt {self._work.device.id} reminder")

    async def _listen(self) -> None:
        attempt = 0
        while True:
            try:
                async with connected(self._settings, self._inbox) as client:
                    await self._arrive(client)
                    attempt = 0
                    async for messages in arrivals(client, self._inbox):
                        self._take(messages)
            except BrokerLost as error:
                while left := self._inbox.take():  # what came before the loss is older than the loss
                    self._take(left)
                if self._reporter.down(Reason.DISCONNECTED, error.detail):
                    self._hand_up(failed(self._all, Reason.DISCONNECTED, self._work.clock.now()))
            finally:
                self._client = None
            await asyncio.sleep(retry_delay(attempt))
            attempt += 1

    async def _arrive(self, client: aiomqtt.Client) -> None:
        refused = await subscribe(client, self._filters)
        if refused:
            _log.warning("device %s: broker refuses %d topics: %s", self._work.device.id, len(refused), refused[:5])
        share = f"$share/{self._settings.share}/"
        silent = {one.index for topic in refused for one in self._router.under(topic.removeprefix(share))}
        self._refused = np.array(sorted(silent), dtype=np.int32)
        self._hand_up(failed(self._refused, Reason.DEVICE_EXCEPTION, self._work.clock.now()))
        self._client = client
        self._reporter.up(f"{self._settings.place} lets us in")

    def _take(self, messages: Sequence[tuple[aiomqtt.Message, Instant]]) -> None:
        self._hand_up(SampleBatch.of(sample for message, at in messages for sample in self._samples(message, at)))

    def _samples(self, message: aiomqtt.Message, at: Instant) -> list[Sample]:
        listeners = self._router.to(message.topic.value)
        if not listeners:
            return []
        try:
            samples = self._read(message, listeners, at)
        except Exception:
            # Supervision point: a mistake in decoding must show as BAD samples, not end the listening.
            if not self._broken:
                _log.exception("device %s: message lost by a mistake of ours", self._work.device.id)
            self._broken = True
            return [_bad(listener.index, at) for listener in listeners]
        self._broken = False
        return samples

    def _read(self, message: aiomqtt.Message, listeners: Sequence[Listener], at: Instant) -> list[Sample]:
        document = parse(message.payload)
        samples = []
        latest: Instant | None = None
        for listener in listeners:
            for one in readings(document, listener.expected, retained=message.retain, now=at):
                samples.append(Sample(listener.index, one.value, one.quality, one.reason, one.source_time, at))
                if one.written_time is not None:
                    latest = one.written_time if latest is None else max(latest, one.written_time)
        if latest is not None and not message.retain:
            self._clocks.observe(message.topic.value, latest, at)
        return samples

    async def _remind(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(REMINDER)
            now = self._work.clock.now()
            if dropped := self._inbox.dropped():
                self._work.receiver.lost(self._work.device.id, dropped)
            if self._reporter.state is LinkState.DOWN:
                self._hand_up(failed(self._all, self._reporter.reason, now))
            elif self._reporter.state is LinkState.UP:
                self._hand_up(failed(self._refused, Reason.DEVICE_EXCEPTION, now))
                if turn % _LOOK_AT_CLOCKS == 0:
                    self._reporter.remark(f"{self._settings.place} lets us in", self._clocks)
            turn += 1

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


def _bad(index: int, at: Instant) -> Sample:
    return Sample(index, float("nan"), Quality.BAD, Reason.MALFORMED, at, at)


def occupies(_device: Device, address: BaseModel) -> Sequence[Hashable]:
    """A point takes one value of one topic; an output takes its topic."""
    if isinstance(address, OutputAddress):
        return [("command", address.topic)]
    point = own(PointAddress, address, "an MQTT point")
    return [("value", point.topic, point.value)]


def load(_device: Device, _points: Sequence[Point]) -> ScanLoad | None:
    """None: sensors speak by themselves."""
    return None


def examine(device: Device, _points: Sequence[Point]) -> Sequence[Problem]:
    """Certificates that cannot be used; passwords are looked for where the gateway runs."""
    settings = own(DeviceSettings, device.settings, device.id)
    if settings.tls is None or settings.tls.key_password_env is not None:
        return []
    try:
        tls_context(settings.tls)
    except BrokerLost as lost:
        expected, _, got = lost.detail.removeprefix("expected ").partition(", got ")
        return [Problem(settings.tls.certificate or settings.tls.ca or device.id, 0, 0, "tls", expected, got)]
    return []


KIND = DriverKind(
    name="mqtt",
    device_settings=DeviceSettings,
    point_address=PointAddress,
    output_address=OutputAddress,
    open=MqttDriver,
    occupies=occupies,
    load=load,
    manifest=MANIFEST,
    examine=examine,
    locate=locate,
)
