"""An MQTT broker with one sensor behind it, both of which go wrong on demand."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from drivers.mqtt import KIND
from gateway.driver import DriverKind
from gateway.sample import Instant, Reason
from tests.drivers.certificates import certificates
from tests.drivers.conformance.rig import STEP, Fault
from tests.drivers.faulty_broker import FaultyBroker, Mood

_LOST = frozenset({Reason.DISCONNECTED})


class MqttTcpRig:
    """Implements `Rig` over TCP."""

    transport = "tcp"
    kind: DriverKind = KIND
    reasons: Mapping[Fault, frozenset[Reason]] = {
        Fault.REFUSE: _LOST,
        Fault.GONE: _LOST,
        Fault.HANG: _LOST,
        Fault.HALF_A_FRAME: _LOST,
        Fault.GARBAGE: _LOST,
        Fault.SLOW_DRIP: frozenset(),
        Fault.WRONG_ID: frozenset(),
        Fault.EXCEPTION: frozenset({Reason.DEVICE_EXCEPTION, Reason.DISCONNECTED}),
        Fault.RESTART: _LOST,
    }
    impossible: Mapping[Fault, str] = {Fault.LATE_REPLY: "nothing is asked for, so nothing can be answered late"}
    addresses: Sequence[Mapping[str, object]] = [
        {"topic": f"plant/{place}", "value": "v", "time": "t", "quality": "q"} for place in range(2)
    ]
    output: Mapping[str, object] | None = {"topic": "plant/stop"}
    _moods: ClassVar[Mapping[Fault, Mood]] = {
        Fault.REFUSE: Mood.TURNS_AWAY,
        Fault.HANG: Mood.SILENT,
        Fault.HALF_A_FRAME: Mood.HALF,
        Fault.GARBAGE: Mood.GARBAGE,
        Fault.SLOW_DRIP: Mood.DRIPS,
        Fault.WRONG_ID: Mood.MIXES_UP,
        Fault.EXCEPTION: Mood.REFUSES_TOPICS,
    }

    def __init__(self, folder: Path) -> None:
        self._broker = FaultyBroker(lambda topic: [(topic, self._payload(topic))])
        self._value = 1000
        self._at: float | None = None
        self._verdict = "good"

    @property
    def visits(self) -> int:
        return self._broker.visits

    @property
    def settings(self) -> Mapping[str, object]:
        return {"host": "127.0.0.1", "port": self._broker.port, "timeout": "300 ms", "keepalive": "1 s"}

    @property
    def written(self) -> float | None:
        return float(self._broker.heard[-1][1]) if self._broker.heard else None

    async def start(self) -> None:
        await self._broker.start()

    async def stop(self) -> None:
        await self._broker.stop()

    def say(self, value: int) -> None:
        self._value = value

    def date(self, at: Instant) -> None:
        self._at = at / 1e6

    def disown(self) -> None:
        self._verdict = "fault"

    def _payload(self, topic: str) -> bytes:
        value = self._value + STEP * int(topic[-1])
        return json.dumps({"v": value, "t": self._at or time.time(), "q": self._verdict}).encode()

    async def inflict(self, fault: Fault) -> None:
        if fault is Fault.GONE:
            await self._broker.stop()
        elif fault is Fault.RESTART:
            await self._broker.stop()
            await self._broker.start()
        else:
            self._broker.mood = self._moods[fault]
            if fault in (Fault.EXCEPTION, Fault.REFUSE):
                self._broker.drop_all()

    async def mend(self) -> None:
        self._broker.mood = Mood.SOUND
        if self._broker._server is None:
            await self._broker.start()
        else:
            self._broker.drop_all()


class MqttFiveRig(MqttTcpRig):
    """The same in MQTT 5."""

    @property
    def settings(self) -> Mapping[str, object]:
        return {**super().settings, "version": "5"}


class MqttTlsRig(MqttTcpRig):
    """The same with both sides showing a certificate."""

    transport = "tls"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        made = certificates()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.ca))
        context.load_cert_chain(made.broker, made.broker_key)
        context.verify_mode = ssl.CERT_REQUIRED
        self._broker.context = context

    @staticmethod
    def tls() -> Mapping[str, object]:
        made = certificates()
        return {"ca": str(made.ca), "certificate": str(made.gateway), "key": str(made.gateway_key)}

    @property
    def settings(self) -> Mapping[str, object]:
        return {**super().settings, "timeout": "1 s", "tls": self.tls()}
