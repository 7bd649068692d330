"""Ledgers on the page: any period to download, analysed in bars; an existing one taken over, or refused by cell."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from gateway.ledgers.forms import FORMS
from tests.ledgers.test_import import DONE, OPEN, book
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


def opened(page: Page) -> None:
    """The view, of the last hundred days."""
    page.get_by_test_id("nav-tickets").click()
    page.get_by_test_id("to-ledgers").click()
    page.get_by_test_id("first-day").fill(f"{datetime.now(UTC) - timedelta(days=100):%Y-%m-%d}")
    page.get_by_test_id("analysis").get_by_test_id("figure-hazards_found").wait_for()


def test_every_form_is_there_and_comes_as_a_workbook_of_the_chosen_days(page: Page, tmp_path: Path) -> None:
    opened(page)
    for form in FORMS:
        expect(page.get_by_test_id(f"form-{form}")).to_be_visible()
    with page.expect_download() as waiting:
        page.get_by_test_id("form-hazards").click()
    waiting.value.save_as(tmp_path / "hazards.xlsx")
    assert waiting.value.suggested_filename == "隐患排查台账.xlsx"
    sheet = load_workbook(tmp_path / "hazards.xlsx").worksheets[0]
    assert [sheet.cell(row, 14).value for row in range(4, 8)] == [f"工单 HD-00000000000{n}" for n in range(1, 5)]


def test_the_analysis_follows_the_period_and_the_dimension(page: Page) -> None:
    opened(page)
    found = page.get_by_test_id("figure-hazards_found")
    expect(found).to_contain_text("4")
    expect(page.get_by_test_id("figure-hazards_overdue")).to_contain_text("⚠ 1")
    expect(page.get_by_test_id("part-melt")).to_contain_text("4")
    page.get_by_test_id("dimension-grade").click()
    expect(page.get_by_test_id("part-重大")).to_contain_text("3")
    page.get_by_test_id("first-day").fill(f"{datetime.now(UTC) - timedelta(days=10):%Y-%m-%d}")
    expect(found).to_contain_text("2")


def test_a_period_that_ends_before_it_begins_offers_nothing(page: Page) -> None:
    opened(page)
    page.get_by_test_id("first-day").fill("2100-01-01")
    expect(page.get_by_test_id("wrong-period")).to_be_visible()
    assert page.get_by_test_id("form-hazards").get_attribute("href") is None
    expect(page.get_by_test_id("analysis")).to_have_count(0)


def chosen(page: Page, tmp_path: Path, *lines: tuple[object, ...]) -> None:
    path = tmp_path / "旧台账.xlsx"
    path.write_bytes(book(*lines))
    page.get_by_test_id("import-file").set_input_files(path)


def test_mistakes_stand_in_a_table_by_cell_and_nothing_is_filed(page: Page, tmp_path: Path) -> None:
    opened(page)
    chosen(page, tmp_path, DONE, (*OPEN[:4], "很大", OPEN[5], "昨天", *OPEN[7:]))
    page.get_by_test_id("import-send").click()
    refused = page.get_by_test_id("import-refused")
    expect(refused).to_contain_text("2026年!G5 排查时间")
    expect(refused.locator("tbody tr")).to_have_count(2)
    expect(page.get_by_test_id("figure-hazards_found")).to_contain_text("4")


def test_a_sound_ledger_is_looked_through_and_then_filed_once_in_the_signed_in_name(page: Page, tmp_path: Path) -> None:
    opened(page)
    expect(page.get_by_test_id("import-by")).to_have_value("李值班")
    page.get_by_test_id("first-day").fill("2026-01-01")
    chosen(page, tmp_path, DONE, OPEN)
    done = page.get_by_test_id("import-done")
    for button, told in (("import-check", "可以导入"), ("import-send", "已导入"), ("import-send", "已导入")):
        page.get_by_test_id(button).click()
        expect(done).to_contain_text(told)
    expect(done).to_contain_text("已导入Filed 0")
    expect(done).to_contain_text("already there 2")


@pytest.mark.parametrize("width", [1920, 390])
def test_nothing_reaches_past_the_window(page: Page, tmp_path: Path, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    opened(page)
    chosen(page, tmp_path, (*OPEN[:4], "很大", OPEN[5], "昨天", *OPEN[7:]))
    page.get_by_test_id("import-check").click()
    page.get_by_test_id("import-refused").wait_for()
    assert [each for each in overflowing(page) if "scroll" not in each] == []
