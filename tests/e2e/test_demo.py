"""The story of the first look: a stranger starts the demo and follows one accident to its end, through a kill."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gateway.sample import SECOND
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journal_sqlite import SqliteJournal
from simulators.run import FIRST_AFTER
from tests.e2e.conftest import Start
from tests.e2e.site import PATIENCE, ROOT, Program, Site, is_free, until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

LEAK = "eaf.flow_difference_trip@eaf1_panel_a"
INTERLOCK = "eaf.cooling_water@eaf1_panel_a"
FLOW, TEMPERATURE = "eaf1_panel_a.outlet_flow", "eaf1_panel_a.outlet_temperature"
EFFECTS = {"electrode_power_off", "electrode_lift", "tilt_inhibit"}
OFFICER, FOREMAN, INSPECTOR = "李值班", "王班长", "赵安全"
IN_THREE_DAYS = f"{datetime.now(UTC) + timedelta(days=3):%Y-%m-%d}"

DONE = ("occurrence", "acknowledged_by", "acknowledged_at", "ticket")
"""Of an alarm, what no end of its condition takes away."""

SCREENSHOTS = ROOT / "build" / "screenshots"
IMAGES = ROOT / "docs" / "images"
WALL, PHONE = (1920, 1080), (390, 844)


@dataclass
class Screen:
    """The page as a person at the wall uses it."""

    page: Page
    wrong: list[str] = field(default_factory=list)
    """Errors of the page's own scripts."""

    def open(self, url: str) -> None:
        self.page.set_default_timeout(PATIENCE * 1000)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.goto(url)
        expect(self.see("alarm-strip")).to_be_visible()

    def see(self, name: str) -> Locator:
        return self.page.get_by_test_id(name)

    def alarm(self, alarm: str) -> Locator:
        return self.see("alarm-strip").get_by_test_id(f"alarm-{alarm}")

    def show(self, view: str) -> None:
        self.see(f"nav-{view}").click()

    def keep(self, name: str, size: tuple[int, int] = WALL) -> None:
        """A screenshot; into the documentation only where that is asked for."""
        self.page.set_viewport_size({"width": size[0], "height": size[1]})
        self.page.wait_for_timeout(400)
        file = SCREENSHOTS / f"{name}-{size[0]}x{size[1]}.png"
        self.page.screenshot(path=file, animations="disabled")
        if os.environ.get("TOCSIN_UPDATE_IMAGES") == "1":
            IMAGES.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, IMAGES)
        self.page.set_viewport_size({"width": WALL[0], "height": WALL[1]})

    def step(self, action: str, by: str, comment: str = "", **assigned: str) -> None:
        """Fill in the form of one step of the ticket that is open, and send it."""
        self.see(f"action-{action}").click()
        self.see("ticket-by").fill(by)
        if comment:
            self.see("ticket-comment").fill(comment)
        for name, value in assigned.items():
            self.see(f"ticket-{name}").fill(value)
        self.see("ticket-submit").click()

    def state(self, wanted: str) -> None:
        expect(self.see("ticket-detail")).to_have_attribute("data-state", wanted)


@pytest.fixture
def screen(chromium: Browser) -> Iterator[Screen]:
    expect.set_options(timeout=PATIENCE * 1000)
    context = chromium.new_context(viewport={"width": WALL[0], "height": WALL[1]}, locale="zh-CN")
    screen = Screen(context.new_page())
    yield screen
    context.close()
    expect.set_options(timeout=5_000)
    assert screen.wrong == []


def demo(start: Start, site: Site) -> Program:
    program = start("demo", "--plant", site.plant, "--data", site.data, "--port", str(site.port))
    until(lambda: "Ctrl-C" in program.said(), f"the demo says that it is ready; it said:\n{program.said()}")
    return program


