"""What the duty room sees, by real sockets and a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from gateway.machines.alarm import AlarmStateName
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import Quality, Reason
from tests.web import fixture_views
from tests.web.conftest import PATIENCE
from tests.web.fake_gateway import FakeGateway

pytestmark = pytest.mark.browser

CRITICAL = "eaf.outlet_temperature_high@eaf1_panel_a"
RETURNED = "dust.water_level_low@dust_wet1"
ACKNOWLEDGED = "dust.differential_pressure@dust_dry1"
LATCHED = "caster.level_high@caster1"
CANNOT_TELL = "co.high@co_04"


def until(true: Callable[[], bool], page: Page) -> None:
    """Wait for something outside the page."""
    end = time.monotonic() + PATIENCE / 1000
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        page.wait_for_timeout(20)


def style(place: Locator, name: str) -> str:
    return str(place.evaluate("(element, name) => getComputedStyle(element)[name]", name))


def overflowing(page: Page) -> list[str]:
    """Texts that reach past the right edge of the window."""
    found: list[str] = page.evaluate(
        """() => [...document.querySelectorAll('body *')]
            .filter(e => e.offsetParent && e.getBoundingClientRect().right > innerWidth + 1)
            .filter(e => !e.closest('.skip, .unseen, .u-over'))
            .map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
    )
    return found


def test_only_an_unacknowledged_alarm_flashes_and_only_its_border(page: Page) -> None:
    strip = page.get_by_test_id("alarm-strip")
    open_ = strip.get_by_test_id(f"alarm-{CRITICAL}")
    expect(open_).to_have_attribute("data-state", "unacknowledged")
    assert style(open_, "animationName").startswith("flash")
    assert style(open_, "animationDuration") == "1s"
    assert style(strip.get_by_test_id(f"alarm-{ACKNOWLEDGED}"), "animationName") == "none"
    assert style(page.get_by_test_id("tile-eaf1_panel_a"), "animationName").startswith("flash")
    moved = page.evaluate(
        """() => [...document.styleSheets].flatMap(sheet => [...sheet.cssRules])
            .filter(rule => rule instanceof CSSKeyframesRule)
            .flatMap(rule => [...rule.cssRules].flatMap(frame => [...frame.style]))"""
    )
    assert moved
    assert all(re.fullmatch(r"border-.*color", name) for name in moved)


def test_an_alarm_is_acknowledged_with_the_operators_name_and_stops_flashing(page: Page, fake: FakeGateway) -> None:
    alarm = page.get_by_test_id("alarm-strip").get_by_test_id(f"alarm-{CRITICAL}")
    alarm.get_by_test_id(f"acknowledge-{CRITICAL}").click()
    expect(alarm).to_have_attribute("data-state", "acknowledged")
    assert fake.posts == [(f"acknowledge {CRITICAL}", {"by": "李值班", "comment": ""})]
    assert style(alarm, "animationName") == "none"
    expect(alarm.get_by_test_id(f"acknowledge-{CRITICAL}")).to_have_count(0)


def test_an_action_without_a_known_name_asks_for_it_first(browser: Browser, fake: FakeGateway) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.goto(fake.url)
    page.get_by_test_id("alarm-strip").get_by_test_id(f"acknowledge-{RETURNED}").click()
    assert fake.posts == []
    page.get_by_test_id("action-by").fill("王班长")
    page.get_by_test_id("action-comment").fill("已补水")
    page.get_by_test_id("action-submit").click()
    expect(page.get_by_test_id(f"alarm-{RETURNED}")).to_have_count(0)
    assert fake.posts == [(f"acknowledge {RETURNED}", {"by": "王班长", "comment": "已补水"})]
    expect(page.get_by_test_id("operator")).to_contain_text("王班长")
    context.close()


def test_a_refused_action_is_shown_in_words(page: Page, fake: FakeGateway) -> None:
    del fake.alarms[CRITICAL]
    page.get_by_test_id("alarm-strip").get_by_test_id(f"acknowledge-{CRITICAL}").click()
    expect(page.get_by_test_id("failure-dialog")).to_contain_text("the alarm is already normal")


