"""Sparkplug B payloads to metrics and back, on the protobuf wire (Sparkplug 3.0, chapter 6).

Sans-IO. Written from the specification: of a payload it reads what a host needs (time, sequence, metrics with
name, alias, type, flags, value and quality) and passes over the rest, as protobuf readers do. What is no payload
raises NotSparkplug and is never a value.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

PAYLOAD_LIMIT = 8 << 20
"""Longest payload that is looked at (bytes): a birth certificate of many thousand metrics."""
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_QUALITY = "Quality"


class NotSparkplug(Exception):
    """The payload is not one; says where it stopped to make sense."""


class DataType(IntEnum):
    """Types of metrics that a point can have (Sparkplug 3.0, 6.4.16)."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11


_BITS = {
    DataType.INT8: (8, True),
    DataType.INT16: (16, True),
    DataType.INT32: (32, True),
    DataType.INT64: (64, True),
    DataType.UINT8: (8, False),
    DataType.UINT16: (16, False),
    DataType.UINT32: (32, False),
    DataType.UINT64: (64, False),
}


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric. `value` is None where it is null, absent, or nothing that a point can have."""

    name: str | None = None
    alias: int | None = None
    timestamp: int | None = None
    """Milliseconds since 1970."""
    datatype: int | None = None
    historical: bool = False
    null: bool = False
    value: int | float | bool | None = None
    """As it stood on the wire; `number` knows its sign."""
    quality: int | None = None
    """0 bad, 192 good, 500 stale (Sparkplug 3.0, 6.4.9); None is good."""


@dataclass(frozen=True, slots=True)
class Payload:
    timestamp: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


def number(metric: Metric, datatype: int | None) -> float | None:
    """The metric as a number of its type; None where it is none, or does not fit its type."""
    value = metric.value
    if value is None or datatype is None:
        return None
    if datatype in (DataType.FLOAT, DataType.DOUBLE, DataType.BOOLEAN):
        floating = datatype != DataType.BOOLEAN
        return float(value) if isinstance(value, float) is floating else None
    if datatype not in _BITS or not isinstance(value, int) or isinstance(value, bool):
        return None
    bits, signed = _BITS[DataType(datatype)]
    whole = 64 if bits == 64 else 32
    # A negative number fills either its own width or the whole field with its sign.
    sign = (1 << whole) - (1 << bits)
    low = value & ((1 << bits) - 1)
    negative = signed and bool(low >> (bits - 1))
    if value not in ((low, low | sign) if negative else (low,)):
        return None
    return float(low - (1 << bits) if negative else low)


def decode(data: bytes) -> Payload:
    """Raises NotSparkplug."""
    if len(data) > PAYLOAD_LIMIT:
        raise NotSparkplug(f"expected at most {PAYLOAD_LIMIT} bytes, got {len(data)}")
    timestamp = seq = None
    metrics = []
    for field, value in _fields(data):
        if field == 1:
            timestamp = _whole(value)
        elif field == 2:
            metrics.append(_metric(_nested(value)))
        elif field == 3:
            seq = _whole(value)
    return Payload(timestamp, seq, tuple(metrics))


def _metric(data: bytes) -> Metric:
    whole: dict[int, int] = {}
    name: str | None = None
    value: int | float | bool | None = None
    quality: int | None = None
    for field, content in _fields(data):
        if field == 1:
            name = _text(content)
        elif field == 9:
            quality = _quality(_nested(content))
        elif field in (2, 3, 4, 5, 7):
            whole[field] = _whole(content)
        elif field in (10, 11):
            value = _whole(content)
        elif field == 12:
            value = _floating(content, 4)
        elif field == 13:
            value = _floating(content, 8)
        elif field == 14:
            value = bool(_whole(content))
        elif 15 <= field <= 19:
            value = None
    null = bool(whole.get(7))
    return Metric(
        name, whole.get(2), whole.get(3), whole.get(4), bool(whole.get(5)), null, None if null else value, quality
    )


def _quality(properties: bytes) -> int | None:
    keys: list[str] = []
    values: list[int | None] = []
    for field, content in _fields(properties):
        if field == 1:
            keys.append(_text(content))
        elif field == 2:
            inner = dict(_fields(_nested(content)))
            found = inner.get(3, inner.get(4))
            values.append(found if isinstance(found, int) else None)
    return dict(zip(keys, values, strict=False)).get(_QUALITY)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Field numbers with a whole number, or with the bytes of anything else."""
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            number, place = _varint(data, place)
            yield field, number
            continue
        if kind == _BYTES:
            size, place = _varint(data, place)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise NotSparkplug(f"expected a protobuf field at byte {place}, got wire type {kind}")
        if field == 0 or place + size > len(data):
            raise NotSparkplug(f"expected {size} bytes for field {field} at byte {place}, got {len(data) - place}")
        yield field, data[place : place + size]
        place += size


