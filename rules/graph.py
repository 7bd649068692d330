"""The graph that all rules share: each distinct computation is one node, however many rules ask for it.

Holds structure only. Nodes are added arguments first, so that a node's number is above its arguments'.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from enum import StrEnum

NodeId = int

ALWAYS = float(2**61)
"""Upper bound of an operator that looks back to the start (microseconds)."""
SLICES = 16
"""Parts that a number window is split into, unless a node says otherwise."""
MOST_SLICES = 64
"""Largest b/(b-a) of a window [now-b, now-a] that begins in the past: it bounds the memory of a node."""


class Op(StrEnum):
    """What a node computes. Arguments, then parameters, stand beside it; durations are in microseconds."""

    POINT = "point"  # ; point index
    CERTAIN = "certain"  # ; point index (unknown while its quality is UNCERTAIN)
    CONST = "const"  # ; value
    AFFINE = "affine"  # x; factor, offset
    ADD = "add"  # x, y
    SUB = "sub"  # x, y
    MUL = "mul"  # x, y
    DIV = "div"  # x, y
    ABS = "abs"  # x
    LESSER = "lesser"  # x, y
    GREATER = "greater"  # x, y
    TTT = "ttt"  # x, limit, slope of x a second
    AGE = "age"  # ; point index
    MIN = "min"  # x; window [, slices]
    MAX = "max"  # x; window [, slices]
    AVG = "avg"  # x; window [, slices]
    SPREAD = "spread"  # x; window [, slices]
    SLOPE = "slope"  # x; window [, slices]

    GT = "gt"  # x, y
    GE = "ge"  # x, y
    LT = "lt"  # x, y
    LE = "le"  # x, y
    EQ = "eq"  # x, y
    NE = "ne"  # x, y
    KNOWN = "known"  # x
    REASON = "reason"  # ; point index, reason
    OVERDUE = "overdue"  # ; instant
    AND = "and"  # e, f
    OR = "or"  # e, f
    NOT = "not"  # e
    VOTE = "vote"  # two or more conditions; k, mode (a `VoteMode`)
    BAD_IS = "bad_is"  # e; what an UNKNOWN counts as (1 or 0)
    ON_DELAY = "on_delay"  # e; duration
    OFF_DELAY = "off_delay"  # e; duration
    ONCE = "once"  # e; a, b
    SINCE = "since"  # f, g; a, b
    COUNT_AT_LEAST = "count_at_least"  # e (rises, as a rule); n, window
    RISES = "rises"  # e
    CHANGED = "changed"  # x
    STUCK = "stuck"  # x; duration
    DOSE = "dose"  # x, limit; window [, slices]
    LATCH = "latch"  # set, reset


class VoteMode:
    """What a vote makes of the channels that are not known: the second parameter of VOTE."""

    PLAIN = 0.0
    """An unknown channel may be either."""
    SAFETY = 1.0
    """An unknown channel counts as a vote to trip: k goes down, to 1 at least."""
    AVAILABILITY = 2.0
    """An unknown channel is left out: k stays, at most as many as are known."""


NUMERIC = frozenset(
    {
        Op.POINT,
        Op.CERTAIN,
        Op.CONST,
        Op.AFFINE,
        Op.ADD,
        Op.SUB,
        Op.MUL,
        Op.DIV,
        Op.ABS,
        Op.LESSER,
        Op.GREATER,
        Op.TTT,
        Op.AGE,
        Op.MIN,
        Op.MAX,
        Op.AVG,
        Op.SPREAD,
        Op.SLOPE,
    }
)
"""Operations whose outcome is a number; the outcome of all others is a truth."""

WINDOWS = frozenset({Op.MIN, Op.MAX, Op.AVG, Op.SPREAD, Op.SLOPE, Op.DOSE})
"""Operations over a number window that is split into slices."""

OF_A_POINT = frozenset({Op.POINT, Op.CERTAIN, Op.AGE, Op.REASON})
"""Operations whose first parameter is the index of a point."""


class Graph:
    """Nodes in order of creation; equal ones are the same one."""

    def __init__(self) -> None:
        self.ops: list[Op] = []
        self.arguments: list[tuple[NodeId, ...]] = []
        self.parameters: list[tuple[float, ...]] = []
        self.depths: list[int] = []
        self._numbers: dict[tuple[Op, tuple[NodeId, ...], tuple[float, ...]], NodeId] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def add(self, op: Op, arguments: tuple[NodeId, ...] = (), parameters: tuple[float, ...] = ()) -> NodeId:
        """The number of the node that computes this, new or old.

        Raises ValueError for a window [now-b, now-a] that would need more than `MOST_SLICES` slices.
        """
        if op in {Op.ONCE, Op.SINCE}:
            _check_bounds(*parameters)
        folded = self._folded(op, arguments, parameters)
        if folded is not None:
            op, arguments, parameters = Op.CONST, (), (folded,)
        key = (op, arguments, parameters)
        known = self._numbers.get(key)
        if known is not None:
            return known
        return self._append(key, 1 + max((self.depths[argument] for argument in arguments), default=-1))

    def graft(self, other: Graph, parameters: Iterable[tuple[float, ...]]) -> list[NodeId]:
        """The nodes of another graph in this one, by their number there; `parameters` stand in for its own.

        Only what a leaf reads may be another: nothing is folded or checked again.
        """
        numbers: list[NodeId] = []
        for op, arguments, own, depth in zip(other.ops, other.arguments, parameters, other.depths):
            key = (op, tuple([numbers[argument] for argument in arguments]), own)
            known = self._numbers.get(key)
            numbers.append(self._append(key, depth) if known is None else known)
        return numbers

    def _append(self, key: tuple[Op, tuple[NodeId, ...], tuple[float, ...]], depth: int) -> NodeId:
        number = self._numbers[key] = len(self.ops)
        op, arguments, parameters = key
        self.ops.append(op)
        self.arguments.append(arguments)
        self.parameters.append(parameters)
        self.depths.append(depth)
        return number

    def constant(self, node: NodeId) -> float | None:
        """The value of a node that never changes."""
        return self.parameters[node][0] if self.ops[node] is Op.CONST else None

    def keys(self, points: Sequence[str]) -> list[str]:
        """What each node computes, whatever its number: equal in two graphs if its state means the same.

        `points` say of each point by index what it is, its identity, unit and scale.
        """
        keys: list[str] = []
        for op, arguments, parameters in zip(self.ops, self.arguments, self.parameters):
            parts = [op.value, *map(repr, parameters), *(keys[argument] for argument in arguments)]
            if op in OF_A_POINT:
                index = int(parameters[0])
                parts[1] = points[index] if points else str(index)
            keys.append(hashlib.blake2b("\x1f".join(parts).encode(), digest_size=16).hexdigest())
        return keys

    def horizons(self) -> list[int]:
        """How much history (microseconds) warms each node, its arguments' included."""
        horizons: list[int] = []
        for op, arguments, parameters in zip(self.ops, self.arguments, self.parameters):
            below = max((horizons[argument] for argument in arguments), default=0)
            horizons.append(below + own_horizon(op, parameters))
        return horizons

    def _folded(self, op: Op, arguments: tuple[NodeId, ...], parameters: tuple[float, ...]) -> float | None:
        values = [value for node in arguments if (value := self.constant(node)) is not None]
        if not arguments or len(values) < len(arguments):
            return None
        match op:
            case Op.AFFINE:
                return values[0] * parameters[0] + parameters[1]
            case Op.ADD:
                return values[0] + values[1]
            case Op.SUB:
                return values[0] - values[1]
            case Op.MUL:
                return values[0] * values[1]
            case Op.DIV if values[1] != 0:
                return values[0] / values[1]
            case Op.ABS:
                return abs(values[0])
            case _:
                return None


