"""The interlock demand: a verdict comes from feedback alone, at exact times, and never better than is known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import IllegalTransition
from gateway.event import Event
from gateway.events.interlocks import EffectJudged, Verdict
from gateway.machines import interlock
from gateway.machines.interlock import TABLE, Cause, Circumstances, Demand, Feedback, Judgement, worst
from gateway.plant.model import Text
from gateway.rule import Effect, EffectMode, InterlockInstance, Truth
from gateway.sample import Instant
from tests.machines.support import SITE

WITHIN, SCAN = 2_000_000, 100_000
TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN

LEGAL = {
    ("pending", "in_time"): "pass",
    ("pending", "in_time_but_too_coarse"): "inconclusive",
    ("pending", "after_time"): "late",
    ("pending", "absent_at_deadline"): "fail",
    ("pending", "unknown_at_deadline"): "inconclusive",
    ("pending", "no_longer_watched"): "inconclusive",
    ("pending", "under_bypass"): "bypassed",
    ("pending", "in_time_under_test"): "test",
    ("fail", "after_time"): "late",
    ("inconclusive", "after_time"): "late",
}


@pytest.mark.parametrize(("verdict", "judgement"), list(itertools.product(Verdict, Judgement)))
def test_every_pair_is_either_in_the_table_or_refused(verdict: Verdict, judgement: Judgement) -> None:
    expected = LEGAL.get((verdict.value, judgement.value))
    if expected is not None:
        assert TABLE.next("d", verdict, judgement).value == expected
        return
    with pytest.raises(IllegalTransition) as refused:
        TABLE.next("d", verdict, judgement)
    assert set(refused.value.allowed) == {j for (v, j) in LEGAL if v == verdict.value}


def effect(name: str = "power_off", *, scan: int = SCAN, mode: EffectMode = EffectMode.OBSERVE) -> Effect:
    output = "furnace.electrode_breaker_trip" if mode is EffectMode.COMMAND else None
    return Effect(name, Text(name, name), 1, WITHIN, scan, mode, output, 1.0, ())


def row(*effects: Effect) -> InterlockInstance:
    name = Text("冷却水联锁", "Cooling water")
    return InterlockInstance(0, "cooling@furnace", "cooling", "furnace", ("4.1",), name, (0,), None, effects)


@dataclass
class Case:
    """One interlock through time; every `see` is a tick."""

    of: InterlockInstance = field(default_factory=lambda: row(effect()))
    demand: Demand | None = None
    events: list[Event] = field(default_factory=list)

    def see(self, now: int, *feedback: tuple[Truth, int], cause: Truth = TRUE) -> list[str]:
        """The kinds of event of a tick at `now`; every feedback is (truth, since)."""
        seen = Circumstances(
            causes=(Cause("low_flow@furnace", Instant(0)),) if cause is TRUE else (),
            cause_unknown=cause is UNKNOWN,
            engaged=TRUE,
            feedback=tuple(Feedback(truth, Instant(since)) for truth, since in feedback or [(FALSE, 0)]),
            now=Instant(now),
        )
        new = interlock.observe(SITE, self.of, self.demand, seen)
        for event in new:
            self.demand = interlock.evolve(self.demand, event)
        self.events += new
        return [event.kind for event in new]

    @property
    def verdict(self) -> str:
        assert self.demand is not None
        return self.demand.verdict.value

    @property
    def delays(self) -> list[int | None]:
        return [event.delay for event in self.events if isinstance(event, EffectJudged)]


def demanded(*effects: Effect) -> Case:
    case = Case(row(*(effects or (effect(),))))
    case.see(0, *[(FALSE, 0)] * len(case.of.effects))
    return case


@pytest.mark.parametrize(
    ("arrived", "verdict"),
    [(0, "pass"), (WITHIN, "pass"), (WITHIN + 1, "late"), (WITHIN + SCAN, "late")],
)
def test_an_effect_is_in_time_up_to_its_very_last_microsecond(arrived: int, verdict: str) -> None:
    case = demanded()
    case.see(WITHIN + SCAN, (TRUE, arrived))
    assert case.verdict == verdict
    assert case.delays == [arrived]


@pytest.mark.parametrize(("feedback", "verdict"), [(FALSE, "fail"), (UNKNOWN, "inconclusive")])
def test_nothing_is_judged_missing_before_one_scan_after_its_time(feedback: Truth, verdict: str) -> None:
    case = demanded()
    for now in (WITHIN, WITHIN + 1, WITHIN + SCAN):
        case.see(now, (feedback, 0))
        assert case.verdict == "pending"
    case.see(WITHIN + SCAN + 1, (feedback, 0))
    assert case.verdict == verdict
    assert case.delays == [None]


@pytest.mark.parametrize(("missed", "before"), [(FALSE, "fail"), (UNKNOWN, "inconclusive")])
def test_an_effect_that_comes_after_all_is_late(missed: Truth, before: str) -> None:
    case = demanded()
    case.see(WITHIN + SCAN + 1, (missed, 0))
    assert case.verdict == before
    case.see(WITHIN * 3, (TRUE, WITHIN * 2))
    assert case.verdict == "late"
    assert case.delays == [None, WITHIN * 2]


def test_an_effect_in_time_that_no_scan_can_prove_is_not_called_late_a_tick_later() -> None:
    case = demanded(effect(scan=WITHIN))
    case.see(WITHIN, (TRUE, WITHIN // 2))
    assert case.verdict == "inconclusive"
    assert case.see(WITHIN + SCAN, (TRUE, WITHIN // 2)) == []
    assert case.verdict == "inconclusive"


def test_an_effect_that_was_there_before_its_cause_is_in_time() -> None:
    case = demanded()
    case.see(1, (TRUE, -5_000_000))
    assert (case.verdict, case.delays) == ("pass", [0])


@pytest.mark.parametrize(("scan", "verdict"), [(WITHIN // 5, "pass"), (WITHIN // 5 + 1, "inconclusive")])
def test_a_scan_that_is_too_slow_to_tell_never_passes(scan: int, verdict: str) -> None:
    case = demanded(effect(scan=scan))
    case.see(WITHIN, (TRUE, 1))
    assert case.verdict == verdict


TICKS = st.lists(
    st.tuples(st.integers(1, WITHIN), st.sampled_from(Truth), st.sampled_from(Truth)), min_size=1, max_size=20
)


@given(TICKS, st.sampled_from([SCAN, WITHIN]))
def test_a_pass_is_only_ever_a_good_feedback_in_time_at_a_fast_enough_scan(ticks: list, scan: int) -> None:
    case, now = demanded(effect(scan=scan)), 0
    for elapsed, feedback, cause in ticks:
        assert case.demand is not None
        if not case.demand.standing:
            break
        now += elapsed
        case.see(now, (feedback, now), cause=cause)
        if case.verdict == "pass":
            delay = case.delays[-1]
            assert delay is not None
            assert delay <= WITHIN
            assert scan == SCAN


@given(TICKS)
def test_a_demand_ends_only_with_its_causes_false_and_no_effect_pending(ticks: list) -> None:
    case, now = demanded(), 0
    for elapsed, feedback, cause in ticks:
        now += elapsed
        kinds = case.see(now, (feedback, now), cause=cause)
        if "interlock.ended" in kinds:
            assert cause is FALSE
            assert case.verdict != "pending"
            return
        assert case.demand is not None
        assert case.demand.standing


def test_an_unknown_cause_ends_no_demand() -> None:
    case = demanded()
    case.see(1, (TRUE, 1))
    assert case.see(2, (TRUE, 1), cause=UNKNOWN) == []
    assert case.see(3, (TRUE, 1), cause=FALSE) == ["interlock.ended"]


def test_a_demand_whose_cause_has_gone_still_waits_for_its_effects() -> None:
    case = demanded()
    assert case.see(1, cause=FALSE) == []
    assert case.see(WITHIN, (TRUE, WITHIN), cause=FALSE) == ["interlock.effect"]
    assert case.see(WITHIN + 1, (TRUE, WITHIN), cause=FALSE) == ["interlock.ended"]


def test_a_verdict_stands_for_one_tick_before_its_demand_ends_so_that_a_failure_is_seen() -> None:
    case = demanded()
    assert case.see(WITHIN + SCAN + 1, cause=FALSE) == ["interlock.effect"]
    assert case.demand is not None
    assert case.demand.broken
    assert case.demand.standing
    assert case.see(WITHIN + SCAN + 2, cause=FALSE) == ["interlock.ended"]


@pytest.mark.parametrize("cause", [FALSE, UNKNOWN])
def test_nothing_is_demanded_without_a_cause_that_is_known(cause: Truth) -> None:
    case = Case()
    assert case.see(0, cause=cause) == []
    assert case.demand is None


def test_commands_follow_the_demand_and_only_for_commanded_effects() -> None:
    case = demanded(effect("trip", mode=EffectMode.COMMAND), effect("lift"))
    assert [event.kind for event in case.events] == ["interlock.demanded", "command.requested"]
    assert case.demand is not None
    assert [state.command is not None for state in case.demand.effects] == [True, False]


def test_a_demand_commands_once() -> None:
    case = demanded(effect(mode=EffectMode.COMMAND))
    case.see(SCAN)
    case.see(2 * SCAN)
    assert [event.kind for event in case.events].count("command.requested") == 1


def test_the_same_demand_twice_has_the_same_ids() -> None:
    first, second = (demanded(effect(mode=EffectMode.COMMAND)).events for _ in range(2))
    assert first == second


def test_a_demand_within_one_tick_of_a_coarse_source_clock_commands_again() -> None:
    command = effect(mode=EffectMode.COMMAND)
    causes = (Cause("low_flow@furnace", Instant(0)),)
    seen = Circumstances(causes, False, TRUE, (Feedback(FALSE, Instant(0)),), Instant(1))
    first = interlock.observe(SITE, row(command), None, seen)
    earlier = interlock.evolve(None, first[0])
    assert earlier is not None
    again = Circumstances(causes, False, TRUE, seen.feedback, Instant(2), earlier=frozenset({earlier.id}))
    second = interlock.observe(SITE, row(command), None, again)
    assert not {event.id for event in first} & {event.id for event in second}
    assert second[1].command != first[1].command


def test_a_demand_from_before_a_change_of_its_interlock_is_judged_by_the_effects_that_both_have() -> None:
    case = demanded(effect("gone"), effect("trip"))
    case.of = row(effect("trip"), effect("new"))
    assert case.see(1, (TRUE, 1), (FALSE, 0)) == ["interlock.effect"]
    assert case.see(2, (TRUE, 1), (FALSE, 0), cause=FALSE) == ["interlock.ended"]


def test_the_verdict_of_a_demand_is_its_worst() -> None:
    order = [Verdict.PASS, Verdict.PENDING, Verdict.INCONCLUSIVE, Verdict.LATE, Verdict.FAIL]
    for better, graver in itertools.combinations(order, 2):
        assert worst([better, graver]) is worst([graver, better]) is graver
