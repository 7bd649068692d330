"""Events of what keeps an alarm from being annunciated, and of what annunciates it anew.

None of them touches the condition: evaluation and journalling go on under every suppression.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.sample import Instant


class UnshelvedBecause(StrEnum):
    """What ended a shelving."""

    PERSON = "person"
    EXPIRED = "expired"
    CONDITION_GONE = "condition_gone"
    """A one-shot shelving ends with the occurrence that it was for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmShelved:
    """A person put an alarm aside for a while (搁置)."""

    kind: Literal["alarm.shelved"] = "alarm.shelved"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    by: str
    second: str
    """The person who agreed; empty where the priority needs none."""
    comment: str
    until: Instant
    one_shot: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmUnshelved:
    kind: Literal["alarm.unshelved"] = "alarm.unshelved"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    because: UnshelvedBecause
    by: str
    """Empty where no person did it."""
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmSuppressed:
    """The rule's `suppress_when` holds: the plant's state makes this alarm meaningless for now."""

    kind: Literal["alarm.suppressed"] = "alarm.suppressed"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    since: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmUnsuppressed:
    """The rule's `suppress_when` no longer holds, or cannot be known: unknown never suppresses."""

    kind: Literal["alarm.unsuppressed"] = "alarm.unsuppressed"
    id: str
    at: Instant
    alarm: str
    occurrence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmRemovedFromService:
    """A person took an alarm out of service (停用) under a permit; only a person brings it back."""

    kind: Literal["alarm.removed_from_service"] = "alarm.removed_from_service"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    by: str
    second: str
    permit: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReturnedToService:
    kind: Literal["alarm.returned_to_service"] = "alarm.returned_to_service"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReAlarmed:
    """An acknowledged alarm has stood for its re-alarm time and asks again."""

    kind: Literal["alarm.re_alarmed"] = "alarm.re_alarmed"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    count: int
    """How often this occurrence has asked again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstOutRevised:
    """A sample that came later speaks of earlier: who was first in the group is another, or cannot be told."""

    kind: Literal["alarm.first_out_revised"] = "alarm.first_out_revised"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    first_out: bool
    tie: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SirenSilenced:
    """A person silenced a siren (消音) for a while. Nothing is acknowledged by it."""

    kind: Literal["siren.silenced"] = "siren.silenced"
    id: str
    at: Instant
    output: str
    by: str
    comment: str
    until: Instant
