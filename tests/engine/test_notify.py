"""Messages to people, through Apprise to a real HTTP receiver; and when duty checks are asked."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from gateway.errors import StoreFailed
from gateway.event import Entry
from gateway.events.lifecycle import GatewayStarted
from gateway.events.presence import AlarmEscalated, AskedBecause
from gateway.events.tickets import TicketEscalated
from gateway.machines import hazard_report
from gateway.plant.duty import Level, NotifyTarget
from gateway.plant.model import Text
from gateway.rule import Priority, TicketGrade
from gateway.runtime.duty_checks import DutyCheckScheduler, random_moments
from gateway.runtime.followers import Follower
from gateway.runtime.notify import Notifier
from gateway.sample import SECOND, Instant
from tests.engine.memory_journal import MemoryJournal
from tests.engine.site import RunningSite
from tests.machines.test_hazard_report import FOUND, PLACES
from tests.receiver import Receiver, receiving

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
"""Apprise looks for it on first use, and does without it where it is gone."""

LEADER = NotifyTarget("leader", Level.SHIFT_LEADER, "TOCSIN_NOTIFY_LEADER")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("expected it within ten seconds")


def escalated(number: int, level: Level) -> AlarmEscalated:
    return AlarmEscalated(
        id=f"e{number}", at=Instant(number), alarm="hot@furnace", occurrence="o", equipment="furnace",
        title=Text("过热", "Too hot"), response=Text("停炉", "Stop"), priority=Priority.CRITICAL, level=level,
        waited=5 * 60 * SECOND,
    )  # fmt: skip


def notifier(url: str) -> Notifier:
    return Notifier(LEADER, "演示厂", {"TOCSIN_NOTIFY_LEADER": url} if url else {})


async def test_a_target_is_told_what_climbs_to_its_level_and_above_and_nothing_below(receiver: Receiver) -> None:
    entries = [Entry(at, escalated(at, level)) for at, level in enumerate(Level, 1)]
    await notifier(receiver.url).append_events(entries)
    (message,) = receiver.messages
    assert message["title"] == "警钟 Tocsin 演示厂"
    assert [line.rpartition("#")[2] for line in message["message"].splitlines()] == ["2", "3", "4"]
    assert "过热" in message["message"]
    assert "停炉" in message["message"], "every alarm says what to do"


async def test_an_overdue_hazard_is_told_as_an_unheard_alarm_is_and_a_major_one_at_once(receiver: Receiver) -> None:
    late = [
        TicketEscalated(
            id=f"t{level}", at=Instant(1), ticket="HD-1", level=level, grade=TicketGrade.MAJOR,
            title=Text("积水", "Water"), equipment="furnace", area="melt", responsible="", due=Instant(0),
            waited=25 * 3600 * SECOND,
        )
        for level in (Level.DUTY_OPERATOR, Level.SAFETY_MANAGER)
    ]  # fmt: skip
    found = [hazard_report.report(PLACES, {}, replace(FOUND, grade=grade), Instant(2)) for grade in TicketGrade]
    entries = [Entry(at, event) for at, event in enumerate([*late, *found], 1)]
    await notifier(receiver.url).append_events(entries)
    body = receiver.messages[0]["message"]
    assert [line.rpartition("#")[2] for line in body.splitlines() if "#" in line] == ["2", "3"]
    assert "未指派" in body
    assert "25 h" in body


async def test_a_flood_is_one_message_that_counts_what_it_does_not_spell_out(receiver: Receiver) -> None:
    entries = [Entry(at, escalated(at, Level.COUNTY)) for at in range(1, 301)]
    await notifier(receiver.url).append_events(entries)
    (message,) = receiver.messages
    assert len(message["message"].splitlines()) == 11
    assert "290" in message["message"].splitlines()[-1]


async def test_a_dead_receiver_holds_the_follower_which_goes_on_where_it_was(receiver: Receiver) -> None:
    journal = MemoryJournal()
    await journal.commit([escalated(1, Level.COUNTY)], ())
    told = notifier(receiver.url)
    receiver.refuses = True
    follower = Follower(told.name, journal, told.append_events)
    running = asyncio.create_task(follower.run())
    await until(lambda: follower.failure is not None)
    assert journal.cursors.get(told.name, 0) == 0, "what was not taken is not passed over"
    receiver.refuses = False
    await until(lambda: bool(receiver.messages))
    running.cancel()
    assert len(receiver.messages) == 1


@pytest.mark.parametrize("url", ["", "no such scheme"])
async def test_an_address_that_is_missing_or_wrong_says_where_to_put_it_and_never_what_it_was(url: str) -> None:
    started = GatewayStarted(id="s", at=Instant(1), version="1", plant_hash="", rules_hash="")
    with pytest.raises(StoreFailed, match="TOCSIN_NOTIFY_LEADER") as failed:
        await notifier(url).append_events([Entry(1, started)])
    assert not url or url not in str(failed.value)


def test_random_moments_leave_no_part_of_the_day_safe() -> None:
    for count in (0, 1, 2, 5, 24):
        moments = random_moments(count, random.Random(count))
        assert [moment * count // 86_400 for moment in moments] == list(range(count))


async def test_a_check_is_asked_once_and_one_that_falls_into_it_is_left_out() -> None:
    site = await RunningSite.started()
    scheduler = DutyCheckScheduler(site.loop, site.clock)
    for _ in range(3):
        await scheduler.ask(AskedBecause.RANDOM)
    assert site.journal.kinds == ["duty.asked"]
