"""Laws of coverage: a clause is covered by what is there and works, and never by what is not."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.api.schema import CoverageRow, CoverageStatus
from gateway.plant.coverage import coverage, limit_view
from gateway.plant.criteria import Clause, Criteria
from gateway.plant.model import Plant, Text
from gateway.rule import Effect, EffectMode, InterlockInstance, Priority, RuleInstance

Load = Callable[[str], Plant]
WORDS = Text("字", "word")


def rule(name: str, equipment: str, *points: int) -> RuleInstance:
    return RuleInstance(
        index=0,
        id=f"{name}@{equipment}",
        rule=name,
        equipment=equipment,
        clauses=("4(4)",),
        title=WORDS,
        consequence=WORDS,
        response=WORDS,
        response_time=1,
        priority=Priority.HIGH,
        latch=False,
        ticket=None,
        first_out_group=None,
        points=points,
        hash="",
    )


def interlock(name: str, equipment: str, *points: int) -> InterlockInstance:
    effect = Effect("off", WORDS, 0, 1, 1, EffectMode.OBSERVE, None, 0.0, points)
    return InterlockInstance(0, f"{name}@{equipment}", name, equipment, ("4(4)",), WORDS, (0,), None, (effect,))


CO_POINT = (
    "  - {equipment: panel, kind: co, unit: ppm, range: [0, 9], period: 1 s, stale_after: 5 s, "
    "source: {device: broker, topic: a/c}}\noutputs:\n"
)
RULES = (rule("flow_low", "panel", 2, 3), rule("shell_high", "eaf1", 0))
INTERLOCKS = (interlock("water", "panel", 1),)


@pytest.fixture
def full(load: Load, good: str) -> Plant:
    """A plant in which everything that clause 4(4) asks for is there."""
    return load(good.replace("outputs:\n", CO_POINT))


def rows(
    plant: Plant,
    criteria: Criteria,
    rules: Collection[RuleInstance] = RULES,
    interlocks: Collection[InterlockInstance] = INTERLOCKS,
    failed: Collection[str] = (),
) -> dict[str, CoverageRow]:
    made = coverage(plant, criteria, tuple(rules), tuple(interlocks), failed, {})
    assert len({row.equipment for row in made}) == len(made)
    return {row.equipment: row for row in made}


def test_a_clause_with_everything_in_place_is_covered(full: Plant, criteria: Criteria) -> None:
    found = rows(full, criteria)
    assert list(found) == ["eaf1", "panel"], "one row for each equipment that the clause asks something of"
    panel = found["panel"]
    assert panel.status is CoverageStatus.COVERED
    assert panel.points == ("eaf1.breaker", "panel.flow", "panel.co"), "the interlock's feedback is a part of it"
    assert panel.rules == ("flow_low@panel",)
    assert panel.interlocks == ("water@panel",)
    assert panel.missing_points == panel.missing_rules == panel.failed_points == ()


def test_a_point_that_is_not_there_is_missing(load: Load, good: str, criteria: Criteria) -> None:
    row = rows(load(good), criteria, rules=(rule("flow_low", "panel", 2),))["panel"]
    assert row.status is CoverageStatus.MISSING
    assert row.missing_points == ("panel.co",)


def test_a_rule_or_interlock_that_is_not_there_is_missing(full: Plant, criteria: Criteria) -> None:
    row = rows(full, criteria, rules=RULES[1:], interlocks=())["panel"]
    assert row.status is CoverageStatus.MISSING
    assert row.missing_rules == ("flow_low", "water")


def test_a_rule_on_other_equipment_covers_nothing_here(full: Plant, criteria: Criteria) -> None:
    row = rows(full, criteria, rules=(rule("flow_low", "eaf1", 0), *RULES[1:]))["panel"]
    assert row.missing_rules == ("flow_low",)


@pytest.mark.parametrize("point", ["panel.flow", "panel.co", "eaf1.breaker"])
def test_a_failed_point_fails_what_depends_on_it(full: Plant, criteria: Criteria, point: str) -> None:
    row = rows(full, criteria, failed={point})["panel"]
    assert row.status is CoverageStatus.FAILED
    assert row.failed_points == (point,)
    assert rows(full, criteria, failed={point})["eaf1"].status is CoverageStatus.COVERED


def test_missing_outranks_failed_but_hides_it_not(full: Plant, criteria: Criteria) -> None:
    row = rows(full, criteria, interlocks=(), failed={"panel.flow"})["panel"]
    assert row.status is CoverageStatus.MISSING
    assert row.failed_points == ("panel.flow",)


def test_an_overridden_limit_stands_beside_its_default(full: Plant, criteria: Criteria) -> None:
    eaf = full.equipment_by_id()["eaf1"]
    kind = criteria.classes[eaf.equipment_class].limits["shell_alarm"]
    own = limit_view(kind, eaf.limits["shell_alarm"])
    assert (own.value, own.unit, own.source, own.overridden) == (300.0, "degC", "design file 7", True)
    assert (own.default, own.default_unit, own.default_source) == (kind.default, kind.unit, kind.source)
    assert own.certainty == kind.certainty
    default = limit_view(kind, None)
    assert (default.value, default.source, default.overridden) == (kind.default, kind.source, False)
    made = coverage(full, criteria, RULES, INTERLOCKS, (), {"shell_high@eaf1": [own]})
    assert [row.limits for row in made] == [(own,), ()]


def with_clauses(criteria: Criteria, *more: Clause) -> Criteria:
    return replace(criteria, clauses=(*criteria.clauses, *more))


def test_what_no_sensor_can_watch_is_listed_as_the_ledger_s(full: Plant, criteria: Criteria) -> None:
    paper = Clause("4(3)", WORDS, (), ledger=Text("清单", "inventory"))
    made = coverage(full, with_clauses(criteria, paper), RULES, INTERLOCKS, (), {})
    assert [(row.clause, row.equipment, row.status, row.ledger) for row in made[2:]] == [
        ("4(3)", "", CoverageStatus.LEDGER, Text("清单", "inventory"))
    ]


def test_the_ledger_of_an_article_is_shown_only_where_it_concerns_the_plant(full: Plant, criteria: Criteria) -> None:
    elsewhere = Clause("9(1)", WORDS, (), ledger=WORDS)
    everywhere = Clause("3(1)", WORDS, (), ledger=WORDS, everywhere=True)
    made = coverage(full, with_clauses(criteria, elsewhere, everywhere), RULES, INTERLOCKS, (), {})
    assert [row.clause for row in made if row.status is CoverageStatus.LEDGER] == ["3(1)"]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rules=st.sets(st.sampled_from(RULES)),
    interlocks=st.sets(st.sampled_from(INTERLOCKS)),
    failed=st.sets(st.sampled_from(["eaf1.shell", "eaf1.breaker", "panel.flow", "panel.co"])),
)
def test_nothing_is_covered_while_anything_of_it_is_missing_or_failed(
    full: Plant,
    criteria: Criteria,
    rules: set[RuleInstance],
    interlocks: set[InterlockInstance],
    failed: set[str],
) -> None:
    for row in rows(full, criteria, rules, interlocks, failed).values():
        sound = not (row.missing_points or row.missing_rules or row.failed_points)
        assert (row.status is CoverageStatus.COVERED) is sound
        assert set(row.failed_points) <= failed
