"""Packs and a plant into a program: which rules stand on which equipment, and the graph they share.

A rule whose points the plant does not have is not compiled but listed in `CompiledProgram.skipped`.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import date

from gateway import units
from gateway.document import one_of
from gateway.duration import format_duration
from gateway.errors import ConfigurationError
from gateway.plant.model import Equipment, Plant, Point, Text
from gateway.rule import RuleInstance, TicketGrade
from gateway.sample import PointIndex
from rules.blueprint import EARLY, Blueprint, below, digest
from rules.cause_effect import CauseEffect
from rules.draft import Draft
from rules.graph import NodeId
from rules.packs import POINT, Packs, RuleSource
from rules.program import CompiledProgram, Skipped
from rules.schema import EarlyModel, RuleModel
from rules.scope import EquipmentScope, point_scope

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
        self._counted_on = {rule.model.id for rule in packs.rules() if rule.model.credited}
        self._suppressed: list[tuple[int, NodeId]] = []
        self._equipment = plant.equipment_by_id()
        self._check_points()

    def program(self) -> CompiledProgram:
        draft, matrix = self._draft, CauseEffect(self._draft, self._columns)
        if not draft.problems:
            for rule in self._packs.rules():
                blueprint = Blueprint(rule)
                for site in self._sites(rule):
                    self._rule(blueprint, site)
            self._suppress()
            self._credited()
            for interlock in self._packs.interlocks():
                for equipment in self._plant.equipment:
                    if equipment.equipment_class == interlock.model.for_each:
                        matrix.add(interlock, equipment)
            self._check_keeping({row.id for row in matrix.interlocks})
            self._check_horizons()
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
            hash_=digest([rule.hash for rule in self._rules], [repr(row) for row in matrix.interlocks]),
            point_keys=[f"{point.id} {point.unit} {point.low} {point.high}" for point in self._plant.points],
        )

    def _check_keeping(self, interlocks: AbstractSet[str]) -> None:
        """Interlocks that the plant file keeps in a way of their own have to be there."""
        for name in self._plant.interlocks.own:
            if name not in interlocks:
                self._draft.problem("interlocks.own", one_of(sorted(interlocks), name), f"an interlock {name}")

    def _check_horizons(self) -> None:
        """A window longer than the plant keeps its samples could never be warm again after a restart."""
        horizons, history = self._draft.graph.horizons(), self._plant.history
        for rule in self._rules:
            class_ = self._equipment[rule.equipment].equipment_class
            kept = history.classes.get(class_, history.keeping).samples
            horizon = horizons[self._draft.conditions[rule.index]]
            if horizon > kept:
                expected = f"a look back of at most {format_duration(kept)}, as long as the plant file keeps samples"
                self._draft.problem(rule.id, f"{expected} of {class_}", format_duration(horizon))

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

    def _rule(self, blueprint: Blueprint, site: _Site) -> None:
        model = blueprint.source.model
        kind = blueprint.kind(site.scope)
        if kind.absent:
            # A state has nothing to calibrate.
            if site.point is None or site.point.unit:
                self._draft.skipped.append(Skipped(model.id, site.id, kind.absent))
            return
        for mistake in kind.mistakes:
            self._draft.problem(f"{model.id}@{site.id}", mistake.expected, mistake.got)
        if kind.mistakes:
            return
        self._draft.skipped += [Skipped(f"{model.id}/{part}", site.id, names) for part, names in kind.without]
        points = kind.points(site.scope)
        nodes = kind.stamp(self._draft.graph, points, site.scope.calibration_due)
        self._draft.limits.note(site.equipment.id, blueprint.compared, site.scope)
        rule = _instance(blueprint, site, self._draft.column(nodes.condition), points, blueprint.hash(kind, site.scope))
        self._add(rule, nodes.suppress)
        if nodes.early is not None:
            self._add(_early(rule, blueprint.source, self._draft.column(nodes.early)), nodes.suppress)
        late = blueprint.delays.late(self._draft.slowest(points))
        if late is not None:
            self._draft.warn(rule.id, *late)

    def _add(self, rule: RuleInstance, suppress: NodeId | None) -> None:
        self._columns[rule.id] = rule.index
        self._rules.append(rule)
        if suppress is not None:
            self._suppressed.append((rule.index, suppress))

    def _credited(self) -> None:
        """What a protection layer of its own needs of the plant: sensors that no interlock uses, and their tests."""
        if not self._counted_on:
            return
        used: dict[PointIndex, str] = {}
        for interlock in self._packs.interlocks():
            for rule in self._rules:
                if rule.rule in interlock.model.causes:
                    used |= dict.fromkeys(rule.points, f"{interlock.model.id}@{rule.equipment}")
        for rule in (each for each in self._rules if each.rule in self._counted_on):
            for index in rule.points:
                point = self._plant.points[index]
                if point.unit and point.calibration_due is None:
                    self._draft.warn(rule.id, f"a 'calibration_due' of {point.id} for a credited rule", "none")
                if index in used:
                    got = f"that of {used[index]}"
                    self._draft.warn(rule.id, f"a sensor of its own in place of {point.id}", got)

    def _suppress(self) -> None:
        """Columns of what suppresses, behind those of the rules: a rule's number is its column."""
        columns: dict[NodeId, int] = {}
        for index, node in self._suppressed:
            if node not in columns:
                columns[node] = self._draft.column(node)
            self._rules[index] = replace(self._rules[index], suppress=columns[node])


def _instance(
    blueprint: Blueprint, site: _Site, index: int, points: tuple[PointIndex, ...], hash_: str
) -> RuleInstance:
    model = blueprint.source.model
    return RuleInstance(
        index=index,
        id=f"{model.id}@{site.id}",
        rule=model.id,
        equipment=site.equipment.id,
        clauses=model.clause,
        title=blueprint.title,
        consequence=blueprint.consequence,
        response=blueprint.response,
        response_time=model.response_time,
        priority=model.priority,
        latch=model.latch,
        ticket=None if model.ticket == "none" else TicketGrade(model.ticket),
        first_out_group=_first_out_group(model, site.equipment),
        points=points,
        hash=hash_,
        re_alarm=model.re_alarm,
        shadow=model.shadow,
    )


def _early(rule: RuleInstance, source: RuleSource, index: int) -> RuleInstance:
    """The early warning beside a rule: nothing follows from it, and it never is the first out."""
    own = source.early.model if source.early is not None else EarlyModel(when="")
    title = own.title.text() if own.title is not None else Text(f"{rule.title.zh}（预警）", f"{rule.title.en}, early")
    name, _, site = rule.id.partition("@")
    return replace(
        rule,
        index=index,
        id=f"{name}{EARLY}@{site}",
        rule=f"{name}{EARLY}",
        title=title,
        priority=own.priority or below(rule.priority),
        latch=False,
        ticket=None,
        first_out_group=None,
        re_alarm=None,
    )


def _first_out_group(model: RuleModel, equipment: Equipment) -> str | None:
    if model.first_out is None:
        return None
    among = {"equipment": equipment.id, "parent": equipment.parent or equipment.id, "area": equipment.area}
    return f"{model.first_out}@{among[model.first_out_per]}"


def _calibration_end(due: date | None) -> int | None:
    # A date in a plant file is a day in China, which keeps one time zone: it ends at 16:00 UTC.
    if due is None:
        return None
    return (due.toordinal() + 1 - date(1970, 1, 1).toordinal()) * _DAY - _BEIJING
