"""Modbus TCP devices of the simulated plant, served from the plant file with the driver's own codec.

One TCP server for each host and port, as many units on it as the plant file names. What the file does not
map answers exception 2, a unit that is not there does not answer. Values are encoded when they are read.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TypeVar

import numpy as np
from pymodbus.constants import ExcCodes
from pymodbus.exceptions import NoSuchIdException
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice
from pymodbus.simulator.simcore import SimCore

from drivers.modbus.address import Fault, OutputAddress, PointAddress, StatusWord
from drivers.modbus.codec import Form, decode, encode, encode_fault, form_of, output_form, status_form
from drivers.modbus.settings import Table, TcpSettings
from gateway.errors import PortInUse
from gateway.plant.model import Device, Output, Plant, Point
from gateway.sample import Reason
from simulators.plant.plant import PlantModel

Shape = TypeVar("Shape")
Commanded = Callable[[str, float], None]
"""Told the output id and the value as soon as a device has taken a write."""

_TABLE = {1: Table.COIL, 2: Table.DISCRETE, 3: Table.HOLDING, 4: Table.INPUT, 5: Table.COIL, 6: Table.HOLDING}
_ECHOES = frozenset({5, 6})
"""Functions whose answer repeats the value; pymodbus looks it up where it was stored."""
_TABLE |= {15: Table.COIL, 16: Table.HOLDING, 22: Table.HOLDING, 23: Table.HOLDING}


class DeviceFault(StrEnum):
    """How a device can fail while it is being read."""

    DEAD = "dead"
    """Refuses connections and drops those it has."""
    HANG = "hang"
    """Takes requests and never answers."""
    GARBAGE = "garbage"
    """Answers with bytes that mean nothing."""
    EXCEPTION = "exception"
    """Answers every request with exception 4."""
    SLOW = "slow"
    """Answers late, by `SLOWNESS`."""
    FORGETFUL = "forgetful"
    """Confirms every write and stores nothing."""
    DISTORTING = "distorting"
    """Confirms every write and stores another value."""


_UNTRUE = frozenset({DeviceFault.FORGETFUL, DeviceFault.DISTORTING})
"""Faults under which a write is confirmed that did not happen."""
SLOWNESS = 0.4
"""Seconds by which a slow device answers late."""


def expect(value: object, shape: type[Shape]) -> Shape:
    """The value in its driver's type; a plant that was loaded with other drivers is our bug."""
    if not isinstance(value, shape):
        raise TypeError(f"expected {shape.__name__}, got {type(value).__name__}")
    return value


@dataclass(frozen=True, slots=True)
class _Placed:
    """A point with its place on the device."""

    point: Point
    address: PointAddress
    form: Form


@dataclass(frozen=True, slots=True)
class _Target:
    """An output with its place on the device."""

    output: Output
    address: OutputAddress
    form: Form


@dataclass(frozen=True, slots=True)
class _HeartbeatTarget:
    """The register that the gateway counts up."""

    address: OutputAddress
    form: Form

    def is_at(self, table: Table, address: int) -> bool:
        return Table(self.address.table) is table and self.address.address == address


