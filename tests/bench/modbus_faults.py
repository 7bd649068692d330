"""Modbus devices that misbehave at random: what gets through (nothing may), and whether memory grows.

First inputs without sockets, as many as the time allows: frames that are damaged, cut, doubled or made up. Then
a driver on real connections at full rate for `--minutes`, its memory watched.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from typing import IO

import numpy as np
import psutil

from drivers.modbus.framing import Framing, RtuFraming, TcpFraming
from drivers.modbus.planner import Request
from drivers.modbus.query import DeviceRefused, LinkLost, Query, check_reply, read_query
from drivers.modbus.settings import Table
from drivers.modbus.wire import Wire, WireError
from gateway.clock import SystemClock
from tests.bench.harness import BenchFailed, Child, Options, Result, processors, waited_seconds, workspace

DEVICES = 40
FUZZED = 0.25
"""Share of the time that the inputs without sockets get; at most two minutes."""
HANG = 5.0
"""Seconds after which an exchange that has not ended hangs."""
SETTLED = 0.3
"""Share of the watch after which memory is looked at: buffers and caches have their size by then."""
STARVED = 0.5
"""Seconds: who waited longer for its processor in one second is not judged for what it did not scan in it."""


def run(options: Options) -> Result:
    seconds = options.minutes * 60
    result = Result(
        "modbus_faults",
        "nothing: what must be nought is nought",
        {"minutes": options.minutes, "devices": DEVICES},
    )
    asyncio.run(_fuzz(min(120.0, seconds * FUZZED), result))
    _soak(seconds, result)
    return result


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


async def _fuzz(seconds: float, result: Result) -> None:
    chance, clock = random.Random(1), SystemClock()
    outcomes: Counter[str] = Counter()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        for _ in range(1000):
            outcomes[await _one(chance, clock)] += 1
    inputs = outcomes.total()
    result.add("inputs without sockets", inputs, "")
    result.add("  a second", inputs / seconds, "1/s")
    for outcome in ("answer", "exception", "rejected"):
        result.add(f"  {outcome}", outcomes[outcome], "")
    result.require(outcomes["forged"] == 0, "no value is accepted that was not sent", outcomes)
    result.require(outcomes["hang"] == 0, "no input hangs an exchange", outcomes)
    result.require(
        min(outcomes["answer"], outcomes["rejected"]) > 0, "right answers pass, and wrong ones not", outcomes
    )


async def _one(chance: random.Random, clock: SystemClock) -> str:
    """One request whose answer is mostly not right; what became of it."""
    serial = chance.random() < 0.5
    framing: Framing = RtuFraming() if serial else TcpFraming()
    table = chance.choice([Table.COIL, Table.HOLDING, Table.INPUT])
    query = read_query(Request(table, chance.randrange(60_000), chance.randint(1, 60)))
    right = query.reply_start + chance.randbytes(query.reply_length - len(query.reply_start))
    # The same framing on the other side: its first frame carries the id of the first request.
    if chance.random() < 0.1:
        right = bytes((right[0] | 0x80, chance.randrange(256)))
    frame = _damaged(chance, (RtuFraming() if serial else TcpFraming()).pack(1, right), serial=serial)
    wire = Wire(framing, clock)
    peer = _Peer(wire)
    cut = chance.randrange(len(frame) + 1)
    peer.pieces = [piece for piece in (frame[:cut], frame[cut:]) if piece]
    wire.connection_made(peer)
    return await _outcome(wire, query, right)


async def _outcome(wire: Wire, query: Query, right: bytes) -> str:
    try:
        pdu = await wire.exchange(1, query.pdu, HANG)
        check_reply(query, pdu)
    except DeviceRefused:
        return "exception"
    except (WireError, LinkLost):
        return "rejected"
    except TimeoutError:
        return "hang"
    return "answer" if pdu == right else "forged"


def _damaged(chance: random.Random, frame: bytes, *, serial: bool) -> bytes:
    """The frame, or something else; never one that is right and other than what was sent.

    TCP has no checksum, so that only its header and the first two bytes of the PDU are damaged there. Up to three
    flipped bits are all found by CRC-16 at this length.
    """
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
    damaged = bytearray(frame)
    for bit in chance.sample(range(8 * (len(frame) if serial else 9)), chance.randint(1, 3)):
        damaged[bit // 8] ^= 1 << bit % 8
    return bytes(damaged)


def _soak(seconds: float, result: Result) -> None:
    ours, _ = processors()
    with workspace() as work:
        module = ("-m", "tests.bench.modbus_soak")
        with Child(work / "serve.log", *module, "serve", str(DEVICES), talks=True) as served:
            ports = _told(served)["ports"]
            if not isinstance(ports, list):
                raise BenchFailed(f"modbus_faults: expected ports, got {ports}")
            with Child(work / "poll.log", *module, "poll", str(ours), *map(str, ports), talks=True) as polling:
                _watch(polling, seconds, result)
                served.require_alive()


def _watch(polling: Child, seconds: float, result: Result) -> None:
    process = psutil.Process(polling.pid)
    times, resident, still, judged = [], [], 0, 0
    began = time.monotonic()
    told: dict[str, object] = {}
    waited = waited_seconds(polling.pid)
    while (now := time.monotonic() - began) < seconds:
        told = _told(polling)
        waited, before = waited_seconds(polling.pid), waited
        times.append(now)
        resident.append(process.memory_info().rss / 1024)
        if now > SETTLED * seconds and waited - before < STARVED:
            still, judged = max(still, int(str(told["still"]))), judged + 1
    settled = [index for index, at in enumerate(times) if at >= SETTLED * seconds]
    slope = np.polyfit([times[index] / 60 for index in settled], [resident[index] for index in settled], 1)[0]
    for name, unit in (("scans", ""), ("good", "samples"), ("bad", "samples"), ("down", "lost links")):
        result.add(f"soak: {name}", float(str(told.get(name, 0))), unit)
    result.add("soak: memory at the end", resident[-1] / 1024, "MiB")
    result.add("soak: memory grows by", float(slope), "KiB/min")
    result.add("soak: seconds judged for scans", judged, f"of {len(settled)}")
    result.require(told["ended"] == 0, "no driver ends by itself", told)
    result.require(told["wrong"] == 0, "no value comes up that was not sent", told)
    result.require(still == 0, "every device is scanned in every second", still)
    result.require(int(str(told["good"])) > 0 < int(str(told["bad"])), "both good and bad come up", told)


def _told(child: Child) -> dict[str, object]:
    stream: IO[bytes] | None = child.stdout
    line = stream.readline() if stream is not None else b""
    if not line:
        child.require_alive()
        raise BenchFailed("expected a process of the soak to tell how it goes")
    found = json.loads(line)
    if not isinstance(found, dict):
        raise BenchFailed(f"expected an object, got {found}")
    return found
