"""Limits in force: the packs' defaults, the plant file's own values, and which points they concern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from gateway import units
from gateway.errors import Problem
from gateway.plant.criteria import Criteria
from gateway.plant.model import Plant
from gateway.sample import PointIndex
from rules import syntax
from rules.program import LimitInForce
from rules.scope import EquipmentScope, NamedLimit
from rules.syntax import COMPARISONS, Binary, Call, Expression, Name, Unary


class LimitTable:
    """Every limit of every equipment, and what rules say about points with them."""

    def __init__(self, plant: Plant, criteria: Criteria) -> None:
        self.problems: list[Problem] = []
        self._plant = plant
        self._limits: dict[str, dict[str, LimitInForce]] = {}
        self._by_point: dict[PointIndex, list[LimitInForce]] = {}
        for equipment in plant.equipment:
            owner = criteria.classes.get(equipment.equipment_class)
            kinds = owner.limits if owner is not None else {}
            bases = [None, *(kind.basis() for kind in owner.kinds.values())] if owner is not None else []
            mine = self._limits.setdefault(equipment.id, {})
            for kind in kinds.values():
                own = equipment.limits.get(kind.name)
                limit = LimitInForce(equipment.id, kind, kind.default, kind.unit, kind.source, overridden=False)
                if own is not None and any(units.convertible(own.unit, kind.unit, basis) for basis in bases):
                    limit = LimitInForce(equipment.id, kind, own.value, own.unit, own.source, overridden=True)
                elif own is not None:
                    self._problem(equipment.id, f"{own.name}", f"a unit that converts to {kind.unit}", own.unit)
                mine[kind.name] = limit
            for name in equipment.limits:
                if name not in kinds:
                    self._problem(equipment.id, name, f"one of [{', '.join(kinds)}]", name)

    def in_force(self) -> Sequence[LimitInForce]:
        return tuple(limit for limits in self._limits.values() for limit in limits.values())

    def named(self, equipment: str) -> Mapping[str, NamedLimit]:
        """Limits of one equipment under the names that expressions use."""
        limits = self._limits.get(equipment, {})
        return {f"limit.{name}": NamedLimit(limit.value, limit.unit) for name, limit in limits.items()}

    def by_point(self) -> Mapping[PointIndex, Sequence[LimitInForce]]:
        """For each point the limits that rules compare it with, in the point's own unit."""
        return {point: tuple(limits) for point, limits in self._by_point.items()}

    def note(self, equipment: str, compared: Sequence[Comparison], scope: EquipmentScope) -> None:
        """Remember what points of a rule are compared with, for the curves."""
        for one in compared:
            point = scope.points.get(one.point)
            limit = self._limits.get(equipment, {}).get(one.limit)
            if point is None or limit is None:
                continue
            known = self._by_point.setdefault(point.index, [])
            for sign in one.signs:
                value = sign * units.convert(limit.value, limit.unit, point.unit, point.basis)
                drawn = replace(limit, value=value, unit=point.unit)
                if drawn not in known:
                    known.append(drawn)

    def _problem(self, equipment: str, name: str, expected: str, got: str) -> None:
        field = f"equipment {equipment}.limits.{name}"
        self.problems.append(Problem(self._plant.file, 0, 0, field, expected, got))


@dataclass(frozen=True, slots=True)
class Comparison:
    """`point > limit.name`, or with two signs `abs(point) > limit.name`."""

    point: str
    limit: str
    signs: tuple[float, ...]


def comparisons(expression: Expression) -> tuple[Comparison, ...]:
    """The comparisons of a point with a limit in an expression."""
    return tuple(
        found
        for node in syntax.walk(expression)
        if isinstance(node, Binary) and node.operator in COMPARISONS
        for sides in ((node.left, node.right), (node.right, node.left))
        if (found := _comparison(*sides)) is not None
    )


def _comparison(side: Expression, other: Expression) -> Comparison | None:
    signs: tuple[float, ...] = (1.0,)
    if isinstance(side, Call) and side.function == "abs":
        side, signs = side.arguments[0], (1.0, -1.0)
    if isinstance(other, Unary) and other.operator == "-":
        other, signs = other.operand, tuple(-sign for sign in signs)
    if not (isinstance(side, Name) and isinstance(other, Name) and other.parts[0] == "limit"):
        return None
    return Comparison(side.text, other.parts[-1], signs)
