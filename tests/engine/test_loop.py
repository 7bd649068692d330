"""Decide, make durable, tell: through failures of the journal everything is kept once, in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.driver import LinkState, LinkStatus
from gateway.errors import IllegalTransition, StoreFailed
from gateway.event import subject_of
from gateway.runtime import intake, loop, states
from gateway.runtime.intake import Intake
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.standing import Standing
from tests.engine.scripted import FALSE, TRUE
from tests.engine.site import HOT, RunningSite, until

BREACH = ["interlock.demanded", "command.requested", "alarm.raised", "ticket.filed"]


async def test_what_a_tick_decides_is_kept_and_told_in_the_same_order() -> None:
    site = await RunningSite.started()
    await site.tick(TRUE)
    assert site.journal.kinds == site.told_kinds == BREACH
    assert site.loop.sequence == site.journal.entries[-1].sequence


async def test_what_the_journal_cannot_take_is_held_and_kept_once_in_order() -> None:
    site = await RunningSite.started()
    site.journal.broken = True
    for cause in (TRUE, FALSE, TRUE):
        await site.tick(cause, TRUE)
    assert site.journal.entries == site.told == []
    assert isinstance(site.loop.failure, StoreFailed)
    site.journal.broken = False
    await site.tick(TRUE, TRUE)
    await site.tick(TRUE, TRUE)
    assert site.loop.failure is None
    assert site.told == site.journal.entries
    assert [entry.sequence for entry in site.told] == list(range(1, len(site.told) + 1))
    assert site.told_kinds.count("alarm.raised") == 2
    times = [entry.event.at for entry in site.told]
    assert times == sorted(times)


async def test_what_is_held_is_bounded_and_what_goes_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "EVENTS_HELD", 3)
    site = await RunningSite.started()
    site.journal.broken = True
    await site.tick(TRUE)
    decided = site.loop.events_lost + 3
    site.journal.broken = False
    await site.tick(TRUE)
    assert len(site.journal.entries) == 3 < decided


async def test_an_action_that_cannot_be_kept_changes_nothing() -> None:
    site = await RunningSite.started()
    await site.tick(TRUE)
    before, rows = site.loop.engine.states.alarms[HOT], dict(site.journal.rows)
    site.journal.broken = True
    with pytest.raises(StoreFailed):
        await site.acknowledge()
    assert site.loop.engine.states.alarms[HOT] == before
    assert site.journal.rows == rows
    assert "alarm.acknowledged" not in site.told_kinds
    site.journal.broken = False
    await site.acknowledge()
    assert site.told_kinds[-1] == "alarm.acknowledged"


async def test_an_action_that_is_refused_changes_nothing() -> None:
    site = await RunningSite.started()
    with pytest.raises(IllegalTransition):
        await site.acknowledge()
    assert site.journal.entries == site.told == []


async def test_an_action_never_overtakes_the_events_that_are_held_before_it() -> None:
    site = await RunningSite.started()
    site.journal.broken = True
    await site.tick(TRUE)
    site.journal.broken, site.journal.refusals = False, 1
    with pytest.raises(StoreFailed):
        await site.acknowledge()
    assert site.journal.entries == []
    await site.acknowledge()
    assert site.journal.kinds == [*BREACH, "alarm.acknowledged"]


async def test_held_events_that_an_action_brings_into_the_journal_are_told_as_well() -> None:
    site = await RunningSite.started()
    site.journal.broken = True
    await site.tick(TRUE)
    site.journal.broken = False
    await site.acknowledge()
    assert site.told == site.journal.entries
    async with site.sending():
        await asyncio.sleep(0.02)
    assert site.driver.written == [("furnace.trip", 1.0)]


async def test_a_duplicate_is_not_told_twice() -> None:
    site = await RunningSite.started()
    await site.tick(TRUE)
    told = list(site.told)
    again = [entry.event for entry in told]
    assert await site.loop.act(lambda _: again) == []
    assert site.told == told
    assert len(site.journal.entries) == len(told)


async def test_an_action_whose_asker_has_gone_away_is_kept_and_taken_or_neither() -> None:
    site = await RunningSite.started()
    await site.tick(TRUE)
    site.journal.kept_before_answer = asyncio.Event()
    asked = asyncio.create_task(site.acknowledge())
    await until(lambda: site.journal.kinds[-1] == "alarm.acknowledged")
    asked.cancel()
    site.journal.kept_before_answer.set()
    await asyncio.gather(asked, return_exceptions=True)
    await site.tick(TRUE)
    assert site.loop.engine.states.alarms[HOT].acknowledged
    assert site.told == site.journal.entries


async def test_the_rows_in_the_journal_are_the_states() -> None:
    site = await RunningSite.started()
    for cause in (TRUE, FALSE, TRUE):
        await site.tick(cause)
    await site.acknowledge()
    loaded: Standing = await states.load(site.journal)
    assert loaded == site.loop.engine.states


async def test_an_alarm_that_needs_nobody_is_remembered_after_a_restart_and_says_nothing() -> None:
    site = await RunningSite.started()
    await site.tick(TRUE)
    await site.tick(FALSE)
    await site.acknowledge()
    before = len(site.journal.entries)
    again = await RunningSite.started(site.journal, at=site.clock.now())
    assert again.loop.engine.states.alarms[HOT].occurrence
    await again.tick(FALSE)
    await again.tick(FALSE)
    assert HOT not in {subject_of(entry.event) for entry in site.journal.entries[before:]}


async def test_a_link_that_changes_is_in_the_journal_before_anything_else_of_its_tick() -> None:
    site = await RunningSite.started()
    site.intake.link(LinkStatus("plc", LinkState.DOWN, Reason.TIMEOUT, "no answer", Instant(1)))
    await site.tick(TRUE)
    assert site.journal.kinds == ["link.changed", *BREACH]
    assert site.loop.links["plc"].state is LinkState.DOWN


async def test_news_of_a_device_s_clock_reaches_the_screens_and_is_no_second_coming_up_in_the_journal() -> None:
    site = await RunningSite.started()
    up = LinkStatus("plc", LinkState.UP, Reason.NONE, "answers", Instant(1))
    for status in (
        up,
        replace(up, at=Instant(2), clock_ahead=0),
        replace(up, at=Instant(3), detail="answers; 9 s ahead"),
    ):
        site.intake.link(status)
        await site.tick(FALSE)
        assert site.loop.links["plc"] == status
    assert site.journal.kinds == ["link.changed", "link.changed"]


def batch(count: int) -> SampleBatch:
    return SampleBatch.of([Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(n), Instant(n)) for n in range(count)])


def test_the_intake_counts_every_sample_that_it_drops(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "SAMPLES_KEPT", 10)
    queue = Intake()
    for size in (4, 4, 4, 0, 9, 30):
        queue.samples(batch(size))
    kept = sum(len(part) for part in queue.drain()[0])
    assert queue.received == 51
    assert queue.received == kept + queue.dropped
    assert kept <= 10
    queue.samples(batch(10))
    assert [len(part) for part in queue.drain()[0]] == [10]


async def test_the_intake_wakes_for_a_link_and_for_samples_and_otherwise_after_the_longest_wait() -> None:
    queue = Intake()
    await queue.wait(0.01)
    assert queue.drain() == ([], [])
    queue.samples(batch(1))
    await queue.wait(60)
    queue.drain()
    queue.link(LinkStatus("plc", LinkState.UP, Reason.NONE, "", Instant(1)))
    await queue.wait(60)
    assert len(queue.drain()[1]) == 1
