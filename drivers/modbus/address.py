"""What a plant file says of the points and outputs of a Modbus device.

Addresses are protocol addresses, from 0, within a named table: `holding 0` is what a handbook calls
40001. Pure data: nothing here opens a connection.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self

from pydantic import Field, model_validator

from drivers.modbus.settings import LAST_ADDRESS, REGISTER_LIMIT, Address, Frozen, Order, Table


class NumberType(StrEnum):
    """What the bits in the registers mean."""

    BOOL = "bool"
    UINT16 = "uint16"
    INT16 = "int16"
    UINT32 = "uint32"
    INT32 = "int32"
    UINT64 = "uint64"
    INT64 = "int64"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    STRING = "string"
    """Text that stands for a number, such as a mode that a device spells out."""

    @property
    def registers(self) -> int:
        """How many registers a number of this type takes; a string says its own length."""
        return _REGISTERS[self]

    @property
    def is_unsigned(self) -> bool:
        """Whether it is a plain count of bits."""
        return self.value.startswith("uint")

    def holds(self, raw: int) -> bool:
        """Whether the raw number can stand in the registers at all."""
        if self is NumberType.BOOL:
            return raw in (0, 1)
        if self in (NumberType.FLOAT32, NumberType.FLOAT64):
            return abs(raw) <= 2**24
        bits = 16 * self.registers
        if self.is_unsigned:
            return 0 <= raw < 1 << bits
        return -(1 << bits - 1) <= raw < 1 << bits - 1


_REGISTERS = {
    NumberType.BOOL: 1,
    NumberType.UINT16: 1,
    NumberType.INT16: 1,
    NumberType.UINT32: 2,
    NumberType.INT32: 2,
    NumberType.UINT64: 4,
    NumberType.INT64: 4,
    NumberType.FLOAT32: 2,
    NumberType.FLOAT64: 4,
    NumberType.STRING: 1,
}


class Fault(StrEnum):
    """What a sensor says of itself by a raw value that is no measurement."""

    SENSOR_FAULT = "sensor_fault"
    WARMING_UP = "warming_up"


class _Located(Frozen):
    address: Address
    type: NumberType = NumberType.UINT16
    """How the number is stored. Left out: `bool` for coils, discrete inputs and a bit, else `uint16`."""

    @property
    def registers(self) -> int:
        """How many registers it takes, or bits in a bit table."""
        return self.type.registers

    @model_validator(mode="before")
    @classmethod
    def _type_left_out(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or "type" in data:
            return data
        is_bit = data.get("table") in ("coil", "discrete") or data.get("bit") is not None
        return {**data, "type": NumberType.BOOL if is_bit else NumberType.UINT16}

    def _check_span(self, table: Table) -> None:
        if table.holds_bits and self.type is not NumberType.BOOL:
            raise ValueError(f"expected type bool in table {table}, got {self.type}; leave the type out")
        if self.address + self.registers - 1 > LAST_ADDRESS:
            raise ValueError(
                f"expected a {self.type} to end at {LAST_ADDRESS} or below, "
                f"got address {self.address} and {self.registers} registers"
            )


class _Read(_Located):
    """A number that is read: in which bits of which registers it stands."""

    table: Table
    """Which of the device's four tables."""
    bit: int | None = Field(default=None, ge=0, le=15)
    """One bit of a register (0 = least significant); only with type bool."""
    bits: tuple[int, int] | None = None
    """First and last bit of a field in an unsigned number (0 = least significant), such as `[4, 7]`."""
    byte_order: Order | None = None
    """Overrides the device's byte order."""
    word_order: Order | None = None
    """Overrides the device's word order."""

    def _check_bits(self) -> None:
        if self.bit is not None and (self.table.holds_bits or self.type is not NumberType.BOOL):
            raise ValueError(
                f"expected bit only with type bool in table input or holding, got {self.type} in {self.table}"
            )
        if self.bits is None:
            return
        if not self.type.is_unsigned:
            raise ValueError(f"expected bits only with uint16, uint32 or uint64, got {self.type}")
        last = 16 * self.type.registers - 1
        if not 0 <= self.bits[0] <= self.bits[1] <= last:
            raise ValueError(f"expected first and last bit of 0 to {last} in order, got {list(self.bits)}")

    def _check_raw(self, raw: int) -> None:
        """Raises ValueError for a raw number that can never be read here."""
        holds = 0 <= raw < 2 ** (self.bits[1] - self.bits[0] + 1) if self.bits is not None else self.type.holds(raw)
        if not holds or self.type is NumberType.STRING:
            what = f"{self.bits[1] - self.bits[0] + 1} bits" if self.bits is not None else str(self.type)
            raise ValueError(f"expected raw numbers that fit {what}, got {raw}")


