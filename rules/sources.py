"""Packs as read: rules and interlocks with their expressions parsed and checked, and where each was written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway import document as documents
from gateway.document import Document
from gateway.plant.criteria import Criteria
from gateway.plant.model import Text
from rules.schema import EarlyModel, InterlockModel, RuleModel
from rules.syntax import Expression

POINT = "point"
"""`for_each` of a rule that is for every point rather than for an equipment class."""


@dataclass(frozen=True, slots=True)
class EarlySource:
    """The early warning of a rule."""

    model: EarlyModel
    when: Expression
    clear: Expression | None


@dataclass(frozen=True, slots=True)
class RuleSource:
    """A rule as written, its expressions parsed and checked against its class."""

    model: RuleModel
    document: Document
    path: documents.Path
    when: Expression
    """Of a start permissive: the start without what it requires."""
    clear: Expression | None
    armed_when: Expression | None = None
    suppress_when: Expression | None = None
    early: EarlySource | None = None

    def deciding(self) -> tuple[Expression, ...]:
        """Without the points of these the rule cannot stand."""
        return tuple(each for each in (self.when, self.clear, self.armed_when) if each is not None)

    def expressions(self) -> tuple[Expression, ...]:
        """Every expression of the rule."""
        early = (self.early.when, self.early.clear) if self.early is not None else ()
        return tuple(each for each in (*self.deciding(), self.suppress_when, *early) if each is not None)


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
