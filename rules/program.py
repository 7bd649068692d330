"""A compiled rule set at work: the graph laid out in columns, one call of `step` a tick, or of `scan` for many.

Pure: no clock, no I/O; the same columns and times give the same bits, however they are cut into calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.errors import Problem
from gateway.plant.criteria import LimitKind
from gateway.rule import (
    Conditions,
    ConditionTrace,
    InterlockInstance,
    PointColumns,
    ProgramState,
    RuleInstance,
    Trace,
)
from gateway.sample import Bytes, Instant, Instants, PointIndex
from rules.graph import Graph, NodeId
from rules.kernels.block import Block, fill, shifted
from rules.kernels.frame import UNKNOWN, Booleans, Numbers, Truths, pick, slots
from rules.kernels.memories import Latch
from rules.layout import lay_out

BLOCK = 16_384
"""Ticks that a scan takes at a time, so that what it works on stays in the processor's cache."""

_STEP_KERNEL, _STEP_ELEMENT = 18.0, 0.001
_SCAN_NODE, _SCAN_ELEMENT = 42.0, 0.012
"""Microseconds, roughly; on them depends only which back-end is the cheaper one."""


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit as it holds for one equipment: the pack's default or the plant file's own."""

    equipment: str
    kind: LimitKind
    value: float
    unit: str
    source: str
    overridden: bool


@dataclass(frozen=True, slots=True)
class Skipped:
    """A rule, interlock or effect that could not be had on an equipment, for want of points."""

    rule: str
    """Id of the rule or interlock, or `<interlock>/<effect>`."""
    equipment: str
    missing: tuple[str, ...]
    """Names of what it would need, as its expression writes them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the program costs; fixed when it is compiled."""

    rules: int
    interlocks: int
    nodes: int
    groups: int
    """Kernels, each a handful of array operations a tick."""
    memory: int
    """Bytes of state, indices and outcomes."""
    operations: int
    """Array elements that a tick touches, at most."""
    horizon: int
    """Microseconds of history after which every node is warm."""


class CompiledProgram:
    """A `gateway.rule.Program` with what else is known of it."""

    def __init__(
        self,
        graph: Graph,
        conditions: Sequence[NodeId],
        rules: Sequence[RuleInstance],
        interlocks: Sequence[InterlockInstance],
        *,
        skipped: Sequence[Skipped] = (),
        warnings: Sequence[Problem] = (),
        limits: Sequence[LimitInForce] = (),
        point_limits: Mapping[PointIndex, Sequence[LimitInForce]] | None = None,
        hash_: str = "",
        point_keys: Sequence[str] = (),
    ) -> None:
        self._rules, self._interlocks = tuple(rules), tuple(interlocks)
        self.skipped, self.warnings = tuple(skipped), tuple(warnings)
        self.limits = tuple(limits)
        self.point_limits: Mapping[PointIndex, Sequence[LimitInForce]] = point_limits or {}
        self.hash = hash_
        """Of every rule and interlock instance: what `GatewayStarted.rules_hash` is."""
        self._graph = graph
        self._nodes = tuple(conditions)
        self._keys = graph.keys(point_keys)
        self.forget()
        self._conditions = slots([self._layout.places[node].slot for node in conditions]) if conditions else slice(0, 0)
        horizons = graph.horizons()
        self.horizon = max((horizons[node] for node in conditions), default=0)

    def forget(self) -> None:
        """Be as before the first tick."""
        self._layout = lay_out(self._graph)
        self._unknown = _UnknownSince(len(self._nodes))
        self._begun = np.zeros(len(self._graph), dtype=np.bool_)
        """The nodes that have seen a tick, here or in the program that this one took over from."""
        self._now: Instant | None = None

    @property
    def rules(self) -> Sequence[RuleInstance]:
        return self._rules

    @property
    def interlocks(self) -> Sequence[InterlockInstance]:
        return self._interlocks

    def resume(self, standing: Mapping[str, Instant]) -> None:
        """Before the first step: the rules whose condition stood when the last run ended, and its onset."""
        for rule in self._rules:
            place = self._layout.places[self._nodes[rule.index]]
            latch = self._layout.kernels[place.kernel]
            if rule.id in standing and isinstance(latch, Latch):
                latch.resume(place.row, standing[rule.id])

    def step(self, columns: PointColumns, now: Instant) -> Conditions:
        """Advance every node by one tick; raises ValueError if `now` runs backwards."""
        self._reach(now, now)
        frame = self._layout.frame
        with np.errstate(all="ignore"):
            for kernel in self._layout.kernels:
                kernel.step(frame, columns, now)
        truth = pick(frame.truth, self._conditions)
        if isinstance(self._conditions, slice):
            truth = np.array(np.broadcast_to(truth, len(self._nodes)))
        return Conditions(truth, self._unknown.apply(truth, pick(frame.onset, self._conditions), now))

    def scan(self, trace: Trace) -> ConditionTrace:
        """Advance every node by many ticks; the same bits as a step for each.

        Raises ValueError if the trace's times run backwards or begin before the last tick.
        """
        shape = (len(self._nodes), len(trace.now))
        truth, since = np.empty(shape, dtype=np.uint8), np.empty(shape, dtype=np.int64)
        if len(trace.now) and (np.diff(trace.now) < 0).any():
            raise ValueError("expected times that never run backwards")
        for begin in range(0, len(trace.now), BLOCK):
            ticks = slice(begin, begin + BLOCK)
            self._scan_block(_part(trace, ticks), truth[:, ticks], since[:, ticks])
        return ConditionTrace(truth, since)

    def catch_up(self, trace: Trace) -> None:
        """Advance every node by many ticks, by whichever back-end is the cheaper; what is remembered is the same."""
        if not self._steps_are_cheaper(len(trace.now)):
            self.scan(trace)
            return
        for tick, now in enumerate(trace.now.tolist()):
            self.step(trace.at(tick), Instant(now))

    def _steps_are_cheaper(self, ticks: int) -> bool:
        """A step pays for kernels, a scan for nodes: many nodes and few ticks are better stepped."""
        kernels, nodes = self._layout.kernels, len(self._graph)
        elements = sum(kernel.passes * kernel.nodes.count for kernel in kernels)
        steps = ticks * (len(kernels) * _STEP_KERNEL + elements * _STEP_ELEMENT)
        return steps < nodes * (_SCAN_NODE + ticks * _SCAN_ELEMENT)

    def _scan_block(self, trace: Trace, truth: Bytes, since: Instants) -> None:
        """Node by node; an outcome is let go of after its last reader."""
        before = self._reach(Instant(int(trace.now[0])), Instant(int(trace.now[-1])))
        block = Block(trace, before)
        columns = self._columns()
        readers = self._readers()
        outcomes: dict[NodeId, Numbers | Truths] = {}
        with np.errstate(all="ignore"):
            for node, place in enumerate(self._layout.places):
                arguments = self._graph.arguments[node]
                kernel = self._layout.kernels[place.kernel]
                outcome = kernel.scan(place.row, [outcomes[argument] for argument in arguments], block)
                if isinstance(outcome, Truths):
                    for column in columns.get(node, ()):
                        truth[column] = outcome.truth
                        since[column] = self._unknown.trace(column, outcome.truth, outcome.column, trace.now)
                outcomes[node] = outcome
                for argument in (*arguments, node):
                    readers[argument] -= 1
                    if not readers[argument]:
                        del outcomes[argument]
        for kernel in self._layout.kernels:
            kernel.settle(Instant(int(trace.now[-1])))

    def _columns(self) -> dict[NodeId, list[int]]:
        columns: dict[NodeId, list[int]] = {}
        for column, node in enumerate(self._nodes):
            columns.setdefault(node, []).append(column)
        return columns

    def _readers(self) -> list[int]:
        """How many nodes read each, itself included."""
        readers = [1] * len(self._graph)
        for arguments in self._graph.arguments:
            for argument in arguments:
                readers[argument] += 1
        return readers

    def _reach(self, first: Instant, last: Instant) -> Instant | None:
        """Move on to a tick, or over a block of them; the tick before."""
        before = self._now
        if before is not None and first < before:
            raise ValueError(f"expected a time at or after {before}, got {first}")
        self._now = last
        if not self._begun.all():
            for kernel, rows in zip(self._layout.kernels, self._fresh()):
                kernel.begin(rows, first)
            self._begun[:] = True
        return before

    def _fresh(self) -> list[Booleans]:
        fresh = [np.zeros(kernel.nodes.count, dtype=np.bool_) for kernel in self._layout.kernels]
        for node, place in enumerate(self._layout.places):
            fresh[place.kernel][place.row] = not self._begun[node]
        return fresh

    def state(self) -> ProgramState | None:
        """What every node remembers, by what it computes; None before the first tick."""
        if self._now is None:
            return None
        groups = tuple(tuple(column.copy() for column in kernel.states()) for kernel in self._layout.kernels)
        places = {key: (place.kernel, place.row) for key, place in zip(self._keys, self._layout.places)}
        since = self._unknown.standing()
        unknown = {self._keys[self._nodes[column]]: at for column, at in since.items()}
        return ProgramState(self._now, groups, places, unknown)

    def adopt(self, state: ProgramState) -> frozenset[str]:
        """Take over what like nodes of another program remember, before the first tick or at its own last one.

        Returns the ids of the rules and interlocks of which every node was taken over; the others keep what they
        have. Raises ValueError for a program that stands at another tick.
        """
        if self._now is not None and self._now != state.now:
            raise ValueError(f"expected a program that has seen no tick, or one at {state.now}, got {self._now}")
        taken = np.zeros(len(self._graph), dtype=np.bool_)
        self._now = state.now
        for kernel in self._layout.kernels:
            kernel.settle(state.now)
        pairs: dict[tuple[int, int], tuple[list[int], list[int]]] = {}
        for node, (key, place) in enumerate(zip(self._keys, self._layout.places)):
            found = state.places.get(key)
            if found is not None:
                mine, theirs = pairs.setdefault((place.kernel, found[0]), ([], []))
                mine.append(place.row)
                theirs.append(found[1])
                taken[node] = True
        for (own, group), (mine, theirs) in pairs.items():
            for now, before in zip(self._layout.kernels[own].states(), state.groups[group]):
                now[..., mine] = before[..., theirs]
        self._begun |= taken
        for column, node in enumerate(self._nodes):
            if taken[node] and self._keys[node] in state.unknown:
                self._unknown.stand(column, state.unknown[self._keys[node]])
        return self._adopted(taken)

    def _adopted(self, taken: Booleans) -> frozenset[str]:
        # A key covers all that a node is worked out from, so that a known node has known arguments.
        rules = [rule.id for rule in self._rules if taken[self._nodes[rule.index]]]
        interlocks = []
        for interlock in self._interlocks:
            columns = [*interlock.causes, *(effect.condition for effect in interlock.effects)]
            columns += [interlock.engaged] if interlock.engaged is not None else []
            interlocks += [interlock.id] if all(taken[self._nodes[column]] for column in columns) else []
        return frozenset((*rules, *interlocks))

    def plan(self) -> Plan:
        """What the program costs at most, known before it runs."""
        kernels = self._layout.kernels
        return Plan(
            rules=len(self._rules),
            interlocks=len(self._interlocks),
            nodes=len(self._graph),
            groups=len(kernels),
            memory=sum(kernel.bytes() for kernel in kernels) + self._layout.frame.bytes(),
            operations=sum(kernel.passes * kernel.nodes.count for kernel in kernels),
            horizon=self.horizon,
        )


class _UnknownSince:
    """The tick at which each condition last turned UNKNOWN."""

    def __init__(self, count: int) -> None:
        self._was = np.zeros(count, dtype=np.bool_)
        self._since = np.zeros(count, dtype=np.int64)

    def apply(self, truth: Bytes, onset: Instants, now: Instant) -> Instants:
        """The onsets, with that tick in place of the onset wherever the truth is UNKNOWN."""
        unknown = truth == UNKNOWN
        np.copyto(self._since, now, where=unknown & ~self._was)
        self._was[:] = unknown
        return np.where(unknown, self._since, onset)

    def trace(self, column: int, truth: Bytes, onset: Instants, now: Instants) -> Instants:
        """The same for one condition at many ticks."""
        unknown = truth == UNKNOWN
        turns = np.flatnonzero(unknown & ~shifted(unknown, self._was[column]))
        since = fill(self._since[column], turns, now[turns], len(now))
        self._was[column], self._since[column] = unknown[-1], since[-1]
        return np.where(unknown, since, onset)

    def standing(self) -> dict[int, Instant]:
        return {int(column): Instant(int(self._since[column])) for column in np.flatnonzero(self._was)}

    def stand(self, column: int, since: Instant) -> None:
        self._was[column], self._since[column] = True, since


def _part(trace: Trace, ticks: slice) -> Trace:
    """Some ticks of a trace, as views."""
    return Trace(
        trace.now[ticks],
        trace.value[:, ticks],
        trace.quality[:, ticks],
        trace.reason[:, ticks],
        trace.source_time[:, ticks],
        trace.receive_time[:, ticks],
    )
