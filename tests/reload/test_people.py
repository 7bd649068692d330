"""What the plant file says of people, exchanged under a running gateway: who is told, when the room is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.clock import SITE_TIME, to_datetime
from gateway.events.alarms import AlarmRaised
from gateway.events.interlocks import CommandCompleted, CommandRequested
from gateway.events.presence import AlarmEscalated
from gateway.plant.duty import Level
from tests.engine.test_notify import until
from tests.receiver import Receiver, receiving
from tests.reload.works import HIGH, Works, plant_text, point, running

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")

LEADER = "TOCSIN_NOTIFY_LEADER"

GATEWAY = """
classes:
  - id: gateway
    name: {zh: 网关, en: Gateway}
    kinds:
      - id: notifiers_reachable
        name: {zh: 可达, en: Reachable}
        unit: ""
        states: {0: {zh: 否, en: "no"}, 1: {zh: 是, en: "yes"}}
"""

DEAD = """
pack: gateway
title: {zh: 网关, en: Gateway}
rules:
  - id: gateway.notifier_dead
    clause: test
    for_each: gateway
    title: {zh: 通知通道失效, en: Channel dead}
    consequence: {zh: 无, en: None}
    response: {zh: 无, en: None}
    response_time: 10 min
    priority: high
    when: notifiers_reachable == 0
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as server:
        yield server


