"""Numbers to registers and back, for one point (`decode`, `encode`) and for a whole scan (`Layout`).

Sans-IO: takes register words as plain integers, gives values with their quality; never opens a socket,
never reads a clock, never raises on what a device sent. The simulator serves from the same functions.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.modbus.address import CurrentLoop, Fault, NumberType, OutputAddress, PointAddress
from drivers.modbus.current import Loop
from drivers.modbus.settings import DeviceSettings, Order
from gateway.sample import Bytes, Floats, Quality, Reason

Words = NDArray[np.uint16]
"""Registers as they arrive: big-endian, one word for each bit of the bit tables."""

_STRUCT = {
    NumberType.UINT16: ">H",
    NumberType.INT16: ">h",
    NumberType.UINT32: ">I",
    NumberType.INT32: ">i",
    NumberType.UINT64: ">Q",
    NumberType.INT64: ">q",
    NumberType.FLOAT32: ">f",
    NumberType.FLOAT64: ">d",
}
_NUMPY = {
    NumberType.UINT16: ">u2",
    NumberType.INT16: ">i2",
    NumberType.UINT32: ">u4",
    NumberType.INT32: ">i4",
    NumberType.UINT64: ">u8",
    NumberType.INT64: ">i8",
    NumberType.FLOAT32: ">f4",
    NumberType.FLOAT64: ">f8",
}
_REASON = {Fault.SENSOR_FAULT: Reason.SENSOR_FAULT, Fault.WARMING_UP: Reason.WARMING_UP}
_BEYOND = 0.01
"""Milliamperes: outside its failure limits a current loop is judged as such before the range is looked at."""
_RANGE_SLACK = 1e-9
"""Share of the range that a scaled number may stick out by rounding alone."""


@dataclass(frozen=True, slots=True)
class Form:
    """How one number lies in registers, with the device's defaults filled in."""

    type: NumberType
    byte_order: Order = Order.BIG
    word_order: Order = Order.BIG
    bit: int | None = None
    scale: float = 1.0
    offset: float = 0.0
    faults: Mapping[int, Reason] = field(default_factory=dict)
    loop: Loop | None = None


def form_of(address: PointAddress, device: DeviceSettings) -> Form:
    """The form of a point's number on its device."""
    return Form(
        type=address.type,
        byte_order=address.byte_order or device.byte_order,
        word_order=address.word_order or device.word_order,
        bit=address.bit,
        scale=address.scale if address.current is None else address.current.scale,
        offset=address.offset if address.current is None else address.current.offset,
        loop=_loop(address.current),
        faults={raw: _REASON[fault] for raw, fault in address.faults.items()},
    )


def _loop(current: CurrentLoop | None) -> Loop | None:
    if current is None:
        return None
    return Loop(current.value_at_4, current.value_at_20 - current.value_at_4, current.valid, current.failure)


def _bounds(form: Form, low: float, high: float) -> tuple[float, float]:
    """The range that a value must keep; a current loop is judged by its current up to its failure limits."""
    if form.loop is None:
        slack = _slack(low, high)
        return low - slack, high + slack
    lowest, highest = form.loop.failure
    ends = (form.loop.value(lowest - _BEYOND), form.loop.value(highest + _BEYOND))
    return min(low, *ends), max(high, *ends)


def output_form(address: OutputAddress, device: DeviceSettings) -> Form:
    """The form of an output's number on its device."""
    return Form(type=address.type, byte_order=device.byte_order, word_order=device.word_order, scale=address.scale)


@dataclass(frozen=True, slots=True)
class Decoded:
    """A value and how far it may be trusted; NaN where it is BAD."""

    value: float
    quality: Quality
    reason: Reason


def bad(reason: Reason) -> Decoded:
    return Decoded(math.nan, Quality.BAD, reason)


