"""The hazard ticket (隐患): 排查-登记-评估-整改-复查-销号, with supervision (挂牌督办) and production (停产) beside it.

A ticket is the fold of its events. The software files it as suspected (疑似), adds recurrences and tells of
an overdue one; every other move is a person's. No ticket is ever closed here without a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar

from gateway.event import Event
from gateway.events.tickets import (
    NO_PLAN,
    Attachment,
    DismissalCause,
    HazardSource,
    LedgerLine,
    ProductionOrdered,
    RectificationPlan,
    TicketAction,
    TicketAttached,
    TicketEscalated,
    TicketExtended,
    TicketFiled,
    TicketMoved,
    TicketRecurred,
    TicketReported,
    TicketState,
    TicketSupervised,
)
from gateway.machines import deadline
from gateway.machines.table import Table
from gateway.plant.duty import Level
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant


class SupervisionState(StrEnum):
    """Whether an authority watches over the ticket (挂牌督办)."""

    NOT_SUPERVISED = "not_supervised"
    SUPERVISED = "supervised"


class ProductionState(StrEnum):
    """Whether the plant stands still because of the ticket (停产)."""

    PRODUCING = "producing"
    STOPPED = "stopped"


_S, _A = TicketState, TicketAction
_WATCHED = (_A.SUPERVISE, _A.END_SUPERVISION)


def _stays(state: TicketState, *actions: TicketAction) -> dict[TicketAction, TicketState]:
    return dict.fromkeys(actions, state)


TABLE: Table[TicketState, TicketAction] = Table(
    machine="ticket",
    initial=_S.SUSPECTED,
    moves={
        _S.SUSPECTED: {
            _A.REGISTER: _S.REGISTERED,
            _A.DISMISS: _S.DISMISSED,
            **_stays(_S.SUSPECTED, _A.STOP_PRODUCTION),
        },
        _S.REGISTERED: {
            _A.ASSESS: _S.ASSESSED,
            _A.ASSIGN: _S.RECTIFYING,
            _A.DISMISS: _S.DISMISSED,
            **_stays(_S.REGISTERED, *_WATCHED, _A.STOP_PRODUCTION),
        },
        _S.ASSESSED: {
            _A.ASSESS: _S.ASSESSED,
            _A.ASSIGN: _S.RECTIFYING,
            **_stays(_S.ASSESSED, *_WATCHED, _A.STOP_PRODUCTION),
        },
        _S.RECTIFYING: {
            _A.ASSESS: _S.ASSESSED,
            _A.ASSIGN: _S.RECTIFYING,
            _A.EXTEND: _S.RECTIFYING,
            _A.RECTIFY: _S.AWAITING_RECHECK,
            **_stays(_S.RECTIFYING, *_WATCHED, _A.STOP_PRODUCTION),
        },
        _S.AWAITING_RECHECK: {
            _A.PASS_RECHECK: _S.RECHECKED,
            _A.REJECT_RECHECK: _S.RECTIFYING,
            **_stays(_S.AWAITING_RECHECK, *_WATCHED, _A.STOP_PRODUCTION),
        },
        _S.RECHECKED: {
            _A.WRITE_OFF: _S.WRITTEN_OFF,
            _A.REJECT_RECHECK: _S.RECTIFYING,
            **_stays(_S.RECHECKED, *_WATCHED, _A.STOP_PRODUCTION, _A.RESUME_PRODUCTION),
        },
        _S.WRITTEN_OFF: {},
        _S.DISMISSED: {},
    },
)

SUPERVISION: Table[SupervisionState, TicketAction] = Table(
    machine="supervision",
    initial=SupervisionState.NOT_SUPERVISED,
    moves={
        SupervisionState.NOT_SUPERVISED: {_A.SUPERVISE: SupervisionState.SUPERVISED},
        SupervisionState.SUPERVISED: {_A.END_SUPERVISION: SupervisionState.NOT_SUPERVISED},
    },
)

PRODUCTION: Table[ProductionState, TicketAction] = Table(
    machine="production",
    initial=ProductionState.PRODUCING,
    moves={
        ProductionState.PRODUCING: {_A.STOP_PRODUCTION: ProductionState.STOPPED},
        ProductionState.STOPPED: {_A.RESUME_PRODUCTION: ProductionState.PRODUCING},
    },
)

_AXES = frozenset({_A.SUPERVISE, _A.END_SUPERVISION, _A.STOP_PRODUCTION, _A.RESUME_PRODUCTION})

_Item = TypeVar("_Item")

STEPS_KEPT = 200
"""Steps shown with a ticket; a chattering sensor must not make its ticket unreadable. The journal keeps all."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a ticket's history."""

    at: Instant
    action: str
    """A `TicketAction`, or `filed`, `reported`, `recurred`, `attached` or `escalated`."""
    by: str
    comment: str
    approver: str = ""
    due: Instant | None = None
    """The deadline that the step set."""
    cause: DismissalCause | None = None
    note: str = ""
    """What else it said: an authority and its notice, what stands still, a file's name, who was told."""


