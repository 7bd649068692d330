"""What every driver promises (`gateway.driver`), held against each, by every way in which it reaches a device."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from drivers.link import LONGEST_DELAY, retry_delay
from gateway.clock import SystemClock
from gateway.driver import Driver, DriverWork, LinkState
from gateway.sample import SECOND, Instant, Quality, Reason
from tests.drivers.conformance.rig import STEP, Fault, Rig
from tests.drivers.conformance.rigs import RIGS
from tests.drivers.support import Kept, because, device, output, points, running

every_rig = pytest.mark.parametrize("make", RIGS)
CASES = [
    pytest.param(rig, fault, id=f"{rig.__name__}-{fault.replace(' ', '-')}") for rig in RIGS for fault in rig.reasons
]


@contextlib.asynccontextmanager
async def at_work(make: type[Rig], folder: Path) -> AsyncIterator[tuple[Rig, Kept, Driver]]:
    rig = make(folder)
    await rig.start()
    try:
        async with running(rig.kind, rig.settings, points(rig.kind, rig.addresses)) as (kept, driver):
            yield rig, kept, driver
    finally:
        await rig.stop()


async def hear(kept: Kept, value: int) -> None:
    """Wait until both points say it."""
    for place in range(2):
        await kept.next(place, lambda s, place=place: s.value == value + STEP * place and s.quality is Quality.GOOD)


def usable(kept: Kept) -> set[tuple[int, float]]:
    return {(s.point, s.value) for batch in kept.batches for s in batch.samples() if s.quality < Quality.BAD}


def spoken(*values: int) -> set[tuple[int, float]]:
    return {(place, float(value + STEP * place)) for value in values for place in range(2)}


def bad(kept: Kept, start: int) -> dict[int, Reason]:
    """Why each point was last BAD since the batch."""
    later = (s for batch in kept.batches[start:] for s in batch.samples())
    return {s.point: s.reason for s in later if s.quality is Quality.BAD}


@every_rig
async def test_what_the_device_says_comes_up_and_nothing_else(make: type[Rig], tmp_path: Path) -> None:
    async with at_work(make, tmp_path) as (rig, kept, _):
        await hear(kept, 1000)
        rig.say(2000)
        await hear(kept, 2000)
        assert usable(kept) == spoken(1000, 2000)
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP]


@pytest.mark.parametrize(("make", "fault"), CASES)
async def test_a_fault_is_bad_with_a_reason_on_that_device_alone_and_passes(
    make: type[Rig], fault: Fault, tmp_path: Path
) -> None:
    async with at_work(make, tmp_path) as (rig, ill, _), at_work(make, tmp_path) as (_, well, _):
        await hear(ill, 1000)
        await hear(well, 1000)
        heard, sound = len(well.batches), len(ill.batches)
        await rig.inflict(fault)
        if rig.reasons[fault]:
            await ill.until(lambda: set(bad(ill, sound)) == {0, 1})
            assert set(bad(ill, sound).values()) <= rig.reasons[fault]
        else:
            await asyncio.sleep(0.3)
        rig.say(3000)
        await rig.mend()
        await hear(ill, 3000)
        assert usable(ill) <= spoken(1000, 3000), "a value that nobody sent"
        assert len(well.batches) > heard
        assert usable(well) == spoken(1000)
        assert all(s.quality is Quality.GOOD for batch in well.batches for s in batch.samples())
        told = [replace(status, at=Instant(0)) for status in ill.links]
        assert all(one != other for one, other in pairwise(told)), f"told twice: {told}"
        assert ill.states()[-1] is LinkState.UP


@every_rig
@pytest.mark.parametrize("fault", [Fault.GONE, Fault.HANG, Fault.REFUSE])
async def test_silence_is_data_from_the_very_start(make: type[Rig], fault: Fault, tmp_path: Path) -> None:
    rig = make(tmp_path)
    if fault in rig.impossible:
        pytest.skip(rig.impossible[fault])
    await rig.start()
    await rig.inflict(fault)
    async with running(rig.kind, rig.settings, points(rig.kind, rig.addresses)) as (kept, _):
        await kept.until(lambda: len(kept.all(0)) >= 2 and len(kept.all(1)) >= 2)
        assert {s.quality for batch in kept.batches for s in batch.samples()} == {Quality.BAD}
        assert kept.states() == [LinkState.CONNECTING, LinkState.DOWN]
        assert kept.links[-1].detail
    await rig.stop()


@every_rig
async def test_it_tries_again_for_ever_and_never_hammers(make: type[Rig], tmp_path: Path) -> None:
    rig = make(tmp_path)
    if Fault.REFUSE in rig.impossible:
        pytest.skip(rig.impossible[Fault.REFUSE])
    await rig.start()
    await rig.inflict(Fault.REFUSE)
    async with running(rig.kind, rig.settings, points(rig.kind, rig.addresses)):
        await asyncio.sleep(1.5)
        assert 2 <= rig.visits <= 60
    await rig.stop()


def test_no_wait_between_two_attempts_is_longer_than_a_safety_point_may_stay_unread() -> None:
    assert LONGEST_DELAY <= 5.0
    assert max(retry_delay(attempt) for attempt in range(2000)) <= LONGEST_DELAY
    assert max(retry_delay(0) for _ in range(200)) <= 0.1


@every_rig
@pytest.mark.parametrize("fault", [None, Fault.GONE, Fault.HANG])
async def test_cancellation_ends_it_at_once_and_leaves_nothing(
    make: type[Rig], fault: Fault | None, tmp_path: Path
) -> None:
    rig = make(tmp_path)
    if fault in rig.impossible:
        pytest.skip(rig.impossible[fault])
    await rig.start()
    await asyncio.sleep(0)
    if fault is not None:
        await rig.inflict(fault)
    before = {task.get_name() for task in asyncio.all_tasks()}
    kept = Kept()
    work = DriverWork(device(rig.kind, rig.settings), points(rig.kind, rig.addresses), (), kept, SystemClock())
    task = asyncio.create_task(rig.kind.open(work).run())
    await kept.until(lambda: kept.batches)
    task.cancel()
    started = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - started < 2.0
    await rig.stop()
    await asyncio.sleep(0.05)
    own = rig.kind.device_settings.__module__.split(".")[1]
    left = {task.get_name() for task in asyncio.all_tasks()} - before
    assert not [name for name in left if name.startswith(own)]


@every_rig
async def test_a_write_is_a_receipt_whatever_happens(make: type[Rig], tmp_path: Path) -> None:
    async with at_work(make, tmp_path) as (rig, kept, driver):
        await hear(kept, 1000)
        if not rig.kind.manifest.writes:
            assert not (await driver.write(output(rig.kind, {}), 1.0)).written
            return
        assert rig.output is not None
        target = output(rig.kind, rig.output)
        for value in (1.0, 0.0):
            receipt = await driver.write(target, value)
            assert receipt.written, receipt.detail
            assert rig.written == value
        for fault in (Fault.WRONG_ID, Fault.HANG, Fault.GONE):
            await rig.inflict(fault)
            async with asyncio.timeout(5):
                receipt = await driver.write(target, 1.0)
            assert not receipt.written, fault
            assert receipt.detail
            await rig.mend()
            await kept.until(lambda: kept.states()[-1] is LinkState.UP)
            await kept.next(0, lambda s: s.quality is Quality.GOOD)


@every_rig
async def test_a_source_s_own_time_is_kept_where_the_manifest_says_so(make: type[Rig], tmp_path: Path) -> None:
    async with at_work(make, tmp_path) as (rig, kept, _):
        sample = await kept.next(0, lambda s: s.quality is Quality.GOOD)
        if rig.kind.manifest.source_time:
            then = Instant(sample.receive_time // SECOND * SECOND - 7 * SECOND)
            rig.date(then)
            await kept.next(0, lambda s: s.source_time == then and s.receive_time > then)
        else:
            assert sample.source_time == sample.receive_time


@every_rig
async def test_a_source_that_disowns_its_value_is_believed(make: type[Rig], tmp_path: Path) -> None:
    async with at_work(make, tmp_path) as (rig, kept, _):
        await hear(kept, 1000)
        if rig.kind.manifest.source_quality:
            rig.disown()
            assert (await kept.next(0, because(Reason.SENSOR_FAULT))).quality is Quality.BAD


@every_rig
def test_a_driver_that_polls_says_what_a_scan_costs(make: type[Rig], tmp_path: Path) -> None:
    rig = make(tmp_path)
    # A port of 0 only says "any"; the load is computed from the file and never from a connection.
    some = points(rig.kind, rig.addresses)
    settings = {**rig.settings, "port": 1} if rig.settings.get("port") == 0 else rig.settings
    load = rig.kind.load(device(rig.kind, settings), some)
    assert (load is not None) == rig.kind.manifest.polls