class Unit:
    """The registers of one device, always as the model says now."""

    def __init__(self, device: Device, plant: Plant, model: PlantModel, commanded: Commanded) -> None:
        self.device = device
        self.settings = expect(device.settings, TcpSettings)
        self.fault: DeviceFault | None = None
        self.confirmed: list[int] | list[bool] = []
        """What was written last, stored or not."""
        self._model = model
        self._commanded = commanded
        self._points = [
            _Placed(point, address, form_of(address, self.settings))
            for point in plant.points
            if point.device == device.id
            for address in [expect(point.address, PointAddress)]
        ]
        self._targets = [
            _Target(output, address, output_form(address, self.settings))
            for output in plant.outputs
            if output.device == device.id
            for address in [expect(output.address, OutputAddress)]
        ]
        self._heartbeat = _heartbeat_of(device, self.settings)
        self._words: dict[Table, dict[int, int]] = {}
        self._version = -1

    def read(self, table: Table, address: int, length: int) -> list[int] | ExcCodes:
        """The words at `address`; ILLEGAL_ADDRESS if one of them is mapped to nothing."""
        if self._version != self._model.version:
            self._encode()
        held = self._words.get(table, {})
        words = [held.get(place) for place in range(address, address + length)]
        found = [word for word in words if word is not None]
        return found if len(found) == len(words) else ExcCodes.ILLEGAL_ADDRESS

    def write(self, table: Table, address: int, words: Sequence[int]) -> ExcCodes | None:
        """Pass the words on as commands; ILLEGAL_ADDRESS unless they are exactly whole outputs."""
        if self._heartbeat is not None and self._heartbeat.is_at(table, address):
            if len(words) != self._heartbeat.form.type.registers:
                return ExcCodes.ILLEGAL_ADDRESS
            self._model.watchdogs[self.device.id].write(decode(self._heartbeat.form, words).value)
            self._model.version += 1
            return None
        taken: list[tuple[_Target, float]] = []
        place = address
        while place < address + len(words):
            target = self._target_at(table, place)
            if target is None:
                return ExcCodes.ILLEGAL_ADDRESS
            length = target.form.registers
            decoded = decode(target.form, words[place - address : place - address + length])
            if not math.isfinite(decoded.value):
                return ExcCodes.ILLEGAL_VALUE
            taken.append((target, decoded.value))
            place += length
        for target, value in taken:
            self._model.command(target.output.id, value)
            self._commanded(target.output.id, value)
        return None

    def _target_at(self, table: Table, address: int) -> _Target | None:
        for target in self._targets:
            if Table(target.address.table) is table and target.address.address == address:
                return target
        return None

    def _encode(self) -> None:
        words: dict[Table, dict[int, int]] = {table: {} for table in Table}
        for placed in self._points:
            held = words[placed.address.table]
            span = range(placed.address.address, placed.address.address + placed.form.registers)
            present = [held.get(place, 0) for place in span]
            held.update(zip(span, self._words_of(placed, present), strict=True))
            if placed.address.status is not None:
                self._tell(placed, placed.address.status, words[placed.address.status.table])
        for target in self._targets:
            held = words[Table(target.address.table)]
            value = self._model.commanded(target.output.id)
            for step, word in enumerate(encode(target.form, value)):
                held[target.address.address + step] = word
        if self._heartbeat is not None:
            count = self._model.watchdogs[self.device.id].count or 0.0
            for step, word in enumerate(encode(self._heartbeat.form, count)):
                words[Table(self._heartbeat.address.table)][self._heartbeat.address.address + step] = word
        self._words = words
        self._version = self._model.version

    def _tell(self, placed: _Placed, status: StatusWord, held: dict[int, int]) -> None:
        """Write the status of a point beside it: a fault while the model has no value."""
        ill = math.isnan(self._model.value(placed.point.id))
        faults = [raw for raw, fault in status.faults.items() if fault is Fault.SENSOR_FAULT]
        named = {*status.faults, *status.uncertain}
        well = status.good[0] if status.good else next(raw for raw in count() if raw not in named)
        span = range(status.address, status.address + status.registers)
        present = [held.get(place, 0) for place in span]
        words = encode(status_form(status, self.settings), faults[0] if ill and faults else well, present)
        held.update(zip(span, words, strict=True))

    def _words_of(self, placed: _Placed, held: Sequence[int]) -> tuple[int, ...]:
        value = self._model.value(placed.point.id)
        faults = [raw for raw, reason in placed.form.faults.items() if reason is Reason.SENSOR_FAULT]
        if math.isnan(value) and faults:
            return encode_fault(placed.form, faults[0])
        try:
            return encode(placed.form, value, held)
        except ValueError:
            if math.isnan(value):
                return (0xFFFF,) * placed.form.registers
            return encode(placed.form, min(max(value, placed.point.low), placed.point.high), held)


