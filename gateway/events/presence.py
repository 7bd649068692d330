"""Events of who is told and who is there: escalation, duty checks (查岗), shift handover (交接班)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.plant.duty import Level
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import Instant


class AskedBecause(StrEnum):
    """Why a duty check was asked."""

    SCHEDULED = "scheduled"
    RANDOM = "random"
    PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmEscalated:
    """Nobody has acknowledged the alarm for so long that the next level is told."""

    kind: Literal["alarm.escalated"] = "alarm.escalated"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    equipment: str
    title: Text
    response: Text
    priority: Priority
    level: Level
    waited: int
    """Microseconds since it was annunciated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCheckAsked:
    kind: Literal["duty.asked"] = "duty.asked"
    id: str
    at: Instant
    check: str
    because: AskedBecause
    by: str
    """Empty where no person asked."""
    deadline: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCheckAnswered:
    kind: Literal["duty.answered"] = "duty.answered"
    id: str
    at: Instant
    check: str
    by: str
    comment: str
    late: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCheckMissed:
    """Nobody answered within the time."""

    kind: Literal["duty.missed"] = "duty.missed"
    id: str
    at: Instant
    check: str
    asked_at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class DutyCheckEscalated:
    """A missed check climbs the ladder of an alarm until somebody answers."""

    kind: Literal["duty.escalated"] = "duty.escalated"
    id: str
    at: Instant
    check: str
    level: Level
    waited: int
    """Microseconds since it was asked."""


@dataclass(frozen=True, slots=True)
class HandoverLine:
    """One thing that the next shift has to know of."""

    section: str
    subject: str
    text: Text
    since: Instant
    note: str
    """Who, why and until when, where somebody said so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandoverSigned:
    """One shift handed over to the next; the pack as both saw it."""

    kind: Literal["duty.handover"] = "duty.handover"
    id: str
    at: Instant
    handover: str
    by: str
    """Who leaves."""
    to: str
    """Who takes over."""
    comment: str
    digest: str
    """SHA-256 of the lines as they were signed."""
    lines: tuple[HandoverLine, ...]
    left_out: int
    """Lines beyond what one pack holds."""
