"""The views as of the last thing that was told: what every client and every request is shown.

Changes only when the loop tells of a tick, so nobody sees a state whose events are still on their way
to the disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from gateway.api.schema import AlarmView, DemandView, LinkView, TicketView, TrialView
from gateway.api.views import alarm_view, demand_view, link_view, ticket_view, trial_view
from gateway.driver import LinkState
from gateway.errors import UnknownSubject
from gateway.events.changeover import TrialChanged
from gateway.machines.alarm import AlarmState, AlarmStateName, Projected
from gateway.machines.ticket import Ticket
from gateway.rule import InterlockInstance, Truth
from gateway.runtime.loop import Loop, Tick
from gateway.sample import Instant
from gateway.store import StateKind

CLOSED_TICKETS_SHOWN = 200
"""Closed tickets in a snapshot, beside all standing ones. `GET /api/tickets` has the others."""


@dataclass(frozen=True, slots=True)
class Changed:
    """The views that one tick changed, whole."""

    alarms: tuple[AlarmView, ...]
    tickets: tuple[TicketView, ...]
    demands: tuple[DemandView, ...]
    links: tuple[LinkView, ...]

    def __bool__(self) -> bool:
        return bool(self.alarms or self.tickets or self.demands or self.links)


NOTHING_CHANGED = Changed((), (), (), ())


def stands(view: AlarmView) -> bool:
    """Whether an alarm is in the list at all: not normal, suppressed, or protection that is lost."""
    return view.state is not AlarmStateName.NORMAL or view.shown is not Projected.NORMAL


def is_unacknowledged(view: AlarmView) -> bool:
    """Whether it asks for a person; what is suppressed asks for nobody."""
    return view.annunciated_at is not None


class ViewBook:
    """Views by id, kept up by `apply`. Open it when the engine's states are as the journal has them."""

    def __init__(
        self,
        loop: Loop,
        interlocks: Sequence[InterlockInstance],
        started_at: Instant,
        trials: Mapping[str, TrialView] | None = None,
    ) -> None:
        self._loop = loop
        self._engine = loop.engine
        self._started_at = started_at
        self._areas = {equipment.id: equipment.area for equipment in loop.plant.equipment}
        self._devices = {device.id: device for device in loop.plant.devices}
        self._interlocks = {interlock.id: interlock for interlock in interlocks}
        self._latest_ticket: dict[str, Ticket] = {}
        states = self._engine.states
        self.tickets = {ticket_id: self._ticket(ticket_id) for ticket_id in states.tickets}
        self.demands = {demand_id: self._demand(demand_id) for demand_id in states.demands}
        alarms = {alarm_id: self._alarm(alarm_id) for alarm_id in states.alarms}
        self.alarms = {alarm_id: view for alarm_id, view in alarms.items() if stands(view)}
        self.links = {device_id: self._link(device_id) for device_id in self._devices}
        fresh = (trial_view(r, Truth.UNKNOWN, started_at, self._areas) for r in self._engine.rules if r.shadow)
        self.trials = {view.id: (trials or {}).get(view.id, view) for view in fresh}
        """Rules on trial; `trials` are those of the book before a reload."""

    @property
    def links_up(self) -> int:
        return sum(link.state == LinkState.UP for link in self.links.values())

    def apply(self, tick: Tick) -> Changed:
        """Take over what a tick changed."""
        states = self._engine.states
        tickets = [self._ticket(i) for i in sorted(tick.touched[StateKind.TICKET]) if i in states.tickets]
        demands = [self._demand(i) for i in sorted(tick.touched[StateKind.DEMAND]) if i in states.demands]
        alarms = [self._alarm(i) for i in sorted(tick.touched[StateKind.ALARM])]
        devices = dict.fromkeys(status.device for status in tick.links if status.device in self._devices)
        links = [self._link(device_id) for device_id in devices]
        for entry in tick.entries:
            if isinstance(entry.event, TrialChanged):
                self._apply_trial(entry.event)
        self.tickets.update((view.id, view) for view in tickets)
        self.links.update((view.device, view) for view in links)
        self.demands.update((view.id, view) for view in demands)
        for gone in self.demands.keys() - states.demands.keys():
            del self.demands[gone]
        for view in alarms:
            if stands(view):
                self.alarms[view.id] = view
            else:
                self.alarms.pop(view.id, None)
        return Changed(tuple(alarms), tuple(tickets), tuple(demands), tuple(links))

    def alarm(self, alarm_id: str) -> AlarmView:
        """One alarm, standing or not; raises UnknownSubject."""
        if alarm_id in self.alarms:
            return self.alarms[alarm_id]
        if alarm_id not in self._engine.states.alarms and self._engine.rule(alarm_id) is None:
            raise UnknownSubject("alarm", alarm_id)
        return self._alarm(alarm_id)

    def ticket(self, ticket_id: str) -> TicketView:
        """One ticket, standing or not; raises UnknownSubject."""
        if ticket_id not in self.tickets:
            raise UnknownSubject("ticket", ticket_id)
        return self.tickets[ticket_id]

    def shown_tickets(self) -> tuple[TicketView, ...]:
        """All standing tickets and the latest closed ones."""
        newest_first = sorted(self.tickets.values(), key=lambda view: view.filed_at, reverse=True)
        closed = islice((view for view in newest_first if not view.actions), CLOSED_TICKETS_SHOWN)
        return (*(view for view in newest_first if view.actions), *closed)

    def _apply_trial(self, event: TrialChanged) -> None:
        rule = self._engine.rule(event.rule)
        if rule is not None and rule.shadow:
            self.trials[rule.id] = trial_view(rule, event.truth, event.since, self._areas)

    def _alarm(self, alarm_id: str) -> AlarmView:
        state = self._engine.states.alarms.get(alarm_id, AlarmState(alarm_id))
        ticket, policy = self._latest_ticket.get(alarm_id), self._loop.plant.duty.alarms
        return alarm_view(state, self._engine.rule(alarm_id), ticket, self._areas, policy)

    def _ticket(self, ticket_id: str) -> TicketView:
        ticket = self._engine.states.tickets[ticket_id]
        latest = self._latest_ticket.get(ticket.rule)
        if latest is None or ticket.filed_at >= latest.filed_at:
            self._latest_ticket[ticket.rule] = ticket
        return ticket_view(ticket)

    def _demand(self, demand_id: str) -> DemandView:
        demand = self._engine.states.demands[demand_id]
        return demand_view(demand, self._interlocks.get(demand.interlock), self._areas)

    def _link(self, device_id: str) -> LinkView:
        return link_view(self._devices[device_id], self._loop.links.get(device_id), self._started_at)
