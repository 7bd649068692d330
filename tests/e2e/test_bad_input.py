"""What bad input and broken surroundings get, at the level of the whole program: words, or BAD quality, and no loss.

A browser that stops reading: see tests/api/test_live.py. Every mistake that a plant file can hold: tests/plant.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.sample import SECOND, Quality, Reason
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journal_sqlite import SqliteJournal
from simulators.devices.broker import LocalBroker
from simulators.devices.modbus import DeviceFault
from simulators.run import Simulation
from tests.e2e.conftest import Start
from tests.e2e.site import HOST, Program, Site, is_free, say, until

CO_HIGH = "gas.co_high@co_02"
CONCENTRATION = "co_02.concentration"
"""Read over Modbus, and part of no interlock."""
REFUSED = 2


def run(start: Start, site: Site) -> Program:
    return start("run", site.plant, "--data", site.data, "--port", str(site.port))


async def eventually(found: Callable[[], Any], what: str) -> Any:
    """`until`, while devices that live in this process go on."""
    return await asyncio.to_thread(until, found, what)


@asynccontextmanager
async def running(site: Site, start: Start, *, with_broker: bool = True) -> AsyncIterator[tuple[Simulation, Program]]:
    """A gateway with its plant, when every device that can be there is read."""
    async with Simulation(site.load(), with_broker=with_broker) as simulation:
        gateway = run(start, site)
        expected = [device.id for device in simulation.plant.devices if with_broker or device.driver != "mqtt"]
        await eventually(lambda: site.answers(), "the gateway answers")
        await eventually(lambda: not bad_devices(site, simulation) & set(expected), "every device is read")
        yield simulation, gateway


def samples(site: Site, simulation: Simulation) -> dict[str, dict[str, Any]]:
    """The latest of every point by its id."""
    columns = site.get("points")
    rows = zip(columns["point"], columns["value"], columns["quality"], columns["reason"], strict=True)
    points = simulation.plant.points
    return {points[index].id: {"value": v, "quality": q, "reason": r} for index, v, q, r in rows}


def bad_devices(site: Site, simulation: Simulation) -> set[str]:
    """Devices of which any point is not good."""
    latest = samples(site, simulation)
    return {point.device for point in simulation.plant.points if latest[point.id]["quality"] != Quality.GOOD}


def is_down(site: Site, simulation: Simulation, device: str, reasons: Collection[Reason]) -> bool:
    """Whether every point of the device, and no other, is BAD for one of the reasons, without a number."""
    latest = samples(site, simulation)
    mine = [latest[point.id] for point in simulation.plant.points if point.device == device]
    return bad_devices(site, simulation) == {device} and all(
        one["quality"] == Quality.BAD and one["reason"] in set(reasons) and one["value"] is None for one in mine
    )


def kinds(site: Site, kind: str) -> list[dict[str, Any]]:
    return [entry["event"] for entry in site.get("events") if entry["event"]["kind"] == kind]


# What somebody has to mend first ends the program with exit code 2, and words that say what to do.


@pytest.mark.parametrize("command", ["run", "demo"])
def test_a_port_in_use_is_named_with_what_to_do(site: Site, start: Start, command: str) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, site.port))
        taken.listen()
        plant = [site.plant] if command == "run" else ["--plant", site.plant]
        program = start(command, *plant, "--data", site.data, "--port", str(site.port))
        until(lambda: program.family() and program.process.poll() is not None, "it ends by itself")
    assert program.process.returncode == REFUSED
    assert f"{HOST}:{site.port}" in program.said()
    assert "--port" in program.said()
    assert "Traceback" not in program.said()
    assert program.survivors() == []
    assert [port for port in site.devices if not is_free(port)] == []


def test_a_device_port_in_use_ends_the_demo_in_words(site: Site, start: Start) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, site.devices[1]))
        taken.listen()
        program = start("demo", "--plant", site.plant, "--data", site.data, "--port", str(site.port))
        until(lambda: program.family() and program.process.poll() is not None, "it ends by itself")
    assert program.process.returncode == REFUSED
    assert f"{HOST}:{site.devices[1]}" in program.said()
    assert "Traceback" not in program.said()
    assert program.survivors() == []


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("  risk_grade: A\n", "  risk_grade: [A\n", "expected"),
        ("unit: deg,", "unit: degg,", "degg"),
        ("holding, address: 2, type: float32", "holding, address: 0, type: float32", "eaf1.tilt_angle is already"),
    ],
    ids=["broken YAML", "unknown unit", "two points on one address"],
)
def test_a_plant_file_that_does_not_hold_is_refused_with_its_line(
    site: Site, right: str, wrong: str, said: str
) -> None:
    text = site.plant.read_text(encoding="utf-8")
    assert right in text
    line = text[: text.index(right)].count("\n") + 1
    site.plant.write_text(text.replace(right, wrong, 1), encoding="utf-8")
    done = say("run", site.plant, "--data", site.data, "--port", str(site.port))
    assert done.returncode == REFUSED
    places = [each.removeprefix(f"{site.plant}:").split(":")[0] for each in done.stderr.splitlines()]
    assert any(abs(int(place) - line) <= 1 for place in places if place.isdigit()), done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not site.data.exists()


def test_a_data_directory_that_is_a_file_is_refused(site: Site) -> None:
    site.data.write_text("something of somebody else's", encoding="utf-8")
    done = say("run", site.plant, "--data", site.data, "--port", str(site.port))
    assert done.returncode == REFUSED
    assert str(site.data) in done.stderr
    assert "Traceback" not in done.stderr
    assert site.data.read_text(encoding="utf-8") == "something of somebody else's"


def test_a_second_gateway_on_one_data_directory_is_refused_and_the_first_goes_on(
    site: Site, start: Start, tmp_path: Path
) -> None:
    first = run(start, site)
    until(site.answers, "the first answers")
    other = Site.make(tmp_path / "other")
    done = say("run", site.plant, "--data", site.data, "--port", str(other.port))
    assert done.returncode == REFUSED
    assert str(site.data) in done.stderr
    assert "another" in done.stderr or "other process" in done.stderr
    assert "Traceback" not in done.stderr
    assert first.process.poll() is None
    health = site.get("health")
    assert (health["journal_failure"], health["history_failure"]) == (None, None)


# What happens around a running gateway costs the values that it touches, and nothing else.


async def test_a_broker_that_is_not_there_costs_its_own_points_until_it_comes(site: Site, start: Start) -> None:
    async with running(site, start, with_broker=False) as (simulation, gateway):
        down = {Reason.DISCONNECTED, Reason.NEVER_SEEN}
        await eventually(lambda: is_down(site, simulation, "mqtt_site", down), "its points are BAD, others are not")
        (link,) = [one for one in (await asyncio.to_thread(site.snapshot))["links"] if one["device"] == "mqtt_site"]
        assert link["state"] == "down"
        assert str(site.devices[-1]) in link["detail"]
        broker = LocalBroker(HOST, site.devices[-1])
        await broker.start()
        try:
            await eventually(lambda: not bad_devices(site, simulation), "the sensors are read")
        finally:
            await broker.stop()
        assert gateway.process.poll() is None


async def test_a_device_that_answers_garbage_costs_its_own_points_and_raises_nothing_false(
    site: Site, start: Start
) -> None:
    async with running(site, start) as (simulation, _):
        await simulation.fault("plc_gas", DeviceFault.GARBAGE)
        nonsense = {Reason.MALFORMED, Reason.TIMEOUT, Reason.DISCONNECTED}
        await eventually(lambda: is_down(site, simulation, "plc_gas", nonsense), "its points are BAD, others are not")
        await asyncio.sleep(3)
        assert is_down(site, simulation, "plc_gas", nonsense)
        raised = {event["alarm"] for event in kinds(site, "alarm.raised")}
        assert not {alarm for alarm in raised if alarm.startswith("gas.co_high")}
        await simulation.fault("plc_gas", None)
        await eventually(lambda: not bad_devices(site, simulation), "it is read again")


async def test_an_output_that_nothing_allows_is_never_written_and_its_absence_is_told(site: Site, start: Start) -> None:
    text = site.plant.read_text(encoding="utf-8")
    nobody = text.replace("allowed: true", "allowed: false").replace("people: true", "people: false")
    site.plant.write_text(nobody, encoding="utf-8")
    async with running(site, start) as (simulation, _):
        simulation.set("eaf1_panel_a.leak", 0.1)
        demand = await eventually(lambda: judged(site), "every effect is judged")
        assert simulation.commands == type(simulation.commands)()
    assert {effect["mode"] for effect in demand["effects"]} == {"observe"}
    assert {effect["command_written"] for effect in demand["effects"]} == {None}


async def test_a_plc_that_confirms_a_trip_and_does_not_hold_it_is_told_at_once(site: Site, start: Start) -> None:
    async with running(site, start) as (simulation, _):
        await simulation.fault("plc_eaf", DeviceFault.FORGETFUL)
        simulation.set("eaf1_panel_a.leak", 0.1)
        (completed,) = await eventually(lambda: kinds(site, "command.completed"), "the trip is commanded")
        assert not completed["written"]
        assert "not held: expected 1 (0001), got 0 (0000)" in completed["detail"]
        alarm = f"command.unproven@{completed['output']}"
        await eventually(lambda: alarm in {e["alarm"] for e in kinds(site, "alarm.raised")}, "it is an alarm")
        assert simulation.commands == type(simulation.commands)()


def judged(site: Site) -> Any:
    found = [one for one in site.get("demands") if one["interlock"].startswith("eaf.cooling_water")]
    return found and all(effect["verdict"] != "pending" for effect in found[0]["effects"]) and found[0]


@pytest.fixture
def small_disk(site: Site) -> Iterator[Path]:
    """The data directory of the site on a file system of its own."""
    site.data.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", "size=24m", "none", str(site.data)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"A FULL DISK WAS NOT TRIED: needs the right to mount one: {mounted.stderr.strip()}")
    yield site.data
    subprocess.run(["umount", "-l", site.data], check=True)


async def test_with_a_full_disk_alarms_go_on_and_nothing_is_lost(site: Site, start: Start, small_disk: Path) -> None:
    filler = small_disk / "filler"
    async with running(site, start) as (simulation, gateway):
        fill(filler)
        simulation.force(CONCENTRATION, 500.0)
        alarm = await eventually(lambda: site.find("alarms", CO_HIGH), "the alarm comes all the same")
        await eventually(lambda: site.get("health")["journal_failure"], "the gateway says that it cannot keep it")
        refused = await asyncio.to_thread(acknowledge, site)
        assert refused.status_code == 503
        assert "disk" in refused.json()["message"]
        assert site.find("alarms", CO_HIGH)["state"] == alarm["state"] == "unacknowledged"

        filler.unlink()
        healthy = await eventually(lambda: recovered(site), "both stores are written again")
        assert healthy["dropped_samples"] == 0
        accepted = await asyncio.to_thread(acknowledge, site)
        assert accepted.status_code == 200
        assert accepted.json()["acknowledged_by"] == "李值班"
        await asyncio.sleep(1)
        assert await asyncio.to_thread(gateway.signal, signal.SIGTERM) == 0
    await everything_was_kept(small_disk, alarm)


def fill(file: Path) -> None:
    """Take every free byte of the file system."""
    with file.open("wb", buffering=0) as out:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError:
                continue
    free = os.statvfs(file)
    assert free.f_bavail == 0


def acknowledge(site: Site) -> Any:
    return site.post(f"alarms/{CO_HIGH}/acknowledge", by="李值班", comment="已通知撤人")


def recovered(site: Site) -> Any:
    health = site.get("health")
    whole = health["journal_failure"] is None and health["history_failure"] is None and health["history_lag"] == 0
    return health if whole else None


async def everything_was_kept(data: Path, alarm: dict[str, Any]) -> None:
    journal = await SqliteJournal.open(data / "journal.sqlite")
    try:
        assert await journal.verify() is None
        entries = await journal.read(0, 100_000)
    finally:
        await journal.close()
    story = [entry.event for entry in entries if entry.event.kind in ("alarm.raised", "alarm.acknowledged")]
    mine = [event for event in story if event.alarm == CO_HIGH]
    assert [event.kind for event in mine] == ["alarm.raised", "alarm.acknowledged"]
    assert mine[0].at == alarm["raised_at"]
    history = await DuckdbHistory.open(data / "history.duckdb", [])
    try:
        beside = {record.sequence for record in await history.read_events(0, 2**62, limit=100_000)}
        onset = alarm["onset"]
        curve = await history.read(CONCENTRATION, onset - SECOND, onset + 4 * SECOND, SECOND)
    finally:
        await history.close()
    assert {entry.sequence for entry in entries if entry.event in mine} <= beside
    assert len(curve.start) == 5, "the samples that came while the disk was full"
    assert curve.high[2] == pytest.approx(500.0, rel=0.05)


def test_a_killed_demo_takes_its_children_with_it(site: Site, start: Start) -> None:
    program = start("demo", "--plant", site.plant, "--data", site.data, "--port", str(site.port))
    until(site.answers, "the gateway answers")
    until(lambda: len(program.family()) >= 3, "supervisor, simulator, gateway")
    assert program.signal(signal.SIGKILL) == -signal.SIGKILL
    until(lambda: not program.survivors(), "nothing is left")
    assert [port for port in (site.port, *site.devices) if not is_free(port)] == []


async def test_sigterm_stops_it_in_order(site: Site, start: Start) -> None:
    async with running(site, start) as (_, gateway):
        assert "Traceback" not in gateway.said()
        assert await asyncio.to_thread(gateway.signal, signal.SIGTERM) == 0
    assert "ERROR gateway" not in gateway.said()
    assert is_free(site.port)
    journal = await SqliteJournal.open(site.data / "journal.sqlite")
    try:
        last = await journal.read(await journal.last_sequence() - 1, 1)
    finally:
        await journal.close()
    assert [entry.event.kind for entry in last] == ["gateway.stopped"]