class StatusWord(_Read):
    """Where a device says in another place what a value is worth. What it says goes before the value."""

    faults: Mapping[int, Fault] = Field(default_factory=dict)
    """Raw numbers that make the value BAD, and what they mean."""
    uncertain: tuple[int, ...] = ()
    """Raw numbers that make the value UNCERTAIN."""
    good: tuple[int, ...] | None = None
    """Raw numbers that mean that all is well; any other is then a sensor fault. Left out, all the others are good."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._check_span(self.table)
        self._check_bits()
        if self.type in (NumberType.STRING, NumberType.FLOAT32, NumberType.FLOAT64):
            raise ValueError(f"expected a whole number or a bit for a status, got {self.type}")
        told = [*self.faults, *self.uncertain, *(self.good or ())]
        if not told:
            raise ValueError("expected faults, uncertain or good for a status, got none of them")
        for raw in told:
            self._check_raw(raw)
        if twice := sorted({raw for raw in told if told.count(raw) > 1}):
            raise ValueError(f"expected each number of a status to mean one thing, got {twice[0]} more than once")
        return self


class CurrentLoop(Frozen):
    """A 4-20 mA signal as an input card stores it. NAMUR NE 43 tells a measurement from a sensor's failure."""

    raw_at_4: float
    """Raw number at 4 mA."""
    raw_at_20: float
    """Raw number at 20 mA."""
    value_at_4: float
    """Value at 4 mA, in the point's unit."""
    value_at_20: float
    """Value at 20 mA, in the point's unit."""
    valid: tuple[float, float] = (3.8, 20.5)
    """Milliamperes within which the value is a measurement; between these and `failure` it is UNCERTAIN."""
    failure: tuple[float, float] = (3.6, 21.0)
    """Milliamperes outside which the sensor reports its own failure."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        numbers = (self.raw_at_4, self.raw_at_20, self.value_at_4, self.value_at_20, *self.valid, *self.failure)
        if not all(map(math.isfinite, numbers)):
            raise ValueError("expected finite numbers for a current loop")
        if self.raw_at_4 == self.raw_at_20 or self.value_at_4 == self.value_at_20:
            raise ValueError("expected different numbers at 4 mA and at 20 mA, got the same")
        if not self.failure[0] <= self.valid[0] < self.valid[1] <= self.failure[1]:
            raise ValueError(f"expected valid inside failure, got {self.valid} and {self.failure} mA")
        return self

    @property
    def scale(self) -> float:
        return (self.value_at_20 - self.value_at_4) / (self.raw_at_20 - self.raw_at_4)

    @property
    def offset(self) -> float:
        return self.value_at_4 - self.raw_at_4 * self.scale


def _check_scale(scale: float, offset: float = 0.0) -> None:
    if scale == 0 or not math.isfinite(scale) or not math.isfinite(offset):
        raise ValueError(f"expected a finite scale other than 0, a finite offset; got {scale}, {offset}")


class PointAddress(_Read):
    """Where a point is read: value = raw number x scale + offset."""

    length: int | None = Field(default=None, ge=1, le=REGISTER_LIMIT)
    """Registers that a string takes; only with type string."""
    states: Mapping[str, float | Fault] = Field(default_factory=dict)
    """What the texts of a string stand for: a value, or a fault, such as `{RUN: 1, STOP: 0, ERR: sensor_fault}`."""
    scale: float = 1.0
    """Factor from the raw number to the point's unit."""
    offset: float = 0.0
    """Added after scaling, in the point's unit."""
    faults: Mapping[int, Fault] = Field(default_factory=dict)
    """Raw values that are no measurement, and what they mean."""
    current: CurrentLoop | None = None
    """For a 4-20 mA signal, in place of scale and offset."""
    status: StatusWord | None = None
    """The device's own word on this value, where it stands in another place; its table is the value's unless given."""

    @property
    def registers(self) -> int:
        return self.length or self.type.registers

    @model_validator(mode="before")
    @classmethod
    def _status_of_the_same_table(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or not isinstance(data.get("status"), Mapping) or "table" not in data:
            return data
        return {**data, "status": {"table": data["table"], **data["status"]}}

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._check_span(self.table)
        _check_scale(self.scale, self.offset)
        self._check_bits()
        unscaled = (self.scale, self.offset) == (1.0, 0.0)
        is_number = self.type not in (NumberType.BOOL, NumberType.STRING) and self.bits is None
        if self.current is not None and not (is_number and unscaled):
            raise ValueError("expected current with a number, without scale, offset and bits")
        self._check_text(unscaled=unscaled)
        for raw in self.faults:
            self._check_raw(raw)
        return self

    def _check_text(self, *, unscaled: bool) -> None:
        is_text = self.type is NumberType.STRING
        if is_text != (self.length is not None) or is_text != bool(self.states):
            raise ValueError("expected length and states with a string, and with nothing else")
        if not is_text:
            return
        if self.faults or not unscaled:
            raise ValueError("expected a string without faults, scale and offset: its states say what it means")
        for text, meaning in self.states.items():
            if len(text.encode()) > 2 * self.registers or text != plain(text):
                raise ValueError(f"expected texts of at most {2 * self.registers} bytes without ends, got {text!r}")
            if not isinstance(meaning, Fault) and not math.isfinite(meaning):
                raise ValueError(f"expected a finite number or a fault for {text!r}, got {meaning}")


def plain(text: str) -> str:
    """Text as devices mean it: up to the first NUL, without blanks around it."""
    return text.partition("\0")[0].strip(" ")


class OutputTable(StrEnum):
    """The two tables that can be written."""

    COIL = "coil"
    HOLDING = "holding"


class OutputAddress(_Located):
    """Where an output is written: raw number = value / scale."""

    table: OutputTable
    """`coil` or `holding`; the other tables cannot be written."""
    scale: float = 1.0
    """Factor from the raw number to the written value; the same sense as for points."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._check_span(Table(self.table))
        _check_scale(self.scale)
        if self.type is NumberType.STRING:
            raise ValueError("expected a number or a bit for an output, got a string")
        return self
