"""The plant file's sirens: what they mean, and every mistake in them at once."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import Problem
from gateway.plant.duty import SirenPolicy
from gateway.plant.model import Plant
from gateway.sample import SECOND

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]


def test_a_siren_is_an_output_of_the_file_with_the_priorities_that_it_sounds_for(load: Load, good: str) -> None:
    made = load(good + "sirens: [{output: eaf1.trip, priorities: [critical, high], silence: 1 min}]\n")
    both = frozenset({"critical", "high"})
    assert made.duty.sirens == (SirenPolicy("eaf1.trip", both, 1.0, 0.0, 60 * SECOND),)
    assert load(good).duty.sirens == ()


def test_every_mistake_in_the_sirens_is_told_at_once(problems: Find, good: str) -> None:
    text = """\
sirens:
  - {output: eaf1.tripp, priorities: [critical]}
  - {output: eaf1.trip, priorities: []}
  - {output: eaf1.trip, priorities: [loud], on: 2.0}
  - {output: eaf1.trip, priorities: [low], on: 1.0, off: 1.0, silence: never}
"""
    found = {(each.field, each.got) for each in problems(good + text)}
    assert {field for field, _ in found} == {
        "sirens[0].output",
        "sirens[1].priorities",
        "sirens[2].priorities[0]",
        "sirens[2].output",
        "sirens[2].on",
        "sirens[3].output",
        "sirens[3].off",
        "sirens[3].silence",
    }


def test_an_output_that_may_not_be_written_sounds_nothing(problems: Find, good: str) -> None:
    forbidden = good.replace("allowed: true", "allowed: false") + "sirens: [{output: eaf1.trip, priorities: [low]}]\n"
    (problem,) = problems(forbidden)
    assert (problem.field, problem.got) == ("sirens[0].output", "allowed: false")
