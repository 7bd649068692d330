"""A command from the page: nothing is sent by one click, the second step is read over, and what came of it is shown."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Locator, Page, ViewportSize, expect

from tests.web.fake_gateway import FakeGateway
from tests.web.fixture_outputs import SHUTOFF, TOKEN
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


@pytest.fixture
def panel(page: Page, fake: FakeGateway) -> Locator:
    page.goto(f"{fake.url}#/equipment/caster1")
    panel = page.get_by_test_id("outputs")
    expect(panel).to_be_visible()
    return panel


def selected(page: Page) -> None:
    page.get_by_test_id(f"operate-{SHUTOFF}-1").click()
    page.get_by_test_id("operate-comment").fill("浇铸前试动")
    page.get_by_test_id("operate-select").click()
    expect(page.get_by_test_id("operate-confirm")).to_be_visible()


def test_a_condition_that_is_not_known_to_hold_stands_out_from_one_that_does(panel: Locator) -> None:
    expect(panel.locator(".permissive[data-met=true]")).to_have_count(1)
    expect(panel.locator(".permissive[data-met=false]")).to_contain_text("unknown (stale, too_old)")


def test_a_command_takes_two_steps_and_shows_what_came_of_it(page: Page, panel: Locator, fake: FakeGateway) -> None:
    selected(page)
    wish = {"by": "李值班", "comment": "浇铸前试动", "value": 1.0}
    assert fake.outputs.posts == [(f"select {SHUTOFF}", wish)]
    expect(page.get_by_test_id("operate-confirm")).to_contain_text(re.compile("快速切断.*→ 1", re.DOTALL))
    page.get_by_test_id("operate-submit").click()
    result = page.get_by_test_id("operate-result")
    expect(result.locator("[data-verdict=pass]")).to_be_visible()
    expect(result.locator("[data-verdict=pending]")).to_be_visible()
    operated = {"by": "李值班", "token": TOKEN, "value": 1.0}
    assert fake.outputs.posts[1:] == [(f"operate {SHUTOFF}", operated)]
    page.get_by_test_id("operate-close").click()
    expect(panel.locator("[data-verdict=pass]")).to_be_visible()


def test_a_refused_second_step_says_why_and_begins_anew(page: Page, panel: Locator, fake: FakeGateway) -> None:
    fake.outputs.refuse = "output caster1.quick_shutoff: expected caster1.interlock_engaged equals 1, got 0"
    selected(page)
    page.get_by_test_id("operate-submit").click()
    expect(page.get_by_test_id("problems")).to_contain_text("expected caster1.interlock_engaged equals 1, got 0")
    expect(page.get_by_test_id("operate-select")).to_be_visible()
    expect(page.get_by_test_id("operate-submit")).to_have_count(0)


def test_a_selection_that_is_left_is_given_back(page: Page, panel: Locator, fake: FakeGateway) -> None:
    selected(page)
    with page.expect_request(re.compile("/cancel$")):
        page.keyboard.press("Escape")
    expect(page.get_by_test_id("operate-dialog")).to_have_count(0)


def test_the_outputs_fit_a_phone(page: Page, panel: Locator) -> None:
    page.set_viewport_size(ViewportSize(width=390, height=844))
    expect(panel).to_be_visible()
    assert overflowing(page) == []