@dataclass(frozen=True, slots=True)
class Extension:
    """More time, with who asked, who agreed, and what protects people meanwhile."""

    at: Instant
    before: Instant
    due: Instant
    by: str
    comment: str
    approver: str
    interim: str


@dataclass(frozen=True, slots=True)
class Supervision:
    """Listed for supervision (挂牌督办) since, by whom."""

    since: Instant
    authority: str
    document: str


@dataclass(frozen=True, slots=True)
class ProductionStop:
    """What stands still, since when, by whose order."""

    since: Instant
    scope: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class Attached:
    """A file beside the ticket, and who put it there."""

    at: Instant
    by: str
    comment: str
    file: Attachment


@dataclass(frozen=True, slots=True)
class Ticket:
    """One hazard, from its filing to its write-off."""

    id: str
    state: TicketState
    grade: TicketGrade
    rule: str
    """Id of the rule instance, with which a standing ticket is one per rule and equipment; empty for a person's."""
    equipment: str
    area: str
    clauses: tuple[str, ...]
    title: Text
    onset: Instant
    """When the condition came true, or when a person found it."""
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
    source: HazardSource = HazardSource.SENSOR
    found_by: str = ""
    """Empty for a sensor's, and for an anonymous report."""
    unit: str = ""
    """Who inspected (检查单位)."""
    description: str = ""
    plan: RectificationPlan = NO_PLAN
    extensions: tuple[Extension, ...] = ()
    supervision: Supervision | None = None
    production: ProductionStop | None = None
    attachments: tuple[Attached, ...] = ()
    told: Level | None = None
    """The highest level that was told of it past its present deadline."""
    line: LedgerLine | None = None
    """What the ledger said that it came with."""
    recurred_at: Instant | None = None
    rechecked_at: Instant | None = None

    @property
    def standing(self) -> bool:
        return bool(TABLE.moves[self.state])

    @property
    def limit(self) -> Instant:
        """The last deadline that needs neither interim measures nor a second person."""
        return deadline.limit(self.grade, self.filed_at)

    @property
    def deadline(self) -> Instant:
        """What was promised; until then, the limit: a ticket that nobody takes up is late as well."""
        return self.limit if self.due is None else self.due

    @property
    def supervised(self) -> SupervisionState:
        return SupervisionState.NOT_SUPERVISED if self.supervision is None else SupervisionState.SUPERVISED

    @property
    def producing(self) -> ProductionState:
        return ProductionState.PRODUCING if self.production is None else ProductionState.STOPPED

    @property
    def words(self) -> str:
        """The state on every axis that is not at rest."""
        axes = [self.supervised] if self.supervision else []
        return ", ".join([self.state, *axes, *([self.producing] if self.production else [])])


def allowed(of: Ticket) -> tuple[TicketAction, ...]:
    """What a person may do with it now: the stage's moves that no axis and no grade forbids."""
    ahead = {*SUPERVISION.allowed(of.supervised), *PRODUCTION.allowed(of.producing)}
    refused = _AXES - ahead
    if of.supervision is not None:
        refused |= {_A.WRITE_OFF, _A.DISMISS}  # the authority takes it off its list first (摘牌)
    if of.production is not None:
        refused |= {_A.WRITE_OFF}  # somebody decides first that production may go on (复产)
    if of.grade is TicketGrade.MAJOR and of.state is _S.REGISTERED:
        refused |= {_A.ASSIGN}  # a major hazard is assessed first (评估)
    return tuple(action for action in TABLE.allowed(of.state) if action not in refused)


def evolve(ticket: Ticket | None, event: Event) -> Ticket | None:
    """The ticket after an event of its own; events of other kinds change nothing."""
    if isinstance(event, TicketFiled | TicketReported):
        return _opened(event)
    if ticket is None:
        return None
    match event:
        case TicketRecurred():
            return replace(
                _stepped(ticket, Step(event.at, "recurred", "", "")),
                occurrences=_kept((*ticket.occurrences, event.occurrence)),
                recurrences=ticket.recurrences + 1,
                recurred_at=event.at,
            )
        case TicketMoved():
            return _moved(ticket, event)
        case TicketExtended():
            return _extended(ticket, event)
        case TicketSupervised() | ProductionOrdered():
            return _ordered(ticket, event)
        case TicketAttached():
            attached = Attached(event.at, event.by, event.comment, event.attachment)
            step = Step(event.at, "attached", event.by, event.comment, note=event.attachment.name)
            return replace(_stepped(ticket, step), attachments=(*ticket.attachments, attached))
        case TicketEscalated():
            return replace(_stepped(ticket, Step(event.at, "escalated", "", "", note=event.level)), told=event.level)
        case _:
            return ticket