def test_a_latched_alarm_is_reset_by_a_named_person(page: Page, fake: FakeGateway) -> None:
    page.get_by_test_id("nav-alarms").click()
    page.get_by_test_id("alarm-list").get_by_test_id(f"reset-{LATCHED}").click()
    page.get_by_test_id("action-submit").click()
    until(lambda: bool(fake.posts), page)
    assert fake.posts == [(f"reset {LATCHED}", {"by": "李值班", "comment": ""})]


def test_a_critical_alarm_is_shelved_by_two_people_for_a_time_and_stays_in_sight(page: Page, fake: FakeGateway) -> None:
    page.get_by_test_id("nav-alarms").click()
    page.get_by_test_id("alarm-list").get_by_test_id(f"shelve-{CRITICAL}").click()
    page.get_by_test_id("aside-for-15").click()
    page.get_by_test_id("aside-comment").fill("探头清洗")
    page.get_by_test_id("aside-second").fill("李值班")
    page.get_by_test_id("aside-submit").click()
    expect(page.get_by_test_id("aside-dialog")).to_contain_text("another person than 李值班")
    page.get_by_test_id("aside-second").fill("王班长")
    page.get_by_test_id("aside-submit").click()
    expect(page.get_by_test_id("aside-dialog")).to_have_count(0)
    sent = {"by": "李值班", "second": "王班长", "comment": "探头清洗", "duration": 900_000_000, "one_shot": False}
    assert fake.posts[-1] == (f"shelve {CRITICAL}", sent)
    expect(page.get_by_test_id("alarm-list").get_by_test_id(f"alarm-{CRITICAL}")).to_have_count(0)
    row = page.get_by_test_id(f"aside-{CRITICAL}")
    expect(row.get_by_test_id("remaining")).to_have_text(re.compile(r"1[45]:\d\d"))
    expect(page.get_by_test_id("health-shelved")).to_contain_text("2")


def test_what_is_put_aside_is_listed_by_axis_and_counted_in_the_bar(page: Page) -> None:
    for count in ("shelved", "suppressed", "out-of-service"):
        expect(page.get_by_test_id(f"health-{count}")).to_contain_text("1")
    page.get_by_test_id("nav-alarms").click()
    shown = page.get_by_test_id("aside-list").locator("article").evaluate_all("rows => rows.map(r => r.dataset.shown)")
    assert sorted(shown) == ["out_of_service", "shelved", "suppressed_by_design"]
    assert page.get_by_test_id("aside-list").inner_text().count("JX-2026-118") == 1


def test_a_new_alarm_appears_is_spoken_and_is_counted(page: Page, fake: FakeGateway) -> None:
    expect(page.get_by_test_id("count-critical")).to_contain_text("1")
    alarm = fake.raise_alarm(Text("炉坑积水", "Water in the pit"), "eaf1", "eaf1.pit_water_present", Priority.CRITICAL)
    expect(page.get_by_test_id("alarm-strip").get_by_test_id(f"alarm-{alarm}")).to_be_visible()
    expect(page.get_by_test_id("announcement")).to_contain_text("炉坑积水")
    expect(page.get_by_test_id("count-critical")).to_contain_text("2")


def test_a_value_that_is_not_good_is_never_shown_as_a_number(page: Page, fake: FakeGateway) -> None:
    point = "eaf1_panel_a.inlet_flow"
    value = page.get_by_test_id(f"value-{point}")
    expect(value).to_contain_text(re.compile(r"\d"))
    for quality, reason, word in (
        (Quality.UNCERTAIN, Reason.WARMING_UP, "预热中"),
        (Quality.STALE, Reason.TOO_OLD, "数据过期"),
        (Quality.BAD, Reason.TIMEOUT, "无应答"),
    ):
        fake.fail(point, quality, reason)
        fake.send_samples()
        expect(value).to_contain_text(word)
        assert "—" in value.inner_text()
        assert not re.search(r"\d", value.inner_text())
    expect(page.get_by_test_id("unprotected")).to_contain_text("进水流量 无应答")


