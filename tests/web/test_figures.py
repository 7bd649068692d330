"""The alarm figures on the page: what chatters, flees and stands is named, each with its count."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.web.fixture_figures import CHATTERS, FLEES, STANDS
from tests.web.test_page import overflowing

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("width", [1920, 390])
def test_the_nuisances_of_a_period_are_named_each_with_what_it_does(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 1080 if width > 1000 else 844})
    page.get_by_test_id("nav-duty").click()
    expect(page.get_by_test_id("nuisances").locator(".line")).to_have_count(3)
    for alarm, does in ((CHATTERS, "抖动"), (FLEES, "瞬时"), (STANDS, "长期")):
        expect(page.get_by_test_id(f"nuisance-{alarm}")).to_contain_text(does)
    expect(page.get_by_test_id("figure-chattering")).to_contain_text("1")
    expect(page.get_by_test_id("figure-fleeting")).to_contain_text("1")
    assert overflowing(page) == []
