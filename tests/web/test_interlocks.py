"""The cause-and-effect matrix on the page: what is proven, what is not, who bypasses and who approved."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.fixture_interlocks import CASTER, FURNACE, RULES
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


def opened(page: Page) -> None:
    page.get_by_test_id("nav-interlocks").click()
    page.get_by_test_id("show-matrix").click()
    page.get_by_test_id(f"matrix-{CASTER}").wait_for()


def bypassed(page: Page, approver: str) -> None:
    page.get_by_test_id(f"bypass-{CASTER}").click()
    page.get_by_test_id("interlock-comment").fill("更换液位计")
    page.get_by_test_id("interlock-measure").fill("专人看守铝液位")
    page.get_by_test_id("interlock-approved-by").fill(approver)
    page.get_by_test_id("interlock-for-60").click()
    page.get_by_test_id("interlock-submit").click()


@pytest.mark.parametrize("width", [1920, 390])
def test_every_cell_says_whether_it_is_proven_and_nothing_is_cut_off(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    opened(page)
    states = {
        RULES[0].id: ("proven", "试验"),
        RULES[1].id: ("lapsed", "规则已改"),
        RULES[2].id: ("unproven", "未证明"),
    }
    for cause, (state, words) in states.items():
        cell = page.get_by_test_id(f"cell-{cause}-quick_shutoff")
        expect(cell).to_have_attribute("data-state", state)
        expect(cell).to_contain_text(words)
    late = page.get_by_test_id(f"cell-{RULES[3].id}-power_off")
    expect(late).to_have_attribute("data-state", "failed")
    expect(late).to_contain_text("迟到")
    expect(page.get_by_test_id(f"matrix-{FURNACE}").get_by_test_id("proof-state")).to_contain_text("试验超期")
    expect(page.get_by_test_id(f"matrix-{FURNACE}").get_by_test_id("engaged")).to_contain_text("未投入")
    assert overflowing(page) == []


def test_a_bypass_is_registered_with_its_approver_and_removed_again(page: Page) -> None:
    opened(page)
    bypassed(page, "赵主任")
    panel = page.get_by_test_id(f"matrix-{CASTER}")
    expect(panel.get_by_test_id("bypass-because")).to_contain_text("专人看守铝液位")
    expect(panel.get_by_test_id("bypass-because")).to_contain_text("赵主任")
    expect(panel.get_by_test_id(f"declare_test-{CASTER}")).to_have_count(0)
    panel.get_by_test_id(f"remove_bypass-{CASTER}").click()
    page.get_by_test_id("action-submit").click()
    expect(panel.get_by_test_id("bypass-because")).to_have_count(0)
    expect(panel.get_by_test_id("register-lines")).to_contain_text("1")


def test_nobody_approves_their_own_bypass_and_the_form_stays(page: Page) -> None:
    opened(page)
    bypassed(page, "李值班")
    expect(page.get_by_test_id("interlock-dialog")).to_contain_text("another person")
    expect(page.get_by_test_id(f"matrix-{CASTER}").get_by_test_id("bypass-because")).to_have_count(0)


def test_a_proof_test_is_declared_and_ended(page: Page) -> None:
    opened(page)
    page.get_by_test_id(f"declare_test-{CASTER}").click()
    page.get_by_test_id("interlock-comment").fill("LS-07")
    page.get_by_test_id("interlock-submit").click()
    panel = page.get_by_test_id(f"matrix-{CASTER}")
    expect(panel.get_by_test_id("test-state")).to_contain_text("试验中")
    panel.get_by_test_id(f"end_test-{CASTER}").click()
    page.get_by_test_id("action-comment").fill("完好")
    page.get_by_test_id("action-submit").click()
    expect(panel.get_by_test_id("test-state")).to_have_count(0)
