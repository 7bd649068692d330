"""The history played back, as back-test and warm-up ask for it: whole, in order, beside a writer that goes on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from gateway.errors import RequestRefused, UnknownSubject
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import History
from gateway.stores import history_replay
from gateway.stores.history_duckdb import DuckdbHistory
from tests.stores.history_support import NAMES, bad, sample

Row = tuple[int, int, float]


@pytest_asyncio.fixture(loop_scope="function")
async def history(tmp_path: Path) -> AsyncIterator[DuckdbHistory]:
    store = await DuckdbHistory.open(tmp_path / "history.db", NAMES)
    yield store
    await store.close()


async def rows(history: History, start: int, end: int, points: list[str] | None = None, chunk: int = 1000) -> list[Row]:
    found: list[Row] = []
    async for batch in history.samples(points, Instant(start), Instant(end), chunk=chunk):
        assert 0 < len(batch) <= chunk
        found += [(one.receive_time, one.point, one.value) for one in batch.samples()]
    return found


def received(at: int, value: float, point: int = 0, source: int | None = None) -> Sample:
    told = at if source is None else source
    return Sample(point, value, Quality.GOOD, Reason.NONE, Instant(told), Instant(at))


async def test_samples_come_in_order_of_receive_time_whatever_their_source_time(history: DuckdbHistory) -> None:
    await history.append(SampleBatch.of([received(30, 3, 1), received(10, 1, 2, source=99), received(20, 2)]))
    await history.append(SampleBatch.of([received(15, 4, source=-5), received(20, 5, 1), received(20, 6, 2)]))
    assert await rows(history, 0, 100) == [(10, 2, 1), (15, 0, 4), (20, 0, 2), (20, 1, 5), (20, 2, 6), (30, 1, 3)]


async def test_the_range_and_the_points_are_kept_to(history: DuckdbHistory) -> None:
    await history.append(SampleBatch.of([received(at, at, at % 3) for at in range(30)]))
    assert [row[0] for row in await rows(history, 10, 20)] == list(range(10, 20))
    assert await rows(history, 10, 20, [NAMES[2]]) == [(11, 2, 11), (14, 2, 14), (17, 2, 17)]
    assert await rows(history, 10, 10) == []
    assert await rows(history, 10, 20, []) == []
    assert await rows(history, 1000, 2000) == []


async def test_a_sample_that_is_not_good_is_played_back_as_it_was(history: DuckdbHistory) -> None:
    await history.append(SampleBatch.of([sample(1, 5.0), bad(2), sample(3, 7.0, Quality.STALE)]))
    [batch] = [each async for each in history.samples(None, Instant(0), Instant(10))]
    assert batch.quality.tolist() == [Quality.GOOD, Quality.BAD, Quality.STALE]
    assert batch.reason.tolist() == [Reason.NONE, Reason.TIMEOUT, Reason.TIMEOUT]
    assert batch.value.tolist()[::2] == [5.0, 7.0]
    assert np.isnan(batch.value[1])
    assert [column.dtype for column in (batch.point, batch.value, batch.quality, batch.source_time)] == [
        np.int32, np.float64, np.uint8, np.int64,
    ]  # fmt: skip


async def test_chunks_windows_and_years_of_silence_lose_and_double_nothing(
    history: DuckdbHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history_replay, "ROWS_AT_ONCE", 50)
    year = 365 * 86_400 * SECOND
    times = [*range(0, 500 * SECOND, SECOND), *range(40 * year, 40 * year + 3000), 129 * year]
    await history.append(SampleBatch.of([received(at, number, number % 3) for number, at in enumerate(times)]))
    found = await rows(history, -(2**63), 2**63 - 1, chunk=7)
    assert [row[2] for row in found] == list(range(len(times)))


async def test_points_that_the_plant_file_no_longer_has_are_left_out(tmp_path: Path) -> None:
    before = await DuckdbHistory.open(tmp_path / "old.db", ["gone", "kept"])
    await before.append(SampleBatch.of([received(1, 1, 0), received(2, 2, 1)]))
    await before.close()
    after = await DuckdbHistory.open(tmp_path / "old.db", ["new", "kept"])
    await after.append(SampleBatch.of([received(3, 3, 0)]))
    assert await rows(after, 0, 10) == [(2, 1, 2), (3, 0, 3)]
    with pytest.raises(UnknownSubject, match="gone"):
        await rows(after, 0, 10, ["gone"])
    await after.close()


async def test_what_does_not_hold_is_refused(history: DuckdbHistory) -> None:
    with pytest.raises(RequestRefused, match="end: expected a time at or after the start"):
        await rows(history, 10, 9)
    with pytest.raises(RequestRefused, match="chunk: expected a number from 1"):
        await rows(history, 0, 9, chunk=0)
    with pytest.raises(UnknownSubject, match="nowhere"):
        await rows(history, 0, 9, ["nowhere"])


async def test_the_writer_goes_on_while_samples_are_played_back(history: DuckdbHistory) -> None:
    await history.append(SampleBatch.of([received(at, at) for at in range(1000)]))
    found = []
    async for batch in history.samples(None, Instant(0), Instant(10_000), chunk=100):
        found += batch.receive_time.tolist()
        await history.append(SampleBatch.of([received(20_000 + len(found), 0)]))
    assert found == list(range(1000))
    assert await history.sample_count() == 1010


async def test_a_replay_that_is_left_halfway_holds_nothing(history: DuckdbHistory) -> None:
    await history.append(SampleBatch.of([received(at, at) for at in range(1000)]))
    for _ in range(5):
        async for _batch in history.samples(None, Instant(0), Instant(10_000), chunk=1):
            break
    assert len(await asyncio.gather(*(rows(history, 0, 1000) for _ in range(4)))) == 4
