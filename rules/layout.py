"""The graph laid out in columns: which kernel computes which nodes, and where each stands in the frame.

Decides nothing about what a node means.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from rules.graph import NUMERIC, WINDOWS, Graph, NodeId, Op
from rules.kernels import logic, memories, numbers, past, windows
from rules.kernels.frame import UNKNOWN, Frame, Kernel, Nodes, slots

_COMPARISONS = frozenset({Op.GT, Op.GE, Op.LT, Op.LE, Op.EQ, Op.NE})
_ARITHMETIC = frozenset({Op.AFFINE, Op.ADD, Op.SUB, Op.MUL, Op.DIV, Op.ABS, Op.LESSER, Op.GREATER})
_ALIKE = WINDOWS | {Op.ONCE, Op.SINCE, Op.COUNT_AT_LEAST}
"""Operations whose nodes share a kernel only if they share their parameters, and so the slices of their windows."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node is worked out, and where its outcome stands."""

    kernel: int
    row: int
    slot: int


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    frame: Frame
    kernels: tuple[Kernel, ...]
    """Those that others read come first."""
    places: tuple[Place, ...]
    """By node."""


def lay_out(graph: Graph) -> Layout:
    """Kernels and their frame: the nodes of a kernel write to one stretch and read, where it can be, from one."""
    groups: dict[tuple[int, str, int, tuple[float, ...]], list[NodeId]] = defaultdict(list)
    for node, op in enumerate(graph.ops):
        alike = graph.parameters[node] if op in _ALIKE else ()
        groups[graph.depths[node], op.value, len(graph.arguments[node]), alike].append(node)
    slot_of = [0] * len(graph)
    places: dict[NodeId, Place] = {}
    used = {True: 0, False: 0}
    laid: list[tuple[Op, list[NodeId], slice]] = []
    for key in sorted(groups):
        op = graph.ops[groups[key][0]]
        nodes = sorted(groups[key], key=lambda node: _order(graph, node, slot_of))
        numeric = op in NUMERIC
        out = slice(used[numeric], used[numeric] + len(nodes))
        used[numeric] = out.stop
        for row, node in enumerate(nodes):
            slot_of[node] = out.start + row
            places[node] = Place(len(laid), row, out.start + row)
        laid.append((op, nodes, out))
    frame = _frame(used[True], used[False])
    kernels = tuple(_kernel(op, _nodes(graph, op, nodes, out, slot_of, frame)) for op, nodes, out in laid)
    return Layout(frame, kernels, tuple(places[node] for node in range(len(graph))))


def _order(graph: Graph, node: NodeId, slot_of: Sequence[int]) -> tuple[float, ...]:
    """Points by index, everything else by where its arguments stand."""
    read = [slot_of[argument] for argument in graph.arguments[node]]
    return (*read, *graph.parameters[node])


def _nodes(graph: Graph, op: Op, nodes: Sequence[NodeId], out: slice, slot_of: Sequence[int], frame: Frame) -> Nodes:
    columns = list(zip(*(graph.arguments[node] for node in nodes)))
    return Nodes(
        out,
        tuple(slots([slot_of[node] for node in column]) for column in columns),
        tuple(graph.ops[argument] in NUMERIC for argument in graph.arguments[nodes[0]]),
        tuple(np.array(column, dtype=np.float64) for column in zip(*(graph.parameters[node] for node in nodes))),
        frame.onset[:0] if op in NUMERIC else frame.onset[out],
    )


def _frame(numeric: int, logical: int) -> Frame:
    return Frame(
        np.full(numeric, np.nan),
        np.zeros(numeric, dtype=np.bool_),
        np.zeros(numeric, dtype=np.int64),
        np.full(logical, UNKNOWN),
        np.zeros(logical, dtype=np.int64),
    )


def _kernel(op: Op, nodes: Nodes) -> Kernel:
    if op in _ARITHMETIC:
        return numbers.Arithmetic(nodes, op)
    if op in _COMPARISONS:
        return logic.Compare(nodes, op)
    if op in {Op.AND, Op.OR}:
        return logic.Logic(nodes, op)
    if op in {Op.ON_DELAY, Op.OFF_DELAY}:
        return memories.Delay(nodes, strict=op is Op.OFF_DELAY)
    if op in {Op.ONCE, Op.SINCE}:
        return past.Past(nodes, op)
    if op is Op.DOSE:
        return windows.Dose(nodes)
    if op in WINDOWS:
        return windows.WindowNumbers(nodes, op)
    return _PLAIN[op](nodes)


_PLAIN: dict[Op, Callable[[Nodes], Kernel]] = {
    Op.POINT: numbers.Points,
    Op.CERTAIN: numbers.CertainPoints,
    Op.CONST: numbers.Constants,
    Op.TTT: numbers.TimesToLimit,
    Op.AGE: numbers.Ages,
    Op.KNOWN: logic.Known,
    Op.REASON: logic.Reasons,
    Op.OVERDUE: logic.Overdue,
    Op.NOT: logic.Not,
    Op.VOTE: logic.Vote,
    Op.BAD_IS: logic.BadIs,
    Op.COUNT_AT_LEAST: past.CountAtLeast,
    Op.RISES: memories.Rises,
    Op.CHANGED: memories.Changed,
    Op.STUCK: memories.Stuck,
    Op.LATCH: memories.Latch,
}
