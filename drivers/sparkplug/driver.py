"""A host application on one broker: hears edge nodes, notices their births and deaths, commands their outputs.

A node or device that died, or was never born, is BAD once a second; a broker that is lost takes all of them
with it. A value is repeated only while the session that vouches for it misses nothing. Never raises into the
runtime.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Hashable, Sequence

import aiomqtt
import numpy as np
from pydantic import BaseModel

from drivers.broker import BrokerLost, Inbox, arrivals, connected, subscribe
from drivers.clocks import ClockWatch
from drivers.judgement import Judge, Verdicts
from drivers.link import LinkReporter, own, retry_delay
from drivers.sparkplug import session
from drivers.sparkplug.address import DeviceSettings, Metric, OutputAddress, PointAddress
from drivers.sparkplug.client import command, rebirth, says_offline, state, state_topic, subscriptions
from drivers.sparkplug.codec import NotSparkplug, decode
from drivers.sparkplug.manifest import MANIFEST
from drivers.sparkplug.points import Points
from gateway.driver import DriverKind, DriverWork, LinkState, Receipt, ScanLoad
from gateway.plant.model import Device, Output, Point
from gateway.sample import SECOND, Instant, Reason, SampleBatch, failed

REMINDER = 1.0
"""Seconds between the BAD samples of a broker or a node that stays away."""
ASK_AGAIN = 5 * SECOND
"""Shortest time between two rebirth requests to one node: births are large, and a node may be slow."""
_LOOK_AT_CLOCKS = 5
_GOODBYE = 0.2
_log = logging.getLogger(__name__)

Message = tuple[str, bytes]


class SparkplugDriver:
    """One broker; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        addresses = [own(PointAddress, point.address, point.id) for point in work.points]
        commanded = [own(OutputAddress, output.address, output.id) for output in work.outputs]
        self._nodes = list(dict.fromkeys((one.group, one.node) for one in [*addresses, *commanded]))
        self._sessions = session.Sessions(self._nodes)
        self._points = Points(
            (key_of(address), point.index, point.period, Judge.of(point.low, point.high, Verdicts()))
            for address, point in zip(addresses, work.points, strict=True)
        )
        self._all = np.array([point.index for point in work.points], dtype=np.int32)
        self._inbox = Inbox(self._settings.inbox, work.clock)
        self._clocks = ClockWatch()
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)
        self._client: aiomqtt.Client | None = None
        self._asked: dict[session.NodeKey, Instant] = {}
        self._echoes: dict[session.MetricKey, tuple[float, asyncio.Future[None]]] = {}
        self._noisy: set[session.NodeKey] = set()
        """Nodes whose last message was none; told once."""
        self._broken = False

    async def run(self) -> None:
        self._reporter.connecting(self._settings.place)
        async with asyncio.TaskGroup() as tasks:
            name = f"sparkplug {self._work.device.id}"
            tasks.create_task(self._listen(), name=name)
            tasks.create_task(self._remind(), name=f"{name} reminder")
            if self._settings.by_exception and len(self._all):
                tasks.create_task(self._hold(), name=f"{name} hold")

    async def _listen(self) -> None:
        attempt = 0
        while True:
            try:
                now = self._work.clock.now()
                async with connected(self._settings, self._inbox, self._state(now)) as client:
                    try:
                        await self._arrive(client, now)
                        attempt = 0
                        async for messages in arrivals(client, self._inbox):
                            await self._send(client, self._take(messages))
                    finally:
                        await self._say_goodbye(client)
            except BrokerLost as error:
                if self._reporter.down(Reason.DISCONNECTED, error.detail):
                    self._hand_up(failed(self._all, Reason.DISCONNECTED, self._work.clock.now()))
            finally:
                self._client = None
                self._sessions.forget()
                self._inbox.take(self._settings.inbox)  # of a session that is over
            await asyncio.sleep(retry_delay(attempt))
            attempt += 1

    def _state(self, now: Instant) -> aiomqtt.Will | None:
        """What the broker says in our name when we are gone without a word."""
        if self._settings.host_id is None:
            return None
        return aiomqtt.Will(state_topic(self._settings.host_id), state(now, online=False), qos=1, retain=True)

    async def _arrive(self, client: aiomqtt.Client, now: Instant) -> None:
        refused = await subscribe(client, subscriptions(self._nodes, self._settings.host_id))
        if refused:
            raise BrokerLost(f"broker {self._settings.place} refuses {', '.join(refused[:5])}")
        if self._settings.host_id is not None:
            await client.publish(state_topic(self._settings.host_id), state(now, online=True), qos=1, retain=True)
        self._client = client
        self._asked.clear()
        self._reporter.up(f"{self._settings.place} lets us in")
        await self._send(client, [one for node in self._nodes for one in self._ask(node)])

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        if self._settings.host_id is None or self._client is None:
            return
        gone = state(self._work.clock.now(), online=False)
        with contextlib.suppress(aiomqtt.MqttError):
            topic = state_topic(self._settings.host_id)
            await client.publish(topic, gone, qos=1, retain=True, timeout=_GOODBYE)

    async def _send(self, client: aiomqtt.Client, messages: Sequence[Message]) -> None:
        own_state = None if self._settings.host_id is None else state_topic(self._settings.host_id)
        for topic, payload in messages:
            ours = topic == own_state
            await client.publish(topic, payload, qos=int(ours), retain=ours)

    def _take(self, messages: Sequence[tuple[aiomqtt.Message, Instant]]) -> list[Message]:
        """Hands up what the messages say; what has to be said because of them."""
        answers: list[Message] = []
        for message, at in messages:
            topic, payload = message.topic.value, message.payload
            if self._settings.host_id is not None and topic == state_topic(self._settings.host_id):
                # A will of ours that came late: we are here.
                if says_offline(payload):
                    answers.append((topic, state(at, online=True)))
                continue
            told = session.address(topic)
            if told is None or message.retain:
                continue
            try:
                answers += self._hear(told, payload, at)
            except Exception:
                # Supervision point: a mistake in decoding must show as BAD samples, not end the listening.
                if not self._broken:
                    _log.exception("device %s: message lost by a mistake of ours", self._work.device.id)
                self._broken = True
                self._hand_up(self._points.lost((told.group, told.node), told.unit, Reason.MALFORMED, at))
        self._hand_up(self._points.flush())
        return answers

    def _hear(self, told: session.Address, content: bytes, at: Instant) -> list[Message]:
        node = (told.group, told.node)
        try:
            payload = decode(content)
        except NotSparkplug as error:
            if node not in self._noisy:
                _log.warning("device %s: %s/%s: %s", self._work.device.id, *node, error)
            self._noisy.add(node)
            self._points.lose(node, told.unit, Reason.MALFORMED, at)
            return self._ask(node)
        self._noisy.discard(node)
        if payload.timestamp is not None and told.verb != "NDEATH":
            self._clocks.observe(f"{told.group}/{told.node}", Instant(payload.timestamp * 1000), at)
        answers: list[Message] = []
        for outcome in self._sessions.take(told, payload):
            if isinstance(outcome, session.Reported):
                self._points.report(outcome, at)
                self._heard_back(outcome)
            elif isinstance(outcome, session.AskRebirth):
                answers += self._ask(outcome.node)
            elif outcome.why is session.Loss.GAP:
                self._points.doubt(outcome.node, at)
            else:
                self._points.lose(outcome.node, outcome.unit, Reason.DISCONNECTED, at)
        return answers

    def _heard_back(self, reported: session.Reported) -> None:
        waiting = self._echoes.get(reported.key)
        if waiting is not None and reported.value == waiting[0] and not waiting[1].done():
            waiting[1].set_result(None)

    def _ask(self, node: session.NodeKey) -> list[Message]:
        now = self._work.clock.now()
        if now < self._asked.get(node, Instant(0)) + ASK_AGAIN:
            return []
        self._asked[node] = now
        return [rebirth(node, now)]

    async def _remind(self) -> None:
        turn = 0
        while True:
            await asyncio.sleep(REMINDER)
            now = self._work.clock.now()
            if dropped := self._inbox.dropped():
                self._work.receiver.lost(self._work.device.id, dropped)
            if self._reporter.state is LinkState.DOWN:
                self._hand_up(failed(self._all, self._reporter.reason, now))
            elif self._reporter.state is LinkState.UP and self._client is not None:
                self._hand_up(failed(self._points.silent(self._sessions.is_alive, now), Reason.DISCONNECTED, now))
                with contextlib.suppress(aiomqtt.MqttError):
                    await self._send(self._client, [one for node in self._sessions.dead() for one in self._ask(node)])
                if turn % _LOOK_AT_CLOCKS == 0:
                    self._reporter.remark(self._detail(), self._clocks)
            turn += 1

    def _detail(self) -> str:
        dead = [f"{group}/{node}" for group, node in self._sessions.dead()] if self._client is not None else []
        parts = [f"{self._settings.place} lets us in"]
        if dead:
            parts.append(f"no session with {', '.join(dead[:5])}" + (" and others" if len(dead) > 5 else ""))
        return "; ".join(parts)

    async def _hold(self) -> None:
        """Repeat what is known for as long as its session lives: edge nodes report changes only."""
        period = max(50_000, self._points.shortest_period) / SECOND
        while True:
            await asyncio.sleep(period)
            if self._client is not None:
                self._hand_up(self._points.held(self._sessions.is_alive, self._work.clock.now()))

    def _hand_up(self, batch: SampleBatch) -> None:
        if len(batch):
            self._work.receiver.samples(batch)

    async def write(self, output: Output, value: float) -> Receipt:
        """Written means that the node reported the metric back with the value, within the device's timeout."""
        written, detail = False, ""
        client = self._client
        try:
            address = own(OutputAddress, output.address, output.id)
            topic, payload = command(address, value, self._work.clock.now())
            if client is None:
                detail = f"not connected: {self._reporter.detail}"
            elif not self._sessions.is_alive(key_of(address)):
                detail = f"not sent: no session with {topic.partition('CMD/')[2]}"
            else:
                written, detail = await self._written(client, key_of(address), value, topic, payload)
        except (aiomqtt.MqttError, TypeError, ValueError) as error:
            detail = f"not confirmed: {error}"
        return Receipt(written, detail, self._work.clock.now())

    async def _written(
        self, client: aiomqtt.Client, key: session.MetricKey, value: float, topic: str, payload: bytes
    ) -> tuple[bool, str]:
        echo: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._echoes[key] = (value, echo)
        try:
            async with asyncio.timeout(self._settings.timeout / SECOND):
                await client.publish(topic, payload, qos=0)
                await echo
        except TimeoutError:
            return False, "not confirmed: the node did not report the value back in time"
        finally:
            if self._echoes.get(key, (0.0, None))[1] is echo:
                del self._echoes[key]
        return True, "reported back by the node"


def key_of(address: Metric) -> session.MetricKey:
    """The metric as sessions know it."""
    return address.group, address.node, address.unit, address.metric


def occupies(_device: Device, address: BaseModel) -> Sequence[Hashable]:
    """A point or an output takes its metric."""
    if isinstance(address, OutputAddress):
        return [("command", *key_of(address))]
    return [("value", *key_of(own(PointAddress, address, "a Sparkplug point")))]


def load(_device: Device, _points: Sequence[Point]) -> ScanLoad | None:
    """None: edge nodes speak by themselves."""
    return None


KIND = DriverKind(
    name="sparkplug",
    device_settings=DeviceSettings,
    point_address=PointAddress,
    output_address=OutputAddress,
    open=SparkplugDriver,
    occupies=occupies,
    load=load,
    manifest=MANIFEST,
)
