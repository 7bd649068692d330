"""The functions of the rule language: what each takes, and the nodes that it stands for.

Tables only grow by whole functions: what is listed here is documented in docs/rule-language.md and tested there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway import units
from gateway.sample import PointIndex, Reason
from rules.graph import NodeId, Op
from rules.syntax import Call, Expression, ExpressionError, Name, Number
from rules.types import Quantity, Typed

if TYPE_CHECKING:
    from rules.lowering import Lowering

MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}


@dataclass(frozen=True, slots=True)
class Function:
    """A function whose outcome is a number or a condition."""

    takes: str
    arguments: Collection[int]
    """How many it may have."""
    lower: Callable[[Lowering, Call], Typed]


@dataclass(frozen=True, slots=True)
class Compared:
    """A function that is worth something only in a comparison, where its bounds decide and not its value."""

    takes: str
    arguments: Collection[int]
    example: str
    compare: Callable[[Lowering, Call, str, Expression], NodeId]
    """Of the call, the operator (call on its left) and the other side."""


def _held(to: Lowering, call: Call) -> Typed:
    node, time = to.condition(call.arguments[0]), to.duration(call.arguments[1])
    once_not = to.graph.add(Op.ONCE, (_negated(to, node),), (0.0, float(time)))
    return Typed(_negated(to, once_not), None)


def _within(to: Lowering, call: Call) -> Typed:
    node, time = to.condition(call.arguments[0]), to.duration(call.arguments[1])
    return Typed(to.graph.add(Op.ONCE, (node,), (0.0, float(time))), None)


def _count(to: Lowering, call: Call, operator: str, other: Expression) -> NodeId:
    """How often a condition rose within a time, against a whole number."""
    if not isinstance(other, Number) or other.unit or not 0 < other.value == int(other.value) or operator == "!=":
        raise ExpressionError(other.at, "a whole number above zero to compare count() with", "something else")
    rises = to.graph.add(Op.RISES, (to.condition(call.arguments[0]),))
    window = float(to.duration(call.arguments[1]))

    def at_least(number: int) -> NodeId:
        return to.graph.add(Op.COUNT_AT_LEAST, (rises,), (float(number), window))

    least = int(other.value) + (operator in {">", "<="})
    if operator in {">", ">="}:
        return at_least(least)
    fewer = _negated(to, at_least(least + (operator == "==")))
    return to.graph.add(Op.AND, (at_least(least), fewer)) if operator == "==" else fewer


def _rises(to: Lowering, call: Call) -> Typed:
    return Typed(to.graph.add(Op.RISES, (to.condition(call.arguments[0]),)), None)


def _falls(to: Lowering, call: Call) -> Typed:
    return Typed(to.graph.add(Op.RISES, (_negated(to, to.condition(call.arguments[0])),)), None)


def _changed(to: Lowering, call: Call) -> Typed:
    return Typed(to.graph.add(Op.CHANGED, (to.number(call.arguments[0]).node,)), None)


def _windowed(op: Op) -> Callable[[Lowering, Call], Typed]:
    def lower(to: Lowering, call: Call) -> Typed:
        value = to.number(call.arguments[0])
        window, unit = float(to.duration(call.arguments[1])), value.unit
        if op in {Op.SPREAD, Op.SLOPE}:
            unit = units.difference(unit)
        if op is Op.SLOPE:
            unit = units.quotient(unit, "s")
        return Quantity(to.graph.add(op, (value.node,), (window,)), unit, value.basis)

    return lower


def _dev(to: Lowering, call: Call) -> Typed:
    one, other = to.number(call.arguments[0]), to.number(call.arguments[1])
    other = replace(other, basis=other.basis or one.basis)
    node = to.graph.add(Op.SUB, (one.node, to.converted(other, one.unit, call.arguments[1].at)))
    return Quantity(to.graph.add(Op.ABS, (node,)), units.difference(one.unit), one.basis)


def _stuck(to: Lowering, call: Call) -> Typed:
    value, time = to.number(call.arguments[0]), to.duration(call.arguments[1])
    return Typed(to.graph.add(Op.STUCK, (value.node,), (float(time),)), None)


def _good(to: Lowering, call: Call) -> Typed:
    return Typed(to.graph.add(Op.KNOWN, (to.number(call.arguments[0]).node,)), None)


def _abs(to: Lowering, call: Call) -> Typed:
    value = to.number(call.arguments[0])
    to.zero_of_its_own(value.unit, call.at)
    return replace(value, node=to.graph.add(Op.ABS, (value.node,)))


def _age(to: Lowering, call: Call) -> Typed:
    return Quantity(to.graph.add(Op.AGE, (), (float(_point(to, call)),)), "s")


def _reason(reason: Reason) -> Callable[[Lowering, Call], Typed]:
    def lower(to: Lowering, call: Call) -> Typed:
        return Typed(to.graph.add(Op.REASON, (), (float(_point(to, call)), float(reason))), None)

    return lower


def _overdue(to: Lowering, call: Call) -> Typed:
    due = to.scope.calibration_due
    if due is None:
        raise ExpressionError(call.at, "a rule with 'for_each: point'", "a rule for an equipment class")
    return Typed(to.graph.add(Op.OVERDUE, (), (float(due),)), None)


def _point(to: Lowering, call: Call) -> PointIndex:
    argument = call.arguments[0]
    point = to.scope.point(argument.text) if isinstance(argument, Name) else None
    if point is None:
        got = repr(argument.text) if isinstance(argument, Name) else "an expression"
        raise ExpressionError(argument.at, "the name of a point", got)
    return point


def _negated(to: Lowering, node: NodeId) -> NodeId:
    return to.graph.add(Op.NOT, (node,))


_WINDOW = "a condition and a duration"
_NUMBER_AND_DURATION = "a number and a duration"

FUNCTIONS = {
    "held": Function(_WINDOW, (2,), _held),
    "within": Function(_WINDOW, (2,), _within),
    "rises": Function("a condition", (1,), _rises),
    "falls": Function("a condition", (1,), _falls),
    "changed": Function("a number", (1,), _changed),
    "min": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.MIN)),
    "max": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.MAX)),
    "avg": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.AVG)),
    "spread": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.SPREAD)),
    "slope": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.SLOPE)),
    "stuck": Function(_NUMBER_AND_DURATION, (2,), _stuck),
    "dev": Function("two numbers", (2,), _dev),
    "abs": Function("a number", (1,), _abs),
    "good": Function("a number", (1,), _good),
    "age": Function("the name of a point", (1,), _age),
    "out_of_range": Function("the name of a point", (1,), _reason(Reason.OUT_OF_RANGE)),
    "faulty": Function("the name of a point", (1,), _reason(Reason.SENSOR_FAULT)),
    "overdue": Function("nothing", (0,), _overdue),
}

COMPARED: dict[str, Compared] = {
    "count": Compared(_WINDOW, (2,), "such as 'count(e, 1 h) >= 3'", _count),
}
