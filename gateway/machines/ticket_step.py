"""One step of a person with a hazard ticket: what it needs, and the event that it becomes.

Refuses with everything that is missing at once. Decides from the ticket, the wish and `now`, and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from gateway.clock import to_datetime
from gateway.errors import IllegalTransition, Problem, RequestRefused, wrong_field
from gateway.event import Event
from gateway.events.tickets import (
    NO_PLAN,
    DismissalCause,
    ProductionOrdered,
    RectificationPlan,
    TicketAction,
    TicketExtended,
    TicketMoved,
    TicketState,
    TicketSupervised,
)
from gateway.identity import identity
from gateway.machines import people
from gateway.machines.deadline import CHINA
from gateway.machines.ticket import TABLE, Ticket, allowed
from gateway.rule import TicketGrade
from gateway.sample import Instant

_A = TicketAction


@dataclass(frozen=True, slots=True)
class Move:
    """What a person wants to do with a ticket, and what they say of it."""

    action: TicketAction
    by: str
    comment: str = ""
    responsible: str = ""
    due: Instant | None = None
    plan: RectificationPlan = NO_PLAN
    approver: str = ""
    """Who agrees, where the step needs a second person."""
    grade: TicketGrade | None = None
    cause: DismissalCause | None = None
    authority: str = ""
    """挂牌督办单位."""
    document: str = ""
    scope: str = ""
    """What stands still."""


def move(ticket: Ticket, wanted: Move, now: Instant, barred: Collection[str] = ()) -> Event:
    """The event of a step. `barred`: people who may not close this ticket, such as who bypassed its interlock.

    Raises IllegalTransition for a step out of turn, RequestRefused with everything that it lacks.
    """
    if wanted.action not in allowed(ticket):
        raise IllegalTransition("ticket", ticket.id, ticket.words, wanted.action, allowed(ticket))
    wanted = _filled(ticket, wanted)
    asked = _Asked(ticket, wanted, now, barred)
    asked.person("by", wanted.by, "the name of the person who does this")
    _NEEDS.get(wanted.action, _nothing)(asked)
    if wanted.action in _CLOSING:
        asked.not_barred()
    if asked.problems:
        raise RequestRefused(asked.problems)
    return _event(ticket, wanted, now)


def _filled(ticket: Ticket, wanted: Move) -> Move:
    """A new assignment keeps what it does not say anew."""
    if wanted.action is not _A.ASSIGN:
        return wanted
    own, old = wanted.plan, ticket.plan
    plan = RectificationPlan(
        own.department or old.department,
        own.measures or old.measures,
        own.funds or old.funds,
        own.emergency_plan or old.emergency_plan,
        own.interim or old.interim,
    )
    due = ticket.due if wanted.due is None else wanted.due
    return replace(wanted, responsible=wanted.responsible or ticket.responsible, due=due, plan=plan)


class _Asked:
    """A wish beside its ticket, and what is wrong with it so far."""

    def __init__(self, of: Ticket, wanted: Move, now: Instant, barred: Collection[str]) -> None:
        self.of = of
        self.wanted = wanted
        self.problems: list[Problem] = []
        self._now = now
        self._barred = barred

    def problem(self, name: str, expected: str, got: str) -> None:
        self.problems.append(wrong_field(name, expected, got))

    def text(self, name: str, value: str, expected: str) -> None:
        if not value.strip():
            self.problem(name, expected, "nothing")

    def person(self, name: str, value: str, expected: str) -> None:
        if not people.key(value):
            self.problem(name, expected, "nothing")

    def comment(self, expected: str) -> None:
        self.text("comment", self.wanted.comment, expected)

    def second(self, why: str) -> None:
        """Somebody else agrees: neither who does it nor who is responsible for the work."""
        approver, by = self.wanted.approver, self.wanted.by
        if not people.key(approver):
            self.problem("approver", f"a second person who agrees (批准人): {why}", "nothing")
        elif people.same(approver, by):
            self.problem("approver", f"another person than {by.strip()}", approver)
        elif people.same(approver, self.of.responsible):
            self.problem("approver", f"another person than {self.of.responsible}, who is responsible", approver)

    def not_barred(self) -> None:
        for name, person in (("by", self.wanted.by), ("approver", self.wanted.approver)):
            if people.among(person, self._barred):
                self.problem(name, "a person who has not bypassed an interlock that this ticket is about", person)

    def future(self) -> Instant | None:
        """The deadline, if there is one and it is in the future."""
        due = self.wanted.due
        if due is None:
            self.problem("due", "the deadline of the rectification (整改时限)", "nothing")
        elif due <= self._now:
            self.problem("due", "a deadline in the future", _words(due))
            return None
        return due


def _nothing(_: _Asked) -> None:
    """The step needs no more than a name."""


def _register(asked: _Asked) -> None:
    if asked.wanted.grade not in (None, asked.of.grade):
        asked.comment("why the grade is another than was proposed (定级理由)")


def _dismiss(asked: _Asked) -> None:
    if asked.wanted.cause is None:
        words = ", ".join(DismissalCause)
        asked.problem("cause", f"the cause of the false alarm (误报原因), one of [{words}]", "nothing")
    asked.comment("what was found (核实情况)")
    if asked.of.state is not TicketState.SUSPECTED:
        asked.second("it has been registered")
    elif asked.of.production is not None:
        asked.second("production stands still because of it")


def _assess(asked: _Asked) -> None:
    if asked.wanted.grade is None:
        asked.problem("grade", f"the grade that the assessment found, one of [{', '.join(TicketGrade)}]", "nothing")
    asked.comment("what the assessment found (评估结论)")


def _assign(asked: _Asked) -> None:
    of, wanted = asked.of, asked.wanted
    asked.person("responsible", wanted.responsible, "the person responsible for the rectification (责任人)")
    if of.grade is TicketGrade.MAJOR:
        asked.text("measures", wanted.plan.measures, "the measures (措施): the hazard is major")
        asked.text("funds", wanted.plan.funds, "the funds (资金): the hazard is major")
        asked.text("emergency_plan", wanted.plan.emergency_plan, "the emergency plan (预案): the hazard is major")
    due = asked.future()
    if due is None:
        return
    if of.due is not None and due > of.due:
        asked.problem("due", f"at most {_words(of.due)}; more time is an extension (延期)", _words(due))
    elif of.due is None and due > of.limit:
        why = f"the deadline is beyond {_words(of.limit)}"
        asked.text("interim", wanted.plan.interim, f"what protects people until then (防范措施): {why}")
        asked.second(why)


def _extend(asked: _Asked) -> None:
    asked.comment("the reason for the extension (延期原因)")
    due = asked.future()
    if due is not None and due <= asked.of.deadline:
        asked.problem("due", f"a deadline later than {_words(asked.of.deadline)}", _words(due))
    asked.text("interim", asked.wanted.plan.interim, "what protects people until then (防范措施)")
    asked.second("it gives the rectification more time")


def _rectify(asked: _Asked) -> None:
    asked.comment("the measures that were taken (整改措施)")


def _recheck(asked: _Asked) -> None:
    if people.same(asked.wanted.by, asked.of.rectified_by):
        asked.problem("by", f"another person than {asked.of.rectified_by}, who rectified", asked.wanted.by)


def _reject(asked: _Asked) -> None:
    _recheck(asked)
    asked.comment("the reason for the rejection (驳回原因)")


def _write_off(asked: _Asked) -> None:
    again, rechecked = asked.of.recurred_at, asked.of.rechecked_at
    if again is not None and rechecked is not None and again > rechecked:
        expected = f"a recheck after the hazard came back at {_words(again)}; reject the recheck (reject_recheck)"
        asked.problem("action", expected, f"a recheck of {_words(rechecked)}")


def _supervise(asked: _Asked) -> None:
    asked.text("authority", asked.wanted.authority, "the authority that supervises (挂牌督办单位)")


def _end_supervision(asked: _Asked) -> None:
    asked.comment("on what the authority takes it off its list (摘牌依据)")


def _stop(asked: _Asked) -> None:
    asked.text("scope", asked.wanted.scope, "what stands still (停产范围)")
    asked.comment("why production has to stop (停产原因)")


def _resume(asked: _Asked) -> None:
    asked.comment("why production may go on (复产依据)")
    asked.second("production goes on")


_NEEDS: Mapping[TicketAction, Callable[[_Asked], None]] = {
    _A.REGISTER: _register,
    _A.DISMISS: _dismiss,
    _A.ASSESS: _assess,
    _A.ASSIGN: _assign,
    _A.EXTEND: _extend,
    _A.RECTIFY: _rectify,
    _A.PASS_RECHECK: _recheck,
    _A.REJECT_RECHECK: _reject,
    _A.WRITE_OFF: _write_off,
    _A.SUPERVISE: _supervise,
    _A.END_SUPERVISION: _end_supervision,
    _A.STOP_PRODUCTION: _stop,
    _A.RESUME_PRODUCTION: _resume,
}

_CLOSING = frozenset({_A.DISMISS, _A.PASS_RECHECK, _A.WRITE_OFF})
"""What nobody does who bypassed an interlock of the ticket."""


def _event(ticket: Ticket, wanted: Move, now: Instant) -> Event:
    named = identity(ticket.id, wanted.action, len(ticket.steps), now)
    match wanted.action:
        case _A.EXTEND:
            return TicketExtended(
                id=named,
                at=now,
                ticket=ticket.id,
                before=ticket.deadline,
                due=wanted.due or ticket.deadline,
                by=wanted.by,
                comment=wanted.comment,
                approver=wanted.approver,
                interim=wanted.plan.interim,
            )
        case _A.SUPERVISE | _A.END_SUPERVISION:
            listed = ticket.supervision
            return TicketSupervised(
                id=named,
                at=now,
                ticket=ticket.id,
                listed=wanted.action is _A.SUPERVISE,
                authority=wanted.authority or (listed.authority if listed else ""),
                document=wanted.document,
                by=wanted.by,
                comment=wanted.comment,
            )
        case _A.STOP_PRODUCTION | _A.RESUME_PRODUCTION:
            stop = ticket.production
            return ProductionOrdered(
                id=named,
                at=now,
                ticket=ticket.id,
                stopped=wanted.action is _A.STOP_PRODUCTION,
                scope=wanted.scope or (stop.scope if stop else ""),
                by=wanted.by,
                comment=wanted.comment,
                approver=wanted.approver,
            )
        case _:
            return _moved(ticket, wanted, named, now)


def _moved(ticket: Ticket, wanted: Move, named: str, now: Instant) -> TicketMoved:
    action = wanted.action
    assigned, graded = action is _A.ASSIGN, action in (_A.REGISTER, _A.ASSESS)
    return TicketMoved(
        id=named,
        at=now,
        ticket=ticket.id,
        action=action,
        before=ticket.state,
        after=TABLE.next(ticket.id, ticket.state, action),
        by=wanted.by,
        comment=wanted.comment,
        responsible=wanted.responsible if assigned else "",
        due=wanted.due if assigned else None,
        approver=wanted.approver,
        grade=(wanted.grade or ticket.grade) if graded else None,
        cause=wanted.cause if action is _A.DISMISS else None,
        plan=wanted.plan if assigned else None,
    )


def _words(at: Instant) -> str:
    """As people write it, in China's time."""
    return f"{to_datetime(at).astimezone(CHINA):%Y-%m-%d %H:%M}"
