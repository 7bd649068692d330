"""Inputs that are damaged at random, and what comes of each: nothing may that was not sent.

One function for each decoder of the outside world; a test runs some thousands, `make bench` a million each. The
oracles share no code with what they judge.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
import re
import struct
import time
from collections.abc import Callable
from enum import StrEnum

from drivers.modbus.framing import Framing, RtuFraming, TcpFraming
from drivers.modbus.planner import Request
from drivers.modbus.query import DeviceRefused, LinkLost, Query, check_reply, read_query
from drivers.modbus.settings import Table
from drivers.modbus.wire import Wire, WireError
from drivers.mqtt.address import PointAddress
from drivers.mqtt.codec import Expected, parse, readings
from drivers.sparkplug import codec as sparkplug_codec
from drivers.sparkplug.codec import DataType, Metric, NotSparkplug, Payload
from gateway.clock import SystemClock
from gateway.sample import Instant, Quality

HANG = 5.0
"""Seconds after which an input that has come to nothing hangs."""


class Outcome(StrEnum):
    TAKEN = "taken"
    """Something was believed, and it was sent."""
    REFUSED = "refused"
    FORGED = "forged"
    """Something was believed that was not sent."""
    HANGS = "hangs"


class _Peer(asyncio.Transport):
    """Answers every request at once with what it was given."""

    def __init__(self, wire: Wire) -> None:
        super().__init__()
        self._wire = wire
        self.pieces: list[bytes] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        asyncio.get_running_loop().call_soon(self._deliver)

    def _deliver(self) -> None:
        for piece in self.pieces:
            self._wire.data_received(piece)
        self._wire.connection_lost(None)

    def abort(self) -> None:
        pass


async def modbus(chance: random.Random) -> Outcome:
    """One request whose answer is mostly not right."""
    serial = chance.random() < 0.5
    framing: Framing = RtuFraming() if serial else TcpFraming()
    table = chance.choice([Table.COIL, Table.HOLDING, Table.INPUT])
    query = read_query(Request(table, chance.randrange(60_000), chance.randint(1, 60)))
    right = query.reply_start + chance.randbytes(query.reply_length - len(query.reply_start))
    # The same framing on the other side: its first frame carries the id of the first request.
    if chance.random() < 0.1:
        right = bytes((right[0] | 0x80, chance.randrange(256)))
    # TCP has no checksum, so that only its header and the first two bytes of the PDU are damaged there. Up to three
    # flipped bits are all found by CRC-16 at this length.
    whole = (RtuFraming() if serial else TcpFraming()).pack(1, right)
    frame = damaged(chance, whole, flips=8 * (len(whole) if serial else 9))
    wire = Wire(framing, SystemClock())
    peer = _Peer(wire)
    cut = chance.randrange(len(frame) + 1)
    peer.pieces = [piece for piece in (frame[:cut], frame[cut:]) if piece]
    wire.connection_made(peer)
    return await _answered(wire, query, right)


async def _answered(wire: Wire, query: Query, right: bytes) -> Outcome:
    try:
        pdu = await wire.exchange(1, query.pdu, HANG)
        check_reply(query, pdu)
    except (DeviceRefused, WireError, LinkLost):
        return Outcome.REFUSED
    except TimeoutError:
        return Outcome.HANGS
    return Outcome.TAKEN if pdu == right else Outcome.FORGED


def damaged(chance: random.Random, frame: bytes, flips: int | None = None) -> bytes:
    """The frame, or something else; `flips` are the bits, from the first on, that may be turned."""
    way = chance.randrange(6)
    if way == 0:
        return frame
    if way == 1:
        return frame[: chance.randrange(len(frame))]
    if way == 2:
        return frame + chance.randbytes(chance.randint(1, 40))
    if way == 3:
        return chance.randbytes(chance.randint(1, 300))
    if way == 4:
        return frame * 2
    turned = bytearray(frame)
    for bit in chance.sample(range(8 * len(frame) if flips is None else flips), chance.randint(1, 3)):
        turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


_NOW = Instant(1_764_000_000_000_000)
_EXPECTED = [
    Expected.of(PointAddress.model_validate({"topic": "t", **address}), -1e4, 1e4)
    for address in (
        {},
        {"value": "data.co", "time": "time", "quality": "status"},
        {"value": "rows[*].co", "time": "rows[*].t", "quality": "rows[*].q"},
        {"value": "rows[id=7].co", "time": "time", "time_format": "ms"},
    )
]
_NUMERAL = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORDS = {"true": 1.0, "false": 0.0}


def mqtt(chance: random.Random) -> Outcome:
    """One payload, read by points of every kind of path; each value must stand in it as a numeral."""
    body = json.dumps(_document(chance), ensure_ascii=chance.random() < 0.5).encode()
    payload = _spliced(chance, body) if chance.random() < 0.3 else damaged(chance, body)
    began = time.perf_counter()
    document = parse(payload)
    believed = [
        one.value
        for expected in _EXPECTED
        for one in readings(document, expected, retained=chance.random() < 0.3, now=_NOW)
        if one.quality < Quality.BAD
    ]
    if time.perf_counter() - began > HANG:
        return Outcome.HANGS
    if not believed:
        return Outcome.REFUSED
    text = payload.decode("utf-8", "replace")
    sent = {float(numeral) for numeral in _NUMERAL.findall(text)} | {_WORDS[word] for word in _WORDS if word in text}
    return Outcome.TAKEN if sent.issuperset(believed) else Outcome.FORGED


def _document(chance: random.Random) -> object:
    if chance.random() < 0.2:
        return _value(chance)
    rows = [
        {
            "id": chance.choice([7, "7", 8]),
            "co": _value(chance),
            "t": _time(chance),
            "q": chance.choice(["good", "x", 1]),
        }
        for _ in range(chance.randint(0, 4))
    ]
    whole = {"data": {"co": _value(chance)}, "time": _time(chance), "status": chance.choice(["good", "bad", None])}
    return {**whole, "rows": rows}


def _value(chance: random.Random) -> object:
    choices: list[Callable[[], object]] = [
        lambda: chance.uniform(-2e4, 2e4),
        lambda: chance.randint(-20_000, 20_000),
        lambda: chance.choice([None, True, False, math.nan, math.inf, 10**400, "12.5", "", [], {}, [1, 2]]),
    ]
    return chance.choice(choices)()


def _time(chance: random.Random) -> object:
    at = _NOW / 1e6 + chance.uniform(-100, 10)
    return chance.choice([at, int(at * 1000), "2025-11-24T16:00:00Z", "soon", None, -1, 1e300, True])


def _spliced(chance: random.Random, body: bytes) -> bytes:
    """A piece of the text taken out, repeated or replaced, so that much of it is still JSON."""
    first = chance.randrange(len(body))
    last = min(len(body), first + chance.randint(1, 12))
    piece = chance.choice(
        [b"", body[first:last] * 2, b"[" * chance.choice([1, 50_000]), b"1e999", b"\xff\xfe", b"\\u0000"]
    )
    return body[:first] + piece + body[last:]


def sparkplug(chance: random.Random) -> Outcome:
    """One payload; each number in it must stand on the wire."""
    metrics = tuple(_metric(chance) for _ in range(chance.randint(0, 5)))
    payload = damaged(chance, sparkplug_codec.encode(Payload(chance.randrange(2**41), chance.randrange(256), metrics)))
    began = time.perf_counter()
    try:
        found = sparkplug_codec.decode(payload).metrics
        for metric in found:
            sparkplug_codec.number(metric, metric.datatype)
    except NotSparkplug:
        return Outcome.REFUSED
    if time.perf_counter() - began > HANG:
        return Outcome.HANGS
    values = [metric.value for metric in found if metric.value is not None and metric.value == metric.value]
    whole = _varints(payload) if values else set()
    sent = all(_was_sent(value, whole, payload) for value in values)
    return Outcome.TAKEN if sent else Outcome.FORGED


def _was_sent(value: float, whole: set[int], payload: bytes) -> bool:
    if isinstance(value, bool):  # any number but 0 is true on this wire
        return any(bool(each) is value for each in whole)
    return value in whole or _stands_in(payload, float(value))


def _metric(chance: random.Random) -> Metric:
    datatype = chance.choice([DataType.INT8, DataType.INT32, DataType.UINT64, DataType.FLOAT, DataType.DOUBLE])
    value = chance.uniform(-1e6, 1e6) if datatype in (DataType.FLOAT, DataType.DOUBLE) else chance.randint(0, 100)
    name = chance.choice(["co", "温度", "", None])
    return Metric(name, chance.choice([None, 7]), 1_764_000_000_000, datatype, value=value)


def _varints(data: bytes) -> set[int]:
    """Every whole number that can be read from any byte on (Protocol Buffers, Encoding, varints)."""
    found = set()
    for start in range(len(data)):
        whole = 0
        for step, byte in enumerate(data[start : start + 10]):
            whole |= (byte & 0x7F) << 7 * step
            if byte < 0x80:
                found.add(whole & 0xFFFF_FFFF_FFFF_FFFF)
                break
    return found


def _stands_in(data: bytes, value: float) -> bool:
    try:
        single = struct.pack("<f", value)
    except OverflowError:
        return struct.pack("<d", value) in data
    return single in data or struct.pack("<d", value) in data
