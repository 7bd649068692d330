"""Raw samples taken off the trend view as a file: begun, watched, checked, cancelled."""

from __future__ import annotations

import csv
import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.web.fake_gateway import FakeGateway
from tests.web.fixture_exports import BATCHES, ROWS
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser

POINT = "eaf1_panel_a.outlet_temperature"


def opened(page: Page, fake: FakeGateway) -> Locator:
    page.goto(f"{fake.url}#/trend/{POINT}")
    page.get_by_test_id("export-open").click()
    return page.get_by_test_id("trend-export")


def test_what_the_chart_shows_becomes_a_file_with_its_checksum(page: Page, fake: FakeGateway, tmp_path: Path) -> None:
    panel = opened(page, fake)
    page.get_by_test_id("export-begin").click()
    done = panel.locator("li[data-state=done]")
    expect(done).to_contain_text(f"{BATCHES * ROWS:,}")
    with page.expect_download() as download:
        done.get_by_role("link").click()
    file = tmp_path / "samples.csv"
    download.value.save_as(file)
    told = re.search(r"SHA-256 ([0-9a-f]{64})", done.inner_text())
    assert told is not None
    assert hashlib.sha256(file.read_bytes()).hexdigest() == told[1]
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    assert len(rows) == BATCHES * ROWS
    assert {(row["point"], row["quality"]) for row in rows} == {(POINT, "good")}
    done.get_by_text("删除").click()
    expect(panel.locator("li")).to_have_count(0)


def test_a_long_export_shows_how_far_it_is_goes_on_when_nobody_looks_and_can_be_cancelled(
    page: Page, fake: FakeGateway
) -> None:
    fake.export_pace = 0.5
    panel = opened(page, fake)
    page.get_by_test_id("export-whole").check()
    page.get_by_test_id("export-begin").click()
    running = panel.locator("li[data-state=running]")
    expect(running).to_contain_text(re.compile(r"[1-9]\d? %"))
    page.get_by_test_id("nav-wall").click()
    expect(panel).to_have_count(0)
    opened(page, fake)
    expect(running).to_contain_text(re.compile(r"[1-9]\d? %"))
    running.get_by_text("取消").click()
    expect(panel.locator("li[data-state=cancelled]")).to_contain_text("已取消")


def test_a_time_that_ends_before_it_starts_is_refused_in_words_and_by_field(page: Page, fake: FakeGateway) -> None:
    panel = opened(page, fake)
    page.get_by_test_id("export-from").fill("2026-11-25T10:00:00")
    page.get_by_test_id("export-to").fill("2026-11-25T09:00:00")
    page.get_by_test_id("export-begin").click()
    expect(panel.get_by_test_id("problems")).to_contain_text("a time before the end")
    page.get_by_test_id("export-to").fill("2026-11-25T11:00:00")
    page.get_by_test_id("export-begin").click()
    expect(panel.get_by_test_id("problems")).to_have_count(0)
    expect(panel.locator("li[data-state=done]")).to_contain_text("2")


@pytest.mark.parametrize("width", [1920, 390])
def test_nothing_of_it_reaches_out_of_the_window(page: Page, fake: FakeGateway, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    panel = opened(page, fake)
    page.get_by_test_id("export-begin").click()
    expect(panel.locator("li[data-state=done]")).to_be_visible()
    assert overflowing(page) == []
