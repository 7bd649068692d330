"""Divisors that may be zero: each has to be kept from it in sight of the division, or the rule is refused.

Looks at the text of one expression only; what a device may send is no promise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from rules.syntax import COMPARISONS, Binary, Call, Expression, ExpressionError, ListOf, Unary, spelled

Constant = Callable[[Expression], float | None]
"""The value of an expression that never changes; None for any other."""

_NEGATED = {">": "<=", ">=": "<", "<": ">=", "<=": ">", "==": "!=", "!=": "=="}
_MIRRORED = {">": "<", ">=": "<=", "<": ">", "<=": ">=", "==": "==", "!=": "!="}
_KEEPS_FROM_ZERO: dict[str, Callable[[float], bool]] = {
    ">": lambda bound: bound >= 0,
    ">=": lambda bound: bound > 0,
    "<": lambda bound: bound <= 0,
    "<=": lambda bound: bound < 0,
    "==": lambda bound: bound != 0,
    "!=": lambda bound: bound == 0,
}
_OF_OTHER_TICKS = frozenset({"held", "within", "since", "response", "count", "rises", "falls", "margin"})
"""What is said beside these is said of now; inside them it is asked of earlier ticks as well."""


@dataclass(frozen=True, slots=True)
class _Fact:
    """A comparison that holds wherever the division matters."""

    left: Expression
    operator: str
    right: Expression


def unguarded(expression: Expression, constant: Constant) -> Iterator[ExpressionError]:
    """A mistake for every divisor that nothing keeps from zero.

    `x > 0 and a / x > 3` and `x <= 0 or a / x > 3` are well: at zero the comparison decides alone. The text of a
    divisor counts, so that `x + y` has to be compared as `x + y`.
    """
    yield from _Search(constant).visit(expression, ())


class _Search:
    def __init__(self, constant: Constant) -> None:
        self._constant = constant

    def visit(self, expression: Expression, facts: Sequence[_Fact]) -> Iterator[ExpressionError]:
        match expression:
            case Binary(operator="and" | "or", left=left, right=right):
                holds = expression.operator == "and"
                yield from self.visit(left, (*facts, *_facts(right, holds=holds)))
                yield from self.visit(right, (*facts, *_facts(left, holds=holds)))
            case Binary(left=left, right=right):
                yield from self.visit(left, facts)
                yield from self.visit(right, facts)
                if expression.operator == "/" and not self._safe(right, facts):
                    name = spelled(right)
                    expected = f"a divisor that is kept from zero, as by '{name} > ... and', or '* {name}' opposite"
                    yield ExpressionError(right.at, expected, f"{name}, which may be zero")
            case Unary(operand=operand):
                yield from self.visit(operand, facts)
            case Call(arguments=arguments):
                for argument in arguments:
                    yield from self.visit(argument, () if expression.function in _OF_OTHER_TICKS else facts)
            case ListOf(items=items):
                for item in items:
                    yield from self.visit(item, facts)
            case _:
                pass

    def _safe(self, divisor: Expression, facts: Sequence[_Fact]) -> bool:
        # A constant zero has been refused where units are checked.
        return self._constant(divisor) is not None or any(self._keeps(fact, divisor) for fact in facts)

    def _keeps(self, fact: _Fact, divisor: Expression) -> bool:
        name = spelled(divisor)
        for side, operator, other in (
            (fact.left, fact.operator, fact.right),
            (fact.right, _MIRRORED[fact.operator], fact.left),
        ):
            bound = self._constant(other) if spelled(side) == name else None
            if bound is not None and _KEEPS_FROM_ZERO[operator](bound):
                return True
        return False


def _facts(expression: Expression, *, holds: bool) -> tuple[_Fact, ...]:
    """Comparisons that are sure if the expression is true (or, not `holds`, false)."""
    match expression:
        case Binary(operator=operator) if operator in COMPARISONS:
            return (_Fact(expression.left, operator if holds else _NEGATED[operator], expression.right),)
        case Binary(operator="and" | "or") if (expression.operator == "and") is holds:
            return (*_facts(expression.left, holds=holds), *_facts(expression.right, holds=holds))
        case Unary(operator="not"):
            return _facts(expression.operand, holds=not holds)
        case _:
            return ()
