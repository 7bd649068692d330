"""The alarm of one rule instance, to ISA-18.2 / IEC 62682.

Independent axes are kept (condition, acknowledgement, latch, evaluability) and the named state is
projected from them. A condition that is unknown moves nothing: the alarm stands as it stood.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.changeover import AlarmWithdrawn
from gateway.event import (
    AlarmAcknowledged,
    AlarmCleared,
    AlarmRaised,
    AlarmReset,
    ConditionChanged,
    Event,
    Reading,
    identity,
)
from gateway.machines.table import Table
from gateway.rule import RuleInstance, Truth
from gateway.sample import Instant


class AlarmStateName(StrEnum):
    """ISA-18.2 states, projected from the alarm's axes. Names, never letters."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"


class AlarmAction(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    CLEAR = "clear"
    CLEAR_LATCHING = "clear_latching"
    """The condition of a latching alarm is gone; the alarm stays until a person resets it."""
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    WITHDRAW = "withdraw"
    """The rule is no longer in force; nothing else could ever end its alarm."""


_S, _A = AlarmStateName, AlarmAction

TABLE: Table[AlarmStateName, AlarmAction] = Table(
    machine="alarm",
    initial=_S.NORMAL,
    moves={
        _S.NORMAL: {_A.RAISE: _S.UNACKNOWLEDGED, _A.WITHDRAW: _S.NORMAL},
        _S.UNACKNOWLEDGED: {
            _A.ACKNOWLEDGE: _S.ACKNOWLEDGED,
            _A.CLEAR: _S.RETURNED_UNACKNOWLEDGED,
            _A.CLEAR_LATCHING: _S.LATCHED_UNACKNOWLEDGED,
            _A.WITHDRAW: _S.NORMAL,
        },
        _S.ACKNOWLEDGED: {
            _A.CLEAR: _S.NORMAL,
            _A.CLEAR_LATCHING: _S.LATCHED_ACKNOWLEDGED,
            _A.WITHDRAW: _S.NORMAL,
        },
        _S.RETURNED_UNACKNOWLEDGED: {
            _A.RAISE: _S.UNACKNOWLEDGED,
            _A.ACKNOWLEDGE: _S.NORMAL,
            _A.WITHDRAW: _S.NORMAL,
        },
        _S.LATCHED_UNACKNOWLEDGED: {
            _A.RAISE: _S.UNACKNOWLEDGED,
            _A.ACKNOWLEDGE: _S.LATCHED_ACKNOWLEDGED,
            _A.WITHDRAW: _S.NORMAL,
        },
        _S.LATCHED_ACKNOWLEDGED: {_A.RAISE: _S.UNACKNOWLEDGED, _A.RESET: _S.NORMAL, _A.WITHDRAW: _S.NORMAL},
    },
)


@dataclass(frozen=True, slots=True)
class AlarmState:
    """One alarm's axes, and the occurrence that they speak of."""

    alarm: str
    active: bool = False
    """The condition, as last known."""
    acknowledged: bool = True
    latched: bool = False
    """A latching alarm has been active since the last reset."""
    unknown: bool = False
    """The condition cannot be evaluated now."""
    occurrence: str = ""
    onset: Instant = Instant(0)
    raised_at: Instant = Instant(0)
    acknowledged_at: Instant | None = None
    acknowledged_by: str | None = None
    cleared_at: Instant | None = None
    first_out: bool = False
    readings: tuple[Reading, ...] = ()

    @property
    def name(self) -> AlarmStateName:
        """The ISA-18.2 state that the axes amount to."""
        if self.active:
            return _S.ACKNOWLEDGED if self.acknowledged else _S.UNACKNOWLEDGED
        if self.latched:
            return _S.LATCHED_ACKNOWLEDGED if self.acknowledged else _S.LATCHED_UNACKNOWLEDGED
        return _S.NORMAL if self.acknowledged else _S.RETURNED_UNACKNOWLEDGED

    @property
    def standing(self) -> bool:
        """Whether anybody still has to know of it."""
        return self.name is not _S.NORMAL or self.unknown


@dataclass(frozen=True, slots=True)
class Observation:
    """What one tick says of one rule's condition."""

    truth: Truth
    since: Instant
    now: Instant
    readings: tuple[Reading, ...] = ()
    first_out: bool = False


def raises(state: AlarmState, truth: Truth) -> bool:
    """Whether this truth starts a new occurrence."""
    return truth is Truth.TRUE and not state.active


def observe(site: str, rule: RuleInstance, state: AlarmState, seen: Observation) -> list[Event]:
    """What follows from a condition; nothing but the condition event when it is unknown."""
    events: list[Event] = [
        ConditionChanged(
            id=identity(site, rule.id, "condition", seen.truth.name, seen.since, seen.now),
            at=seen.now,
            rule=rule.id,
            equipment=rule.equipment,
            truth=seen.truth,
            since=seen.since,
            rule_hash=rule.hash,
        )
    ]
    if raises(state, seen.truth):
        TABLE.next(rule.id, state.name, _A.RAISE)
        occurrence = _occurrence(site, state, seen.since)
        events.append(
            AlarmRaised(
                id=identity(occurrence, "raised"),
                at=seen.now,
                alarm=rule.id,
                occurrence=occurrence,
                equipment=rule.equipment,
                clauses=rule.clauses,
                title=rule.title,
                priority=rule.priority,
                onset=seen.since,
                first_out=seen.first_out,
                latching=rule.latch,
                readings=seen.readings,
                rule_hash=rule.hash,
            )
        )
    elif seen.truth is Truth.FALSE and state.active:
        TABLE.next(rule.id, state.name, _A.CLEAR_LATCHING if state.latched else _A.CLEAR)
        events.append(
            AlarmCleared(
                id=identity(state.occurrence, "cleared"),
                at=seen.now,
                alarm=rule.id,
                occurrence=state.occurrence,
                rule_hash=rule.hash,
            )
        )
    return events


def _occurrence(site: str, state: AlarmState, onset: Instant) -> str:
    """The id of a new occurrence; one that a coarse source clock stamps no later than the last is chained to it."""
    if state.occurrence and onset <= state.onset:
        return identity(site, state.alarm, onset, state.occurrence)
    return identity(site, state.alarm, onset)


def acknowledge(state: AlarmState, by: str, comment: str, now: Instant) -> Event:
    """Raises IllegalTransition unless the alarm is unacknowledged."""
    TABLE.next(state.alarm, state.name, _A.ACKNOWLEDGE)
    return AlarmAcknowledged(
        id=identity(state.occurrence, "acknowledged"),
        at=now,
        alarm=state.alarm,
        occurrence=state.occurrence,
        by=by,
        comment=comment,
    )


def reset(state: AlarmState, by: str, comment: str, now: Instant) -> Event:
    """Raises IllegalTransition unless the alarm is latched, acknowledged and its condition gone."""
    TABLE.next(state.alarm, state.name, _A.RESET)
    return AlarmReset(
        id=identity(state.occurrence, "reset"),
        at=now,
        alarm=state.alarm,
        occurrence=state.occurrence,
        by=by,
        comment=comment,
    )


def withdraw(state: AlarmState, by: str, comment: str, now: Instant) -> Event:
    """The rule of this alarm is no longer in force; whatever stood is closed, and says so."""
    TABLE.next(state.alarm, state.name, _A.WITHDRAW)
    return AlarmWithdrawn(
        id=identity(state.alarm, state.occurrence, "withdrawn", now),
        at=now,
        alarm=state.alarm,
        occurrence=state.occurrence,
        was_active=state.active,
        by=by,
        comment=comment,
    )


def evolve(state: AlarmState, event: Event) -> AlarmState:
    """The state after an event of this alarm; events of other kinds change nothing."""
    match event:
        case ConditionChanged():
            return replace(state, unknown=event.truth is Truth.UNKNOWN)
        case AlarmRaised():
            return AlarmState(
                alarm=state.alarm,
                active=True,
                acknowledged=False,
                latched=event.latching,
                occurrence=event.occurrence,
                onset=event.onset,
                raised_at=event.at,
                first_out=event.first_out,
                readings=event.readings,
            )
        case AlarmCleared():
            return replace(state, active=False, cleared_at=event.at)
        case AlarmAcknowledged():
            return replace(state, acknowledged=True, acknowledged_at=event.at, acknowledged_by=event.by)
        case AlarmReset():
            return replace(state, latched=False)
        case AlarmWithdrawn():
            return AlarmState(
                alarm=state.alarm,
                occurrence=state.occurrence,
                onset=state.onset,
                raised_at=state.raised_at,
                cleared_at=event.at,
            )
        case _:
            return state
