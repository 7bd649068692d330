"""Events of an alarm's condition and of a person's answer to it.

Records only, parts of `gateway.event.Event`: what they mean is decided by `machines/alarm.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import Instant, Reading


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
