"""`margin(e)`: how far a condition is from turning, as a number in its own unit (the robustness of STL).

Positive where the condition holds. Nickovic and Yamaguchi, RTAMT (2020), for the meaning of each operator.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway import units
from rules.graph import Op
from rules.syntax import Binary, Call, Expression, ExpressionError, Unary
from rules.types import Quantity

if TYPE_CHECKING:
    from rules.lowering import Lowering


def margin(to: Lowering, expression: Expression) -> Quantity:
    """The signed distance of a condition; raises ExpressionError for what has none."""
    match expression:
        case Binary(operator=">" | ">=" | "<" | "<="):
            left, right = to.operands(expression)
            sides = (left.node, right.node) if expression.operator in {">", ">="} else (right.node, left.node)
            return Quantity(to.graph.add(Op.SUB, sides), units.difference(left.unit), left.basis)
        case Binary(operator="and" | "or"):
            left, right = margin(to, expression.left), margin(to, expression.right)
            op = Op.LESSER if expression.operator == "and" else Op.GREATER
            node = to.converted(right, left.unit, expression.right.at)
            return Quantity(to.graph.add(op, (left.node, node)), left.unit, left.basis)
        case Unary(operator="not"):
            inner = margin(to, expression.operand)
            return Quantity(to.graph.add(Op.AFFINE, (inner.node,), (-1.0, 0.0)), inner.unit, inner.basis)
        case Call(function="held" | "within", arguments=(condition, duration)):
            inner = margin(to, condition)
            op = Op.MIN if expression.function == "held" else Op.MAX
            node = to.graph.add(op, (inner.node,), (float(to.duration(duration)),))
            return Quantity(node, inner.unit, inner.basis)
    expected = "comparisons by > or <, joined by 'and', 'or', 'not', held(e, T) or within(e, T)"
    raise ExpressionError(expression.at, expected, "something that has no distance")
