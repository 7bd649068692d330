"""A whole scan's registers to values and qualities, all points at once (`Layout`), prepared once.

Sans-IO. `drivers.modbus.codec` says what one number means; whatever is decoded here is decoded as it says.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drivers.modbus.address import NumberType
from drivers.modbus.codec import Form, bounds, decode
from drivers.modbus.settings import Order
from gateway.sample import Bytes, Floats, Reason

Words = NDArray[np.uint16]
"""Registers as they arrive: big-endian, one word for each bit of the bit tables."""

_Index = slice | NDArray[np.intp]
_NUMPY = {
    NumberType.BOOL: ">u2",
    NumberType.UINT16: ">u2",
    NumberType.INT16: ">i2",
    NumberType.UINT32: ">u4",
    NumberType.INT32: ">i4",
    NumberType.UINT64: ">u8",
    NumberType.INT64: ">i8",
    NumberType.FLOAT32: ">f4",
    NumberType.FLOAT64: ">f8",
}


@dataclass(frozen=True, slots=True)
class Placed:
    """One point's number within the words of a scan, and the status that says what it is worth."""

    form: Form
    position: int
    """Index of its first word."""
    low: float = -math.inf
    high: float = math.inf
    status: Form | None = None
    status_position: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Codes:
    """Raw numbers of a group that are no measurement."""

    rows: NDArray[np.intp]
    """Within the group, one for each pair of point and code."""
    values: NDArray[np.generic]
    reasons: Bytes
    strict: tuple[tuple[int, frozenset[int]], ...]
    """Rows whose other numbers are faults, except these."""

    @classmethod
    def of(cls, forms: Sequence[Form], dtype: np.dtype[np.generic]) -> _Codes | None:
        pairs = [(row, raw, reason) for row, form in enumerate(forms) for raw, reason in form.faults.items()]
        strict = tuple(
            (row, form.good | frozenset(form.faults)) for row, form in enumerate(forms) if form.good is not None
        )
        if not pairs and not strict:
            return None
        return cls(
            rows=np.array([row for row, _, _ in pairs], dtype=np.intp),
            values=np.array([raw for _, raw, _ in pairs], dtype=dtype),
            reasons=np.array([reason for _, _, reason in pairs], dtype=np.uint8),
            strict=strict,
        )

    def judge(self, raw: NDArray[np.generic], reason: Bytes) -> None:
        """The reasons of a group's rows, where its raw numbers are codes."""
        hit = raw[self.rows] == self.values
        reason[self.rows[hit]] = self.reasons[hit]
        for row, known in self.strict:
            if int(raw[row]) not in known:
                reason[row] = Reason.SENSOR_FAULT


@dataclass(frozen=True, slots=True, eq=False)
class _Group:
    """Numbers of one form, decoded in one go."""

    rows: _Index
    words: _Index
    """High word first; of shape (rows, registers), or one after another."""
    swap: bool
    dtype: str
    shifts: NDArray[np.unsignedinteger] | None
    """Of bit fields, with the masks of the shifted numbers; None where every number is whole."""
    masks: NDArray[np.unsignedinteger] | None
    is_bool: bool
    codes: _Codes | None

    def decode(self, words: Words, value: Floats, reason: Bytes) -> None:
        """Fill this group's rows with raw numbers, and the reasons of those that are codes."""
        picked = words[self.words]
        raw = (picked.byteswap() if self.swap else picked).view(self.dtype).reshape(-1)
        if self.shifts is not None and self.masks is not None:
            raw = raw >> self.shifts & self.masks
        if self.is_bool:
            raw = raw != 0
        value[self.rows] = raw
        if self.codes is not None:
            mine = reason[self.rows]
            self.codes.judge(raw, mine)
            reason[self.rows] = mine