def test_a_value_is_shown_with_the_decimals_of_its_range_and_zero_without_a_sign(page: Page, fake: FakeGateway) -> None:
    index = next(point.index for point in fake.plant.points if point.id == "eaf1.tilt_angle")
    fake.values[index] = -0.004
    fake.send_samples()
    value = page.get_by_test_id("value-eaf1.tilt_angle")
    expect(value).to_contain_text(re.compile(r"0\.0\b"))
    expect(value).not_to_contain_text("-")
    page.get_by_test_id("nav-alarms").click()
    card = page.get_by_test_id("alarm-list").get_by_test_id(f"alarm-{CRITICAL}")
    readings = re.findall(r"\d+\.(\d+)", card.inner_text())
    assert readings
    assert max(map(len, readings)) <= 3


def test_what_is_not_protected_is_listed(page: Page) -> None:
    gone = page.get_by_test_id("unprotected")
    expect(gone.get_by_test_id(f"unknown-{CANNOT_TELL}")).to_be_visible()
    expect(gone.get_by_test_id("link-plc_gas_area")).to_contain_text("连接断开")
    expect(gone).to_contain_text("氢气 预热中")
    expect(gone.get_by_test_id("clock-plc_casting_shop")).to_contain_text("caster/level_2慢")
    expect(gone.get_by_test_id("clock-plc_casting_shop")).to_contain_text("1:00")
    expect(page.get_by_test_id("alarm-strip").get_by_test_id(f"alarm-{CANNOT_TELL}")).to_have_count(0)


def test_a_lost_gateway_is_said_over_everything_until_it_is_back(page: Page, fake: FakeGateway) -> None:
    banner = page.get_by_test_id("gateway-lost")
    expect(banner).to_have_count(0)
    fake.stop()
    expect(banner).to_be_visible()
    expect(banner).to_contain_text("与网关失去连接")
    box = banner.bounding_box()
    assert box
    assert (box["width"], box["height"]) == (1920, 1080)
    del fake.alarms[CRITICAL]
    fake.start()
    expect(banner).to_have_count(0)
    expect(page.get_by_test_id(f"alarm-{CRITICAL}")).to_have_count(0)


def test_a_gateway_that_only_falls_silent_is_lost_too(page: Page, fake: FakeGateway) -> None:
    fake.mute = True
    expect(page.get_by_test_id("gateway-lost")).to_be_visible()
    expect(page.get_by_test_id("lost-seconds")).to_have_text(re.compile(r"[3-9]"))
    fake.mute = False
    expect(page.get_by_test_id("gateway-lost")).to_have_count(0)


def test_blocked_sound_is_said_until_somebody_touches_the_page(page: Page, fake: FakeGateway) -> None:
    banner = page.get_by_test_id("sound-banner")
    expect(banner).to_be_visible()
    banner.click()
    expect(banner).to_have_count(0)
    sound = page.get_by_test_id("sound")
    expect(sound).to_have_attribute("data-state", "on")
    sound.click()
    expect(sound).to_have_attribute("data-state", "silenced")
    assert fake.posts == []
    fake.raise_alarm(Text("炉坑积水", "Water in the pit"), "eaf1", "eaf1.pit_water_present", Priority.CRITICAL)
    expect(sound).to_have_attribute("data-state", "on")


def test_the_touch_that_frees_the_sound_still_presses_what_it_touches(page: Page) -> None:
    expect(page.get_by_test_id("sound-banner")).to_be_visible()
    box = page.get_by_test_id("nav-interlocks").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.wait_for_timeout(600)
    page.mouse.up()
    expect(page.get_by_test_id("nav-interlocks")).to_have_attribute("aria-current", "page")
    expect(page.get_by_test_id("sound-banner")).to_have_count(0)


