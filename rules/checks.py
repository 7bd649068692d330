"""Every mistake of one expression where it stands: names, types and units, and divisors that may be zero."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rules import syntax
from rules.divisors import unguarded
from rules.graph import Graph
from rules.lowering import Lowering, lower_condition, unknown_name
from rules.syntax import Binary, Expression, ExpressionError, Name, Unary
from rules.types import Scope


def mistakes(expression: Expression, scope: Scope) -> Sequence[ExpressionError]:
    """Unknown names, divisors that may be zero, and of each condition between 'and' and 'or' the first wrong type."""
    known = set(scope.names())
    unknown = [
        unknown_name(node, scope)
        for node in syntax.walk(expression)
        if isinstance(node, Name) and node.text not in known
    ]
    found: dict[int, ExpressionError] = {}
    for error in (*unknown, *_mistyped(expression, scope), *zero_divisors(expression, scope)):
        found.setdefault(error.at, error)
    return [found[at] for at in sorted(found)]


def _mistyped(expression: Expression, scope: Scope) -> Iterator[ExpressionError]:
    match expression:
        case Binary(operator="and" | "or", left=left, right=right):
            yield from _mistyped(left, scope)
            yield from _mistyped(right, scope)
        case Unary(operator="not", operand=operand):
            yield from _mistyped(operand, scope)
        case _:
            try:
                lower_condition(expression, scope, Graph())
            except ExpressionError as error:
                yield error


def zero_divisors(expression: Expression, scope: Scope) -> Sequence[ExpressionError]:
    """Divisors that may be zero."""
    scratch = Graph()

    def constant(part: Expression) -> float | None:
        try:
            return scratch.constant(Lowering(scope, scratch).number(part).node)
        except ExpressionError:
            return None

    return list(unguarded(expression, constant))
