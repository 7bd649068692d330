"""Findings and the proof-test calendar: what no demand and no person explains, and what nothing proves any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import pytest

from gateway.engine import Engine
from gateway.errors import OutputRefused
from gateway.machines.bypass import BypassWish
from gateway.machines.finding import GRACE
from gateway.machines.permission import Circumstances, Wish, permitted
from gateway.machines.proof_test import ProofTestWish
from gateway.plant.guard import Guard
from gateway.plant.interlock_keeping import InterlockKeeping, InterlockPolicy, ProofScope
from gateway.plant.model import Plant
from gateway.rule import EffectNature, InterlockInstance, RuleInstance, TicketGrade
from gateway.sample import SECOND, Instant
from tests.engine.scripted import FALSE, SETTLED, TRUE, UNKNOWN, Bench, folded, interlock, kinds, plant
from tests.machines.support import rule

HOT, WET, TRIP = "hot@furnace", "wet@furnace", "trip@furnace"
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
SPURIOUS, RESTARTED, OVERDUE = (
    "interlock.spurious_effect",
    "interlock.restarted_without_reset",
    "interlock.proof_overdue",
)


def row(nature: EffectNature = EffectNature.EMERGENCY, *, engaged: int | None = None) -> InterlockInstance:
    made = interlock(causes=(0,), feedback=1)
    return replace(made, engaged=engaged, effects=(replace(made.effects[0], nature=nature),))


def bench(of: InterlockInstance | None = None, *, latch: bool = False) -> Bench:
    """An interlock that nothing demands, in service where it has such a bit."""
    made = Bench(rule(HOT, latch=latch), interlocks=[of or row()])
    made.tick({0: FALSE, 1: FALSE, 2: TRUE})
    return made


def tripped(made: Bench) -> Bench:
    """Demanded, and the effect is there."""
    made.tick({0: TRUE})
    made.tick({1: TRUE})
    return made


def standing(made: Bench) -> set[str]:
    alarms = made.engine.states.alarms.values()
    return {each.alarm.partition("@")[0] for each in alarms if each.active and each.alarm.startswith("interlock.")}


def tickets(made: Bench) -> Mapping[str, TicketGrade]:
    return {each.rule.partition("@")[0]: each.grade for each in made.engine.states.tickets.values()}


@pytest.mark.parametrize("nature", [EffectNature.EMERGENCY, EffectNature.MOMENTARY])
def test_an_effect_that_nothing_demanded_is_spurious_once_no_demand_can_explain_it(nature: EffectNature) -> None:
    made = bench(row(nature))
    made.tick({1: TRUE})
    made.tick(after=GRACE - SECOND)
    assert standing(made) == set()
    made.tick(after=SECOND)
    assert standing(made) == {SPURIOUS}
    assert tickets(made) == {SPURIOUS: TicketGrade.ORDINARY}
    made.tick({1: FALSE})
    assert standing(made) == set()
    assert made.engine.states.alarms["interlock.spurious_effect@trip.furnace"].latched, "a person looks at it first"


def test_an_effect_that_is_gone_again_before_anybody_looked_is_spurious_all_the_same() -> None:
    made = bench()
    made.tick({1: TRUE})
    made.tick({1: FALSE})
    assert "interlock.finding" in kinds(made.tick(after=GRACE))


@pytest.mark.parametrize("nature", [EffectNature.SHARED, EffectNature.PROCESS])
def test_what_the_plant_moves_in_normal_operation_is_never_spurious(nature: EffectNature) -> None:
    made = bench(row(nature))
    made.tick({1: TRUE})
    made.tick(after=2 * GRACE)
    assert standing(made) == set()


def test_an_effect_that_the_plc_brings_before_the_gateway_sees_the_cause_is_no_finding() -> None:
    made = bench()
    made.tick({1: TRUE})
    made.tick({0: TRUE}, after=GRACE - SECOND)
    made.tick(after=2 * GRACE)
    assert SPURIOUS not in standing(made)


def test_a_demand_of_another_interlock_that_moves_the_same_points_explains_an_effect() -> None:
    other = replace(row(), index=1, id="other@furnace", causes=(3,))
    rules = (rule(HOT), rule("x@furnace", index=1), rule("y@furnace", index=2), rule(WET, index=3))
    made = Bench(*rules, interlocks=[row(), other])
    made.tick({0: FALSE, 1: FALSE, 2: FALSE, 3: FALSE})
    made.tick({3: TRUE})
    made.tick({1: TRUE})
    made.tick(after=2 * GRACE)
    assert SPURIOUS not in standing(made)


@pytest.mark.parametrize("why", ["bypassed", "under test", "out of service", "service unknown", "start", "unknown"])
def test_hands_tests_and_starts_are_no_findings(why: str) -> None:
    made = bench(row(engaged=2))
    desk = made.engine.register_desk
    if why == "bypassed":
        made.act(desk.bypass(TRIP, BypassWish("王", "李", "repair", "watched", HOUR), made.now))
    elif why == "under test":
        made.act(desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    elif why == "out of service":
        made.tick({2: FALSE})
    elif why == "service unknown":
        made.tick({2: UNKNOWN})
    elif why == "start":
        made = made.restarted()
    else:
        made = Bench(rule(HOT), interlocks=[row(engaged=2)])
        made.tick({0: FALSE, 1: UNKNOWN, 2: TRUE})
    made.tick({0: FALSE, 1: TRUE})
    made.tick(after=2 * GRACE)
    assert SPURIOUS not in standing(made)


def test_a_lost_feedback_that_comes_back_true_is_a_rise_like_any_other() -> None:
    made = bench()
    made.tick({1: UNKNOWN})
    made.tick({1: TRUE})
    made.tick(after=GRACE)
    assert standing(made) == {SPURIOUS}


def test_a_trip_that_is_undone_while_its_cause_stands_is_a_restart_without_reset() -> None:
    made = tripped(bench())
    made.tick({1: FALSE})
    assert standing(made) == {RESTARTED}
    assert tickets(made)[RESTARTED] is TicketGrade.MAJOR
    made.tick({1: TRUE})
    assert standing(made) == set(), "it has tripped again"


def test_a_cause_that_cannot_be_told_is_not_a_cause_that_is_gone() -> None:
    made = tripped(bench())
    made.tick({0: UNKNOWN})
    made.tick({1: FALSE})
    assert RESTARTED in standing(made)


def test_a_trip_that_is_undone_before_its_latched_alarm_is_reset_is_one_and_a_reset_ends_it() -> None:
    made = tripped(bench(latch=True))
    made.tick({0: FALSE})
    made.tick({1: FALSE}, after=10 * SECOND)
    assert standing(made) == {RESTARTED}
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    made.act(made.engine.alarm_desk.reset(HOT, "王", "cause found", made.now))
    made.tick()
    assert standing(made) == set()


def test_a_trip_that_is_undone_after_the_cause_is_gone_and_reset_is_an_ordinary_start() -> None:
    made = tripped(bench(latch=True))
    made.tick({0: FALSE})
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    made.act(made.engine.alarm_desk.reset(HOT, "王", "cause found", made.now))
    made.tick()
    made.tick({1: FALSE})
    assert standing(made) == set()


@pytest.mark.parametrize("nature", [EffectNature.MOMENTARY, EffectNature.PROCESS])
def test_the_end_of_what_ends_by_itself_is_no_restart(nature: EffectNature) -> None:
    made = tripped(bench(row(nature)))
    made.tick({1: FALSE})
    assert RESTARTED not in standing(made)


@pytest.mark.parametrize("why", ["bypassed since", "in a test", "never came"])
def test_what_people_do_under_a_bypass_or_in_a_test_is_no_restart(why: str) -> None:
    made = bench()
    desk = made.engine.register_desk
    if why == "in a test":
        made.act(desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    made.tick({0: TRUE})
    if why != "never came":
        made.tick({1: TRUE})
    if why == "bypassed since":
        made.act(desk.bypass(TRIP, BypassWish("王", "李", "sensor broken", "watched", HOUR), made.now))
    made.tick({1: FALSE})
    assert RESTARTED not in standing(made)


def test_a_finding_outlives_a_restart_of_the_gateway() -> None:
    made = tripped(bench())
    made.tick({1: FALSE})
    again = made.restarted()
    again.tick({0: TRUE, 1: FALSE})
    again.tick(after=SETTLED)
    assert standing(again) == {RESTARTED}
    assert folded(again.journal) == again.engine.states


def kept(keeping: InterlockKeeping, *rules: RuleInstance, rows: tuple[InterlockInstance, ...] | None = None) -> Bench:
    """An interlock with a calendar of its own, and a clock at day 100."""
    of: Plant = replace(plant(), interlocks=InterlockPolicy(own=MappingProxyType({TRIP: keeping})))
    made = Bench(*(rules or (rule(HOT),)), interlocks=rows or (row(EffectNature.SHARED),), of=of)
    made.now = Instant(100 * DAY)
    made.tick({0: FALSE, 1: FALSE})
    return made


def proof(made: Bench, cause: int = 0) -> None:
    """A demand that proves, and its end."""
    made.tick({cause: TRUE})
    made.tick({1: TRUE})
    made.tick({cause: FALSE})
    made.tick({1: FALSE}, after=3 * SECOND)


def test_an_interlock_without_a_calendar_is_never_overdue() -> None:
    made = kept(InterlockKeeping())
    made.tick(after=3_000 * DAY)
    assert standing(made) == set()


def test_what_was_never_proven_is_overdue_at_once_and_a_demand_that_passes_proves_it() -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY))
    assert standing(made) == {OVERDUE}
    assert tickets(made) == {OVERDUE: TicketGrade.ORDINARY}
    proof(made)
    assert standing(made) == set()
    made.tick(after=29 * DAY)
    assert standing(made) == set()
    made.tick(after=DAY)
    assert standing(made) == {OVERDUE}


def test_a_proof_on_paper_counts_until_its_time_is_over() -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY, proven_on=Instant(90 * DAY)))
    assert standing(made) == set()
    made.tick(after=20 * DAY)
    assert standing(made) == {OVERDUE}


def test_a_test_that_passes_proves_as_well_as_a_demand() -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY))
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    proof(made)
    assert standing(made) == set()


def test_a_rule_that_has_changed_asks_for_a_new_proof_at_once() -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY))
    proof(made)
    changed = Bench(replace(rule(HOT), hash="another"), interlocks=made.program.interlocks, of=made.plant)
    changed.now = made.now
    changed.engine = Engine(made.plant, changed.program, folded(made.journal), made.now)
    changed.tick({0: FALSE, 1: FALSE})
    assert standing(changed) == {OVERDUE}


@pytest.mark.parametrize(("scope", "after"), [(ProofScope.EVERY_EFFECT, set()), (ProofScope.EVERY_CELL, {OVERDUE})])
def test_one_cause_proves_the_effects_but_not_the_cells_of_the_others(scope: ProofScope, after: set[str]) -> None:
    rules = (rule(HOT), rule("x@furnace", index=1), rule(WET, index=2))
    rows = (replace(row(EffectNature.SHARED), causes=(0, 2)),)
    made = kept(InterlockKeeping(proof_test_every=30 * DAY, scope=scope), *rules, rows=rows)
    made.tick({2: FALSE})
    proof(made)
    assert standing(made) == after
    proof(made, cause=2)
    assert standing(made) == set()


def test_a_restart_neither_forgets_a_proof_nor_raises_what_is_overdue_twice() -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY))
    again = made.restarted()
    again.tick({0: FALSE, 1: FALSE})
    again.tick()
    assert standing(again) == {OVERDUE}
    raised = [event for event in again.journal if event.kind == "alarm.raised"]
    assert len(raised) == 1


@pytest.mark.parametrize(("withhold", "names"), [(True, (TRIP,)), (False, ())])
def test_an_overdue_proof_withholds_the_start_where_the_plant_file_says_so(withhold: bool, names: tuple) -> None:
    made = kept(InterlockKeeping(proof_test_every=30 * DAY, withhold_start=withhold))
    assert made.engine.register_desk.withheld("furnace") == names
    assert made.engine.register_desk.withheld("other") == ()
    proof(made)
    assert made.engine.register_desk.withheld("furnace") == ()


def test_a_start_that_is_withheld_is_refused_with_the_interlock_and_the_safe_value_never_is() -> None:
    (output,) = plant().outputs
    output = replace(output, guard=Guard(fail_safe=0.0, starts=True))
    seen = Circumstances(Instant(0), withheld=(TRIP,))
    with pytest.raises(OutputRefused) as refused:
        permitted(output, Wish(output.id, 1.0, by_person=False), seen)
    assert TRIP in str(refused.value)
    assert permitted(output, Wish(output.id, 0.0, by_person=False), seen) is output
    assert permitted(replace(output, guard=Guard()), Wish(output.id, 1.0, by_person=False), seen)
