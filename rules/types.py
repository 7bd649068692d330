"""Names, types and units: the tree of an expression into nodes of the graph, or an ExpressionError.

One pass serves both to check a pack against its equipment class and to compile it for a plant.
A temperature is not a temperature difference; nothing converts between dimensions.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway import units
from gateway.gases import Basis
from gateway.sample import SECOND, PointIndex, Reason
from rules.graph import Graph, NodeId, Op
from rules.syntax import COMPARISONS, Binary, Call, Expression, ExpressionError, Name, Number, Unary


@dataclass(frozen=True, slots=True)
class Typed:
    """A node and what it is: a number in a unit, or a condition (`unit` is None)."""

    node: NodeId
    unit: str | None
    basis: Basis | None = None
    """What a gas concentration converts by; written numbers and limits have none and take that of the other side."""


@dataclass(frozen=True, slots=True)
class Quantity(Typed):
    """A `Typed` that is a number."""

    unit: str


class Scope(Protocol):
    """What names mean where an expression is compiled."""

    calibration_due: int | None
    """Instant at which the calibration of the rule's point runs out; None where there is none."""

    def quantity(self, name: str, graph: Graph) -> Typed | None:
        """The number that a name stands for."""
        ...

    def point(self, name: str) -> PointIndex | None:
        """The point that a name stands for, if it is one."""
        ...

    def names(self) -> Sequence[str]:
        """Every name there is, for suggestions."""
        ...


def lower_condition(expression: Expression, scope: Scope, graph: Graph) -> NodeId:
    """The node of a whole expression, which must be a condition."""
    return _Lowering(scope, graph).condition(expression)


_COMPARISON = {">": Op.GT, ">=": Op.GE, "<": Op.LT, "<=": Op.LE, "==": Op.EQ, "!=": Op.NE}
_WINDOWED = {"min": Op.MIN, "max": Op.MAX, "avg": Op.AVG, "spread": Op.SPREAD, "slope": Op.SLOPE}
_REASONS = {"out_of_range": Reason.OUT_OF_RANGE, "faulty": Reason.SENSOR_FAULT}
_SIGNATURES = {
    **dict.fromkeys(("held", "within", "count"), "a condition and a duration"),
    **dict.fromkeys(("min", "max", "avg", "spread", "slope", "stuck"), "a number and a duration"),
    **dict.fromkeys(("rises", "falls"), "a condition"),
    **dict.fromkeys(("changed", "abs", "good"), "a number"),
    **dict.fromkeys(("age", "out_of_range", "faulty"), "the name of a point"),
    "overdue": "nothing",
}
_ARITY = {"a condition and a duration": 2, "a number and a duration": 2, "nothing": 0}


