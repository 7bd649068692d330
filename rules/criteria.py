"""The criteria as data: classes/ and clauses.yaml into `Criteria`. Reads no file itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from gateway.document import Document, Path, one_of, problems_of
from gateway.errors import Problem
from gateway.plant.criteria import Clause, Criteria, EquipmentClass, LimitKind, OutputKind, PointKind, Requirement
from gateway.units import convertible
from rules.schema import ClassesFile, ClassModel, ClausesFile
from rules.syntax import RESERVED


def read_classes(documents: Sequence[Document]) -> tuple[dict[str, EquipmentClass], list[Problem]]:
    """Equipment classes of every file by id, and what is wrong with them."""
    models: dict[str, ClassModel] = {}
    places: list[tuple[Document, int, ClassModel]] = []
    problems: list[Problem] = []
    for document in documents:
        try:
            file = ClassesFile.model_validate(document.value)
        except ValidationError as error:
            problems += document.without_echoes(problems_of(error, document, ClassesFile))
            continue
        places += [(document, position, item) for position, item in enumerate(file.classes)]
    whole = not problems
    for document, position, item in places:
        if item.id in models:
            problems.append(document.problem(("classes", position, "id"), "an id that stands once", item.id))
        models[item.id] = item
    for document, position, item in places:
        path = ("classes", position)
        if whole and item.parent_class is not None and item.parent_class not in models:
            got = item.parent_class
            problems.append(document.problem((*path, "parent_class"), one_of(list(models), got), repr(got)))
        circle = _circle(item, models)
        if circle is not None:
            problems.append(document.problem((*path, "parent_class"), "a class that is not inside it", circle))
        problems += _names(document, path, item)
    return {name: _equipment_class(item) for name, item in models.items()}, problems


def read_clauses(document: Document) -> tuple[tuple[Clause, ...], list[Problem]]:
    """Clauses in file order, and what is wrong with them."""
    try:
        file = ClausesFile.model_validate(document.value)
    except ValidationError as error:
        return (), problems_of(error, document, ClausesFile)
    clauses = tuple(
        Clause(
            item.id,
            item.title.text(),
            tuple(Requirement(r.equipment_class, r.points, r.rules, r.interlocks) for r in item.requirements),
            item.ledger.text() if item.ledger is not None else None,
            item.everywhere,
            item.certainty,
        )
        for item in file.clauses
    )
    return clauses, _repeated(document, "clauses", [item.id for item in file.clauses])


def check_clauses(
    document: Document, criteria: Criteria, rules: Sequence[str], interlocks: Sequence[str]
) -> list[Problem]:
    """Requirements that name classes, points, rules or interlocks that do not exist."""
    problems = []
    for number, clause in enumerate(criteria.clauses):
        for position, requirement in enumerate(clause.requirements):
            path = ("clauses", number, "requirements", position)
            owner = criteria.classes.get(requirement.equipment_class)
            if owner is None:
                got = requirement.equipment_class
                problems.append(document.problem((*path, "class"), "the id of an equipment class", got))
            checks = (
                ("points", requirement.points, list(owner.kinds) if owner else requirement.points, "a point kind"),
                ("rules", requirement.rules, rules, "the id of a rule"),
                ("interlocks", requirement.interlocks, interlocks, "the id of an interlock"),
            )
            for field, names, known, expected in checks:
                problems += [
                    document.problem((*path, field, index), expected, name)
                    for index, name in enumerate(names)
                    if name not in known
                ]
    return problems


def _circle(start: ClassModel, models: Mapping[str, ClassModel]) -> str | None:
    """The way from a class through its parents back to it, if there is one."""
    trail = [start.id]
    above = start.parent_class
    while above is not None and above in models and above not in trail:
        trail.append(above)
        above = models[above].parent_class
    return " in ".join([*trail, start.id]) if above == start.id else None


def _names(document: Document, path: Path, item: ClassModel) -> list[Problem]:
    """Kinds and limits whose names stand twice or are words of the language, and gases of what is no gas."""
    problems = []
    for field, key, names in (
        ("kinds", "id", [kind.id for kind in item.kinds]),
        ("limits", "name", [limit.name for limit in item.limits]),
    ):
        for position, name in enumerate(names):
            at = (*path, field, position, key)
            if name in names[:position]:
                problems.append(document.problem(at, "a name that stands once in its class", name))
            if name in RESERVED:
                problems.append(document.problem(at, "a name that is no word of the rule language", repr(name)))
    for position, kind in enumerate(item.kinds):
        if kind.gas is not None and not any(convertible(kind.unit, unit) for unit in ("ppm", "mg/m3", "%LEL")):
            at = (*path, "kinds", position, "gas")
            expected = "a gas on a concentration (ppm, mg/m3, %LEL)"
            problems.append(document.problem(at, expected, f"one on {kind.unit!r}"))
    return problems


def _equipment_class(item: ClassModel) -> EquipmentClass:
    return EquipmentClass(
        id=item.id,
        name=item.name.text(),
        kinds={
            kind.id: PointKind(
                kind.id,
                kind.name.text(),
                kind.unit,
                {k: v.text() for k, v in kind.states.items()},
                kind.gas,
                kind.conversion_temperature,
            )
            for kind in item.kinds
        },
        outputs={output.id: OutputKind(output.id, output.name.text()) for output in item.outputs},
        limits={
            limit.name: LimitKind(limit.name, limit.title.text(), *limit.default, limit.source, limit.certainty)
            for limit in item.limits
        },
        nameplate=item.nameplate,
        parent_class=item.parent_class,
    )


def _repeated(document: Document, field: str, names: Sequence[str]) -> list[Problem]:
    return [
        document.problem((field, position, "id"), "an id that stands once", name)
        for position, name in enumerate(names)
        if name in names[:position]
    ]
