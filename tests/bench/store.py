"""The embedded history: appends beside bare DuckDB, charts over stored days, the writer beside housekeeping, kills.

The last part of the days is appended and put in order as the gateway does it; whole days before it are laid down by the
housekeeping's own means (`stored_days`), because thirty of them would take the night.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np

from gateway.plant.keeping import Keeping
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import DAY, HistoryPlan
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.history_schema import sample_table
from tests.bench.harness import ROOT, BenchFailed, Options, Result, workspace
from tests.bench.stored_days import hours, lay_down
from tests.stores.child import POINT_NAMES, ROWS

POINTS = 2_000
NAMES = [f"works.point-{number:04d}" for number in range(POINTS)]
MORNING = 20_000 * DAY
FOR_EVER = HistoryPlan(budget=2**62, keeping=Keeping(2**62, 2**62, 2**62))
DAYS_VARIABLE = "TOCSIN_BENCH_DAYS"
"""Names how many days of 2,000 points at 1 Hz are stored; 30 is the promise, and takes half an hour and 17 GB."""

APPENDED = 0.1
"""Days that are appended after the whole ones."""

MINUTE, HOUR = 60 * SECOND, 3600 * SECOND
AT_ONCE = 600
"""Seconds of samples in one batch while days are made."""

CHARTS = 10
"""Read at once beside the writer."""


def run(options: Options) -> Result:
    days = float(os.environ.get(DAYS_VARIABLE, "0.1" if options.quick else "0.25"))
    ticks, kills = (200, 20) if options.quick else (500, 100)
    result = Result(
        "store",
        "the same batches inserted into a bare DuckDB file, a commit each, turn by turn",
        {
            "points": POINTS,
            "ticks": ticks,
            "days_stored": days,
            "full_days": f"{DAYS_VARIABLE}=30",
            "cold": "the file opened anew, its pages dropped from the cache",
            "kills": kills,
        },
    )
    with workspace() as work:
        asyncio.run(_appends(work, ticks, result))
        asyncio.run(_charts(work, days, result))
        asyncio.run(_year(work, result))
        _kills(work, kills, result)
    return result


def _batch(at: int, seconds: int, rng: np.random.Generator) -> SampleBatch:
    """Every point once a second; values as a 16-bit converter gives them, wandering a little."""
    rows = POINTS * seconds
    times = np.repeat(at + np.arange(seconds, dtype=np.int64) * SECOND, POINTS)
    wander = np.tile(np.arange(POINTS) % 400, seconds) + rng.integers(-20, 21, rows)
    return SampleBatch(
        point=np.tile(np.arange(POINTS, dtype=np.int32), seconds),
        value=wander * 0.1,
        quality=np.zeros(rows, dtype=np.uint8),
        reason=np.zeros(rows, dtype=np.uint8),
        source_time=times,
        receive_time=times + rng.integers(1_000, 90_000, rows),
    )


async def _settle(history: DuckdbHistory, now: int) -> None:
    while await history.maintain(Instant(now)):
        pass


async def _appends(work: Path, ticks: int, result: Result) -> None:
    rng = np.random.default_rng(6)
    history = await DuckdbHistory.open(work / "append.duckdb", NAMES, FOR_EVER)
    bare = duckdb.connect(str(work / "bare.duckdb"), config={"threads": 1})
    bare.execute(sample_table("sample"))
    ours: list[float] = []
    theirs: list[float] = []
    for tick in range(ticks):
        batch = _batch(MORNING + tick * SECOND, 1, rng)
        for turn in (0, 1) if tick % 2 else (1, 0):
            if turn:
                began = time.perf_counter()
                await history.append(batch)
                ours.append((time.perf_counter() - began) * 1e3)
            else:
                theirs.append(await asyncio.to_thread(_insert, bare, batch))
    row = bare.execute("SELECT count(*), sum(value) FROM sample").fetchone()
    kept = [float(each.value.sum()) async for each in history.samples(None, Instant(0), Instant(2**62))]
    result.require(await history.sample_count() == ticks * POINTS, "every appended sample is in the history")
    result.require(row is not None and row[0] == ticks * POINTS, "and in the bare file")
    result.require(row is not None and abs(sum(kept) - row[1]) < 1e-3, "both hold the same values by their sum")
    result.add_spread("append of a tick, durable", ours, "ms")
    result.add_spread("bare insert of the same, durable", theirs, "ms")
    result.add_ratio("append", ours, theirs, "ms")
    bare.close()
    await history.close()


def _insert(bare: duckdb.DuckDBPyConnection, batch: SampleBatch) -> float:
    began = time.perf_counter()
    incoming = {  # found by name, as DuckDB does
        "point": batch.point,
        "source_time": batch.source_time,
        "receive_time": batch.receive_time,
        "value": batch.value,
        "quality": batch.quality,
        "reason": batch.reason,
    }
    bare.register("incoming", incoming)
    bare.execute("INSERT INTO sample SELECT * FROM incoming")
    return (time.perf_counter() - began) * 1e3


async def _charts(work: Path, days: float, result: Result) -> None:
    path = work / "days.duckdb"
    whole = int(days) if days >= 1 else 0
    laid = whole * 86_400
    seconds = laid + int((APPENDED if whole else days) * 86_400) // AT_ONCE * AT_ONCE
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    began = time.monotonic()
    await asyncio.to_thread(lay_down, history, POINTS, MORNING, whole)
    result.add("whole days laid down in", time.monotonic() - began, "s")
    rng = np.random.default_rng(7)
    for at in range(laid, seconds, AT_ONCE):
        await history.append(_batch(MORNING + at * SECOND, AT_ONCE, rng))
        if at % (6 * AT_ONCE) == 0:
            await history.maintain(Instant(MORNING + at * SECOND))
    await _while_busy(history, MORNING + seconds * SECOND, result)
    end = MORNING + (seconds + 1000) * SECOND + 3 * DAY
    await _settle(history, end)
    size = await history.size()
    compacted = sum(each.stat().st_size for each in (work / "days.duckdb.segments").glob("*.parquet"))
    result.add("samples stored", size.samples, "")
    result.add("files", len(list((work / "days.duckdb.segments").iterdir())), "")
    result.add("bytes a sample in order, with its minutes and hours", compacted / (size.samples - size.waiting), "B")
    await history.close()
    await asyncio.to_thread(os.sync)
    await _read_days(path, seconds, result)


async def _while_busy(history: DuckdbHistory, at: int, result: Result) -> None:
    """Appends at 10 a second, while nothing, housekeeping (with a day's merge), and charts go on."""
    rng = np.random.default_rng(8)
    ticks = itertools.count()

    async def write(until: Callable[[], bool]) -> list[float]:
        taken = []
        while not until() or len(taken) < 30:
            batch = _batch(at + next(ticks) * SECOND, 1, rng)
            began = time.perf_counter()
            await history.append(batch)
            taken.append((time.perf_counter() - began) * 1e3)
            await asyncio.sleep(max(0.0, 0.1 - taken[-1] / 1e3))
        return taken

    quiet = time.monotonic() + 10
    alone = await write(lambda: time.monotonic() > quiet)

    merging = asyncio.create_task(_settle(history, at + 3 * DAY))
    beside_merge = await write(merging.done)
    await merging
    reading = [asyncio.create_task(_chart_for(history, number, 10.0, at)) for number in range(CHARTS)]
    beside_charts = await write(lambda: all(each.done() for each in reading))
    read = sum(await asyncio.gather(*reading))
    result.require(read > CHARTS, "charts were read beside the writer", read)
    for name, taken in (
        ("append with nothing beside", alone),
        ("append while files are put in order, a day's merge with them", beside_merge),
        (f"append while {CHARTS} charts are read", beside_charts),
    ):
        result.add_spread(name, taken, "ms")
        result.add(f"{name}: appends", len(taken), "")


async def _chart_for(history: DuckdbHistory, number: int, seconds: float, end: int) -> int:
    stop, count = time.monotonic() + seconds, 0
    while time.monotonic() < stop:
        name = NAMES[(number * 197 + count * 13) % POINTS]
        await history.read(name, Instant(max(MORNING, end - DAY)), Instant(end), 10 * SECOND)
        count += 1
    return count


async def _read_days(path: Path, seconds: int, result: Result) -> None:
    """Days out of the middle, and all of them: each point is asked for once cold and once warm."""
    day = min(seconds, 86_400)
    places = max(1, seconds // 86_400)
    choice = random.Random(9)
    for name, length, width in (
        ("a day (or all there is) of one point out of 2,000 by 10 s", day, 10 * SECOND),
        ("a day of one point by the minute", day // 60 * 60, MINUTE),
        ("all days of one point by the hour", seconds // 3600 * 3600, HOUR),
    ):
        cold: list[float] = []
        warm: list[float] = []
        used: list[float] = []
        for number in choice.sample(range(POINTS), 40):
            start = MORNING + (choice.randrange(places) * 86_400 if length == day else 0) * SECOND
            _forget(path)
            history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
            for taken in (cold, warm):
                began, working = time.perf_counter(), time.process_time()
                found = await history.read(NAMES[number], Instant(start), Instant(start + length * SECOND), width)
                taken.append((time.perf_counter() - began) * 1e3)
                result.require(int(found.count.sum()) == length, "a chart counts every sample of its time, once")
            used.append((time.process_time() - working) * 1e3)
            await history.close()
        result.add_spread(f"{name}, cold", cold, "ms")
        result.add_spread(f"{name}, warm", warm, "ms")
        result.add_spread(f"{name}, warm, processor time", used, "ms")


def _forget(path: Path) -> None:
    """Let the system drop what it has of the files, so that the next read comes from the disk.

    What is not on the disk yet cannot be dropped; nothing has been written to these for a while.
    """
    for file in (path, *path.with_name(path.name + ".segments").glob("*")):
        handle = os.open(file, os.O_RDONLY)
        try:
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(handle)


async def _year(work: Path, result: Result) -> None:
    """A year of one point out of 2,000 by 6 h, from hours that the housekeeping has merged by months."""
    path = work / "year.duckdb"
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    await asyncio.to_thread(hours, history, POINTS, MORNING, 365)
    await _settle(history, MORNING + 400 * DAY)
    await history.close()
    cold: list[float] = []
    warm: list[float] = []
    for name in random.Random(12).sample(NAMES, 40):
        _forget(path)
        history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
        for taken in (cold, warm):
            began = time.perf_counter()
            found = await history.read(name, Instant(MORNING), Instant(MORNING + 365 * DAY), 6 * HOUR)
            taken.append((time.perf_counter() - began) * 1e3)
            result.require(int(found.count.sum()) == 365 * 86_400, "a year's chart counts every sample, once")
        await history.close()
    result.add_spread("a year of one point out of 2,000 by 6 h, from kept hours, cold", cold, "ms")
    result.add_spread("the same year, warm", warm, "ms")
    result.require(max(cold) < 1000, "a year of one point takes less than a second", max(cold))


def _kills(work: Path, kills: int, result: Result) -> None:
    """A process that appends and puts in order at once, killed at random moments; all is looked up after each."""
    path = work / "killed.duckdb"
    moments = random.Random(10)
    acknowledged = 0
    for number in range(kills):
        last = _live(path, moments.uniform(0.02, 0.6))
        batches = asyncio.run(_judge(path, last, result))
        acknowledged = max(acknowledged, batches * ROWS)
        if number % 25 == 24:  # each life must read what the earlier ones wrote; a small file keeps that quick
            _remove(path)
    result.add("SIGKILLs in append and housekeeping", kills, "")
    result.add("samples looked up after the last kill of a file, at most", acknowledged, "")


def _live(path: Path, seconds: float) -> int | None:
    """One life that is killed `seconds` after it opened; the last batch that it acknowledged."""
    command = [sys.executable, "-m", "tests.stores.child", "append_and_tidy_for_ever", str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as life:
        assert life.stdout is not None
        if life.stdout.readline() != "open\n":
            raise BenchFailed("store: a history that was killed could not be opened again")
        time.sleep(seconds)
        life.send_signal(signal.SIGKILL)
        said = [line for line in life.stdout.read().split("\n")[:-1] if line]
    return int(said[-1]) if said else None


async def _judge(path: Path, last: int | None, result: Result) -> int:
    history = await DuckdbHistory.open(path, POINT_NAMES, FOR_EVER)
    size = await history.size()
    batches, rest = divmod(size.samples + size.expired, ROWS)
    kept = [each.value async for each in history.samples(None, Instant(0), Instant(2**62))]
    await history.close()
    result.require(not size.damaged and rest == 0, "no kill leaves half a batch or a damaged file", (size, rest))
    result.require(
        last is None or batches in (last + 1, last + 2), "no kill loses an acknowledged batch", (batches, last)
    )
    numbers, counts = np.unique(np.concatenate(kept) if kept else np.empty(0), return_counts=True)
    result.require(bool(np.all(counts == ROWS)), "no kill doubles a sample", counts.tolist())
    expected = list(range(batches - len(numbers), batches))
    result.require(numbers.tolist() == expected, "the newest are there without a gap", (numbers.tolist(), expected))
    return batches


def _remove(path: Path) -> None:
    for file in path.parent.glob(path.name + "*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
