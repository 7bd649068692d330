"""Bypass and proof test through the engine: the demand is still evaluated and heard, and called what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.errors import IllegalTransition, RequestRefused, UnknownSubject
from gateway.event import Event
from gateway.events.interlock_register import ProofTestEnded, ProofTestOutcome
from gateway.events.interlocks import Verdict
from gateway.machines.bypass import BypassWish
from gateway.machines.proof_test import ProofTestWish
from gateway.rule import EffectMode, Truth
from gateway.runtime import states
from gateway.sample import SECOND, Instant
from gateway.standing import states_of
from tests.engine.scripted import FALSE, TRUE, Bench, folded, interlock, kinds
from tests.machines.support import rule

HOT, TRIP = "hot@furnace", "trip@furnace"
HOUR = 3_600 * SECOND
WISH = BypassWish("王", "李", "更换断路器", "专人看守，手动断电", HOUR)


def bench(mode: EffectMode = EffectMode.OBSERVE) -> Bench:
    """An interlock that nothing demands."""
    made = Bench(rule(HOT), interlocks=[interlock(causes=(0,), feedback=1, mode=mode)])
    made.tick({0: FALSE, 1: FALSE})
    return made


def bypass(made: Bench, wish: BypassWish = WISH) -> None:
    made.act(made.engine.register_desk.bypass(TRIP, wish, made.now))


def verdict(made: Bench) -> Verdict:
    *_, demand = made.engine.states.demands.values()
    return demand.verdict


def standing(made: Bench) -> set[str]:
    """The interlock's own alarms whose condition stands."""
    alarms = made.engine.states.alarms.values()
    return {each.alarm.partition("@")[0] for each in alarms if each.active and each.alarm.startswith("interlock.")}


def tickets(made: Bench) -> set[str]:
    return {each.rule.partition("@")[0] for each in made.engine.states.tickets.values()}


def of(events: Sequence[Event], word: str) -> list[str]:
    return [kind for kind in kinds(events) if kind.startswith(word)]


@pytest.mark.parametrize("comes", [True, False])
def test_a_demand_under_a_bypass_is_recorded_heard_and_called_bypassed_whether_or_not_the_effect_comes(
    comes: bool,
) -> None:
    made = bench()
    bypass(made)
    demanded = made.tick({0: TRUE})
    assert "alarm.raised" in kinds(demanded)
    assert "interlock.demanded" in kinds(demanded)
    made.tick({1: TRUE} if comes else {}, after=3 * SECOND)
    assert verdict(made) is Verdict.BYPASSED
    assert "interlock.unproven" not in standing(made)
    assert {"interlock.bypassed", "interlock.demanded_while_bypassed"} <= standing(made)
    assert tickets(made) >= {"interlock.demanded_while_bypassed"}
    assert not of(made.journal, "interlock.proven")


def test_nothing_is_commanded_under_a_bypass_nor_past_its_time_until_a_person_removes_it() -> None:
    made = bench(EffectMode.COMMAND)
    bypass(made)
    assert not of(made.tick({0: TRUE}), "command.")
    made.tick({0: FALSE, 1: FALSE}, after=3 * SECOND)
    made.tick(after=2 * HOUR)
    assert "interlock.bypass_overstayed" in standing(made)
    assert not of(made.tick({0: TRUE}), "command.")
    made.tick({0: FALSE}, after=3 * SECOND)
    made.tick()
    made.act(made.engine.register_desk.remove_bypass(TRIP, "王", "done", made.now))
    assert of(made.tick({0: TRUE}), "command.") == ["command.requested"]


def test_a_bypass_past_its_time_covers_nothing_any_more() -> None:
    made = bench()
    bypass(made)
    made.tick(after=2 * HOUR)
    made.tick({0: TRUE})
    made.tick(after=3 * SECOND)
    assert verdict(made) is Verdict.FAIL
    assert {"interlock.unproven", "interlock.bypass_overstayed"} <= standing(made)


