"""Hazards on the page: a person files one, every step asks for what it needs, and a photograph is seen beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.web.fake_gateway import FakeGateway

pytestmark = pytest.mark.browser

PHOTO = Path(__file__).parents[2] / "docs" / "images" / "wall-390x844.png"
WINDOWS = [(1920, 1080), (390, 844)]


def reported(page: Page, grade: str = "major") -> None:
    """The page after a hazard was filed; its ticket is open."""
    page.get_by_test_id("nav-tickets").click()
    page.get_by_test_id("report-hazard").click()
    page.get_by_test_id("report-area").select_option("meltshop")
    page.get_by_test_id("report-equipment").select_option("eaf1")
    page.get_by_test_id("report-title").fill("炉前坑积水")
    page.get_by_test_id("report-description").fill("积水约 5 cm")
    page.get_by_test_id("report-grade").select_option(grade)
    page.get_by_test_id("report-submit").click()
    expect(page.get_by_test_id("ticket-detail")).to_contain_text("炉前坑积水")


def step(page: Page, action: str, **fields: str) -> None:
    page.get_by_test_id(f"action-{action}").click()
    for name, value in fields.items():
        box = page.get_by_test_id(f"ticket-{name}")
        if box.evaluate("box => box.tagName") == "SELECT":
            box.select_option(value)
        else:
            box.fill(value)
    page.get_by_test_id("ticket-submit").click()


def test_a_report_that_says_too_little_is_told_everything_and_keeps_what_was_written(
    page: Page, fake: FakeGateway
) -> None:
    page.get_by_test_id("nav-tickets").click()
    page.get_by_test_id("report-hazard").click()
    dialog = page.get_by_test_id("report-dialog")
    page.get_by_test_id("report-source").select_option("county_inspection")
    page.get_by_test_id("report-title").fill("护栏缺失")
    page.get_by_test_id("report-submit").click()
    said = dialog.get_by_test_id("problems").locator("li")
    expect(said).to_have_text([re.compile("unit"), re.compile("area"), re.compile("description")])
    expect(page.get_by_test_id("report-title")).to_have_value("护栏缺失")
    expect(page.get_by_test_id("report-unit")).to_have_attribute("aria-invalid", "true")
    page.get_by_test_id("report-source").select_option("internal_report")
    page.get_by_test_id("report-anonymous").check()
    page.get_by_test_id("report-area").select_option("meltshop")
    page.get_by_test_id("report-description").fill("东侧")
    page.get_by_test_id("report-submit").click()
    expect(page.get_by_test_id("ticket-detail")).to_contain_text("匿名")
    (filed,) = fake.hazards.tickets.values()
    assert (filed.found_by, filed.area, filed.equipment) == ("", "meltshop", "")


def test_a_major_hazard_goes_round_the_whole_loop_with_all_that_it_needs(page: Page, fake: FakeGateway) -> None:
    reported(page)
    detail = page.get_by_test_id("ticket-detail")
    expect(page.get_by_test_id("action-assign")).to_have_count(0)
    step(page, "assess", comment="第4(2)项")
    step(page, "assign", responsible="李")
    said = detail.get_by_test_id("problems").locator("li code")
    expect(said).to_have_text(["measures", "funds", "emergency_plan", "due"])
    five = {"measures": "抽排", "funds": "1 万", "emergency_plan": "停炉"}
    for name, value in five.items():
        page.get_by_test_id(f"ticket-{name}").fill(value)
    page.get_by_test_id("ticket-due").fill("2099-01-31")
    page.get_by_test_id("ticket-submit").click()
    expect(said).to_have_text(["interim", "approver"])
    page.get_by_test_id("ticket-interim").fill("停炉警戒")
    page.get_by_test_id("ticket-approver").fill("孙总")
    page.get_by_test_id("ticket-submit").click()
    expect(detail).to_have_attribute("data-state", "rectifying")
    step(page, "supervise", authority="县应急管理局")
    step(page, "stop_production", scope="1# 炉", comment="不能保证安全")
    step(page, "rectify", by="李", comment="已排净")
    step(page, "pass_recheck", by="赵安全")
    expect(detail).to_have_attribute("data-state", "rechecked")
    expect(page.get_by_test_id("action-write_off")).to_have_count(0)
    step(page, "end_supervision", comment="验收合格")
    step(page, "resume_production", comment="复查合格", approver="孙总")
    step(page, "write_off")
    expect(detail).to_have_attribute("data-state", "written_off")
    expect(page.get_by_test_id("ticket-steps")).to_contain_text("孙总")


def test_a_photograph_is_seen_beside_its_ticket_and_an_executable_is_refused_in_words(
    page: Page, fake: FakeGateway, tmp_path: Path
) -> None:
    reported(page, "ordinary")
    page.get_by_test_id("file-comment").fill("整改前")
    page.get_by_test_id("file-input").set_input_files(PHOTO)
    files = page.get_by_test_id("ticket-files")
    expect(files).to_contain_text("整改前")
    image = files.locator("img")
    image.scroll_into_view_if_needed()
    page.wait_for_function("() => document.querySelector('[data-testid=ticket-files] img').naturalWidth > 0")
    assert list(fake.hazards.files.values()) == [PHOTO.read_bytes()]
    (tmp_path / "photo.jpg").write_bytes(b"MZ" + bytes(500))
    page.get_by_test_id("file-input").set_input_files(tmp_path / "photo.jpg")
    expect(page.get_by_test_id("problems")).to_contain_text("a Windows executable")
    assert len(fake.hazards.files) == 1


def test_the_list_shows_what_all_filters_hold_for(page: Page) -> None:
    page.get_by_test_id("nav-tickets").click()
    shown = page.get_by_test_id("ticket-list").locator("a")
    expect(shown).to_have_count(2)
    page.get_by_test_id("filter-overdue").check()
    expect(shown).to_have_attribute("data-testid", "ticket-t2")
    page.get_by_test_id("filter-grade").select_option("major")
    expect(shown).to_have_count(0)
    page.get_by_test_id("filter-overdue").uncheck()
    expect(shown).to_have_attribute("data-testid", "ticket-t1")
    page.get_by_test_id("filter-area").select_option("dust_workshop")
    expect(shown).to_have_count(0)


@pytest.mark.parametrize("size", WINDOWS)
def test_no_form_of_a_hazard_reaches_past_the_edge_of_the_window(page: Page, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    reported(page)
    for action in ("assess", "supervise", "stop_production"):
        page.get_by_test_id(f"action-{action}").click()
        page.get_by_test_id("ticket-submit").click()
        page.wait_for_timeout(100)
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
