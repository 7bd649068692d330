"""Rules on trial where an engineer looks: beside the clauses, and never among the alarms."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.web.fake_gateway import FakeGateway


def test_a_rule_on_trial_says_since_when_and_what_it_would_have_raised(page: Page) -> None:
    page.get_by_test_id("nav-coverage").click()
    panel = page.get_by_test_id("trials")
    expect(panel).to_contain_text("试运行规则")
    rows = panel.locator("article")
    expect(rows).to_have_count(3)
    first = rows.first  # the one that would have raised most
    expect(first).to_have_attribute("data-testid", "trial-gas.co_high_early@co_02")
    for words in ("一氧化碳上升过快", "2 d 22 h", "成立", "14", "未消除", "1:35", "撤至上风侧"):
        expect(first).to_contain_text(words)
    expect(panel.get_by_test_id("trial-caster.mould_water@caster1")).to_contain_text("无法判断")
    expect(panel.get_by_test_id("trial-gas.co_high_early@co_01")).to_contain_text("—")
    expect(page.get_by_test_id("alarm-strip")).not_to_contain_text("一氧化碳上升过快")


def test_that_nothing_is_on_trial_is_said(page: Page, fake: FakeGateway) -> None:
    fake.trials = []
    page.get_by_test_id("nav-coverage").click()
    expect(page.get_by_test_id("trials")).to_contain_text("没有试运行的规则")


def test_a_clause_that_was_not_read_in_its_text_says_so(page: Page) -> None:
    page.get_by_test_id("nav-coverage").click()
    marks = page.get_by_test_id("clause-certainty")
    expect(marks).to_have_count(1)  # of the two clauses the other one was read
    expect(marks).to_contain_text("凭记忆，待核对原文")