def test_an_accident_is_followed_to_its_end_through_a_killed_gateway(site: Site, start: Start, screen: Screen) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    program = demo(start, site)
    screen.open(site.url)
    sees_a_quiet_plant(screen)
    sees_the_leak_become_alarm_interlock_and_ticket(screen, site)
    acknowledges(screen)
    moves_the_ticket_on(screen)
    before = everything(site)

    gateway = until(lambda: program.child("run"), "the gateway is a child of the demo")
    gateway.kill()
    sees_the_gateway_lost_and_back(screen)
    until(lambda: site.find("alarms", LEAK)["unknown"] is False, "the leak is evaluated again")
    finds_everything_again(screen, site, program, before)
    ends_leaving_nothing(program, site)
    in_its_own_loop(finds_both_stores_whole(site.data))

    again = demo(start, site)
    screen.open(f"{site.url}?second#/tickets/{before['ticket']['id']}")
    screen.state("rechecked")
    screen.step("write_off", INSPECTOR, "现场核实，同意销号")
    screen.state("written_off")
    expect(screen.see("ticket-steps")).to_contain_text("更换水冷块")
    ends_leaving_nothing(again, site)


def sees_a_quiet_plant(screen: Screen) -> None:
    for priority in ("critical", "high", "medium", "low"):
        expect(screen.see(f"count-{priority}")).to_contain_text("0")
    expect(screen.see("tile-eaf1_panel_a")).to_be_visible()
    expect(screen.see(f"value-{FLOW}")).to_have_attribute("data-quality", "0")
    assert screen.see("alarm-strip").locator("article").count() == 0
    expect(screen.see("gateway-lost")).to_have_count(0)


def sees_the_leak_become_alarm_interlock_and_ticket(screen: Screen, site: Site) -> None:
    alarm = screen.alarm(LEAK)
    expect(alarm).to_be_visible(timeout=(FIRST_AFTER + 45) * 1000)
    expect(alarm).to_have_attribute("data-state", "unacknowledged")
    assert alarm.evaluate("element => getComputedStyle(element).animationName").startswith("flash")
    expect(screen.see("tile-eaf1_panel_a")).to_be_visible()

    screen.show("interlocks")
    demand = until(lambda: demand_of(site), "the interlock is demanded")
    assert {effect["id"] for effect in demand["effects"]} == EFFECTS
    for effect in EFFECTS:
        row = screen.see(f"effect-{demand['id']}-{effect}")
        expect(row.locator("[data-verdict=pass]")).to_be_visible(timeout=20_000)
        expect(row.locator("strong")).to_have_text(re.compile(r"\d"))
    screen.keep("interlocks")

    ticket = until(lambda: ticket_of(site), "a ticket is filed")
    assert (ticket["state"], ticket["grade"], ticket["clauses"]) == ("suspected", "major", ["4(4)"])
    screen.show("wall")
    screen.keep("wall")
    screen.keep("wall", PHONE)
    screen.show("alarms")
    screen.keep("alarms")
    screen.show("coverage")
    expect(screen.see("coverage-4(4)-eaf1_panel_a")).to_be_visible()
    screen.keep("coverage")
    screen.page.evaluate("point => { location.hash = '#/trend/' + point }", TEMPERATURE)
    expect(screen.see("trend-chart").locator("canvas")).to_be_visible()
    screen.keep("trend")


def acknowledges(screen: Screen) -> None:
    screen.show("wall")
    screen.see("operator").click()
    screen.see("operator-name").fill(OFFICER)
    screen.see("operator-save").click()
    alarm = screen.alarm(LEAK)
    alarm.get_by_test_id(f"acknowledge-{LEAK}").click()
    expect(alarm).to_have_attribute("data-state", "acknowledged")
    assert alarm.evaluate("element => getComputedStyle(element).animationName") == "none"


FIVE = {"measures": "更换水冷块", "funds": "8 万元", "emergency_plan": "漏水应急预案"}
"""What a major hazard needs beside a person and a deadline."""


def moves_the_ticket_on(screen: Screen) -> None:
    screen.alarm(LEAK).locator("a[href^='#/tickets/']").click()
    screen.state("suspected")
    screen.step("register", OFFICER, "现场属实，炉下坑有积水")
    screen.state("registered")
    screen.step("assess", OFFICER, "属判定标准第4(4)项，重大")
    screen.state("assessed")
    screen.step("assign", OFFICER, responsible=FOREMAN, due=IN_THREE_DAYS, **FIVE)
    screen.state("rectifying")
    expect(screen.see("ticket-evidence").locator("canvas").first).to_be_visible()
    screen.keep("ticket")
    screen.step("rectify", FOREMAN, "更换水冷块，打压试验合格")
    screen.state("awaiting_recheck")

    screen.step("pass_recheck", FOREMAN, "自己复查自己")
    refused = screen.see("ticket-detail").get_by_test_id("problems")
    expect(refused).to_contain_text(f"another person than {FOREMAN}")
    screen.state("awaiting_recheck")
    screen.see("action-pass_recheck").click()
    screen.step("pass_recheck", INSPECTOR, "复查合格")
    screen.state("rechecked")


