"""A command is sent once, after it is in the journal, if the plant file allows it, and not when it is too old."""

from __future__ import annotations

import asyncio

import pytest

from gateway.engine import Engine
from gateway.events.interlocks import CommandCompleted, Verdict
from gateway.events.outputs import CommandJudged
from gateway.output_desk import PersonsWish
from gateway.plant.guard import Comparison, Expectation, Guard, PointTest, Rate
from gateway.runtime import commands
from gateway.runtime.commands import CURSOR, EXPIRES_AFTER, PERSON_WAITS
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from tests.engine.scripted import FALSE, TRUE
from tests.engine.site import RunningSite, until


def receipts(site: RunningSite) -> list[CommandCompleted]:
    return [entry.event for entry in site.journal.entries if isinstance(entry.event, CommandCompleted)]


async def test_a_command_is_written_once_and_its_receipt_is_in_the_journal() -> None:
    site = await RunningSite.started()
    async with site.sending():
        await site.tick(TRUE)
        await until(lambda: receipts(site))
        await site.tick(TRUE)
    assert site.driver.written == [("furnace.trip", 1.0)]
    assert [receipt.written for receipt in receipts(site)] == [True]
    (demand,) = site.loop.engine.states.demands.values()
    assert demand.effects[0].written


async def test_nothing_is_sent_that_is_not_in_the_journal() -> None:
    site = await RunningSite.started()
    site.journal.broken = True
    async with site.sending():
        await site.tick(TRUE)
        await asyncio.sleep(0.02)
        assert site.driver.written == []
        site.journal.broken = False
        await site.tick(TRUE)
        await until(lambda: receipts(site))
    assert site.driver.written == [("furnace.trip", 1.0)]


async def test_a_driver_that_breaks_in_a_write_costs_its_receipt_and_nothing_else() -> None:
    site = await RunningSite.started()
    site.driver.bug = AttributeError("is_integer")
    async with site.sending():
        await site.tick(TRUE)
        await until(lambda: receipts(site))
    (receipt,) = receipts(site)
    assert not receipt.written
    assert "is_integer" in receipt.detail


async def test_what_the_plant_file_does_not_allow_is_not_written_and_the_receipt_says_so() -> None:
    site = await RunningSite.started(allowed=False)
    async with site.sending():
        await site.tick(TRUE)
        await until(lambda: receipts(site))
    assert site.driver.written == []
    (receipt,) = receipts(site)
    assert not receipt.written
    assert "allowed: true" in receipt.detail


NEVER = PointTest("furnace.point_2", Comparison.EQUALS, 1)
"""A permissive of a point that nothing reads: unknown."""


async def test_an_interlocks_command_that_the_gateway_refuses_is_an_alarm_with_its_reason() -> None:
    site = await RunningSite.started(guard=Guard(fail_safe=0.0, permissives=(NEVER,)))
    async with site.sending():
        await site.tick(TRUE)
        await until(lambda: receipts(site))
        await site.tick(TRUE)
    assert site.driver.written == []
    (receipt,) = receipts(site)
    assert receipt.refused
    assert "expected furnace.point_2 equals 1, got unknown (bad, never_seen)" in receipt.detail
    alarms = site.loop.engine.states.alarms
    assert alarms["command.refused@furnace.trip"].active
    await site.tick(FALSE, TRUE)
    await site.tick(FALSE)
    assert not alarms["command.refused@furnace.trip"].active, "the demand is over"


async def test_the_safe_command_of_an_interlock_goes_out_whatever_cannot_be_read() -> None:
    guard = Guard(fail_safe=1.0, rate=Rate(1, 60 * SECOND), permissives=(NEVER,))
    site = await RunningSite.started(guard=guard)
    async with site.sending():
        for _ in range(3):
            await site.tick(TRUE)
            await site.tick(FALSE, TRUE)
            await site.tick(FALSE)
            await site.tick(FALSE)
        await until(lambda: len(receipts(site)) == 3)
    assert site.driver.written == [("furnace.trip", 1.0)] * 3


async def commanded_by_a_person(site: RunningSite) -> None:
    """Both steps, with nothing to send them."""
    wish = PersonsWish("furnace.trip", 0.0, "王", "token", "test")
    for step in (site.loop.engine.output_desk.select, site.loop.engine.output_desk.operate):
        decision = step(wish, site.loop.table, site.clock.now())
        assert decision.refusal is None
        await site.loop.act(lambda _, kept=decision.events: kept)


FOR_PEOPLE = Guard(fail_safe=1.0, people=True)


async def test_a_persons_command_is_sent_once_and_its_receipt_is_kept() -> None:
    site = await RunningSite.started(guard=FOR_PEOPLE)
    await commanded_by_a_person(site)
    async with site.sending():
        await until(lambda: receipts(site))
    assert site.driver.written == [("furnace.trip", 0.0)]
    again = await RunningSite.started(site.journal, at=site.clock.now(), guard=FOR_PEOPLE)
    assert again.loop.engine.states.outputs == site.loop.engine.states.outputs
    assert again.loop.engine.output_desk.state("furnace.trip").held == 0.0


