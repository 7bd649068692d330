"""How the history lies on the disk: put in order beside the writer, read no further than needed, kept as said."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pytest

from gateway.plant.keeping import Keeping
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import DAY, Curve, HistoryPlan
from gateway.stores import history_duckdb, history_upkeep
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.history_queries import CurveAsked, curve_query
from gateway.stores.history_shelf import Grain, Level
from gateway.stores.history_sql import HOUR, MINUTE
from tests.stores.history_support import FOR_EVER, LATER, NAMES, prepare, settle
from tests.stores.test_history import entry

MORNING = 20_000 * DAY
"""A midnight of 2024, so that minutes, hours and days begin where the numbers are round."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    prepare("embedded, merged", monkeypatch)


def batch(points: Sequence[int], times: Sequence[int], values: Sequence[float] | None = None) -> SampleBatch:
    """Good samples, received when they were taken."""
    at = np.asarray(times, dtype=np.int64)
    return SampleBatch(
        point=np.asarray(points, dtype=np.int32),
        value=np.asarray(times if values is None else values, dtype=np.float64),
        quality=np.zeros(len(at), dtype=np.uint8),
        reason=np.zeros(len(at), dtype=np.uint8),
        source_time=at,
        receive_time=at,
    )


def every_second(start: int, seconds: int, points: int = 3) -> SampleBatch:
    times = np.repeat(start + np.arange(seconds) * SECOND, points)
    return batch(np.tile(np.arange(points), seconds).tolist(), times.tolist())


def kinds(history: DuckdbHistory) -> set[tuple[Grain, Level]]:
    return {(each.grain, each.level) for each in history._shelf.catalog.segments}


def files(path: Path) -> list[str]:
    return sorted(file.name for file in path.with_name(path.name + ".segments").iterdir())


