"""The plant file's sections on people: what they mean, what they keep, and how they are refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.errors import Problem
from gateway.plant.duty import Duty, Level
from gateway.plant.model import Plant
from gateway.sample import SECOND

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]

MINUTE = 60 * SECOND

PEOPLE = """\
alarms:
  shelve_max: {critical: 0 s, low: 8 h}
  two_person: [critical, high]
  clock_error: 1 s
  flood_above: 9
escalation:
  critical: {duty_operator: 30 s, county: 10 min}
  low: {}
duty_checks: {at: ["02:30", "14:00"], random_per_day: 2, answer_within: 3 min}
hazards:
  overdue: {major: {safety_manager: 1 min, county: 2 h}}
notify:
  - {id: leader, level: shift_leader, url_from: TOCSIN_NOTIFY_LEADER}
"""


def test_a_file_that_says_nothing_of_people_has_the_defaults(load: Load, good: str) -> None:
    assert load(good).duty == Duty()


def test_what_is_said_counts_and_what_is_not_keeps_its_default(load: Load, good: str) -> None:
    duty = load(good + PEOPLE).duty
    assert duty.alarms.longest_shelving("critical") == 0
    assert duty.alarms.longest_shelving("low") == 8 * 60 * MINUTE
    assert duty.alarms.longest_shelving("high") == 2 * 60 * MINUTE
    assert duty.alarms.two_person == {"critical", "high"}
    assert (duty.alarms.flood_above, duty.alarms.flood_below) == (9, 5)
    assert [(rung.level, rung.after) for rung in duty.escalation.ladder("critical")] == [
        (Level.DUTY_OPERATOR, 30 * SECOND),
        (Level.COUNTY, 10 * MINUTE),
    ]
    assert duty.escalation.ladder("low") == ()
    assert duty.escalation.ladder("high") == Duty().escalation.ladder("high")
    assert (duty.checks.at, duty.checks.random_per_day, duty.checks.answer_within) == ((150, 840), 2, 3 * MINUTE)
    assert [(rung.level, rung.after) for rung in duty.hazards.ladder("major")] == [
        (Level.SAFETY_MANAGER, MINUTE),
        (Level.COUNTY, 120 * MINUTE),
    ]
    assert duty.hazards.ladder("ordinary") == Duty().hazards.ladder("ordinary")
    assert [(each.id, each.level, each.url_variable) for each in duty.notify] == [
        ("leader", Level.SHIFT_LEADER, "TOCSIN_NOTIFY_LEADER")
    ]


@pytest.mark.parametrize(
    ("was", "wrong", "field", "words"),
    [
        ("low: 8 h", "low: 8", "alarms.shelve_max.low", "duration"),
        ("[critical, high]", "[everybody]", "alarms.two_person[0]", "critical, high"),
        ("flood_above: 9", "flood_above: none", "alarms.flood_above", "whole number"),
        ("county: 10 min", "county: 10 s", "escalation.critical", "later than duty_operator (30 s)"),
        ("duty_operator: 30 s", "boss: 30 s", "escalation.critical.boss", ""),
        ('"02:30"', '"2:30"', "duty_checks.at[0]", "time of day"),
        ("random_per_day: 2", "random_per_day: 99", "duty_checks.random_per_day", "24"),
        ("TOCSIN_NOTIFY_LEADER", "https://secret.example/key", "notify[0].url_from", "environment variable"),
        ("level: shift_leader", "level: nobody", "notify[0].level", "county"),
    ],
)
def test_a_mistake_is_named_where_it_stands(
    problems: Find, good: str, was: str, wrong: str, field: str, words: str
) -> None:
    assert was in PEOPLE
    (found,) = problems(good + PEOPLE.replace(was, wrong))
    assert found.field == field
    assert words in found.expected
    assert found.line > good.count("\n")
    assert "secret" not in found.got


def test_two_targets_of_one_name_are_a_mistake(problems: Find, good: str) -> None:
    again = "  - {id: leader, level: county, url_from: TOCSIN_NOTIFY_COUNTY}\n"
    (found,) = problems(good + PEOPLE + again)
    assert found.field == "notify[1].id"


def test_the_sections_of_people_do_not_hide_each_other_s_mistakes(problems: Find, good: str) -> None:
    text = PEOPLE.replace("8 h", "8").replace('"02:30"', '"2:30"').replace("10 min}", "1 s}")
    assert [each.field for each in problems(good + text)] == [
        "alarms.shelve_max.low",
        "escalation.critical",
        "duty_checks.at[0]",
    ]


@pytest.mark.parametrize("guide", ["hazards.md", "hazards.zh-CN.md"])
def test_what_the_guide_says_of_overdue_hazards_holds(load: Load, good: str, guide: str) -> None:
    text = Path("docs/guide", guide).read_text(encoding="utf-8")
    (piece,) = re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL)
    ladders = load(good + piece).duty.hazards
    assert [rung.level for rung in ladders.ladder("ordinary")] == [Level.SAFETY_MANAGER]
    assert len(ladders.ladder("major")) == 3
