"""Random formulas and random traces: what the laws of the rule engine are tested over.

A formula is a tree that any evaluator can walk: the graph's kernels, a plain oracle, another project's monitor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from hypothesis import strategies as st

from gateway.rule import PointColumns, Trace
from gateway.sample import SECOND, Instant, Quality
from rules.graph import ALWAYS, NUMERIC, Graph, NodeId, Op, VoteMode
from rules.program import CompiledProgram

T = TypeVar("T")
POINTS = 3
START = 1_800_000_000 * SECOND
LIMITS = (-1.0, 0.0, 1.0, 2.0)


@dataclass(frozen=True)
class Formula:
    op: Op
    arguments: tuple[Formula, ...] = ()
    parameters: tuple[float, ...] = ()

    def add(self, graph: Graph) -> NodeId:
        return graph.add(self.op, tuple(each.add(graph) for each in self.arguments), self.parameters)

    def __str__(self) -> str:
        inside = [*map(str, self.arguments), *(f"{parameter:g}" for parameter in self.parameters)]
        return f"{self.op}({', '.join(inside)})"

    def walk(self) -> Iterator[Formula]:
        yield self
        for argument in self.arguments:
            yield from argument.walk()


def compiled(*formulas: Formula) -> CompiledProgram:
    graph = Graph()
    return CompiledProgram(graph, [formula.add(graph) for formula in formulas], (), ())


def number_of(program: CompiledProgram) -> float:
    """The number that the only condition of a program asks to be known."""
    (argument,) = program._graph.arguments[program._nodes[0]]
    return float(program._layout.frame.value[program._layout.places[argument].slot])


def point(index: int) -> Formula:
    return Formula(Op.POINT, (), (float(index),))


def number(value: float) -> Formula:
    return Formula(Op.CONST, (), (value,))


def above(index: int, limit: float) -> Formula:
    return Formula(Op.GT, (point(index), number(limit)))


DURATIONS = (1, SECOND // 2, *(n * SECOND for n in range(1, 9)), 13 * SECOND + 1, 60 * SECOND)
SLICES = (1, 2, 3, 16)
_COMPARISONS = (Op.GT, Op.GE, Op.LT, Op.LE, Op.EQ, Op.NE)
_TWO = (Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.LESSER, Op.GREATER)
_WINDOWS = (Op.MIN, Op.MAX, Op.AVG, Op.SPREAD, Op.SLOPE)
_SOUND = (Op.GT, Op.NOT, Op.AND, Op.OR, Op.ONCE, Op.ONCE, Op.SINCE, Op.SINCE, Op.COUNT_AT_LEAST, Op.STUCK, Op.VOTE)
_DELAYS = (Op.ON_DELAY, Op.OFF_DELAY)
_OTHERS = (*_DELAYS, Op.LATCH, Op.RISES, Op.CHANGED, Op.KNOWN, Op.BAD_IS, Op.REASON, Op.OVERDUE, Op.DOSE)
PAST = frozenset({Op.NOT, Op.AND, Op.OR, Op.ONCE, Op.SINCE})
"""What other projects' monitors know as well."""


