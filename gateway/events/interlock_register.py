"""Events of the interlock register: bypasses and proof tests, which are people's, and what was proven or found.

Records only: what they mean is decided in `gateway.machines`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from gateway.sample import Instant


class ProvenBy(StrEnum):
    """What showed that an effect follows its cause."""

    DEMAND = "demand"
    TEST = "test"


class ProofTestOutcome(StrEnum):
    """What a declared proof test has shown by its end."""

    PASSED = "passed"
    """Every demand in it passed in all its effects."""
    FAILED = "failed"
    """An effect was missing, late, or could not be told."""
    NOT_EXERCISED = "not_exercised"
    """Nothing was demanded: it proves nothing."""


class Finding(StrEnum):
    """What an interlock was found to do that no demand and no person explains."""

    SPURIOUS_EFFECT = "spurious_effect"
    """An effect came, and nothing had demanded it."""
    RESTARTED_WITHOUT_RESET = "restarted_without_reset"
    """A trip was undone while its cause stood, or before a person had reset it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockBypassed:
    """A person bypassed an interlock (旁路) for a while, and another one approved it."""

    kind: Literal["interlock.bypassed"] = "interlock.bypassed"
    id: str
    at: Instant
    interlock: str
    equipment: str
    bypass: str
    by: str
    approved_by: str
    comment: str
    """Why."""
    measure: str
    """What people do in the meantime in place of the interlock (补偿措施)."""
    permit: str
    until: Instant
    while_demanded: str
    """The demand that stood at that moment; empty for none. It is judged as if there were no bypass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassNearlyOver:
    """Four fifths of the bypass's time have gone."""

    kind: Literal["interlock.bypass_nearly_over"] = "interlock.bypass_nearly_over"
    id: str
    at: Instant
    interlock: str
    bypass: str
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassOverstayed:
    """The bypass's time is over and nobody has removed it."""

    kind: Literal["interlock.bypass_overstayed"] = "interlock.bypass_overstayed"
    id: str
    at: Instant
    interlock: str
    bypass: str
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassRemoved:
    """A person put the interlock back into service."""

    kind: Literal["interlock.bypass_removed"] = "interlock.bypass_removed"
    id: str
    at: Instant
    interlock: str
    bypass: str
    by: str
    comment: str
    overstayed: int
    """Microseconds beyond its time; 0 if it was in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTestDeclared:
    """A person tests an interlock (联锁试验): what is demanded until the end is a test."""

    kind: Literal["interlock.test_declared"] = "interlock.test_declared"
    id: str
    at: Instant
    interlock: str
    equipment: str
    test: str
    by: str
    comment: str
    """By which procedure."""
    until: Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofTestEnded:
    kind: Literal["interlock.test_ended"] = "interlock.test_ended"
    id: str
    at: Instant
    interlock: str
    test: str
    outcome: ProofTestOutcome
    by: str
    """Empty where its time ended it."""
    comment: str
    """As found, as left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectProven:
    """An effect followed its cause in time, and nothing else explains it."""

    kind: Literal["interlock.proven"] = "interlock.proven"
    id: str
    at: Instant
    interlock: str
    cause: str
    effect: str
    demand: str
    proven_by: ProvenBy
    demanded_at: Instant
    delay: int
    """Microseconds from the demand to the effect."""
    hash: str
    """Of the cause, the effect and the engaged bit as they were: another version asks for another proof."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockFound:
    """A finding on an interlock begins to stand."""

    kind: Literal["interlock.finding"] = "interlock.finding"
    id: str
    at: Instant
    interlock: str
    finding: Finding
    effect: str
    since: Instant
    """Source time of what was found."""
    trip: str
    """The demand that was undone; empty where there was none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockFindingEnded:
    kind: Literal["interlock.finding_ended"] = "interlock.finding_ended"
    id: str
    at: Instant
    interlock: str
    finding: Finding
    effect: str


REGISTER_EVENTS = (
    InterlockBypassed,
    BypassNearlyOver,
    BypassOverstayed,
    BypassRemoved,
    ProofTestDeclared,
    ProofTestEnded,
    EffectProven,
    InterlockFound,
    InterlockFindingEnded,
)
"""What moves an interlock's record."""

RegisterEvent = (
    InterlockBypassed
    | BypassNearlyOver
    | BypassOverstayed
    | BypassRemoved
    | ProofTestDeclared
    | ProofTestEnded
    | EffectProven
    | InterlockFound
    | InterlockFindingEnded
)
