"""The history's contract, on real files, over every store and every state that its samples can be in."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RequestRefused, StoreFailed, UnknownSubject
from gateway.event import Entry
from gateway.events.lifecycle import GatewayStopped
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import Curve, History
from gateway.stores.history_duckdb import DuckdbHistory
from tests.stores.child import event
from tests.stores.history_support import (
    BAD,
    GOOD,
    NAMES,
    STALE,
    STORES,
    UNCERTAIN,
    bad,
    curve,
    numbers,
    prepare,
    sample,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


@pytest_asyncio.fixture(loop_scope="function", params=STORES)
async def history(
    request: pytest.FixtureRequest, path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[History]:
    prepare(request.param, monkeypatch)
    store = await STORES[request.param](path, NAMES)
    yield store
    await store.close()


async def test_a_bucket_keeps_extremes_mean_last_and_the_worst_quality(history: History) -> None:
    await history.append(SampleBatch.of([sample(0, 1), sample(4, 5), sample(3, -2, UNCERTAIN)]))
    await history.append(SampleBatch.of([sample(12, 7), bad(13)]))
    found = await curve(history, 0, 20, 2)
    assert numbers(found) == [(0, -2, 5, pytest.approx(4 / 3), 5, UNCERTAIN), (10, 7, 7, 7, 7, BAD)]
    assert (found.point, found.bucket) == (NAMES[0], 10)
    assert [column.dtype for column in (found.start, found.low, found.last, found.worst)] == [
        np.int64, np.float64, np.float64, np.uint8,
    ]  # fmt: skip
    assert not any(isinstance(column, np.ma.MaskedArray) for column in (found.low, found.mean, found.last))


async def test_a_value_that_is_not_good_is_in_no_number(history: History) -> None:
    await history.append(SampleBatch.of([sample(1, 10), sample(2, 9999, STALE), bad(3), sample(15, 9999, STALE)]))
    first, second = numbers(await curve(history, 0, 20, 2))
    assert first == (0, 10, 10, 10, 10, BAD)
    assert second[0] == 10
    assert np.isnan(second[1:5]).all()
    assert second[5] == STALE


async def test_a_number_that_is_none_is_in_no_number_whatever_its_quality(history: History) -> None:
    await history.append(
        SampleBatch.of([sample(1, 10), sample(2, float("nan")), sample(3, float("inf")), sample(4, -float("inf"))])
    )
    assert numbers(await curve(history, 0, 10, 1)) == [(0, 10, 10, 10, 10, GOOD)]


async def test_an_empty_bucket_is_absent(history: History) -> None:
    await history.append(SampleBatch.of([sample(0, 1), sample(95, 2)]))
    assert [row[0] for row in numbers(await curve(history, 0, 100, 10))] == [0, 90]
    assert numbers(await curve(history, 200, 300, 10)) == []
    assert numbers(await curve(history, 0, 100, 10, NAMES[1])) == []


async def test_the_start_belongs_to_the_range_and_the_end_does_not(history: History) -> None:
    await history.append(SampleBatch.of([sample(at, at) for at in (9, 10, 19, 20)]))
    assert [row[1:3] for row in numbers(await curve(history, 10, 20, 1))] == [(10, 19)]
    assert numbers(await curve(history, 10, 10, 5)) == []


async def test_of_values_at_one_time_the_one_received_last_is_the_last(history: History) -> None:
    late = Sample(0, 2.0, GOOD, Reason.NONE, Instant(5), Instant(50))
    early = Sample(0, 1.0, GOOD, Reason.NONE, Instant(5), Instant(6))
    await history.append(SampleBatch.of([late, early]))
    await history.append(SampleBatch.of([replace(early, point=1), replace(late, point=1)]))
    assert [numbers(await curve(history, 0, 10, 1, name))[0][4] for name in NAMES[:2]] == [2.0, 2.0]


async def test_points_do_not_mix(history: History) -> None:
    await history.append(SampleBatch.of([sample(5, 1, point=0), sample(5, 2, point=1), sample(5, 3, point=2)]))
    assert [numbers(await curve(history, 0, 10, 1, name))[0][4] for name in NAMES] == [1, 2, 3]


async def test_times_far_from_today_are_kept_and_disturb_no_other(history: History) -> None:
    first, last, now = 0, 4_102_444_799 * SECOND, 1_800_000_000 * SECOND
    edges = [-(2**63), 2**63 - 1]
    times = np.array([first, last, now, *edges], dtype=np.int64)
    await history.append(
        SampleBatch(
            point=np.zeros(5, dtype=np.int32),
            value=np.array([1.0, 2.0, 3.0, 4.0, 5.0]),
            quality=np.zeros(5, dtype=np.uint8),
            reason=np.zeros(5, dtype=np.uint8),
            source_time=times,
            receive_time=np.full(5, now),
        )
    )
    assert [row[4] for row in numbers(await curve(history, now - SECOND, now + SECOND, 100))] == [3]
    assert [row[4] for row in numbers(await curve(history, first, last + 1, 1000))] == [1, 3, 2]
    assert [row[4] for row in numbers(await curve(history, -(2**63), 2**63 - 1, 100_000))] == [1, 3, 2]
    assert await history.sample_count() == 5


async def test_an_unknown_point_and_a_range_that_does_not_hold_are_refused(history: History) -> None:
    with pytest.raises(UnknownSubject, match="nowhere"):
        await curve(history, 0, 10, 1, "nowhere")
    with pytest.raises(RequestRefused, match="end: expected a time at or after the start"):
        await curve(history, 10, 9, 1)
    for resolution in (0, -1):
        with pytest.raises(RequestRefused, match="resolution: expected 1 or more"):
            await history.read(NAMES[0], Instant(0), Instant(10), resolution)
    with pytest.raises(RequestRefused, match="resolution: expected 100 or more microseconds"):
        await history.read(NAMES[0], Instant(0), Instant(10**7), 99)


async def test_keys_follow_names_through_a_changed_plant_file(path: Path) -> None:
    before = await DuckdbHistory.open(path, ["a", "b"])
    await before.append(SampleBatch.of([sample(1, 1, point=0), sample(1, 2, point=1)]))
    await before.close()
    after = await DuckdbHistory.open(path, ["new", "b"])
    await after.append(SampleBatch.of([sample(2, 30, point=0), sample(2, 20, point=1)]))
    found = [[row[4] for row in numbers(await curve(after, 0, 3, 3, name))] for name in ("a", "b", "new")]
    assert found == [[1], [2, 20], [30]]
    await after.close()


async def test_batches_of_any_length_are_kept_whole(history: History) -> None:
    total = 0
    for length in (2000, 3, 0, 1, 5000, 150_000, 2):
        await history.append(SampleBatch.of([sample(total + n, n, point=n % 3) for n in range(length)]))
        total += length
        assert await history.sample_count() == total


async def test_columns_that_are_views_or_other_integers_are_kept_as_they_read(history: History) -> None:
    wide = np.arange(20)
    await history.append(
        SampleBatch(
            point=np.zeros(10, dtype=np.int64),
            value=wide[::2].astype(np.float64)[::-1],
            quality=np.zeros(10, dtype=np.int64),
            reason=np.zeros(10, dtype=np.int64),
            source_time=wide[::2],
            receive_time=wide[::-2],
        )
    )
    assert [row[4] for row in numbers(await curve(history, 0, 20, 10))] == list(range(18, -1, -2))


def entry(sequence: int) -> Entry:
    return Entry(sequence, event(sequence))


async def test_events_are_kept_once_and_found_by_time_kind_and_subject(history: History) -> None:
    stopped = Entry(4, GatewayStopped(id="s", at=Instant(4)))
    await history.append_events([entry(1), entry(2), entry(2)])
    await history.append_events([entry(2), entry(3), stopped])
    await history.append_events([])

    async def sequences(start: int, end: int, **choice: str | int) -> list[int]:
        found = await history.read_events(Instant(start), Instant(end), **choice)  # type: ignore[arg-type]
        return [record.sequence for record in found]

    assert await sequences(0, 10) == [1, 2, 3, 4]
    assert await sequences(2, 4) == [2, 3]
    assert await sequences(0, 10, kind_prefix="condition.") == [1, 2, 3]
    assert await sequences(0, 10, kind_prefix="gateway", subject="gateway") == [4]
    assert await sequences(0, 10, subject="co.high@co-1", limit=2) == [1, 2]
    record = (await history.read_events(Instant(0), Instant(10)))[0]
    assert (record.at, record.kind, record.subject, record.equipment) == (
        1, "condition.changed", "co.high@co-1", "co-1",
    )  # fmt: skip
    assert '"rule":"co.high@co-1"' in record.body


async def test_many_events_given_twice_in_one_call_are_kept_once(history: History) -> None:
    entries = [entry(number) for number in range(1, 5001)]
    await history.append_events([*entries, *entries])
    await history.append_events(entries)
    assert len(await history.read_events(Instant(0), Instant(10**6), limit=10**6)) == 5000


async def test_reads_go_on_beside_appends_and_see_whole_batches_only(history: History) -> None:
    async def append() -> None:
        for number in range(60):
            await history.append(SampleBatch.of([sample(n, number, point=n % 3) for n in range(100)]))

    async def read() -> list[int]:
        return [await history.sample_count() for _ in range(60)]

    _, one, other = await asyncio.gather(append(), read(), read())
    for counts in (one, other):
        assert all(count % 100 == 0 for count in counts)
        assert counts == sorted(counts)
    assert await history.sample_count() == 6000


async def test_everything_is_there_after_closing_and_opening(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES)
    await history.append(SampleBatch.of([sample(1, 1)]))
    await history.append_events([entry(1)])
    await history.close()
    await history.close()
    with pytest.raises(StoreFailed, match="closed"):
        await history.append(SampleBatch.of([sample(1, 1)]))
    with pytest.raises(StoreFailed, match="closed"):
        await history.sample_count()
    again = await DuckdbHistory.open(path, NAMES)
    await again.append_events([entry(1)])
    assert (await again.sample_count(), len(await again.read_events(Instant(0), Instant(9)))) == (1, 1)
    await again.close()


readings = st.tuples(
    st.integers(0, 999),
    st.floats(-1e6, 1e6),
    st.sampled_from([GOOD, GOOD, GOOD, UNCERTAIN, STALE, BAD]),
)


@pytest.fixture(scope="module")
def lawful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, DuckdbHistory, Iterator[int]]]:
    """One history for all examples of a law: each takes the next point."""
    names = [f"p{number}" for number in range(10_000)]
    with asyncio.Runner() as runner:
        history = runner.run(DuckdbHistory.open(tmp_path_factory.mktemp("law") / "history.db", names))
        yield runner, history, itertools.count()
        runner.run(history.close())


@settings(max_examples=150, deadline=None)
@given(
    batches=st.lists(st.lists(readings, max_size=40), min_size=1, max_size=4),
    start=st.integers(0, 500),
    span=st.integers(0, 600),
    buckets=st.integers(1, 50),
)
def test_a_curve_has_the_extremes_of_the_raw_data_and_every_sample_is_counted_once(
    lawful: tuple[asyncio.Runner, DuckdbHistory, Iterator[int]],
    batches: list[list[tuple[int, float, Quality]]],
    start: int,
    span: int,
    buckets: int,
) -> None:
    runner, history, points = lawful
    point = next(points)

    async def run() -> None:
        before = await history.sample_count()
        for one in batches:
            await history.append(SampleBatch.of([as_kept(point, *reading) for reading in one]))
        raw = [reading for one in batches for reading in one]
        assert await history.sample_count() - before == len(raw)
        found = await curve(history, start, start + span, buckets, f"p{point}")
        check(found, [reading for reading in raw if start <= reading[0] < start + span], start, buckets)

    runner.run(run())


def as_kept(point: int, at: int, value: float, quality: Quality) -> Sample:
    return sample(at, float("nan") if quality is BAD else value, quality, point)


def check(found: Curve, raw: list[tuple[int, float, Quality]], start: int, buckets: int) -> None:
    places: dict[int, list[tuple[int, float, Quality]]] = {}
    for reading in raw:
        places.setdefault((reading[0] - start) // found.bucket * found.bucket + start, []).append(reading)
    assert found.start.tolist() == sorted(places)
    assert len(found.start) <= buckets
    for at, low, high, mean, last, worst in numbers(found):
        inside = places[at]
        usable = [(when, value) for when, value, quality in inside if quality <= UNCERTAIN]
        assert worst == max(quality for *_, quality in inside)
        if usable:
            values = [value for _, value in usable]
            newest = max(when for when, _ in usable)
            assert (low, high) == (min(values), max(values))
            assert mean == pytest.approx(sum(values) / len(values), abs=1e-6)
            assert last in [value for when, value in usable if when == newest]
        else:
            assert np.isnan([low, high, mean, last]).all()
