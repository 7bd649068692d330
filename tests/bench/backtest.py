"""A back-test over a stored history with the full packs: how fast, and what of it is the reading.

About a hundred points at 1 Hz. `TOCSIN_BENCH_DAYS=30` takes the whole month; the default is a part of a day, and the
minutes for thirty days are worked out from it and called so.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import numpy as np

from gateway import app
from gateway.backtest.many import LEAD, Stretch, Subject, run_all
from gateway.plant.keeping import Keeping
from gateway.plant.model import Plant
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import HistoryPlan
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.history_reader import HistoryReader
from rules.program import CompiledProgram
from tests.bench import plants
from tests.bench.harness import Options, Result, workspace

START = Instant(1_800_000_000 * SECOND)
PIECE = 3600
"""Seconds made and stored at once."""
MONTH = 30 * 86_400
AGE_TO_COMPACT = 60 * SECOND
FOR_EVER = HistoryPlan(budget=2**62, keeping=Keeping(2**62, 2**62, 2**62))
"""Nothing is let go of."""


def run(options: Options) -> Result:
    days = float(os.environ.get("TOCSIN_BENCH_DAYS", "0.04" if options.quick else "0.25"))
    seconds = max(PIECE, int(days * 86_400) // PIECE * PIECE)
    result = Result("backtest", "the same history read and thrown away", {"seconds_of_history": seconds})
    with workspace() as work:
        plants.generated(work / "plant.yaml", 1, 1000)
        plant, program = app.load(work / "plant.yaml")
        asyncio.run(_measure(work, plant, program, seconds, result))
    return result


async def _measure(work: Path, plant: Plant, program: CompiledProgram, seconds: int, result: Result) -> None:
    points = [point for point in plant.points if point.equipment != "gateway"]
    names = [point.id for point in plant.points]
    end = Instant(START + seconds * SECOND)
    began = time.perf_counter()
    await _store(work / "history.duckdb", names, plant, seconds)
    result.parameters |= {"points": len(points), "rules": len(program.rules)}
    result.parameters["seconds_to_store_it"] = round(time.perf_counter() - began)
    history = await HistoryReader.open(work / "history.duckdb", names)
    try:
        began = time.perf_counter()
        read = 0
        async for batch in history.samples(START, end):
            read += len(batch)
        reading = time.perf_counter() - began
        began, used = time.perf_counter(), time.process_time()
        stretch = Stretch(Instant(START + LEAD), end)
        subject = Subject("shipped rules", plant, program)
        outcomes, fed = await run_all([subject], history.samples(START, end), stretch, lambda _seen, _samples: None)
        outcome = outcomes[0]
        taken, used = time.perf_counter() - began, time.process_time() - used
    finally:
        await history.close()
    count = seconds * len(points)
    result.require(read == fed == count, "every stored sample was played once", (read, fed, count))
    result.require(outcome.ticks >= seconds, "every second was a tick", outcome.ticks)
    raised = {episode.alarm.partition("@")[0] for episode in outcome.episodes}
    result.require("eaf.flow_difference_trip" in raised, "the leaks that were stored are found", sorted(raised)[:9])
    result.add("samples a second", count / taken, "samples/s")
    result.add("reading alone", count / reading, "samples/s")
    result.add("minutes", taken / 60, "min")
    result.add("minutes of processor time", used / 60, "min")
    result.add("samples a second of processor time", count / used, "samples/s")
    if seconds < MONTH:
        result.add("minutes for 30 days, worked out from these", taken / seconds * MONTH / 60, "min")
    result.add("alarms found", len(outcome.episodes), "")


async def _store(file: Path, names: list[str], plant: Plant, seconds: int) -> None:
    """Put the stretch into a history, and in order, as the housekeeping of a gateway that ran for so long has done."""
    history = await DuckdbHistory.open(file, names, FOR_EVER)
    chance = np.random.default_rng(1)
    for begin in range(0, seconds, PIECE):
        now = Instant(START + (begin + PIECE) * SECOND)
        await history.append(_piece(plant, begin, chance))
        for later in (0, AGE_TO_COMPACT):
            while await history.maintain(Instant(now + later)):
                pass
    await history.close()


def _piece(plant: Plant, begin: int, chance: np.random.Generator) -> SampleBatch:
    """An hour of every point of a device, some noise on measurements; one panel leaks for a minute of it."""
    points = [point for point in plant.points if point.equipment != "gateway"]
    count = PIECE * len(points)
    second = np.repeat(np.arange(begin, begin + PIECE), len(points))
    value = np.tile([plants.resting(point.kind) for point in points], PIECE)
    measured = np.tile([point.unit != "" for point in points], PIECE)
    value = value * np.where(measured, 1 + 0.002 * chance.standard_normal(count), 1.0)
    leaking = next(place for place, point in enumerate(points) if point.kind == "outlet_flow")
    leaks = (second % 3600 >= 300) & (second % 3600 < 360) & (np.tile(np.arange(len(points)), PIECE) == leaking)
    value = np.where(leaks, value * 0.85, value)
    at = (START + second * SECOND).astype(np.int64)
    index = np.tile([point.index for point in points], PIECE).astype(np.int32)
    zeros = np.zeros(count, dtype=np.uint8)
    return SampleBatch(index, value, zeros, zeros.copy(), at, at.copy())
