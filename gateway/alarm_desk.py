"""What people do with the alarms of one site: acknowledge, reset, put aside, bring back.

Decides from the states that it is given; every event is somebody else's to take. Does no I/O and owns no clock.
Each method raises UnknownSubject for an alarm that never was, IllegalTransition for one that does not stand so,
RequestRefused for a wish that says too little.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.machines import alarm, suppression
from gateway.machines.alarm import AlarmState
from gateway.plant.model import Plant
from gateway.rule import Priority, RuleInstance
from gateway.sample import Instant


class AlarmDesk:
    """Every event that it gives is not yet taken: take it once it is in the journal."""

    def __init__(self, plant: Plant, rules: Mapping[str, RuleInstance], alarms: Mapping[str, AlarmState]) -> None:
        self._policy = plant.duty.alarms
        self._rules = rules
        self._alarms = alarms

    def acknowledge(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of an acknowledgement (确认)."""
        return alarm.acknowledge(self._alarm(alarm_id), by, comment, now)

    def reset(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of a reset (复位)."""
        return alarm.reset(self._alarm(alarm_id), by, comment, now)

    def shelve(self, alarm_id: str, wish: suppression.ShelvingWish, now: Instant) -> Event:
        """The event of a shelving (搁置)."""
        return suppression.shelve(self._subject(alarm_id), self._policy, wish, now)

    def unshelve(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of the end of a shelving."""
        return suppression.unshelve(self._subject(alarm_id), by, comment, now)

    def remove(self, alarm_id: str, wish: suppression.RemovalWish, now: Instant) -> Event:
        """The event of a removal from service (停用)."""
        return suppression.remove(self._subject(alarm_id), self._policy, wish, now)

    def return_to_service(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of a return to service."""
        return suppression.return_to_service(self._subject(alarm_id), by, comment, now)

    def _alarm(self, alarm_id: str) -> AlarmState:
        if alarm_id not in self._rules and alarm_id not in self._alarms:
            raise UnknownSubject("alarm", alarm_id)
        return self._alarms.get(alarm_id, AlarmState(alarm_id))

    def _subject(self, alarm_id: str) -> suppression.Subject:
        """The alarm as suppression sees it; one whose rule is gone counts as grave as can be."""
        state, rule = self._alarm(alarm_id), self._rules.get(alarm_id)
        priority = Priority.CRITICAL if rule is None else rule.priority
        return suppression.Subject(alarm_id, state.occurrence, priority, state.suppression)
