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

from drivers.modbus.settings import LAST_ADDRESS, Address, Frozen, Order, Table


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

    @property
    def registers(self) -> int:
        """How many registers a number of this type takes."""
        return _REGISTERS[self]

    def holds(self, raw: int) -> bool:
        """Whether the raw number can stand in the registers at all."""
        if self is NumberType.BOOL:
            return raw in (0, 1)
        if self in (NumberType.FLOAT32, NumberType.FLOAT64):
            return abs(raw) <= 2**24
        bits = 16 * self.registers
        if self.value.startswith("u"):
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
}


class Fault(StrEnum):
    """What a sensor says of itself by a raw value that is no measurement."""

    SENSOR_FAULT = "sensor_fault"
    WARMING_UP = "warming_up"


class _Located(Frozen):
    address: Address
    type: NumberType = NumberType.UINT16
    """How the number is stored. Left out: `bool` for coils, discrete inputs and bits, else `uint16`."""

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
        if self.address + self.type.registers - 1 > LAST_ADDRESS:
            raise ValueError(
                f"expected a {self.type} to end at {LAST_ADDRESS} or below, "
                f"got address {self.address} and {self.type.registers} registers"
            )


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


class PointAddress(_Located):
    """Where a point is read: value = raw number x scale + offset."""

    table: Table
    """Which of the device's four tables."""
    bit: int | None = Field(default=None, ge=0, le=15)
    """One bit of a register (0 = least significant); only with type bool."""
    scale: float = 1.0
    """Factor from the raw number to the point's unit."""
    offset: float = 0.0
    """Added after scaling, in the point's unit."""
    byte_order: Order | None = None
    """Overrides the device's byte order."""
    word_order: Order | None = None
    """Overrides the device's word order."""
    faults: Mapping[int, Fault] = Field(default_factory=dict)
    """Raw values that are no measurement, and what they mean."""
    current: CurrentLoop | None = None
    """For a 4-20 mA signal, in place of scale and offset."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        self._check_span(self.table)
        _check_scale(self.scale, self.offset)
        if self.current is not None and (self.type is NumberType.BOOL or (self.scale, self.offset) != (1.0, 0.0)):
            raise ValueError("expected current with a number, without scale and offset")
        if self.bit is not None and (self.table.holds_bits or self.type is not NumberType.BOOL):
            raise ValueError(
                f"expected bit only with type bool in table input or holding, got {self.type} in {self.table}"
            )
        for raw in self.faults:
            if not self.type.holds(raw):
                raise ValueError(f"expected fault values that fit {self.type}, got {raw}")
        return self


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
        return self