def _heartbeat_of(device: Device, settings: TcpSettings) -> _HeartbeatTarget | None:
    if device.heartbeat is None:
        return None
    address = expect(device.heartbeat.address, OutputAddress)
    return _HeartbeatTarget(address, output_form(address, settings))


class _Bus(SimCore):
    """The units behind one port, in the place of pymodbus' own memory."""

    def __init__(self, units: Mapping[int, Unit]) -> None:
        self._units = units

    def device_ids(self) -> list[int]:
        return list(self._units)

    async def _unit(self, device_id: int) -> Unit:
        unit = self._units.get(device_id)
        if unit is None or unit.fault is DeviceFault.HANG:
            raise NoSuchIdException
        if unit.fault is DeviceFault.SLOW:
            await asyncio.sleep(SLOWNESS)
        return unit

    async def async_getValues(  # noqa: N802 - pymodbus' name
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        unit = await self._unit(device_id)
        if unit.fault is DeviceFault.EXCEPTION:
            return ExcCodes.DEVICE_FAILURE
        if func_code in _ECHOES and unit.fault in _UNTRUE:
            return unit.confirmed
        table = _TABLE[func_code]
        words = unit.read(table, address, count)
        if isinstance(words, ExcCodes) or not table.holds_bits:
            return words
        return [word != 0 for word in words]

    async def async_setValues(  # noqa: N802 - pymodbus' name
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        unit = await self._unit(device_id)
        if unit.fault is DeviceFault.EXCEPTION:
            return ExcCodes.DEVICE_FAILURE
        unit.confirmed = values
        if unit.fault is DeviceFault.FORGETFUL:
            return None
        other = 1 if unit.fault is DeviceFault.DISTORTING else 0
        return unit.write(_TABLE[func_code], address, [int(value) ^ other for value in values])


class ModbusHost:
    """One listening port with its units."""

    def __init__(self, host: str, port: int, units: Sequence[Unit], rng: np.random.Generator) -> None:
        self.host = host
        self.port = port
        self.units = list(units)
        self._rng = rng
        self._server: ModbusTcpServer | None = None

    async def start(self) -> None:
        """Listen. Raises PortInUse."""
        nothing = SimDevice(id=1, simdata=SimData(0, datatype=DataType.REGISTERS))
        server = ModbusTcpServer(
            nothing,
            address=(self.host, self.port),
            ignore_missing_devices=True,
            trace_packet=self._spoil,
        )
        server.context = _Bus({unit.settings.unit_id: unit for unit in self.units})
        try:
            await server.serve_forever(background=True)
        except RuntimeError as error:
            raise PortInUse(self.host, self.port, "in the plant file") from error
        self._server = server

    async def stop(self) -> None:
        """Close the port and every connection."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
            await asyncio.sleep(0)

    async def apply(self) -> None:
        """Listen or not, as the units' faults want it; a dead unit takes its port with it."""
        dead = any(unit.fault is DeviceFault.DEAD for unit in self.units)
        if dead:
            await self.stop()
        elif self._server is None:
            await self.start()

    def _spoil(self, sending: bool, packet: bytes) -> bytes:  # noqa: FBT001 - pymodbus' signature
        if sending and any(unit.fault is DeviceFault.GARBAGE for unit in self.units):
            return self._rng.bytes(len(packet))
        return packet


def modbus_hosts(plant: Plant, model: PlantModel, rng: np.random.Generator, commanded: Commanded) -> list[ModbusHost]:
    """A host for each port that the plant file's Modbus devices use."""
    units: dict[tuple[str, int], list[Unit]] = {}
    for device in plant.devices:
        if isinstance(device.settings, TcpSettings):
            unit = Unit(device, plant, model, commanded)
            units.setdefault((unit.settings.host, unit.settings.port), []).append(unit)
    return [ModbusHost(host, port, members, rng.spawn(1)[0]) for (host, port), members in units.items()]
