"""The decisions of one tick: point columns in, events out. The same code live, in back-test and in tests.

Does no I/O and owns no clock. Holds the present states, which are nothing but the fold of the events
that it returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gateway.annunciator import Annunciator
from gateway.duty_desk import DutyDesk
from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.changeover import TrialChanged
from gateway.events.interlocks import InterlockDemanded
from gateway.identity import identity
from gateway.machines import alarm, interlock, suppression, ticket
from gateway.machines.alarm import AlarmState
from gateway.machines.interlock import Demand
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant
from gateway.point_table import PointTable
from gateway.proof import proof_rules
from gateway.rule import Conditions, InterlockInstance, Priority, Program, RuleInstance, Truth
from gateway.sample import SECOND, Instant, Reading
from gateway.standing import Standing, fold, states_of
from gateway.store import StateKind

SETTLE = 10 * SECOND
"""After a start, a condition that is still unknown is lost protection; before, it is only not there yet."""

NOT_YET = np.uint8(255)
"""Truth of a condition that has not been known since the start."""

DEMANDS_KEPT = 200
"""Ended demands shown beside the standing ones. The journal keeps all."""


class Engine:
    """One site's decisions. Call `tick` with a `now` that never runs backwards."""

    def __init__(self, plant: Plant, program: Program, standing: Standing, started: Instant) -> None:
        self._plant = plant
        self._site = plant.site.id
        self._program = program
        self._started = started
        self._settled = False
        self._point_ids = tuple(point.id for point in plant.points)
        self._areas = {equipment.id: equipment.area for equipment in plant.equipment}
        self.interlocks = tuple(_without_trials(row, program) for row in program.interlocks)
        self.rules: tuple[RuleInstance, ...] = (*program.rules, *proof_rules(program.rules, self.interlocks))
        self._by_id = {rule.id: rule for rule in self.rules}
        self._interlock_at = {row.id: position for position, row in enumerate(self.interlocks)}
        causes = [(column, at) for at, row in enumerate(self.interlocks) for column in row.causes]
        self._cause_column, self._cause_of = np.array(causes, dtype=np.intp).reshape(-1, 2).T
        self._truth = np.full(len(self.rules), NOT_YET, dtype=np.uint8)
        self.states = standing
        program.resume({state.alarm: state.onset for state in standing.alarms.values() if state.active})
        self.reindex()

    def reindex(self) -> None:
        """Look at the states anew, after another engine has moved them."""
        standing = self.states
        self._open_demand = {d.interlock: d for d in standing.demands.values() if d.standing}
        self._open_ticket = {t.rule: t for t in standing.tickets.values() if t.standing}
        self._closed_ticket = {t.rule: t.id for t in standing.tickets.values() if not t.standing}
        self._annunciator = Annunciator(self._plant, self.rules, standing.alarms)
        self.duty = DutyDesk(self._plant, standing.checks)
        filed = {occurrence for each in standing.tickets.values() for occurrence in each.occurrences}
        self._owed = {s.alarm for s in standing.alarms.values() if s.active and s.occurrence not in filed}
        """Alarms that may owe a ticket: they were raised while the plant's state or a permit expected them."""

    def tick(self, table: PointTable, now: Instant) -> list[Event]:
        """What follows from the points as they are now; the states have already moved when it returns."""
        conditions = self._program.step(table.columns(now), now)
        events: list[Event] = self._take(self._annunciator.due(now))
        events += self._take(self.duty.due(now))
        events += self._take(self._annunciator.designed(conditions, now, settled=now - self._started >= SETTLE))
        for row in self._moving(conditions):
            events += self._take(self._interlock(row, conditions, table, now))
        truth, since = self._with_proofs(conditions, now)
        for index in sorted(self._changed(truth, now), key=lambda column: int(since[column])):
            rule = self.rules[index]
            if rule.shadow:
                events.append(_on_trial(self._site, rule, Truth(int(truth[index])), Instant(int(since[index])), now))
                continue
            state = self.states.alarms.get(rule.id, AlarmState(rule.id))
            seen = self._observation(rule, state, Truth(int(truth[index])), Instant(int(since[index])), table, now)
            events += self._take(self._alarm_events(rule, state, seen))
        events += self._take(self._tickets(events, now))
        return events

    def acknowledge(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of an acknowledgement, not yet taken: `take` it once it is in the journal."""
        return alarm.acknowledge(self._alarm(alarm_id), by, comment, now)

    def reset(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of a reset, not yet taken."""
        return alarm.reset(self._alarm(alarm_id), by, comment, now)

    def shelve(self, alarm_id: str, wish: suppression.ShelvingWish, now: Instant) -> Event:
        """The event of a shelving (搁置), not yet taken."""
        return suppression.shelve(self._subject(alarm_id), self._plant.duty.alarms, wish, now)

    def unshelve(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of the end of a shelving, not yet taken."""
        return suppression.unshelve(self._subject(alarm_id), by, comment, now)

    def remove(self, alarm_id: str, wish: suppression.RemovalWish, now: Instant) -> Event:
        """The event of a removal from service (停用), not yet taken."""
        return suppression.remove(self._subject(alarm_id), self._plant.duty.alarms, wish, now)

    def return_to_service(self, alarm_id: str, by: str, comment: str, now: Instant) -> Event:
        """The event of a return to service, not yet taken."""
        return suppression.return_to_service(self._subject(alarm_id), by, comment, now)

    def move(self, ticket_id: str, wanted: ticket.Move, now: Instant) -> Event:
        """The event of a person's step with a ticket, not yet taken."""
        standing = self.states.tickets.get(ticket_id)
        if standing is None:
            raise UnknownSubject("ticket", ticket_id)
        return ticket.move(standing, wanted, now)

    def take(self, events: Iterable[Event]) -> None:
        """Fold events into the states."""
        self._take(list(events))

    def rule(self, rule_id: str) -> RuleInstance | None:
        """The rule instance of this id; None for one that an older plant file had."""
        return self._by_id.get(rule_id)

    def unknown_rules(self) -> Sequence[RuleInstance]:
        """Rules that cannot be evaluated now, once the start has settled; one on trial protects nobody yet."""
        return [r for r, truth in zip(self.rules, self._truth) if truth == Truth.UNKNOWN and not r.shadow]

    @property
    def next_due(self) -> Instant:
        """Before this moment time alone decides nothing; long past while an interlock's effect has a deadline."""
        timing = any(demand.pending for demand in self._open_demand.values())
        return Instant(0) if timing else self._annunciator.next_due

    def withdrawals(self, by: str, comment: str, now: Instant) -> list[Event]:
        """What closes every alarm and demand whose rule or interlock is no longer in force; not yet taken.

        Nothing else could ever end them. Tickets stay as they are: they are a person's.
        """
        events: list[Event] = []
        for state in self.states.alarms.values():
            rule = self._by_id.get(state.alarm)
            if state.standing and (rule is None or rule.shadow):
                events.append(alarm.withdraw(state, by, comment, now))
        for demand in self._open_demand.values():
            if demand.interlock not in self._interlock_at:
                events += interlock.withdraw(demand, by, comment, now)
        return events

    def follow(self, earlier: Engine, warmed: PointTable | None = None) -> frozenset[str]:
        """Before the first tick after a reload: go on where the engine before it stands; the ids that do so whole.

        `warmed`: the points as they are now, if the program has seen the past already: it then steps to where the
        earlier one is. What was seen is not news again.
        """
        state = earlier._program.state()
        adopted: frozenset[str] = frozenset()
        if state is not None:
            if warmed is not None:
                self._program.step(warmed.columns(state.now), state.now)
            adopted = self._program.adopt(state)
        seen = {(rule.id, rule.shadow): truth for rule, truth in zip(earlier.rules, earlier._truth)}
        self._truth[:] = [seen.get((rule.id, rule.shadow), NOT_YET) for rule in self.rules]
        return adopted

    def _alarm(self, alarm_id: str) -> AlarmState:
        if alarm_id not in self._by_id and alarm_id not in self.states.alarms:
            raise UnknownSubject("alarm", alarm_id)
        return self.states.alarms.get(alarm_id, AlarmState(alarm_id))

    def _subject(self, alarm_id: str) -> suppression.Subject:
        """The alarm as suppression sees it; one whose rule is gone counts as grave as can be."""
        state, rule = self._alarm(alarm_id), self._by_id.get(alarm_id)
        priority = Priority.CRITICAL if rule is None else rule.priority
        return suppression.Subject(alarm_id, state.occurrence, priority, state.suppression)

    def _changed(self, truth: np.ndarray[tuple[int], np.dtype[np.uint8]], now: Instant) -> list[int]:
        """Columns whose truth is another than at the last tick; a start is not a change until it settles."""
        if not self._settled:
            self._settled = now - self._started >= SETTLE
            if not self._settled:
                early = (self._truth == NOT_YET) & (truth == Truth.UNKNOWN)
                truth = np.where(early, NOT_YET, truth)
        changed = np.nonzero(truth != self._truth)[0]
        first_known = (self._truth == NOT_YET) & (truth == Truth.FALSE)
        quiet = {
            int(index)
            for index in np.nonzero(first_known)[0]
            if not _stands(self.states, self.rules[index].id) and not self.rules[index].shadow
        }
        self._truth = truth.copy()
        return [int(index) for index in changed if int(index) not in quiet]

    def _observation(
        self, rule: RuleInstance, state: AlarmState, truth: Truth, since: Instant, table: PointTable, now: Instant
    ) -> alarm.Observation:
        if not alarm.raises(state, truth):
            return alarm.Observation(truth, since, now)
        place = self._annunciator.first_out.place(rule.id, since)
        return alarm.Observation(truth, since, now, _readings(table, rule.points), place.first_out, place.tie)

    def _alarm_events(self, rule: RuleInstance, state: AlarmState, seen: alarm.Observation) -> list[Event]:
        """What follows from a condition, and what it changes for the alarms that were first until now."""
        events = alarm.observe(self._site, rule, state, seen)
        if alarm.raises(state, seen.truth):
            events += self._annunciator.first_out.revisions(rule.id, seen.since, self.states.alarms, seen.now)
        return events

    def _moving(self, conditions: Conditions) -> list[InterlockInstance]:
        """Interlocks with a cause or an open demand, in the program's order; nothing follows from any other."""
        caused = self._cause_of[conditions.truth[self._cause_column] == np.uint8(Truth.TRUE)]
        demanded = (self._interlock_at[each] for each in self._open_demand if each in self._interlock_at)
        return [self.interlocks[at] for at in sorted({*caused.tolist(), *demanded})]

    def _interlock(
        self, row: InterlockInstance, conditions: Conditions, table: PointTable, now: Instant
    ) -> list[Event]:
        truth, since = conditions.truth, conditions.since
        causes = sorted(
            (
                interlock.Cause(self.rules[column].id, Instant(int(since[column])), self.rules[column].hash)
                for column in row.causes
                if truth[column] == Truth.TRUE
            ),
            key=lambda cause: cause.onset,
        )
        demand = self._open_demand.get(row.id)
        if demand is None and not causes:
            return []
        seen = interlock.Circumstances(
            causes=tuple(causes),
            cause_unknown=any(truth[column] == Truth.UNKNOWN for column in row.causes),
            engaged=Truth.TRUE if row.engaged is None else Truth(int(truth[row.engaged])),
            feedback=tuple(
                interlock.Feedback(Truth(int(truth[effect.condition])), Instant(int(since[effect.condition])))
                for effect in row.effects
            ),
            now=now,
            readings=_readings(table, (point for column in row.causes for point in self.rules[column].points)),
            earlier=self.states.demands,
        )
        return interlock.observe(self._site, row, demand, seen)

    def _with_proofs(
        self, conditions: Conditions, now: Instant
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Rule truths, followed by the truth of 'this interlock did not do what it must'."""
        rules, interlocks = len(self._program.rules), len(self.interlocks)
        truth = np.full(interlocks, Truth.FALSE, dtype=np.uint8)
        since = np.full(interlocks, now, dtype=np.int64)
        for demand in self._open_demand.values():
            at = self._interlock_at.get(demand.interlock)
            if at is not None:
                truth[at] = Truth.TRUE if demand.broken else Truth.FALSE
                since[at] = demand.demanded_at
        return (
            np.concatenate([conditions.truth[:rules], truth]),
            np.concatenate([conditions.since[:rules], since]),
        )

    def _tickets(self, events: Sequence[Event], now: Instant) -> list[Event]:
        """Tickets for what was raised, and for what stands although nothing expects it any more."""
        raised = [event for event in events if isinstance(event, AlarmRaised)]
        states = self.states.alarms
        expected = {event.alarm for event in raised if states[event.alarm].suppression.expected}
        self._owed |= expected
        filed = [self._filed(event) for event in raised if event.alarm not in expected]
        for owed in [each for each in self._owed if each not in expected]:
            state, rule = states[owed], self._by_id.get(owed)
            if state.active and state.suppression.expected:
                continue
            self._owed.discard(owed)
            if state.active and rule is not None and not rule.shadow:
                filed.append(self._filed(alarm.raised(rule, state, now)))
        return [event for event in filed if event is not None]

    def _filed(self, raised: AlarmRaised) -> Event | None:
        rule = self._by_id[raised.alarm]
        if rule.ticket is None:
            return None
        filing = ticket.Filing(
            site=self._site,
            area=self._areas.get(rule.equipment, ""),
            grade=rule.ticket,
            evidence_points=tuple(self._point_ids[point] for point in rule.points),
            standing=self._open_ticket.get(rule.id),
            previous=self._closed_ticket.get(rule.id),
        )
        return ticket.on_alarm(raised, filing)

    def preview(self, events: Iterable[Event]) -> Standing:
        """The states that these events touch, as they would be afterwards; nothing is taken."""
        events = list(events)
        touched, now = states_of(events), self.states
        ahead = Standing(
            alarms={i: now.alarms[i] for i in touched[StateKind.ALARM] if i in now.alarms},
            demands={i: now.demands[i] for i in touched[StateKind.DEMAND] if i in now.demands},
            tickets={i: now.tickets[i] for i in touched[StateKind.TICKET] if i in now.tickets},
            checks={i: now.checks[i] for i in touched[StateKind.CHECK] if i in now.checks},
        )
        for event in events:
            fold(ahead, event)
        return ahead

    def _take(self, events: list[Event]) -> list[Event]:
        for event in events:
            changed = fold(self.states, event)
            if isinstance(changed, AlarmState):
                self._annunciator.note(changed)
            elif isinstance(changed, Ticket):
                self._index_ticket(changed)
            elif isinstance(changed, Demand):
                self._index_demand(changed, new=isinstance(event, InterlockDemanded))
        return events

    def _index_ticket(self, moved: Ticket) -> None:
        if moved.standing:
            self._open_ticket[moved.rule] = moved
        else:
            self._open_ticket.pop(moved.rule, None)
            self._closed_ticket[moved.rule] = moved.id

    def _index_demand(self, demand: Demand, *, new: bool) -> None:
        if demand.standing:
            self._open_demand[demand.interlock] = demand
        elif self._open_demand.get(demand.interlock, demand).id == demand.id:
            self._open_demand.pop(demand.interlock, None)
        if new and len(self.states.demands) > DEMANDS_KEPT:
            ended = next((d.id for d in self.states.demands.values() if not d.standing), None)
            if ended is not None:
                del self.states.demands[ended]


def _stands(states: Standing, alarm_id: str) -> bool:
    state = states.alarms.get(alarm_id)
    return state is not None and state.standing


def _readings(table: PointTable, points: Iterable[int]) -> tuple[Reading, ...]:
    return tuple(table.reading(point) for point in dict.fromkeys(points))


def _without_trials(row: InterlockInstance, program: Program) -> InterlockInstance:
    """A rule on trial demands nothing."""
    return replace(row, causes=tuple(column for column in row.causes if not program.rules[column].shadow))


def _on_trial(site: str, rule: RuleInstance, truth: Truth, since: Instant, now: Instant) -> Event:
    return TrialChanged(
        id=identity(site, rule.id, "trial", truth.name, since, now),
        at=now,
        rule=rule.id,
        equipment=rule.equipment,
        truth=truth,
        since=since,
        rule_hash=rule.hash,
    )
