"""The hazard ticket: a person moves it, step by step, and every step says enough."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import IllegalTransition, RequestRefused
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.tickets import TicketAction, TicketRecurred, TicketState
from gateway.machines import ticket
from gateway.machines.ticket import STEPS_KEPT, TABLE, Filing, Move, Ticket
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from tests.machines.support import SITE, story

LEGAL = {
    ("suspected", "register"): "registered",
    ("suspected", "dismiss"): "dismissed",
    ("registered", "assign"): "rectifying",
    ("rectifying", "rectify"): "awaiting_recheck",
    ("awaiting_recheck", "pass_recheck"): "rechecked",
    ("awaiting_recheck", "reject_recheck"): "rectifying",
    ("rechecked", "write_off"): "written_off",
}
"""排查-登记-整改-复查-销号, written down a second time."""

NOW = Instant(100 * SECOND)


def alarm_raised(script: str = "TRUE") -> AlarmRaised:
    return next(e for e in reversed(story(script).events) if isinstance(e, AlarmRaised))


def filing(standing: Ticket | None = None, previous: str | None = None) -> Filing:
    return Filing(SITE, "melt", TicketGrade.MAJOR, ("furnace.temperature",), standing, previous)


def filed() -> Ticket:
    opened = ticket.evolve(None, ticket.on_alarm(alarm_raised(), filing()))
    assert opened is not None
    return opened


def full(action: TicketAction, by: str = "赵") -> Move:
    """A move that says all that any step asks for."""
    return Move(action, by, "because", "李", Instant(NOW + SECOND))


def moved(standing: Ticket, *moves: Move) -> Ticket:
    for wanted in moves:
        after = ticket.evolve(standing, ticket.move(standing, wanted, NOW))
        assert after is not None
        standing = after
    return standing


def through(*words: str) -> Ticket:
    """The ticket after these steps; `action:person`, 赵 where no person is named."""
    parts = [word.partition(":") for word in words]
    return moved(filed(), *(full(TicketAction(action), by or "赵") for action, _, by in parts))


@pytest.mark.parametrize(("state", "action"), list(itertools.product(TicketState, TicketAction)))
def test_every_pair_is_either_in_the_table_or_refused(state: TicketState, action: TicketAction) -> None:
    standing, expected = replace(filed(), state=state), LEGAL.get((state.value, action.value))
    if expected is not None:
        assert moved(standing, full(action)).state == expected
        return
    with pytest.raises(IllegalTransition) as refused:
        ticket.move(standing, full(action), NOW)
    assert set(refused.value.allowed) == {a for (s, a) in LEGAL if s == state.value}


@given(st.lists(st.sampled_from(TicketAction), max_size=12))
def test_no_ticket_is_written_off_without_register_assign_rectify_and_recheck(actions: list[TicketAction]) -> None:
    standing, done = filed(), []
    for step, action in enumerate(actions):
        try:
            standing = moved(standing, full(action, by=f"person {step}"))
        except IllegalTransition:
            continue
        done.append(action)
    if standing.state is TicketState.WRITTEN_OFF:
        assert done[:2] == [TicketAction.REGISTER, TicketAction.ASSIGN]
        assert done[-3:] == [TicketAction.RECTIFY, TicketAction.PASS_RECHECK, TicketAction.WRITE_OFF]


@given(st.integers(min_value=1, max_value=2 * STEPS_KEPT + 5))
def test_the_software_never_moves_a_ticket_on(recurrences: int) -> None:
    standing = filed()
    for _ in range(recurrences):
        event: Event = ticket.on_alarm(alarm_raised(), filing(standing))
        assert isinstance(event, TicketRecurred)
        standing = ticket.evolve(standing, event) or standing
    assert standing.state is TicketState.SUSPECTED
    assert standing.recurrences == recurrences
    assert len(standing.steps) == min(recurrences + 1, STEPS_KEPT)
    assert standing.steps[0].action == "filed"


def test_a_ticket_begins_as_suspected_and_names_its_evidence() -> None:
    opened = filed()
    assert opened.state is TicketState.SUSPECTED
    assert opened.occurrences == (alarm_raised().occurrence,)
    assert opened.evidence_points == ("furnace.temperature",)
    assert opened.clauses == ("3.5",)


def test_the_same_breach_filed_twice_is_the_same_ticket() -> None:
    assert ticket.on_alarm(alarm_raised(), filing()) == ticket.on_alarm(alarm_raised(), filing())


def test_two_breaches_are_two_tickets() -> None:
    first, second = (ticket.on_alarm(alarm_raised(script), filing()) for script in ("TRUE", "TRUE FALSE TRUE"))
    assert first.id != second.id


@pytest.mark.parametrize("recheck", ["pass_recheck", "reject_recheck"])
@pytest.mark.parametrize(("rectifier", "rechecker"), [("李", "李"), ("李", " 李 "), (" 李", "李")])
def test_nobody_rechecks_their_own_work(recheck: str, rectifier: str, rechecker: str) -> None:
    standing = through("register", "assign", f"rectify:{rectifier}")
    with pytest.raises(RequestRefused) as refused:
        ticket.move(standing, full(TicketAction(recheck), rechecker), NOW)
    assert [problem.field for problem in refused.value.problems] == ["by"]


def test_after_a_rejection_it_is_the_new_rectifier_who_may_not_recheck() -> None:
    standing = through("register", "assign", "rectify:李", "reject_recheck:王", "rectify:王")
    assert moved(standing, full(TicketAction.PASS_RECHECK, "李")).state is TicketState.RECHECKED
    with pytest.raises(RequestRefused):
        ticket.move(standing, full(TicketAction.PASS_RECHECK, "王"), NOW)


def test_an_assignment_names_a_person_and_a_deadline_and_hears_of_all_problems_at_once() -> None:
    with pytest.raises(RequestRefused) as refused:
        ticket.move(through("register"), Move(TicketAction.ASSIGN, by=" "), NOW)
    assert [problem.field for problem in refused.value.problems] == ["by", "responsible", "due"]


@pytest.mark.parametrize("due", [NOW - 1, NOW])
def test_a_deadline_is_in_the_future(due: int) -> None:
    with pytest.raises(RequestRefused) as refused:
        ticket.move(through("register"), Move(TicketAction.ASSIGN, "赵", responsible="李", due=Instant(due)), NOW)
    assert [problem.field for problem in refused.value.problems] == ["due"]


def test_only_an_assignment_sets_the_responsible_and_the_deadline() -> None:
    standing = moved(filed(), full(TicketAction.REGISTER))
    assert (standing.responsible, standing.due) == ("", None)
    assigned = moved(standing, full(TicketAction.ASSIGN))
    assert (assigned.responsible, assigned.due) == ("李", NOW + SECOND)
    after = moved(assigned, Move(TicketAction.RECTIFY, "李", "mended", "somebody else", Instant(5)))
    assert (after.responsible, after.due) == ("李", NOW + SECOND)


@pytest.mark.parametrize(
    ("before", "action"),
    [
        ((), TicketAction.DISMISS),
        (("register", "assign"), TicketAction.RECTIFY),
        (("register", "assign", "rectify:李"), TicketAction.REJECT_RECHECK),
    ],
)
def test_a_step_that_needs_a_reason_is_refused_without_one(before: tuple[str, ...], action: TicketAction) -> None:
    with pytest.raises(RequestRefused) as refused:
        ticket.move(through(*before), Move(action, "赵", comment="  "), NOW)
    assert [problem.field for problem in refused.value.problems] == ["comment"]


@pytest.mark.parametrize("action", list(TicketAction))
def test_no_step_is_taken_without_a_name(action: TicketAction) -> None:
    before = next(TicketState(state) for state, legal in LEGAL if legal == action)
    with pytest.raises(RequestRefused) as refused:
        ticket.move(replace(filed(), state=before), full(action, by="  "), NOW)
    assert "by" in [problem.field for problem in refused.value.problems]


def test_a_step_out_of_turn_is_told_as_such_before_what_it_lacks() -> None:
    with pytest.raises(IllegalTransition):
        ticket.move(filed(), Move(TicketAction.ASSIGN, ""), NOW)


def test_the_ends_stand_no_more() -> None:
    assert not through("dismiss").standing
    done = through("register", "assign", "rectify:李", "pass_recheck:王", "write_off")
    assert not done.standing
    assert [step.action for step in done.steps] == [
        "filed", "register", "assign", "rectify", "pass_recheck", "write_off",
    ]  # fmt: skip
    assert TABLE.allowed(done.state) == ()
