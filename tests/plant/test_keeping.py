"""The plant file's section `history`: what it means for the store, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import Problem
from gateway.plant.keeping import DAY, HistoryPolicy, Keeping
from gateway.plant.model import Plant
from gateway.runtime.upkeep import history_plan

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]

HISTORY = """\
history:
  budget: 1.5 TB
  samples: 90 d
  minutes: 400 d
  classes:
    furnace: {samples: 365 d, hours: 7300 d}
"""


def test_a_file_that_says_nothing_of_its_history_has_the_defaults(load: Load, good: str) -> None:
    plant = load(good)
    assert plant.history == HistoryPolicy()
    plan = history_plan(plant)
    assert (plan.budget, plan.keeping, plan.class_of) == (20 * 10**9, HistoryPolicy().keeping, {})


def test_what_is_said_reaches_the_store_and_a_class_inherits_the_rest(load: Load, good: str) -> None:
    plan = history_plan(load(good + HISTORY))
    assert plan.budget == 1_500 * 10**9
    assert plan.keeping == Keeping(90 * DAY, 400 * DAY, 3650 * DAY)
    assert plan.keeping_of("furnace") == Keeping(365 * DAY, 400 * DAY, 7300 * DAY)
    assert plan.class_of == {"eaf1.shell": "furnace", "eaf1.breaker": "furnace"}


@pytest.mark.parametrize(
    ("was", "wrong", "field", "words"),
    [
        ("1.5 TB", "1500", "history.budget", "500 GB"),
        ("1.5 TB", "999 MB", "history.budget", "at least 1 GB"),
        ("90 d", "0 d", "history.samples", "0"),
        ("90 d", "ninety days", "history.samples", "duration"),
        ("90 d", "401 d", "history.minutes", "at least as long as samples (401 d)"),
        ("samples: 365 d", "samples: 401 d", "history.classes.furnace.minutes", "at least as long as samples (401 d)"),
        ("7300 d", "399 d", "history.classes.furnace.hours", "at least as long as minutes (400 d)"),
        ("furnace:", "furnase:", "history.classes.furnase", "did you mean 'furnace'"),
        ("hours:", "weeks:", "history.classes.furnace.weeks", ""),
    ],
)
def test_a_mistake_is_named_where_it_stands(
    problems: Find, good: str, was: str, wrong: str, field: str, words: str
) -> None:
    assert was in HISTORY
    (found,) = problems(good + HISTORY.replace(was, wrong))
    assert found.field == field
    assert words in found.expected
    assert found.line > good.count("\n")


def test_all_mistakes_of_the_section_are_reported_at_once(problems: Find, good: str) -> None:
    text = """\
history:
  budget: lots
  samples: 5
  classes:
    furnase: {minutes: 3 d}
    circuit: {hours: soon}
"""
    assert sorted(each.field for each in problems(good + text)) == [
        "history.budget",
        "history.classes.circuit.hours",
        "history.samples",
    ]
    sound = text.replace("soon", "9999 d").replace("lots", "2 GB").replace("5\n", "5 d\n")
    assert [each.field for each in problems(good + sound)] == [
        "history.classes.furnase",
        "history.classes.furnase.minutes",
    ]