def decode(form: Form, words: Sequence[int], low: float = -math.inf, high: float = math.inf) -> Decoded:
    """The value in the words (one for a bit or bool, else `type.registers`).

    A wrong number of words is MALFORMED; a fault code has its reason; outside low..high is OUT_OF_RANGE. A
    current loop is judged as if for the first time: `Layout` remembers what it was.
    """
    if len(words) != form.type.registers or not all(0 <= word <= 0xFFFF for word in words):
        return bad(Reason.MALFORMED)
    raw = _raw(form, words)
    for fault, reason in form.faults.items():
        if raw == fault:
            return bad(reason)
    value = float(raw) * form.scale + form.offset
    if not math.isfinite(value):
        return bad(Reason.NOT_A_NUMBER)
    doubt = form.loop.judge(value) if form.loop is not None else Reason.NONE
    if doubt is Reason.SENSOR_FAULT:
        return bad(doubt)
    low, high = _bounds(form, low, high)
    if not low <= value <= high:
        return bad(Reason.OUT_OF_RANGE)
    if doubt is not Reason.NONE:
        return Decoded(value, Quality.UNCERTAIN, doubt)
    return Decoded(value, Quality.GOOD, Reason.NONE)


def _slack(low: float, high: float) -> float:
    return (high - low) * _RANGE_SLACK if math.isfinite(high - low) else 0.0


def _raw(form: Form, words: Sequence[int]) -> float:
    ordered = _swap(form, words)
    if form.type is NumberType.BOOL:
        word = ordered[0]
        return int(word != 0) if form.bit is None else word >> form.bit & 1
    number: float = struct.unpack(_STRUCT[form.type], struct.pack(f">{len(ordered)}H", *ordered))[0]
    return number


def _swap(form: Form, words: Sequence[int]) -> list[int]:
    """Wire order to high word and high byte first; its own inverse."""
    ordered = list(words) if form.word_order is Order.BIG else list(reversed(words))
    whole_word_bool = form.type is NumberType.BOOL and form.bit is None
    if form.byte_order is Order.BIG or whole_word_bool:
        return ordered
    return [(word & 0xFF) << 8 | word >> 8 for word in ordered]


def encode(form: Form, value: float, held: int = 0) -> tuple[int, ...]:
    """The words of a value; `decode` gives it back as closely as the type can hold it.

    `held` is the register's present word, whose other bits stay when the form names a bit.
    Raises ValueError for a value that the type cannot hold.
    """
    unscaled = (value - form.offset) / form.scale
    if form.type in (NumberType.FLOAT32, NumberType.FLOAT64):
        return _words_of(form, unscaled)
    if not math.isfinite(unscaled):
        raise ValueError(f"expected a finite number for {form.type}, got {value}")
    raw = round(unscaled)
    if not form.type.holds(raw):
        raise ValueError(f"expected a value that fits {form.type}, got {value} (raw {raw})")
    if form.type is not NumberType.BOOL:
        return _words_of(form, raw)
    if form.bit is None:
        return (raw,)
    (word,) = _swap(form, (held,))
    return tuple(_swap(form, (word & ~(1 << form.bit) | raw << form.bit,)))


def encode_fault(form: Form, raw: int) -> tuple[int, ...]:
    """The words of a raw number, unscaled: how a simulated sensor reports a fault code."""
    if form.type is NumberType.BOOL or not form.type.holds(raw):
        raise ValueError(f"expected a raw number that fits {form.type}, got {raw}")
    return _words_of(form, raw)


def _words_of(form: Form, raw: float) -> tuple[int, ...]:
    try:
        packed = struct.pack(_STRUCT[form.type], raw)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"expected a value that fits {form.type}, got raw {raw}") from error
    return tuple(_swap(form, struct.unpack(f">{form.type.registers}H", packed)))


@dataclass(frozen=True, slots=True)
class Placed:
    """One point's number within the words of a scan."""

    form: Form
    position: int
    """Index of its first word."""
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Numbers of one form, decoded in one go."""

    rows: NDArray[np.intp]
    words: NDArray[np.intp]
    """Shape (rows, registers), high word first."""
    swap: bool
    dtype: str
    fault_rows: NDArray[np.intp]
    """Rows within the group, one for each pair of point and fault code."""
    fault_values: NDArray[np.generic]
    fault_reasons: Bytes

    def decode(self, words: Words, value: Floats, reason: Bytes) -> None:
        """Fill this group's rows with raw numbers, and the reasons of those that are fault codes."""
        picked = words[self.words]
        raw = (picked.byteswap() if self.swap else picked).view(self.dtype)[:, 0]
        value[self.rows] = raw
        if len(self.fault_rows):
            hit = raw[self.fault_rows] == self.fault_values
            reason[self.rows[self.fault_rows[hit]]] = self.fault_reasons[hit]