def _opened(event: TicketFiled | TicketReported) -> Ticket:
    opened = Ticket(
        id=event.ticket,
        state=TABLE.initial,
        grade=event.grade,
        rule="",
        equipment=event.equipment,
        area=event.area,
        clauses=event.clauses,
        title=event.title,
        onset=event.at,
        filed_at=event.at,
        occurrences=(),
        recurrences=0,
        evidence_points=(),
        previous=event.previous,
    )
    if isinstance(event, TicketFiled):
        return replace(
            _stepped(opened, Step(event.at, "filed", "", "")),
            rule=event.rule,
            onset=event.onset,
            occurrences=(event.occurrence,),
            evidence_points=event.evidence_points,
        )
    return replace(
        _stepped(opened, Step(event.at, "reported", event.by, event.description, note=event.unit)),
        state=_S.SUSPECTED if event.source in TO_BE_CONFIRMED else _S.REGISTERED,
        onset=event.found_at,
        source=event.source,
        found_by=event.by,
        unit=event.unit,
        description=event.description,
    )


TO_BE_CONFIRMED = frozenset({HazardSource.SENSOR, HazardSource.INTERNAL_REPORT, HazardSource.PUBLIC_REPORT})
"""Suspected until a person confirms it; what a check or an inspection finds is registered by who found it."""


def _moved(ticket: Ticket, event: TicketMoved) -> Ticket:
    step = Step(event.at, event.action.value, event.by, event.comment, event.approver, event.due, event.cause)
    after = replace(_stepped(ticket, step), state=event.after, grade=event.grade or ticket.grade)
    match event.action:
        case _A.ASSESS if after.grade is not ticket.grade:
            return replace(after, due=None, told=None)
        case _A.ASSIGN:
            due = event.due or ticket.due
            told = ticket.told if due == ticket.due else None
            plan = event.plan or ticket.plan
            return replace(after, responsible=event.responsible or ticket.responsible, due=due, plan=plan, told=told)
        case _A.RECTIFY:
            return replace(after, rectified_by=event.by)
        case _A.PASS_RECHECK:
            return replace(after, rechecked_at=event.at)
        case _A.REJECT_RECHECK:
            return replace(after, rechecked_at=None)
        case _A.DISMISS:
            return replace(after, production=None)
        case _:
            return after


def _extended(ticket: Ticket, event: TicketExtended) -> Ticket:
    given = Extension(event.at, event.before, event.due, event.by, event.comment, event.approver, event.interim)
    step = Step(event.at, _A.EXTEND, event.by, event.comment, event.approver, event.due, note=event.interim)
    plan = replace(ticket.plan, interim=event.interim)
    extensions = _kept((*ticket.extensions, given))
    return replace(_stepped(ticket, step), due=event.due, plan=plan, extensions=extensions, told=None)


def _ordered(ticket: Ticket, event: TicketSupervised | ProductionOrdered) -> Ticket:
    if isinstance(event, TicketSupervised):
        action = _A.SUPERVISE if event.listed else _A.END_SUPERVISION
        note = " ".join(part for part in (event.authority, event.document) if part)
        listed = Supervision(event.at, event.authority, event.document) if event.listed else None
        return replace(_stepped(ticket, Step(event.at, action, event.by, event.comment, note=note)), supervision=listed)
    action = _A.STOP_PRODUCTION if event.stopped else _A.RESUME_PRODUCTION
    stop = ProductionStop(event.at, event.scope, event.by, event.comment) if event.stopped else None
    step = Step(event.at, action, event.by, event.comment, event.approver, note=event.scope)
    return replace(_stepped(ticket, step), production=stop)


def _stepped(ticket: Ticket, step: Step) -> Ticket:
    return replace(ticket, steps=_kept((*ticket.steps, step)))


def _kept(items: tuple[_Item, ...]) -> tuple[_Item, ...]:
    """The first, and the latest of the rest."""
    return items if len(items) <= STEPS_KEPT else (items[0], *items[-(STEPS_KEPT - 1) :])
