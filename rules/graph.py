"""The graph that all rules share: each distinct computation is one node, however many rules ask for it.

Holds structure only. Nodes are added arguments first, so that a node's number is above its arguments'.
"""

from __future__ import annotations

from enum import StrEnum

NodeId = int


class Op(StrEnum):
    """What a node computes. The parameters of each stand beside it."""

    POINT = "point"  # point index
    CONST = "const"  # value
    AFFINE = "affine"  # factor, offset
    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    DIV = "div"
    ABS = "abs"
    AGE = "age"  # point index
    MIN = "min"  # window (us)
    MAX = "max"  # window (us)
    AVG = "avg"  # window (us)
    SPREAD = "spread"  # window (us)
    SLOPE = "slope"  # window (us)
    COUNT = "count"  # window (us); argument: rises

    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"
    EQ = "eq"
    NE = "ne"
    KNOWN = "known"
    REASON = "reason"  # point index, reason
    OVERDUE = "overdue"  # instant
    AND = "and"
    OR = "or"
    NOT = "not"
    HELD = "held"  # duration (us)
    HELD_STRICTLY = "held_strictly"  # duration (us)
    WITHIN = "within"  # duration (us)
    RISES = "rises"
    CHANGED = "changed"
    STUCK = "stuck"  # duration (us)
    LATCH = "latch"  # arguments: set, reset


NUMERIC = frozenset(
    {
        Op.POINT,
        Op.CONST,
        Op.AFFINE,
        Op.ADD,
        Op.SUB,
        Op.MUL,
        Op.DIV,
        Op.ABS,
        Op.AGE,
        Op.MIN,
        Op.MAX,
        Op.AVG,
        Op.SPREAD,
        Op.SLOPE,
        Op.COUNT,
    }
)
"""Operations whose outcome is a number; the outcome of all others is a truth."""


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
        """The number of the node that computes this, new or old."""
        folded = self._folded(op, arguments, parameters)
        if folded is not None:
            op, arguments, parameters = Op.CONST, (), (folded,)
        key = (op, arguments, parameters)
        known = self._numbers.get(key)
        if known is not None:
            return known
        number = len(self.ops)
        self._numbers[key] = number
        self.ops.append(op)
        self.arguments.append(arguments)
        self.parameters.append(parameters)
        self.depths.append(1 + max((self.depths[argument] for argument in arguments), default=-1))
        return number

    def constant(self, node: NodeId) -> float | None:
        """The value of a node that never changes."""
        return self.parameters[node][0] if self.ops[node] is Op.CONST else None

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
