"""Rules and plant file exchanged under a running gateway: what did not change does not notice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gateway import app
from gateway.errors import ConfigurationError, StoreFailed
from gateway.events.alarms import AlarmRaised
from gateway.events.changeover import AlarmWithdrawn, ConfigurationRefused, ConfigurationReloaded, InterlockWithdrawn
from gateway.events.lifecycle import GatewayStarted
from gateway.interlock_alarms import InterlockAlarm, alarm_id
from gateway.plant.model import Plant
from gateway.rule import Program
from gateway.runtime.reload import Reloader
from gateway.runtime.warm import warm
from gateway.sample import SECOND, Instant, SampleBatch
from tests.api.support import heard_of
from tests.reload.works import HIGH, INTERLOCK, LATE, WAS_HIGH, Works, plant_text, point, rule, running

ALARM = "vessel.high@v1"


@pytest.fixture
def works(tmp_path: Path) -> Works:
    made = Works(tmp_path)
    made.write(HIGH, plant=plant_text(point()))
    return made


async def test_a_new_rule_takes_force_and_what_stood_stands(works: Works) -> None:
    async with running(works):
        hand = works.hand
        hand.put("v1.pressure", 900)
        (before,) = await works.until("alarm.raised")
        works.write(rule("low", "pressure < 950 kPa"), HIGH, plant=plant_text(point("level", "mm"), point()))
        done = await works.reloader.reload("王", "新增低限")
        assert (done.added, done.removed, done.changed) == (("vessel.low@v1",), (), ())
        assert done.devices_restarted == ("hand",)  # it has a point more to read
        works.hand.put("v1.pressure", 900)
        raised = await works.until("alarm.raised", 2)
        assert raised[0] == before
        assert isinstance(raised[1], AlarmRaised)
        assert raised[1].alarm == "vessel.low@v1"
        assert works.station.loop.engine.states.alarms[ALARM].active
        assert await works.kinds("alarm") == ["alarm.raised", "alarm.raised"]


async def test_the_journal_says_who_why_and_both_versions(works: Works) -> None:
    async with running(works):
        (started,) = await works.until("gateway.started")
        works.write(HIGH.replace("limit.high", "600 kPa"))
        async with works.client() as client:
            answer = await client.post("/api/reload", json={"by": "王", "comment": "评审 12"})
        (event,) = await works.until("configuration.reloaded")
        assert isinstance(event, ConfigurationReloaded)
        assert isinstance(started, GatewayStarted)
        assert (event.by, event.comment, event.changed) == ("王", "评审 12", (ALARM,))
        assert (event.plant_hash_before, event.rules_hash_before) == (started.plant_hash, started.rules_hash)
        assert event.plant_hash_after == event.plant_hash_before
        assert event.rules_hash_after != event.rules_hash_before
        assert answer.json()["rules_hash_after"] == event.rules_hash_after


async def test_files_that_do_not_hold_change_nothing_and_tell_every_mistake(works: Works) -> None:
    async with running(works):
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.raised")
        engine, hand = works.station.loop.engine, works.hand
        works.write(HIGH, rule("one", "presure > 1 kPa"), rule("two", "pressure > 1 mm"))
        async with works.client() as client:
            answer = await client.post("/api/reload", json={"by": "王", "comment": "x"})
        assert answer.status_code == 422
        assert len(answer.json()["problems"]) == 2
        (refused,) = await works.until("configuration.refused")
        assert isinstance(refused, ConfigurationRefused)
        assert refused.mistakes == 2
        assert all("vessel.yaml:" in problem for problem in refused.problems)
        assert works.station.loop.engine is engine
        assert hand.running
        works.write(HIGH, plant=plant_text(point()).replace("id: works", "id: elsewhere"))
        with pytest.raises(ConfigurationError, match=r"site\.id"):
            await works.reloader.reload("王", "x")
        await works.reloader.on_hangup()
        assert await works.kinds("configuration") == ["configuration.refused"] * 3
        assert await works.kinds("alarm") == ["alarm.raised"]


async def test_a_hangup_that_comes_to_nothing_leaves_the_plant_monitored(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(works):
        station = works.station

        class Full:
            async def bind(self, plant: Plant) -> Callable[[], None]:
                raise StoreFailed("history", "append to it", "the disk is full")

            async def warm(self, plant: Plant, program: Program, end: Instant) -> int:
                return 0

        def break_() -> app.Configuration:
            raise RuntimeError("a bug of ours")

        works.write(HIGH, rule("low", "pressure < 950 kPa"))
        for load, stores, words in (
            (works.load, Full(), "the disk is full"),
            (break_, Full(), "a bug of ours"),
        ):
            reloader = Reloader(load, station.loop, station.devices, stores, (), lambda _: None)
            await reloader.on_hangup()
            assert words in caplog.text
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.raised")
        assert await works.kinds("configuration") == []


async def test_nobody_reloads_without_a_name_and_a_reason(works: Works) -> None:
    async with running(works), works.client() as client:
        answer = await client.post("/api/reload", json={"by": " "})
        assert answer.status_code == 422
        assert [problem["field"] for problem in answer.json()["problems"]] == ["by", "comment"]
        assert await works.kinds("configuration") == []


async def test_a_device_that_did_not_change_reads_on_under_new_numbers(works: Works) -> None:
    works.write(HIGH, plant=plant_text(point(), devices="hand"))
    async with running(works):
        hand = works.hand
        works.write(
            HIGH,
            plant=plant_text(point(vessel="v0", device="other"), point(), vessels="v0 v1", devices="other hand"),
        )
        done = await works.reloader.reload("王", "x")
        assert done.devices_restarted == ("other",)
        assert hand.running
        hand.put("v1.pressure", 900)
        (raised,) = await works.until("alarm.raised")
        assert isinstance(raised, AlarmRaised)
        assert raised.alarm == ALARM
        await works.station.recorders[0].flush()
        horizon = Instant(2**62)
        kept = [batch async for batch in works.station.history.samples(["v1.pressure"], Instant(0), horizon)]
        assert sum(len(batch) for batch in kept) == 1
        works.write(HIGH, plant=plant_text(point()))
        assert (await works.reloader.reload("王", "x")).devices_restarted == ("other",)
        hand.put("v1.pressure", 100)
        await works.until("alarm.cleared")
        assert works.station.loop.links.keys() == {"hand"}


async def test_a_point_keeps_its_latest_value_unless_it_means_something_else_now(works: Works) -> None:
    async with running(works):
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.raised")
        works.write(HIGH, plant=plant_text(point("level", "mm", device="other"), point(), devices="hand other"))
        await works.reloader.reload("王", "x")
        assert works.station.loop.table.latest.value[1] == 900
        works.write(HIGH, plant=plant_text(point(unit="Pa")))
        await works.reloader.reload("王", "x")
        assert works.station.loop.table.latest.quality[0] > 1


async def test_the_alarm_and_the_demand_of_what_is_gone_end_and_say_why_and_the_ticket_stays(works: Works) -> None:
    works.write(HIGH, plant=plant_text(point(), point("closed", "")), interlocks=INTERLOCK)
    async with running(works):
        works.hand.put("v1.pressure", 900)
        works.hand.put("v1.closed", 0)
        await works.until("interlock.demanded")
        await works.until("ticket.filed")
        works.write(rule("other", "pressure > 9000 kPa"))
        done = await works.reloader.reload("李", "规则撤销")
        assert set(done.removed) == {ALARM, *(alarm_id(each, "vessel.shut@v1") for each in InterlockAlarm)}
        (alarm,), (demand,) = await works.until("alarm.withdrawn"), await works.until("interlock.withdrawn")
        assert isinstance(alarm, AlarmWithdrawn)
        assert isinstance(demand, InterlockWithdrawn)
        assert (alarm.by, alarm.comment, demand.by) == ("李", "规则撤销", "李")
        async with works.client() as client:
            assert (await client.get("/api/alarms")).json() == []
            (ticket,) = (await client.get("/api/tickets")).json()
        assert ticket["actions"]


async def test_what_an_older_plant_file_left_standing_ends_at_the_start(works: Works) -> None:
    async with running(works):
        works.hand.put("v1.pressure", 900)
        await works.until("alarm.raised")
    works.write(rule("other", "pressure > 9000 kPa"))
    async with running(works):
        (gone,) = await works.until("alarm.withdrawn")
        assert isinstance(gone, AlarmWithdrawn)
        assert gone.by == "tocsin"
        assert not works.station.loop.engine.states.alarms[ALARM].standing


async def test_every_client_gets_a_new_picture(works: Works) -> None:
    async with running(works), connect(f"ws://{works.address}/api/live", max_size=None) as socket:
        first = await heard_of(socket, "snapshot")
        works.write(HIGH, plant=plant_text(point("level", "mm"), point()))
        await works.reloader.reload("王", "x")
        second = await heard_of(socket, "snapshot")
        names = [[each["id"] for each in snapshot["plant"]["points"]] for snapshot in (first, second)]
        assert names == [["v1.pressure"], ["v1.level", "v1.pressure"]]


async def test_a_rule_on_trial_is_seen_and_not_heard(works: Works) -> None:
    works.write(HIGH + "\n    shadow: true")
    async with running(works), works.client() as client:
        works.hand.put("v1.pressure", 900)
        await works.until("trial.changed")
        (trial,) = (await client.get("/api/trials")).json()
        assert (trial["id"], trial["truth"]) == (ALARM, "true")
        works.hand.put("v1.pressure", 100)
        await works.until("trial.changed", 2)
        works.hand.put("v1.pressure", 900)
        first, cleared, again = await works.until("trial.changed", 3)
        (trial,) = (await client.get("/api/trials")).json()
        assert (trial["on_trial_since"], trial["raised"]) == (first.at, 2)
        assert trial["latest"] == [
            {"raised_at": first.at, "cleared_at": cleared.at},
            {"raised_at": again.at, "cleared_at": None},
        ]
        assert (await client.get("/api/alarms")).json() == []
        works.write(HIGH + "\n    shadow: true", rule("other", "pressure > 9000 kPa"))
        await works.reloader.reload("王", "x")
        assert [each["truth"] for each in (await client.get("/api/trials")).json()] == ["true"]
        works.write(HIGH)
        await works.reloader.reload("王", "转正")
        await works.until("alarm.raised")
        assert (await client.get("/api/trials")).json() == []


async def test_a_delay_and_a_window_go_on_through_a_reload(works: Works) -> None:
    works.write(LATE, WAS_HIGH)
    async with running(works):
        works.hand.put("v1.pressure", 900)
        await asyncio.sleep(1.5)
        works.write(LATE, WAS_HIGH, HIGH)
        await works.reloader.reload("王", "x")
        await works.until("alarm.raised", 3)
        late = await works.raised("vessel.late@v1")
        assert 2 * SECOND <= late.at - late.onset < 2.6 * SECOND
        unknown = [event for event in await works.events() if getattr(event, "truth", None) == 2]
        assert unknown == []


async def test_a_new_rule_is_warmed_from_what_is_stored(works: Works) -> None:
    """A window of two seconds is known at once, although its rule came only now."""
    async with running(works):
        for _ in range(12):
            works.hand.put("v1.pressure", 400)
            await asyncio.sleep(0.25)
        works.write(HIGH, rule("was_over", "min(pressure, 1 s) > 300 kPa"))
        done = await works.reloader.reload("王", "x")
        assert done.added == ("vessel.was_over@v1",)
        works.hand.put("v1.pressure", 400)
        raised = await works.raised("vessel.was_over@v1")
        assert raised.at - done.at < SECOND // 2


async def test_a_restart_goes_on_with_the_delay_that_ran_and_the_window_that_was_full(works: Works) -> None:
    works.write(rule("late", "pressure > limit.high", on_delay="4 s"), rule("was_over", "min(pressure, 2 s) > 300 kPa"))
    async with running(works):
        for _ in range(12):
            works.hand.put("v1.pressure", 900)
            await asyncio.sleep(0.25)
        assert await works.kinds("alarm") == ["alarm.raised"]  # the window; the delay has a second to go
    async with running(works):
        started = [event for event in await works.events() if isinstance(event, GatewayStarted)][-1]
        assert started.warmed >= 3 * SECOND
        works.hand.put("v1.pressure", 900)
        late = await works.raised("vessel.late@v1")
        assert late.at - late.onset >= 4 * SECOND
        assert late.onset < started.at
        assert late.at - started.at < 3 * SECOND  # not the whole delay again
        assert await works.kinds("alarm") == ["alarm.raised", "alarm.raised"]


async def test_a_history_that_cannot_be_read_leaves_rules_unknown_and_says_so(
    works: Works, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(works):
        station = works.station

        class Broken:
            async def samples(self, points: None, start: Instant, end: Instant) -> AsyncIterator[SampleBatch]:
                raise StoreFailed("history", "read", "the test broke it")
                yield SampleBatch.of(())

        works.write(HIGH, rule("was_over", "min(pressure, 2 s) > 300 kPa"))
        program = works.load().program
        now = station.clock.now()
        assert await warm(station.plant, program, Broken(), ["v1.pressure"], now, station.clock) == 0
        assert "windows are not warm" in caplog.text
