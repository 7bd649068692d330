"""What names mean: for an equipment class when a pack is checked, for an equipment when it is compiled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.gases import Basis
from gateway.plant.criteria import Criteria, PointKind
from gateway.sample import PointIndex
from rules.graph import Graph, Op
from rules.types import Typed

VALUE = "value"
"""The point of a rule that is for each point."""


@dataclass(frozen=True, slots=True)
class NamedPoint:
    index: PointIndex
    unit: str
    basis: Basis | None = None


@dataclass(frozen=True, slots=True)
class NamedLimit:
    value: float
    unit: str


@dataclass(slots=True)
class EquipmentScope:
    """A `rules.types.Scope` from plain tables; keys are names as expressions write them."""

    points: Mapping[str, NamedPoint]
    limits: Mapping[str, NamedLimit]
    calibration_due: int | None = None
    certain: bool = False
    """Whether a value of uncertain quality counts as unknown."""

    def quantity(self, name: str, graph: Graph) -> Typed | None:
        point = self.points.get(name)
        if point is not None:
            op = Op.CERTAIN if self.certain else Op.POINT
            return Typed(graph.add(op, (), (float(point.index),)), point.unit, point.basis)
        limit = self.limits.get(name)
        if limit is not None:
            return Typed(graph.add(Op.CONST, (), (limit.value,)), limit.unit)
        return None

    def point(self, name: str) -> PointIndex | None:
        point = self.points.get(name)
        return point.index if point is not None else None

    def names(self) -> Sequence[str]:
        return (*self.points, *self.limits)


def class_scope(criteria: Criteria, class_id: str) -> EquipmentScope:
    """Names of an equipment class with made-up points: enough to check an expression."""
    owner = criteria.classes[class_id]
    kinds: dict[str, PointKind] = dict(owner.kinds)
    if owner.parent_class is not None:
        parent = criteria.classes[owner.parent_class]
        kinds |= {f"parent.{kind.id}": kind for kind in parent.kinds.values()}
    limits = {f"limit.{limit.name}": NamedLimit(limit.default, limit.unit) for limit in owner.limits.values()}
    points = {name: NamedPoint(index, kind.unit, kind.basis()) for index, (name, kind) in enumerate(kinds.items())}
    return EquipmentScope(points, limits)


def point_scope(point: NamedPoint, calibration_due: int | None = 0) -> EquipmentScope:
    """Names of a rule that is for each point."""
    return EquipmentScope({VALUE: point}, {}, calibration_due)
