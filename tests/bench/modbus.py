"""Fifty Modbus devices of a hundred points at a 100 ms scan through the whole gateway on one processor.

Two gateways at once, on the same processor: one with all of them well, one with three dead and three slow ones beside
them. Periods are counted where the samples end up, in the history, after the gateways have stopped; breach to
command is measured meanwhile, in turn.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil
import yaml

from gateway.sample import Floats
from tests.bench import kept, latency
from tests.bench.harness import (
    Child,
    Options,
    Result,
    free_ports,
    gateway,
    number,
    processor_seconds,
    processors,
    spread,
    table,
    until_good,
    waited_seconds,
    workspace,
)
from tests.bench.wire import DeviceEnd, LiveEnd

DEVICES, POINTS = 50, 100
SCAN = 100.0
"""Milliseconds."""
SLOW = 0.15
"""Seconds that a slow device takes to answer: longer than the period, shorter than its timeout."""
ILL = {"dead0": -1.0, "dead1": -1.0, "dead2": None, "slow0": SLOW, "slow1": SLOW, "slow2": SLOW}
"""Delay of the answers of each; below zero none comes, and None is a port that refuses."""
WARM_UP = 12.0
"""Seconds: the engine has settled after ten."""
WITHIN = 1.10
"""Most that ill devices may stretch the p99 period of the others."""


STARVED = 0.4
"""Share of the time that a gateway may have waited for its processor for its periods to say anything of devices."""


@dataclass(slots=True)
class Side:
    """One gateway, its devices, and what it did while breaches were made."""

    name: str
    ill: dict[str, float | None]
    work: Path
    port: int
    times: latency.Times = field(default_factory=latency.Times)
    processor: float = 0.0
    waited: float = 0.0
    resident: float = 0.0
    periods: Floats = field(default_factory=lambda: np.empty(0))
    """Milliseconds between two scans of a healthy device, of all of them."""
    samples: int = 0

    @property
    def p99(self) -> float:
        return spread(list(self.periods))[1]


@dataclass(frozen=True, slots=True)
class _Running:
    side: Side
    child: Child
    end: DeviceEnd
    live: LiveEnd
    process: psutil.Process


def run(options: Options) -> Result:
    repetitions = 25 if options.quick else 100
    result = Result(
        "modbus",
        "a bare pymodbus loop of one device on the same processor at the same time, and a bare poll-compare-write loop",
        {"devices": DEVICES, "points_each": POINTS, "scan_ms": SCAN, "repetitions": repetitions},
    )
    ours, others = processors()
    result.require(ours != others, "devices have a processor of their own", f"{ours} and {others}")
    with workspace() as work:
        sides = []
        for name, ill, port in zip(("all well", "3 dead, 3 slow"), ({}, ILL), free_ports(2), strict=True):
            folder = work / f"side{len(sides)}"
            folder.mkdir()
            sides.append(Side(name, ill, folder, port))
        seconds, bare = asyncio.run(_measure(sides, work, repetitions, result))
    well, ill_one = sides
    result.add_spread("bare loop: period of one device", list(bare), "ms")
    for side in sides:
        _add(side, seconds, well.times.bare_command[latency.BARE], well.times.bare_reaction[latency.BARE], result)
        result.add(f"{side.name}: p99 period: ratio to the bare loop", side.p99 / spread(list(bare))[1], "x")
    ratio = ill_one.p99 / well.p99
    result.add("p99 period of the healthy with ill ones beside them: ratio", ratio, "x")
    if max(side.waited for side in sides) < STARVED * seconds:
        result.require(ratio <= WITHIN, "ill devices stretch the p99 period of the others by 10 % at most", ratio)
    else:
        result.verified.append("the ratio of the periods is NOT judged: other programs had the gateways' processor")
    return result


def _add(side: Side, seconds: float, command: list[float], reaction: list[float], result: Result) -> None:
    name, times = side.name, side.times
    result.add_spread(f"{name}: period of the {DEVICES} healthy devices", list(side.periods), "ms")
    result.add(f"{name}: samples of the healthy", side.samples / seconds, "1/s")
    result.add(f"{name}: processor share", 100 * side.processor / seconds, "% of one")
    result.add(f"{name}: waited for its processor", 100 * side.waited / seconds, "% of time")
    result.add(f"{name}: memory after it", side.resident, "MiB")
    result.add_spread(f"{name}: breach to command", times.command, "ms")
    result.add_spread(f"{name}:   the same, bare loop", command, "ms")
    result.add_ratio(f"{name}: breach to command", times.command, command, "ms")
    result.add_spread(f"{name}: read of the breach to command", times.reaction, "ms")
    result.add_spread(f"{name}:   the same, bare loop", reaction, "ms")


async def _measure(sides: list[Side], work: Path, repetitions: int, result: Result) -> tuple[float, Floats]:
    """Both gateways at once and breach by breach in turn, so that whatever else the machine does meets both."""
    ours, others = processors()
    async with AsyncExitStack() as stack:
        running = [await _start(side, stack, alone=not at, result=result) for at, side in enumerate(sides)]
        alone = running[0].end.port_of[DEVICES + 1]
        file = work / "bare.txt"
        reader = ("-m", "tests.bench.bare_reader", str(alone), str(POINTS), str(SCAN / 1000), str(file), str(ours))
        stack.enter_context(Child(work / "reader.log", *reader))
        arguments = (str(running[0].end.port_of[0]), str(latency.BARE), str(latency.LIMIT), str(SCAN / 1000))
        bare = stack.enter_context(Child(work / "bare.log", "-m", "tests.bench.bare", *arguments))
        os.sched_setaffinity(bare.pid, {others})
        await asyncio.sleep(WARM_UP)
        began = _meter(running, -1)
        phase = random.Random(1)
        for _ in range(repetitions):
            for each in running:
                await latency.breach_ours(each.end, each.live, each.side.times, phase)
            await latency.breach_bare(running[0].end, latency.BARE, sides[0].times, phase)
        ended = _meter(running, 1)
        for each in running:
            each.child.require_alive()
            health = await asyncio.to_thread(table, each.side.port, "/api/health")
            result.require(number(health, "dropped_samples") == 0, "no sample is dropped", health)
            await asyncio.to_thread(latency.verify, each.side.port, repetitions, result)
        bare.require_alive()
    for side in sides:
        side.periods, side.samples = await asyncio.to_thread(_kept, side.work, began, ended, side.ill, result)
    told = np.array([int(line) for line in file.read_text("ascii").split()])
    return (ended - began) / 1e6, np.diff(told[(told >= began) & (told < ended)]) / 1000


def _meter(running: list[_Running], sign: int) -> int:
    """The time; what each gateway has used until now is added or taken away."""
    for each in running:
        each.side.processor += sign * processor_seconds(each.process)
        each.side.waited += sign * waited_seconds(each.child.pid)
        each.side.resident = each.process.memory_info().rss / 2**20
    return time.time_ns() // 1000


async def _start(side: Side, stack: AsyncExitStack, *, alone: bool, result: Result) -> _Running:
    """A gateway with its devices, all good; with `alone` one device more that it does not know."""
    ours, others = processors()
    served = _plant(side.work / "plant.yaml", side.ill)
    if alone:
        served.insert(DEVICES + 1, {**served[DEVICES], "port": free_ports(1)[0]})
    end = await stack.enter_async_context(DeviceEnd.serve(side.work, served, others))
    child = stack.enter_context(gateway(side.work, side.work / "plant.yaml", side.port, packs=latency.PACKS, cpu=ours))
    await asyncio.to_thread(until_good, child, side.port, DEVICES * POINTS + 2, every=0.5)
    live = await stack.enter_async_context(LiveEnd.listen(side.port))
    return _Running(side, child, end, live, psutil.Process(child.pid))


def _plant(file: Path, ill: dict[str, float | None]) -> list[dict[str, object]]:
    """Write the plant of the latency bench with more devices beside it; what the device process is to serve."""
    names = [*(f"well{number}" for number in range(DEVICES)), *ill]
    first, *ports = free_ports(1 + len(names))
    plant = yaml.safe_load(latency.PLANT.format(port=first))
    registers = [0] * 110
    registers[latency.OURS] = registers[latency.BARE] = latency.QUIET
    served: list[dict[str, object]] = [{"port": first, "registers": registers, "wander": [0] * len(registers)}]
    for name, port in zip(names, ports, strict=True):
        words = {"zh": name, "en": name}
        place = {"driver": "modbus_tcp", "host": "127.0.0.1", "port": port, "timeout": "1 s"}
        plant["devices"].append({"id": name, "name": words} | place)
        for index in range(POINTS // 2):
            vessel = f"{name}_{index}"
            plant["equipment"].append({"id": vessel, "class": "vessel", "area": "room", "name": words})
            plant["points"] += [_point(vessel, kind, name, 2 * index + at) for at, kind in enumerate(_KINDS)]
        delay = ill.get(name, 0.0)
        if delay is not None:
            calm = [latency.QUIET, 0] * (POINTS // 2)
            served.append({"port": port, "registers": calm, "wander": [20, 0] * (POINTS // 2), "delay": delay})
    file.write_text(yaml.safe_dump(plant, sort_keys=False, allow_unicode=True), "utf-8")
    return served


_KINDS = {"pressure": ("kPa", 1000), "valve_closed": ("", 1)}


def _point(vessel: str, kind: str, device: str, address: int) -> dict[str, object]:
    unit, high = _KINDS[kind]
    source = {"device": device, "table": "holding", "address": address, "type": "uint16"}
    told = {"equipment": vessel, "kind": kind, "unit": unit, "range": [0, high], "source": source}
    return told | {"period": f"{SCAN:g} ms", "stale_after": "2 s"}


def _kept(work: Path, began: int, ended: int, ill: dict[str, float | None], result: Result) -> tuple[Floats, int]:
    """Periods (ms) and samples of the healthy devices in the window; what is kept of the ill ones is looked at."""
    names = [
        f"{device}_{index}.{kind}"
        for device in (*(f"well{number}" for number in range(DEVICES)), *ill)
        for index in range(POINTS // 2)
        for kind in _KINDS
    ]
    found = kept.samples(work / "data" / "history.duckdb", names, began, ended)
    healthy = found.point < DEVICES * POINTS
    counts = np.bincount(found.point[healthy], minlength=DEVICES * POINTS)
    result.require(counts.min() >= 2, "every healthy point is in the history", counts.min())
    result.require(not found.quality[healthy].any(), "every value of a healthy device is good")
    for row, (sick, delay) in enumerate(ill.items(), DEVICES):
        of_this = found.quality[found.point // POINTS == row]
        if delay is not None and delay > 0:
            result.require(len(of_this) > 0 and not of_this.any(), "every value of a slow device is good", sick)
        else:
            result.require(len(of_this) > 0 and bool(of_this.all()), "no value of a dead device is good", sick)
    gaps = [np.diff(found.receive_time[found.point == each * POINTS]) / 1000 for each in range(DEVICES)]
    return np.concatenate(gaps), int(counts.sum())
