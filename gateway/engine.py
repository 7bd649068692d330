"""The decisions of one tick: point columns in, events out. The same code live, in back-test and in tests.

Does no I/O and owns no clock. Holds the present states, which are nothing but the fold of the events
that it returned.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from gateway.alarm_desk import AlarmDesk
from gateway.annunciator import Annunciator
from gateway.command_alarms import command_rules
from gateway.duty_desk import DutyDesk
from gateway.event import Event
from gateway.events.changeover import TrialChanged
from gateway.events.interlocks import InterlockDemanded
from gateway.finding_watch import FindingWatch, Sources
from gateway.hazard_desk import HazardDesk
from gateway.identity import identity
from gateway.interlock_alarms import interlock_rules
from gateway.interlock_desk import InterlockDesk
from gateway.machines import alarm
from gateway.machines.alarm import AlarmState
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.ticket import Ticket
from gateway.output_desk import OutputDesk
from gateway.plant.model import Plant
from gateway.point_table import PointTable
from gateway.register_desk import RegisterDesk
from gateway.rule import InterlockInstance, Program, RuleInstance, Truth
from gateway.sample import SECOND, Instant
from gateway.siren_desk import SirenDesk
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
        self.interlocks = tuple(_without_trials(row, program) for row in program.interlocks)
        alarms = interlock_rules(program.rules, self.interlocks)
        commands = command_rules(len(program.rules) + len(alarms), plant, self.interlocks)
        self.rules: tuple[RuleInstance, ...] = (*program.rules, *alarms, *commands)
        self._by_id = {rule.id: rule for rule in self.rules}
        self._truth = np.full(len(self.rules), NOT_YET, dtype=np.uint8)
        self.states = standing
        self.siren_desk = SirenDesk(plant, self._by_id)
        sources = Sources(standing.demands, standing.interlocks, standing.alarms)
        self._findings = FindingWatch(self._site, self.interlocks, sources)
        outputs, demands = standing.outputs, standing.demands
        self.output_desk = OutputDesk(plant, self.interlocks, outputs, demands, self._withheld)
        program.resume({state.alarm: state.onset for state in standing.alarms.values() if state.active})
        self.reindex()

    def reindex(self) -> None:
        """Look at the states anew, after another engine has moved them."""
        plant, standing = self._plant, self.states
        self._annunciator = Annunciator(plant, self.rules, standing.alarms)
        self.alarm_desk = AlarmDesk(plant, self._by_id, standing.alarms)
        self.duty_desk = DutyDesk(plant, standing.checks)
        self.siren_desk.reindex(standing.alarms.values(), standing.checks)
        rules, records = self._program.rules, standing.interlocks
        self.register_desk = RegisterDesk(plant, self.interlocks, rules, records, standing.demands)
        bypassers = self.register_desk.bypassers
        self.hazard_desk = HazardDesk(plant, self._by_id, standing.alarms, standing.tickets, bypassers)
        overdue = self.register_desk.overdue
        self.interlock_desk = InterlockDesk(self._site, self.interlocks, rules, standing.demands, records, overdue)

    def tick(self, table: PointTable, now: Instant) -> list[Event]:
        """What follows from the points as they are now; the states have already moved when it returns."""
        conditions = self._program.step(table.columns(now), now)
        events: list[Event] = self._take(self._annunciator.due(now))
        events += self._take(self.duty_desk.due(now))
        events += self._take(self.hazard_desk.due(now))
        events += self._take(self.register_desk.due(now))
        events += self._take(self._annunciator.designed(conditions, now, settled=now - self._started >= SETTLE))
        for row in self.interlock_desk.moving(conditions):
            events += self._take(self.interlock_desk.observe(row, conditions, table, now))
        events += self._take(self._findings.observe(conditions, now))
        events += self._take(self.output_desk.observe(table, now))
        truth, since = self.output_desk.with_alarms(*self.interlock_desk.with_alarms(conditions, now), now)
        for index in sorted(self._changed(truth, now), key=lambda column: int(since[column])):
            rule = self.rules[index]
            if rule.shadow:
                events.append(_on_trial(self._site, rule, Truth(int(truth[index])), Instant(int(since[index])), now))
                continue
            state = self.states.alarms.get(rule.id, AlarmState(rule.id))
            seen = self._observation(rule, state, Truth(int(truth[index])), Instant(int(since[index])), table, now)
            events += self._take(self._alarm_events(rule, state, seen))
        events += self._take(self.hazard_desk.follows(events, now))
        events += self._take(self.siren_desk.due(now))
        return events

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
        """Before this moment time alone decides nothing; long past while an effect or a command has a deadline."""
        if self.interlock_desk.timing or self.output_desk.timing:
            return Instant(0)
        desks = (self._annunciator, self.hazard_desk, self.register_desk, self.siren_desk, self._findings)
        return min(desk.next_due for desk in desks)

    def withdrawals(self, by: str, comment: str, now: Instant) -> list[Event]:
        """What closes every alarm, demand, bypass and test whose rule or interlock is gone; not yet taken.

        Nothing else could ever end them. Tickets stay as they are: they are a person's.
        """
        events: list[Event] = []
        for state in self.states.alarms.values():
            rule = self._by_id.get(state.alarm)
            if state.standing and (rule is None or rule.shadow):
                events.append(alarm.withdraw(state, by, comment, now))
        events += self.interlock_desk.withdrawals(by, comment, now)
        events += self.register_desk.withdrawals(by, comment, now)
        return [*events, *self._findings.withdrawals(now)]

    def follow(self, earlier: Engine, warmed: PointTable | None = None) -> frozenset[str]:
        """Before the first tick after a reload: go on where the engine before it stands; the ids that do so whole.

        `warmed`: the points as they are now, if the program has seen the past already: it then steps to where the
        earlier one is. What was seen is not news again.
        """
        self.siren_desk.follow(earlier.siren_desk)
        state = earlier._program.state()
        adopted: frozenset[str] = frozenset()
        if state is not None:
            if warmed is not None:
                self._program.step(warmed.columns(state.now), state.now)
            adopted = self._program.adopt(state)
        self.output_desk.follow(earlier.output_desk)
        self._findings.follow(earlier._findings)
        seen = {(rule.id, rule.shadow): truth for rule, truth in zip(earlier.rules, earlier._truth)}
        self._truth[:] = [seen.get((rule.id, rule.shadow), NOT_YET) for rule in self.rules]
        return adopted

    def _withheld(self, equipment: str) -> Sequence[str]:
        return self.register_desk.withheld(equipment)

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
        return alarm.Observation(truth, since, now, table.readings(rule.points), place.first_out, place.tie)

    def _alarm_events(self, rule: RuleInstance, state: AlarmState, seen: alarm.Observation) -> list[Event]:
        """What follows from a condition, and what it changes for the alarms that were first until now."""
        events = alarm.observe(self._site, rule, state, seen)
        if alarm.raises(state, seen.truth):
            events += self._annunciator.first_out.revisions(rule.id, seen.since, self.states.alarms, seen.now)
        return events

    def preview(self, events: Iterable[Event]) -> Standing:
        """The states that these events touch, as they would be afterwards; nothing is taken."""
        events = list(events)
        touched, now = states_of(events), self.states
        ahead = Standing(
            alarms={i: now.alarms[i] for i in touched[StateKind.ALARM] if i in now.alarms},
            demands={i: now.demands[i] for i in touched[StateKind.DEMAND] if i in now.demands},
            tickets={i: now.tickets[i] for i in touched[StateKind.TICKET] if i in now.tickets},
            checks={i: now.checks[i] for i in touched[StateKind.CHECK] if i in now.checks},
            interlocks={i: now.interlocks[i] for i in touched[StateKind.INTERLOCK] if i in now.interlocks},
            outputs={i: now.outputs[i] for i in touched[StateKind.OUTPUT] if i in now.outputs},
        )
        for event in events:
            fold(ahead, event)
        return ahead

    def _take(self, events: list[Event]) -> list[Event]:
        for event in events:
            changed = fold(self.states, event)
            self.siren_desk.hear(event)
            if isinstance(changed, AlarmState):
                self._annunciator.note(changed)
                self.siren_desk.note(changed)
            elif isinstance(changed, Ticket):
                self.hazard_desk.note(changed)
            elif isinstance(changed, InterlockRecord):
                self.register_desk.note(changed)
                self.interlock_desk.note_record(changed)
            elif isinstance(changed, Demand):
                self.interlock_desk.note(changed)
                if isinstance(event, InterlockDemanded):
                    self._forget_demands()
        return events

    def _forget_demands(self) -> None:
        if len(self.states.demands) > DEMANDS_KEPT:
            ended = next((d.id for d in self.states.demands.values() if not d.standing), None)
            if ended is not None:
                del self.states.demands[ended]


def _stands(states: Standing, alarm_id: str) -> bool:
    state = states.alarms.get(alarm_id)
    return state is not None and state.standing


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
