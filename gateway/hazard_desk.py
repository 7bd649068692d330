"""The hazard tickets (隐患) of one site: what alarms and people file, what people do, and who is told of a late one.

Decides from the states that it is given; every event is somebody else's to take. Does no I/O and owns no clock.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.tickets import Attachment, TicketReported
from gateway.machines import alarm, escalation, hazard_report, ticket_step
from gateway.machines.alarm import AlarmState
from gateway.machines.hazard_report import Places, Report
from gateway.machines.ticket import Ticket
from gateway.machines.ticket_step import Move
from gateway.plant.model import Plant
from gateway.rule import RuleInstance
from gateway.sample import Instant

_NEVER = Instant(2**62)


Bypassers = Callable[[Collection[str], int | None, Instant], Collection[str]]
"""Who had an interlock of this equipment, or one that this condition column trips, bypassed since then."""


class HazardDesk:
    """Call `note` for every ticket that has moved."""

    def __init__(
        self,
        plant: Plant,
        rules: Mapping[str, RuleInstance],
        alarms: Mapping[str, AlarmState],
        tickets: Mapping[str, Ticket],
        bypassers: Bypassers,
    ) -> None:
        areas = {equipment.id: equipment.area for equipment in plant.equipment}
        self._places = Places(plant.site.id, frozenset(area.id for area in plant.areas), areas)
        self._ladders = plant.duty.hazards
        self._parents = {equipment.id: equipment.parent for equipment in plant.equipment}
        self._bypassers = bypassers
        self._point_ids = tuple(point.id for point in plant.points)
        self._rules = rules
        self._alarms = alarms
        self._tickets = tickets
        self._open: dict[str, Ticket] = {}
        self._closed: dict[str, str] = {}
        self._due: dict[str, Instant] = {}
        """When the next level is told of a ticket, by its id."""
        self._next_due, self._stale = _NEVER, True
        for each in tickets.values():
            self.note(each)
        filed = {occurrence for each in tickets.values() for occurrence in each.occurrences}
        self._owed = {s.alarm for s in alarms.values() if s.active and s.occurrence not in filed}
        """Alarms that may owe a ticket: they were raised while the plant's state or a permit expected them."""

    def note(self, moved: Ticket) -> None:
        """Take over where a ticket stands now."""
        self._climbs(moved)
        if not moved.rule:
            return
        if moved.standing:
            self._open[moved.rule] = moved
        elif self._open.get(moved.rule, moved).id == moved.id:
            self._open.pop(moved.rule, None)
            self._closed[moved.rule] = moved.id

    def due(self, now: Instant) -> list[Event]:
        """Who is told by now of the tickets that are past their deadline."""
        if now < self.next_due:
            return []
        late = [self._tickets[each] for each, at in self._due.items() if at <= now]
        return [event for each in late for event in hazard_report.overdue(each, self._ladders.ladder(each.grade), now)]

    @property
    def next_due(self) -> Instant:
        """Before this moment `due` brings nothing, unless a ticket moves."""
        if self._stale:
            self._next_due, self._stale = min(self._due.values(), default=_NEVER), False
        return self._next_due

    def move(self, ticket_id: str, wanted: Move, now: Instant) -> Event:
        """The event of a person's step with a ticket, not yet taken.

        Raises UnknownSubject, IllegalTransition, RequestRefused.
        """
        standing = self._ticket(ticket_id)
        return ticket_step.move(standing, wanted, now, self.barred(standing))

    def report(self, of: Report, now: Instant) -> TicketReported:
        """The event of a hazard that a person found, not yet taken. Raises RequestRefused, IllegalTransition."""
        return hazard_report.report(self._places, self._tickets, of, now)

    def attach(self, ticket_id: str, file: Attachment, by: str, comment: str, now: Instant) -> Event:
        """The event of a stored file beside a ticket, not yet taken.

        Raises UnknownSubject, IllegalTransition, RequestRefused.
        """
        return hazard_report.attach(self._ticket(ticket_id), file, by, comment, now)

    def barred(self, of: Ticket) -> Collection[str]:
        """Who may not close this ticket: they had an interlock bypassed that it is about, since it set in."""
        equipment, rule = [], self._rules.get(of.rule)
        at: str | None = of.equipment or None
        while at is not None and at not in equipment:
            equipment.append(at)
            at = self._parents.get(at)
        return self._bypassers(equipment, None if rule is None else rule.index, of.onset)

    def follows(self, events: Sequence[Event], now: Instant) -> list[Event]:
        """Tickets for what was raised, and for what stands although nothing expects it any more."""
        raised = [event for event in events if isinstance(event, AlarmRaised)]
        states = self._alarms
        expected = {event.alarm for event in raised if states[event.alarm].suppression.expected}
        self._owed |= expected
        filed = [self._filed(event) for event in raised if event.alarm not in expected]
        for owed in [each for each in self._owed if each not in expected]:
            state, rule = states[owed], self._rules.get(owed)
            if state.active and state.suppression.expected:
                continue
            self._owed.discard(owed)
            if state.active and rule is not None and not rule.shadow:
                filed.append(self._filed(alarm.raised(rule, state, now)))
        return [event for event in filed if event is not None]

    def _filed(self, raised: AlarmRaised) -> Event | None:
        rule = self._rules[raised.alarm]
        if rule.ticket is None:
            return None
        filing = hazard_report.Filing(
            site=self._places.site,
            area=self._places.area_of.get(rule.equipment, ""),
            grade=rule.ticket,
            evidence_points=tuple(self._point_ids[point] for point in rule.points),
            standing=self._open.get(rule.id),
            previous=self._closed.get(rule.id),
        )
        return hazard_report.on_alarm(raised, filing)

    def _ticket(self, ticket_id: str) -> Ticket:
        standing = self._tickets.get(ticket_id)
        if standing is None:
            raise UnknownSubject("ticket", ticket_id)
        return standing

    def _climbs(self, of: Ticket) -> None:
        """Note when the next level is told of this ticket, if one is."""
        self._stale = True
        ladder = self._ladders.ladder(of.grade)
        at = escalation.next_at(ladder, of.deadline, of.told) if of.standing else None
        if at is None:
            self._due.pop(of.id, None)
        else:
            self._due[of.id] = at
