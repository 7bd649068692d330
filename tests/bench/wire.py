"""The two ends that the latency bench listens at: the device's own report, and a WebSocket client."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from websockets.asyncio.client import connect

from tests.bench.harness import BenchFailed, Child

WITHIN = 10.0
"""Seconds for anything that must follow a breach."""


class DeviceEnd:
    """Orders to the device process, and what it tells of itself."""

    def __init__(self, child: Child, port_of: Sequence[int]) -> None:
        self.port_of = port_of
        """By place in the list that is served."""
        if child.stdin is None or child.stdout is None:
            raise BenchFailed("expected a device process that talks")
        self._orders: IO[bytes] = child.stdin
        self._told: IO[bytes] = child.stdout
        self._rest = b""
        self._events: asyncio.Queue[dict[str, int | str]] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def serve(
        cls, work: Path, devices: Sequence[Mapping[str, object]], cpu: int | None = None
    ) -> AsyncIterator[DeviceEnd]:
        """Device servers in their own process, ready; on one processor if asked."""
        (work / "devices.json").write_text(json.dumps(devices), "utf-8")
        arguments = ("-m", "tests.bench.device", str(work / "devices.json"), *(() if cpu is None else (str(cpu),)))
        with Child(work / "devices.log", *arguments, talks=True) as child:
            end = cls(child, [int(str(each["port"])) for each in devices])
            loop = asyncio.get_running_loop()
            loop.add_reader(end._told.fileno(), end._read)
            try:
                await end.until("ready")
                yield end
            finally:
                loop.remove_reader(end._told.fileno())

    def _read(self) -> None:
        *lines, self._rest = (self._rest + os.read(self._told.fileno(), 65_536)).split(b"\n")
        for line in lines:
            self._events.put_nowait(json.loads(line))

    def set(self, address: int, value: int) -> None:
        order = {"device": 0, "address": address, "value": value}
        self._orders.write(json.dumps(order).encode() + b"\n")
        self._orders.flush()

    async def until(self, event: str, address: int | None = None) -> int:
        """When it happened (monotonic nanoseconds); other news is skipped."""
        async with asyncio.timeout(WITHIN):
            while True:
                told = await self._events.get()
                if told["event"] == event and address in (None, told.get("address")):
                    return int(told["at"])

    def forget(self) -> None:
        """Drop news that nobody asked for."""
        while not self._events.empty():
            self._events.get_nowait()


class LiveEnd:
    """A WebSocket client that stamps what it receives before it looks into it."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[tuple[str, int]] = asyncio.Queue()

    @classmethod
    @asynccontextmanager
    async def listen(cls, port: int) -> AsyncIterator[LiveEnd]:
        end = cls()
        async with connect(f"ws://127.0.0.1:{port}/api/live", max_size=None) as socket:
            if json.loads(await socket.recv())["type"] != "snapshot":
                raise BenchFailed("expected a snapshot first")
            reading = asyncio.create_task(end._read(socket.__aiter__()))
            try:
                yield end
            finally:
                reading.cancel()

    async def _read(self, messages: AsyncIterator[str | bytes]) -> None:
        async for message in messages:
            arrived = time.monotonic_ns()
            told = json.loads(message)
            for entry in told["events"] if told["type"] == "changes" else ():
                self._events.put_nowait((entry["event"]["kind"], arrived))

    async def until(self, *kinds: str) -> int:
        """When the last of these kinds of event arrived (monotonic nanoseconds); other news is skipped."""
        missing, at = set(kinds), 0
        async with asyncio.timeout(WITHIN):
            while missing:
                kind, at = await self._events.get()
                missing.discard(kind)
        return at
