"""Reads the packs directory: criteria and rules, checked whole. The only module of `rules` that opens files.

Every mistake in every file is reported in one ConfigurationError.
"""

from __future__ import annotations

from pathlib import Path

from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria
from rules.criteria import read_classes, read_clauses
from rules.document import Document, parse

PACKS = Path(__file__).parent / "packs"
"""The criteria that Tocsin ships."""


def load_criteria(directory: Path = PACKS) -> Criteria:
    """Equipment classes and clauses alone; raises ConfigurationError."""
    classes_document, problems = _read(directory / "classes.yaml")
    clauses_document, more = _read(directory / "clauses.yaml")
    problems += more
    if problems:
        raise ConfigurationError(problems)
    classes, problems = read_classes(classes_document)
    clauses, more = read_clauses(clauses_document)
    problems += more
    if problems:
        raise ConfigurationError(problems)
    return Criteria(classes, clauses)


def _read(path: Path) -> tuple[Document, list[Problem]]:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = Problem(str(path), 0, 0, "", "a readable UTF-8 file", str(error))
        return Document(str(path), "", None, None), [problem]
    return parse(str(path), text)
