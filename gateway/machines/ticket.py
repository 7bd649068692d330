"""The hazard ticket (隐患): 排查-登记-整改-复查-销号.

The software files a ticket as suspected (疑似) and adds recurrences; every other move is a person's.
No ticket is ever closed here without a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from gateway.errors import Problem, RequestRefused
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.tickets import TicketAction, TicketFiled, TicketMoved, TicketRecurred, TicketState
from gateway.identity import identity
from gateway.machines.table import Table
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant

_S, _A = TicketState, TicketAction

TABLE: Table[TicketState, TicketAction] = Table(
    machine="ticket",
    initial=_S.SUSPECTED,
    moves={
        _S.SUSPECTED: {_A.REGISTER: _S.REGISTERED, _A.DISMISS: _S.DISMISSED},
        _S.REGISTERED: {_A.ASSIGN: _S.RECTIFYING},
        _S.RECTIFYING: {_A.RECTIFY: _S.AWAITING_RECHECK},
        _S.AWAITING_RECHECK: {_A.PASS_RECHECK: _S.RECHECKED, _A.REJECT_RECHECK: _S.RECTIFYING},
        _S.RECHECKED: {_A.WRITE_OFF: _S.WRITTEN_OFF},
        _S.WRITTEN_OFF: {},
        _S.DISMISSED: {},
    },
)

_Item = TypeVar("_Item")

STEPS_KEPT = 200
"""Steps shown with a ticket; a chattering sensor must not make its ticket unreadable. The journal keeps all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a ticket's history."""

    at: Instant
    action: str
    """A `TicketAction`, or `filed` or `recurred`."""
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class Ticket:
    """One hazard, from its filing to its write-off."""

    id: str
    state: TicketState
    grade: TicketGrade
    rule: str
    """Id of the rule instance; with it a standing ticket is one per rule and equipment."""
    equipment: str
    area: str
    clauses: tuple[str, ...]
    title: Text
    onset: Instant
    filed_at: Instant
    occurrences: tuple[str, ...]
    """Alarm occurrences, oldest first, the first and at most the latest `STEPS_KEPT`."""
    recurrences: int
    evidence_points: tuple[str, ...]
    previous: str | None
    responsible: str = ""
    due: Instant | None = None
    rectified_by: str = ""
    steps: tuple[Step, ...] = ()

    @property
    def standing(self) -> bool:
        return bool(TABLE.allowed(self.state))


@dataclass(frozen=True, slots=True)
class Move:
    """What a person wants to do with a ticket, and what they say of it."""

    action: TicketAction
    by: str
    comment: str = ""
    responsible: str = ""
    due: Instant | None = None


@dataclass(frozen=True, slots=True)
class Filing:
    """What the rule and the plant say of a breach, for its ticket."""

    site: str
    area: str
    grade: TicketGrade
    evidence_points: tuple[str, ...]
    standing: Ticket | None
    previous: str | None


def on_alarm(alarm: AlarmRaised, filing: Filing) -> Event:
    """A breach files one ticket; while that stands, a recurrence adds to it."""
    if filing.standing is not None:
        return TicketRecurred(
            id=identity(filing.standing.id, "recurred", alarm.occurrence),
            at=alarm.at,
            ticket=filing.standing.id,
            occurrence=alarm.occurrence,
            onset=alarm.onset,
            rule_hash=alarm.rule_hash,
        )
    ticket = "HD-" + identity(filing.site, "ticket", alarm.occurrence)[:12]
    return TicketFiled(
        id=identity(ticket, "filed"),
        at=alarm.at,
        ticket=ticket,
        rule=alarm.alarm,
        equipment=alarm.equipment,
        area=filing.area,
        clauses=alarm.clauses,
        grade=filing.grade,
        title=alarm.title,
        occurrence=alarm.occurrence,
        onset=alarm.onset,
        evidence_points=filing.evidence_points,
        previous=filing.previous,
        rule_hash=alarm.rule_hash,
    )


def move(ticket: Ticket, wanted: Move, now: Instant) -> Event:
    """Raises IllegalTransition for a step out of turn, RequestRefused for one that says too little."""
    after = TABLE.next(ticket.id, ticket.state, wanted.action)
    problems = _missing(ticket, wanted, now)
    if problems:
        raise RequestRefused(problems)
    return TicketMoved(
        id=identity(ticket.id, wanted.action, len(ticket.steps), now),
        at=now,
        ticket=ticket.id,
        action=wanted.action,
        before=ticket.state,
        after=after,
        by=wanted.by,
        comment=wanted.comment,
        responsible=wanted.responsible,
        due=wanted.due,
    )


def _missing(ticket: Ticket, wanted: Move, now: Instant) -> list[Problem]:
    """Every field that the step needs and does not have."""
    problems: list[Problem] = []

    def need(field: str, expected: str, got: str) -> None:
        problems.append(Problem("", 0, 0, field, expected, got))

    if not wanted.by.strip():
        need("by", "the name of the person who does this", "nothing")
    if wanted.action is _A.ASSIGN:
        if not wanted.responsible.strip():
            need("responsible", "the person responsible for the rectification (责任人)", "nothing")
        if wanted.due is None:
            need("due", "the deadline of the rectification (整改时限)", "nothing")
        elif wanted.due <= now:
            need("due", "a deadline in the future", str(wanted.due))
    if wanted.action in _NEEDS_COMMENT and not wanted.comment.strip():
        need("comment", _NEEDS_COMMENT[wanted.action], "nothing")
    if wanted.action in (_A.PASS_RECHECK, _A.REJECT_RECHECK) and wanted.by.strip() == ticket.rectified_by.strip():
        need("by", f"another person than {ticket.rectified_by}, who rectified", wanted.by)
    return problems


_NEEDS_COMMENT = {
    _A.DISMISS: "the cause of the false alarm (误报原因)",
    _A.RECTIFY: "the measures that were taken (整改措施)",
    _A.REJECT_RECHECK: "the reason for the rejection (驳回原因)",
}


def evolve(ticket: Ticket | None, event: Event) -> Ticket | None:
    """The ticket after an event of its own; events of other kinds change nothing."""
    if isinstance(event, TicketFiled):
        return Ticket(
            id=event.ticket,
            state=TABLE.initial,
            grade=event.grade,
            rule=event.rule,
            equipment=event.equipment,
            area=event.area,
            clauses=event.clauses,
            title=event.title,
            onset=event.onset,
            filed_at=event.at,
            occurrences=(event.occurrence,),
            recurrences=0,
            evidence_points=event.evidence_points,
            previous=event.previous,
            steps=(Step(event.at, "filed", "", ""),),
        )
    if ticket is None:
        return None
    match event:
        case TicketRecurred():
            return replace(
                ticket,
                occurrences=_kept((*ticket.occurrences, event.occurrence)),
                recurrences=ticket.recurrences + 1,
                steps=_kept((*ticket.steps, Step(event.at, "recurred", "", ""))),
            )
        case TicketMoved():
            assigned = event.action is _A.ASSIGN
            return replace(
                ticket,
                state=event.after,
                responsible=event.responsible if assigned else ticket.responsible,
                due=event.due if assigned else ticket.due,
                rectified_by=event.by if event.action is _A.RECTIFY else ticket.rectified_by,
                steps=_kept((*ticket.steps, Step(event.at, event.action.value, event.by, event.comment))),
            )
        case _:
            return ticket


def _kept(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """The first, and the latest of the rest."""
    return items if len(items) <= STEPS_KEPT else (items[0], *items[-(STEPS_KEPT - 1) :])
