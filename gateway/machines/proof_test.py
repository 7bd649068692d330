"""A proof test of one interlock (联锁试验): declared by a person, with an end, and what it has shown by then.

A demand in it is judged as any other; only one that passes is called a test. A failed test is a failed interlock.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.duration import format_duration
from gateway.errors import RequestRefused, wrong_field
from gateway.events.interlock_register import (
    ProofTestDeclared,
    ProofTestEnded,
    ProofTestOutcome,
    RegisterEvent,
)
from gateway.events.interlocks import Verdict
from gateway.identity import identity
from gateway.machines.table import Table
from gateway.sample import Instant


class ProofTestState(StrEnum):
    NO_TEST = "no_test"
    UNDER_TEST = "under_test"


class ProofTestAction(StrEnum):
    DECLARE_TEST = "declare_test"
    END_TEST = "end_test"
    TEST_TIME_OVER = "test_time_over"


_S, _A = ProofTestState, ProofTestAction

TABLE: Table[ProofTestState, ProofTestAction] = Table(
    machine="proof test of interlock",
    initial=_S.NO_TEST,
    moves={
        _S.NO_TEST: {_A.DECLARE_TEST: _S.UNDER_TEST},
        _S.UNDER_TEST: {_A.END_TEST: _S.NO_TEST, _A.TEST_TIME_OVER: _S.NO_TEST},
    },
)


@dataclass(frozen=True, slots=True)
class ProofTest:
    """One declared test."""

    id: str
    since: Instant
    until: Instant
    by: str
    comment: str
    ended_at: Instant | None = None
    ended_by: str = ""
    result: str = ""
    """As found, as left: the person's words."""
    outcome: ProofTestOutcome | None = None

    def covers(self, now: Instant) -> bool:
        """Whether a demand that begins now is part of the test."""
        return now < self.until


@dataclass(frozen=True, slots=True)
class ProofTestWish:
    """What a person declares."""

    by: str
    comment: str
    duration: int
    """Microseconds."""


@dataclass(frozen=True, slots=True)
class Provable:
    """The interlock that a test is about, as it is."""

    site: str
    interlock: str
    equipment: str
    longest: int
    """Longest test (microseconds)."""
    held: ProofTest | None
    bypass: str = ""
    """The bypass that stands; a bypassed interlock proves nothing."""


def state_of(held: ProofTest | None) -> ProofTestState:
    return _S.NO_TEST if held is None else _S.UNDER_TEST


def declare(of: Provable, wish: ProofTestWish, now: Instant) -> ProofTestDeclared:
    """Raises IllegalTransition while a test is under way, RequestRefused with all that is missing or too much."""
    TABLE.next(of.interlock, state_of(of.held), _A.DECLARE_TEST)
    problems = []
    if not wish.by.strip():
        problems.append(wrong_field("by", "the name of the person who tests", "nothing"))
    if not wish.comment.strip():
        problems.append(
            wrong_field("comment", "the procedure or work permit of the test (试验方案或作业票)", "nothing")
        )
    if not 0 < wish.duration <= of.longest:
        expected = f"more than 0 and at most {format_duration(of.longest)}"
        problems.append(wrong_field("duration", expected, format_duration(wish.duration)))
    if of.bypass:
        problems.append(wrong_field("interlock", "one that is not bypassed: remove the bypass first", of.bypass))
    if problems:
        raise RequestRefused(problems)
    test = "PT-" + identity(of.site, of.interlock, "proof test", now)[:12]
    return ProofTestDeclared(
        id=identity(test, "declared"),
        at=now,
        interlock=of.interlock,
        equipment=of.equipment,
        test=test,
        by=wish.by,
        comment=wish.comment,
        until=Instant(now + wish.duration),
    )


def end(
    interlock: str, held: ProofTest | None, verdicts: Iterable[Verdict], by: str, comment: str, now: Instant
) -> ProofTestEnded:
    """`verdicts`: of every effect demanded in the test. Raises IllegalTransition without a test.

    Raises RequestRefused for nobody, without a result in words, or while an effect still has its time.
    """
    TABLE.next(interlock, state_of(held), _A.END_TEST)
    assert held is not None  # noqa: S101 - the table allows it for a test alone
    seen = tuple(verdicts)
    problems = [] if by.strip() else [wrong_field("by", "the name of the person who ends the test", "nothing")]
    if not comment.strip():
        problems.append(wrong_field("comment", "what was found and how it was left (试验结果)", "nothing"))
    if Verdict.PENDING in seen:
        problems.append(wrong_field("interlock", "a verdict on every effect; wait for its time to pass", "pending"))
    if problems:
        raise RequestRefused(problems)
    return _ended(interlock, held, seen, by, comment, now)


def due(interlock: str, held: ProofTest | None, verdicts: Iterable[Verdict], now: Instant) -> ProofTestEnded | None:
    """The end of a test whose time is over, once nothing in it is pending."""
    if held is None or now < held.until:
        return None
    seen = tuple(verdicts)
    if Verdict.PENDING in seen:
        return None
    TABLE.next(interlock, state_of(held), _A.TEST_TIME_OVER)
    return _ended(interlock, held, seen, "", "", now)


def withdraw(interlock: str, held: ProofTest, by: str, comment: str, now: Instant) -> ProofTestEnded:
    """The interlock of this test is no longer in force: what it would have shown, nobody can say."""
    TABLE.next(interlock, state_of(held), _A.END_TEST)
    return _ended(interlock, held, (Verdict.INCONCLUSIVE,), by, comment, now)


def _ended(
    interlock: str, held: ProofTest, verdicts: tuple[Verdict, ...], by: str, comment: str, now: Instant
) -> ProofTestEnded:
    return ProofTestEnded(
        id=identity(held.id, "ended"),
        at=now,
        interlock=interlock,
        test=held.id,
        outcome=outcome_of(verdicts),
        by=by,
        comment=comment,
    )


def outcome_of(verdicts: Iterable[Verdict]) -> ProofTestOutcome:
    """PASSED only where everything that was demanded passed, and something was."""
    seen = set(verdicts)
    if not seen:
        return ProofTestOutcome.NOT_EXERCISED
    return ProofTestOutcome.PASSED if seen <= {Verdict.TEST, Verdict.PASS} else ProofTestOutcome.FAILED


def evolve(held: ProofTest | None, event: RegisterEvent) -> ProofTest | None:
    """The test after an event of its own; events of other kinds change nothing."""
    match event:
        case ProofTestDeclared():
            return ProofTest(event.test, event.at, event.until, event.by, event.comment)
        case ProofTestEnded():
            return None
        case _:
            return held


def ended(held: ProofTest, event: ProofTestEnded) -> ProofTest:
    """The test once it is over."""
    return replace(held, ended_at=event.at, ended_by=event.by, result=event.comment, outcome=event.outcome)
