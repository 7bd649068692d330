"""Every mistake of one expression where it stands: names, types and units, and divisors that may be zero."""

from __future__ import annotations

from collections.abc import Sequence

from rules import syntax
from rules.divisors import unguarded
from rules.graph import Graph
from rules.lowering import Lowering, lower_condition, unknown_name
from rules.syntax import Expression, ExpressionError, Name
from rules.types import Scope


def mistakes(expression: Expression, scope: Scope) -> Sequence[ExpressionError]:
    """All unknown names; if there are none, the first mistake of type or unit; if there is none, divisors."""
    known = set(scope.names())
    unknown = [
        unknown_name(node, scope)
        for node in syntax.walk(expression)
        if isinstance(node, Name) and node.text not in known
    ]
    if unknown:
        return unknown
    try:
        lower_condition(expression, scope, Graph())
    except ExpressionError as error:
        return [error]
    return zero_divisors(expression, scope)


def zero_divisors(expression: Expression, scope: Scope) -> Sequence[ExpressionError]:
    """Divisors that may be zero, in an expression that otherwise holds."""
    scratch = Graph()

    def constant(part: Expression) -> float | None:
        try:
            return scratch.constant(Lowering(scope, scratch).number(part).node)
        except ExpressionError:
            return None

    return list(unguarded(expression, constant))
