"""Numbers to registers and back, for one point; `drivers.modbus.layout` does it for a whole scan.

Sans-IO: takes register words as plain integers, gives values with their quality; never opens a socket,
never reads a clock, never raises on what a device sent. The simulator serves from the same functions.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from drivers.modbus.address import CurrentLoop, Fault, NumberType, OutputAddress, PointAddress, StatusWord
from drivers.modbus.current import Loop
from drivers.modbus.settings import DeviceSettings, Order
from gateway.sample import Quality, Reason

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
_REASON = {Fault.SENSOR_FAULT: Reason.SENSOR_FAULT, Fault.WARMING_UP: Reason.WARMING_UP}
_BEYOND = 0.01
"""Milliamperes: outside its failure limits a current loop is judged as such before the range is looked at."""
_RANGE_SLACK = 1e-9
"""Share of the range that a scaled number may stick out by rounding alone."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A value and how far it may be trusted; NaN where it is BAD."""

    value: float
    quality: Quality
    reason: Reason


def bad(reason: Reason) -> Decoded:
    return Decoded(math.nan, Quality.BAD, reason)


@dataclass(frozen=True, slots=True)
class Form:
    """How one number lies in registers, with the device's defaults filled in."""

    type: NumberType
    byte_order: Order = Order.BIG
    word_order: Order = Order.BIG
    bit: int | None = None
    bits: tuple[int, int] | None = None
    """First and last bit of a field of an unsigned number."""
    length: int | None = None
    """Registers of a string."""
    scale: float = 1.0
    offset: float = 0.0
    faults: Mapping[int, Reason] = field(default_factory=dict)
    good: frozenset[int] | None = None
    """Raw numbers beside which any other that is no fault is one after all; None where there are none."""
    loop: Loop | None = None
    texts: Mapping[bytes, Decoded] = field(default_factory=dict)
    """What each text of a string means."""

    @property
    def registers(self) -> int:
        """How many it takes."""
        return self.length or self.type.registers

    @property
    def shift(self) -> int:
        return self.bits[0] if self.bits is not None else 0

    @property
    def mask(self) -> int:
        """Of the shifted number."""
        first, last = self.bits if self.bits is not None else (0, 16 * self.type.registers - 1)
        return (1 << last - first + 1) - 1


def form_of(address: PointAddress, device: DeviceSettings) -> Form:
    """The form of a point's number on its device."""
    return Form(
        type=address.type,
        byte_order=address.byte_order or device.byte_order,
        word_order=address.word_order or device.word_order,
        bit=address.bit,
        bits=address.bits,
        length=address.length,
        scale=address.scale if address.current is None else address.current.scale,
        offset=address.offset if address.current is None else address.current.offset,
        loop=_loop(address.current),
        faults={raw: _REASON[fault] for raw, fault in address.faults.items()},
        texts={text.encode(): _meant(meaning) for text, meaning in address.states.items()},
    )


def status_form(status: StatusWord, device: DeviceSettings) -> Form:
    """The form of a status on its device; what it says of a value is its reason, and its number nobody's."""
    told = {raw: _REASON[fault] for raw, fault in status.faults.items()}
    return Form(
        type=status.type,
        byte_order=status.byte_order or device.byte_order,
        word_order=status.word_order or device.word_order,
        bit=status.bit,
        bits=status.bits,
        faults=told | dict.fromkeys(status.uncertain, Reason.SOURCE_DOUBT),
        good=None if status.good is None else frozenset(status.good),
    )


def _meant(meaning: float | Fault) -> Decoded:
    return bad(_REASON[meaning]) if isinstance(meaning, Fault) else Decoded(meaning, Quality.GOOD, Reason.NONE)


def _loop(current: CurrentLoop | None) -> Loop | None:
    if current is None:
        return None
    return Loop(current.value_at_4, current.value_at_20 - current.value_at_4, current.valid, current.failure)


def bounds(form: Form, low: float, high: float) -> tuple[float, float]:
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


def decode(form: Form, words: Sequence[int], low: float = -math.inf, high: float = math.inf) -> Decoded:
    """The value in the words (one for a bit or bool, else `type.registers`).

    A wrong number of words is MALFORMED; a fault code has its reason; outside low..high is OUT_OF_RANGE. A
    current loop is judged as if for the first time: `Layout` remembers what it was.
    """
    if len(words) != form.registers or not all(0 <= word <= 0xFFFF for word in words):
        return bad(Reason.MALFORMED)
    if form.type is NumberType.STRING:
        return _spelled(form, words, low, high)
    raw = _raw(form, words)
    for fault, reason in form.faults.items():
        if raw == fault:
            return bad(reason)
    if form.good is not None and raw not in form.good:
        return bad(Reason.SENSOR_FAULT)
    value = float(raw) * form.scale + form.offset
    if not math.isfinite(value):
        return bad(Reason.NOT_A_NUMBER)
    doubt = form.loop.judge(value) if form.loop is not None else Reason.NONE
    if doubt is Reason.SENSOR_FAULT:
        return bad(doubt)
    if not within(form, value, low, high):
        return bad(Reason.OUT_OF_RANGE)
    if doubt is not Reason.NONE:
        return Decoded(value, Quality.UNCERTAIN, doubt)
    return Decoded(value, Quality.GOOD, Reason.NONE)


