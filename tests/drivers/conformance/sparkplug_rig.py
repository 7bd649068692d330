"""A broker with one Sparkplug edge node and a device behind it, which is born anew with everything it says."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from drivers.sparkplug import KIND
from drivers.sparkplug.codec import DataType, Metric, Payload, decode, encode
from gateway.driver import DriverKind
from tests.drivers.conformance.mqtt_rig import MqttTcpRig, MqttTlsRig
from tests.drivers.conformance.rig import STEP
from tests.drivers.faulty_broker import FaultyBroker, Mood

_NODE = {"group": "plant", "node": "edge", "unit": "co"}


class SparkplugTcpRig(MqttTcpRig):
    """Implements `Rig` over TCP; what a broker does wrong it does to every protocol on it."""

    kind: DriverKind = KIND
    addresses: Sequence[Mapping[str, object]] = [{**_NODE, "metric": f"v{place}"} for place in range(2)]
    output: Mapping[str, object] | None = {**_NODE, "metric": "stop"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._broker = FaultyBroker(self._says)

    @property
    def written(self) -> float | None:
        commands = [payload for topic, payload in self._broker.heard if "/DCMD/" in topic]
        return None if not commands else float(decode(commands[-1]).metrics[0].value or 0)

    def _says(self, subscribed: str) -> Sequence[tuple[str, bytes]]:
        if subscribed.endswith("/+"):
            return []
        now = round((self._at or time.time()) * 1000)
        stop = bool(self.written) if self._broker.mood is not Mood.MIXES_UP else False
        quality = None if self._verdict == "good" else 0
        certificate = (
            *(
                Metric(f"v{n}", n, now, DataType.DOUBLE, value=float(self._value + STEP * n), quality=quality)
                for n in range(2)
            ),
            Metric("stop", 9, now, DataType.BOOLEAN, value=stop),
        )
        born = Payload(now, 0, (Metric("bdSeq", datatype=DataType.UINT64, value=0),))
        return [
            ("spBv1.0/plant/NBIRTH/edge", encode(born)),
            ("spBv1.0/plant/DBIRTH/edge/co", encode(Payload(now, 1, certificate))),
        ]


class SparkplugTlsRig(SparkplugTcpRig):
    """The same with both sides showing a certificate."""

    transport = "tls"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._broker.context = MqttTlsRig(folder)._broker.context

    @property
    def settings(self) -> Mapping[str, object]:
        return {**super().settings, "timeout": "1 s", "tls": MqttTlsRig.tls()}
