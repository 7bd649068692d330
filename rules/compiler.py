"""Packs and a plant into a program: which rules stand on which equipment, and the graph they share.

A rule whose points the plant does not have is not compiled but listed in `CompiledProgram.skipped`.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.errors import ConfigurationError, Problem, Severity
from gateway.plant.model import Equipment, Output, Plant, Point
from gateway.rule import Effect, EffectMode, InterlockInstance, RuleInstance, TicketGrade
from rules import lint, syntax
from rules.graph import Graph, NodeId, Op
from rules.limits import LimitTable
from rules.packs import POINT, InterlockSource, Packs, RuleSource
from rules.program import CompiledProgram, Skipped
from rules.scope import EquipmentScope, NamedPoint, point_scope
from rules.syntax import Call, Expression, ExpressionError
from rules.types import lower_condition

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
        self._graph = Graph()
        self._conditions: list[NodeId] = []
        self._rules: list[RuleInstance] = []
        self._columns: dict[str, int] = {}
        """Condition columns by rule instance."""
        self._interlocks: list[InterlockInstance] = []
        self._skipped: list[Skipped] = []
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._equipment = plant.equipment_by_id()
        self._points: dict[str, dict[str, Point]] = defaultdict(dict)
        for point in plant.points:
            self._points[point.equipment][point.kind] = point
        self._outputs = {(output.equipment, output.kind): output for output in plant.outputs}
        self._limits = LimitTable(plant, packs.criteria)
        self._problems += self._limits.problems
        self._check_points()
        self._scopes = {item.id: self._scope(item) for item in plant.equipment}

    def program(self) -> CompiledProgram:
        if not self._problems:
            for rule in self._packs.rules():
                for site in self._sites(rule):
                    self._rule(rule, site)
            for interlock in self._packs.interlocks():
                for equipment in self._plant.equipment:
                    if equipment.equipment_class == interlock.model.for_each:
                        self._interlock(interlock, equipment)
        if self._problems:
            raise ConfigurationError(self._problems)
        return CompiledProgram(
            self._graph,
            self._conditions,
            self._rules,
            self._interlocks,
            skipped=self._skipped,
            warnings=self._warnings,
            limits=self._limits.in_force(),
            point_limits=self._limits.by_point(),
            hash_=_digest([rule.hash for rule in self._rules], [repr(row) for row in self._interlocks]),
        )

    def _check_points(self) -> None:
        for point in self._plant.points:
            owner = self._packs.criteria.classes.get(self._equipment[point.equipment].equipment_class)
            kind = owner.kinds.get(point.kind) if owner is not None else None
            if kind is not None and not lint.convertible(point.unit, kind.unit):
                field = f"points {point.id}.unit"
                self._problem(field, f"a unit that converts to {kind.unit or 'none'}", point.unit or "no unit")

    def _scope(self, equipment: Equipment) -> EquipmentScope:
        points = {
            prefix + kind: NamedPoint(point.index, point.unit)
            for owner, prefix in ((equipment.parent, "parent."), (equipment.id, ""))
            for kind, point in self._points.get(owner or "", {}).items()
        }
        return EquipmentScope(points, self._limits.named(equipment.id))

    def _sites(self, rule: RuleSource) -> Iterator[_Site]:
        if rule.model.for_each != POINT:
            for equipment in self._plant.equipment:
                if equipment.equipment_class == rule.model.for_each:
                    yield _Site(equipment.id, equipment, self._scopes[equipment.id], None)
            return
        for point in self._plant.points:
            equipment = self._equipment[point.equipment]
            role = f"{equipment.equipment_class}.{point.kind}"
            # The gateway's own points have rules of their own: it cannot be silent towards itself.
            if role in rule.model.of or (not rule.model.of and equipment.equipment_class != "gateway"):
                scope = point_scope(point.unit, point.index, _calibration_end(point.calibration_due))
                yield _Site(point.id, equipment, scope, point)

    def _rule(self, rule: RuleSource, site: _Site) -> None:
        model = rule.model
        expressions = [rule.when] if rule.clear is None else [rule.when, rule.clear]
        missing = _missing(expressions, site.scope)
        if missing:
            # A state has nothing to calibrate.
            if site.point is None or site.point.unit:
                self._skipped.append(Skipped(model.id, site.id, missing))
            return
        used = list(dict.fromkeys([*(name for e in expressions for name in syntax.names(e)), *model.evidence]))
        points = tuple(site.scope.points[name].index for name in used if name in site.scope.points)
        try:
            node = self._condition(rule, site.scope)
        except ExpressionError as error:
            self._problem(f"{model.id}@{site.id}", error.expected, error.got)
            return
        limits = {name: repr(site.scope.limits[name]) for name in used if name in site.scope.limits}
        self._limits.note(site.equipment.id, rule.when, site.scope)
        self._conditions.append(node)
        self._columns[f"{model.id}@{site.id}"] = len(self._rules)
        self._rules.append(
            RuleInstance(
                index=len(self._rules),
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
                hash=_digest(model.model_dump(mode="json"), limits, [self._plant.points[p].unit for p in points]),
            )
        )
        scan = max((self._plant.points[point].period for point in points), default=0)
        late = lint.late(rule, scan)
        if late is not None:
            self._warn(f"{model.id}@{site.id}", *late)

    def _condition(self, rule: RuleSource, scope: EquipmentScope) -> NodeId:
        """`when` held for the on-delay sets, `clear` held for the off-delay resets."""
        graph, model = self._graph, rule.model
        when = lower_condition(rule.when, scope, graph)
        clear = lower_condition(rule.clear, scope, graph) if rule.clear else graph.add(Op.NOT, (when,))
        if model.on_delay:
            when = graph.add(Op.HELD, (when,), (float(model.on_delay),))
        if model.off_delay:
            clear = graph.add(Op.HELD_STRICTLY, (clear,), (float(model.off_delay),))
        return graph.add(Op.LATCH, (when, clear))

    def _interlock(self, source: InterlockSource, equipment: Equipment) -> None:
        model, scope = source.model, self._scopes[equipment.id]
        ids = {cause: f"{cause}@{equipment.id}" for cause in model.causes}
        causes = tuple(self._columns[instance] for instance in ids.values() if instance in self._columns)
        absent = tuple(cause for cause, instance in ids.items() if instance not in self._columns)
        effects = []
        for position in range(len(model.effects)):
            effect = self._effect(source, position, equipment)
            effects += [effect] if effect is not None else []
        if absent or not effects:
            self._skipped.append(Skipped(model.id, equipment.id, absent))
        if not causes or not effects:
            return
        engaged = None
        if source.engaged is not None:
            missing = _missing([source.engaged], scope)
            if missing:
                self._skipped.append(Skipped(f"{model.id}/engaged", equipment.id, missing))
            else:
                engaged = self._column(source.engaged, scope)
        self._interlocks.append(
            InterlockInstance(
                index=len(self._interlocks),
                id=f"{model.id}@{equipment.id}",
                interlock=model.id,
                equipment=equipment.id,
                clauses=model.clause,
                name=model.name.text(),
                causes=causes,
                engaged=engaged,
                effects=tuple(effects),
            )
        )

    def _effect(self, source: InterlockSource, position: int, equipment: Equipment) -> Effect | None:
        model, expression = source.model.effects[position], source.effects[position]
        scope = self._scopes[equipment.id]
        name = f"{source.model.id}/{model.id}"
        missing = _missing([expression], scope)
        if missing:
            self._skipped.append(Skipped(name, equipment.id, missing))
            return None
        points = tuple(scope.points[n].index for n in syntax.names(expression) if n in scope.points)
        scan = max((self._plant.points[point].period for point in points), default=0)
        if scan * 5 > model.within:
            expected = f"feedback at least every {model.within // 5000} ms to judge {model.within // 1000} ms"
            self._warn(f"{name}@{equipment.id}", expected, f"every {scan // 1000} ms")
        output = self._output(model.output, equipment)
        if output is not None and model.value not in output.values:
            self._problem(f"outputs {output.id}.values", f"{model.value:g} among them", f"{list(output.values)}")
        return Effect(
            id=model.id,
            name=model.name.text(),
            condition=self._column(expression, scope),
            within=model.within,
            scan=scan,
            mode=EffectMode.OBSERVE if output is None else EffectMode.COMMAND,
            output=None if output is None else output.id,
            value=model.value,
            points=points,
        )

    def _output(self, name: str | None, equipment: Equipment) -> Output | None:
        """The output that commands an effect, if the plant file allows one."""
        if name is None:
            return None
        holder = equipment.parent if name.startswith("parent.") else equipment.id
        output = self._outputs.get((holder or "", name.removeprefix("parent.")))
        return output if output is not None and output.allowed else None

    def _column(self, expression: Expression, scope: EquipmentScope) -> int:
        self._conditions.append(lower_condition(expression, scope, self._graph))
        return len(self._conditions) - 1

    def _problem(self, field: str, expected: str, got: str) -> None:
        self._problems.append(Problem(self._plant.file, 0, 0, field, expected, got))

    def _warn(self, field: str, expected: str, got: str) -> None:
        self._warnings.append(Problem(self._plant.file, 0, 0, field, expected, got, Severity.WARNING))


def _missing(expressions: Sequence[Expression], scope: EquipmentScope) -> tuple[str, ...]:
    known = set(scope.names())
    wanted = [name for expression in expressions for name in syntax.names(expression)]
    for expression in expressions:
        overdue = any(isinstance(node, Call) and node.function == "overdue" for node in syntax.walk(expression))
        if overdue and scope.calibration_due is None:
            wanted.append("calibration_due")
    return tuple(dict.fromkeys(name for name in wanted if name not in known))


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


def _digest(*parts: object) -> str:
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


