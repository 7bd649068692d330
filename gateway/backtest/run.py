"""One rule set over a stretch of the past: conditions by the batch back-end, alarms by the machines that run live.

Pure: told the samples and the times. Nobody acknowledges in it, and nothing leaves it but its outcome.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gateway.engine import SETTLE, Engine
from gateway.event import Event
from gateway.events.changeover import TrialChanged
from gateway.kpi import Episode, episodes
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.plant.model import Plant
from gateway.point_table import PointTable
from gateway.rule import (
    Conditions,
    ConditionTrace,
    InterlockInstance,
    PointColumns,
    Priority,
    Program,
    ProgramState,
    RuleInstance,
    Trace,
    Truth,
)
from gateway.sample import Instant, Instants, SampleBatch
from gateway.standing import Standing
from gateway.trace import HEARTBEAT, RESOLUTION, TraceBuilder
from gateway.trial_log import TrialLog

TRACE_BYTES = 96_000_000
"""What the columns of one piece of a trace may take."""

_PER_POINT, _PER_CONDITION = 40, 20
"""Bytes a tick, temporary columns included."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule set would have said of a stretch."""

    start: Instant
    end: Instant
    rules: tuple[RuleInstance, ...]
    episodes: tuple[Episode, ...]
    """Annunciations that touch the stretch, those of the time before that still stood included."""
    trials: tuple[Episode, ...]
    """What rules on trial would have raised: never annunciated, and in no figure."""
    demands: int
    tickets: int
    unknown: Mapping[str, int]
    """By rule instance: for how long its condition could not be evaluated (microseconds); 0 is left out."""
    ticks: int