@pytest.mark.usefixtures("at_once")
async def test_days_become_one_set_of_files_and_months_one_file_of_hours(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    for day in range(3):
        for part in range(4):
            await history.append(every_second(MORNING + day * DAY + part * 6 * HOUR, 100))
            await settle(history, Instant(MORNING + day * DAY + part * 6 * HOUR + MINUTE))
    assert kinds(history) == {
        (Grain.SAMPLE, Level.DAY), (Grain.MINUTE, Level.DAY), (Grain.HOUR, Level.DAY),
        (Grain.SAMPLE, Level.FRESH), (Grain.MINUTE, Level.FRESH),
    }  # fmt: skip
    await settle(history, LATER)
    assert kinds(history) == {
        (Grain.SAMPLE, Level.DAY), (Grain.MINUTE, Level.DAY), (Grain.HOUR, Level.MONTH)
    }  # fmt: skip
    assert files(path) == sorted(each.name for each in history._shelf.catalog.segments)
    assert len(files(path)) == 3 + 3 + 1
    assert await history.sample_count() == 3 * 4 * 300
    await history.close()
    again = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    assert await again.sample_count() == 3 * 4 * 300
    assert (await again.size()).damaged == ()
    await again.close()


def shown(found: Curve) -> list[tuple[object, ...]]:
    columns = (found.start, found.low, found.high, found.last, found.worst, found.count, found.not_good)
    return [tuple(str(each) for each in row) for row in zip(*(column.tolist() for column in columns))]


def spoken(chance: random.Random, points: int, base: int) -> SampleBatch:
    """Three hours of every point, each in the order of its times, as a gateway receives it."""
    qualities = [Quality.GOOD, Quality.GOOD, Quality.UNCERTAIN, Quality.STALE, Quality.BAD]
    rows = []
    for point in range(points):
        for at in sorted(chance.sample(range(3 * 3600), chance.randint(0, 60))):
            quality = chance.choice(qualities)
            value = float("nan") if quality is Quality.BAD else chance.uniform(-1e6, 1e6)
            reason = Reason.NONE if quality is Quality.GOOD else Reason.TIMEOUT
            told = Instant(base + at * SECOND)
            rows.append(Sample(point, value, quality, reason, told, Instant(told + 5)))
    return SampleBatch.of(rows)


@pytest.mark.parametrize("seed", [1])
async def test_minutes_and_hours_that_are_kept_say_what_the_samples_say(tmp_path: Path, seed: int) -> None:
    names = [f"p{number}" for number in range(50)]
    plan = replace(FOR_EVER, holds=dict.fromkeys(names, 90 * SECOND))
    chance = random.Random(seed)
    batches = [spoken(chance, len(names), MORNING + part * 4 * HOUR) for part in range(4)]
    batches.append(batch(range(len(names)), [MORNING + 20 * HOUR] * len(names)))

    async def curves(layout: str) -> list[Curve]:
        with pytest.MonkeyPatch.context() as patch:
            prepare(layout, patch)
            history = await DuckdbHistory.open(tmp_path / f"{layout[-6:]}.db", names, plan)
            for each in batches:
                await history.append(each)
                if layout != "embedded, as they came":
                    await history.maintain(Instant(MORNING))
            if layout != "embedded, as they came":
                await settle(history)
            found = [
                await history.read(name, Instant(MORNING), Instant(MORNING + 24 * HOUR), width)
                for name in names
                for width in (MINUTE, 7 * MINUTE, HOUR, 24 * HOUR)
            ]
            await history.close()
        return found

    for raw, kept in zip(await curves("embedded, as they came"), await curves("embedded, merged")):
        assert shown(kept) == shown(raw)
        assert kept.mean == pytest.approx(raw.mean, nan_ok=True)


async def test_time_not_good_counts_bad_quality_and_gaps_alike(path: Path) -> None:
    history = await DuckdbHistory.open(path, ["p"], replace(FOR_EVER, holds={"p": 10 * SECOND}))
    at = MORNING
    rows = [
        Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(at), Instant(at)),  # stands 5 s
        Sample(0, float("nan"), Quality.BAD, Reason.TIMEOUT, Instant(at + 5 * SECOND), Instant(at)),  # 15 s
        Sample(0, 2.0, Quality.UNCERTAIN, Reason.TOO_OLD, Instant(at + 20 * SECOND), Instant(at)),  # stands 10 s
        Sample(0, 3.0, Quality.GOOD, Reason.NONE, Instant(at + 55 * SECOND), Instant(at)),  # stands into the next
        Sample(0, 4.0, Quality.GOOD, Reason.NONE, Instant(at + 61 * SECOND), Instant(at)),
    ]
    await history.append(SampleBatch.of(rows))
    found = await history.read("p", Instant(at), Instant(at + 2 * MINUTE), MINUTE)
    assert found.not_good.tolist() == [(60 - 5 - 10 - 5) * SECOND, (60 - 1 - 10) * SECOND]
    assert found.count.tolist() == [4, 1]
    await history.close()


@pytest.mark.usefixtures("at_once")
async def test_a_day_of_one_point_reads_that_point_and_hardly_its_neighbours(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_upkeep, "COMPACT_ROWS", 250_000)
    names = [f"p{number}" for number in range(60)]
    history = await DuckdbHistory.open(path, names, FOR_EVER)
    for day in range(3):
        await history.append(every_second(MORNING + day * DAY, 5000, len(names)))
        await settle(history, Instant(MORNING + day * DAY + 5000 * SECOND))
    await settle(history)
    asked = CurveAsked("p30", 30, SECOND, MORNING + DAY, MORNING + 2 * DAY, 10 * SECOND)
    values = {"point": 30, "hold": SECOND, "start": asked.start, "end": asked.end, "width": asked.width}
    query = curve_query(asked, history._shelf.catalog)
    profile = await history._query(
        lambda cursor, _: cursor.execute(f"EXPLAIN (ANALYZE, FORMAT json) {query}", values).fetchall()[0][1]
    )
    scans = list(_scans(json.loads(profile)))
    assert sum(scan.get("rows_scanned", 0) for scan in scans) < 3 * 61_440
    assert all(scan["extra_info"].get("Total Files Read", "1") == "1" for scan in scans)
    found = await history.read("p30", Instant(asked.start), Instant(asked.end), asked.width)
    assert found.count.sum() == 5000
    await history.close()


def _scans(node: object) -> Iterator[dict[str, dict[str, str]]]:
    if isinstance(node, dict):
        if node.get("type") == "TABLE_SCAN":
            yield node
        for child in node.values():
            yield from _scans(child)
    elif isinstance(node, list):
        for child in node:
            yield from _scans(child)


