"""Rules and plant file exchanged under a running gateway: what did not change does not notice."""

from __future__ import annotations

from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from gateway.changeover import AlarmWithdrawn, ConfigurationRefused, ConfigurationReloaded, InterlockWithdrawn
from gateway.errors import ConfigurationError
from gateway.event import AlarmRaised, GatewayStarted
from gateway.sample import Instant
from tests.api.support import heard_of
from tests.reload.works import HIGH, INTERLOCK, Works, plant_text, point, rule, running

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
            plant=plant_text(
                point(vessel="v0", device="other"), point(), vessels="v0 v1", devices="other hand"
            ),
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
        assert set(done.removed) == {ALARM, "interlock.unproven@vessel.shut.v1"}
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