def test_a_bypass_is_an_alarm_from_its_first_moment_nearly_over_at_four_fifths_and_a_hazard_past_its_time() -> None:
    made = bench()
    bypass(made)
    made.tick()
    assert standing(made) == {"interlock.bypassed"}
    assert tickets(made) == set()
    made.tick(after=HOUR * 4 // 5)
    assert standing(made) == {"interlock.bypassed", "interlock.bypass_nearly_over"}
    made.tick(after=HOUR // 5)
    assert standing(made) == {"interlock.bypassed", "interlock.bypass_overstayed"}
    assert tickets(made) == {"interlock.bypass_overstayed"}
    made.act(made.engine.register_desk.remove_bypass(TRIP, "王", "done", made.now))
    made.tick()
    assert standing(made) == set()
    assert tickets(made) == {"interlock.bypass_overstayed"}, "the ticket is a person's to close"


def test_the_alarm_of_a_bypass_past_its_time_stands_under_the_interlocks_clause_and_article_14() -> None:
    made = bench()
    found = made.engine.rule("interlock.bypass_overstayed@trip.furnace")
    assert found is not None
    assert found.clauses == ("4.1", "14")


def test_a_bypass_that_comes_while_the_interlock_is_demanded_excuses_nothing() -> None:
    made = bench()
    made.tick({0: TRUE})
    bypass(made)
    record = made.engine.states.interlocks[TRIP]
    assert record.bypass is not None
    assert record.bypass.while_demanded == next(iter(made.engine.states.demands))
    made.tick(after=3 * SECOND)
    assert verdict(made) is Verdict.FAIL


def test_a_demand_that_began_under_a_bypass_stays_bypassed_when_its_time_runs_out() -> None:
    made = bench()
    bypass(made, BypassWish("王", "李", "why", "watch", SECOND * 2))
    made.tick({0: TRUE})
    made.tick(after=10 * SECOND)
    assert verdict(made) is Verdict.BYPASSED


def test_a_restart_in_the_middle_of_a_bypass_keeps_it_and_its_time() -> None:
    made = bench()
    bypass(made)
    made.tick()
    again = made.restarted()
    assert again.engine.states.interlocks == made.engine.states.interlocks
    assert again.engine.register_desk.next_due == made.engine.register_desk.next_due
    again.tick({0: FALSE, 1: FALSE}, after=HOUR)
    assert "interlock.bypass_overstayed" in standing(again)
    again.tick({0: TRUE})
    assert not of(again.journal, "command.")


def test_a_passing_demand_in_a_proof_test_is_a_test_and_proves_its_cell() -> None:
    made = bench()
    desk = made.engine.register_desk
    made.act(desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    made.tick({0: TRUE})
    made.tick({1: TRUE})
    assert verdict(made) is Verdict.TEST
    (proof,) = made.engine.states.interlocks[TRIP].proofs
    assert (proof.cause, proof.effect, proof.proven_by.value) == (HOT, "power_off", "test")
    ended = desk.end_test(TRIP, "王", "as found good", made.now)
    assert isinstance(ended, ProofTestEnded)
    assert ended.outcome is ProofTestOutcome.PASSED


def test_a_failing_demand_in_a_proof_test_is_a_failed_interlock_like_any_other() -> None:
    made = bench()
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    made.tick({0: TRUE})
    made.tick(after=3 * SECOND)
    assert verdict(made) is Verdict.FAIL
    assert standing(made) == {"interlock.unproven"}
    assert tickets(made) >= {"interlock.unproven"}
    ended = made.engine.register_desk.end_test(TRIP, "王", "valve stuck", made.now)
    assert isinstance(ended, ProofTestEnded)
    assert ended.outcome is ProofTestOutcome.FAILED


def test_the_gateway_commands_in_a_test_what_it_commands_in_earnest() -> None:
    made = bench(EffectMode.COMMAND)
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    assert of(made.tick({0: TRUE}), "command.") == ["command.requested"]


def test_a_demand_after_the_tests_time_is_no_test_and_the_test_ends_by_itself() -> None:
    made = bench()
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    ended = [event for event in made.tick(after=HOUR) if isinstance(event, ProofTestEnded)]
    assert [event.outcome for event in ended] == [ProofTestOutcome.NOT_EXERCISED]
    made.tick({0: TRUE})
    made.tick({1: TRUE})
    assert verdict(made) is Verdict.PASS


def test_a_restart_in_the_middle_of_a_test_keeps_it() -> None:
    made = bench()
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    again = made.restarted()
    again.tick({0: TRUE, 1: FALSE})
    again.tick({1: TRUE})
    assert verdict(again) is Verdict.TEST


def test_a_demand_that_passes_proves_its_cell_and_one_under_a_bypass_does_not() -> None:
    made = bench()
    made.tick({0: TRUE})
    assert "interlock.proven" in kinds(made.tick({1: TRUE}))


def test_an_interlock_that_is_not_there_is_neither_bypassed_nor_tested() -> None:
    desk = bench().engine.register_desk
    for refused in (
        lambda: desk.bypass("none@furnace", WISH, Instant(0)),
        lambda: desk.remove_bypass("none@furnace", "王", "", Instant(0)),
        lambda: desk.declare_test("none@furnace", ProofTestWish("王", "LS-07", HOUR), Instant(0)),
        lambda: desk.end_test("none@furnace", "王", "good", Instant(0)),
    ):
        with pytest.raises(UnknownSubject):
            refused()


def test_what_is_refused_changes_nothing() -> None:
    made = bench()
    with pytest.raises(RequestRefused):
        made.engine.register_desk.bypass(TRIP, BypassWish("", "", "", "", 0), made.now)
    with pytest.raises(IllegalTransition):
        made.engine.register_desk.remove_bypass(TRIP, "王", "", made.now)
    assert made.engine.states.interlocks == {}


def test_a_scan_that_is_too_slow_to_tell_is_inconclusive_in_earnest_and_in_a_test() -> None:
    quick = interlock(causes=(0,), feedback=1)
    slow = replace(quick, effects=(replace(quick.effects[0], scan=SECOND),))
    made = Bench(rule(HOT), interlocks=[slow])
    made.tick({0: FALSE, 1: FALSE})
    made.act(made.engine.register_desk.declare_test(TRIP, ProofTestWish("王", "LS-07", HOUR), made.now))
    made.tick({0: TRUE})
    made.tick({1: TRUE})
    assert verdict(made) is Verdict.INCONCLUSIVE
    assert standing(made) == {"interlock.unproven"}


@pytest.mark.parametrize("truth", Truth)
def test_the_engaged_bit_is_what_the_last_tick_said(truth: Truth) -> None:
    row = replace(interlock(causes=(0,), feedback=1), engaged=2)
    made = Bench(rule(HOT), interlocks=[row])
    assert made.engine.interlock_desk.engaged(row) is Truth.UNKNOWN
    made.tick({0: FALSE, 1: FALSE, 2: truth})
    assert made.engine.interlock_desk.engaged(row) is truth


def test_the_rows_that_the_journal_keeps_are_the_fold_of_its_events() -> None:
    made = bench()
    bypass(made)
    made.tick(after=2 * HOUR)
    rows = states.rows(made.engine.states, states_of(made.journal))
    assert [row.id for row in rows if row.kind == "interlock"] == [TRIP]
    assert folded(made.journal) == made.engine.states
