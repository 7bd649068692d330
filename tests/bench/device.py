"""Modbus TCP devices in a process of their own: registers, coils, and the times at which things happened.

Told on standard input, tells on standard output, one JSON object a line; times are CLOCK_MONOTONIC in
nanoseconds, which every process of the machine shares. Answers as fast as Python can: it is the reference's
device as well as Tocsin's.
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NotRequired, TypedDict, cast

import numpy as np

HEADER = struct.Struct(">HHHB")
PAIR = struct.Struct(">HH")
WANDER_EVERY = 0.2


class Served(TypedDict):
    """One device as the file gives it: a port, its registers, and by how much each wanders around its value."""

    port: int
    registers: list[int]
    wander: list[int]
    delay: NotRequired[float]
    """Seconds that it takes to answer; below zero it never does."""


class Bank:
    """The registers and coils of one device."""

    def __init__(self, registers: list[int], wander: list[int], seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._base = np.array(registers, dtype=np.int64)
        self._wander = np.array(wander, dtype=np.int64)
        self.registers = self._base.astype(">u2")
        self.coils: dict[int, bool] = {}
        self.awaited: set[int] = set()
        """Registers that were set and not read since."""

    @property
    def wanders(self) -> bool:
        return bool(self._wander.any())

    def step(self) -> None:
        noise = self._rng.integers(-self._wander, self._wander + 1)
        self.registers[:] = self._base + noise

    def set(self, address: int, value: int) -> None:
        self._base[address] = value
        self.registers[address] = value
        self.awaited.add(address)


class Link(asyncio.Protocol):
    """One connection."""

    def __init__(self, bank: Bank, delay: float = 0.0) -> None:
        self._bank, self._delay = bank, delay
        self._held = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        arrived = time.monotonic_ns()
        self._held += data
        while len(self._held) >= HEADER.size:
            transaction, _, length, unit = HEADER.unpack_from(self._held)
            end = 6 + length
            if len(self._held) < end:
                return
            pdu, self._held = self._held[HEADER.size : end], self._held[end:]
            reply = self._reply(pdu, arrived)
            self._answer(HEADER.pack(transaction, 0, len(reply) + 1, unit) + reply)

    def _answer(self, frame: bytes) -> None:
        if self._transport is None or self._delay < 0:
            return
        if self._delay:
            asyncio.get_running_loop().call_later(self._delay, self._transport.write, frame)
        else:
            self._transport.write(frame)

    def _reply(self, pdu: bytes, arrived: int) -> bytes:
        bank, function = self._bank, pdu[0]
        first, second = PAIR.unpack_from(pdu, 1)
        if function in (3, 4):
            for address in [a for a in bank.awaited if first <= a < first + second]:
                bank.awaited.discard(address)
                tell(event="read", address=address, at=arrived)
            return bytes((function, second * 2)) + bank.registers[first : first + second].tobytes()
        if function == 5:
            bank.coils[first] = second == 0xFF00
            tell(event="coil", address=first, value=int(bank.coils[first]), at=arrived)
            bank.set(first + 1, int(bank.coils[first]))
            bank.awaited.discard(first + 1)
            return pdu
        return bytes((function | 0x80, 1))


def tell(**what: int | str) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


async def serve(devices: Sequence[Served]) -> None:
    """Serve the devices until standard input ends."""
    banks = [Bank(each["registers"], each["wander"], seed) for seed, each in enumerate(devices)]
    loop = asyncio.get_running_loop()
    for bank, each in zip(banks, devices, strict=True):
        await loop.create_server(partial(Link, bank, each.get("delay", 0.0)), "127.0.0.1", each["port"])
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    wandering = asyncio.create_task(_wander([bank for bank in banks if bank.wanders]))
    tell(event="ready", at=time.monotonic_ns())
    while line := await reader.readline():
        order = json.loads(line)
        banks[order["device"]].set(order["address"], order["value"])
        tell(event="set", address=order["address"], at=time.monotonic_ns())
    wandering.cancel()


async def _wander(banks: list[Bank]) -> None:
    while True:
        await asyncio.sleep(WANDER_EVERY)
        for bank in banks:
            bank.step()


if __name__ == "__main__":
    if len(sys.argv) > 2:
        os.sched_setaffinity(0, {int(sys.argv[2])})
    asyncio.run(serve(json.loads(Path(sys.argv[1]).read_text("utf-8"))))
