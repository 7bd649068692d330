"""A Modbus device that goes wrong on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from drivers.modbus import KIND
from gateway.driver import DriverKind
from gateway.sample import Instant, Reason
from tests.drivers import faulty_server as faults
from tests.drivers.conformance.rig import STEP, Fault
from tests.drivers.faulty_server import FaultyServer

TIMEOUT = 0.15
_DISOWNED = 0xFFFF

_SILENT = frozenset({Reason.TIMEOUT})
_CLOSED = frozenset({Reason.DISCONNECTED})
_WRONG = frozenset({Reason.MALFORMED})


class ModbusTcpRig:
    """Implements `Rig` over TCP."""

    transport = "tcp"
    kind: DriverKind = KIND
    reasons: Mapping[Fault, frozenset[Reason]] = {
        Fault.REFUSE: _CLOSED | _SILENT,
        Fault.GONE: _CLOSED | _SILENT,
        Fault.HANG: _SILENT,
        Fault.HALF_A_FRAME: _SILENT,
        Fault.GARBAGE: _WRONG,
        Fault.SLOW_DRIP: _SILENT,
        Fault.WRONG_ID: _WRONG,
        Fault.LATE_REPLY: _SILENT | _WRONG,
        Fault.EXCEPTION: frozenset({Reason.DEVICE_EXCEPTION}),
        Fault.RESTART: frozenset(),
    }
    impossible: Mapping[Fault, str] = {}
    addresses: Sequence[Mapping[str, object]] = [
        {"table": "holding", "address": STEP * place, "faults": {_DISOWNED - STEP * (1 - place): "sensor_fault"}}
        for place in range(2)
    ]
    output: Mapping[str, object] | None = {"table": "coil", "address": 9}
    _moods: ClassVar[Mapping[Fault, faults.Fault]] = {
        Fault.REFUSE: faults.reset,
        Fault.HANG: faults.hang,
        Fault.HALF_A_FRAME: faults.half_a_frame,
        Fault.GARBAGE: faults.garbage,
        Fault.SLOW_DRIP: faults.slow_drip,
        Fault.WRONG_ID: faults.wrong_transaction,
        Fault.LATE_REPLY: faults.late(TIMEOUT * 1.3),
        Fault.EXCEPTION: faults.exception(6),
    }

    def __init__(self, folder: Path) -> None:
        self._server = FaultyServer()

    @property
    def visits(self) -> int:
        return self._server.connections

    @property
    def settings(self) -> Mapping[str, object]:
        return {"host": "127.0.0.1", "port": self._server.port, "unit_id": 7, "timeout": "150 ms"}

    @property
    def written(self) -> float | None:
        coils = [asked for asked in self._server.asked if asked.function == 5]
        return float(coils[-1].count == 0xFF00) if coils else None

    async def start(self) -> None:
        await self._server.start()

    async def stop(self) -> None:
        await self._server.stop()

    def say(self, value: int) -> None:
        self._server.base = value

    def date(self, at: Instant) -> None:
        raise AssertionError("a register has no time")

    def disown(self) -> None:
        self._server.base = _DISOWNED - STEP

    async def inflict(self, fault: Fault) -> None:
        if fault is Fault.GONE:
            await self._server.stop()
        elif fault is Fault.RESTART:
            await self._server.stop()
            await self._server.start()
        else:
            self._server.fault = self._moods[fault]

    async def mend(self) -> None:
        self._server.fault = None
        if self._server._server is None:
            await self._server.start()
