"""What is kept of one interlock between its demands: bypass, proof test, proofs, findings. Decides nothing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gateway.events.interlock_register import (
    BypassRemoved,
    EffectProven,
    Finding,
    InterlockBypassed,
    InterlockFindingEnded,
    InterlockFound,
    ProofTestEnded,
    ProvenBy,
    RegisterEvent,
)
from gateway.machines import bypass, proof_test
from gateway.machines.bypass import Bypass
from gateway.machines.proof_test import ProofTest
from gateway.sample import Instant

LINES_KEPT = 10
"""Ended bypasses and tests shown beside the present one. The journal keeps all."""


@dataclass(frozen=True, slots=True)
class CellProof:
    """The latest proof that one effect follows one cause."""

    cause: str
    effect: str
    demand: str
    proven_by: ProvenBy
    at: Instant
    """When it was demanded."""
    delay: int
    """Microseconds from the demand to the effect."""
    hash: str
    """Of what was proven; another version is not proven by it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding that stands."""

    finding: Finding
    effect: str
    since: Instant
    trip: str


@dataclass(frozen=True, slots=True)
class Bypasser:
    """Somebody who bypassed the interlock or approved of it, and when the latest of those bypasses ended."""

    name: str
    ended: Instant | None


@dataclass(frozen=True, slots=True)
class InterlockRecord:
    interlock: str
    bypass: Bypass | None = None
    test: ProofTest | None = None
    proofs: tuple[CellProof, ...] = ()
    """At most one a cell, the latest last."""
    findings: tuple[Found, ...] = ()
    bypasses: tuple[Bypass, ...] = ()
    """The latest that have ended, oldest first."""
    tests: tuple[ProofTest, ...] = ()
    """The latest that have ended, oldest first."""
    bypassers: tuple[Bypasser, ...] = ()
    """Everybody who ever did, once: they do not close a hazard ticket that it is about."""

    @property
    def standing(self) -> bool:
        """Whether a person still has to end something."""
        return self.bypass is not None or self.test is not None or bool(self.findings)

    def proof(self, cause: str, effect: str) -> CellProof | None:
        """The latest proof of a cell, whatever its version."""
        return next((each for each in self.proofs if (each.cause, each.effect) == (cause, effect)), None)

    def found(self, finding: Finding) -> tuple[Found, ...]:
        return tuple(each for each in self.findings if each.finding is finding)


def evolve(record: InterlockRecord, event: RegisterEvent) -> InterlockRecord:
    """The record after an event of its interlock."""
    match event:
        case EffectProven():
            return replace(record, proofs=(*_without(record, event), _proof(event)))
        case InterlockFound():
            found = Found(event.finding, event.effect, event.since, event.trip)
            return replace(record, findings=(*record.findings, found))
        case InterlockFindingEnded():
            over = (event.finding, event.effect)
            return replace(record, findings=tuple(f for f in record.findings if (f.finding, f.effect) != over))
        case _:
            pass
    lines, tests = record.bypasses, record.tests
    if isinstance(event, BypassRemoved) and record.bypass is not None:
        lines = (*lines, bypass.removed(record.bypass, event))[-LINES_KEPT:]
    if isinstance(event, ProofTestEnded) and record.test is not None:
        tests = (*tests, proof_test.ended(record.test, event))[-LINES_KEPT:]
    return replace(
        record,
        bypass=bypass.evolve(record.bypass, event),
        test=proof_test.evolve(record.test, event),
        bypasses=lines,
        tests=tests,
        bypassers=_bypassers(record, event),
    )


def _bypassers(record: InterlockRecord, event: RegisterEvent) -> tuple[Bypasser, ...]:
    if isinstance(event, InterlockBypassed):
        now = [Bypasser(name, None) for name in dict.fromkeys((event.by, event.approved_by))]
        return (*(each for each in record.bypassers if each.name not in (event.by, event.approved_by)), *now)
    if isinstance(event, BypassRemoved):
        return tuple(Bypasser(each.name, each.ended or event.at) for each in record.bypassers)
    return record.bypassers


def _without(record: InterlockRecord, event: EffectProven) -> list[CellProof]:
    return [each for each in record.proofs if (each.cause, each.effect) != (event.cause, event.effect)]


def _proof(event: EffectProven) -> CellProof:
    return CellProof(
        event.cause, event.effect, event.demand, event.proven_by, event.demanded_at, event.delay, event.hash
    )