async def test_a_persons_command_is_not_made_up_for_after_they_have_turned_away() -> None:
    before = await RunningSite.started(guard=FOR_PEOPLE)
    await commanded_by_a_person(before)
    site = await RunningSite.started(before.journal, at=before.clock.now() + PERSON_WAITS + 1, guard=FOR_PEOPLE)
    async with site.sending():
        await until(lambda: receipts(site))
    assert site.driver.written == []
    assert receipts(site)[0].refused


async def test_a_persons_command_that_an_interlock_has_overtaken_is_not_sent() -> None:
    site = await RunningSite.started(guard=FOR_PEOPLE)
    await commanded_by_a_person(site)
    await site.tick(TRUE)
    async with site.sending():
        await until(lambda: len(receipts(site)) == 2)
    assert site.driver.written == [("furnace.trip", 1.0)]


async def owing() -> RunningSite:
    """A site that stopped between the journal and the device."""
    site = await RunningSite.started()
    await site.tick(TRUE)
    return site


async def test_what_an_earlier_run_owes_is_sent_once() -> None:
    before = await owing()
    site = await RunningSite.started(before.journal, at=before.clock.now() + SECOND)
    async with site.sending():
        await until(lambda: receipts(site))
        await site.tick(TRUE)
    assert site.driver.written == [("furnace.trip", 1.0)]
    again = await RunningSite.started(site.journal, at=site.clock.now() + SECOND)
    async with again.sending():
        await asyncio.sleep(0.02)
    assert again.driver.written == []


@pytest.mark.parametrize(("age", "sent"), [(EXPIRES_AFTER, True), (EXPIRES_AFTER + 1, False)])
async def test_what_an_earlier_run_owes_for_too_long_is_not_sent(age: int, sent: bool) -> None:
    before = await owing()
    site = await RunningSite.started(before.journal, at=before.clock.now() + age)
    async with site.sending():
        await until(lambda: receipts(site))
    assert [receipt.written for receipt in receipts(site)] == [sent]
    assert bool(site.driver.written) is sent


async def test_a_device_that_never_answers_leaves_a_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "WRITE_TIMEOUT", 0.01)
    site = await RunningSite.started()
    site.driver.silent = True
    async with site.sending():
        await site.tick(TRUE)
        await until(lambda: receipts(site))
    assert not receipts(site)[0].written


async def test_a_receipt_that_the_journal_could_not_take_is_kept_once_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "RETRY_AFTER", 0.001)
    site = await RunningSite.started()
    async with site.sending():
        await site.tick(TRUE)
        site.journal.broken = True
        await until(lambda: site.driver.written)
        await site.tick(TRUE)
        site.journal.broken = False
        await site.tick(FALSE)
        await until(lambda: receipts(site))
    assert [receipt.written for receipt in receipts(site)] == [True]
    assert site.driver.written == [("furnace.trip", 1.0)]


async def test_the_cursor_stops_before_the_oldest_command_without_a_receipt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "CURSOR_EVERY", 0.005)
    site = await RunningSite.started()
    site.driver.silent = True
    async with site.sending():
        await site.tick(TRUE)
        await site.tick(FALSE)
        asked = next(e.sequence for e in site.journal.entries if e.event.kind == "command.requested")
        await until(lambda: CURSOR in site.journal.cursors)
        await asyncio.sleep(0.02)
    assert site.journal.cursors[CURSOR] == asked - 1


LOOKED_AT = Guard(
    fail_safe=1.0,
    people=True,
    process=(Expectation(0.0, PointTest("furnace.point_0", Comparison.FALLS_BY, 0.5), 9 * SECOND, 0, SECOND // 10),),
)


async def test_a_command_that_is_looked_at_is_looked_at_through_a_reload() -> None:
    site = await RunningSite.started(guard=LOOKED_AT)
    await flow(site, 1.0)
    await commanded_by_a_person(site)
    async with site.sending():
        await until(lambda: receipts(site))
    await flow(site, 1.0, after=SECOND // 10)
    await flow(site, 0.7)
    before = site.loop.engine
    after = Engine(site.plant, site.program, before.states, site.clock.now())
    after.follow(before)
    after.reindex()
    site.loop.switch(site.plant, after, site.clock.now())
    for _ in range(9):
        await flow(site, 0.4)
    judged = [entry.event for entry in site.journal.entries if isinstance(entry.event, CommandJudged)]
    assert [event.verdict for event in judged] == [Verdict.PASS], "it fell by 0.3 before, and by 0.3 after the reload"


async def flow(site: RunningSite, value: float, *, after: int = SECOND) -> None:
    at = Instant(site.clock.now() + after)
    site.intake.samples(SampleBatch.of([Sample(0, value, Quality.GOOD, Reason.NONE, at, at)]))
    await site.tick(FALSE, after=after)
