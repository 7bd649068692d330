"""The proof test: a person declares and ends it, and it has shown what its demands have shown, no more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from gateway.errors import IllegalTransition, RequestRefused
from gateway.events.interlock_register import ProofTestOutcome
from gateway.events.interlocks import Verdict
from gateway.machines import proof_test
from gateway.machines.proof_test import (
    TABLE,
    ProofTest,
    ProofTestAction,
    ProofTestState,
    ProofTestWish,
    Provable,
    outcome_of,
)
from gateway.sample import SECOND, Instant

HOUR = 3_600 * SECOND
NOW = Instant(1_000 * SECOND)
OF = Provable("demo", "trip@caster", "caster", 4 * HOUR, None)
WISH = ProofTestWish("王", "试验方案 LS-07", HOUR)

LEGAL = {
    ("no_test", "declare_test"): "under_test",
    ("under_test", "end_test"): "no_test",
    ("under_test", "test_time_over"): "no_test",
}


def under_test() -> ProofTest:
    test = proof_test.evolve(None, proof_test.declare(OF, WISH, NOW))
    assert test is not None
    return test


@pytest.mark.parametrize(("state", "action"), list(itertools.product(ProofTestState, ProofTestAction)))
def test_every_pair_is_either_in_the_table_or_refused(state: ProofTestState, action: ProofTestAction) -> None:
    expected = LEGAL.get((state.value, action.value))
    if expected is not None:
        assert TABLE.next("i", state, action).value == expected
        return
    with pytest.raises(IllegalTransition):
        TABLE.next("i", state, action)


@pytest.mark.parametrize("state", ProofTestState)
@pytest.mark.parametrize("action", ["declare", "end", "due before the end", "due at the end"])
def test_every_action_moves_every_state_as_the_table_says_or_not_at_all(state: ProofTestState, action: str) -> None:
    held = None if state is ProofTestState.NO_TEST else under_test()
    after: ProofTestState | None
    try:
        match action:
            case "declare":
                event = proof_test.declare(replace(OF, held=held), WISH, NOW)
            case "end":
                event = proof_test.end("trip@caster", held, [Verdict.TEST], "王", "as found good", NOW)
            case "due before the end":
                event = proof_test.due("trip@caster", held, [], Instant(NOW + HOUR - 1))
            case _:
                event = proof_test.due("trip@caster", held, [], Instant(NOW + HOUR))
        after = proof_test.state_of(held if event is None else proof_test.evolve(held, event))
    except IllegalTransition:
        after = None
    expected = {
        ("no_test", "declare"): ProofTestState.UNDER_TEST,
        ("under_test", "declare"): None,
        ("no_test", "end"): None,
        ("under_test", "end"): ProofTestState.NO_TEST,
        ("under_test", "due at the end"): ProofTestState.NO_TEST,
    }
    assert after == expected.get((state.value, action), state)


def test_a_wish_that_lacks_everything_is_told_of_all_of_it() -> None:
    with pytest.raises(RequestRefused) as refused:
        proof_test.declare(replace(OF, bypass="BP-1"), ProofTestWish("", "", 5 * HOUR), NOW)
    assert [problem.field for problem in refused.value.problems] == ["by", "comment", "duration", "interlock"]


def test_a_bypassed_interlock_is_not_tested() -> None:
    with pytest.raises(RequestRefused) as refused:
        proof_test.declare(replace(OF, bypass="BP-1"), WISH, NOW)
    assert "remove the bypass" in str(refused.value)


@pytest.mark.parametrize(
    ("verdicts", "outcome"),
    [
        ([], "not_exercised"),
        ([Verdict.TEST], "passed"),
        ([Verdict.TEST, Verdict.PASS], "passed"),
        ([Verdict.TEST, Verdict.LATE], "failed"),
        ([Verdict.FAIL], "failed"),
        ([Verdict.TEST, Verdict.INCONCLUSIVE], "failed"),
        ([Verdict.BYPASSED], "failed"),
    ],
)
def test_a_test_has_passed_only_if_something_was_demanded_and_all_of_it_passed(
    verdicts: Sequence[Verdict], outcome: str
) -> None:
    assert outcome_of(verdicts) is ProofTestOutcome(outcome)


def test_a_test_does_not_end_while_an_effect_still_has_its_time() -> None:
    test, late = under_test(), Instant(NOW + 2 * HOUR)
    assert proof_test.due("trip@caster", test, [Verdict.PENDING], late) is None
    with pytest.raises(RequestRefused):
        proof_test.end("trip@caster", test, [Verdict.PENDING], "王", "good", late)


def test_who_ends_a_test_says_what_was_found() -> None:
    with pytest.raises(RequestRefused) as refused:
        proof_test.end("trip@caster", under_test(), [Verdict.TEST], " ", "", NOW)
    assert [problem.field for problem in refused.value.problems] == ["by", "comment"]


def test_a_test_covers_nothing_from_the_microsecond_at_which_its_time_is_over() -> None:
    test = under_test()
    assert test.covers(Instant(test.until - 1))
    assert not test.covers(test.until)
