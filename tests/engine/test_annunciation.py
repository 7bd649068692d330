"""What time, design and persons do to alarms, as one site decides it: suppression, re-alarm, first-out, restart."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import IllegalTransition, RequestRefused, UnknownSubject
from gateway.events.alarms import AlarmRaised
from gateway.machines.alarm import Projected
from gateway.machines.suppression import RemovalWish, ShelvingWish
from gateway.rule import Priority
from gateway.runtime import states
from gateway.sample import SECOND
from gateway.standing import states_of
from tests.engine.memory_journal import MemoryJournal
from tests.engine.scripted import FALSE, TRUE, UNKNOWN, Bench, folded, kinds
from tests.machines.support import rule

HOT, WET, DRY = "hot@furnace", "wet@furnace", "dry@furnace"
MINUTE = 60 * SECOND
SHELVE = ShelvingWish("王", "sensor is being cleaned", 10 * MINUTE)
REMOVE = RemovalWish("王", "calibration", "P-2026-7")


def bench(**of) -> Bench:
    """One rule of high priority on column 0, seen false after the start."""
    made = Bench(rule(HOT, **{"priority": Priority.HIGH, **of}))
    made.tick({0: FALSE})
    return made


def shown(made: Bench, alarm: str = HOT) -> str:
    return made.engine.states.alarms[alarm].projected.value


def shelve(made: Bench, wish: ShelvingWish = SHELVE) -> None:
    made.act(made.engine.alarm_desk.shelve(HOT, wish, made.now))


def test_a_shelved_alarm_is_raised_in_the_journal_and_annunciated_when_its_time_is_over() -> None:
    made = bench()
    shelve(made)
    assert kinds(made.tick({0: TRUE})) == ["alarm.raised", "ticket.filed"]
    assert shown(made) == "shelved"
    assert kinds(made.tick(after=10 * MINUTE)) == ["alarm.unshelved"]
    assert shown(made) == "unacknowledged"


def test_a_shelving_survives_a_restart_and_runs_out_by_event_time() -> None:
    made = bench()
    made.tick({0: TRUE})
    shelve(made)
    made = made.restarted()
    made.tick({0: TRUE}, after=9 * MINUTE)
    assert shown(made) == "shelved"
    made.tick(after=2 * MINUTE)
    assert shown(made) == "unacknowledged"


def test_a_shelving_that_ran_out_while_the_gateway_was_down_is_over_at_the_first_tick() -> None:
    made = bench()
    made.tick({0: TRUE})
    shelve(made)
    made = made.restarted()
    assert "alarm.unshelved" in kinds(made.tick({0: TRUE}, after=60 * MINUTE))


def test_an_alarm_acknowledged_under_a_shelf_is_acknowledged_after_it() -> None:
    made = bench()
    made.tick({0: TRUE})
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    shelve(made)
    made.tick(after=11 * MINUTE)
    assert shown(made) == "acknowledged"


def test_the_plant_s_state_suppresses_before_the_raise_of_the_same_tick() -> None:
    made = bench(suppress=1)
    events = made.tick({0: TRUE, 1: TRUE})
    assert kinds(events) == ["alarm.suppressed", "alarm.raised"]
    assert [event.annunciated for event in events if isinstance(event, AlarmRaised)] == [False]


def test_what_still_stands_when_the_suppression_ends_is_told_and_files_its_ticket() -> None:
    made = bench(suppress=1)
    made.tick({0: TRUE, 1: TRUE})
    assert kinds(made.tick({1: FALSE})) == ["alarm.unsuppressed", "ticket.filed"]
    assert shown(made) == "unacknowledged"


def test_what_came_and_went_under_a_permit_files_no_ticket() -> None:
    made = bench()
    made.act(made.engine.alarm_desk.remove(HOT, REMOVE, made.now))
    for truth in (TRUE, FALSE, TRUE, FALSE):
        made.tick({0: truth})
    made.act(made.engine.alarm_desk.return_to_service(HOT, "王", "", made.now))
    made.tick()
    assert [kind for kind in kinds(made.journal) if kind.startswith("ticket")] == []
    assert kinds(made.journal).count("alarm.raised") == 2, "evaluation and journalling go on"


@pytest.mark.parametrize("restart", [False, True])
def test_what_stands_when_it_returns_to_service_files_its_ticket_even_over_a_restart(restart: bool) -> None:
    made = bench()
    made.act(made.engine.alarm_desk.remove(HOT, REMOVE, made.now))
    made.tick({0: TRUE})
    made.act(made.engine.alarm_desk.return_to_service(HOT, "王", "", made.now))
    made = made.restarted() if restart else made
    assert kinds(made.tick({0: TRUE})) == ["ticket.filed"]
    assert kinds(made.tick()) == []


def test_unknown_never_suppresses() -> None:
    made = bench(suppress=1)
    made.settle()
    made.tick({1: TRUE})
    assert shown(made) == "suppressed_by_design"
    assert kinds(made.tick({1: UNKNOWN})) == ["alarm.unsuppressed"]


def test_a_restart_does_not_release_what_the_plant_s_state_suppressed_until_it_can_know() -> None:
    made = bench(suppress=1)
    made.tick({0: TRUE, 1: TRUE})
    made = made.restarted()
    made.tick({0: TRUE, 1: UNKNOWN})
    assert shown(made) == "suppressed_by_design"
    made.settle()
    assert shown(made) == "unacknowledged"


def test_an_acknowledged_alarm_that_stands_asks_again_after_its_re_alarm_time() -> None:
    made = bench(re_alarm=5 * MINUTE)
    made.tick({0: TRUE})
    for again in (1, 2):
        made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
        assert kinds(made.tick(after=5 * MINUTE - 1)) == []
        assert kinds(made.tick(after=1)) == ["alarm.re_alarmed"]
        assert made.engine.states.alarms[HOT].re_alarms == again
    assert kinds(made.journal).count("alarm.raised") == 1, "it is the same occurrence"


def test_no_alarm_asks_again_from_under_a_suppression_and_then_at_once_when_it_is_over() -> None:
    made = bench(re_alarm=5 * MINUTE)
    made.tick({0: TRUE})
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    shelve(made)
    assert kinds(made.tick(after=9 * MINUTE)) == []
    assert kinds(made.tick(after=2 * MINUTE)) == ["alarm.unshelved"]
    assert kinds(made.tick()) == ["alarm.re_alarmed"]


def test_a_stamp_that_comes_later_and_speaks_of_earlier_takes_the_first_out() -> None:
    made = Bench(rule(HOT, group="g"), rule(WET, index=1, group="g"))
    made.tick({0: (TRUE, 50 * SECOND), 1: FALSE})
    made.tick({1: (TRUE, 40 * SECOND)})
    states = made.engine.states.alarms
    assert (states[HOT].first_out, states[WET].first_out) == (False, True)
    assert not states[WET].tie


def test_two_that_the_clocks_cannot_tell_apart_are_both_first_and_both_say_so() -> None:
    made = Bench(rule(HOT, group="g"), rule(WET, index=1, group="g"), rule(DRY, index=2, group="g"))
    made.tick({0: (TRUE, 50 * SECOND), 1: FALSE, 2: FALSE})
    made.tick({1: (TRUE, 50 * SECOND + SECOND - 1), 2: (TRUE, 51 * SECOND)})
    states = made.engine.states.alarms
    assert [(states[each].first_out, states[each].tie) for each in (HOT, WET, DRY)] == [
        (True, True),
        (True, True),
        (False, False),
    ], "DRY is a whole scan after HOT"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 6 * SECOND), min_size=2, max_size=3), st.permutations(range(3)))
def test_the_first_out_depends_on_the_stamps_and_not_on_the_order_of_arrival(
    onsets: list[int], order: list[int]
) -> None:
    names = (HOT, WET, DRY)
    made = Bench(*(rule(name, index=at, group="g") for at, name in enumerate(names)))
    made.tick(dict.fromkeys(range(3), FALSE), after=10 * SECOND)
    for column in (each for each in order if each < len(onsets)):
        made.tick({column: (TRUE, onsets[column])})
    for at, onset in enumerate(onsets):
        others = [other for place, other in enumerate(onsets) if place != at]
        first = not any(onset - other >= SECOND for other in others)
        state = made.engine.states.alarms[names[at]]
        assert state.first_out == first
        assert state.tie == (first and any(other - onset < SECOND for other in others))


def test_refusals_change_nothing_and_say_why() -> None:
    made = bench()
    made.tick({0: TRUE})
    before = dict(made.engine.states.alarms)
    with pytest.raises(UnknownSubject):
        made.engine.alarm_desk.shelve("no@where", SHELVE, made.now)
    with pytest.raises(RequestRefused):
        made.engine.alarm_desk.shelve(HOT, ShelvingWish("王", "", MINUTE), made.now)
    with pytest.raises(IllegalTransition):
        made.engine.alarm_desk.unshelve(HOT, "王", "", made.now)
    with pytest.raises(IllegalTransition):
        made.engine.alarm_desk.return_to_service(HOT, "王", "", made.now)
    with pytest.raises(IllegalTransition):
        made.engine.alarm_desk.reset(HOT, "王", "", made.now)
    made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
    with pytest.raises(IllegalTransition):
        made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now)
    shelve(made)
    with pytest.raises(IllegalTransition):
        shelve(made)
    assert before[HOT].occurrence == made.engine.states.alarms[HOT].occurrence


STORIES = {
    Projected.NORMAL: [FALSE],
    Projected.UNACKNOWLEDGED: [TRUE],
    Projected.ACKNOWLEDGED: [TRUE, "ack"],
    Projected.RETURNED_UNACKNOWLEDGED: [TRUE, FALSE],
    Projected.LATCHED_UNACKNOWLEDGED: ["latch", TRUE, FALSE],
    Projected.LATCHED_ACKNOWLEDGED: ["latch", TRUE, FALSE, "ack"],
    Projected.SHELVED: [TRUE, "shelve"],
    Projected.SUPPRESSED_BY_DESIGN: [TRUE, "suppress"],
    Projected.OUT_OF_SERVICE: [TRUE, "ack", "remove"],
    Projected.UNKNOWN: [TRUE, "ack", UNKNOWN],
}


@pytest.mark.parametrize("name", list(Projected))
async def test_a_restart_in_each_alarm_state_gives_the_same_state(name: Projected) -> None:
    made = bench(latch="latch" in STORIES[name], suppress=1)
    made.settle()
    for step in STORIES[name]:
        match step:
            case "ack":
                made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
            case "shelve":
                shelve(made)
            case "suppress":
                made.tick({1: TRUE})
            case "remove":
                made.act(made.engine.alarm_desk.remove(HOT, REMOVE, made.now))
            case "latch":
                continue
            case truth:
                made.tick({0: truth})
    before = made.engine.states.alarms.get(HOT)
    if before is None:
        assert name is Projected.NORMAL, "an alarm that never was has no state"
        return
    assert before.projected is name
    journal = MemoryJournal()
    await journal.commit(made.journal, states.rows(made.engine.states, states_of(made.journal)))
    loaded = await states.load(journal)
    assert loaded.alarms.get(HOT) == (before if before.standing else None)
    assert folded(made.journal).alarms[HOT] == before
    again = made.restarted()
    truths = {0: TRUE if before.active else FALSE, 1: TRUE if before.suppression.design else FALSE}
    assert [kind for kind in kinds(again.tick(truths)) if kind.startswith("alarm")] == [], "nothing is reported anew"
    assert again.engine.states.alarms[HOT].suppression == before.suppression
    assert again.engine.states.alarms[HOT].name is before.name
