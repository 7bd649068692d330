"""Samples a second through drivers, rules and both stores on one processor, and its share at 2,000 points at 1 Hz.

Counted where they end up: rows in the history, by their own receive times, after the gateway has stopped.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from gateway import app
from rules.program import CompiledProgram
from tests.bench import kept, plants
from tests.bench.harness import (
    BenchFailed,
    Child,
    Options,
    Result,
    free_ports,
    gateway,
    number,
    processor_seconds,
    processors,
    rows,
    table,
    until_good,
    waited_seconds,
    workspace,
)

DEVICES = 16
COUNT = DEVICES * plants.POINTS
AS_FAST_AS_IT_GOES = 5
"""Milliseconds: shorter than any scan of all devices takes on one processor."""
WARM_UP = 12.0
"""Seconds: the engine has settled after ten."""
HEADROOM = 1.5
"""How much longer than the shortest scan the period is that must be kept."""


@dataclass(frozen=True, slots=True)
class Window:
    """What one gateway did between two moments."""

    seconds: float
    processor: float
    """Seconds of processor time, of all threads."""
    waited: float
    """Seconds in which its main thread was ready and another program had the processor."""
    resident: float
    """MiB at the end."""
    samples: int
    fewest: int
    """Samples of the point that has the fewest."""
    not_good: int


def run(options: Options) -> Result:
    seconds = 10.0 if options.quick else 20.0
    ours, others = processors()
    result = Result(
        "throughput",
        "nothing: a rate of its own, on one processor that it shares with whatever else runs",
        {"devices": DEVICES, "points": COUNT, "gateway_on_processors": 1, "window_s": seconds},
    )
    result.require(ours != others, "device servers have a processor of their own", f"{ours} and {others}")
    program = _count_rules(result)
    full = _window(AS_FAST_AS_IT_GOES, seconds, result)
    rate = full.samples / full.seconds
    result.add("rule instances", len(program.rules), "")
    result.add("interlocks", len(program.interlocks), "")
    result.add("samples a second, as fast as it goes", rate, "1/s")
    result.add("  processor share then", 100 * full.processor / full.seconds, "% of one")
    result.add("  waited for its processor then", 100 * full.waited / full.seconds, "% of time")
    result.add("  samples a processor second", full.samples / full.processor, "1/s")
    result.add("  memory after it", full.resident, "MiB")
    period = max(AS_FAST_AS_IT_GOES, round(1000 * COUNT / rate * HEADROOM))
    keeping = _window(period, seconds, result)
    scans = keeping.seconds * 1000 / period
    result.add(f"samples a second at a period of {period} ms", keeping.samples / keeping.seconds, "1/s")
    result.add("  scans made of scans due", 100 * keeping.fewest / scans, "%")
    result.add("  processor share then", 100 * keeping.processor / keeping.seconds, "% of one")
    result.add("  waited for its processor then", 100 * keeping.waited / keeping.seconds, "% of time")
    slow = _window(1000, 15.0 if options.quick else 30.0, result)
    result.require(slow.fewest >= slow.seconds - 2, "no scan is left out at 1 Hz", f"{slow.fewest} in {slow.seconds} s")
    result.add(f"processor share of {COUNT} points at 1 Hz", 100 * slow.processor / slow.seconds, "% of one")
    result.add("  memory then", slow.resident, "MiB")
    return result


def _count_rules(result: Result) -> CompiledProgram:
    with workspace() as work:
        plants.generated(work / "plant.yaml", DEVICES, 1000)
        plant, program = app.load(work / "plant.yaml")
    own = len(plant.points) - COUNT
    result.require(own >= 0, f"the generated plant has {COUNT} points", len(plant.points))
    circuits = DEVICES * plants.CIRCUITS
    result.require(len(program.interlocks) == circuits, "every circuit has its interlock", len(program.interlocks))
    return program


def _window(period_ms: int, seconds: float, result: Result) -> Window:
    """Run a gateway on one processor for the warm-up and `seconds`, stop it, and count what it kept."""
    with workspace() as work:
        served = plants.generated(work / "plant.yaml", DEVICES, period_ms)
        with _devices(work, served):
            port = free_ports(1)[0]
            with gateway(work, work / "plant.yaml", port, cpu=processors()[0]) as running:
                until_good(running, port, COUNT, every=0.5)
                time.sleep(WARM_UP)
                process = psutil.Process(running.pid)
                began, used, waited = time.time_ns() // 1000, processor_seconds(process), waited_seconds(running.pid)
                time.sleep(seconds)
                running.require_alive()
                ended, used = time.time_ns() // 1000, processor_seconds(process) - used
                waited = waited_seconds(running.pid) - waited
                resident = process.memory_info().rss / 2**20
                health = table(port, "/api/health")
                alarms = rows(port, "/api/alarms")
        result.require(number(health, "dropped_samples") == 0, "no sample is dropped", health)
        result.require(health["journal_failure"] is None, "the journal keeps everything", health)
        result.require(health["history_failure"] is None, "the history keeps everything", health)
        result.require(not alarms, "no rule finds anything in a sound plant", [a.get("id") for a in alarms][:5])
        samples, fewest, not_good, points = _counted(work, began, ended)
    result.require(points == COUNT, "every point is in the history", points)
    result.require(not_good == 0, "every value is good", not_good)
    return Window((ended - began) / 1e6, used, waited, resident, samples, fewest, not_good)


@contextlib.contextmanager
def _devices(work: Path, served: list[dict[str, object]]) -> Iterator[None]:
    """The device servers in a process of their own, on the other processor."""
    file = work / "devices.json"
    file.write_text(json.dumps(served), "utf-8")
    arguments = ("-m", "tests.bench.device", str(file), str(processors()[1]))
    with Child(work / "devices.log", *arguments, talks=True) as child:
        if child.stdout is None or not child.stdout.readline():
            raise BenchFailed("expected the device servers to come up")
        yield


def _counted(work: Path, began: int, ended: int) -> tuple[int, int, int, int]:
    """Samples, those of the point with the fewest, those that are not good, points; of devices, in the window."""
    plant, _ = app.load(work / "plant.yaml")
    names = [point.id for point in plant.points if not point.id.startswith("gateway.")]
    found = kept.samples(work / "data" / "history.duckdb", names, began, ended)
    if not len(found.point):
        raise BenchFailed("expected samples in the history, got none")
    counts = np.bincount(found.point)
    counts = counts[counts > 0]
    return len(found.point), int(counts.min()), int(np.count_nonzero(found.quality)), len(counts)
