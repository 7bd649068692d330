"""The parts by themselves: journal commit beside a bare fdatasync, history append beside bare DuckDB, a rule step."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import duckdb
import numpy as np

from gateway import app
from gateway.engine import Engine
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.plant.model import Plant, Text
from gateway.point_table import PointTable
from gateway.rule import Priority, Truth
from gateway.sample import SECOND, Instant, Reading, SampleBatch
from gateway.standing import Standing
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journal_sqlite import SqliteJournal
from tests.bench import plants
from tests.bench.harness import Options, Result, workspace

PAGE = bytes(4096)
START = Instant(1_700_000_000_000_000)
DEVICES = 5
"""Devices of the generated plant that make about 4,000 rule instances."""
TICK = SECOND // 2


def run(options: Options) -> Result:
    commits, appends, steps = (100, 20, 200) if options.quick else (400, 60, 1000)
    result = Result(
        "micro",
        "fdatasync of 4 KiB on the same disk; INSERT of the same batch in bare DuckDB; turn by turn",
        {"commits": commits, "appends": appends, "steps": steps},
    )
    with workspace() as work:
        asyncio.run(_journal(work, commits, result))
        asyncio.run(_history(work, appends, result))
        _rules(work, steps, result)
    return result


async def _journal(work: Path, count: int, result: Result) -> None:
    journal = await SqliteJournal.open(work / "journal.sqlite")
    file = os.open(work / "bare", os.O_CREAT | os.O_WRONLY, 0o600)
    times: dict[str, list[float]] = {"1 event": [], "10 events": [], "bare": []}
    try:
        for turn in range(count):
            for name, size in (("1 event", 1), ("10 events", 10)):
                events = [_event(turn, size, place) for place in range(size)]
                began = time.perf_counter()
                await journal.commit(events, ())
                times[name].append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            await asyncio.to_thread(_sync, file)
            times["bare"].append((time.perf_counter() - began) * 1000)
        last, broken = await journal.last_sequence(), await journal.verify()
    finally:
        os.close(file)
        await journal.close()
    result.require(last == count * 11, "every event is in the journal", last)
    result.require(broken is None, "the journal's chain holds", broken)
    result.add_spread("bare fdatasync of 4 KiB, from a thread", times["bare"], "ms")
    for name in ("1 event", "10 events"):
        result.add_spread(f"journal commit of {name}", times[name], "ms")
        result.add_ratio(f"journal commit of {name}", times[name], times["bare"], "ms")


def _sync(file: int) -> None:
    os.write(file, PAGE)
    os.fdatasync(file)


def _event(turn: int, size: int, place: int) -> Event:
    text = Text("进出水流量差过大（漏水）", "Flow difference high-high (leak)")
    reading = Reading(point="eaf1_panel_a.inlet_flow", value=60.0, quality="good", reason="none", source_time=START)
    return AlarmRaised(
        id=f"bench-{turn}-{size}-{place}",
        at=Instant(START + turn),
        alarm="eaf.flow_difference_trip@eaf1_panel_a",
        occurrence=f"{turn}-{size}-{place}",
        equipment="eaf1_panel_a",
        clauses=("4(4)",),
        title=text,
        priority=Priority.CRITICAL,
        onset=START,
        first_out=True,
        latching=True,
        readings=(reading,) * 4,
        rule_hash="0" * 32,
    )


async def _history(work: Path, count: int, result: Result) -> None:
    points = 2000
    history = await DuckdbHistory.open(work / "history.duckdb", [f"p{index}" for index in range(points)])
    bare = duckdb.connect(str(work / "bare.duckdb"), config={"threads": 1})
    bare.execute(
        "CREATE TABLE sample (point INTEGER NOT NULL, source_time BIGINT NOT NULL, receive_time BIGINT NOT NULL,"
        " value DOUBLE, quality UTINYINT NOT NULL, reason UTINYINT NOT NULL)"
    )
    written = 0
    for size in (1_000, 10_000, 50_000):
        ours, theirs = [], []
        for turn in range(count):
            batch = _samples(points, size, turn)
            began = time.perf_counter()
            await history.append(batch)
            ours.append((time.perf_counter() - began) * 1000)
            began = time.perf_counter()
            await asyncio.to_thread(_insert, bare, batch)
            theirs.append((time.perf_counter() - began) * 1000)
            written += size
        result.add_spread(f"history append of {size:,} samples", ours, "ms")
        result.add_spread("  the same into bare DuckDB", theirs, "ms")
        result.add_ratio(f"history append of {size:,}", ours, theirs, "ms")
    kept = await history.sample_count()
    await history.close()
    bare.close()
    result.require(kept == written, "every sample is in the history", f"{kept} of {written}")


def _samples(points: int, size: int, turn: int) -> SampleBatch:
    stamp = np.full(size, START + turn * SECOND, dtype=np.int64)
    return SampleBatch(
        point=(np.arange(size) % points).astype(np.int32),
        value=np.random.default_rng(turn).normal(60.0, 1.0, size),
        quality=np.zeros(size, dtype=np.uint8),
        reason=np.zeros(size, dtype=np.uint8),
        source_time=stamp,
        receive_time=stamp,
    )


def _insert(bare: duckdb.DuckDBPyConnection, batch: SampleBatch) -> None:
    incoming = {
        "point": batch.point,
        "source_time": batch.source_time,
        "receive_time": batch.receive_time,
        "value": batch.value,
        "quality": batch.quality,
        "reason": batch.reason,
    }
    bare.register("incoming", incoming)
    bare.execute("INSERT INTO sample FROM incoming")


def _rules(work: Path, count: int, result: Result) -> None:
    """Milliseconds of a step of the rules alone, and of a tick of the whole engine, with every point new."""
    plants.generated(work / "plant.yaml", DEVICES, 100)
    plant, program = app.load(work / "plant.yaml")
    alone = app.load(work / "plant.yaml")[1]
    result.parameters |= {"rule_instances": len(program.rules), "points": len(plant.points)}
    size = f"{len(program.rules):,} rule instances, {len(program.interlocks)} interlocks"
    engine, table, raised = Engine(plant, program, Standing(), START), PointTable(plant), 0
    step, tick = [], []
    for turn in range(1, count + 1):
        now = Instant(START + turn * TICK)
        table.apply(_calm(plant, now, turn))
        columns = table.columns(now)
        began = time.perf_counter()
        truth = alone.step(columns, now).truth
        step.append((time.perf_counter() - began) * 1000)
        began = time.perf_counter()
        raised += sum(isinstance(event, AlarmRaised) for event in engine.tick(table, now))
        tick.append((time.perf_counter() - began) * 1000)
    known = bool(np.all(truth[: len(alone.rules)] == Truth.FALSE))
    result.require(known, "every rule is known and finds nothing at the end of the steps", np.bincount(truth))
    result.require(raised == 0, "no alarm is raised in a sound plant", raised)
    result.add_spread(f"rules alone, one step of {size}", step, "ms")
    result.add_spread("engine, one tick of the same", tick, "ms")


def _calm(plant: Plant, now: Instant, seed: int) -> SampleBatch:
    """A good value for every point, as the generated plant's devices would serve it."""
    stamp = np.full(len(plant.points), now, dtype=np.int64)
    return SampleBatch(
        point=np.arange(len(plant.points), dtype=np.int32),
        value=plants.calm(plant, np.random.default_rng(seed)),
        quality=np.zeros(len(plant.points), dtype=np.uint8),
        reason=np.zeros(len(plant.points), dtype=np.uint8),
        source_time=stamp,
        receive_time=stamp,
    )