def _varint(data: bytes, place: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            raise NotSparkplug("expected a whole number, got the end of the payload")
        byte = data[place]
        place += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFF_FFFF_FFFF_FFFF, place
    raise NotSparkplug(f"expected a whole number of at most ten bytes before byte {place}")


def _whole(content: int | bytes) -> int:
    if not isinstance(content, int):
        raise NotSparkplug(f"expected a whole number, got {len(content)} bytes")
    return content


def _nested(content: int | bytes) -> bytes:
    if isinstance(content, int):
        raise NotSparkplug(f"expected a message inside the payload, got the number {content}")
    return content


def _text(content: int | bytes) -> str:
    try:
        return _nested(content).decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotSparkplug(f"expected UTF-8, got {error}") from error


def _floating(content: int | bytes, size: int) -> float:
    data = _nested(content)
    if len(data) != size:
        raise NotSparkplug(f"expected a number of {size} bytes, got {len(data)}")
    found: float = struct.unpack("<f" if size == 4 else "<d", data)[0]
    return found


def encode(payload: Payload) -> bytes:
    """The payload on the wire."""
    parts = [] if payload.timestamp is None else [_put_whole(1, payload.timestamp)]
    parts += [_put_bytes(2, _encode_metric(metric)) for metric in payload.metrics]
    if payload.seq is not None:
        parts.append(_put_whole(3, payload.seq))
    return b"".join(parts)


def _encode_metric(metric: Metric) -> bytes:
    parts = [] if metric.name is None else [_put_bytes(1, metric.name.encode())]
    for field, found in ((2, metric.alias), (3, metric.timestamp), (4, metric.datatype)):
        if found is not None:
            parts.append(_put_whole(field, found))
    if metric.historical:
        parts.append(_put_whole(5, 1))
    if metric.null:
        parts.append(_put_whole(7, 1))
    if metric.quality is not None:
        value = _put_whole(1, DataType.INT32) + _put_whole(3, metric.quality)
        parts.append(_put_bytes(9, _put_bytes(1, _QUALITY.encode()) + _put_bytes(2, value)))
    if metric.value is not None:
        parts.append(_encode_value(metric.value, metric.datatype))
    return b"".join(parts)


def _encode_value(value: float, datatype: int | None) -> bytes:
    if datatype == DataType.BOOLEAN or isinstance(value, bool):
        return _put_whole(14, int(value))
    if datatype == DataType.FLOAT:
        return _key(12, _FIXED32) + struct.pack("<f", value)
    if isinstance(value, float):
        return _key(13, _FIXED64) + struct.pack("<d", value)
    if datatype in (DataType.INT64, DataType.UINT64):
        return _put_whole(11, int(value) & 0xFFFF_FFFF_FFFF_FFFF)
    return _put_whole(10, int(value) & 0xFFFF_FFFF)


def _key(field: int, kind: int) -> bytes:
    return _put_varint(field << 3 | kind)


def _put_whole(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _put_varint(value)


def _put_bytes(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _put_varint(len(content)) + content


def _put_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
