"""The present states of alarms, demands, tickets, checks and interlocks: nothing but the fold of the events that were.

Knows which event is about which state, and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from gateway.event import Event
from gateway.events.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised, AlarmReset
from gateway.events.annunciation import (
    AlarmReAlarmed,
    AlarmRemovedFromService,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    AlarmUnsuppressed,
    FirstOutRevised,
)
from gateway.events.changeover import AlarmWithdrawn, InterlockWithdrawn
from gateway.events.interlock_register import REGISTER_EVENTS
from gateway.events.interlocks import (
    CommandCompleted,
    CommandRequested,
    EffectJudged,
    InterlockDemanded,
    InterlockEnded,
)
from gateway.events.lifecycle import ConditionChanged
from gateway.events.outputs import CommandJudged, OutputReleased, OutputSelected
from gateway.events.presence import (
    AlarmEscalated,
    DutyCheckAnswered,
    DutyCheckAsked,
    DutyCheckEscalated,
    DutyCheckMissed,
)
from gateway.events.tickets import TicketEvent, TicketImported
from gateway.machines import alarm, duty_check, interlock, interlock_record, ledger_import, output, ticket
from gateway.machines.alarm import AlarmState
from gateway.machines.duty_check import DutyCheck
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.output import OutputState
from gateway.machines.ticket import Ticket
from gateway.store import StateKind

CHECKS_KEPT = 50
"""Duty checks shown; the journal keeps all."""

CHECK_EVENTS = (DutyCheckAsked, DutyCheckAnswered, DutyCheckMissed, DutyCheckEscalated)
"""What moves a duty check."""

ALARM_EVENTS = (
    AlarmEscalated,
    AlarmRaised,
    AlarmAcknowledged,
    AlarmCleared,
    AlarmReset,
    AlarmWithdrawn,
    AlarmShelved,
    AlarmUnshelved,
    AlarmSuppressed,
    AlarmUnsuppressed,
    AlarmRemovedFromService,
    AlarmReturnedToService,
    AlarmReAlarmed,
    FirstOutRevised,
)
"""What moves an alarm beside its condition."""


OUTPUT_EVENTS = (CommandRequested, CommandCompleted, CommandJudged, OutputSelected, OutputReleased)
"""What moves an output."""


@dataclass
class Standing:
    """The present states, by id; loaded from the journal at start."""

    alarms: dict[str, AlarmState] = field(default_factory=dict)
    demands: dict[str, Demand] = field(default_factory=dict)
    tickets: dict[str, Ticket] = field(default_factory=dict)
    checks: dict[str, DutyCheck] = field(default_factory=dict)
    interlocks: dict[str, InterlockRecord] = field(default_factory=dict)
    outputs: dict[str, OutputState] = field(default_factory=dict)


State: TypeAlias = AlarmState | Demand | Ticket | DutyCheck | InterlockRecord | OutputState
"""Whatever has a state of its own."""


def fold(standing: Standing, event: Event) -> State | None:
    """Move the states that this event is about; what it has become, or None if it is about none.

    An interlock's command is about its output and its demand: it is the demand that is returned.
    """
    if isinstance(event, TicketEvent):
        before = standing.tickets.get(event.ticket)
        moved: Ticket | None
        if isinstance(event, TicketImported):
            moved = ledger_import.evolve(before, event)
        else:
            moved = ticket.evolve(before, event)
        if moved is not None:
            standing.tickets[moved.id] = moved
        return moved
    moved_output = _fold_output(standing, event)
    match event:
        case (
            InterlockDemanded()
            | EffectJudged()
            | InterlockEnded()
            | InterlockWithdrawn()
            | CommandRequested()
            | CommandCompleted()
        ):
            demand = interlock.evolve(standing.demands.get(event.demand), event)
            if demand is not None:
                standing.demands[demand.id] = demand
            return demand or moved_output
        case _:
            pass
    if isinstance(event, CHECK_EVENTS):
        return _fold_check(standing, event.check, event)
    if isinstance(event, REGISTER_EVENTS):
        record = standing.interlocks.get(event.interlock, InterlockRecord(event.interlock))
        standing.interlocks[event.interlock] = moved_record = interlock_record.evolve(record, event)
        return moved_record
    subject = _alarm_of(event)
    if subject is None:
        return moved_output
    state = alarm.evolve(standing.alarms.get(subject, AlarmState(subject)), event)
    standing.alarms[subject] = state
    return state


def states_of(events: Iterable[Event]) -> Mapping[StateKind, set[str]]:
    """Which alarms, demands, tickets, checks, interlocks and outputs a run of events touches."""
    touched: dict[StateKind, set[str]] = {kind: set() for kind in StateKind}
    for event in events:
        if isinstance(event, TicketEvent):
            touched[StateKind.TICKET].add(event.ticket)
            continue
        if isinstance(event, OUTPUT_EVENTS):
            touched[StateKind.OUTPUT].add(event.output)
        match event:
            case (
                InterlockDemanded()
                | EffectJudged()
                | InterlockEnded()
                | InterlockWithdrawn()
                | CommandRequested()
                | CommandCompleted()
            ):
                touched[StateKind.DEMAND].add(event.demand)
            case _:
                subject = _alarm_of(event)
                if isinstance(event, CHECK_EVENTS):
                    touched[StateKind.CHECK].add(event.check)
                elif isinstance(event, REGISTER_EVENTS):
                    touched[StateKind.INTERLOCK].add(event.interlock)
                elif subject is not None:
                    touched[StateKind.ALARM].add(subject)
    return touched


def _fold_output(standing: Standing, event: Event) -> OutputState | None:
    if not isinstance(event, OUTPUT_EVENTS):
        return None
    moved = output.evolve(standing.outputs.get(event.output, OutputState(event.output)), event)
    standing.outputs[moved.output] = moved
    return moved


def _fold_check(standing: Standing, subject: str, event: Event) -> DutyCheck | None:
    check = duty_check.evolve(standing.checks.get(subject), event)
    if check is not None:
        standing.checks[subject] = check
    if len(standing.checks) > CHECKS_KEPT:
        del standing.checks[next(each.id for each in standing.checks.values() if not each.standing)]
    return check


def _alarm_of(event: Event) -> str | None:
    if isinstance(event, ConditionChanged):
        return event.rule
    return event.alarm if isinstance(event, ALARM_EVENTS) else None
