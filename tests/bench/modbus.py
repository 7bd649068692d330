"""Fifty Modbus devices of a hundred points at a 100 ms scan through the whole gateway on one processor.

Twice: with all of them well, and with three dead and three slow ones beside them. Periods are counted where
the samples end up, in the history, after the gateway has stopped; breach to command is measured meanwhile.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from dataclasses import dataclass
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

QUIET = 0.02
"""Most of the time that a gateway may have waited for its processor for its periods to say anything of devices."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one gateway did while breaches were made."""

    seconds: float
    processor: float
    waited: float
    resident: float
    periods: Floats
    """Milliseconds between two scans of a healthy device, of all of them."""
    samples: int
    times: latency.Times

    @property
    def p99(self) -> float:
        return spread(list(self.periods))[1]


def run(options: Options) -> Result:
    repetitions = 25 if options.quick else 100
    result = Result(
        "modbus",
        "a bare poll-compare-write loop (pymodbus) of one point, same device, same period, turn by turn",
        {"devices": DEVICES, "points_each": POINTS, "scan_ms": SCAN, "repetitions": repetitions},
    )
    ours, others = processors()
    result.require(ours != others, "devices have a processor of their own", f"{ours} and {others}")
    well, ill = (asyncio.run(_window(some, repetitions, result)) for some in ({}, ILL))
    _add("all well", well, result)
    _add("3 dead, 3 slow", ill, result)
    ratio = ill.p99 / well.p99
    result.add("p99 period of the healthy with ill ones beside them: ratio", ratio, "x")
    if max(well.waited / well.seconds, ill.waited / ill.seconds) < QUIET:
        result.require(ratio <= WITHIN, "ill devices stretch the p99 period of the others by 10 % at most", ratio)
    else:
        result.verified.append("the ratio of the periods is NOT judged: other programs had the gateway's processor")
    return result


def _add(name: str, window: Window, result: Result) -> None:
    result.add_spread(f"{name}: period of the {DEVICES} healthy devices", list(window.periods), "ms")
    result.add(f"{name}: samples of the healthy", window.samples / window.seconds, "1/s")
    result.add(f"{name}: processor share", 100 * window.processor / window.seconds, "% of one")
    result.add(f"{name}: waited for its processor", 100 * window.waited / window.seconds, "% of time")
    result.add(f"{name}: memory after it", window.resident, "MiB")
    times = window.times
    bare = times.bare_command[latency.BARE]
    result.add_spread(f"{name}: breach to command", times.command, "ms")
    result.add_spread(f"{name}:   the same, bare loop", bare, "ms")
    result.add_ratio(f"{name}: breach to command", times.command, bare, "ms")
    result.add_spread(f"{name}: read of the breach to command", times.reaction, "ms")
    result.add_spread(f"{name}:   the same, bare loop", times.bare_reaction[latency.BARE], "ms")


async def _window(ill: dict[str, float | None], repetitions: int, result: Result) -> Window:
    ours, others = processors()
    with workspace() as work:
        served = _plant(work / "plant.yaml", ill)
        (port,) = free_ports(1)
        async with DeviceEnd.serve(work, served, others) as end:
            arguments = (str(served[0]["port"]), str(latency.BARE), str(latency.LIMIT), str(SCAN / 1000))
            with (
                Child(work / "bare.log", "-m", "tests.bench.bare", *arguments) as bare,
                gateway(work, work / "plant.yaml", port, packs=latency.PACKS, cpu=ours) as running,
            ):
                os.sched_setaffinity(bare.pid, {others})
                await asyncio.to_thread(until_good, running, port, DEVICES * POINTS + 2, every=0.5)
                await asyncio.sleep(WARM_UP)
                process, times, phase = psutil.Process(running.pid), latency.Times(), random.Random(1)
                began, used, waited = time.time_ns() // 1000, processor_seconds(process), waited_seconds(running.pid)
                async with LiveEnd.listen(port) as live:
                    for _ in range(repetitions):
                        await latency.breach_ours(end, live, times, phase)
                        await latency.breach_bare(end, latency.BARE, times, phase)
                ended, used = time.time_ns() // 1000, processor_seconds(process) - used
                waited = waited_seconds(running.pid) - waited
                resident = process.memory_info().rss / 2**20
                for child in (running, bare):
                    child.require_alive()
                health = await asyncio.to_thread(table, port, "/api/health")
                result.require(number(health, "dropped_samples") == 0, "no sample is dropped", health)
                await asyncio.to_thread(latency.verify, port, repetitions, result)
        periods, samples = await asyncio.to_thread(_kept, work, began, ended, ill, result)
    return Window((ended - began) / 1e6, used, waited, resident, periods, samples, times)


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
