"""Which clause is covered on which equipment, by what, and what is missing or failed. Pure.

Judges what is configured and what works now; it never judges whether a hazard exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from gateway.api.schema import CoverageRow, CoverageStatus, LimitView
from gateway.plant.criteria import Clause, Criteria, LimitKind, Requirement
from gateway.plant.model import Equipment, Limit, Plant, Text
from gateway.rule import InterlockInstance, RuleInstance


def coverage(
    plant: Plant,
    criteria: Criteria,
    rules: Sequence[RuleInstance],
    interlocks: Sequence[InterlockInstance],
    failed_points: Collection[str],
    limits: Mapping[str, Sequence[LimitView]],
) -> tuple[CoverageRow, ...]:
    """One row for every clause and every equipment that it asks something of, in the criteria's order.

    Beside them one row for what of a clause stands in the ledger, where the clause's article concerns the plant at all.
    `failed_points` are ids of points that are not good now; `limits` are what rules compare
    with, by the id of the rule instance.
    Missing outranks failed: what was never there cannot come back by itself.
    """
    judge = _Judge(plant, rules, interlocks, frozenset(failed_points), limits)
    applying = {clause.id: list(_applies(clause, plant)) for clause in criteria.clauses}
    articles = {clause.article for clause in criteria.clauses if clause.everywhere or applying[clause.id]}
    rows: list[CoverageRow] = []
    for clause in criteria.clauses:
        rows += [judge.row(clause, requirements, equipment) for equipment, requirements in applying[clause.id]]
        if clause.ledger is not None and clause.article in articles:
            rows.append(_ledger_row(clause, clause.ledger))
    return tuple(rows)


def _ledger_row(clause: Clause, ledger: Text) -> CoverageRow:
    none: tuple[str, ...] = ()
    status, sure = CoverageStatus.LEDGER, clause.certainty
    return CoverageRow(clause.id, clause.title, "", status, none, none, none, none, none, none, (), ledger, sure)


def limit_view(kind: LimitKind, own: Limit | None) -> LimitView:
    """A limit in force beside its default; `own` is the plant file's, if it has one."""
    return LimitView(
        name=kind.name,
        title=kind.title,
        value=kind.default if own is None else own.value,
        unit=kind.unit if own is None else own.unit,
        source=kind.source if own is None else own.source,
        overridden=own is not None,
        default=kind.default,
        default_unit=kind.unit,
        default_source=kind.source,
        certainty=kind.certainty,
    )


def _applies(clause: Clause, plant: Plant) -> Iterator[tuple[Equipment, list[Requirement]]]:
    for equipment in plant.equipment:
        asked = [each for each in clause.requirements if each.equipment_class == equipment.equipment_class]
        if asked:
            yield equipment, asked


class _Judge:
    """What is there, in the tables that rows are made from."""

    def __init__(
        self,
        plant: Plant,
        rules: Sequence[RuleInstance],
        interlocks: Sequence[InterlockInstance],
        failed: frozenset[str],
        limits: Mapping[str, Sequence[LimitView]],
    ) -> None:
        self._plant, self._failed, self._limits = plant, failed, limits
        self._points = plant.point_of()
        self._rules: dict[tuple[str, str], list[RuleInstance]] = {}
        for rule in rules:
            self._rules.setdefault((rule.rule, rule.equipment), []).append(rule)
        self._interlocks = {(each.interlock, each.equipment): each for each in interlocks}

    def row(self, clause: Clause, requirements: Sequence[Requirement], equipment: Equipment) -> CoverageRow:
        asked_points = _once(name for each in requirements for name in each.points)
        asked_rules = _once(name for each in requirements for name in each.rules)
        asked_interlocks = _once(name for each in requirements for name in each.interlocks)
        required = [self._points[equipment.id, name] for name in asked_points if (equipment.id, name) in self._points]
        rules = [rule for name in asked_rules for rule in self._rules.get((name, equipment.id), ())]
        interlocks = [
            self._interlocks[name, equipment.id]
            for name in asked_interlocks
            if (name, equipment.id) in self._interlocks
        ]
        used = {point.index for point in required}
        used.update(index for rule in rules for index in rule.points)
        used.update(index for each in interlocks for effect in each.effects for index in effect.points)
        points = [self._plant.points[index].id for index in sorted(used)]
        missing_points = [f"{equipment.id}.{name}" for name in asked_points if (equipment.id, name) not in self._points]
        missing_rules = [name for name in asked_rules if (name, equipment.id) not in self._rules]
        missing_rules += [name for name in asked_interlocks if (name, equipment.id) not in self._interlocks]
        failed = [point for point in points if point in self._failed]
        return CoverageRow(
            clause=clause.id,
            title=clause.title,
            equipment=equipment.id,
            status=_status(missing=bool(missing_points or missing_rules), failed=bool(failed)),
            points=tuple(points),
            missing_points=tuple(missing_points),
            failed_points=tuple(failed),
            rules=tuple(rule.id for rule in rules),
            interlocks=tuple(each.id for each in interlocks),
            missing_rules=tuple(missing_rules),
            limits=tuple(_unique(limit for rule in rules for limit in self._limits.get(rule.id, ()))),
            certainty=clause.certainty,
        )


def _status(*, missing: bool, failed: bool) -> CoverageStatus:
    if missing:
        return CoverageStatus.MISSING
    return CoverageStatus.FAILED if failed else CoverageStatus.COVERED


def _once(names: Iterator[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _unique(limits: Iterator[LimitView]) -> list[LimitView]:
    return list({limit.name: limit for limit in limits}.values())