@pytest.fixture
def works(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Works:
    monkeypatch.setenv(LEADER, receiver.url)
    monkeypatch.setenv("TOCSIN_NOTIFY_OTHER", receiver.url)
    made = Works(tmp_path)
    (tmp_path / "packs" / "classes").mkdir(parents=True)
    (tmp_path / "packs" / "classes" / "gateway.yaml").write_text(GATEWAY, encoding="utf-8")
    made.write(HIGH, plant=plant_text(point()), gateway=DEAD)
    return made


def with_people(*lines: str) -> str:
    return "\n".join([plant_text(point()), *lines])


def target(name: str, level: str = "shift_leader", variable: str = LEADER) -> str:
    return f"notify: [{{id: {name}, level: {level}, url_from: {variable}}}]"


async def test_a_new_channel_says_at_once_that_it_works_and_tells_nothing_of_what_was(
    works: Works, receiver: Receiver
) -> None:
    climbs = "escalation: {critical: {shift_leader: 10 ms, safety_manager: 20 ms}}"
    works.write(HIGH, plant=with_people(climbs))
    async with running(works):
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.escalated", 2)
        works.write(HIGH, plant=with_people(climbs, target("leader")))
        await works.reloader.reload("王", "新增通知")
        await until(lambda: bool(receiver.messages))
        assert [each["message"] for each in receiver.messages] == ["通知通道已启用 this channel is in use from now on"]


async def test_a_channel_that_is_taken_away_is_told_nothing_more_and_one_that_stays_goes_on(
    works: Works, receiver: Receiver
) -> None:
    works.write(HIGH, plant=with_people(target("leader")))
    async with running(works):
        await until(lambda: len(receiver.messages) == 1)  # the start
        quick = "escalation: {critical: {shift_leader: 10 ms}}"
        works.write(HIGH, plant=with_people(quick, target("leader", "county")))
        await works.reloader.reload("王", "只报县局")
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.escalated")
        further = "escalation: {critical: {shift_leader: 10 ms, county: 20 ms}}"
        works.write(HIGH, plant=with_people(further, target("leader", "county")))
        await works.reloader.reload("王", "增加县局")
        events = await works.until("alarm.escalated", 2)
        assert [each.level for each in events if isinstance(each, AlarmEscalated)] == [Level.SHIFT_LEADER, Level.COUNTY]
        await until(lambda: len(receiver.messages) == 2)
        assert receiver.messages[1]["message"].count("未确认") == 1, "what climbed to the leader was not the county's"
        works.write(HIGH, plant=with_people())
        await works.reloader.reload("王", "撤销")
        assert works.station.notifiers.followers == []
        assert works.station.notifiers.reachable


async def test_a_dead_channel_is_an_alarm_and_its_return_ends_it(works: Works, receiver: Receiver) -> None:
    receiver.refuses = True
    works.write(HIGH, plant=with_people(target("leader")))
    async with running(works), works.client() as http:
        dead = await works.raised("gateway.notifier_dead@gateway")
        assert isinstance(dead, AlarmRaised)
        (channel,) = (await http.get("/api/health")).json()["channels"]
        assert "did not take the message" in channel["failure"]
        assert 'tocsin_follower_failing{follower="notify-leader"} 1.0' in (await http.get("/metrics")).text
        receiver.refuses = False
        await works.until("alarm.cleared")
        assert [each["message"].partition(" ")[2][6:11] for each in receiver.messages] == ["网关已启动"]


async def test_the_room_is_asked_at_the_times_of_the_new_plant_file(works: Works) -> None:
    async with running(works):
        checks, now = works.station.duty_checks, to_datetime(works.station.clock.now()).astimezone(SITE_TIME)
        assert checks.moments == []
        later = [now + timedelta(hours=hours) for hours in (2, 5)]
        times = ", ".join(f"'{each:%H:%M}'" for each in later)
        works.write(HIGH, plant=with_people(f"duty_checks: {{at: [{times}], random_per_day: 24}}"))
        await works.reloader.reload("王", "查岗")
        assert {f"{each:%H:%M}" for each in later} <= {f"{each:%H:%M}" for each in checks.moments}
        drawn = checks.moments
        works.write(HIGH, plant=with_people(f"duty_checks: {{at: ['{later[0]:%H:%M}'], random_per_day: 24}}"))
        await works.reloader.reload("王", "查岗")
        assert len(drawn) - len(checks.moments) == 1
        assert set(checks.moments) <= set(drawn), "what is drawn stands"
        works.write(HIGH, plant=with_people())
        await works.reloader.reload("王", "查岗")
        assert checks.moments == []


async def test_floods_are_judged_by_the_new_plant_file(works: Works) -> None:
    async with running(works), works.client() as http:
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.raised")
        assert (await http.get("/api/figures")).json()["operators"] == 1
        policy = "alarms: {operators: 3, flood_above: 1, never_collapsed: [critical, high]}"
        works.write(HIGH, plant=with_people(policy))
        await works.reloader.reload("王", "三人值班")
        assert (await http.get("/api/figures")).json()["operators"] == 3
        assert works.station.figures.limits.flood_above == 1
        assert works.station.figures.policy.never_collapsed == {"critical", "high"}


OUTPUT = "outputs: [{equipment: v1, kind: close, target: {device: hand, tag: close}, allowed: true, values: [0, 1]}]"


async def test_a_siren_is_commanded_like_any_output_and_turned_off_when_a_reload_takes_it_away(works: Works) -> None:
    sirens = "sirens: [{output: v1.close, priorities: [critical]}]"
    works.write(HIGH, plant=with_people(OUTPUT, sirens))
    async with running(works), works.client() as http:
        await works.until("command.completed")
        works.hand.put("v1.pressure", 900)
        await works.until("command.completed", 2)
        works.write(HIGH, plant=with_people(OUTPUT, sirens, "alarms: {operators: 2}"))
        await works.reloader.reload("王", "与声光无关")
        assert (await http.get("/api/sirens")).json()[0]["state"] == "sounding"
        works.write(HIGH, plant=with_people(OUTPUT))
        await works.reloader.reload("王", "撤销声光")
        await works.until("command.completed", 3)
        commands = [each for each in await works.events() if isinstance(each, CommandRequested)]
        assert [(each.output, each.value) for each in commands] == [("v1.close", 0), ("v1.close", 1), ("v1.close", 0)]
        completed = [each for each in await works.events() if isinstance(each, CommandCompleted)]
        assert all(each.written for each in completed)
        assert (await http.get("/api/sirens")).json() == []
