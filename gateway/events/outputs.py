"""Events of what people do with outputs, of what was refused and proven, and of heartbeats.

Records only, parts of `gateway.event.Event`: what they mean is decided by `machines/output.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.events.interlocks import Verdict
from gateway.plant.guard import Aspect
from gateway.sample import Instant


class Step(StrEnum):
    """Where a person's command was refused."""

    SELECT = "select"
    OPERATE = "operate"


class Released(StrEnum):
    """Why a selection ended without a command."""

    CANCELLED = "cancelled"
    REFUSED = "refused"
    """At its second step: it has to be selected anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSelected:
    """The first step: a person said what they are about to command, and why. Nothing is sent."""

    kind: Literal["output.selected"] = "output.selected"
    id: str
    at: Instant
    output: str
    selection: str
    value: float
    by: str
    comment: str
    expires: Instant
    seal: str
    """`identity` of the token that the second step must show; the token itself is nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputReleased:
    """A selection ended without a command."""

    kind: Literal["output.released"] = "output.released"
    id: str
    at: Instant
    output: str
    selection: str
    because: Released
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandRefused:
    """A person's step was refused. An interlock's refusal is its command's completion."""

    kind: Literal["command.refused"] = "command.refused"
    id: str
    at: Instant
    output: str
    step: Step
    value: float
    by: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandJudged:
    """The verdict on one aspect of a command. LATE may follow FAIL: it came after all."""

    kind: Literal["command.judged"] = "command.judged"
    id: str
    at: Instant
    output: str
    command: str
    aspect: Aspect
    verdict: Verdict
    delay: int | None
    """Microseconds from the command to the source time at which it was there; None while it is not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatChanged:
    """The counter of a device began to run, or stands still; each count by itself is not journalled."""

    kind: Literal["heartbeat.changed"] = "heartbeat.changed"
    id: str
    at: Instant
    device: str
    beating: bool
    detail: str
    """Why it stands still; empty while it runs."""
