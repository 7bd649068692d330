"""The alarm of one rule instance, to ISA-18.2 / IEC 62682.

Independent axes are kept (condition, acknowledgement, latch, suppression, evaluability) and the named
state is projected from them. A condition that is unknown moves nothing: the alarm stands as it stood.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.event import Event
from gateway.events.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised, AlarmReset
from gateway.events.annunciation import AlarmReAlarmed, FirstOutRevised
from gateway.events.changeover import AlarmWithdrawn
from gateway.events.lifecycle import ConditionChanged
from gateway.events.presence import AlarmEscalated
from gateway.identity import identity
from gateway.machines import escalation, suppression
from gateway.machines.suppression import NOT_SUPPRESSED, Suppression
from gateway.machines.table import Table
from gateway.plant.duty import Level, Rung
from gateway.rule import RuleInstance, Truth
from gateway.sample import Instant, Reading


class AlarmStateName(StrEnum):
    """ISA-18.2 states of condition, acknowledgement and latch; suppression apart. Names, never letters."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    LATCHED_UNACKNOWLEDGED = "latched_unacknowledged"
    LATCHED_ACKNOWLEDGED = "latched_acknowledged"


class Projected(StrEnum):
    """The one name under which an alarm is shown, from all its axes."""

    NORMAL = AlarmStateName.NORMAL
    UNACKNOWLEDGED = AlarmStateName.UNACKNOWLEDGED
    ACKNOWLEDGED = AlarmStateName.ACKNOWLEDGED
    RETURNED_UNACKNOWLEDGED = AlarmStateName.RETURNED_UNACKNOWLEDGED
    LATCHED_UNACKNOWLEDGED = AlarmStateName.LATCHED_UNACKNOWLEDGED
    LATCHED_ACKNOWLEDGED = AlarmStateName.LATCHED_ACKNOWLEDGED
    SHELVED = "shelved"
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"
    OUT_OF_SERVICE = "out_of_service"
    UNKNOWN = "unknown"


class AlarmAction(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"
    CLEAR = "clear"
    CLEAR_LATCHING = "clear_latching"
    """The condition of a latching alarm is gone; the alarm stays until a person resets it."""
    ACKNOWLEDGE = "acknowledge"
    RE_ALARM = "re_alarm"
    """It was acknowledged and still stands after its re-alarm time."""
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
            _A.RE_ALARM: _S.UNACKNOWLEDGED,
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
    tie: bool = False
    """Another alarm of the group may have been as early: the clocks cannot tell."""
    readings: tuple[Reading, ...] = ()
    suppression: Suppression = NOT_SUPPRESSED
    re_alarms: int = 0
    """How often this occurrence asked again after it had been acknowledged."""
    annunciated_at: Instant | None = None
    """Since when it asks for a person; None while it asks for nobody or is kept from asking."""
    escalated: Level | None = None
    """The highest level that has been told since it asks."""

    @property
    def projected(self) -> Projected:
        """What it is shown as: out of service before suppressed, shelved, unknown, and its own state."""
        held = self.suppression
        if held.removal is not None:
            return Projected.OUT_OF_SERVICE
        if held.design is not None:
            return Projected.SUPPRESSED_BY_DESIGN
        if held.shelf is not None:
            return Projected.SHELVED
        return Projected.UNKNOWN if self.unknown else Projected(self.name.value)

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
        return self.name is not _S.NORMAL or self.unknown or bool(self.suppression)


@dataclass(frozen=True, slots=True)
class Observation:
    """What one tick says of one rule's condition."""

    truth: Truth
    since: Instant
    now: Instant
    readings: tuple[Reading, ...] = ()
    first_out: bool = False
    tie: bool = False


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
        annunciated = not state.suppression
        fresh = AlarmState(
            rule.id,
            occurrence=_occurrence(site, state, seen.since),
            onset=seen.since,
            first_out=seen.first_out,
            tie=seen.tie,
            readings=seen.readings,
        )
        events.append(replace(raised(rule, fresh, seen.now), annunciated=annunciated))
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
        if unshelved := suppression.after_clear(rule.id, state.occurrence, state.suppression, seen.now):
            events.append(unshelved)
    return events


def raised(rule: RuleInstance, state: AlarmState, now: Instant) -> AlarmRaised:
    """The event that tells of an occurrence, from what is known of it."""
    return AlarmRaised(
        id=identity(state.occurrence, "raised"),
        at=now,
        alarm=rule.id,
        occurrence=state.occurrence,
        equipment=rule.equipment,
        clauses=rule.clauses,
        title=rule.title,
        priority=rule.priority,
        onset=state.onset,
        first_out=state.first_out,
        tie=state.tie,
        latching=rule.latch,
        readings=state.readings,
        rule_hash=rule.hash,
    )


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


def re_alarm(rule: RuleInstance, state: AlarmState, now: Instant) -> Event:
    """Raises IllegalTransition unless the alarm is acknowledged and stands. Call it when `re_alarm_due` is past."""
    TABLE.next(state.alarm, state.name, _A.RE_ALARM)
    return AlarmReAlarmed(
        id=identity(state.occurrence, "re_alarmed", state.re_alarms + 1),
        at=now,
        alarm=rule.id,
        occurrence=state.occurrence,
        count=state.re_alarms + 1,
    )


def re_alarm_due(rule: RuleInstance, state: AlarmState) -> Instant | None:
    """When the alarm asks again; None while it will not. Suppression holds it back, and it is due at its end."""
    if rule.re_alarm is None or state.name is not _S.ACKNOWLEDGED or state.suppression:
        return None
    return None if state.acknowledged_at is None else Instant(state.acknowledged_at + rule.re_alarm)


def escalate(rule: RuleInstance, state: AlarmState, ladder: Sequence[Rung], now: Instant) -> list[Event]:
    """Whom an alarm that nobody has acknowledged tells by now, and has not told before."""
    since = state.annunciated_at
    if since is None:
        return []
    return [
        AlarmEscalated(
            id=identity(state.occurrence, "escalated", state.re_alarms, since, rung.level),
            at=now,
            alarm=rule.id,
            occurrence=state.occurrence,
            equipment=rule.equipment,
            title=rule.title,
            response=rule.response,
            priority=rule.priority,
            level=rung.level,
            waited=now - since,
        )
        for rung in escalation.due(rule.id, ladder, since, state.escalated, now)
    ]


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
    moved = _moved(state, event)
    if moved.acknowledged or moved.suppression:
        return moved if moved.annunciated_at is None else replace(moved, annunciated_at=None, escalated=None)
    return moved if moved.annunciated_at is not None else replace(moved, annunciated_at=event.at)


def _moved(state: AlarmState, event: Event) -> AlarmState:
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
                tie=event.tie,
                readings=event.readings,
                suppression=state.suppression,
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
        case AlarmReAlarmed():
            return replace(
                state,
                acknowledged=False,
                acknowledged_at=None,
                acknowledged_by=None,
                re_alarms=event.count,
            )
        case AlarmEscalated():
            return replace(state, escalated=event.level)
        case FirstOutRevised():
            return replace(state, first_out=event.first_out, tie=event.tie)
        case _:
            held = suppression.evolve(state.suppression, event)
            return state if held is state.suppression else replace(state, suppression=held)
