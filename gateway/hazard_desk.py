"""The hazard tickets (隐患) of one site: what an alarm files, and what a person does with it.

Decides from the states that it is given; every event is somebody else's to take. Does no I/O and owns no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.machines import alarm, ticket
from gateway.machines.alarm import AlarmState
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant
from gateway.rule import RuleInstance
from gateway.sample import Instant


class HazardDesk:
    """Call `note` for every ticket that has moved."""

    def __init__(
        self,
        plant: Plant,
        rules: Mapping[str, RuleInstance],
        alarms: Mapping[str, AlarmState],
        tickets: Mapping[str, Ticket],
    ) -> None:
        self._site = plant.site.id
        self._areas = {equipment.id: equipment.area for equipment in plant.equipment}
        self._point_ids = tuple(point.id for point in plant.points)
        self._rules = rules
        self._alarms = alarms
        self._tickets = tickets
        self._open = {t.rule: t for t in tickets.values() if t.standing}
        self._closed = {t.rule: t.id for t in tickets.values() if not t.standing}
        filed = {occurrence for each in tickets.values() for occurrence in each.occurrences}
        self._owed = {s.alarm for s in alarms.values() if s.active and s.occurrence not in filed}
        """Alarms that may owe a ticket: they were raised while the plant's state or a permit expected them."""

    def note(self, moved: Ticket) -> None:
        """Take over where a ticket stands now."""
        if moved.standing:
            self._open[moved.rule] = moved
        else:
            self._open.pop(moved.rule, None)
            self._closed[moved.rule] = moved.id

    def move(self, ticket_id: str, wanted: ticket.Move, now: Instant) -> Event:
        """The event of a person's step with a ticket, not yet taken.

        Raises UnknownSubject, IllegalTransition, RequestRefused.
        """
        standing = self._tickets.get(ticket_id)
        if standing is None:
            raise UnknownSubject("ticket", ticket_id)
        return ticket.move(standing, wanted, now)

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
        filing = ticket.Filing(
            site=self._site,
            area=self._areas.get(rule.equipment, ""),
            grade=rule.ticket,
            evidence_points=tuple(self._point_ids[point] for point in rule.points),
            standing=self._open.get(rule.id),
            previous=self._closed.get(rule.id),
        )
        return ticket.on_alarm(raised, filing)
