"""The alarm machine keeps to its table, and to the laws that no table can say."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import IllegalTransition
from gateway.events.alarms import AlarmRaised
from gateway.machines import alarm
from gateway.machines.alarm import TABLE, AlarmAction, AlarmState, AlarmStateName, Observation
from gateway.rule import Truth
from gateway.sample import Instant
from tests.machines.support import SITE, kinds, rule, story

LEGAL = {
    ("normal", "raise"): "unacknowledged",
    ("unacknowledged", "acknowledge"): "acknowledged",
    ("unacknowledged", "clear"): "returned_unacknowledged",
    ("unacknowledged", "clear_latching"): "latched_unacknowledged",
    ("acknowledged", "re_alarm"): "unacknowledged",
    ("acknowledged", "clear"): "normal",
    ("acknowledged", "clear_latching"): "latched_acknowledged",
    ("returned_unacknowledged", "raise"): "unacknowledged",
    ("returned_unacknowledged", "acknowledge"): "normal",
    ("latched_unacknowledged", "raise"): "unacknowledged",
    ("latched_unacknowledged", "acknowledge"): "latched_acknowledged",
    ("latched_acknowledged", "raise"): "unacknowledged",
    ("latched_acknowledged", "reset"): "normal",
    **{(state.value, "withdraw"): "normal" for state in AlarmStateName},
}
"""ISA-18.2 without suppression, written down a second time; a rule can be taken out of force in any state."""

WORDS = st.lists(st.sampled_from(["TRUE", "FALSE", "UNKNOWN", "ack", "reset"]), max_size=30)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(AlarmStateName, AlarmAction)))
def test_every_pair_is_either_in_the_table_or_refused(state: AlarmStateName, action: AlarmAction) -> None:
    expected = LEGAL.get((state.value, action.value))
    if expected is not None:
        assert TABLE.next("a", state, action).value == expected
        return
    with pytest.raises(IllegalTransition) as refused:
        TABLE.next("a", state, action)
    assert set(refused.value.allowed) == {a for (s, a) in LEGAL if s == state.value}
    assert all(choice in str(refused.value) for choice in refused.value.allowed)


@pytest.mark.parametrize(
    "script",
    [
        "-> normal",
        "TRUE -> unacknowledged",
        "TRUE ack -> acknowledged",
        "TRUE ack FALSE -> normal",
        "TRUE FALSE -> returned_unacknowledged",
        "TRUE FALSE ack -> normal",
        "TRUE FALSE TRUE -> unacknowledged",
        "TRUE ack FALSE TRUE -> unacknowledged",
        "TRUE ack UNKNOWN -> acknowledged",
        "TRUE UNKNOWN FALSE -> returned_unacknowledged",
        "UNKNOWN TRUE -> unacknowledged",
        "UNKNOWN FALSE -> normal",
    ],
)
def test_an_alarm_without_latch(script: str) -> None:
    steps, _, expected = script.partition("->")
    assert story(steps).state.name == expected.strip()


@pytest.mark.parametrize(
    "script",
    [
        "TRUE FALSE -> latched_unacknowledged",
        "TRUE ack FALSE -> latched_acknowledged",
        "TRUE FALSE ack -> latched_acknowledged",
        "TRUE FALSE ack reset -> normal",
        "TRUE FALSE ack TRUE -> unacknowledged",
        "TRUE FALSE TRUE -> unacknowledged",
        "TRUE ack FALSE UNKNOWN reset -> normal",
        "TRUE FALSE ack reset TRUE FALSE -> latched_unacknowledged",
    ],
)
def test_a_latching_alarm(script: str) -> None:
    steps, _, expected = script.partition("->")
    assert story(steps, latch=True).state.name == expected.strip()


@given(WORDS, st.booleans())
def test_the_axes_project_to_what_the_table_says(words: list[str], latch: bool) -> None:
    told, named = story(latch=latch), AlarmStateName.NORMAL
    for word in words:
        before, action = told.state, _action(word, told.state)
        if action is not None and action not in TABLE.allowed(named):
            with pytest.raises(IllegalTransition):
                told.step(word)
            assert told.state == before
            continue
        told.step(word)
        if action is not None:
            named = TABLE.next("a", named, action)
        assert told.state.name is named


def _action(word: str, state: AlarmState) -> AlarmAction | None:
    """What a word asks of the table; None where it is no move at all."""
    if word in ("ack", "reset"):
        return AlarmAction.ACKNOWLEDGE if word == "ack" else AlarmAction.RESET
    if word == "TRUE" and not state.active:
        return AlarmAction.RAISE
    if word == "FALSE" and state.active:
        return AlarmAction.CLEAR_LATCHING if state.latched else AlarmAction.CLEAR
    return None


@given(WORDS, st.booleans())
def test_an_unknown_condition_moves_no_alarm(words: list[str], latch: bool) -> None:
    told = _as_far_as_legal(words, latch=latch)
    before, said = told.state, len(told.events)
    told.step("UNKNOWN")
    assert [event.kind for event in told.events[said:]] == ["condition.changed"]
    assert told.state.name is before.name
    assert told.state.unknown
    assert told.state.standing


def _as_far_as_legal(words: list[str], *, latch: bool):
    told = story(latch=latch)
    for word in words:
        try:
            told.step(word)
        except IllegalTransition:
            continue
    return told


def test_unknown_never_clears() -> None:
    assert kinds("TRUE UNKNOWN UNKNOWN") == ["alarm.raised"]
    assert kinds("TRUE UNKNOWN TRUE") == ["alarm.raised"]
    assert kinds("TRUE UNKNOWN FALSE") == ["alarm.raised", "alarm.cleared"]


def test_the_acknowledgement_of_a_returned_alarm_closes_it() -> None:
    told = story("TRUE FALSE ack")
    assert told.state.name is AlarmStateName.NORMAL
    assert not told.state.standing


def test_a_latched_alarm_stands_until_a_person_resets_it() -> None:
    assert story("TRUE FALSE ack", latch=True).state.standing
    assert not story("TRUE FALSE ack reset", latch=True).state.standing


@pytest.mark.parametrize("script", ["TRUE reset", "TRUE ack reset", "TRUE ack UNKNOWN reset", "TRUE FALSE reset"])
def test_a_reset_is_refused_while_the_condition_holds_or_nobody_acknowledged(script: str) -> None:
    with pytest.raises(IllegalTransition):
        story(script, latch=True)


def test_a_raise_after_return_is_a_new_occurrence() -> None:
    raised = [event for event in story("TRUE FALSE TRUE").events if isinstance(event, AlarmRaised)]
    assert len({event.occurrence for event in raised}) == len({event.id for event in raised}) == 2


def test_a_raise_after_return_is_a_new_occurrence_even_within_one_tick_of_a_coarse_source_clock() -> None:
    told = story("TRUE FALSE")
    again = Observation(Truth.TRUE, told.state.onset, Instant(told.now + 1))
    raised = [e for e in alarm.observe(SITE, told.of, told.state, again) if isinstance(e, AlarmRaised)]
    assert raised[0].occurrence != told.state.occurrence
    assert raised[0].id not in {event.id for event in told.events}


@given(WORDS, st.booleans())
def test_the_same_input_twice_gives_the_same_ids(words: list[str], latch: bool) -> None:
    assert _as_far_as_legal(words, latch=latch).events == _as_far_as_legal(words, latch=latch).events


@given(WORDS, st.booleans())
def test_no_two_events_of_one_story_share_an_id(words: list[str], latch: bool) -> None:
    ids = [event.id for event in _as_far_as_legal(words, latch=latch).events]
    assert len(ids) == len(set(ids))


def test_another_site_or_rule_or_onset_is_another_occurrence() -> None:
    def occurrence(site: str, name: str, onset: int) -> str:
        seen = Observation(Truth.TRUE, Instant(onset), Instant(9))
        return alarm.observe(site, rule(name), AlarmState(name), seen)[1].id

    assert len({occurrence(*of) for of in [("a", "x@e", 1), ("b", "x@e", 1), ("a", "y@e", 1), ("a", "x@e", 2)]}) == 4
