"""Reads the packs directory: criteria and rules, checked whole. The only module of `rules` that opens files.

Every mistake in every file is reported in one ConfigurationError, at its line and column.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import ValidationError

from gateway import document as documents
from gateway.document import Document, problems_of, read_file
from gateway.document.document import Value
from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria
from rules.criteria import check_clauses, read_classes, read_clauses
from rules.reader import Reader
from rules.schema import InterlockModel, PackFile, RuleModel
from rules.sources import POINT, InterlockSource, Pack, Packs, RuleSource

__all__ = ["PACKS", "POINT", "InterlockSource", "Pack", "Packs", "RuleSource", "load_criteria", "load_packs"]

PACKS = Path(__file__).parent / "packs"
"""The criteria that Tocsin ships."""

CLASSES, CLAUSES = "classes", "clauses.yaml"
"""The folder of equipment classes and the file of clauses; every other file beside them is a pack of rules."""


def load_packs(directory: Path = PACKS) -> Packs:
    """Criteria, rules and interlocks of a directory; raises ConfigurationError with every mistake."""
    criteria, clauses_document, problems = _criteria(directory)
    whole = not any(Path(problem.file).parent.name == CLASSES for problem in problems)
    packs, files = [], []
    for path in sorted(directory.glob("*.yaml")):
        if path.name != CLAUSES:
            document, found = _read(path)
            problems += found
            if document.value is not None:
                files.append(document)
                pack, found = _pack(document, criteria, whole=whole)
                problems += document.without_echoes(found)
                packs += [pack] if pack is not None else []
    found, rules, interlocks = _cross_references(files)
    problems += found
    if not problems:
        problems += check_clauses(clauses_document, criteria, list(rules), list(interlocks))
    if problems:
        raise ConfigurationError(problems)
    return Packs(criteria, tuple(packs))


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


def _pack(document: Document, criteria: Criteria, *, whole: bool) -> tuple[Pack | None, list[Problem]]:
    try:
        file = PackFile.model_validate(document.value)
    except ValidationError as error:
        problems = problems_of(error, document, PackFile)
        return None, problems + _expressions_in_broken_file(document, criteria, whole=whole)
    reader = Reader(document, criteria, whole=whole)
    rules = [reader.rule(model, ("rules", position)) for position, model in enumerate(file.rules)]
    interlocks = [reader.interlock(model, ("interlocks", at)) for at, model in enumerate(file.interlocks)]
    pack = Pack(
        file.pack,
        file.title.text(),
        tuple(rule for rule in rules if rule is not None),
        tuple(interlock for interlock in interlocks if interlock is not None),
    )
    return pack, reader.problems


def _expressions_in_broken_file(document: Document, criteria: Criteria, *, whole: bool) -> list[Problem]:
    """Mistakes in the expressions of a file that has others as well, so that one broken field hides none."""
    reader = Reader(document, criteria, whole=whole)
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
                reader.pieces(item, (field, position))
    return reader.problems


def _cross_references(files: Sequence[Document]) -> tuple[list[Problem], Mapping[str, str], Mapping[str, str]]:
    """Ids that stand twice and causes that no rule has, in any file; and classes by id of rule and of interlock.

    Looks at what is written, so that an item with another mistake counts as well.
    """
    rules, interlocks = _Declared(), _Declared()
    for document in files:
        rules.read(document, "rules")
        interlocks.read(document, "interlocks")
    problems = [*rules.problems, *interlocks.problems]
    for document, path, item in interlocks.items:
        causes = item.get("causes")
        for position, cause in enumerate(causes if isinstance(causes, list) else []):
            wanted = item.get("for_each")
            if isinstance(cause, str) and isinstance(wanted, str) and rules.classes.get(cause) != wanted:
                near = difflib.get_close_matches(cause, [r for r, owner in rules.classes.items() if owner == wanted])
                hint = f" such as {' or '.join(near)}" if near else ""
                expected = f"the id of a rule for each {wanted}{hint}"
                problems.append(document.problem((*path, "causes", position), expected, cause))
    return problems, rules.classes, interlocks.classes


class _Declared:
    """What stands under one heading in all files."""

    def __init__(self) -> None:
        self.classes: dict[str, str] = {}
        self.items: list[tuple[Document, documents.Path, dict[str | int, Value]]] = []
        self.problems: list[Problem] = []
        self._first: dict[str, str] = {}

    def read(self, document: Document, heading: str) -> None:
        data = document.value if isinstance(document.value, dict) else {}
        items = data.get(heading)
        for position, item in enumerate(items if isinstance(items, list) else []):
            if not isinstance(item, dict) or not isinstance(item.get("id"), str):
                continue
            path: documents.Path = (heading, position)
            name = str(item["id"])
            self.items.append((document, path, item))
            self.classes.setdefault(name, str(item.get("for_each")))
            place = f"{document.file}:{document.place((*path, 'id'))[0]}"
            first = self._first.setdefault(name, place)
            if first != place:
                got = f"{name} again (first at {first})"
                self.problems.append(document.problem((*path, "id"), "an id that stands once", got))
