"""Names, types and units: the tree of an expression into nodes of the graph, or an ExpressionError.

One pass serves both to check a pack against its equipment class and to compile it for a plant.
A temperature is not a temperature difference; nothing converts between dimensions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from gateway import units
from gateway.duration import format_duration
from gateway.sample import SECOND
from gateway.store import HistoryPlan
from rules.functions import COMPARED, FUNCTIONS, MIRRORED, Compared, Function
from rules.graph import MOST_SLICES, Graph, NodeId, Op
from rules.syntax import COMPARISONS, Binary, Call, Expression, ExpressionError, ListOf, Name, Number, Unary, Word
from rules.types import Quantity, Scope, Typed


def lower_condition(expression: Expression, scope: Scope, graph: Graph) -> NodeId:
    """The node of a whole expression, which must be a condition; raises ExpressionError."""
    return Lowering(scope, graph).condition(expression)


HISTORY: Final = HistoryPlan().keeping.samples
"""How far back a window may reach (microseconds): as long as a history keeps samples, so that a restart can warm it."""
_COMPARISON = {">": Op.GT, ">=": Op.GE, "<": Op.LT, "<=": Op.LE, "==": Op.EQ, "!=": Op.NE}


class Lowering:
    """Lowers the expressions of one rule on one site into a graph."""

    def __init__(self, scope: Scope, graph: Graph) -> None:
        self.scope = scope
        self.graph = graph

    def condition(self, expression: Expression) -> NodeId:
        typed = self._lower(expression)
        if typed.unit is not None:
            got = f"a number ({units.dimension(typed.unit)})"
            raise ExpressionError(expression.at, "a condition, such as 'fan_running == 1'", got)
        return typed.node

    def number(self, expression: Expression) -> Quantity:
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
                    raise unit_error(expression.at, error) from None
                return Typed(self.graph.add(Op.CONST, (), (expression.value,)), expression.unit)
            case Name():
                return self._name(expression)
            case Unary(operator="not"):
                return Typed(self.graph.add(Op.NOT, (self.condition(expression.operand),)), None)
            case Unary():
                return self._negation(expression)
            case Binary(operator="and" | "or"):
                op = Op.AND if expression.operator == "and" else Op.OR
                both = (self.condition(expression.left), self.condition(expression.right))
                return Typed(self.graph.add(op, both), None)
            case Binary():
                return self._binary(expression)
            case Call():
                return self._call(expression)
            case ListOf() | Word():
                got = "a list" if isinstance(expression, ListOf) else f"the word {expression.text!r}"
                raise ExpressionError(expression.at, "a number or a condition", got)

    def _name(self, expression: Name) -> Typed:
        typed = self.scope.quantity(expression.text, self.graph)
        if typed is None:
            raise unknown_name(expression, self.scope)
        return typed

    def _negation(self, expression: Unary) -> Quantity:
        value = self.number(expression.operand)
        if isinstance(expression.operand, Number):
            return replace(value, node=self.graph.add(Op.CONST, (), (-expression.operand.value,)))
        self.zero_of_its_own(value.unit, expression.at)
        return replace(value, node=self.graph.add(Op.AFFINE, (value.node,), (-1.0, 0.0)))

    def _binary(self, expression: Binary) -> Typed:
        if expression.operator in COMPARISONS:
            return Typed(self._comparison(expression), None)
        left, right = self.number(expression.left), self.number(expression.right)
        if expression.operator in "*/":
            return self._scaled(expression, left, right)
        return self._sum(expression, *self._alike(expression, left, right))

    def _comparison(self, expression: Binary) -> NodeId:
        for call, other, operator in (
            (expression.left, expression.right, expression.operator),
            (expression.right, expression.left, MIRRORED[expression.operator]),
        ):
            if isinstance(call, Call) and call.function in COMPARED:
                signature(call, COMPARED[call.function])
                return COMPARED[call.function].compare(self, call, operator, other)
        left, right = self.operands(expression)
        return self.graph.add(_COMPARISON[expression.operator], (left.node, right.node))

    def operands(self, expression: Binary) -> tuple[Quantity, Quantity]:
        """Both sides of a comparison, the right one in the unit of the left."""
        left, right = self.number(expression.left), self.number(expression.right)
        left, right = self._alike(expression, left, right)
        node = self.converted(right, left.unit, expression.right.at)
        return left, Quantity(node, left.unit, left.basis)

    @staticmethod
    def _alike(expression: Binary, left: Quantity, right: Quantity) -> tuple[Quantity, Quantity]:
        # Zero of anything but a temperature is zero in every unit.
        if _bare_zero(expression.left) and units.has_zero(right.unit):
            left = replace(left, unit=right.unit)
        if _bare_zero(expression.right) and units.has_zero(left.unit):
            right = replace(right, unit=left.unit)
        # A written number is of the gas that it stands beside.
        return replace(left, basis=left.basis or right.basis), replace(right, basis=right.basis or left.basis)

    def _scaled(self, expression: Binary, left: Quantity, right: Quantity) -> Quantity:
        op, combine = (Op.MUL, units.product) if expression.operator == "*" else (Op.DIV, units.quotient)
        try:
            unit = combine(left.unit, right.unit)
        except ValueError as error:
            raise unit_error(expression.at, error) from None
        if op is Op.DIV and self.graph.constant(right.node) == 0:
            raise ExpressionError(expression.right.at, "a divisor other than zero", "zero")
        return Quantity(self.graph.add(op, (left.node, right.node)), unit, left.basis or right.basis)

    def _sum(self, expression: Binary, left: Quantity, right: Quantity) -> Quantity:
        op = Op.ADD if expression.operator == "+" else Op.SUB
        step = units.difference(left.unit)
        if step != left.unit and op is Op.SUB and units.same_dimension(left.unit, right.unit):
            node = self.converted(right, left.unit, expression.right.at)
            return Quantity(self.graph.add(op, (left.node, node)), step, left.basis)
        node = self.converted(right, step, expression.right.at)
        return replace(left, node=self.graph.add(op, (left.node, node)))

    def converted(self, value: Quantity, target: str, at: int) -> NodeId:
        """The same quantity in `target`; for two equal units the node itself."""
        source = value.unit
        try:
            offset = units.convert(0.0, source, target, value.basis)
            factor = units.convert(1.0, source, target, value.basis) - offset
            constant = self.graph.constant(value.node)
            if constant is not None:
                return self.graph.add(Op.CONST, (), (units.convert(constant, source, target, value.basis),))
        except ValueError as error:
            if "to turn" in str(error):
                raise unit_error(at, error) from None
            expected = units.a_dimension(target) + (f" (as in {target})" if target else "")
            raise ExpressionError(at, expected, f"{units.a_dimension(source)} ({source or 'no unit'})") from None
        same = (factor, offset) == (1.0, 0.0)
        return value.node if same else self.graph.add(Op.AFFINE, (value.node,), (factor, offset))

    def zero_of_its_own(self, unit: str, at: int) -> None:
        if not units.has_zero(unit):
            raise ExpressionError(at, "a number with a zero of its own", f"a temperature ({unit})")

    def _call(self, call: Call) -> Typed:
        if call.function in COMPARED:
            function = COMPARED[call.function]
            raise ExpressionError(call.at, f"a comparison of {call.function}(), {function.example}", "none")
        known = FUNCTIONS.get(call.function)
        if known is None:
            near = _near(call.function, [*FUNCTIONS, *COMPARED])
            raise ExpressionError(call.at, f"one of [{', '.join(near)}]", repr(call.function))
        signature(call, known)
        return known.lower(self, call)

    def duration(self, expression: Expression) -> int:
        """A written duration in microseconds."""
        microseconds = self._time(expression)
        if microseconds <= 0:
            raise ExpressionError(expression.at, "a duration above zero", "none")
        return microseconds

    def bounds(self, arguments: Sequence[Expression]) -> tuple[int, int | None]:
        """How long ago a window begins to count and how far it reaches: `T`, or `from, to`; None for `always`."""
        *first, last = arguments
        start = self._time(first[0]) if first else 0
        if isinstance(last, Word) and last.text == "always":
            return start, None
        end = self.duration(last)
        if end <= start:
            raise ExpressionError(last.at, "a window that ends later than it begins", format_duration(end))
        if start and end > MOST_SLICES * (end - start):
            expected = f"a window that is at least a {MOST_SLICES}th of how far it reaches back"
            raise ExpressionError(last.at, expected, f"{format_duration(end - start)} of {format_duration(end)}")
        return start, end

    def _time(self, expression: Expression) -> int:
        if not isinstance(expression, Number) or not expression.unit:
            raise ExpressionError(expression.at, "a duration such as '10 s'", "something else")
        try:
            microseconds = round(units.convert(expression.value, expression.unit, "s") * SECOND)
        except ValueError as error:
            raise unit_error(expression.at, error) from None
        if microseconds > HISTORY:
            expected = f"at most {format_duration(HISTORY)}, as far as the history reaches"
            raise ExpressionError(expression.at, expected, format_duration(microseconds))
        return microseconds


def unknown_name(name: Name, scope: Scope) -> ExpressionError:
    """That a name stands for nothing, and what is near it."""
    return ExpressionError(name.at, f"one of [{', '.join(_near(name.text, scope.names()))}]", repr(name.text))


def _near(name: str, known: Iterable[str]) -> Sequence[str]:
    """Names that somebody may have meant: those that go on as this one begins, or are spelled much like it; or all."""
    known = sorted(known)
    begin = [each for each in known if each.startswith(name)]
    return list(dict.fromkeys([*begin, *difflib.get_close_matches(name, known, n=3, cutoff=0.5)])) or known


def signature(call: Call, function: Function | Compared) -> None:
    """Raise ExpressionError if a function is given another number of arguments than it takes."""
    if len(call.arguments) not in function.arguments:
        got = f"{len(call.arguments)} arguments" if len(call.arguments) != 1 else "1 argument"
        raise ExpressionError(call.at, f"{call.function}() of {function.takes}", got)


def _bare_zero(expression: Expression) -> bool:
    return isinstance(expression, Number) and expression.value == 0 and not expression.unit


def unit_error(at: int, error: ValueError) -> ExpressionError:
    """What `gateway.units` refused, at its character."""
    expected, _, got = str(error).removeprefix("expected ").partition(", got ")
    return ExpressionError(at, expected, got or "something else")
