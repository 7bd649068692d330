"""The bypass of one interlock (旁路): registered by one person, approved by another, never longer than it may be.

The gateway keeps the register and moves no switch. A bypass ends by a person's hand only: past its time it is
a finding, and it covers nothing any more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.duration import format_duration
from gateway.errors import Problem, RequestRefused, refusal, wrong_field
from gateway.events.interlock_register import (
    BypassNearlyOver,
    BypassOverstayed,
    BypassRemoved,
    InterlockBypassed,
    RegisterEvent,
)
from gateway.identity import identity
from gateway.machines.table import Table
from gateway.sample import Instant


class BypassState(StrEnum):
    NOT_BYPASSED = "not_bypassed"
    BYPASS_IN_FORCE = "bypass_in_force"
    BYPASS_NEARLY_OVER = "bypass_nearly_over"
    BYPASS_OVERSTAYED = "bypass_overstayed"


class BypassAction(StrEnum):
    BYPASS = "bypass"
    FOUR_FIFTHS_GONE = "four_fifths_gone"
    BYPASS_TIME_OVER = "bypass_time_over"
    REMOVE_BYPASS = "remove_bypass"


_S, _A = BypassState, BypassAction

TABLE: Table[BypassState, BypassAction] = Table(
    machine="bypass of interlock",
    initial=_S.NOT_BYPASSED,
    moves={
        _S.NOT_BYPASSED: {_A.BYPASS: _S.BYPASS_IN_FORCE},
        _S.BYPASS_IN_FORCE: {
            _A.FOUR_FIFTHS_GONE: _S.BYPASS_NEARLY_OVER,
            _A.BYPASS_TIME_OVER: _S.BYPASS_OVERSTAYED,
            _A.REMOVE_BYPASS: _S.NOT_BYPASSED,
        },
        _S.BYPASS_NEARLY_OVER: {_A.BYPASS_TIME_OVER: _S.BYPASS_OVERSTAYED, _A.REMOVE_BYPASS: _S.NOT_BYPASSED},
        _S.BYPASS_OVERSTAYED: {_A.REMOVE_BYPASS: _S.NOT_BYPASSED},
    },
)


@dataclass(frozen=True, slots=True)
class Bypass:
    """One line of the register."""

    id: str
    state: BypassState
    since: Instant
    until: Instant
    by: str
    approved_by: str
    comment: str
    measure: str
    permit: str = ""
    while_demanded: str = ""
    removed_at: Instant | None = None
    removed_by: str = ""
    removal_comment: str = ""

    @property
    def warn_at(self) -> Instant:
        """When four fifths of its time have gone."""
        return Instant(self.since + (self.until - self.since) * 4 // 5)

    def covers(self, now: Instant) -> bool:
        """Whether a demand that begins now is under this bypass; past its time none is."""
        return now < self.until

    @property
    def next_due(self) -> Instant | None:
        """When time alone moves it next."""
        return {_S.BYPASS_IN_FORCE: self.warn_at, _S.BYPASS_NEARLY_OVER: self.until}.get(self.state)


@dataclass(frozen=True, slots=True)
class BypassWish:
    """What a person asks for when they bypass an interlock."""

    by: str
    approved_by: str
    comment: str
    measure: str
    duration: int
    """Microseconds."""
    permit: str = ""


@dataclass(frozen=True, slots=True)
class Bypassable:
    """The interlock that a wish is about, as it is."""

    site: str
    interlock: str
    equipment: str
    longest: int
    """Longest bypass (microseconds); 0: never."""
    held: Bypass | None
    standing_demand: str = ""


def state_of(held: Bypass | None) -> BypassState:
    return TABLE.initial if held is None else held.state


def register(of: Bypassable, wish: BypassWish, now: Instant) -> InterlockBypassed:
    """Raises IllegalTransition for one that is bypassed, RequestRefused with all that is missing or too much."""
    TABLE.next(of.interlock, state_of(of.held), _A.BYPASS)
    problems = _problems(of, wish)
    if problems:
        raise RequestRefused(problems)
    bypass = "BP-" + identity(of.site, of.interlock, "bypass", now)[:12]
    return InterlockBypassed(
        id=identity(bypass, "registered"),
        at=now,
        interlock=of.interlock,
        equipment=of.equipment,
        bypass=bypass,
        by=wish.by,
        approved_by=wish.approved_by,
        comment=wish.comment,
        measure=wish.measure,
        permit=wish.permit,
        until=Instant(now + wish.duration),
        while_demanded=of.standing_demand,
    )


def remove(interlock: str, held: Bypass | None, by: str, comment: str, now: Instant) -> BypassRemoved:
    """Raises IllegalTransition for one that is not bypassed, RequestRefused for nobody."""
    TABLE.next(interlock, state_of(held), _A.REMOVE_BYPASS)
    assert held is not None  # noqa: S101 - the table allows it for a bypass alone
    if not by.strip():
        raise refusal("by", "the name of the person who removes the bypass", "nothing")
    return BypassRemoved(
        id=identity(held.id, "removed"),
        at=now,
        interlock=interlock,
        bypass=held.id,
        by=by,
        comment=comment,
        overstayed=max(0, now - held.until),
    )


def due(interlock: str, held: Bypass | None, now: Instant) -> BypassNearlyOver | BypassOverstayed | None:
    """What time alone brings; after a long stop of the gateway straight what is true now."""
    if held is None or held.next_due is None or now < held.next_due:
        return None
    if now >= held.until:
        TABLE.next(interlock, held.state, _A.BYPASS_TIME_OVER)
        return BypassOverstayed(
            id=identity(held.id, "overstayed"), at=now, interlock=interlock, bypass=held.id, until=held.until
        )
    TABLE.next(interlock, held.state, _A.FOUR_FIFTHS_GONE)
    return BypassNearlyOver(
        id=identity(held.id, "nearly over"), at=now, interlock=interlock, bypass=held.id, until=held.until
    )


def evolve(held: Bypass | None, event: RegisterEvent) -> Bypass | None:
    """The line of the register after an event of its own; events of other kinds change nothing."""
    if isinstance(event, InterlockBypassed):
        return Bypass(
            id=event.bypass,
            state=_S.BYPASS_IN_FORCE,
            since=event.at,
            until=event.until,
            by=event.by,
            approved_by=event.approved_by,
            comment=event.comment,
            measure=event.measure,
            permit=event.permit,
            while_demanded=event.while_demanded,
        )
    if held is None:
        return None
    match event:
        case BypassNearlyOver():
            return replace(held, state=_S.BYPASS_NEARLY_OVER)
        case BypassOverstayed():
            return replace(held, state=_S.BYPASS_OVERSTAYED)
        case BypassRemoved():
            return None
        case _:
            return held


def removed(held: Bypass, event: BypassRemoved) -> Bypass:
    """The line of the register once its bypass is over."""
    return replace(held, removed_at=event.at, removed_by=event.by, removal_comment=event.comment)


def _problems(of: Bypassable, wish: BypassWish) -> list[Problem]:
    problems = []
    if not wish.by.strip():
        problems.append(wrong_field("by", "the name of the person who asks for the bypass", "nothing"))
    if not wish.comment.strip():
        problems.append(wrong_field("comment", "the reason for the bypass (旁路原因)", "nothing"))
    if not wish.measure.strip():
        expected = "the compensating measure (补偿措施): who watches what meanwhile"
        problems.append(wrong_field("measure", expected, "nothing"))
    if not wish.approved_by.strip():
        problems.append(wrong_field("approved_by", "the name of the person who approves (批准人)", "nothing"))
    elif wish.approved_by.strip().casefold() == wish.by.strip().casefold():
        problems.append(wrong_field("approved_by", f"another person than {wish.by.strip()}", wish.approved_by))
    asked = format_duration(wish.duration)
    if of.longest <= 0:
        problems.append(wrong_field("duration", f"no bypass at all of {of.interlock}", asked))
    elif not 0 < wish.duration <= of.longest:
        problems.append(wrong_field("duration", f"more than 0 and at most {format_duration(of.longest)}", asked))
    return problems