class Layout:
    """How every number of a scan is decoded, prepared once and used at every scan."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._count = len(placed)
        self._scale = np.array([p.form.scale for p in placed], dtype=np.float64)
        self._offset = np.array([p.form.offset for p in placed], dtype=np.float64)
        bounds = [_bounds(p.form, p.low, p.high) for p in placed]
        self._low = np.array([low for low, _ in bounds], dtype=np.float64)
        self._high = np.array([high for _, high in bounds], dtype=np.float64)
        self._loops = {row: p.form.loop for row, p in enumerate(placed) if p.form.loop is not None}
        self._doubts = dict.fromkeys(self._loops, Reason.NONE)
        is_bool = [p.form.type is NumberType.BOOL for p in placed]
        self._bool_rows = np.flatnonzero(is_bool)
        bools = [p for p in placed if p.form.type is NumberType.BOOL]
        self._bool_words = np.array([p.position for p in bools], dtype=np.intp)
        self._bool_masks = np.array([_mask(p.form) for p in bools], dtype=np.uint16)
        self._groups = _group(placed)

    def decode(self, words: Words, unread: NDArray[np.bool_] | None = None) -> tuple[Floats, Bytes]:
        """Values and reasons, a row for each number; NONE is GOOD, SOURCE_DOUBT is UNCERTAIN, all else is BAD.

        `unread` rows are not looked at by what remembers the last reading.
        """
        value = np.empty(self._count, dtype=np.float64)
        reason = np.zeros(self._count, dtype=np.uint8)
        with np.errstate(over="ignore", invalid="ignore"):
            value[self._bool_rows] = (words[self._bool_words] & self._bool_masks) != 0
            for group in self._groups:
                group.decode(words, value, reason)
            value = value * self._scale + self._offset
        self._judge(value, reason, unread)
        return value, reason

    def _judge(self, value: Floats, reason: Bytes, unread: NDArray[np.bool_] | None) -> None:
        """Fault codes come first, then what is no number, then the range."""
        sound = reason == Reason.NONE
        finite = np.isfinite(value)
        outside = (value < self._low) | (value > self._high)
        for row, loop in self._loops.items():
            if sound[row] and finite[row] and (unread is None or not unread[row]):
                reason[row] = self._doubts[row] = loop.judge(float(value[row]), self._doubts[row])
        sound = sound & (reason != Reason.SENSOR_FAULT)
        reason[sound & ~finite] = Reason.NOT_A_NUMBER
        reason[sound & finite & outside] = Reason.OUT_OF_RANGE
        value[(reason != Reason.NONE) & (reason != Reason.SOURCE_DOUBT)] = np.nan


def _mask(form: Form) -> int:
    if form.bit is None:
        return 0xFFFF
    return 1 << (form.bit if form.byte_order is Order.BIG else form.bit ^ 8)


def _group(placed: Sequence[Placed]) -> list[_Group]:
    members: dict[tuple[NumberType, Order, Order], list[int]] = {}
    for row, one in enumerate(placed):
        if one.form.type is not NumberType.BOOL:
            key = (one.form.type, one.form.byte_order, one.form.word_order)
            members.setdefault(key, []).append(row)
    return [_group_of(placed, *key, rows) for key, rows in members.items()]


def _group_of(
    placed: Sequence[Placed], type_: NumberType, byte_order: Order, word_order: Order, rows: Sequence[int]
) -> _Group:
    steps = np.arange(type_.registers)
    if word_order is Order.LITTLE:
        steps = steps[::-1]
    first = np.array([placed[row].position for row in rows], dtype=np.intp)
    faults = [(index, raw, reason) for index, row in enumerate(rows) for raw, reason in placed[row].form.faults.items()]
    return _Group(
        rows=np.array(rows, dtype=np.intp),
        words=first[:, None] + steps[None, :],
        swap=byte_order is Order.LITTLE,
        dtype=_NUMPY[type_],
        fault_rows=np.array([index for index, _, _ in faults], dtype=np.intp),
        fault_values=np.array([raw for _, raw, _ in faults], dtype=np.dtype(_NUMPY[type_]).newbyteorder("=")),
        fault_reasons=np.array([reason for _, _, reason in faults], dtype=np.uint8),
    )
