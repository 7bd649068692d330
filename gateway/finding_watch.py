"""Finds what interlocks do that no demand and no person explains: spurious effects, trips undone without a reset.

Decides from conditions, demands, alarms and records that it is given; every event is somebody else's to take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from gateway.event import Event
from gateway.events.interlock_register import Finding, InterlockFindingEnded, InterlockFound
from gateway.identity import identity
from gateway.machines.alarm import AlarmState
from gateway.machines.finding import EFFECT, GRACE, TRIP, EffectMove, EffectSight, TripMove, TripState
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import Found, InterlockRecord
from gateway.rule import Conditions, Effect, EffectNature, InterlockInstance, Truth
from gateway.sample import Instant

_EMERGENCIES = (EffectNature.EMERGENCY, EffectNature.MOMENTARY)
_HELD = (EffectNature.SHARED, EffectNature.EMERGENCY)
_NOT_SEEN = np.uint8(255)
_NEVER = Instant(2**62)


@dataclass(frozen=True, slots=True)
class _Watched:
    """One effect of one interlock, and the interlocks that move the same points."""

    row: InterlockInstance
    effect: Effect
    shared: frozenset[str]


@dataclass(frozen=True, slots=True)
class Sources:
    """The states that findings are made from."""

    demands: Mapping[str, Demand]
    records: Mapping[str, InterlockRecord]
    alarms: Mapping[str, AlarmState]


_END: Mapping[Finding, Callable[[str], StrEnum]] = {
    Finding.SPURIOUS_EFFECT: lambda row: EFFECT.next(row, EffectSight.SPURIOUS, EffectMove.EFFECT_GONE),
    Finding.RESTARTED_WITHOUT_RESET: lambda row: TRIP.next(
        row, TripState.RESTARTED_WITHOUT_RESET, TripMove.RESET_OR_TRIPPED_AGAIN
    ),
}


class FindingWatch:
    """Call `observe` once a tick, after the demands of that tick have been taken."""

    def __init__(self, site: str, interlocks: Sequence[InterlockInstance], sources: Sources) -> None:
        self._site = site
        self._from = sources
        self._rows = {row.id: row for row in interlocks}
        self._watched = [_watched(row, effect, interlocks) for row in interlocks for effect in row.effects]
        self._column = np.array([each.effect.condition for each in self._watched], dtype=np.intp)
        self._known = np.full(len(self._watched), _NOT_SEEN, dtype=np.uint8)
        self._open: dict[int, tuple[Instant, Instant]] = {}
        """Unexplained effects, by place: source time of their coming, and until when a demand may follow."""

    def follow(self, earlier: FindingWatch) -> None:
        """Go on looking where the watch before a reload does."""
        place = {(each.row.id, each.effect.id): at for at, each in enumerate(self._watched)}
        for before, each in enumerate(earlier._watched):
            at = place.get((each.row.id, each.effect.id))
            if at is None or self._watched[at].effect.hash != each.effect.hash:
                continue
            self._known[at] = earlier._known[before]
            if before in earlier._open:
                self._open[at] = earlier._open[before]

    @property
    def next_due(self) -> Instant:
        """When an unexplained effect becomes a finding, if nothing follows."""
        return min((until for _, until in self._open.values()), default=_NEVER)

    def observe(self, conditions: Conditions, now: Instant) -> list[Event]:
        """What is found now, and what no longer stands."""
        truth = conditions.truth[self._column]
        came = np.nonzero((truth == Truth.TRUE) & (self._known == Truth.FALSE))[0]
        gone = np.nonzero((truth == Truth.FALSE) & (self._known == Truth.TRUE))[0]
        self._known = np.where(truth == Truth.UNKNOWN, self._known, truth)
        events: list[Event] = []
        for place in came.tolist():
            if self._is_unexplained(self._watched[place], conditions, now):
                EFFECT.next(self._watched[place].row.id, EffectSight.EXPLAINED, EffectMove.CAME_UNDEMANDED)
                since = Instant(int(conditions.since[self._column[place]]))
                self._open[place] = (since, Instant(now + GRACE))
        for place in gone.tolist():
            events += self._undone(self._watched[place], conditions, now)
        return [*events, *self._waited(now), *self._ended(conditions, now)]

    def withdrawals(self, now: Instant) -> list[Event]:
        """The end of every finding of an interlock that is no longer in force; not yet taken."""
        gone = [record for record in self._from.records.values() if record.interlock not in self._rows]
        return [_ended(record.interlock, found, now) for record in gone for found in record.findings]

    def _is_unexplained(self, watched: _Watched, conditions: Conditions, now: Instant) -> bool:
        """Whether nothing tells why it came: no demand, no test, no bypass, and the interlock in service."""
        row, record = watched.row, self._record(watched.row.id)
        if watched.effect.nature not in _EMERGENCIES or record.test is not None or record.bypass is not None:
            return False
        if row.engaged is not None and conditions.truth[row.engaged] != Truth.TRUE:
            return False
        return not self._demanded(watched, now)

    def _demanded(self, watched: _Watched, now: Instant) -> bool:
        """Whether any interlock that moves the same points is demanded, or was just now."""
        return any(
            demand.interlock in watched.shared and (demand.standing or (demand.ended_at or 0) >= now - GRACE)
            for demand in self._from.demands.values()
        )

    def _waited(self, now: Instant) -> list[Event]:
        """Effects that a demand explains after all, and those that none does."""
        events: list[Event] = []
        for place, (since, until) in list(self._open.items()):
            watched = self._watched[place]
            if self._demanded(watched, now):
                EFFECT.next(watched.row.id, EffectSight.UNEXPLAINED, EffectMove.DEMAND_FOLLOWED)
                del self._open[place]
            elif now >= until:
                EFFECT.next(watched.row.id, EffectSight.UNEXPLAINED, EffectMove.NO_DEMAND_FOLLOWED)
                del self._open[place]
                events += self._found(watched, Finding.SPURIOUS_EFFECT, since, "", now)
        return events

    def _undone(self, watched: _Watched, conditions: Conditions, now: Instant) -> list[Event]:
        """An effect is gone: whether that was the end of a trip that nobody had reset."""
        if watched.effect.nature not in _HELD or self._record(watched.row.id).bypass is not None:
            return []
        trip = next((d for d in reversed(tuple(self._from.demands.values())) if d.interlock == watched.row.id), None)
        if trip is None or trip.bypass or trip.test or not self._holds(watched.row, trip, conditions):
            return []
        if not any(each.effect == watched.effect.id and each.delay is not None for each in trip.effects):
            return []
        TRIP.next(watched.row.id, TripState.TRIP_HELD, TripMove.UNDONE_TOO_EARLY)
        since = Instant(int(conditions.since[watched.effect.condition]))
        return self._found(watched, Finding.RESTARTED_WITHOUT_RESET, since, trip.id, now)

    def _holds(self, row: InterlockInstance, trip: Demand, conditions: Conditions) -> bool:
        """Whether a trip still waits: a cause stands or cannot be told, or its latched alarm was not reset."""
        if trip.standing and any(conditions.truth[column] != Truth.FALSE for column in row.causes):
            return True
        alarms = (self._from.alarms.get(cause) for cause in trip.causes)
        return any(alarm is not None and alarm.latched for alarm in alarms)

    def _ended(self, conditions: Conditions, now: Instant) -> list[Event]:
        """Findings that no longer stand."""
        events: list[Event] = []
        for record in self._from.records.values():
            row = self._rows.get(record.interlock)
            for found in record.findings if row is not None else ():
                if self._is_over(row, found, conditions):
                    _END[found.finding](record.interlock)
                    events.append(_ended(record.interlock, found, now))
        return events

    def _is_over(self, row: InterlockInstance | None, found: Found, conditions: Conditions) -> bool:
        effect = next((each for each in row.effects if each.id == found.effect), None) if row is not None else None
        if row is None or effect is None:
            return True
        there = conditions.truth[effect.condition]
        if found.finding is Finding.SPURIOUS_EFFECT:
            return bool(there == Truth.FALSE)
        trip = self._from.demands.get(found.trip)
        return bool(there == Truth.TRUE) or trip is None or not self._holds(row, trip, conditions)

    def _found(self, watched: _Watched, finding: Finding, since: Instant, trip: str, now: Instant) -> list[Event]:
        """The finding, unless it stands already."""
        if any(each.effect == watched.effect.id for each in self._record(watched.row.id).found(finding)):
            return []
        return [
            InterlockFound(
                id=identity(self._site, watched.row.id, watched.effect.id, finding, since, now),
                at=now,
                interlock=watched.row.id,
                finding=finding,
                effect=watched.effect.id,
                since=since,
                trip=trip,
            )
        ]

    def _record(self, interlock: str) -> InterlockRecord:
        return self._from.records.get(interlock, InterlockRecord(interlock))


def _ended(interlock: str, found: Found, now: Instant) -> Event:
    return InterlockFindingEnded(
        id=identity(interlock, found.effect, found.finding, found.since, "ended", now),
        at=now,
        interlock=interlock,
        finding=found.finding,
        effect=found.effect,
    )


def _watched(row: InterlockInstance, effect: Effect, interlocks: Sequence[InterlockInstance]) -> _Watched:
    points = set(effect.points)
    shared = {
        each.id for each in interlocks for other in each.effects if each.id == row.id or points & set(other.points)
    }
    return _Watched(row, effect, frozenset(shared))