def slice_width(parameters: tuple[float, ...]) -> tuple[int, int]:
    """Slices of a number window and the width of one (microseconds), for its parameters."""
    slices = int(parameters[1]) if len(parameters) > 1 else SLICES
    return slices, -(-int(parameters[0]) // slices)


def own_horizon(op: Op, parameters: tuple[float, ...]) -> int:
    """How far back a node itself looks (microseconds); what looks back to the start counts up to `a`."""
    if op in WINDOWS:
        slices, width = slice_width(parameters)
        return (slices + 1) * width
    if op in {Op.ONCE, Op.SINCE}:
        return int(parameters[1] if parameters[1] < ALWAYS else parameters[0])
    if op is Op.COUNT_AT_LEAST:
        return int(parameters[1])
    return int(parameters[0]) if op in {Op.ON_DELAY, Op.OFF_DELAY, Op.STUCK} else 0


def _check_bounds(a: float, b: float) -> None:
    if not 0 <= a <= b:
        raise ValueError(f"expected bounds with 0 <= a <= b, got a = {a:g} us, b = {b:g} us")
    if a > 0 and b < ALWAYS and b > MOST_SLICES * (b - a):
        raise ValueError(f"expected a window of at least 1/{MOST_SLICES} of its far bound, got {b - a:g} of {b:g} us")
