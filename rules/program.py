"""A compiled rule set at work: the graph laid out in columns, one call of `step` a tick.

Pure: no clock, no I/O; the same columns and times give the same bits.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.errors import Problem
from gateway.plant.criteria import LimitKind
from gateway.rule import Conditions, InterlockInstance, PointColumns, RuleInstance
from gateway.sample import Instant, PointIndex
from rules import kernels, stateful
from rules.graph import NUMERIC, Graph, NodeId, Op
from rules.kernels import Frame, Kernel, Nodes


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
    """Bytes of state and indices."""


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
    ) -> None:
        self._rules, self._interlocks = tuple(rules), tuple(interlocks)
        self.skipped, self.warnings = tuple(skipped), tuple(warnings)
        self.limits = tuple(limits)
        self.point_limits: Mapping[PointIndex, Sequence[LimitInForce]] = point_limits or {}
        self.hash = hash_
        """Of every rule and interlock instance: what `GatewayStarted.rules_hash` is."""
        self._graph = graph
        self._slots, self._frame, self._kernels = _layout(graph)
        self._conditions = kernels.slots(conditions, self._slots)
        self._unknown = stateful.UnknownSince(len(conditions))
        self._now: Instant | None = None

    @property
    def rules(self) -> Sequence[RuleInstance]:
        return self._rules

    @property
    def interlocks(self) -> Sequence[InterlockInstance]:
        return self._interlocks

    def resume(self, standing: Mapping[str, Instant]) -> None:
        """Before the first step: the rules whose condition stood when the last run ended, and its onset."""
        latches = [kernel for kernel in self._kernels if isinstance(kernel, stateful.LatchKernel)]
        for rule in self._rules:
            slot = int(self._conditions[rule.index])
            for latch in latches:
                out = latch.nodes.out
                if rule.id in standing and out.start <= slot < out.stop:
                    latch.resume(slot - out.start, standing[rule.id])

    def step(self, columns: PointColumns, now: Instant) -> Conditions:
        """Advance every node by one tick; raises ValueError if `now` runs backwards."""
        if self._now is not None and now < self._now:
            raise ValueError(f"expected a time at or after {self._now}, got {now}")
        self._now = now
        with np.errstate(all="ignore"):
            for kernel in self._kernels:
                kernel.step(self._frame, columns, now)
        truth = self._frame.truth[self._conditions]
        onset = self._frame.onset[self._conditions]
        return Conditions(truth, self._unknown.apply(truth, onset, now))

    def plan(self) -> Plan:
        frame = self._frame
        columns = (frame.value, frame.known, frame.time, frame.truth, frame.onset)
        memory = sum(kernel.memory() for kernel in self._kernels) + sum(column.nbytes for column in columns)
        return Plan(len(self._rules), len(self._interlocks), len(self._graph), len(self._kernels), memory)


def _layout(graph: Graph) -> tuple[list[int], Frame, list[Kernel]]:
    """Slots for every node, so that the nodes of a kernel write to one stretch of the frame."""
    groups: dict[tuple[int, Op], list[NodeId]] = defaultdict(list)
    for node, op in enumerate(graph.ops):
        groups[graph.depths[node], op].append(node)
    slot_of = [0] * len(graph)
    used = {True: 0, False: 0}
    result: list[Kernel] = []
    for (_, op), nodes in sorted(groups.items()):
        numeric = op in NUMERIC
        out = slice(used[numeric], used[numeric] + len(nodes))
        used[numeric] = out.stop
        for position, node in enumerate(nodes):
            slot_of[node] = out.start + position
        arguments = [kernels.slots(column, slot_of) for column in zip(*(graph.arguments[n] for n in nodes))]
        parameters = [np.array(column, dtype=np.float64) for column in zip(*(graph.parameters[n] for n in nodes))]
        result.append(_kernel(op, Nodes(out, tuple(arguments), tuple(parameters))))
    numbers, truths = used[True], used[False]
    frame = Frame(
        np.full(numbers, np.nan),
        np.zeros(numbers, dtype=np.bool_),
        np.zeros(numbers, dtype=np.int64),
        np.full(truths, kernels.UNKNOWN),
        np.zeros(truths, dtype=np.int64),
    )
    return slot_of, frame, result


def _kernel(op: Op, nodes: Nodes) -> Kernel:
    if op in {Op.AFFINE, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.ABS}:
        return kernels.ArithmeticKernel(nodes, op)
    if op in {Op.GT, Op.GE, Op.LT, Op.LE, Op.EQ, Op.NE}:
        return kernels.CompareKernel(nodes, op)
    if op in {Op.MIN, Op.MAX, Op.AVG, Op.SPREAD, Op.SLOPE}:
        return stateful.WindowKernel(nodes, op)
    if op in {Op.AND, Op.OR}:
        return kernels.LogicKernel(nodes, op)
    if op in {Op.HELD, Op.HELD_STRICTLY}:
        return stateful.HeldKernel(nodes, strict=op is Op.HELD_STRICTLY)
    return _PLAIN[op](nodes)


_PLAIN: dict[Op, Callable[[Nodes], Kernel]] = {
    Op.POINT: kernels.PointKernel,
    Op.CONST: kernels.ConstantKernel,
    Op.AGE: kernels.AgeKernel,
    Op.COUNT: stateful.CountKernel,
    Op.KNOWN: kernels.KnownKernel,
    Op.REASON: kernels.ReasonKernel,
    Op.OVERDUE: kernels.OverdueKernel,
    Op.NOT: kernels.NotKernel,
    Op.WITHIN: stateful.WithinKernel,
    Op.RISES: stateful.RisesKernel,
    Op.CHANGED: stateful.ChangedKernel,
    Op.STUCK: stateful.StuckKernel,
    Op.LATCH: stateful.LatchKernel,
}
