"""Events of hazard tickets (隐患): filed by a sensor or a person, moved on, extended, supervised, attached to.

Records only, parts of `gateway.event.Event`: what they mean is decided by `machines/ticket.py`. A field with a
default was not there in the journals of before it was asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.plant.duty import Level
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant


class TicketState(StrEnum):
    """Where a hazard ticket stands: 排查-登记-评估-整改-复查-销号."""

    SUSPECTED = "suspected"
    REGISTERED = "registered"
    ASSESSED = "assessed"
    RECTIFYING = "rectifying"
    AWAITING_RECHECK = "awaiting_recheck"
    RECHECKED = "rechecked"
    WRITTEN_OFF = "written_off"
    DISMISSED = "dismissed"


class TicketAction(StrEnum):
    """What a person does with a ticket. The software does none of these."""

    REGISTER = "register"
    DISMISS = "dismiss"
    ASSESS = "assess"
    ASSIGN = "assign"
    EXTEND = "extend"
    RECTIFY = "rectify"
    PASS_RECHECK = "pass_recheck"
    REJECT_RECHECK = "reject_recheck"
    WRITE_OFF = "write_off"
    SUPERVISE = "supervise"
    END_SUPERVISION = "end_supervision"
    STOP_PRODUCTION = "stop_production"
    RESUME_PRODUCTION = "resume_production"


class HazardSource(StrEnum):
    """How a hazard came to be known."""

    SENSOR = "sensor"
    DAILY_CHECK = "daily_check"
    WEEKLY_CHECK = "weekly_check"
    MONTHLY_CHECK = "monthly_check"
    SPECIAL_CHECK = "special_check"
    COMPREHENSIVE_CHECK = "comprehensive_check"
    INTERNAL_REPORT = "internal_report"
    """An employee's (企业内部报告); it may be anonymous."""
    COUNTY_INSPECTION = "county_inspection"
    CROSS_INSPECTION = "cross_inspection"
    CITY_INSPECTION = "city_inspection"
    PUBLIC_REPORT = "public_report"
    """A member of the public's (群众举报); it may be anonymous."""
    LEDGER = "ledger"
    """It came with a ledger that was kept elsewhere (台账导入)."""


class DismissalCause(StrEnum):
    """Why what was suspected is no hazard."""

    INSTRUMENT_FAULT = "instrument_fault"
    CALIBRATION = "calibration"
    MAINTENANCE = "maintenance"
    COMMUNICATION = "communication"
    PROCESS_SWING = "process_swing"
    UNFIT_RULE = "unfit_rule"
    """The rule or its limit does not fit the site."""
    NOT_A_HAZARD = "not_a_hazard"
    DUPLICATE = "duplicate"


@dataclass(frozen=True, slots=True)
class RectificationPlan:
    """What is promised before the work begins, beside 责任 (responsible) and 时限 (due)."""

    department: str = ""
    """责任部门."""
    measures: str = ""
    """措施."""
    funds: str = ""
    """资金, in words."""
    emergency_plan: str = ""
    """预案."""
    interim: str = ""
    """What protects people until it is done (防范措施)."""


NO_PLAN = RectificationPlan()


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file beside a ticket; its content is stored under its SHA-256."""

    sha256: str
    name: str
    media_type: str
    """By content, never by what the name says."""
    size: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFiled:
    """The software proposes a hazard; a person decides."""

    kind: Literal["ticket.filed"] = "ticket.filed"
    id: str
    at: Instant
    ticket: str
    rule: str
    """Id of the rule instance."""
    equipment: str
    area: str
    clauses: tuple[str, ...]
    grade: TicketGrade
    title: Text
    occurrence: str
    onset: Instant
    evidence_points: tuple[str, ...]
    previous: str | None
    """The closed ticket of the same rule and equipment, if there was one."""
    rule_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketReported:
    """A person found a hazard (排查登记)."""

    kind: Literal["ticket.reported"] = "ticket.reported"
    id: str
    at: Instant
    ticket: str
    source: HazardSource
    by: str
    """Empty where a report is anonymous."""
    anonymous: bool
    unit: str
    """Who inspected (检查单位); empty for the plant's own checks."""
    area: str
    equipment: str
    """Empty where none is meant."""
    clauses: tuple[str, ...]
    grade: TicketGrade
    title: Text
    description: str
    found_at: Instant
    previous: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketRecurred:
    kind: Literal["ticket.recurred"] = "ticket.recurred"
    id: str
    at: Instant
    ticket: str
    occurrence: str
    onset: Instant
    rule_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketMoved:
    """A person moved a ticket on."""

    kind: Literal["ticket.moved"] = "ticket.moved"
    id: str
    at: Instant
    ticket: str
    action: TicketAction
    before: TicketState
    after: TicketState
    by: str
    comment: str
    responsible: str
    due: Instant | None
    approver: str = ""
    """Who agreed, where the step needs a second person."""
    grade: TicketGrade | None = None
    """What registration or assessment made of it."""
    cause: DismissalCause | None = None
    plan: RectificationPlan | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketExtended:
    """More time for the rectification (延期)."""

    kind: Literal["ticket.extended"] = "ticket.extended"
    id: str
    at: Instant
    ticket: str
    before: Instant
    due: Instant
    by: str
    comment: str
    approver: str
    interim: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSupervised:
    """An authority lists the ticket for supervision (挂牌督办), or takes it off the list (摘牌)."""

    kind: Literal["ticket.supervised"] = "ticket.supervised"
    id: str
    at: Instant
    ticket: str
    listed: bool
    authority: str
    document: str
    """Number of the notice (文号); may be empty."""
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductionOrdered:
    """Production stops because of the hazard (停产), or goes on again (复产)."""

    kind: Literal["ticket.production"] = "ticket.production"
    id: str
    at: Instant
    ticket: str
    stopped: bool
    scope: str
    """What stands still."""
    by: str
    comment: str
    approver: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketAttached:
    """A file was put beside the ticket; it was stored before this event was."""

    kind: Literal["ticket.attached"] = "ticket.attached"
    id: str
    at: Instant
    ticket: str
    attachment: Attachment
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketEscalated:
    """The ticket is past its deadline for so long that the next level is told."""

    kind: Literal["ticket.escalated"] = "ticket.escalated"
    id: str
    at: Instant
    ticket: str
    level: Level
    grade: TicketGrade
    title: Text
    equipment: str
    area: str
    responsible: str
    due: Instant
    waited: int
    """Microseconds since the deadline."""


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One line of a hazard ledger (隐患排查台账) that was kept elsewhere, in its own words."""

    title: str
    place: str
    description: str
    basis: str
    """判定依据, where the description ends with one."""
    grade: TicketGrade
    found_by: str
    found_at: Instant
    department: str
    responsible: str
    measures: str
    due: Instant | None
    outcome: str
    """整改完成情况 as it was written."""
    state: TicketState
    """What the outcome and the date of the writing-off say."""
    written_off_at: Instant | None
    remark: str
    """Without the number of the ticket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketImported:
    """A person took over a hazard from a ledger that was kept elsewhere."""

    kind: Literal["ticket.imported"] = "ticket.imported"
    id: str
    at: Instant
    ticket: str
    area: str
    """Empty where the plant file has no such place."""
    equipment: str
    line: LedgerLine
    file: str
    sheet: str
    row: int
    by: str
    comment: str


TicketEvent = (
    TicketFiled
    | TicketImported
    | TicketReported
    | TicketRecurred
    | TicketMoved
    | TicketExtended
    | TicketSupervised
    | ProductionOrdered
    | TicketAttached
    | TicketEscalated
)
"""What moves a ticket."""
