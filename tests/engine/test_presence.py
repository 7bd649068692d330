"""Nobody unheard: escalation by priority, duty checks, and what a restart takes up of both."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import IllegalTransition, RequestRefused, UnknownSubject
from gateway.events.presence import AlarmEscalated, AskedBecause, DutyCheckEscalated
from gateway.machines import duty_check, escalation
from gateway.machines.duty_check import DutyCheck, DutyCheckAction, DutyCheckState
from gateway.machines.escalation import Climb, Told
from gateway.machines.suppression import ShelvingWish
from gateway.plant.duty import LADDER, DutyCheckPolicy, EscalationPolicy, Level
from gateway.rule import Priority
from gateway.runtime import states
from gateway.sample import SECOND, Instant
from gateway.standing import states_of
from tests.engine.memory_journal import MemoryJournal
from tests.engine.scripted import FALSE, TRUE, Bench, folded, kinds
from tests.machines.support import rule

HOT = "hot@furnace"
MINUTE = 60 * SECOND
POLICY = DutyCheckPolicy(answer_within=5 * MINUTE)


def bench(priority: Priority = Priority.HIGH) -> Bench:
    made = Bench(rule(HOT, priority=priority))
    made.tick({0: FALSE})
    return made


def told(made: Bench) -> list[tuple[str, int]]:
    """Levels in the order in which they were told, and after how many minutes."""
    return [(event.level.value, event.waited // MINUTE) for event in made.journal if isinstance(event, AlarmEscalated)]


@pytest.mark.parametrize(
    ("priority", "expected"),
    [
        (Priority.CRITICAL, [("duty_operator", 1), ("shift_leader", 5), ("safety_manager", 15), ("county", 30)]),
        (Priority.HIGH, [("duty_operator", 3), ("shift_leader", 5), ("safety_manager", 15), ("county", 30)]),
        (Priority.MEDIUM, [("duty_operator", 3), ("shift_leader", 15), ("safety_manager", 60)]),
        (Priority.LOW, [("duty_operator", 10), ("shift_leader", 60)]),
    ],
)
def test_an_alarm_that_nobody_acknowledges_climbs_at_the_times_of_its_priority(
    priority: Priority, expected: list[tuple[str, int]]
) -> None:
    made = bench(priority)
    made.tick({0: TRUE})
    for _ in range(24 * 6):
        made.tick(after=MINUTE // 2)
    assert told(made) == expected
    assert made.engine.states.alarms[HOT].escalated == expected[-1][0]


def test_an_acknowledgement_stops_the_climb_and_a_new_occurrence_begins_at_the_bottom() -> None:
    made = bench()
    made.tick({0: TRUE})
    made.tick(after=5 * MINUTE)
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    made.tick(after=60 * MINUTE)
    assert told(made) == [("duty_operator", 5), ("shift_leader", 5)]
    made.tick({0: FALSE})
    made.tick({0: TRUE})
    made.tick(after=3 * MINUTE)
    assert told(made)[2:] == [("duty_operator", 3)]


def test_what_returned_before_anybody_saw_it_still_climbs() -> None:
    made = bench()
    made.tick({0: TRUE})
    made.tick({0: FALSE})
    made.tick(after=5 * MINUTE)
    assert [level for level, _ in told(made)] == ["duty_operator", "shift_leader"]


def test_a_shelved_alarm_tells_nobody_and_starts_its_time_anew_afterwards() -> None:
    made = bench()
    made.tick({0: TRUE})
    made.act(made.engine.alarm_desk.shelve(HOT, ShelvingWish("王", "known", 60 * MINUTE), made.now))
    made.tick(after=59 * MINUTE)
    assert told(made) == []
    made.tick(after=2 * MINUTE)
    made.tick(after=3 * MINUTE)
    assert told(made) == [("duty_operator", 3)]


def test_a_gateway_that_was_down_tells_every_level_that_should_have_known() -> None:
    made = bench()
    made.tick({0: TRUE})
    made = made.restarted()
    made.tick({0: TRUE}, after=20 * MINUTE)
    assert [level for level, _ in told(made)] == ["duty_operator", "shift_leader", "safety_manager"]
    made.tick(after=SECOND)
    assert len(told(made)) == 3, "and only once"


@given(st.lists(st.integers(1, 20 * MINUTE), min_size=1, max_size=12), st.sampled_from(Priority))
@settings(max_examples=60, deadline=None)
def test_every_level_is_told_once_in_order_whatever_the_ticks(waits: list[int], priority: Priority) -> None:
    made = bench(priority)
    made.tick({0: TRUE})
    for wait in waits:
        made.tick(after=wait)
    ladder = EscalationPolicy().ladder(priority)
    assert [level for level, _ in told(made)] == [rung.level for rung in ladder if sum(waits) >= rung.after]


@pytest.mark.parametrize(("state", "action"), list(itertools.product(Told, Climb)))
def test_the_ladder_is_climbed_and_never_descended_but_by_being_heard(state: Told, action: Climb) -> None:
    places = [Told.NOBODY, *(Told(level.value) for level in LADDER)]
    if action is Climb.HEARD:
        legal, after = state is not Told.NOBODY, Told.NOBODY
    else:
        after = Told(action.removeprefix("tell_"))
        legal = places.index(after) > places.index(state)
    if legal:
        assert escalation.TABLE.next("a", state, action) is after
    else:
        with pytest.raises(IllegalTransition):
            escalation.TABLE.next("a", state, action)


def asked(made: Bench, because: AskedBecause = AskedBecause.RANDOM) -> str:
    event = made.engine.duty_desk.ask(because, "", made.now)
    made.act(event)
    return event.check


def test_a_check_that_is_answered_in_time_is_over() -> None:
    made = bench()
    check = asked(made)
    made.tick(after=4 * MINUTE)
    made.act(made.engine.duty_desk.answer(check, "王", "在岗", made.now))
    made.tick(after=60 * MINUTE)
    assert kinds(made.journal) == ["duty.asked", "duty.answered"]
    assert made.engine.states.checks[check].state is DutyCheckState.ANSWERED


@pytest.mark.parametrize("restart", [False, True])
def test_a_missed_check_climbs_the_ladder_until_somebody_answers_late(restart: bool) -> None:
    made = bench()
    check = asked(made)
    made = made.restarted() if restart else made
    made.tick({0: FALSE}, after=5 * MINUTE)
    assert kinds(made.journal)[1:] == ["duty.missed", "duty.escalated", "duty.escalated"]
    made.tick(after=10 * MINUTE)
    levels = [event.level for event in made.journal if isinstance(event, DutyCheckEscalated)]
    assert levels == [Level.DUTY_OPERATOR, Level.SHIFT_LEADER, Level.SAFETY_MANAGER]
    made.act(made.engine.duty_desk.answer(check, "王", "", made.now))
    made.tick(after=60 * MINUTE)
    assert kinds(made.journal)[-1] == "duty.answered"
    assert made.engine.states.checks[check].state is DutyCheckState.ANSWERED_LATE


def test_only_one_check_waits_at_a_time_and_only_a_person_answers_it_once() -> None:
    made = bench()
    check = asked(made)
    with pytest.raises(IllegalTransition):
        asked(made)
    with pytest.raises(RequestRefused):
        made.engine.duty_desk.answer(check, " ", "", made.now)
    with pytest.raises(UnknownSubject):
        made.engine.duty_desk.answer("DC-none", "王", "", made.now)
    made.act(made.engine.duty_desk.answer(check, "王", "", made.now))
    with pytest.raises(IllegalTransition):
        made.engine.duty_desk.answer(check, "王", "", made.now)


@pytest.mark.parametrize(("state", "action"), list(itertools.product(DutyCheckState, DutyCheckAction)))
def test_every_pair_of_a_check_is_either_in_the_table_or_refused(
    state: DutyCheckState, action: DutyCheckAction
) -> None:
    check = DutyCheck("c", state, AskedBecause.SCHEDULED, "", Instant(0), Instant(5))
    if action is DutyCheckAction.ANSWER:
        if state in (DutyCheckState.ASKED, DutyCheckState.MISSED):
            answered = duty_check.evolve(check, duty_check.answer(check, "王", "", Instant(4)))
            late = state is DutyCheckState.MISSED
            assert answered == replace(
                check,
                state=DutyCheckState.ANSWERED_LATE if late else DutyCheckState.ANSWERED,
                answered_at=Instant(4),
                answered_by="王",
            )
        else:
            with pytest.raises(IllegalTransition):
                duty_check.answer(check, "王", "", Instant(4))
    else:
        events = duty_check.due(check, (), Instant(5))
        assert [event.kind for event in events] == (["duty.missed"] if state is DutyCheckState.ASKED else [])


async def test_the_states_are_the_fold_of_the_journal_and_load_as_they_were() -> None:
    made = bench()
    made.tick({0: TRUE})
    for number in range(60):
        check = asked(made)
        made.tick(after=(number % 3) * 3 * MINUTE + SECOND)
        made.act(made.engine.duty_desk.answer(check, "王", "", made.now))
    asked(made)
    made.tick(after=6 * MINUTE)
    assert folded(made.journal) == made.engine.states
    journal = MemoryJournal()
    await journal.commit(made.journal, states.rows(made.engine.states, states_of(made.journal)))
    loaded = await states.load(journal)
    assert loaded.checks == made.engine.states.checks
    assert loaded.alarms == made.engine.states.alarms
