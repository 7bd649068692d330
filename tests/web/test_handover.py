"""A shift handover (交接班) on the page: read by both, signed by both, and kept to look at again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from gateway.plant.model import Text
from gateway.rule import Priority
from tests.web.fake_gateway import FakeGateway
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


def opened(page: Page) -> None:
    page.get_by_test_id("nav-duty").click()
    page.get_by_test_id("handover-standing").wait_for()


def signed_by(page: Page, gives: str, takes: str) -> None:
    page.get_by_test_id("handover-by").fill(gives)
    page.get_by_test_id("handover-to").fill(takes)


@pytest.mark.parametrize("width", [1920, 390])
def test_every_section_is_named_and_full_where_something_is_not_as_it_should_be(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    opened(page)
    for full in ("standing", "out_of_service", "shelved", "suppressed", "cannot_tell", "silent", "overdue"):
        expect(page.get_by_test_id(f"handover-{full}")).not_to_have_attribute("data-lines", "0")
    expect(page.get_by_test_id("handover-unanswered")).to_contain_text("无")
    expect(page.get_by_test_id("handover-shelved")).to_contain_text("探头蒸汽干扰")
    expect(page.get_by_test_id("handover-silent")).to_contain_text("煤气报警控制器")
    assert overflowing(page) == []


def test_both_sign_and_the_screen_belongs_to_whoever_took_over(page: Page) -> None:
    opened(page)
    expect(page.get_by_test_id("handover-by")).to_have_value("李值班")
    expect(page.get_by_test_id("handover-sign")).to_be_disabled()
    page.get_by_test_id("handover-to").fill("赵接班")
    page.get_by_test_id("handover-comment").fill("二号炉检修未完")
    page.get_by_test_id("handover-sign").click()
    expect(page.get_by_test_id("handover-done")).to_contain_text("HO-")
    past = page.get_by_test_id("handovers")
    expect(past).to_contain_text("李值班")
    expect(past).to_contain_text("赵接班")
    expect(past).to_contain_text("二号炉检修未完")
    expect(page.get_by_test_id("handover-by")).to_have_value("赵接班")
    assert page.evaluate("localStorage.getItem('tocsin.operator')") == "赵接班"
    address = page.get_by_test_id("handover-done").get_by_role("link").get_attribute("href")
    assert address is not None
    printed = page.request.get(page.url.partition("#")[0].rstrip("/") + address)
    assert "二号炉检修未完" in printed.text()


def test_one_person_cannot_sign_for_both(page: Page) -> None:
    opened(page)
    signed_by(page, "Li", " li ")
    expect(page.get_by_test_id("handover-same")).to_be_visible()
    expect(page.get_by_test_id("handover-sign")).to_be_disabled()
    signed_by(page, "", "赵接班")
    expect(page.get_by_test_id("handover-sign")).to_be_disabled()


def test_what_has_changed_since_it_was_read_is_read_again_before_anybody_signs(page: Page, fake: FakeGateway) -> None:
    opened(page)
    signed_by(page, "李值班", "赵接班")
    expect(page.get_by_test_id("handover-sign")).to_be_enabled()
    title = Text("新报警", "New alarm")
    fake.raise_alarm(title, "eaf1_panel_a", "eaf1_panel_a.outlet_temperature", Priority.HIGH)
    expect(page.get_by_test_id("handover-changed")).to_be_visible()
    expect(page.get_by_test_id("handover-sign")).to_be_disabled()
    expect(page.get_by_test_id("handover-standing")).not_to_contain_text("新报警")
    page.get_by_test_id("handover-again").click()
    expect(page.get_by_test_id("handover-standing")).to_contain_text("新报警")
    page.get_by_test_id("handover-sign").click()
    expect(page.get_by_test_id("handover-done")).to_be_visible()
