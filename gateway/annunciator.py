"""What time and the plant's design do to alarms beside their conditions: expiry, suppression, re-alarm, first-out.

Holds an index of the states and nothing that is not in them. Does no I/O and owns no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gateway.event import Event
from gateway.machines import alarm, escalation, suppression
from gateway.machines.alarm import AlarmState
from gateway.machines.first_out import FirstOut
from gateway.plant.model import Plant
from gateway.rule import Conditions, RuleInstance, Truth
from gateway.sample import Instant

_NEVER = Instant(2**62)


class Annunciator:
    """One site's alarms. Call `note` for every alarm whose state has moved."""

    def __init__(self, plant: Plant, rules: Sequence[RuleInstance], states: Mapping[str, AlarmState]) -> None:
        in_force = [rule for rule in rules if not rule.shadow]
        self._rules = {rule.id: rule for rule in in_force}
        self._states = states
        self._ladders = plant.duty.escalation
        self.first_out = FirstOut(in_force, {rule.id: _error(plant, rule) for rule in in_force})
        self._by_design = [rule for rule in in_force if rule.suppress is not None]
        self._column = np.array([rule.suppress for rule in self._by_design], dtype=np.intp)
        self._place = {rule.id: place for place, rule in enumerate(self._by_design)}
        self._suppressed = np.zeros(len(self._by_design), dtype=np.bool_)
        self._due: dict[str, Instant] = {}
        self._next_due = _NEVER
        for state in list(states.values()):
            self.note(state)

    def note(self, state: AlarmState) -> None:
        """Take over where an alarm stands now."""
        self.first_out.note(state)
        place = self._place.get(state.alarm)
        if place is not None:
            self._suppressed[place] = state.suppression.design is not None
        due = self._due_of(state)
        if due is not None:
            self._due[state.alarm] = due
            self._next_due = min(self._next_due, due)
        elif self._due.pop(state.alarm, None) is not None and not self._due:
            self._next_due = _NEVER

    def designed(self, conditions: Conditions, now: Instant, *, settled: bool) -> list[Event]:
        """What the plant's state suppresses and releases now.

        Unknown never suppresses; but a start is not a change until it has settled.
        """
        if not len(self._column):
            return []
        truth = conditions.truth[self._column]
        wanted = truth == Truth.TRUE
        if not settled:
            wanted |= self._suppressed & (truth == Truth.UNKNOWN)
        events = []
        for place in np.nonzero(wanted != self._suppressed)[0]:
            state = self._state(self._by_design[place].id)
            since = Instant(int(conditions.since[self._column[place]]))
            events.append(
                suppression.by_design(
                    state.alarm,
                    state.occurrence,
                    state.suppression,
                    suppress=bool(wanted[place]),
                    since=since,
                    now=now,
                )
            )
        return events

    def due(self, now: Instant) -> list[Event]:
        """What time alone brings: shelvings that are over, alarms that ask again, and whom the unheard ones tell."""
        if now < self._next_due:
            return []
        events = []
        for subject in [each for each, at in self._due.items() if at <= now]:
            state = self._state(subject)
            expired = suppression.expire(subject, state.occurrence, state.suppression, now)
            if expired is not None:
                events.append(expired)
            elif (rule := self._rules.get(subject)) and (at := alarm.re_alarm_due(rule, state)) and at <= now:
                events.append(alarm.re_alarm(rule, state, now))
            elif rule is not None:
                events += alarm.escalate(rule, state, self._ladders.ladder(rule.priority), now)
        self._next_due = min(self._due.values(), default=_NEVER)
        return events

    @property
    def next_due(self) -> Instant:
        """Before this moment `due` brings nothing, unless an alarm moves."""
        return self._next_due

    def _state(self, subject: str) -> AlarmState:
        return self._states.get(subject, AlarmState(subject))

    def _due_of(self, state: AlarmState) -> Instant | None:
        times = [] if state.suppression.shelf is None else [state.suppression.shelf.until]
        rule = self._rules.get(state.alarm)
        if rule is not None:
            again = alarm.re_alarm_due(rule, state)
            climbs = None
            if state.annunciated_at is not None:
                ladder = self._ladders.ladder(rule.priority)
                climbs = escalation.next_at(ladder, state.annunciated_at, state.escalated)
            times += [at for at in (again, climbs) if at is not None]
        return min(times, default=None)


def _error(plant: Plant, rule: RuleInstance) -> int:
    """How wrong the onset of this rule's condition may be: a scan of its slowest point, or what clocks differ by."""
    scan = max((plant.points[point].period for point in rule.points), default=0)
    return max(scan, plant.duty.alarms.clock_error)
