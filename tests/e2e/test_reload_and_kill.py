"""A real gateway whose rules change under it, and one that is killed in the middle of a delay."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from gateway.clock import SystemClock
from gateway.sample import SECOND
from tests.drivers.faulty_server import FaultyServer
from tests.e2e.conftest import Start
from tests.e2e.site import HOST, Program, Site, say, until
from tests.reload.works import CLASSES, CLAUSES, rule
from tests.stores.history_support import fingerprint

pytestmark = [pytest.mark.slow]

PLANT = """
site: {id: works, name: {zh: 厂, en: Works}, credit_code: 91000000DEM000006Q, industry: x, risk_grade: A,
  address: x, principal: x, telephone: "0"}
areas: [{id: room, name: {zh: 室, en: Room}, staffed: true}]
equipment: [{id: v1, class: vessel, area: room, name: {zh: 容器, en: Vessel}}]
devices: [{id: plc, driver: modbus_tcp, name: {zh: 控制器, en: PLC}, host: 127.0.0.1, port: %d, timeout: 1 s}]
points:
  - {equipment: v1, kind: pressure, unit: kPa, range: [0, 9999], period: 100 ms, stale_after: 5 s,
      source: {device: plc, table: holding, address: 0, type: uint16}}
"""
HIGH = rule("high", "pressure > limit.high", ticket="major")
LOW = rule("low", "pressure < 400 kPa")


@pytest.fixture
async def vessel() -> AsyncIterator[FaultyServer]:
    """A controller whose one register shows what the test puts there."""
    async with FaultyServer(base=500) as server:
        yield server


@pytest.fixture
def works(tmp_path: Path, vessel: FaultyServer) -> Site:
    plant = tmp_path / "plant.yaml"
    plant.write_text(PLANT % vessel.port, encoding="utf-8")
    with socket.socket() as free:
        free.bind((HOST, 0))
        return Site(plant, tmp_path / "data", free.getsockname()[1], (vessel.port,))


def put_rules(works: Site, *rules: str) -> Path:
    packs = works.plant.with_name("packs")
    (packs / "classes").mkdir(parents=True, exist_ok=True)
    (packs / "classes" / "vessel.yaml").write_text(CLASSES, encoding="utf-8")
    (packs / "clauses.yaml").write_text(CLAUSES, encoding="utf-8")
    text = "\n".join(["pack: vessel", "title: {zh: 容器, en: Vessel}", "rules:", *rules])
    (packs / "vessel.yaml").write_text(text, encoding="utf-8")
    return packs


def events(works: Site, kind: str) -> list[Mapping[str, Any]]:
    return [entry["event"] for entry in works.get("events") if entry["event"]["kind"] == kind]


async def told(works: Site, kind: str, count: int = 1, **fields: str) -> list[Mapping[str, Any]]:
    """The events of a kind with these fields, once there are so many."""

    def found() -> list[Mapping[str, Any]]:
        every = [one for one in events(works, kind) if all(one[name] == value for name, value in fields.items())]
        return every if len(every) >= count else []

    return await asyncio.to_thread(until, found, f"{count} of {kind} {fields}")


async def answering(works: Site, start: Start, packs: Path) -> Program:
    gateway = start("run", works.plant, "--rules", packs, "--data", works.data, "--port", str(works.port))
    await asyncio.to_thread(until, works.answers, f"the gateway answers; it said:\n{gateway.said()}")
    return gateway


async def test_a_hangup_brings_changed_rules_into_force_and_a_wrong_file_changes_nothing(
    works: Site, vessel: FaultyServer, start: Start
) -> None:
    gateway = await answering(works, start, put_rules(works, HIGH))
    vessel.base = 900
    (stands,) = await told(works, "alarm.raised")

    put_rules(works, HIGH, rule("very_high", "pressure > 800 kPa"))
    gateway.process.send_signal(signal.SIGHUP)
    (done,) = await told(works, "configuration.reloaded")
    assert (done["by"], done["added"], done["changed"]) == ("SIGHUP", ["vessel.very_high@v1"], [])
    await told(works, "alarm.raised", alarm="vessel.very_high@v1")

    put_rules(works, HIGH, rule("one", "presure > 1 kPa"), rule("two", "pressure > 1 mm"))
    gateway.process.send_signal(signal.SIGHUP)
    (refused,) = await told(works, "configuration.refused")
    assert refused["mistakes"] == len(refused["problems"]) == 2
    for problem, words in zip(refused["problems"], ("expected one of [pressure]", "expected a pressure")):
        assert "vessel.yaml:" in problem
        assert words in problem
        assert problem in gateway.said()
    asked = works.post("reload", by="王", comment="评审通过")
    assert asked.status_code == 422
    assert len(asked.json()["problems"]) == 2

    put_rules(works, HIGH)
    works.plant.rename(works.plant.with_suffix(".away"))
    gateway.process.send_signal(signal.SIGHUP)
    *_, refused = await told(works, "configuration.refused", 3)
    assert "plant.yaml" in refused["problems"][0]
    works.plant.with_suffix(".away").rename(works.plant)

    vessel.base = 300
    await told(works, "alarm.cleared", 2)  # both rules are still in force
    assert [one["occurrence"] for one in events(works, "alarm.raised") if one["alarm"] == stands["alarm"]] == [
        stands["occurrence"]
    ]
    gateway.process.send_signal(signal.SIGHUP)
    *_, done = await told(works, "configuration.reloaded", 2)
    assert done["removed"] == ["vessel.very_high@v1"]
    assert gateway.signal(signal.SIGTERM) == 0


async def test_a_hangup_during_the_start_does_not_end_the_gateway(works: Site, start: Start) -> None:
    packs = put_rules(works, HIGH)
    gateway = start("run", works.plant, "--rules", packs, "--data", works.data, "--port", str(works.port))
    await asyncio.to_thread(until, lambda: (works.data / "journal.sqlite").exists(), "the gateway opens its stores")
    gateway.process.send_signal(signal.SIGHUP)
    await asyncio.to_thread(until, works.answers, "the gateway answers")
    await told(works, "configuration.reloaded")
    assert gateway.signal(signal.SIGTERM) == 0


async def test_a_killed_gateway_goes_on_with_its_delay_its_windows_and_what_stood(
    works: Site, vessel: FaultyServer, start: Start
) -> None:
    packs = put_rules(
        works,
        HIGH,
        rule("late", "pressure > limit.high", on_delay="11 s"),
        rule("lasting", "min(pressure, 11 s) > limit.high"),
    )
    gateway = await answering(works, start, packs)
    vessel.base = 900
    (stands,) = await told(works, "alarm.raised")
    assert works.post(f"alarms/{stands['alarm']}/acknowledge", by="李").status_code == 200
    await asyncio.sleep(6)
    killed = SystemClock().now()
    assert gateway.signal(signal.SIGKILL) == -signal.SIGKILL

    gateway = await answering(works, start, packs)
    *_, begun = await told(works, "gateway.started", 2)
    assert begun["warmed"] >= 5 * SECOND
    (alarm,) = [each for each in works.get("alarms") if each["id"] == stands["alarm"]]
    assert (alarm["occurrence"], alarm["acknowledged_by"]) == (stands["occurrence"], "李")
    for name in ("late", "lasting"):
        (late,) = await told(works, "alarm.raised", alarm=f"vessel.{name}@v1")
        assert late["at"] - stands["at"] >= 10.5 * SECOND, "not before its time"
        assert late["at"] - begun["at"] < 8 * SECOND, "not its whole time anew"
    (late,) = await told(works, "alarm.raised", alarm="vessel.late@v1")
    assert late["onset"] < killed
    assert abs(late["onset"] - stands["onset"]) < SECOND, "its onset, not the beginning of what was read again"
    assert len(await told(works, "alarm.raised", 3)) == 3
    assert events(works, "alarm.cleared") == []
    assert len(works.get("tickets")) == 1


async def test_a_back_test_beside_a_running_gateway_is_refused_and_disturbs_nothing(
    works: Site, vessel: FaultyServer, start: Start
) -> None:
    packs = put_rules(works, HIGH)
    gateway = await answering(works, start, packs)
    a_moment_ago = datetime.now(UTC).isoformat(timespec="seconds")
    asked = ("backtest", works.plant, "--rules", packs, "--history", works.data, "--from", a_moment_ago)
    said = await asyncio.to_thread(say, *asked)
    assert said.returncode == 2
    assert "a running gateway holds" in said.stderr
    vessel.base = 900
    await told(works, "alarm.raised")
    assert gateway.signal(signal.SIGTERM) == 0
    before = fingerprint(works.data)
    said = await asyncio.to_thread(say, *asked, "--only", "vessel.high")
    assert said.returncode == 0, said.stderr
    assert "vessel.high@v1" in said.stdout
    assert fingerprint(works.data) == before
