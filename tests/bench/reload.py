"""A hot reload of a plant of twelve thousand rule instances under its gateway: how long, and which tick comes late.

The gateway's own parts in this process, its devices in another. A tick's interval ends when its listeners are told,
so that whatever keeps the loop from ticking is in it: the exchange itself, and
the threads that compile and read beside it.
"""

from __future__ import annotations

import asyncio
import shutil
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gateway import app
from gateway.runtime.loop import LONGEST_WAIT, Tick
from gateway.runtime.reload import Reloader
from gateway.station import Station
from tests.bench import plants
from tests.bench.harness import PATIENCE, BenchFailed, Options, Result, workspace
from tests.bench.wire import DeviceEnd

DEVICES = 16
WARM_UP = 12.0
"""Seconds: the engine has settled after ten."""
CHANGED = "gas.co_high"
"""A rule for each detector; its on-delay is another in every other reload."""


def run(options: Options) -> Result:
    repetitions, seconds = (2, 5.0) if options.quick else (5, 20.0)
    result = Result(
        "reload",
        "the ticks of the same gateway while nothing is reloaded",
        {"devices": DEVICES, "points": DEVICES * plants.POINTS, "repetitions": repetitions, "quiet_s": seconds},
    )
    with workspace() as work:
        asyncio.run(_measure(work, repetitions, seconds, result))
    return result


@dataclass
class _Ticks:
    """Implements `gateway.runtime.loop.Listener`: when each tick was told, and what was in it."""

    ended: list[float] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def on_tick(self, tick: Tick) -> None:
        self.ended.append(time.perf_counter())
        self.told += [entry.event.kind for entry in tick.entries]

    def intervals(self, begin: float, end: float) -> list[float]:
        """Milliseconds between ticks, of all intervals that touch the stretch."""
        times = np.array(self.ended)
        first = max(0, int(np.searchsorted(times, begin)) - 1)
        last = int(np.searchsorted(times, end)) + 1
        return [float(each) * 1000 for each in np.diff(times[first : last + 1])]


@dataclass
class _Files:
    """Plant file and packs, and how long the last reading and compiling of them took."""

    plant: Path
    packs: Path
    load_s: float = 0.0

    def load(self) -> app.Configuration:
        began = time.perf_counter()
        configuration = app.configure(self.plant, self.packs)
        self.load_s = time.perf_counter() - began
        return configuration


async def _measure(work: Path, repetitions: int, seconds: float, result: Result) -> None:
    served = plants.generated(work / "plant.yaml", DEVICES, 1000)
    shutil.copytree(app.PACKS_DIRECTORY, work / "packs")
    configuration = app.configure(work / "plant.yaml", work / "packs")
    result.parameters["rule_instances"] = len(configuration.program.rules)
    async with DeviceEnd.serve(work, served), _running(work, configuration) as (station, ticks):
        files = _Files(work / "plant.yaml", work / "packs")
        reloader = station.reloader(files.load, lambda _: None)
        await asyncio.sleep(WARM_UP)
        ticks.told.clear()  # rules whose windows are not full yet have said so
        began = time.perf_counter()
        await asyncio.sleep(seconds)
        quiet = ticks.intervals(began, time.perf_counter())
        result.add_spread("interval between ticks, nothing reloaded", quiet, "ms")
        result.add("the longest that a tick is waited for when nothing comes", LONGEST_WAIT * 1000, "ms")
        for name, change in (("nothing changed", False), (f"{CHANGED} changed", True)):
            await _reloads(name, repetitions if change else 2, files, reloader, ticks, result, change=change)
        _check(station, ticks, result)


async def _reloads(
    name: str,
    repetitions: int,
    files: _Files,
    reloader: Reloader[app.Configuration],
    ticks: _Ticks,
    result: Result,
    *,
    change: bool,
) -> None:
    whole, late, loading, between = [], [], [], []
    for _ in range(repetitions):
        if change:
            _change(files.packs / "gas.yaml")
        began = time.perf_counter()
        done = await reloader.reload("bench", "measured")
        ended = time.perf_counter()
        await asyncio.sleep(3.0)
        intervals = ticks.intervals(began, ended)
        detectors = DEVICES * plants.DETECTORS
        result.require(
            len(done.changed) == (detectors if change else 0), "only the changed rule changed", len(done.changed)
        )
        result.require(not done.devices_restarted, "no device was started anew", done.devices_restarted)
        whole.append(ended - began)
        late.append(max(intervals))
        between += intervals
        loading.append(files.load_s)
    result.add(f"{name}: the reload as a whole, median", statistics.median(whole), "s")
    result.add("  of that reading and compiling, beside the loop", statistics.median(loading), "s")
    result.add_spread("  interval between ticks meanwhile", between, "ms")
    result.add("  the latest tick of each reload, median", statistics.median(late), "ms")
    result.add("  the latest tick of all", max(late), "ms")


def _change(pack: Path) -> None:
    """The first on-delay of the pack, which is that of `CHANGED`, to 4 s and back."""
    text = pack.read_text("utf-8")
    head, rule, rest = text.partition(f"id: {CHANGED}\n")
    old, new = ("3 s", "4 s") if "on_delay: 3 s" in rest.partition("tests:")[0] else ("4 s", "3 s")
    pack.write_text(head + rule + rest.replace(f"on_delay: {old}", f"on_delay: {new}", 1), "utf-8")


def _check(station: Station, ticks: _Ticks, result: Result) -> None:
    kinds = set(ticks.told)
    expected = {"configuration.reloaded"}
    result.require(kinds == expected, "no rule noticed a reload, and none found anything", sorted(kinds))
    result.require(station.intake.dropped == 0, "no sample is dropped", station.intake.dropped)
    result.require(station.loop.failure is None, "the journal keeps everything", station.loop.failure)


@asynccontextmanager
async def _running(work: Path, configuration: app.Configuration) -> AsyncIterator[tuple[Station, _Ticks]]:
    """The station of the plant, all of its points good, until the block ends."""
    station = await Station.open(configuration.plant, configuration.program, app.DRIVERS, work / "data")
    ticks, stop = _Ticks(), asyncio.Event()
    station.loop.listen(ticks)
    running = asyncio.create_task(station.run(stop, stop.wait))
    try:
        deadline = time.monotonic() + PATIENCE
        while not (len(ticks.ended) and (station.loop.table.latest.quality == 0).all()):
            if running.done() or time.monotonic() > deadline:
                raise BenchFailed("expected every point to be good within its time")
            await asyncio.sleep(0.05)
        yield station, ticks
    finally:
        stop.set()
        await running
