"""A program in the making: what the parts of the compiler share and add to.

Holds the graph, the condition columns and the problems found so far; decides nothing about rules or interlocks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from gateway.errors import Problem, Severity
from gateway.plant.model import Equipment, Plant, Point
from gateway.sample import PointIndex
from rules import syntax
from rules.graph import Graph, NodeId
from rules.limits import LimitTable
from rules.lowering import lower_condition
from rules.packs import Packs
from rules.program import Skipped
from rules.scope import EquipmentScope, NamedPoint
from rules.syntax import Call, Expression


class Draft:
    """Everything of a program that is already settled, and what names mean on each equipment."""

    def __init__(self, plant: Plant, packs: Packs) -> None:
        self.plant = plant
        self.graph = Graph()
        self.conditions: list[NodeId] = []
        self.skipped: list[Skipped] = []
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.limits = LimitTable(plant, packs.criteria)
        self._classes = {item.id: packs.criteria.classes.get(item.equipment_class) for item in plant.equipment}
        self.problems += self.limits.problems
        self._points: dict[str, dict[str, Point]] = defaultdict(dict)
        for point in plant.points:
            self._points[point.equipment][point.kind] = point
        self.scopes = {item.id: self._scope(item) for item in plant.equipment}

    def column(self, node: NodeId) -> int:
        """A further condition column, and its number."""
        self.conditions.append(node)
        return len(self.conditions) - 1

    def condition(self, expression: Expression, scope: EquipmentScope) -> int:
        """The column of a whole expression; raises ExpressionError."""
        return self.column(lower_condition(expression, scope, self.graph))

    def named(self, point: Point) -> NamedPoint:
        """A point as expressions see it."""
        owner = self._classes[point.equipment]
        kind = owner.kinds.get(point.kind) if owner is not None else None
        basis = kind.basis(point.conversion_temperature) if kind is not None else None
        return NamedPoint(point.index, point.unit, basis)

    def slowest(self, points: Sequence[PointIndex]) -> int:
        """The longest period (microseconds) among the points."""
        return max((self.plant.points[point].period for point in points), default=0)

    def problem(self, field: str, expected: str, got: str) -> None:
        self.problems.append(Problem(self.plant.file, 0, 0, field, expected, got))

    def warn(self, field: str, expected: str, got: str) -> None:
        self.warnings.append(Problem(self.plant.file, 0, 0, field, expected, got, Severity.WARNING))

    def _scope(self, equipment: Equipment) -> EquipmentScope:
        points = {
            prefix + kind: self.named(point)
            for owner, prefix in ((equipment.parent, "parent."), (equipment.id, ""))
            for kind, point in self._points.get(owner or "", {}).items()
        }
        return EquipmentScope(points, self.limits.named(equipment.id))


def missing(expressions: Sequence[Expression], scope: EquipmentScope) -> tuple[str, ...]:
    """Names that the expressions use and the scope does not have."""
    known = set(scope.names())
    wanted = [name for expression in expressions for name in syntax.names(expression)]
    for expression in expressions:
        overdue = any(isinstance(node, Call) and node.function == "overdue" for node in syntax.walk(expression))
        if overdue and scope.calibration_due is None:
            wanted.append("calibration_due")
    return tuple(dict.fromkeys(name for name in wanted if name not in known))


def points_of(expression: Expression, scope: EquipmentScope) -> tuple[PointIndex, ...]:
    """The points that an expression names."""
    return tuple(scope.points[name].index for name in syntax.names(expression) if name in scope.points)
