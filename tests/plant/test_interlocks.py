"""The plant file's section on interlocks: what it means, what it keeps, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from gateway.clock import to_datetime
from gateway.errors import Problem
from gateway.plant.interlock_keeping import InterlockKeeping, InterlockPolicy, ProofScope
from gateway.plant.model import Plant
from gateway.sample import SECOND

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]

MINUTE = 60 * SECOND
DAY = 24 * 60 * MINUTE

INTERLOCKS = """\
interlocks:
  bypass_max: 4 h
  proof_test_every: 180 d
  own:
    - {interlock: furnace.trip, equipment: eaf1, bypass_max: 30 min, proven_on: 2026-11-01, proof: every_cell}
    - {interlock: furnace.gas, equipment: eaf1, bypass_max: 0 s, withhold_start: true}
"""


def test_a_file_that_says_nothing_of_interlocks_has_the_defaults(load: Load, good: str) -> None:
    policy = load(good).interlocks
    assert policy == InterlockPolicy()
    assert policy.of("furnace.trip@eaf1").proof_test_every is None


def test_one_interlock_keeps_what_the_section_says_for_all_where_it_says_nothing(load: Load, good: str) -> None:
    policy = load(good + INTERLOCKS).interlocks
    every = replace(InterlockKeeping(), bypass_max=240 * MINUTE, proof_test_every=180 * DAY)
    assert policy.of("furnace.other@eaf1") == every
    assert policy.of("furnace.gas@eaf1") == replace(every, bypass_max=0, withhold_start=True)
    trip = policy.of("furnace.trip@eaf1")
    assert (trip.bypass_max, trip.scope) == (30 * MINUTE, ProofScope.EVERY_CELL)
    assert trip.proven_on is not None
    assert to_datetime(trip.proven_on) == datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=8)))


@pytest.mark.parametrize(
    ("was", "wrong", "field", "words"),
    [
        ("bypass_max: 4 h", "bypass_max: 4", "interlocks.bypass_max", "duration"),
        ("proof_test_every: 180 d", "proof_test_every: 0 s", "interlocks.proof_test_every", "greater than 0"),
        ("proof: every_cell", "proof: some", "interlocks.own[0].proof", "every_effect"),
        ("proven_on: 2026-11-01", "proven_on: soon", "interlocks.own[0].proven_on", "date"),
        ("interlock: furnace.trip", "interlock: Trip", "interlocks.own[0].interlock", "names of small letters"),
        ("furnace.gas, equipment: eaf1", "furnace.gas, equipment: eaf9", "interlocks.own[1].equipment", "eaf1"),
        ("interlock: furnace.gas", "interlock: furnace.trip", "interlocks.own[1].interlock", "once"),
        ("withhold_start: true", "withold_start: true", "interlocks.own[1].withold_start", "withhold_start"),
    ],
)
def test_a_mistake_is_named_where_it_stands(
    problems: Find, good: str, was: str, wrong: str, field: str, words: str
) -> None:
    assert was in INTERLOCKS
    (found,) = problems(good + INTERLOCKS.replace(was, wrong))
    assert found.field == field
    assert words in found.expected
    assert found.line > good.count("\n")
