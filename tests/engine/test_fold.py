"""The journal is the truth: whatever happens, the states are the fold of what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import TocsinError
from gateway.event import Event, decode, encode
from gateway.events.tickets import Attachment, TicketAction
from gateway.machines.bypass import BypassWish
from gateway.machines.proof_test import ProofTestWish
from gateway.machines.suppression import RemovalWish, ShelvingWish
from gateway.register_desk import RegisterDesk
from gateway.rule import EffectMode, Priority, Truth
from gateway.sample import SECOND, Instant
from gateway.store import StateKind
from tests.engine.scripted import Bench, folded, interlock
from tests.machines.support import rule
from tests.machines.test_hazard_report import FOUND
from tests.machines.tickets import full

HOT, WET, TRIP = "hot@furnace", "wet@furnace", "trip@furnace"

TICK = st.tuples(st.just("tick"), st.dictionaries(st.integers(0, 2), st.sampled_from(Truth)), st.integers(1, 12))
PERSON = st.sampled_from(["ack", "reset", "shelve", "once", "unshelve", "remove", "return"])
REGISTER = st.tuples(st.sampled_from(["bypass", "end bypass", "test", "end test"]))
ACK = st.tuples(PERSON, st.sampled_from([HOT, WET]))
MOVE = st.tuples(st.just("move"), st.sampled_from(TicketAction), st.integers(0, 9))
REPORT = st.tuples(st.sampled_from(["report", "attach"]), st.integers(0, 9))
RESTART = st.tuples(st.just("restart"))
STEPS = st.lists(st.one_of(TICK, TICK, ACK, REGISTER, MOVE, REPORT, RESTART), max_size=40)


_REGISTER: Mapping[str, Callable[[RegisterDesk, Instant], Event]] = {
    "bypass": lambda desk, now: desk.bypass(TRIP, BypassWish("王", "李", "repair", "watched", 6 * SECOND), now),
    "end bypass": lambda desk, now: desk.remove_bypass(TRIP, "王", "done", now),
    "test": lambda desk, now: desk.declare_test(TRIP, ProofTestWish("王", "procedure", 5 * SECOND), now),
    "end test": lambda desk, now: desk.end_test(TRIP, "王", "as found good", now),
}


def played(steps: list[tuple]) -> Bench:
    """A site through these steps; what is illegal is refused and skipped."""
    rules = (
        rule(HOT, group="g", re_alarm=3 * SECOND, suppress=2),
        rule(WET, index=1, latch=True, group="g", points=(1, 2), priority=Priority.LOW),
    )
    made = Bench(*rules, interlocks=[interlock(causes=(0, 1), feedback=2, mode=EffectMode.COMMAND)])
    for number, step in enumerate(steps):
        if step[0] == "tick":
            made.tick(step[1], after=step[2] * SECOND // 2)
        elif step[0] == "restart":
            made = made.restarted()
        else:
            _act(made, step, number)
    return made


def _act(made: Bench, step: tuple, number: int) -> None:
    now = made.now = Instant(made.now + 1)
    try:
        if step[0] == "ack":
            made.act(made.engine.alarm_desk.acknowledge(step[1], "王", "", now))
        elif step[0] == "reset":
            made.act(made.engine.alarm_desk.reset(step[1], "王", "checked", now))
        elif step[0] in ("shelve", "once"):
            wish = ShelvingWish("王", "noise", 4 * SECOND, "李", one_shot=step[0] == "once")
            made.act(made.engine.alarm_desk.shelve(step[1], wish, now))
        elif step[0] == "unshelve":
            made.act(made.engine.alarm_desk.unshelve(step[1], "王", "", now))
        elif step[0] == "remove":
            made.act(made.engine.alarm_desk.remove(step[1], RemovalWish("王", "calibration", "P-1", "李"), now))
        elif step[0] == "return":
            made.act(made.engine.alarm_desk.return_to_service(step[1], "王", "", now))
        elif step[0] in _REGISTER:
            made.act(_REGISTER[step[0]](made.engine.register_desk, now))
        elif step[0] == "report":
            made.act(made.engine.hazard_desk.report(replace(FOUND, title=f"hazard {step[1]}"), now))
        elif not (tickets := list(made.engine.states.tickets)):
            return
        elif step[0] == "attach":
            file = Attachment(str(step[1]) * 64, "before.jpg", "image/jpeg", 1)
            made.act(made.engine.hazard_desk.attach(tickets[step[1] % len(tickets)], file, "王", "", now))
        else:
            wanted = full(step[1], f"person {number}", now)
            made.act(made.engine.hazard_desk.move(tickets[step[2] % len(tickets)], wanted, now))
    except TocsinError:
        return


@settings(max_examples=150, deadline=None)
@given(STEPS)
def test_the_states_are_the_fold_of_the_journal(steps: list[tuple]) -> None:
    made = played(steps)
    assert folded(made.journal) == made.engine.states


@settings(max_examples=75, deadline=None)
@given(STEPS)
def test_what_the_journal_holds_reads_back_as_it_was_written(steps: list[tuple]) -> None:
    made = played(steps)
    assert [decode(encode(event)) for event in made.journal] == made.journal


@settings(max_examples=75, deadline=None)
@given(STEPS)
def test_no_two_events_share_an_id_and_every_occurrence_is_raised_once(steps: list[tuple]) -> None:
    made = played(steps)
    ids = [event.id for event in made.journal]
    assert len(ids) == len(set(ids))


@settings(max_examples=75, deadline=None)
@given(STEPS)
def test_at_most_one_ticket_stands_for_a_rule(steps: list[tuple]) -> None:
    tickets = played(steps).engine.states.tickets.values()
    standing = [ticket.rule for ticket in tickets if ticket.standing and ticket.rule]
    assert len(standing) == len(set(standing))


@settings(max_examples=75, deadline=None)
@given(STEPS, st.integers(0, 60))
def test_a_preview_is_what_taking_would_make_of_it_and_takes_nothing(steps: list[tuple], cut: int) -> None:
    journal = played(steps).journal
    before, after = journal[:cut], journal[cut:]
    made = Bench(rule(HOT), rule(WET, index=1, latch=True), journal=before)
    ahead = made.engine.preview(after)
    assert made.engine.states == folded(before)
    made.engine.take(after)
    for kind, previewed in zip(StateKind, (ahead.alarms, ahead.demands, ahead.tickets)):
        now = {"alarm": made.engine.states.alarms, "demand": made.engine.states.demands}.get(
            kind, made.engine.states.tickets
        )
        assert {subject: now[subject] for subject in previewed} == previewed