class _Lowering:
    def __init__(self, scope: Scope, graph: Graph) -> None:
        self._scope = scope
        self._graph = graph

    def condition(self, expression: Expression) -> NodeId:
        typed = self._lower(expression)
        if typed.unit is not None:
            got = f"a number ({units.dimension(typed.unit)})"
            raise ExpressionError(expression.at, "a condition, such as 'fan_running == 1'", got)
        return typed.node

    def _number(self, expression: Expression) -> Quantity:
        typed = self._lower(expression)
        if typed.unit is None:
            raise ExpressionError(expression.at, "a number", "a condition")
        return Quantity(typed.node, typed.unit, typed.basis)

    def _lower(self, expression: Expression) -> Typed:
        match expression:
            case Number():
                try:
                    units.check_unit(expression.unit)
                except ValueError as error:
                    raise _unit_error(expression.at, error) from None
                return Typed(self._graph.add(Op.CONST, (), (expression.value,)), expression.unit)
            case Name():
                return self._name(expression)
            case Unary(operator="not"):
                return Typed(self._graph.add(Op.NOT, (self.condition(expression.operand),)), None)
            case Unary():
                return self._negation(expression)
            case Binary(operator="and" | "or"):
                op = Op.AND if expression.operator == "and" else Op.OR
                both = (self.condition(expression.left), self.condition(expression.right))
                return Typed(self._graph.add(op, both), None)
            case Binary():
                return self._binary(expression)
            case Call():
                return self._call(expression)

    def _name(self, expression: Name) -> Typed:
        typed = self._scope.quantity(expression.text, self._graph)
        if typed is None:
            known = list(self._scope.names())
            close = difflib.get_close_matches(expression.text, known, n=3, cutoff=0.5)
            raise ExpressionError(expression.at, f"one of [{', '.join(close or sorted(known))}]", repr(expression.text))
        return typed

    def _negation(self, expression: Unary) -> Quantity:
        value = self._number(expression.operand)
        if isinstance(expression.operand, Number):
            return replace(value, node=self._graph.add(Op.CONST, (), (-expression.operand.value,)))
        self._zero_of_its_own(value.unit, expression.at)
        return replace(value, node=self._graph.add(Op.AFFINE, (value.node,), (-1.0, 0.0)))

    def _binary(self, expression: Binary) -> Typed:
        left, right = self._number(expression.left), self._number(expression.right)
        if expression.operator in "*/":
            return self._scaled(expression, left, right)
        # Zero of anything but a temperature is zero in every unit.
        if _bare_zero(expression.left) and units.has_zero(right.unit):
            left = replace(left, unit=right.unit)
        if _bare_zero(expression.right) and units.has_zero(left.unit):
            right = replace(right, unit=left.unit)
        left, right = _share_basis(left, right)
        if expression.operator in COMPARISONS:
            node = self._converted(right, left.unit, expression.right.at)
            return Typed(self._graph.add(_COMPARISON[expression.operator], (left.node, node)), None)
        return self._sum(expression, left, right)

    def _scaled(self, expression: Binary, left: Quantity, right: Quantity) -> Quantity:
        op, combine = (Op.MUL, units.product) if expression.operator == "*" else (Op.DIV, units.quotient)
        try:
            unit = combine(left.unit, right.unit)
        except ValueError as error:
            raise _unit_error(expression.at, error) from None
        left, right = _share_basis(left, right)
        return Quantity(self._graph.add(op, (left.node, right.node)), unit, left.basis)

    def _sum(self, expression: Binary, left: Quantity, right: Quantity) -> Quantity:
        op = Op.ADD if expression.operator == "+" else Op.SUB
        step = units.difference(left.unit)
        if step != left.unit and op is Op.SUB and units.same_dimension(left.unit, right.unit):
            node = self._converted(right, left.unit, expression.right.at)
            return Quantity(self._graph.add(op, (left.node, node)), step, left.basis)
        node = self._converted(right, step, expression.right.at)
        return replace(left, node=self._graph.add(op, (left.node, node)))

    def _converted(self, value: Quantity, target: str, at: int) -> NodeId:
        """The same quantity in `target`; for two equal units the node itself."""
        source = value.unit
        try:
            offset = units.convert(0.0, source, target, value.basis)
            factor = units.convert(1.0, source, target, value.basis) - offset
            constant = self._graph.constant(value.node)
            if constant is not None:
                return self._graph.add(Op.CONST, (), (units.convert(constant, source, target, value.basis),))
        except ValueError as error:
            if "to turn" in str(error):
                raise _unit_error(at, error) from None
            expected = units.a_dimension(target) + (f" (as in {target})" if target else "")
            raise ExpressionError(at, expected, f"{units.a_dimension(source)} ({source or 'no unit'})") from None
        same = (factor, offset) == (1.0, 0.0)
        return value.node if same else self._graph.add(Op.AFFINE, (value.node,), (factor, offset))

    def _zero_of_its_own(self, unit: str, at: int) -> None:
        if not units.has_zero(unit):
            raise ExpressionError(at, "a number with a zero of its own", f"a temperature ({unit})")

    def _call(self, call: Call) -> Typed:
        signature = _SIGNATURES.get(call.function)
        if signature is None:
            raise ExpressionError(call.at, f"one of [{', '.join(sorted(_SIGNATURES))}]", repr(call.function))
        if len(call.arguments) != _ARITY.get(signature, 1):
            raise ExpressionError(call.at, f"{call.function}() of {signature}", f"{len(call.arguments)} arguments")
        if call.function in _WINDOWED:
            return self._windowed(call)
        return _FUNCTIONS[call.function](self, call)

    def duration(self, expression: Expression) -> float:
        """A written duration in microseconds."""
        if not isinstance(expression, Number) or not expression.unit:
            raise ExpressionError(expression.at, "a duration such as '10 s'", "something else")
        try:
            microseconds = round(units.convert(expression.value, expression.unit, "s") * SECOND)
        except ValueError as error:
            raise _unit_error(expression.at, error) from None
        if microseconds <= 0:
            raise ExpressionError(expression.at, "a duration above zero", f"{expression.value:g} {expression.unit}")
        return float(microseconds)

    def _windowed(self, call: Call) -> Typed:
        value = self._number(call.arguments[0])
        window, unit = self.duration(call.arguments[1]), value.unit
        if call.function in {"spread", "slope"}:
            unit = units.difference(unit)
        if call.function == "slope":
            unit = units.quotient(unit, "s")
        return Typed(self._graph.add(_WINDOWED[call.function], (value.node,), (window,)), unit, value.basis)

    def held(self, call: Call) -> Typed:
        node, time = self.condition(call.arguments[0]), self.duration(call.arguments[1])
        return Typed(self._graph.add(Op.HELD, (node,), (time,)), None)

    def within(self, call: Call) -> Typed:
        node, time = self.condition(call.arguments[0]), self.duration(call.arguments[1])
        return Typed(self._graph.add(Op.WITHIN, (node,), (time,)), None)

    def count(self, call: Call) -> Typed:
        rises = self._graph.add(Op.RISES, (self.condition(call.arguments[0]),))
        return Typed(self._graph.add(Op.COUNT, (rises,), (self.duration(call.arguments[1]),)), "")

    def stuck(self, call: Call) -> Typed:
        node, time = self._number(call.arguments[0]).node, self.duration(call.arguments[1])
        return Typed(self._graph.add(Op.STUCK, (node,), (time,)), None)

    def rises(self, call: Call) -> Typed:
        return Typed(self._graph.add(Op.RISES, (self.condition(call.arguments[0]),)), None)

    def falls(self, call: Call) -> Typed:
        inverse = self._graph.add(Op.NOT, (self.condition(call.arguments[0]),))
        return Typed(self._graph.add(Op.RISES, (inverse,)), None)

    def changed(self, call: Call) -> Typed:
        return Typed(self._graph.add(Op.CHANGED, (self._number(call.arguments[0]).node,)), None)

    def good(self, call: Call) -> Typed:
        return Typed(self._graph.add(Op.KNOWN, (self._number(call.arguments[0]).node,)), None)

    def absolute(self, call: Call) -> Typed:
        value = self._number(call.arguments[0])
        self._zero_of_its_own(value.unit, call.at)
        return replace(value, node=self._graph.add(Op.ABS, (value.node,)))

    def age(self, call: Call) -> Typed:
        return Typed(self._graph.add(Op.AGE, (), (float(self._point(call)),)), "s")

    def reason(self, call: Call) -> Typed:
        parameters = (float(self._point(call)), float(_REASONS[call.function]))
        return Typed(self._graph.add(Op.REASON, (), parameters), None)

    def overdue(self, call: Call) -> Typed:
        due = self._scope.calibration_due
        if due is None:
            raise ExpressionError(call.at, "a rule with 'for_each: point'", "a rule for an equipment class")
        return Typed(self._graph.add(Op.OVERDUE, (), (float(due),)), None)

    def _point(self, call: Call) -> PointIndex:
        argument = call.arguments[0]
        point = self._scope.point(argument.text) if isinstance(argument, Name) else None
        if point is None:
            got = repr(argument.text) if isinstance(argument, Name) else "an expression"
            raise ExpressionError(argument.at, "the name of a point", got)
        return point


_FUNCTIONS: dict[str, Callable[[_Lowering, Call], Typed]] = {
    "held": _Lowering.held,
    "within": _Lowering.within,
    "count": _Lowering.count,
    "stuck": _Lowering.stuck,
    "rises": _Lowering.rises,
    "falls": _Lowering.falls,
    "changed": _Lowering.changed,
    "good": _Lowering.good,
    "abs": _Lowering.absolute,
    "age": _Lowering.age,
    "out_of_range": _Lowering.reason,
    "faulty": _Lowering.reason,
    "overdue": _Lowering.overdue,
}


def _bare_zero(expression: Expression) -> bool:
    return isinstance(expression, Number) and expression.value == 0 and not expression.unit


def _share_basis(left: Quantity, right: Quantity) -> tuple[Quantity, Quantity]:
    """A written number is of the gas that it stands beside."""
    return replace(left, basis=left.basis or right.basis), replace(right, basis=right.basis or left.basis)


def _unit_error(at: int, error: ValueError) -> ExpressionError:
    expected, _, got = str(error).removeprefix("expected ").partition(", got ")
    return ExpressionError(at, expected, got or "something else")
