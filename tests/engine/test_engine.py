"""What one tick decides: tickets, first-out, start-up, restart, and the alarm that an interlock failed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gateway.errors import IllegalTransition, UnknownSubject
from gateway.events.alarms import AlarmRaised
from gateway.events.lifecycle import ConditionChanged
from gateway.events.tickets import TicketAction, TicketFiled, TicketRecurred
from gateway.machines.ticket_step import Move
from gateway.rule import EffectMode, TicketGrade
from gateway.sample import SECOND, Instant
from tests.engine.scripted import FALSE, SCAN, TRUE, UNKNOWN, WITHIN, Bench, interlock, kinds
from tests.machines.support import rule
from tests.machines.tickets import full

HOT, WET = "hot@furnace", "wet@furnace"


def bench(*, latch: bool = False) -> Bench:
    """One rule, seen false after the start."""
    made = Bench(rule(HOT, latch=latch))
    made.tick({0: FALSE})
    return made


def raised(made: Bench) -> list[AlarmRaised]:
    return [event for event in made.journal if isinstance(event, AlarmRaised)]


def test_one_breach_files_one_ticket() -> None:
    made = bench()
    assert kinds(made.tick({0: TRUE})) == ["alarm.raised", "ticket.filed"]
    assert kinds(made.tick({0: TRUE})) == []
    (ticket,) = made.engine.states.tickets.values()
    assert (ticket.rule, ticket.area, ticket.evidence_points) == (HOT, "melt", ("furnace.point_0",))


def test_a_rule_without_a_grade_files_no_ticket() -> None:
    made = Bench(rule(HOT, ticket=None))
    assert kinds(made.tick({0: TRUE})) == ["alarm.raised"]


def test_a_recurrence_adds_to_the_standing_ticket() -> None:
    made = bench()
    for truth in (TRUE, FALSE, TRUE):
        made.tick({0: truth})
    (ticket,) = made.engine.states.tickets.values()
    assert ticket.occurrences == tuple(event.occurrence for event in raised(made))
    assert ticket.recurrences == 1
    assert [type(e) for e in made.journal if e.kind.startswith("ticket")] == [TicketFiled, TicketRecurred]


def written_off(made: Bench) -> str:
    """The only ticket, through all its steps."""
    (ticket,) = made.engine.states.tickets
    steps = [(each, "赵") for each in ("register", "assess", "assign")]
    steps += [("rectify", "李"), ("pass_recheck", "王"), ("write_off", "赵")]
    for action, by in steps:
        made.now = Instant(made.now + 1)
        wanted = full(TicketAction(action), by, made.now)
        made.act(made.engine.hazard_desk.move(ticket, wanted, made.now))
    return ticket


@pytest.mark.parametrize("restart", [False, True])
def test_a_breach_after_the_write_off_is_a_new_ticket_that_names_the_previous(restart: bool) -> None:
    made = bench()
    made.tick({0: TRUE})
    previous = written_off(made)
    made.tick({0: FALSE})
    made = made.restarted() if restart else made
    made.tick({0: TRUE})
    filed = [event for event in made.journal if isinstance(event, TicketFiled)]
    assert [event.previous for event in filed] == [None, previous]
    assert filed[1].ticket != previous


def first_outs(made: Bench) -> dict[str, bool]:
    return {event.alarm: event.first_out for event in raised(made)}


@pytest.mark.parametrize(
    ("onsets", "expected"),
    [((5, 9), (True, False)), ((9, 5), (False, True)), ((5, 5), (True, True)), ((5, 5.9), (True, True))],
)
@pytest.mark.parametrize("together", [True, False])
def test_the_first_out_is_the_one_that_set_in_first_and_equal_stamps_tie(
    onsets: tuple[float, float], expected: tuple[bool, bool], together: bool
) -> None:
    made = Bench(rule(HOT, group="g"), rule(WET, index=1, group="g"), rule("dry@furnace", index=2, group="other"))
    made.tick({0: FALSE, 1: FALSE, 2: (TRUE, 1)})
    truths = {0: (TRUE, round(onsets[0] * SECOND)), 1: (TRUE, round(onsets[1] * SECOND))}
    if together:
        made.tick(truths)
    else:
        for column in sorted(truths, key=lambda column: truths[column][1]):
            made.tick({column: truths[column]})
    outs = first_outs(made)
    assert {state.tie for state in made.engine.states.alarms.values() if state.first_out} == {
        expected == (True, True),
        False,
    }, "the scan of the points is one second: closer stamps tie"
    assert (outs[HOT], outs[WET]) == expected
    assert outs["dry@furnace"]


def test_an_alarm_outside_any_group_is_never_first_out() -> None:
    made = bench()
    made.tick({0: TRUE})
    assert first_outs(made) == {HOT: False}


def test_the_first_out_is_free_again_once_the_group_has_returned() -> None:
    made = Bench(rule(HOT, group="g"), rule(WET, index=1, group="g"))
    made.tick({0: TRUE, 1: FALSE})
    made.tick({0: FALSE})
    made.tick({1: TRUE})
    assert first_outs(made) == {HOT: True, WET: True}


def test_at_the_start_nothing_is_journalled_for_what_is_merely_not_there_yet() -> None:
    made = Bench(rule(HOT), rule(WET, index=1))
    assert made.tick() == []
    assert made.tick({0: FALSE}) == []
    assert not made.engine.unknown_rules()
    assert made.journal == []


def test_after_the_start_has_settled_what_is_still_unknown_is_lost() -> None:
    made = Bench(rule(HOT), rule(WET, index=1))
    made.tick({0: FALSE})
    (lost,) = made.settle()
    assert isinstance(lost, ConditionChanged)
    assert (lost.rule, lost.truth) == (WET, UNKNOWN)
    assert [of.id for of in made.engine.unknown_rules()] == [WET]
    assert made.tick() == []


def test_a_condition_that_was_known_and_is_lost_before_the_start_settles_is_told() -> None:
    made = bench()
    (lost,) = made.tick({0: UNKNOWN})
    assert isinstance(lost, ConditionChanged)


def test_a_breach_at_the_very_first_tick_is_raised() -> None:
    assert kinds(Bench(rule(HOT)).tick({0: TRUE})) == ["alarm.raised", "ticket.filed"]


STORIES = ["TRUE", "TRUE ack", "TRUE FALSE", "TRUE FALSE ack", "TRUE UNKNOWN", "UNKNOWN", "FALSE"]
WORDS = {"TRUE": TRUE, "FALSE": FALSE, "UNKNOWN": UNKNOWN}


def told(script: str, *, latch: bool) -> Bench:
    made = bench(latch=latch)
    for word in script.split():
        if word == "ack":
            made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
        else:
            made.tick({0: WORDS[word]})
    return made


@pytest.mark.parametrize("latch", [False, True])
@pytest.mark.parametrize("script", STORIES)
def test_a_restart_changes_no_alarm_and_raises_nothing_twice(script: str, latch: bool) -> None:
    before = told(script, latch=latch)
    after = before.restarted()
    assert after.engine.states == before.engine.states
    last = WORDS[next(word for word in reversed(script.split()) if word in WORDS)]
    after.tick()
    after.tick({0: (last, int(before.program.since[0]))})
    after.settle()
    assert raised(after) == raised(before)
    assert after.engine.states.alarms.get(HOT) == before.engine.states.alarms.get(HOT)
    assert after.engine.states.tickets == before.engine.states.tickets


@pytest.mark.parametrize(("script", "stands"), [("TRUE", True), ("TRUE ack", True), ("TRUE FALSE", False)])
def test_a_new_run_takes_up_the_conditions_that_stood_with_their_onsets(script: str, stands: bool) -> None:
    before = told(script, latch=True)
    after = before.restarted()
    onset = before.engine.states.alarms[HOT].onset
    assert after.program.resumed == ({HOT: onset} if stands else {})


def test_what_cleared_while_the_gateway_was_down_clears_when_it_is_seen() -> None:
    made = told("TRUE ack", latch=False).restarted()
    assert kinds(made.tick({0: FALSE})) == ["alarm.cleared"]


def test_two_runs_of_one_script_give_the_same_events() -> None:
    assert told("TRUE FALSE ack TRUE", latch=True).journal == told("TRUE FALSE ack TRUE", latch=True).journal


def test_an_action_on_what_is_not_there_says_so() -> None:
    made = bench()
    with pytest.raises(UnknownSubject):
        made.engine.alarm_desk.acknowledge("nothing@nowhere", "王", "", made.now)
    with pytest.raises(UnknownSubject):
        made.engine.hazard_desk.move("HD-0", Move(TicketAction.REGISTER, "王"), made.now)
    with pytest.raises(IllegalTransition):
        made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now)


def with_interlock(mode: EffectMode = EffectMode.OBSERVE) -> Bench:
    """Rule 0 demands, condition 1 is the feedback."""
    made = Bench(rule(HOT, ticket=None), interlocks=[interlock(mode=mode)])
    made.tick({0: FALSE, 1: FALSE})
    return made


UNPROVEN = "interlock.unproven@trip.furnace"
AFTER_DEADLINE = WITHIN + SCAN + 1


@pytest.mark.parametrize("cause_at_deadline", [TRUE, FALSE, UNKNOWN])
@pytest.mark.parametrize("feedback", [FALSE, UNKNOWN])
def test_an_interlock_that_is_not_proven_raises_an_alarm_and_a_ticket(cause_at_deadline, feedback) -> None:
    made = with_interlock()
    made.tick({0: TRUE})
    made.tick({0: cause_at_deadline, 1: feedback}, after=AFTER_DEADLINE)
    (alarm,) = (event for event in raised(made) if event.alarm == UNPROVEN)
    (filed,) = (event for event in made.journal if isinstance(event, TicketFiled))
    assert alarm.clauses == filed.clauses == ("4.1", "14")
    assert (filed.rule, filed.grade) == (UNPROVEN, TicketGrade.MAJOR)


def test_an_interlock_that_acts_in_time_raises_nothing_of_its_own() -> None:
    made = with_interlock()
    made.tick({0: TRUE})
    made.tick({1: TRUE})
    made.tick({0: FALSE}, after=AFTER_DEADLINE)
    made.tick()
    assert [event.alarm for event in raised(made)] == [HOT]
    assert not made.engine.states.demands.popitem()[1].standing


def test_a_failed_interlock_is_one_occurrence_across_restarts_until_its_demand_has_ended() -> None:
    made = with_interlock()
    made.tick({0: TRUE})
    made.tick(after=AFTER_DEADLINE)
    made = made.restarted()
    made.tick({0: TRUE, 1: TRUE})
    made.tick({0: FALSE})
    made.tick()
    made.tick()
    assert [event.alarm for event in raised(made)].count(UNPROVEN) == 1
    assert made.engine.states.alarms[UNPROVEN].name == "latched_unacknowledged"
    assert kinds(made.journal)[-3:] == ["interlock.ended", "alarm.cleared", "alarm.cleared"]


def test_a_restart_demands_and_commands_nothing_twice() -> None:
    made = with_interlock(EffectMode.COMMAND)
    made.tick({0: TRUE})
    made = made.restarted()
    made.tick({0: TRUE, 1: FALSE})
    assert kinds(made.journal).count("command.requested") == kinds(made.journal).count("interlock.demanded") == 1


def test_two_demands_that_a_coarse_clock_stamps_alike_are_two_and_both_command() -> None:
    made = with_interlock(EffectMode.COMMAND)
    for truth in (TRUE, FALSE, FALSE, TRUE):
        made.tick({0: (truth, SECOND), 1: TRUE})
    asked = [event.id for event in made.journal if event.kind == "command.requested"]
    assert len(set(asked)) == len(asked) == 2


def test_ids_in_a_journal_are_unique() -> None:
    made = with_interlock(EffectMode.COMMAND)
    for truths in ({0: TRUE}, {0: FALSE}, {0: TRUE, 1: TRUE}, {0: UNKNOWN}, {0: FALSE}, {}, {1: FALSE}, {0: TRUE}):
        made.tick(truths, after=AFTER_DEADLINE)
    ids = [event.id for event in made.journal]
    assert len(ids) == len(set(ids))
    assert all(earlier.at <= later.at for earlier, later in pairwise(made.journal))