class Run:
    """Feed samples in order of receipt, `advance` to a time, and take the outcome at the end."""

    def __init__(
        self,
        plant: Plant,
        program: Program,
        begin: Instant,
        start: Instant,
        *,
        resolution: int = RESOLUTION,
        heartbeat: int = HEARTBEAT,
    ) -> None:
        """`begin` is before `start` by as much as windows need to be warm; what is said counts from `start`."""
        self._start, self._begin, self._program = start, begin, program
        self._builder = TraceBuilder(plant.points, begin, resolution=resolution, heartbeat=heartbeat)
        self._played = _Played(program)
        self._table = _TraceTable(plant)
        # No person is in the samples: without records of theirs a calendar would call every proof overdue.
        self._engine = Engine(replace(plant, interlocks=InterlockPolicy()), self._played, Standing(), begin)
        conditions = _columns_of(program)
        row = len(plant.points) * _PER_POINT + conditions * _PER_CONDITION
        self._most = max(64, min(65_536, TRACE_BYTES // row))
        self._last_truth: NDArray[np.uint8] | None = None
        self._restless = True
        self._settled = False
        self._unknown = np.zeros(len(program.rules), dtype=np.int64)
        self._open: tuple[int, NDArray[np.bool_]] | None = None
        self._events: list[Event] = []
        self.ticks = 0

    def feed(self, batch: SampleBatch) -> None:
        self._builder.feed(batch)

    def advance(self, end: Instant) -> None:
        """Every tick before `end`; all samples received before it have been fed."""
        for trace in self._builder.take(end, self._most):
            conditions = self._program.scan(trace)
            self.ticks += len(trace.now)
            self._count_unknown(trace, conditions)
            self._decide(trace, conditions)

    def outcome(self, end: Instant) -> Outcome:
        """What was said until `end`."""
        if self._open is not None:
            self._add_unknown(self._open[1], max(self._open[0], self._start), int(end))
            self._open = None
        counted = [event for event in self._events if event.at >= self._start]
        rules = self._engine.rules
        return Outcome(
            start=self._start,
            end=end,
            rules=rules,
            episodes=_touching(episodes(self._events), self._start),
            trials=_touching(_trials(self._events, rules), self._start),
            demands=sum(event.kind == "interlock.demanded" for event in counted),
            tickets=sum(event.kind == "ticket.filed" for event in counted),
            unknown={rule.id: int(time) for rule, time in zip(self._program.rules, self._unknown.tolist()) if time},
            ticks=self.ticks,
        )

    def _decide(self, trace: Trace, conditions: ConditionTrace) -> None:
        """Let the machines see every tick at which something can follow: a change, a deadline, an echo of either."""
        for tick in self._ticks(trace, conditions):
            now = Instant(int(trace.now[tick]))
            self._played.show(conditions, tick)
            self._table.show(trace, tick)
            events = self._engine.tick(self._table, now)
            self._events += events
            self._restless = bool(events)

    def _ticks(self, trace: Trace, conditions: ConditionTrace) -> _Ticks:
        truth = conditions.truth
        changed = np.empty(truth.shape[1], dtype=np.bool_)
        changed[1:] = (truth[:, 1:] != truth[:, :-1]).any(axis=0)
        changed[0] = self._last_truth is None or bool((truth[:, 0] != self._last_truth).any())
        self._last_truth = truth[:, -1].copy()
        if not self._settled:
            settled = np.flatnonzero(trace.now >= self._begin + SETTLE)
            if len(settled):
                changed[settled[0]] = self._settled = True
        return _Ticks(self, np.flatnonzero(changed), trace.now)

    @property
    def restless(self) -> bool:
        """Whether the next tick matters although no condition changes."""
        return self._restless

    @property
    def due(self) -> Instant:
        """When time alone may decide something next."""
        return self._engine.next_due

    def _count_unknown(self, trace: Trace, conditions: ConditionTrace) -> None:
        """A condition is what a tick found until the next tick."""
        truth = conditions.truth[: len(self._unknown)]
        now = np.maximum(trace.now, self._start)
        if self._open is not None:
            self._add_unknown(self._open[1], max(self._open[0], int(self._start)), int(now[0]))
        lasted = np.diff(now)
        for row in np.flatnonzero((truth == Truth.UNKNOWN).any(axis=1)):
            self._unknown[row] += int(lasted[truth[row, :-1] == Truth.UNKNOWN].sum())
        self._open = (int(trace.now[-1]), truth[:, -1] == Truth.UNKNOWN)

    def _add_unknown(self, unknown: NDArray[np.bool_], since: int, until: int) -> None:
        self._unknown[unknown] += max(0, until - since)


class _Ticks:
    """Ticks that matter, worked out as the machines go on: what changed, what is due, the next one while restless."""

    def __init__(self, run: Run, changed: NDArray[np.intp], now: Instants) -> None:
        self._run, self._changed, self._now, self._count = run, changed.tolist(), now, len(now)
        self._next = 0
        self._tick = -1

    def __iter__(self) -> _Ticks:
        return self

    def __next__(self) -> int:
        following = self._tick + 1
        while self._next < len(self._changed) and self._changed[self._next] < following:
            self._next += 1
        if not self._run.restless:
            due = max(following, int(np.searchsorted(self._now, self._run.due)))
            following = min(due, self._changed[self._next] if self._next < len(self._changed) else self._count)
        if following >= self._count:
            raise StopIteration
        self._tick = following
        return following


class _Played:
    """Implements `gateway.rule.Program` for the engine: conditions that are known already, tick by tick."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._conditions: Conditions | None = None

    def show(self, conditions: ConditionTrace, tick: int) -> None:
        self._conditions = Conditions(conditions.truth[:, tick], conditions.since[:, tick])

    @property
    def horizon(self) -> int:
        return self._program.horizon

    @property
    def rules(self) -> Sequence[RuleInstance]:
        return self._program.rules

    @property
    def interlocks(self) -> Sequence[InterlockInstance]:
        return self._program.interlocks

    def resume(self, standing: Mapping[str, Instant]) -> None:
        self._program.resume(standing)

    def step(self, columns: PointColumns, now: Instant) -> Conditions:  # noqa: ARG002 - the contract's shape
        assert self._conditions is not None, "shown before it is asked"  # noqa: S101
        return self._conditions

    def scan(self, trace: Trace) -> ConditionTrace:
        return self._program.scan(trace)

    def catch_up(self, trace: Trace) -> None:
        self._program.catch_up(trace)

    def forget(self) -> None:
        self._program.forget()

    def state(self) -> ProgramState | None:
        return self._program.state()

    def adopt(self, state: ProgramState) -> frozenset[str]:
        return self._program.adopt(state)


class _TraceTable(PointTable):
    """The point table as of one tick of a trace."""

    _shown: PointColumns | None = None

    def show(self, trace: Trace, tick: int) -> None:
        self._shown = self._effective = trace.at(tick)

    def columns(self, now: Instant) -> PointColumns:
        return super().columns(now) if self._shown is None else self._shown


def _columns_of(program: Program) -> int:
    """Condition columns, or a little fewer: rules, effects, and what engages."""
    return len(program.rules) + sum(len(row.effects) + 1 for row in program.interlocks)


def _touching(every: Sequence[Episode], start: Instant) -> tuple[Episode, ...]:
    return tuple(each for each in every if each.cleared_at is None or each.cleared_at >= start)


def _trials(events: Sequence[Event], rules: Sequence[RuleInstance]) -> list[Episode]:
    """As if rules on trial had alarms."""
    priority = {rule.id: rule.priority for rule in rules}
    log = TrialLog()
    for event in events:
        if isinstance(event, TrialChanged):
            log.feed(event)
    return [
        Episode(rule, priority.get(rule, Priority.LOW), each.raised_at, each.cleared_at) for rule, each in log.raises()
    ]