class Layout:
    """How every number of a scan is decoded, prepared once and used at every scan."""

    def __init__(self, placed: Sequence[Placed]) -> None:
        self._count = len(placed)
        scale, offset = ([getattr(p.form, name) for p in placed] for name in ("scale", "offset"))
        self._scale = np.array(scale, dtype=np.float64)
        self._offset = np.array(offset, dtype=np.float64)
        self._scaled = any(each != 1.0 for each in scale) or any(each != 0.0 for each in offset)
        limits = [bounds(p.form, p.low, p.high) for p in placed]
        self._low = np.array([low for low, _ in limits], dtype=np.float64)
        self._high = np.array([high for _, high in limits], dtype=np.float64)
        self._bounded = bool(np.isfinite(self._low).all() and np.isfinite(self._high).all())
        self._loops = {row: p.form.loop for row, p in enumerate(placed) if p.form.loop is not None}
        self._doubts = dict.fromkeys(self._loops, Reason.NONE)
        self._groups = _group(placed)
        self._texts = [(row, p) for row, p in enumerate(placed) if p.form.type is NumberType.STRING]
        told = [(row, Placed(p.status, p.status_position)) for row, p in enumerate(placed) if p.status is not None]
        self._told = np.array([row for row, _ in told], dtype=np.intp)
        self._status = Layout([status for _, status in told]) if told else None

    def decode(self, words: Words, unread: NDArray[np.bool_] | None = None) -> tuple[Floats, Bytes]:
        """Values and reasons, a row for each number; NONE is GOOD, SOURCE_DOUBT is UNCERTAIN, all else is BAD.

        `unread` rows are not looked at by what remembers the last reading.
        """
        value = np.empty(self._count, dtype=np.float64)
        reason = np.zeros(self._count, dtype=np.uint8)
        with np.errstate(over="ignore", invalid="ignore"):
            for group in self._groups:
                group.decode(words, value, reason)
            for row, text in self._texts:
                self._spell(row, text, words, value, reason)
            if self._scaled:
                value *= self._scale
                value += self._offset
        if not self._is_plain(value, reason):
            self._judge(value, reason, unread)
        if self._status is not None:
            self._heed(self._status.decode(words)[1], value, reason)
        return value, reason

    def _spell(self, row: int, text: Placed, words: Words, value: Floats, reason: Bytes) -> None:
        spelled = words[text.position : text.position + text.form.registers].tolist()
        found = decode(text.form, spelled, text.low, text.high)
        value[row], reason[row] = found.value, found.reason

    def _is_plain(self, value: Floats, reason: Bytes) -> bool:
        """Whether every value is a number within its range and nothing else is to be looked at."""
        if self._loops or not ((value >= self._low) & (value <= self._high)).all():  # NaN is within no range
            return False
        return not reason.any() and (self._bounded or bool(np.isfinite(value).all()))

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

    def _heed(self, told: Bytes, value: Floats, reason: Bytes) -> None:
        """What statuses say goes before what values look like; doubt is added to what is good."""
        mine = reason[self._told]
        ill = (told != Reason.NONE) & (told != Reason.SOURCE_DOUBT)
        mine[ill] = told[ill]
        mine[(told == Reason.SOURCE_DOUBT) & (mine == Reason.NONE)] = Reason.SOURCE_DOUBT
        reason[self._told] = mine
        value[self._told[ill]] = np.nan


def _group(placed: Sequence[Placed]) -> list[_Group]:
    members: dict[tuple[NumberType, Order, Order, bool], list[int]] = {}
    for row, one in enumerate(placed):
        if one.form.type is not NumberType.STRING:
            key = (one.form.type, one.form.byte_order, one.form.word_order, one.form.bits is not None)
            members.setdefault(key, []).append(row)
    return [_group_of(placed, rows) for rows in members.values()]


def _group_of(placed: Sequence[Placed], rows: Sequence[int]) -> _Group:
    forms = [placed[row].form for row in rows]
    form = forms[0]
    steps = np.arange(form.type.registers)
    if form.word_order is Order.LITTLE:
        steps = steps[::-1]
    first = np.array([placed[row].position for row in rows], dtype=np.intp)
    kind, is_bool = np.dtype(_NUMPY[form.type]), form.type is NumberType.BOOL
    native = kind.newbyteorder("=")
    shifts = masks = None
    if is_bool or form.bits is not None:
        shifts = np.array([0 if is_bool else each.shift for each in forms], dtype=native)
        masks = np.array([_bit_mask(each) if is_bool else each.mask for each in forms], dtype=native)
    return _Group(
        rows=_index(np.array(rows, dtype=np.intp)),
        words=_index(first[:, None] + steps[None, :]),
        swap=form.byte_order is Order.LITTLE and not is_bool,
        dtype=_NUMPY[form.type],
        shifts=shifts,
        masks=masks,
        is_bool=is_bool,
        codes=_Codes.of(forms, native),
    )


def _index(places: NDArray[np.intp]) -> _Index:
    """Places that follow one another as the slice that they are, which costs no copy."""
    flat = places.reshape(-1)
    if (np.diff(flat) == 1).all():
        return slice(int(flat[0]), int(flat[-1]) + 1)
    return places


def _bit_mask(form: Form) -> int:
    if form.bit is None:
        return 0xFFFF
    return 1 << (form.bit if form.byte_order is Order.BIG else form.bit ^ 8)