def within(form: Form, value: float, low: float, high: float) -> bool:
    """Whether a value keeps its range."""
    low, high = bounds(form, low, high)
    return low <= value <= high


def _spelled(form: Form, words: Sequence[int], low: float, high: float) -> Decoded:
    meant = form.texts.get(text_in(words, form.byte_order), bad(Reason.MALFORMED))
    if meant.quality is Quality.GOOD and not within(form, meant.value, low, high):
        return bad(Reason.OUT_OF_RANGE)
    return meant


def text_in(words: Sequence[int], byte_order: Order) -> bytes:
    """The text in registers, up to the first NUL and without blanks around it."""
    order: Literal["big", "little"] = "big" if byte_order is Order.BIG else "little"
    return b"".join(word.to_bytes(2, order) for word in words).partition(b"\0")[0].strip(b" ")


def _slack(low: float, high: float) -> float:
    return (high - low) * _RANGE_SLACK if math.isfinite(high - low) else 0.0


def _raw(form: Form, words: Sequence[int]) -> float:
    ordered = _swap(form, words)
    if form.type is NumberType.BOOL:
        word = ordered[0]
        return int(word != 0) if form.bit is None else word >> form.bit & 1
    number: float = struct.unpack(_STRUCT[form.type], struct.pack(f">{len(ordered)}H", *ordered))[0]
    return number if form.bits is None else int(number) >> form.shift & form.mask


def _swap(form: Form, words: Sequence[int]) -> list[int]:
    """Wire order to high word and high byte first; its own inverse."""
    in_order = form.word_order is Order.BIG or form.type is NumberType.STRING
    ordered = list(words) if in_order else list(reversed(words))
    whole_word_bool = form.type is NumberType.BOOL and form.bit is None
    if form.byte_order is Order.BIG or whole_word_bool:
        return ordered
    return [(word & 0xFF) << 8 | word >> 8 for word in ordered]


def encode(form: Form, value: float, held: Sequence[int] = ()) -> tuple[int, ...]:
    """The words of a value; `decode` gives it back as closely as the type can hold it.

    `held` are the present words, whose other bits stay when the form names some of them; none are zeros.
    Raises ValueError for a value that the type cannot hold.
    """
    if form.type is NumberType.STRING:
        return _written(form, value)
    unscaled = (value - form.offset) / form.scale
    if form.type in (NumberType.FLOAT32, NumberType.FLOAT64):
        return _words_of(form, unscaled)
    if not math.isfinite(unscaled):
        raise ValueError(f"expected a finite number for {form.type}, got {value}")
    raw = round(unscaled)
    if not (form.type.holds(raw) if form.bits is None else 0 <= raw <= form.mask):
        raise ValueError(f"expected a value that fits {form.type}, got {value} (raw {raw})")
    present = held or (0,) * form.registers
    if form.bits is not None:
        whole = int.from_bytes(struct.pack(f">{len(present)}H", *_swap(form, present)), "big")
        return _words_of(form, whole & ~(form.mask << form.shift) | raw << form.shift)
    if form.type is not NumberType.BOOL:
        return _words_of(form, raw)
    if form.bit is None:
        return (raw,)
    (word,) = _swap(form, present)
    return tuple(_swap(form, (word & ~(1 << form.bit) | raw << form.bit,)))


def _written(form: Form, value: float) -> tuple[int, ...]:
    text = next((text for text, meant in form.texts.items() if meant.value == value), None)
    if text is None:
        raise ValueError(f"expected a value that one of its texts stands for, got {value}")
    big = struct.unpack(f">{form.registers}H", text.ljust(2 * form.registers, b"\0"))
    return tuple(_swap(form, big))


def encode_fault(form: Form, raw: int) -> tuple[int, ...]:
    """The words of a raw number, unscaled: how a simulated sensor reports a fault code."""
    if form.type in (NumberType.BOOL, NumberType.STRING) or not form.type.holds(raw << form.shift):
        raise ValueError(f"expected a raw number that fits {form.type}, got {raw}")
    return _words_of(form, raw << form.shift)


def _words_of(form: Form, raw: float) -> tuple[int, ...]:
    try:
        packed = struct.pack(_STRUCT[form.type], raw)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"expected a value that fits {form.type}, got raw {raw}") from error
    return tuple(_swap(form, struct.unpack(f">{form.type.registers}H", packed)))
