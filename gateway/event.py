"""What flows down: immutable records of what happened; the one thing that everything downstream reads.

An event is never edited. Its id is derived from the data that caused it, so that doing the same
thing twice has the effect of once.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter

from gateway.annunciation import (
    AlarmReAlarmed,
    AlarmRemovedFromService,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    AlarmUnsuppressed,
    FirstOutRevised,
)
from gateway.changeover import (
    AlarmWithdrawn,
    ConfigurationRefused,
    ConfigurationReloaded,
    InterlockWithdrawn,
    TrialChanged,
)
from gateway.driver import LinkState
from gateway.plant.model import Text
from gateway.presence import (
    AlarmEscalated,
    DutyCheckAnswered,
    DutyCheckAsked,
    DutyCheckEscalated,
    DutyCheckMissed,
    HandoverSigned,
)
from gateway.rule import EffectMode, Priority, TicketGrade, Truth
from gateway.sample import Instant


def identity(*parts: str | int) -> str:
    """20 hexadecimal digits that depend on nothing but the parts."""
    text = "\x1f".join(str(part) for part in parts)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class Verdict(StrEnum):
    """What became of one effect of one demand (cause-and-effect verification)."""

    PENDING = "pending"
    PASS = "pass"
    LATE = "late"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """The feedback was not good at the deadline, or the scan is too slow to tell."""


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


@dataclass(frozen=True, slots=True)
class Reading:
    """One point's value at the moment of an event; `value` is None unless it may be used (good or uncertain)."""

    point: str
    value: float | None
    quality: str
    reason: str
    source_time: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStarted:
    kind: Literal["gateway.started"] = "gateway.started"
    id: str
    at: Instant
    version: str
    plant_hash: str
    rules_hash: str
    warmed: int = 0
    """How much of the stored past the rules' windows had seen (microseconds)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayStopped:
    kind: Literal["gateway.stopped"] = "gateway.stopped"
    id: str
    at: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """A device was lost or came back."""

    kind: Literal["link.changed"] = "link.changed"
    id: str
    at: Instant
    device: str
    state: LinkState
    reason: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionChanged:
    """A rule's condition took another truth; UNKNOWN moves no alarm, it only says so."""

    kind: Literal["condition.changed"] = "condition.changed"
    id: str
    at: Instant
    rule: str
    equipment: str
    truth: Truth
    since: Instant
    rule_hash: str = ""
    """Which version of the rule said so; empty in journals of before there was one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRaised:
    kind: Literal["alarm.raised"] = "alarm.raised"
    id: str
    at: Instant
    alarm: str
    """Id of the rule instance."""
    occurrence: str
    equipment: str
    clauses: tuple[str, ...]
    title: Text
    priority: Priority
    onset: Instant
    first_out: bool
    tie: bool = False
    """Another alarm of the group may have been as early: the clocks cannot tell."""
    annunciated: bool = True
    """False where a suppression keeps it from being told to anybody."""
    latching: bool
    readings: tuple[Reading, ...]
    rule_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmAcknowledged:
    kind: Literal["alarm.acknowledged"] = "alarm.acknowledged"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmCleared:
    """The condition is false again, for good reason: never because a signal was lost."""

    kind: Literal["alarm.cleared"] = "alarm.cleared"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    rule_hash: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReset:
    """A person freed a latched alarm."""

    kind: Literal["alarm.reset"] = "alarm.reset"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockDemanded:
    kind: Literal["interlock.demanded"] = "interlock.demanded"
    id: str
    at: Instant
    demand: str
    interlock: str
    equipment: str
    clauses: tuple[str, ...]
    causes: tuple[str, ...]
    """Rule instances that demanded; the first is the first-out."""
    cause_hashes: tuple[str, ...] = ()
    """Version of each cause, in the same order."""
    onset: Instant
    engaged: Truth
    effects: tuple[tuple[str, EffectMode], ...]
    """Effect ids in order, and whether the gateway commands or observes each."""
    readings: tuple[Reading, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectJudged:
    """The verdict on one effect. LATE may follow FAIL: the effect came after all."""

    kind: Literal["interlock.effect"] = "interlock.effect"
    id: str
    at: Instant
    demand: str
    interlock: str
    effect: str
    mode: EffectMode
    verdict: Verdict
    delay: int | None
    """Microseconds from the demand to the effect's source time; None while it has not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockEnded:
    """The cause is gone and every effect has its verdict."""

    kind: Literal["interlock.ended"] = "interlock.ended"
    id: str
    at: Instant
    demand: str
    interlock: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRequested:
    """Journalled before anything is sent."""

    kind: Literal["command.requested"] = "command.requested"
    id: str
    at: Instant
    command: str
    output: str
    value: float
    demand: str
    effect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandCompleted:
    """The device confirmed the write, or did not. Feedback is judged separately."""

    kind: Literal["command.completed"] = "command.completed"
    id: str
    at: Instant
    command: str
    output: str
    demand: str
    written: bool
    detail: str


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


Event = Annotated[
    GatewayStarted
    | GatewayStopped
    | LinkChanged
    | ConditionChanged
    | AlarmRaised
    | AlarmAcknowledged
    | AlarmCleared
    | AlarmReset
    | AlarmShelved
    | AlarmUnshelved
    | AlarmSuppressed
    | AlarmUnsuppressed
    | AlarmRemovedFromService
    | AlarmReturnedToService
    | AlarmReAlarmed
    | FirstOutRevised
    | AlarmEscalated
    | DutyCheckAsked
    | DutyCheckAnswered
    | DutyCheckMissed
    | DutyCheckEscalated
    | HandoverSigned
    | InterlockDemanded
    | EffectJudged
    | InterlockEnded
    | CommandRequested
    | CommandCompleted
    | TicketFiled
    | TicketRecurred
    | TicketMoved
    | TrialChanged
    | AlarmWithdrawn
    | InterlockWithdrawn
    | ConfigurationReloaded
    | ConfigurationRefused,
    Discriminator("kind"),
]

_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the journal, with its place in it."""

    sequence: int
    event: Event


def encode(event: Event) -> bytes:
    """The event as JSON, keys in declaration order: the form that is stored and hashed."""
    return _ADAPTER.dump_json(event)


def decode(body: bytes | str) -> Event:
    """The event of `encode`; raises pydantic.ValidationError for anything else."""
    return _ADAPTER.validate_json(body)


def subject_of(event: Event) -> str:
    """What the event is about: the alarm, demand, ticket, command, rule, device or the gateway."""
    for name in ("ticket", "demand", "command", "alarm", "check", "handover", "rule", "device"):
        value = getattr(event, name, None)
        if isinstance(value, str):
            return value
    return "gateway"
