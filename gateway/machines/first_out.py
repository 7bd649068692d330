"""Who was first in a group of alarms (首出): by source time, and a tie where the clocks cannot tell.

Keeps an index of what is active and nothing else; it is derived from the states and can be made anew
from them at any time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gateway.events.annunciation import FirstOutRevised
from gateway.identity import identity
from gateway.machines.alarm import AlarmState
from gateway.rule import RuleInstance
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class Contender:
    """An active alarm, when its cause set in, and how wrong that time may be (microseconds)."""

    alarm: str
    onset: Instant
    error: int

    def certainly_before(self, other: Contender) -> bool:
        """Two stamps that differ by less than the larger error tell nothing of the order."""
        return other.onset - self.onset >= max(self.error, other.error, 1)


@dataclass(frozen=True, slots=True)
class Placing:
    """Where a new alarm comes in its group."""

    first_out: bool
    tie: bool


NO_GROUP = Placing(first_out=False, tie=False)


class _Leaders:
    """Alarms of a group that no active one certainly precedes.

    Asked through the extremes of each error, of which there are few, so that a thousand ties cost what one does.
    """

    def __init__(self) -> None:
        self.each: dict[str, Contender] = {}
        self._extremes: dict[int, tuple[Instant, Instant]] = {}

    def certainly_before(self, new: Contender) -> bool:
        """Whether any leader certainly precedes the newcomer."""
        return any(Contender("", first, error).certainly_before(new) for error, (first, _) in self._extremes.items())

    def ties_with(self, new: Contender) -> bool:
        """Whether the newcomer cannot be told from any leader."""
        return any(
            not new.certainly_before(Contender("", first, error)) for error, (first, _) in self._extremes.items()
        )

    def is_before_any(self, new: Contender) -> bool:
        """Whether the newcomer certainly precedes any leader."""
        return any(new.certainly_before(Contender("", last, error)) for error, (_, last) in self._extremes.items())

    def join(self, new: Contender) -> None:
        if self.certainly_before(new):
            return
        if self.is_before_any(new):
            kept = [other for other in self.each.values() if not new.certainly_before(other)]
            self.each, self._extremes = {}, {}
            for other in kept:
                self._add(other)
        self._add(new)

    def _add(self, new: Contender) -> None:
        self.each[new.alarm] = new
        first, last = self._extremes.get(new.error, (new.onset, new.onset))
        self._extremes[new.error] = (min(first, new.onset), max(last, new.onset))


class FirstOut:
    """The active alarms of each group. Call `note` for every alarm whose state has moved.

    "Certainly before" is transitive, so comparing with those that nobody certainly precedes is enough.
    """

    def __init__(self, rules: Iterable[RuleInstance], error_of: Mapping[str, int]) -> None:
        self._error = error_of
        self._group = {rule.id: rule.first_out_group for rule in rules if rule.first_out_group and not rule.shadow}
        self._active: dict[str, dict[str, Contender]] = {group: {} for group in self._group.values() if group}
        self._leading: dict[str, _Leaders] = {}
        """By group; absent where it must be found anew."""

    def note(self, state: AlarmState) -> None:
        """Take over whether this alarm is active."""
        group = self._group.get(state.alarm)
        if group is None:
            return
        active = self._active[group]
        before = active.get(state.alarm)
        if state.active and before is not None and before.onset == state.onset:
            return
        if before is not None:
            del active[state.alarm]
            if group in self._leading and state.alarm in self._leading[group].each:
                del self._leading[group]
        if state.active:
            new = active[state.alarm] = self._contender(state.alarm, state.onset)
            if group in self._leading:
                self._leading[group].join(new)

    def place(self, alarm: str, onset: Instant) -> Placing:
        """Where an alarm of this onset would come; it is not active yet."""
        group = self._group.get(alarm)
        if group is None:
            return NO_GROUP
        new, leading = self._contender(alarm, onset), self._leaders(group)
        if leading.certainly_before(new):
            return NO_GROUP
        return Placing(first_out=True, tie=leading.ties_with(new))

    def revisions(
        self, alarm: str, onset: Instant, states: Mapping[str, AlarmState], now: Instant
    ) -> list[FirstOutRevised]:
        """What a newcomer changes for those that were called first before it; ask before it is active."""
        group = self._group.get(alarm)
        if group is None:
            return []
        new, leading = self._contender(alarm, onset), self._leaders(group)
        if leading.certainly_before(new) or (len(leading.each) > 1 and not leading.is_before_any(new)):
            return []  # it comes later, or those that it ties with are ties already
        revised = []
        for other in leading.each.values():
            state, first = states[other.alarm], not new.certainly_before(other)
            if not state.first_out or (first and state.tie):
                continue
            revised.append(
                FirstOutRevised(
                    id=identity(state.occurrence, "first_out", int(first), alarm, onset),
                    at=now,
                    alarm=other.alarm,
                    occurrence=state.occurrence,
                    first_out=first,
                    tie=first,
                )
            )
        return revised

    def _contender(self, alarm: str, onset: Instant) -> Contender:
        return Contender(alarm, onset, self._error.get(alarm, 0))

    def _leaders(self, group: str) -> _Leaders:
        if group not in self._leading:
            leading = self._leading[group] = _Leaders()
            for each in sorted(self._active[group].values(), key=lambda contender: contender.onset):
                leading.join(each)
        return self._leading[group]
