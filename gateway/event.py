"""What flows down: immutable records of what happened; the one thing that everything downstream reads.

An event is never edited. Its id is derived from the data that caused it, so that doing the same
thing twice has the effect of once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Discriminator, TypeAdapter

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
    SirenSilenced,
)
from gateway.events.changeover import (
    AlarmWithdrawn,
    ConfigurationRefused,
    ConfigurationReloaded,
    InterlockWithdrawn,
    TrialChanged,
)
from gateway.events.interlock_register import (
    BypassNearlyOver,
    BypassOverstayed,
    BypassRemoved,
    EffectProven,
    InterlockBypassed,
    InterlockFindingEnded,
    InterlockFound,
    ProofTestDeclared,
    ProofTestEnded,
)
from gateway.events.interlocks import (
    CommandCompleted,
    CommandRequested,
    EffectJudged,
    InterlockDemanded,
    InterlockEnded,
)
from gateway.events.lifecycle import ConditionChanged, GatewayStarted, GatewayStopped, LinkChanged
from gateway.events.outputs import (
    CommandJudged,
    CommandRefused,
    HeartbeatChanged,
    OutputReleased,
    OutputSelected,
)
from gateway.events.presence import (
    AlarmEscalated,
    DutyCheckAnswered,
    DutyCheckAsked,
    DutyCheckEscalated,
    DutyCheckMissed,
    HandoverSigned,
)
from gateway.events.tickets import (
    ProductionOrdered,
    TicketAttached,
    TicketEscalated,
    TicketExtended,
    TicketFiled,
    TicketImported,
    TicketMoved,
    TicketRecurred,
    TicketReported,
    TicketSupervised,
)

Event = Annotated[
    GatewayStarted
    | GatewayStopped
    | LinkChanged
    | ConditionChanged
    | AlarmRaised
    | AlarmAcknowledged
    | AlarmCleared
    | AlarmReset
    | AlarmShelved
    | AlarmUnshelved
    | AlarmSuppressed
    | AlarmUnsuppressed
    | AlarmRemovedFromService
    | AlarmReturnedToService
    | AlarmReAlarmed
    | FirstOutRevised
    | SirenSilenced
    | AlarmEscalated
    | DutyCheckAsked
    | DutyCheckAnswered
    | DutyCheckMissed
    | DutyCheckEscalated
    | HandoverSigned
    | InterlockDemanded
    | EffectJudged
    | InterlockEnded
    | InterlockBypassed
    | BypassNearlyOver
    | BypassOverstayed
    | BypassRemoved
    | ProofTestDeclared
    | ProofTestEnded
    | EffectProven
    | InterlockFound
    | InterlockFindingEnded
    | CommandRequested
    | CommandCompleted
    | CommandJudged
    | CommandRefused
    | OutputSelected
    | OutputReleased
    | HeartbeatChanged
    | TicketFiled
    | TicketImported
    | TicketReported
    | TicketRecurred
    | TicketMoved
    | TicketExtended
    | TicketSupervised
    | ProductionOrdered
    | TicketAttached
    | TicketEscalated
    | TrialChanged
    | AlarmWithdrawn
    | InterlockWithdrawn
    | ConfigurationReloaded
    | ConfigurationRefused,
    Discriminator("kind"),
]


_ADAPTER: TypeAdapter[Event] = TypeAdapter(Event)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event in the journal, with its place in it."""

    sequence: int
    event: Event


def encode(event: Event) -> bytes:
    """The event as JSON, keys in declaration order: the form that is stored and hashed."""
    return _ADAPTER.dump_json(event)


def decode(body: bytes | str) -> Event:
    """The event of `encode`; raises pydantic.ValidationError for anything else."""
    return _ADAPTER.validate_json(body)


def subject_of(event: Event) -> str:
    """What the event is about: the alarm, demand, ticket, command, rule, output, device, interlock or the gateway."""
    names = ("ticket", "demand", "command", "alarm", "check", "handover", "rule", "output", "device", "interlock")
    for name in names:
        value = getattr(event, name, None)
        if isinstance(value, str) and value:
            return value
    return "gateway"
