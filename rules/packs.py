"""Reads the packs directory: criteria and rules, checked whole. The only module of `rules` that opens files.

Every mistake in every file is reported in one ConfigurationError, at its line and column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from gateway import document as documents
from gateway.document import Document, problems_of, read_file
from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria
from gateway.plant.model import Text
from rules import syntax
from rules.checks import mistakes
from rules.criteria import check_clauses, read_classes, read_clauses
from rules.schema import InterlockModel, PackFile, RuleModel
from rules.scope import VALUE, EquipmentScope, NamedPoint, class_scope, point_scope
from rules.syntax import Binary, Expression, ExpressionError, Name

PACKS = Path(__file__).parent / "packs"
"""The criteria that Tocsin ships."""

CLASSES, CLAUSES = "classes", "clauses.yaml"
"""The folder of equipment classes and the file of clauses; every other file beside them is a pack of rules."""

POINT = "point"
"""`for_each` of a rule that is for every point rather than for an equipment class."""


@dataclass(frozen=True, slots=True)
class RuleSource:
    """A rule as written, its expressions parsed and checked against its class."""

    model: RuleModel
    document: Document
    path: documents.Path
    when: Expression
    clear: Expression | None


@dataclass(frozen=True, slots=True)
class InterlockSource:
    """A row of a cause-and-effect matrix as written."""

    model: InterlockModel
    document: Document
    path: documents.Path
    engaged: Expression | None
    effects: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Pack:
    """One file of rules and interlocks."""

    id: str
    title: Text
    rules: tuple[RuleSource, ...]
    interlocks: tuple[InterlockSource, ...]


@dataclass(frozen=True, slots=True)
class Packs:
    """Everything in a packs directory."""

    criteria: Criteria
    packs: tuple[Pack, ...]

    def rules(self) -> Iterator[RuleSource]:
        for pack in self.packs:
            yield from pack.rules

    def interlocks(self) -> Iterator[InterlockSource]:
        for pack in self.packs:
            yield from pack.interlocks


def load_packs(directory: Path = PACKS) -> Packs:
    """Criteria, rules and interlocks of a directory; raises ConfigurationError with every mistake."""
    criteria, clauses_document, problems = _criteria(directory)
    packs = []
    for path in sorted(directory.glob("*.yaml")):
        if path.name != CLAUSES:
            document, found = _read(path)
            problems += found
            if document.value is not None:
                pack, found = _pack(document, criteria)
                problems += document.without_echoes(found)
                packs += [pack] if pack is not None else []
    loaded = Packs(criteria, tuple(packs))
    problems += _cross_references(loaded)
    if not problems:
        rules = [rule.model.id for rule in loaded.rules()]
        interlocks = [interlock.model.id for interlock in loaded.interlocks()]
        problems += check_clauses(clauses_document, criteria, rules, interlocks)
    if problems:
        raise ConfigurationError(problems)
    return loaded


def load_criteria(directory: Path = PACKS) -> Criteria:
    """Equipment classes and clauses alone; raises ConfigurationError."""
    criteria, _, problems = _criteria(directory)
    if problems:
        raise ConfigurationError(problems)
    return criteria


def _criteria(directory: Path) -> tuple[Criteria, Document, list[Problem]]:
    files = sorted((directory / CLASSES).glob("*.yaml")) or [directory / CLASSES]
    read = [_read(path) for path in files]
    clauses_document, problems = _read(directory / CLAUSES)
    problems += [problem for _, found in read for problem in found]
    classes, more = read_classes([document for document, _ in read if document.value is not None])
    problems += more
    clauses, more = read_clauses(clauses_document) if clauses_document.value is not None else ((), [])
    problems += clauses_document.without_echoes(more)
    return Criteria(classes, clauses), clauses_document, problems


def _read(path: Path) -> tuple[Document, list[Problem]]:
    document = read_file(path, "a pack to read")
    problems = list(document.problems)
    if document.value is None and not problems:
        problems = [document.problem((), "a pack", "an empty file")]
    return document, problems


def _pack(document: Document, criteria: Criteria) -> tuple[Pack | None, list[Problem]]:
    try:
        file = PackFile.model_validate(document.value)
    except ValidationError as error:
        problems = problems_of(error, document, PackFile)
        return None, problems + _expressions_in_broken_file(document, criteria)
    reader = _Reader(document, criteria)
    rules = [reader.rule(model, ("rules", position)) for position, model in enumerate(file.rules)]
    interlocks = [reader.interlock(model, ("interlocks", at)) for at, model in enumerate(file.interlocks)]
    pack = Pack(
        file.pack,
        file.title.text(),
        tuple(rule for rule in rules if rule is not None),
        tuple(interlock for interlock in interlocks if interlock is not None),
    )
    return pack, reader.problems


def _expressions_in_broken_file(document: Document, criteria: Criteria) -> list[Problem]:
    """Mistakes in the items that hold on their own, so that one broken field hides no other mistake."""
    reader = _Reader(document, criteria)
    data = document.value if isinstance(document.value, dict) else {}
    for field in ("rules", "interlocks"):
        items = data.get(field)
        for position, item in enumerate(items if isinstance(items, list) else []):
            try:
                if field == "rules":
                    reader.rule(RuleModel.model_validate(item), (field, position))
                else:
                    reader.interlock(InterlockModel.model_validate(item), (field, position))
            except ValidationError:
                continue
    return reader.problems


class _Reader:
    """Parses and checks the expressions of one file."""

    def __init__(self, document: Document, criteria: Criteria) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._criteria = criteria

    def rule(self, model: RuleModel, path: documents.Path) -> RuleSource | None:
        scopes = self._scopes(model, path)
        any_point = model.for_each == POINT and not model.of
        when = self._expression(model.when, (*path, "when"), scopes, any_point=any_point)
        clear = None
        if model.clear is not None:
            clear = self._expression(model.clear, (*path, "clear"), scopes, any_point=any_point)
        self._known_clauses(model.clause, path)
        for position, name in enumerate(model.evidence):
            if scopes and name not in scopes[0].points:
                self._problem((*path, "evidence", position), "the name of a point", name)
        return RuleSource(model, self._document, path, when, clear) if when is not None else None

    def interlock(self, model: InterlockModel, path: documents.Path) -> InterlockSource | None:
        scopes = self._class_scopes(model.for_each, path)
        engaged = None
        if model.engaged is not None:
            engaged = self._expression(model.engaged, (*path, "engaged"), scopes)
        effects = []
        for position, effect in enumerate(model.effects):
            at = (*path, "effects", position)
            effects.append(self._expression(effect.expression, (*at, "expression"), scopes))
            if effect.output is not None:
                self._output(effect.output, model.for_each, (*at, "output"))
        self._known_clauses(model.clause, path)
        parsed = tuple(effect for effect in effects if effect is not None)
        if len(parsed) < len(effects):
            return None
        return InterlockSource(model, self._document, path, engaged, parsed)

    def _scopes(self, model: RuleModel, path: documents.Path) -> list[EquipmentScope]:
        if model.for_each != POINT:
            return self._class_scopes(model.for_each, path)
        scopes = []
        for position, role in enumerate(model.of):
            owner, _, kind = role.partition(".")
            equipment_class = self._criteria.classes.get(owner)
            if equipment_class is None or kind not in equipment_class.kinds:
                self._problem((*path, "of", position), "a role such as 'co_detector.concentration'", role)
            else:
                named = equipment_class.kinds[kind]
                scopes.append(point_scope(NamedPoint(0, named.unit, named.basis())))
        return scopes or [point_scope(NamedPoint(0, ""))]

    def _class_scopes(self, class_id: str, path: documents.Path) -> list[EquipmentScope]:
        if class_id in self._criteria.classes:
            return [class_scope(self._criteria, class_id)]
        known = ", ".join(sorted(self._criteria.classes))
        self._problem((*path, "for_each"), f"one of [{known}] or '{POINT}'", class_id)
        return []

    def _expression(
        self,
        text: str,
        path: documents.Path,
        scopes: Sequence[EquipmentScope],
        *,
        any_point: bool = False,
    ) -> Expression | None:
        try:
            expression = syntax.parse(text)
        except ExpressionError as error:
            self._misplaced(path, error)
            return None
        found = {each.at: each for scope in scopes for each in mistakes(expression, scope)}
        if any_point:
            found |= {each.at: each for each in _arithmetic_on_any_point(expression)}
        for mistake in found.values():
            self._misplaced(path, mistake)
        return None if found else expression

    def _misplaced(self, path: documents.Path, error: ExpressionError) -> None:
        self.problems.append(self._document.problem(path, error.expected, error.got, offset=error.at))

    def _output(self, name: str, class_id: str, path: documents.Path) -> None:
        owner = self._criteria.classes.get(class_id)
        kind = name
        if owner is not None and name.startswith("parent."):
            kind = name.removeprefix("parent.")
            owner = self._criteria.classes.get(owner.parent_class or "")
        if owner is not None and kind not in owner.outputs:
            self._problem(path, f"one of [{', '.join(owner.outputs)}]", name)

    def _known_clauses(self, clauses: Sequence[str], path: documents.Path) -> None:
        known = {clause.id for clause in self._criteria.clauses}
        for clause in clauses:
            if known and clause not in known:
                self._problem((*path, "clause"), "a clause of clauses.yaml", clause)

    def _problem(self, path: documents.Path, expected: str, got: str) -> None:
        self.problems.append(self._document.problem(path, expected, got))


def _arithmetic_on_any_point(expression: Expression) -> Iterator[ExpressionError]:
    for node in syntax.walk(expression):
        if isinstance(node, Binary):
            for side in (node.left, node.right):
                if isinstance(side, Name) and side.text == VALUE:
                    yield ExpressionError(side.at, "'of' to list the roles whose values are compared", "any point")


def _cross_references(packs: Packs) -> list[Problem]:
    problems = []
    classes: dict[str, str] = {}
    for rule in packs.rules():
        if rule.model.id in classes:
            problems.append(rule.document.problem((*rule.path, "id"), "an id that stands once", rule.model.id))
        classes[rule.model.id] = rule.model.for_each
    seen: set[str] = set()
    for interlock in packs.interlocks():
        model = interlock.model
        if model.id in seen:
            problems.append(interlock.document.problem((*interlock.path, "id"), "an id that stands once", model.id))
        seen.add(model.id)
        for position, cause in enumerate(model.causes):
            if classes.get(cause) != model.for_each:
                expected = f"the id of a rule for each {model.for_each}"
                problems.append(interlock.document.problem((*interlock.path, "causes", position), expected, cause))
    return problems
