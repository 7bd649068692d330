"""The two processes of the bench of faults: devices that misbehave at random, and the driver that reads them.

`serve COUNT` tells its ports; `poll CPU PORT...` tells every second, one JSON object a line, what came up.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from collections import Counter

import numpy as np

from drivers.modbus import KIND
from gateway.clock import SystemClock
from gateway.driver import DriverWork, LinkStatus
from gateway.plant.model import Device, Point, Text
from gateway.sample import Quality, SampleBatch
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Asked, FaultyServer

ADDRESSES = (*range(10), *range(1000, 1010))
"""Two requests a scan, so that an answer to the other one would show."""
BASE = 1000
PERIOD = 5_000
"""Microseconds: more often than a device that fails is ever asked."""
SHARE = 0.3
"""Of the requests that are answered wrongly."""
_FAULTS: tuple[faults.Fault, ...] = (
    faults.reset,
    faults.half_a_frame,
    faults.half_a_frame_then_close,
    faults.garbage,
    faults.wrong_unit,
    faults.wrong_transaction,
    faults.transaction_zero,
    faults.wrong_function,
    faults.too_short,
    faults.too_long,
    faults.byte_count_lies,
    faults.hang,
    faults.late(0.06),
    *(faults.exception(code) for code in (1, 2, 3, 4, 5, 6, 8, 10, 11, 0, 255)),
)
_WORDS = Text("", "")


async def serve(count: int) -> None:
    """Until standard input ends."""
    chance = random.Random(1)

    def fault(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        server.asked.clear()
        return chance.random() < SHARE and chance.choice(_FAULTS)(server, asked, writer)

    servers = [FaultyServer(fault, base=BASE) for _ in range(count)]
    for server in servers:
        await server.start()
    tell(ports=[server.port for server in servers])
    await asyncio.to_thread(sys.stdin.read)
    for server in servers:
        await server.stop()


class Judged:
    """Implements `gateway.driver.Receiver` for one device: what came up, and whether it is what was sent."""

    waiting = 0

    def __init__(self, total: Counter[str]) -> None:
        self._total = total
        self.scans = 0
        self._right = np.array([BASE + address for address in ADDRESSES], dtype=np.float64)

    def samples(self, batch: SampleBatch) -> None:
        good = batch.quality == Quality.GOOD
        self.scans += 1
        self._total["good"] += int(good.sum())
        self._total["bad"] += int((~good).sum())
        self._total["wrong"] += int((batch.value[good] != self._right[batch.point[good]]).sum())

    def link(self, status: LinkStatus) -> None:
        self._total[status.state.value] += 1

    def lost(self, device: str, count: int) -> None:
        self._total["lost"] += count


async def poll(ports: list[int]) -> None:
    """Until standard input ends."""
    total: Counter[str] = Counter()
    judged = [Judged(total) for _ in ports]
    tasks = [
        asyncio.create_task(KIND.open(DriverWork(_device(port), _points(), (), each, SystemClock())).run())
        for port, each in zip(ports, judged, strict=True)
    ]
    ending = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    while not ending.done():
        before = [each.scans for each in judged]
        await asyncio.wait([ending], timeout=1.0)
        ended = sum(task.done() for task in tasks)
        still = sum(each.scans == was for each, was in zip(judged, before, strict=True))
        tell(**total, scans=sum(each.scans for each in judged), ended=ended, still=still)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _device(port: int) -> Device:
    wired = {"host": "127.0.0.1", "port": port, "timeout": "50 ms"}
    return Device(f"device {port}", KIND.name, _WORDS, KIND.device_settings.model_validate(wired))


def _points() -> list[Point]:
    return [
        Point(index, f"a.b{index}", _WORDS, "a", f"b{index}", "", 0, 10_000, PERIOD, 10_000_000, "device", where)
        for index, address in enumerate(ADDRESSES)
        for where in [KIND.point_address.model_validate({"table": "holding", "address": address})]
    ]


def tell(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        asyncio.run(serve(int(sys.argv[2])))
    else:
        os.sched_setaffinity(0, {int(sys.argv[2])})
        asyncio.run(poll([int(port) for port in sys.argv[3:]]))
