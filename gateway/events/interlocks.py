"""Events of what an interlock was asked to do, what was commanded, and what came of it.

Records only, parts of `gateway.event.Event`: what they mean is decided by `machines/interlock.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.rule import EffectMode, Truth
from gateway.sample import Instant, Reading


class Verdict(StrEnum):
    """What became of one effect of one demand (cause-and-effect verification)."""

    PENDING = "pending"
    PASS = "pass"
    LATE = "late"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    """The feedback was not good at the deadline, or the scan is too slow to tell."""
    BYPASSED = "bypassed"
    """The interlock was bypassed when it was demanded: what came proves nothing, what did not come is no failure."""
    TEST = "test"
    """A pass in a declared proof test."""


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
    bypass: str = ""
    """The bypass that covers it; empty for none."""
    test: str = ""
    """The proof test that it is part of; empty for none."""
    withheld: bool = False
    """Nothing is commanded: a bypass stands, and whoever works under it relies on that."""


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
    """Of the interlock that commands; empty for a person's command."""
    effect: str
    by: str = ""
    """The person who commands; empty for an interlock."""
    comment: str = ""


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
    value: float | None = None
    """What was to be written; None in journals of before it was noted."""
    refused: bool = False
    """Whether the gateway itself refused it, so that nothing was sent."""
