"""The duty check (查岗) on the page: seen, heard of, answered with one click."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from gateway.events.presence import AskedBecause
from gateway.machines.duty_check import DutyCheck, DutyCheckState
from gateway.sample import SECOND, Instant
from tests.web.fake_gateway import FakeGateway, wall_clock
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


def asked(fake: FakeGateway, *, left: int, state: DutyCheckState = DutyCheckState.ASKED) -> None:
    now = wall_clock()
    begun, deadline = Instant(now + (left - 300) * SECOND), Instant(now + left * SECOND)
    fake.duty_check = DutyCheck("DC-1", state, AskedBecause.RANDOM, "", begun, deadline)


def test_a_duty_check_shows_its_remaining_time_and_is_answered_by_one_click(page: Page, fake: FakeGateway) -> None:
    expect(page.get_by_test_id("duty-check")).to_have_count(0)
    asked(fake, left=200)
    banner = page.get_by_test_id("duty-check")
    expect(banner).to_have_attribute("data-state", "asked")
    expect(banner).to_contain_text("查岗")
    expect(page.get_by_test_id("duty-time")).to_contain_text("3:")
    page.get_by_test_id("duty-answer").click()
    expect(banner).to_have_count(0)
    assert fake.posts == [("answer DC-1", {"by": "李值班", "comment": ""})]


@pytest.mark.parametrize("width", [1920, 390])
def test_a_missed_duty_check_stays_in_sight_until_somebody_answers(page: Page, fake: FakeGateway, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    asked(fake, left=-60, state=DutyCheckState.MISSED)
    banner = page.get_by_test_id("duty-check")
    expect(banner).to_have_attribute("data-state", "missed")
    expect(banner).to_contain_text("无人应答")
    assert overflowing(page) == []
    page.get_by_test_id("duty-answer").click()
    expect(banner).to_have_count(0)
