"""A Modbus device that goes wrong on demand, by every way in which one is reached."""

from __future__ import annotations

import os
import ssl
import termios
import tty
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from drivers.modbus import KINDS
from gateway.driver import DriverKind
from gateway.sample import Instant, Reason
from tests.drivers import faulty_server as faults
from tests.drivers.certificates import certificates
from tests.drivers.conformance.rig import STEP, Fault
from tests.drivers.faulty_server import FaultyServer

TCP, TLS, SERIAL, RTU_OVER_TCP = KINDS
TIMEOUT = 0.15
_DISOWNED = 0xFFFF

_SILENT = frozenset({Reason.TIMEOUT})
_CLOSED = frozenset({Reason.DISCONNECTED})
_WRONG = frozenset({Reason.MALFORMED})


class ModbusTcpRig:
    """Implements `Rig` over TCP."""

    transport = "tcp"
    kind: DriverKind = TCP
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
        return {"host": "127.0.0.1", "port": self._server.port, "unit_id": 7, "timeout": "150 ms", "bridge_gap": 0}

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


class ModbusTlsRig(ModbusTcpRig):
    """Over TLS, each end with a certificate."""

    transport = "tls"
    kind: DriverKind = TLS

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        made = certificates()
        side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.ca))
        side.load_cert_chain(made.broker, made.broker_key)
        side.verify_mode = ssl.CERT_REQUIRED
        self._server.tls = side

    @property
    def settings(self) -> Mapping[str, object]:
        made = certificates()
        own = {"certificate": str(made.gateway), "key": str(made.gateway_key)}
        return {**super().settings, "ca": str(made.ca), **own}


class ModbusRtuOverTcpRig(ModbusTcpRig):
    """Serial frames in a TCP connection."""

    transport = "rtu over tcp"
    kind: DriverKind = RTU_OVER_TCP
    _moods: ClassVar[Mapping[Fault, faults.Fault]] = {**ModbusTcpRig._moods, Fault.WRONG_ID: faults.wrong_unit}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._server.serial = True


class ModbusSerialRig(ModbusRtuOverTcpRig):
    """A pseudo terminal; the port is a name that leads to its near end, as with an adapter that is plugged in."""

    transport = "serial"
    kind: DriverKind = SERIAL
    reasons: Mapping[Fault, frozenset[Reason]] = {
        fault: reasons for fault, reasons in ModbusTcpRig.reasons.items() if fault is not Fault.REFUSE
    }
    impossible: Mapping[Fault, str] = {Fault.REFUSE: "a serial line has no connection to turn away"}

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._name = folder / f"tty{id(self)}"
        self._near: int | None = None

    @property
    def settings(self) -> Mapping[str, object]:
        rest = {key: value for key, value in super().settings.items() if key not in ("host", "port")}
        return {**rest, "port": str(self._name), "baud": 115_200, "parity": "none", "turnaround": "1 ms"}

    async def start(self) -> None:
        far, self._near = os.openpty()
        tty.setraw(far, termios.TCSANOW)
        self._name.unlink(missing_ok=True)
        self._name.symlink_to(os.ttyname(self._near))
        await self._server.attach(far)

    async def stop(self) -> None:
        await self._server.stop()
        self._name.unlink(missing_ok=True)
        if self._near is not None:
            os.close(self._near)
            self._near = None

    async def inflict(self, fault: Fault) -> None:
        if fault in (Fault.GONE, Fault.RESTART):
            await self.stop()
        if fault is Fault.RESTART:
            await self.start()
        elif fault is not Fault.GONE:
            self._server.fault = self._moods[fault]

    async def mend(self) -> None:
        self._server.fault = None
        if self._near is None:
            await self.start()
