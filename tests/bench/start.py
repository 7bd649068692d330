"""Time from the start of the process to the first evaluated rule, and memory of the demo as it runs.

The first evaluated rule is the first GOOD value of a device at /api/points: that shows what the rules
were last stepped with, never what has only arrived. DuckDB holds up to 13 MiB of new rows between two
checkpoints, some minutes apart: a slope over less than an hour is mostly where in that cycle it began and ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import psutil
from websockets.asyncio.client import connect

from gateway import app
from tests.bench import plants
from tests.bench.harness import (
    PATIENCE,
    ROOT,
    BenchFailed,
    Child,
    Options,
    Result,
    answer,
    free_ports,
    gateway,
    number,
    table,
    until_good,
    workspace,
)

LOOK_EVERY = 2.0
OWN_POINTS = 3
"""The gateway's own points; they are good at once, and say nothing of a device."""


def run(options: Options) -> Result:
    repetitions = 3 if options.quick else 7
    result = Result(
        "start",
        "a bare `python -c pass` in the same run",
        {"plant": "demo", "repetitions": repetitions, "minutes": options.minutes},
    )
    with workspace() as work:
        plants.demo_elsewhere(work / "plant.yaml")
        plant, program = app.load(work / "plant.yaml")
        result.parameters |= {"points": len(plant.points), "rule_instances": len(program.rules)}
        bare = [_bare() for _ in range(repetitions)]
        result.add("bare interpreter p50", statistics.median(bare) * 1000, "ms")
        _stages(work, repetitions, result)
        with simulated(work):
            _starts(work, repetitions, result)
            asyncio.run(_memory(work, options.minutes, result))
    return result


@contextlib.contextmanager
def simulated(work: Path) -> Iterator[None]:
    """The demo plant, playing its scenarios in turn."""
    arguments = ("-m", "gateway.cli", "simulate", "--plant", str(work / "plant.yaml"), "--loop", "--lifeline")
    with Child(work / "simulator.log", *arguments) as child:
        while "plant simulated" not in (work / "simulator.log").read_text("utf-8"):
            child.require_alive()
            if time.monotonic() - child.started > PATIENCE:
                raise BenchFailed("expected the simulated plant to come up")
            time.sleep(0.1)
        yield


def _bare() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    return time.perf_counter() - began


def _stages(work: Path, repetitions: int, result: Result) -> None:
    told: list[dict[str, float]] = []
    for turn in range(repetitions):
        data = work / f"stages-{turn}"
        command = [sys.executable, "-m", "tests.bench.stages", str(work / "plant.yaml"), str(data)]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        told.append(json.loads(done.stdout))
    for stage in told[0]:
        result.add(f"stage: {stage} p50", statistics.median(each[stage] for each in told), "ms")


def _starts(work: Path, repetitions: int, result: Result) -> None:
    answers, evaluated, resident = [], [], []
    for _ in range(repetitions):
        port = free_ports(1)[0]
        with gateway(work, work / "plant.yaml", port) as running:
            answers.append(_until_answer(running, port))
            evaluated.append(until_good(running, port, OWN_POINTS + 1))
            resident.append(psutil.Process(running.pid).memory_info().rss / 2**20)
    result.add("start to first answer over HTTP p50", statistics.median(answers), "s")
    result.add("start to first evaluated rule p50", statistics.median(evaluated), "s")
    result.add("start to first evaluated rule max", max(evaluated), "s")
    result.add("memory at the first evaluated rule p50", statistics.median(resident), "MiB")
    result.require(True, "a rule had a good value of a device each time")


def _until_answer(child: Child, port: int) -> float:
    while answer(port, "/api/health") is None:
        child.require_alive()
        if time.monotonic() - child.started > PATIENCE:
            raise BenchFailed("expected an answer over HTTP")
        time.sleep(0.02)
    return time.monotonic() - child.started


async def _memory(work: Path, minutes: float, result: Result) -> None:
    """Watch the resident set while the demo plays and one client follows it."""
    port = free_ports(1)[0]
    at: list[float] = []
    resident: list[float] = []
    with gateway(work, work / "plant.yaml", port) as running:
        await asyncio.to_thread(until_good, running, port, OWN_POINTS + 1)
        process = psutil.Process(running.pid)
        began = time.monotonic()
        used = sum(process.cpu_times()[:2])
        async with connect(f"ws://127.0.0.1:{port}/api/live", max_size=None) as socket:
            following = asyncio.create_task(_follow(socket.__aiter__()))
            while time.monotonic() - began < minutes * 60:
                at.append(time.monotonic() - began)
                resident.append(process.memory_info().rss / 2**20)
                await asyncio.sleep(LOOK_EVERY)
            running.require_alive()
            following.cancel()
        used = sum(process.cpu_times()[:2]) - used
        health = await asyncio.to_thread(table, port, "/api/health")
    result.require(number(health, "dropped_samples") == 0, "no sample is dropped while memory is watched", health)
    result.require(number(health, "links_up") == number(health, "links"), "every device is up at the end", health)
    half = len(at) // 2
    slope = np.polyfit(at[half:], resident[half:], 1)[0] * 3600 if len(at) - half > 2 else float("nan")
    result.add("memory at the beginning", resident[0], "MiB")
    result.add(f"memory after {minutes:g} min", resident[-1], "MiB")
    result.add("memory, largest", max(resident), "MiB")
    result.add("slope over the second half", slope, "MiB/h")
    result.add("processor share of the demo's gateway, one client", 100 * used / (minutes * 60), "% of one")


async def _follow(messages: AsyncIterator[str | bytes]) -> None:
    async for _ in messages:
        pass
