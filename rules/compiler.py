"""Packs and a plant into a program: which rules stand on which equipment, and the graph they share.

A rule whose points the plant does not have is not compiled but listed in `CompiledProgram.skipped`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from gateway import units
from gateway.errors import ConfigurationError
from gateway.plant.model import Equipment, Plant, Point
from gateway.rule import RuleInstance, TicketGrade
from rules import lint, syntax
from rules.cause_effect import CauseEffect
from rules.checks import zero_divisors
from rules.draft import Draft, missing
from rules.graph import NodeId, Op
from rules.lowering import lower_condition
from rules.packs import POINT, Packs, RuleSource
from rules.program import CompiledProgram, Skipped
from rules.schema import RuleModel
from rules.scope import EquipmentScope, point_scope
from rules.syntax import ExpressionError

_DAY = 86_400_000_000
_BEIJING = 8 * 3_600_000_000


def compile(plant: Plant, packs: Packs) -> CompiledProgram:  # noqa: A001
    """The program of a plant; raises ConfigurationError where plant and packs do not fit."""
    return _Compiler(plant, packs).program()


@dataclass(frozen=True, slots=True)
class _Site:
    """Where a rule stands: an equipment, or one point of it."""

    id: str
    equipment: Equipment
    scope: EquipmentScope
    point: Point | None


class _Compiler:
    def __init__(self, plant: Plant, packs: Packs) -> None:
        self._plant, self._packs = plant, packs
        self._draft = Draft(plant, packs)
        self._rules: list[RuleInstance] = []
        self._columns: dict[str, int] = {}
        """Condition columns by rule instance."""
        self._equipment = plant.equipment_by_id()
        self._check_points()

    def program(self) -> CompiledProgram:
        draft, matrix = self._draft, CauseEffect(self._draft, self._columns)
        if not draft.problems:
            for rule in self._packs.rules():
                for site in self._sites(rule):
                    self._rule(rule, site)
            for interlock in self._packs.interlocks():
                for equipment in self._plant.equipment:
                    if equipment.equipment_class == interlock.model.for_each:
                        matrix.add(interlock, equipment)
        if draft.problems:
            raise ConfigurationError(draft.problems)
        return CompiledProgram(
            draft.graph,
            draft.conditions,
            self._rules,
            matrix.interlocks,
            skipped=draft.skipped,
            warnings=draft.warnings,
            limits=draft.limits.in_force(),
            point_limits=draft.limits.by_point(),
            hash_=_digest([rule.hash for rule in self._rules], [repr(row) for row in matrix.interlocks]),
            point_keys=[f"{point.id} {point.unit} {point.low} {point.high}" for point in self._plant.points],
        )

    def _check_points(self) -> None:
        for point in self._plant.points:
            owner = self._packs.criteria.classes.get(self._equipment[point.equipment].equipment_class)
            kind = owner.kinds.get(point.kind) if owner is not None else None
            basis = kind.basis(point.conversion_temperature) if kind is not None else None
            if kind is not None and not units.convertible(point.unit, kind.unit, basis):
                field = f"points {point.id}.unit"
                self._draft.problem(field, f"a unit that converts to {kind.unit or 'none'}", point.unit or "no unit")

    def _sites(self, rule: RuleSource) -> Iterator[_Site]:
        if rule.model.for_each != POINT:
            for equipment in self._plant.equipment:
                if equipment.equipment_class == rule.model.for_each:
                    yield _Site(equipment.id, equipment, self._draft.scopes[equipment.id], None)
            return
        for point in self._plant.points:
            equipment = self._equipment[point.equipment]
            role = f"{equipment.equipment_class}.{point.kind}"
            # The gateway's own points have rules of their own: it cannot be silent towards itself.
            if role in rule.model.of or (not rule.model.of and equipment.equipment_class != "gateway"):
                scope = point_scope(self._draft.named(point), _calibration_end(point.calibration_due))
                yield _Site(point.id, equipment, scope, point)

    def _rule(self, rule: RuleSource, site: _Site) -> None:
        model = rule.model
        expressions = [rule.when] if rule.clear is None else [rule.when, rule.clear]
        absent = missing(expressions, site.scope)
        if absent:
            # A state has nothing to calibrate.
            if site.point is None or site.point.unit:
                self._draft.skipped.append(Skipped(model.id, site.id, absent))
            return
        used = list(dict.fromkeys([*(name for e in expressions for name in syntax.names(e)), *model.evidence]))
        points = tuple(site.scope.points[name].index for name in used if name in site.scope.points)
        try:
            node = self._condition(rule, site.scope)
            # A limit of the plant file's own may let a divisor through that the default keeps from zero.
            for error in (each for one in expressions for each in zero_divisors(one, site.scope)):
                self._draft.problem(f"{model.id}@{site.id}", error.expected, error.got)
        except ExpressionError as error:
            self._draft.problem(f"{model.id}@{site.id}", error.expected, error.got)
            return
        limits = {name: repr(site.scope.limits[name]) for name in used if name in site.scope.limits}
        self._draft.limits.note(site.equipment.id, rule.when, site.scope)
        index = self._columns[f"{model.id}@{site.id}"] = self._draft.column(node)
        self._rules.append(
            RuleInstance(
                index=index,
                id=f"{model.id}@{site.id}",
                rule=model.id,
                equipment=site.equipment.id,
                clauses=model.clause,
                title=model.title.text(),
                consequence=model.consequence.text(),
                response=model.response.text(),
                response_time=model.response_time,
                priority=model.priority,
                latch=model.latch,
                ticket=None if model.ticket == "none" else TicketGrade(model.ticket),
                first_out_group=_first_out_group(rule, site.equipment),
                points=points,
                hash=_digest(_decisive(model), limits, [self._plant.points[p].unit for p in points]),
            )
        )
        late = lint.late(rule, self._draft.slowest(points))
        if late is not None:
            self._draft.warn(f"{model.id}@{site.id}", *late)

    def _condition(self, rule: RuleSource, scope: EquipmentScope) -> NodeId:
        """`when` held for the on-delay sets, `clear` held for the off-delay resets."""
        graph, model = self._draft.graph, rule.model
        when = lower_condition(rule.when, scope, graph)
        clear = lower_condition(rule.clear, scope, graph) if rule.clear else graph.add(Op.NOT, (when,))
        if model.on_delay:
            when = graph.add(Op.ON_DELAY, (when,), (float(model.on_delay),))
        if model.off_delay:
            clear = graph.add(Op.OFF_DELAY, (clear,), (float(model.off_delay),))
        return graph.add(Op.LATCH, (when, clear))


def _first_out_group(rule: RuleSource, equipment: Equipment) -> str | None:
    if rule.model.first_out is None:
        return None
    among = {"equipment": equipment.id, "parent": equipment.parent or equipment.id, "area": equipment.area}
    return f"{rule.model.first_out}@{among[rule.model.first_out_per]}"


def _calibration_end(due: date | None) -> int | None:
    # A date in a plant file is a day in China, which keeps one time zone: it ends at 16:00 UTC.
    if due is None:
        return None
    return (due.toordinal() + 1 - date(1970, 1, 1).toordinal()) * _DAY - _BEIJING


def _decisive(model: RuleModel) -> object:
    """What of a rule decides; its tests only judge."""
    return model.model_dump(mode="json", exclude={"tests"})


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