def sees_the_gateway_lost_and_back(screen: Screen) -> None:
    lost = screen.see("gateway-lost")
    expect(lost).to_be_visible()
    expect(lost).to_contain_text("与网关失去连接")
    box = lost.bounding_box()
    assert box is not None
    assert (box["width"], box["height"]) == WALL, "said over everything"
    screen.keep("lost")
    expect(lost).to_have_count(0)


def everything(site: Site) -> dict[str, Any]:
    """What a person has seen and done, as the gateway tells it."""
    alarm = site.find("alarms", LEAK)
    return {
        "alarm": {name: alarm[name] for name in ("state", *DONE)},
        "ticket": ticket_of(site),
        "demand": demand_of(site),
    }


def finds_everything_again(screen: Screen, site: Site, program: Program, before: dict[str, Any]) -> None:
    assert before["alarm"]["acknowledged_by"] == OFFICER
    assert before["alarm"]["acknowledged_at"] is not None
    after = everything(site)
    if "EAF-1 is over" not in program.said():
        assert after == before, "the leak goes on, and so does all that followed from it"
    assert [after["alarm"][name] for name in DONE] == [before["alarm"][name] for name in DONE]
    assert (after["ticket"], after["demand"]["effects"]) == (before["ticket"], before["demand"]["effects"])
    evidence = site.get(f"tickets/{before['ticket']['id']}/evidence")
    curve = next(curve for curve in evidence["curves"] if curve["point"] == FLOW)
    seen = [start for start, mean in zip(curve["start"], curve["mean"]) if mean is not None]
    onset = before["ticket"]["onset"]
    assert min(seen) < onset - 10 * SECOND, "the curve has the quiet time before the leak"
    assert max(seen) > onset
    screen.state("rechecked")
    for name in (OFFICER, FOREMAN, INSPECTOR):
        expect(screen.see("ticket-steps")).to_contain_text(name)
    screen.show("wall")
    expect(screen.alarm(LEAK)).to_have_attribute("data-state", re.compile("^(latched_)?acknowledged$"))
    screen.show("interlocks")
    for effect in EFFECTS:
        row = screen.see(f"effect-{before['demand']['id']}-{effect}")
        expect(row.locator("[data-verdict=pass]")).to_be_visible()


def ends_leaving_nothing(program: Program, site: Site) -> None:
    assert len(program.family()) >= 3, "supervisor, simulator, gateway"
    # Before the end: aiomqtt may ask the loop to watch a socket that it has just closed, and asyncio says so.
    assert "Traceback" not in program.said()
    assert program.signal(signal.SIGINT) == 0
    assert program.survivors() == []
    assert [port for port in (site.port, *site.devices) if not is_free(port)] == []


async def finds_both_stores_whole(data: Path) -> None:
    journal = await SqliteJournal.open(data / "journal.sqlite")
    try:
        assert await journal.verify() is None
        kept = {entry.event.id: entry.event.kind for entry in await journal.read(0, 100_000)}
    finally:
        await journal.close()
    history = await DuckdbHistory.open(data / "history.duckdb", [])
    try:
        beside = await history.read_events(0, 2**62, limit=100_000)
        curve = await history.read(FLOW, 0, 2**62, 2**59)
    finally:
        await history.close()
    kinds = {record.kind for record in beside}
    assert {"alarm.raised", "alarm.acknowledged", "interlock.demanded", "interlock.effect"} <= kinds
    assert {"ticket.filed", "ticket.moved"} <= kinds
    assert kinds <= set(kept.values())
    assert len(curve.low)


def in_its_own_loop(work: Any) -> None:
    """Run a coroutine although the browser's event loop holds this thread."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def demand_of(site: Site) -> Any:
    return next((one for one in site.get("demands") if one["interlock"] == INTERLOCK), None)


def ticket_of(site: Site) -> Any:
    return next((one for one in site.get("tickets") if one["rule"] == LEAK), None)