@pytest.mark.usefixtures("at_once")
async def test_each_class_of_points_is_kept_as_long_as_it_says(path: Path) -> None:
    plan = HistoryPlan(
        keeping=Keeping(2 * DAY, 4 * DAY, 100 * DAY),
        classes={"gas": Keeping(6 * DAY, 8 * DAY, 100 * DAY)},
        class_of={NAMES[2]: "gas"},
    )
    history = await DuckdbHistory.open(path, NAMES, plan)
    for day in range(10):
        await history.append(every_second(MORNING + day * DAY, 120))
        await settle(history, Instant(MORNING + day * DAY + 200 * SECOND))
    await history.append_events([entry(1)])
    now = Instant(MORNING + 10 * DAY)
    await settle(history, now)

    async def buckets_by_day(name: str) -> list[int]:
        found = await history.read(name, Instant(MORNING), now, MINUTE)
        return np.bincount((found.start - MORNING) // DAY).tolist()

    async def samples(name: str) -> list[int]:
        played = history.samples([name], Instant(0), now)
        return sorted({int(at - MORNING) // DAY async for each in played for at in each.receive_time})

    assert await samples(NAMES[0]) == [8, 9]
    assert await samples(NAMES[2]) == [4, 5, 6, 7, 8, 9]
    assert await buckets_by_day(NAMES[0]) == [1, 1, 1, 1, 1, 1, 2, 2, 2, 2], "an hour each, then minutes"
    assert await buckets_by_day(NAMES[2]) == [1, 1, 2, 2, 2, 2, 2, 2, 2, 2]
    size = await history.size()
    assert size.samples == 2 * 240 + 6 * 120
    assert size.expired == 8 * 240 + 4 * 120
    assert size.cut == 0
    assert len(await history.read_events(Instant(0), now)) == 1
    await history.close()


@pytest.mark.usefixtures("at_once")
async def test_where_samples_have_gone_their_minutes_stand_in_and_then_their_hours(path: Path) -> None:
    plan = HistoryPlan(keeping=Keeping(2 * DAY, 4 * DAY, 100 * DAY))
    history = await DuckdbHistory.open(path, NAMES, plan)
    for day in range(6):
        await history.append(every_second(MORNING + day * DAY, 120))
        await settle(history, Instant(MORNING + day * DAY + 200 * SECOND))
    now = Instant(MORNING + 6 * DAY)
    await settle(history, now)
    found = await history.read(NAMES[0], Instant(MORNING), now, 10 * SECOND)
    assert np.bincount((found.start - MORNING) // DAY).tolist() == [1, 1, 2, 2, 12, 12]
    assert found.count.sum() == 6 * 120
    whole = await history.read(NAMES[0], Instant(MORNING), now, MINUTE)
    assert whole.count.sum() == 6 * 120
    await history.close()


@pytest.mark.usefixtures("at_once")
async def test_the_budget_is_kept_by_letting_the_oldest_samples_go_and_says_how_many(path: Path) -> None:
    names = [f"p{number}" for number in range(20)]
    rng = np.random.default_rng(1)
    history = await DuckdbHistory.open(path, names, FOR_EVER)
    await history.append_events([entry(1)])
    for day in range(8):
        whole = every_second(MORNING + day * DAY, 4000, len(names))
        await history.append(replace(whole, value=rng.normal(size=len(whole))))
        await settle(history, Instant(MORNING + day * DAY + 4100 * SECOND))
    now = Instant(MORNING + 8 * DAY)
    await settle(history, now)
    full = (await history.size()).size
    await history.close()

    budget = full * 2 // 3
    history = await DuckdbHistory.open(path, names, replace(FOR_EVER, budget=budget))
    await settle(history, now)
    size = await history.size()
    assert size.size <= budget
    assert size.cut > 0
    assert size.expired == 0
    assert size.cut + size.samples == 8 * 4000 * 20
    kept = [at async for each in history.samples(None, Instant(0), now) for at in each.receive_time]
    assert len(kept) == size.samples
    assert min(kept) > MORNING + 4000 * SECOND, "the oldest day went first"
    assert max(kept) > MORNING + 7 * DAY
    assert len(await history.read_events(Instant(0), now)) == 1
    found = await history.read("p3", Instant(MORNING), now, MINUTE)
    assert found.count.sum() == 8 * 4000, "minutes of everything are there"
    await history.close()


@pytest.mark.usefixtures("at_once")
async def test_a_crash_between_a_file_and_its_name_is_mended_at_the_next_start(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    await history.append(every_second(MORNING, 100))
    await settle(history)
    await history.close()
    directory = path.with_name(path.name + ".segments")
    named = directory / files(path)[0]
    named.rename(named.with_name(named.name + ".new"))
    (directory / "building-99.new").write_bytes(b"half a file")
    (directory / "samples-restored-by-hand.parquet").write_bytes(b"not ours to remove")
    again = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    assert named.is_file()
    assert not (directory / "building-99.new").exists()
    assert (directory / "samples-restored-by-hand.parquet").exists()
    assert (await again.size()).damaged == ()
    assert await again.sample_count() == 300
    await again.close()


@pytest.mark.usefixtures("at_once")
async def test_a_missing_and_a_truncated_file_are_named_and_everything_else_goes_on(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    for day in range(3):
        await history.append(every_second(MORNING + day * DAY, 100))
        await settle(history, Instant(MORNING + day * DAY + MINUTE))
    await settle(history)
    await history.close()
    first, second = [name for name in files(path) if name.startswith("samples")][:2]
    directory = path.with_name(path.name + ".segments")
    (directory / first).unlink()
    whole = (directory / second).read_bytes()
    (directory / second).write_bytes(whole[: len(whole) // 2])
    again = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    assert (await again.size()).damaged == (first, second)
    await again.append(every_second(MORNING + 3 * DAY, 100))
    await settle(again)
    found = await again.read(NAMES[0], Instant(MORNING), Instant(MORNING + 4 * DAY), 4 * SECOND)
    assert sorted(set(((found.start - MORNING) // DAY).tolist())) == [2, 3]
    assert (directory / second).read_bytes() == whole[: len(whole) // 2], "left as it was found"
    await again.close()


@pytest.mark.usefixtures("at_once")
async def test_readers_never_see_a_sample_twice_or_not_at_all_while_files_are_exchanged(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    for part in range(4):
        await history.append(every_second(MORNING + part * HOUR, 200))
        await history.maintain(Instant(MORNING + part * HOUR))
    counts: list[int] = []
    lengths: list[int] = []

    async def read() -> None:
        while not done.is_set():
            counts.append(await history.sample_count())
            found = await history.read(NAMES[1], Instant(MORNING), Instant(MORNING + DAY), SECOND)
            lengths.append(int(found.count.sum()))

    done = asyncio.Event()
    readers = [asyncio.create_task(read()) for _ in range(3)]
    await settle(history)
    done.set()
    await asyncio.gather(*readers)
    assert set(counts) == {4 * 600}
    assert set(lengths) == {4 * 200}
    await history.close()


async def test_the_writer_goes_on_in_a_new_table_when_one_is_full(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_duckdb, "SEAL_ROWS", 500)
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    now = MORNING
    for number in range(20):
        await history.append(every_second(MORNING + number * MINUTE, 60))
        now = MORNING + number * MINUTE
        await history.maintain(Instant(now))
    assert len(history._shelf.catalog.generations) <= 3
    assert any(history._shelf.catalog.of(Grain.SAMPLE))
    assert await history.sample_count() == 20 * 180
    assert len(await history.latest()) == 3
    await history.close()


async def test_an_old_large_table_is_taken_over_a_part_at_a_time(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare("embedded, compacted", monkeypatch)
    monkeypatch.setattr(history_upkeep, "COMPACT_ROWS", 100)
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    await history.append(every_second(MORNING, 333))
    pieces = 0
    while await history.maintain(LATER):
        pieces += 1
        assert await history.sample_count() == 999
        found = await history.read(NAMES[2], Instant(MORNING), Instant(MORNING + HOUR), MINUTE)
        assert (found.count.sum(), found.not_good[1]) == (333, 0)
        await history.close()
        history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    assert pieces == 10
    await history.close()
    with duckdb.connect(str(path), read_only=True) as database:
        assert database.execute("SELECT count(*) FROM generation").fetchone() == (1,)
