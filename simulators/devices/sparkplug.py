"""A Sparkplug B edge node with devices behind it: born, speaking by exception, obeying, dying on demand.

For tests and trials of a host application; reports what it is told to hold, and can skip a number to be asked
for its rebirth. Never shows a value that it was not given.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiomqtt

from drivers.sparkplug.codec import DataType, Metric, NotSparkplug, Payload, decode, encode
from drivers.sparkplug.session import NAMESPACE, REBIRTH
from gateway.clock import Clock

_BD_SEQ = "bdSeq"
_LONG = (DataType.INT64, DataType.UINT64)


@dataclass(frozen=True, slots=True)
class Held:
    """A metric as the edge node holds it."""

    value: float | None
    datatype: DataType = DataType.DOUBLE
    quality: int | None = None


@dataclass
class EdgeNode:
    """One session after another; `units` maps a device (None for the node itself) to its metrics by name."""

    host: str
    port: int
    group: str
    node: str
    units: dict[str | None, dict[str, Held]]
    clock: Clock
    aliases: bool = True
    """Whether data name their metrics by alias only."""
    bd_seq: int = 0
    births: int = 0
    obeyed: list[tuple[str | None, str, float]] = field(default_factory=list)
    deaf: bool = False
    """Whether commands are taken and not followed."""
    _seq: int = 0
    _client: aiomqtt.Client | None = None
    _task: asyncio.Task[None] | None = None
    _up: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self) -> None:
        """Connect and be born."""
        self._up.clear()
        self._task = asyncio.create_task(self._run(), name=f"edge node {self.node}")
        await self._up.wait()

    async def stop(self, *, in_silence: bool = False) -> None:
        """End the session: with a death certificate, or, in silence, leave that to the broker."""
        task, self._task = self._task, None
        if task is None:
            return
        if not in_silence and self._client is not None:
            await self._client.publish(self._topic("NDEATH"), self._death(), qos=1)
        if self._client is not None and in_silence:
            # Cut the connection without a word, as a cable that is pulled out does: the will is published.
            paho = self._client._client  # noqa: SLF001 - aiomqtt has no way to go without a goodbye
            paho._sock_close()  # noqa: SLF001
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self._client = None

    async def _run(self) -> None:
        will = aiomqtt.Will(self._topic("NDEATH"), self._death(), qos=1)
        with contextlib.suppress(aiomqtt.MqttError):
            async with aiomqtt.Client(
                self.host, self.port, identifier=f"{self.group}-{self.node}", will=will, timeout=2
            ) as client:
                self._client = client
                await client.subscribe([(f"{self._topic('NCMD')}", 1), (f"{self._topic('DCMD')}/+", 1)])
                await self.be_born()
                self._up.set()
                async for message in client.messages:
                    await self._obey(message)

    def _topic(self, verb: str, unit: str | None = None) -> str:
        return f"{NAMESPACE}/{self.group}/{verb}/{self.node}" + ("" if unit is None else f"/{unit}")

    def _now(self) -> int:
        return self.clock.now() // 1000

    def _death(self) -> bytes:
        return encode(Payload(self._now(), None, (Metric(_BD_SEQ, datatype=DataType.UINT64, value=self.bd_seq),)))

    def _alias(self, unit: str | None, name: str) -> int:
        return [(each, one) for each, metrics in self.units.items() for one in metrics].index((unit, name)) + 1

    async def be_born(self) -> None:
        """Birth certificates of the node and of every device."""
        self.births += 1
        self._seq = -1
        bd_seq = Metric(_BD_SEQ, timestamp=self._now(), datatype=DataType.UINT64, value=self.bd_seq)
        control = Metric(REBIRTH, timestamp=self._now(), datatype=DataType.BOOLEAN, value=False)
        await self._send("NBIRTH", None, (bd_seq, control, *self._certificate(None)))
        for unit in self.units:
            if unit is not None:
                await self._send("DBIRTH", unit, self._certificate(unit))

    async def unit_dies(self, unit: str) -> None:
        await self._send("DDEATH", unit, ())

    async def report(self, unit: str | None, values: Mapping[str, Held], *, historical: bool = False) -> None:
        """Hold these values from now on and say so; what is historical is said and not held."""
        if not historical:
            self.units[unit].update(values)
        metrics = tuple(
            self._metric(unit, name, held, certificate=False, historical=historical) for name, held in values.items()
        )
        await self._send("NDATA" if unit is None else "DDATA", unit, metrics)

    def skip(self) -> None:
        """Lose a message on the way."""
        self._seq = (self._seq + 1) % 256

    def _certificate(self, unit: str | None) -> tuple[Metric, ...]:
        metrics = self.units.get(unit, {}).items()
        return tuple(self._metric(unit, name, held, certificate=True, historical=False) for name, held in metrics)

    def _metric(self, unit: str | None, name: str, held: Held, *, certificate: bool, historical: bool) -> Metric:
        return Metric(
            name if certificate or not self.aliases else None,
            self._alias(unit, name) if self.aliases else None,
            self._now() - 3_600_000 * historical,
            held.datatype if certificate or not self.aliases or held.datatype in _LONG else None,
            historical,
            held.value is None,
            _typed(held),
            held.quality,
        )

    async def _send(self, verb: str, unit: str | None, metrics: tuple[Metric, ...]) -> None:
        self._seq = (self._seq + 1) % 256
        if self._client is not None:
            await self._client.publish(self._topic(verb, unit), encode(Payload(self._now(), self._seq, metrics)), qos=0)

    async def _obey(self, message: aiomqtt.Message) -> None:
        levels = message.topic.value.split("/")
        unit = levels[4] if len(levels) == 5 else None
        try:
            payload = decode(message.payload)
        except NotSparkplug:
            return
        for metric in payload.metrics:
            if metric.name == REBIRTH:
                await self.be_born()
            elif not self.deaf and metric.name in self.units.get(unit, {}) and metric.value is not None:
                self.obeyed.append((unit, metric.name, float(metric.value)))
                held = self.units[unit][metric.name]
                await self.report(unit, {metric.name: Held(float(metric.value), held.datatype)})


def _typed(held: Held) -> int | float | bool | None:
    """The value as the wire's type for it: the metric of a data message leaves its datatype out."""
    if held.value is None or held.datatype in (DataType.DOUBLE, DataType.FLOAT):
        return held.value
    return bool(held.value) if held.datatype is DataType.BOOLEAN else int(held.value)