class Draw:
    """Draws formulas evenly over the operations; what is drawn depends on the seed alone."""

    def __init__(self, seed: int, *, sound: bool = False, of: frozenset[Op] | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._sound = sound
        """Promise that a known outcome holds whatever the unknown values were."""
        self._ops = [op for op in (_SOUND if sound else (*_SOUND, *_OTHERS)) if of is None or op in of]

    def truth(self, depth: int) -> Formula:
        if depth == 0:
            return self._compare(int(self._rng.integers(3)))
        op = self._one(self._ops)
        if op is Op.GT:
            return self._compare(2)
        if op in {Op.STUCK, Op.CHANGED, Op.KNOWN, Op.DOSE}:
            return self._of_number(op)
        if op in {Op.REASON, Op.OVERDUE}:
            point, reason = float(self._rng.integers(POINTS)), float(self._rng.integers(12))
            due = float(START + int(self._rng.integers(60)) * SECOND)
            return Formula(op, (), (point, reason) if op is Op.REASON else (due,))
        if op is Op.VOTE:
            count = int(self._rng.integers(2, 5))
            mode = VoteMode.PLAIN if self._sound else float(self._rng.integers(3))
            ballots = tuple(self.truth(depth - 1) for _ in range(count))
            return Formula(op, ballots, (float(self._rng.integers(1, count + 1)), mode))
        two = op in {Op.AND, Op.OR, Op.SINCE, Op.LATCH}
        arguments = tuple(self.truth(depth - 1) for _ in range(1 + two))
        return Formula(op, arguments, self._parameters(op))

    def number(self, depth: int) -> Formula:
        kind = self._rng.integers(2 if depth == 0 else 4 if self._sound else 6)
        if kind == 0:
            return point(int(self._rng.integers(POINTS)))
        if kind == 1:
            age = not self._sound and self._rng.random() < 0.2
            return Formula(Op.AGE, (), (float(self._rng.integers(POINTS)),)) if age else number(self._one(LIMITS))
        first = self.number(depth - 1)
        if kind == 2:
            return Formula(self._one(_TWO), (first, self.number(depth - 1)))
        if kind == 3:
            some = self._rng.random() < 0.5
            return Formula(Op.ABS, (first,)) if some else Formula(Op.AFFINE, (first,), (-2.0, 1.0))
        window = Formula(self._one(_WINDOWS), (first,), (self._duration(), float(self._one(SLICES))))
        return Formula(Op.TTT, (first, number(self._one(LIMITS)), window)) if kind == 5 else window

    def _compare(self, depth: int) -> Formula:
        if self._rng.random() < 0.5:
            return Formula(self._one(_COMPARISONS), (self.number(depth), number(self._one(LIMITS))))
        return Formula(self._one(_COMPARISONS), (self.number(depth), self.number(depth)))

    def _of_number(self, op: Op) -> Formula:
        if op is Op.DOSE:
            limit = number(self._one(LIMITS))
            return Formula(op, (self.number(1), limit), (self._duration(), float(self._one(SLICES))))
        return Formula(op, (self.number(1),), (self._duration(),) if op is Op.STUCK else ())

    def _parameters(self, op: Op) -> tuple[float, ...]:
        if op in {Op.ONCE, Op.SINCE}:
            return self.bounds()
        if op is Op.COUNT_AT_LEAST:
            return (float(self._rng.integers(1, 5)), self._duration())
        if op is Op.BAD_IS:
            return (float(self._rng.integers(2)),)
        return (self._duration(),) if op in _DELAYS else ()

    def bounds(self) -> tuple[float, float]:
        """The [a, b] of an operator that looks back, both ends included."""
        a = 0 if self._rng.random() < 0.4 else int(self._duration())
        if self._rng.random() < 0.25:
            return float(a), ALWAYS
        return float(a), float(a + max(int(self._duration()), a // 60 + 1))

    def _duration(self) -> float:
        return float(self._one(DURATIONS))

    def _one(self, among: Sequence[T]) -> T:
        return among[int(self._rng.integers(len(among)))]


def truths(depth: int, *, sound: bool = False, of: frozenset[Op] | None = None) -> st.SearchStrategy[Formula]:
    """Conditions of a depth at most."""
    return st.integers(0, 2**40).map(lambda seed: Draw(seed, sound=sound, of=of).truth(depth))


def exact(formula: Formula) -> bool:
    """Whether all of its sums are of whole numbers, so that any order of adding gives the same."""
    return not any(each.op in {Op.SLOPE, Op.TTT, Op.DIV, Op.AVG, Op.DOSE} for each in formula.walk())


def is_number(formula: Formula) -> bool:
    return formula.op in NUMERIC


@dataclass(frozen=True)
class Script:
    """How a trace is drawn: small whole values at irregular ticks, with everything that plants do to them."""

    seed: int
    ticks: int
    lost: float
    """Share of values that are not to be used."""
    calm: float
    """Share of ticks at which a value stays as it is."""

    def trace(self) -> Trace:
        rng = np.random.default_rng(self.seed)
        ticks, shape = self.ticks, (POINTS, self.ticks)
        pauses = rng.choice([0, 1, SECOND // 3, SECOND, SECOND, SECOND, 2 * SECOND, 7 * SECOND], ticks)
        pauses[rng.random(ticks) < 0.02] = 400 * SECOND
        now = START + np.cumsum(pauses)
        value = rng.integers(-2, 4, shape).astype(np.float64)
        stays = rng.random(shape) < self.calm
        for tick in range(1, ticks):
            value[stays[:, tick], tick] = value[stays[:, tick], tick - 1]
        quality = np.where(rng.random(shape) < self.lost, rng.integers(1, 4, shape), 0).astype(np.uint8)
        odd = rng.random(shape) < self.lost / 4
        value[odd] = rng.choice([np.nan, np.inf, -np.inf, -0.0, 1e308, 0.1], int(odd.sum()))
        reason = np.where(quality > 0, rng.integers(1, 12, shape), 0).astype(np.uint8)
        late = rng.choice([0, 0, 1, SECOND, 5 * SECOND, -3600 * SECOND], shape)
        return Trace(now, value, quality, reason, now - late, np.broadcast_to(now, shape))


SCRIPTS = st.builds(
    Script,
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 7, 25, 60, 60, 90]),
    st.sampled_from([0.0, 0.1, 0.5]),
    st.sampled_from([0.0, 0.5, 0.9]),
)


def at(trace: Trace, tick: int) -> tuple[PointColumns, Instant]:
    """What `step` is given at a tick of a trace."""
    columns = (trace.value, trace.quality, trace.reason, trace.source_time, trace.receive_time)
    return PointColumns(*(column[:, tick].copy() for column in columns)), Instant(int(trace.now[tick]))


def part(trace: Trace, ticks: slice) -> Trace:
    columns = (trace.value, trace.quality, trace.reason, trace.source_time, trace.receive_time)
    return Trace(trace.now[ticks], *(column[:, ticks] for column in columns))


def joined(traces: Sequence[Trace]) -> Trace:
    fields = ("value", "quality", "reason", "source_time", "receive_time")
    columns = [np.concatenate([getattr(trace, name) for trace in traces], axis=1) for name in fields]
    return Trace(np.concatenate([trace.now for trace in traces]), *columns)


def usable(trace: Trace) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return (trace.quality <= Quality.UNCERTAIN) & np.isfinite(trace.value)
