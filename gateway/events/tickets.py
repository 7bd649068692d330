"""Events of hazard tickets (隐患): filed by the software, moved by people.

Records only, parts of `gateway.event.Event`: what they mean is decided by `machines/ticket.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant


class TicketState(StrEnum):
    """Where a hazard ticket stands: 排查-登记-整改-复查-销号."""

    SUSPECTED = "suspected"
    REGISTERED = "registered"
    RECTIFYING = "rectifying"
    AWAITING_RECHECK = "awaiting_recheck"
    RECHECKED = "rechecked"
    WRITTEN_OFF = "written_off"
    DISMISSED = "dismissed"


class TicketAction(StrEnum):
    """What a person does with a ticket. The software does none of these."""

    REGISTER = "register"
    DISMISS = "dismiss"
    ASSIGN = "assign"
    RECTIFY = "rectify"
    PASS_RECHECK = "pass_recheck"
    REJECT_RECHECK = "reject_recheck"
    WRITE_OFF = "write_off"


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
    """The written-off ticket of the same rule and equipment, if there was one."""
    rule_hash: str = ""


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
