"""The functions of the rule language: what each takes, and the nodes that it stands for.

Tables only grow by whole functions: what is listed here is documented in docs/rule-language.md and tested there.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gateway import units
from gateway.sample import PointIndex, Reason
from rules.graph import ALWAYS, NodeId, Op, VoteMode
from rules.margin import margin
from rules.syntax import Call, Expression, ExpressionError, ListOf, Name, Number, Word
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
    inverse = _negated(to, to.condition(call.arguments[0]))
    return Typed(_negated(to, _once(to, inverse, call)), None)


def _within(to: Lowering, call: Call) -> Typed:
    return Typed(_once(to, to.condition(call.arguments[0]), call), None)


def _once(to: Lowering, node: NodeId, call: Call) -> NodeId:
    start, end = to.bounds(call.arguments[1:])
    if end is None:
        raise ExpressionError(call.arguments[-1].at, "a duration such as '10 s'", "'always'")
    return to.graph.add(Op.ONCE, (node,), (float(start), float(end)))


def _since(to: Lowering, call: Call) -> Typed:
    both = to.condition(call.arguments[0]), to.condition(call.arguments[1])
    start, end = to.bounds(call.arguments[2:]) if len(call.arguments) > 2 else (0, None)
    return Typed(_since_node(to, *both, start, end), None)


def _since_node(to: Lowering, all_along: NodeId, event: NodeId, start: int, end: int | None) -> NodeId:
    return to.graph.add(Op.SINCE, (all_along, event), (float(start), ALWAYS if end is None else float(end)))


def _response(to: Lowering, call: Call) -> Typed:
    cause, effect = to.condition(call.arguments[0]), to.condition(call.arguments[1])
    without = _negated(to, effect)
    demand = to.graph.add(Op.AND, (to.graph.add(Op.RISES, (cause,)), without))
    return Typed(_negated(to, _since_node(to, without, demand, to.duration(call.arguments[2]), None)), None)


def _count(to: Lowering, call: Call, operator: str, other: Expression) -> NodeId:
    rises = to.graph.add(Op.RISES, (to.condition(call.arguments[0]),))
    window = float(to.duration(call.arguments[1]))
    if not isinstance(other, Number) or other.unit or other.value != int(other.value):
        raise ExpressionError(other.at, "a whole number", "something else")
    number = int(other.value)
    lowest = number + 1 if operator in {">", "<="} else number
    if lowest < 1 and operator not in {"==", "!="}:
        raise ExpressionError(other.at, "a number that a count can fall short of", f"{operator} {number}")

    def at_least(least: int) -> NodeId:
        return to.graph.add(Op.COUNT_AT_LEAST, (rises,), (float(least), window))

    if operator in {"==", "!="}:
        exactly = _negated(to, at_least(number + 1))
        if number >= 1:
            exactly = to.graph.add(Op.AND, (at_least(number), exactly))
        return exactly if operator == "==" else _negated(to, exactly)
    return at_least(lowest) if operator in {">", ">="} else _negated(to, at_least(lowest))


def _twa(to: Lowering, call: Call, operator: str, other: Expression) -> NodeId:
    value, limit = to.number(call.arguments[0]), to.number(other)
    if operator in {"==", "!="}:
        raise ExpressionError(call.at, "a comparison by > or <", f"by {operator}")
    limit = replace(limit, basis=limit.basis or value.basis)
    arguments = value.node, to.converted(limit, value.unit, other.at)
    above = to.graph.add(Op.DOSE, arguments, (float(to.duration(call.arguments[1])),))
    return above if operator in {">", ">="} else _negated(to, above)


_MODES = {"safety": VoteMode.SAFETY, "availability": VoteMode.AVAILABILITY}


def _vote(to: Lowering, call: Call) -> Typed:
    least, voters = call.arguments[:2]
    if not isinstance(voters, ListOf) or len(voters.items) < 2:
        raise ExpressionError(voters.at, "a list of conditions such as [a > 1, b > 1, c > 1]", "something else")
    count = len(voters.items)
    if not isinstance(least, Number) or least.unit or least.value not in range(1, count + 1):
        raise ExpressionError(least.at, f"a whole number from 1 to {count}, the number of voters", "something else")
    mode = VoteMode.PLAIN
    if len(call.arguments) == 3:
        word = call.arguments[2]
        if not isinstance(word, Word) or word.text not in _MODES:
            raise ExpressionError(word.at, "'safety' or 'availability'", "something else")
        mode = _MODES[word.text]
    nodes = tuple(to.condition(voter) for voter in voters.items)
    return Typed(to.graph.add(Op.VOTE, nodes, (least.value, mode)), None)


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


def _ttt(to: Lowering, call: Call) -> Typed:
    value, limit = to.number(call.arguments[0]), to.number(call.arguments[1])
    limit = replace(limit, basis=limit.basis or value.basis)
    aim = to.converted(limit, value.unit, call.arguments[1].at)
    slope = to.graph.add(Op.SLOPE, (value.node,), (float(to.duration(call.arguments[2])),))
    return Quantity(to.graph.add(Op.TTT, (value.node, aim, slope)), "s")


def _dev(to: Lowering, call: Call) -> Typed:
    one, other = to.number(call.arguments[0]), to.number(call.arguments[1])
    other = replace(other, basis=other.basis or one.basis)
    node = to.graph.add(Op.SUB, (one.node, to.converted(other, one.unit, call.arguments[1].at)))
    return Quantity(to.graph.add(Op.ABS, (node,)), units.difference(one.unit), one.basis)


def _margin(to: Lowering, call: Call) -> Typed:
    return margin(to, call.arguments[0])


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


_WINDOW = "a condition and a duration, or a condition, from when and to when"
_NUMBER_AND_DURATION = "a number and a duration"

FUNCTIONS = {
    "held": Function(_WINDOW, (2, 3), _held),
    "within": Function(_WINDOW, (2, 3), _within),
    "since": Function("two conditions, and how far back if not always", (2, 3, 4), _since),
    "response": Function("a cause, an effect and a duration", (3,), _response),
    "vote": Function("how many, a list of conditions, and a mode if any", (2, 3), _vote),
    "rises": Function("a condition", (1,), _rises),
    "falls": Function("a condition", (1,), _falls),
    "changed": Function("a number", (1,), _changed),
    "min": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.MIN)),
    "max": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.MAX)),
    "avg": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.AVG)),
    "spread": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.SPREAD)),
    "slope": Function(_NUMBER_AND_DURATION, (2,), _windowed(Op.SLOPE)),
    "stuck": Function(_NUMBER_AND_DURATION, (2,), _stuck),
    "ttt": Function("a number, a limit and a duration", (3,), _ttt),
    "dev": Function("two numbers", (2,), _dev),
    "margin": Function("a condition", (1,), _margin),
    "abs": Function("a number", (1,), _abs),
    "good": Function("a number", (1,), _good),
    "age": Function("the name of a point", (1,), _age),
    "out_of_range": Function("the name of a point", (1,), _reason(Reason.OUT_OF_RANGE)),
    "faulty": Function("the name of a point", (1,), _reason(Reason.SENSOR_FAULT)),
    "overdue": Function("nothing", (0,), _overdue),
}

COMPARED = {
    "count": Compared("a condition and a duration", (2,), "such as count(spark == 1, 10 min) >= 3", _count),
    "twa": Compared(_NUMBER_AND_DURATION, (2,), "such as twa(co, 15 min) > 30 mg/m3", _twa),
}