def test_a_ticket_goes_its_way_by_named_steps_and_a_refusal_names_every_problem(page: Page, fake: FakeGateway) -> None:
    page.get_by_test_id("nav-tickets").click()
    page.get_by_test_id("ticket-t1").click()
    detail = page.get_by_test_id("ticket-detail")
    page.get_by_test_id("action-register").click()
    page.get_by_test_id("ticket-comment").fill("现场属实")
    page.get_by_test_id("ticket-submit").click()
    expect(detail).to_have_attribute("data-state", "registered")

    page.get_by_test_id("action-assign").click()
    page.get_by_test_id("ticket-submit").click()
    problems = detail.get_by_test_id("problems")
    expect(problems.locator("li")).to_have_text([re.compile("responsible.*a name"), re.compile("due.*a time")])
    page.get_by_test_id("ticket-responsible").fill("王班长")
    page.get_by_test_id("ticket-due").fill("2027-01-31")
    page.get_by_test_id("ticket-submit").click()
    expect(detail).to_have_attribute("data-state", "rectifying")
    expect(page.get_by_test_id("ticket-steps")).to_contain_text("现场属实")
    assert [name for name, _ in fake.posts] == ["register t1", "assign t1", "assign t1"]
    assert fake.posts[-1][1]["due"] % 1_000_000 == 0


def test_a_tickets_evidence_is_drawn(page: Page, fake: FakeGateway) -> None:
    page.goto(f"{fake.url}#/tickets/t1")
    evidence = page.get_by_test_id("ticket-evidence")
    expect(evidence.locator("canvas")).to_have_count(2)
    expect(evidence).to_contain_text("数据失效")


def test_the_page_asks_nothing_of_any_other_host(page: Page, fake: FakeGateway) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{fake.url}?again#/trend/eaf1_panel_a.outlet_temperature")
    expect(page.get_by_test_id("trend-chart").locator("canvas")).to_be_visible()
    assert asked
    assert [url for url in asked if not url.startswith(fake.url)] == []


@pytest.mark.parametrize("size", [(1920, 1080), (1366, 768), (390, 844)])
def test_the_longest_state_never_pushes_the_button_out_of_its_card(
    page: Page, fake: FakeGateway, size: tuple[int, int]
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    title = Text("疑似向炉内漏水（温升、出水减少、进水稳定）", "Pattern of a leak into the furnace, inlet steady")
    state = AlarmStateName.LATCHED_UNACKNOWLEDGED
    alarm = fake.raise_alarm(title, "eaf1", "eaf1.pit_water_present", Priority.CRITICAL, state)
    strip = page.get_by_test_id("alarm-strip")
    expect(strip.get_by_test_id(f"alarm-{alarm}")).to_be_visible()
    cut_off = strip.evaluate(
        """strip => [...strip.querySelectorAll('*')]
            .filter(e => e.getBoundingClientRect().right > strip.getBoundingClientRect().right + 1)
            .map(e => e.className + ': ' + e.textContent.slice(0, 40))"""
    )
    assert cut_off == []


@pytest.mark.parametrize("size", [(1920, 1080), (390, 844)])
def test_nothing_reaches_past_the_edge_of_the_window(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    for view in ("wall", "alarms", "interlocks", "tickets/t2", "coverage", "equipment/caster1", "trend/co_01.fault"):
        page.evaluate("view => { location.hash = '#/' + view }", view)
        page.locator("main *").first.wait_for()
        page.wait_for_timeout(150)
        assert overflowing(page) == [], view


def test_the_fixture_has_a_point_in_every_quality() -> None:
    assert set(FakeGateway().quality) == {int(quality) for quality in Quality}
    assert len({each.state for each in fixture_views.alarms(0)}) == 5


def test_a_chart_whose_code_is_gone_says_so(page: Page, fake: FakeGateway) -> None:
    page.route("**/assets/plot-*.js", lambda route: route.abort())
    page.goto(f"{fake.url}?again#/trend/eaf1_panel_a.outlet_temperature")
    expect(page.get_by_test_id("chart-unavailable")).to_be_visible()
