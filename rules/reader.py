"""Parses and checks the expressions of one pack file against the classes that its rules are for. Reads no file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass

from gateway import document as documents
from gateway.document import Document, one_of
from gateway.document.document import Value
from gateway.errors import Problem
from gateway.plant.criteria import Criteria
from gateway.rule import Priority
from gateway.sample import SECOND
from rules import syntax
from rules.checks import mistakes
from rules.schema import EarlyModel, InterlockModel, RuleModel
from rules.scope import VALUE, EquipmentScope, NamedPoint, class_scope, point_scope
from rules.sources import POINT, EarlySource, InterlockSource, RuleSource
from rules.syntax import Binary, Call, Expression, ExpressionError, Name, Number, Unary

_PIECES: Sequence[documents.Path] = (
    *((field,) for field in ("when", "clear", "armed_when", "suppress_when", "engaged")),
    *(("early", field) for field in ("when", "clear")),
    *(("start_permissive", field) for field in ("start", "requires")),
)
"""Where expressions stand in a rule or an interlock."""


@dataclass(frozen=True, slots=True)
class _Site:
    """What the names of a rule mean, on each kind of site that it stands on."""

    scopes: Sequence[EquipmentScope]
    _: KW_ONLY
    any_point: bool
    """It stands on any point whatever, whose unit nobody knows."""


class Reader:
    """Parses and checks the expressions of one file."""

    def __init__(self, document: Document, criteria: Criteria, *, whole: bool = True) -> None:
        self.problems: list[Problem] = []
        self._document = document
        self._criteria = criteria
        self._whole = whole
        """Whether every class could be read; if not, a rule is not blamed for naming one that is not there."""
        self._site = _Site([], any_point=False)

    def rule(self, model: RuleModel, path: documents.Path) -> RuleSource | None:
        before = len(self.problems)
        self._site = _Site(self._scopes(model, path), any_point=model.for_each == POINT and not model.of)
        self._known_clauses(model.clause, path)
        for position, name in enumerate(model.evidence):
            if self._site.scopes and name not in self._site.scopes[0].points:
                self._problem((*path, "evidence", position), "the name of a point", name)
        clear = self._optional(model.clear, (*path, "clear"))
        armed = self._optional(model.armed_when, (*path, "armed_when"))
        suppress = self._optional(model.suppress_when, (*path, "suppress_when"))
        early = self._early(model.early, (*path, "early"))
        if model.credited:
            self._credited(model, path)
        when, default = self._condition(model, path)
        if when is None or len(self.problems) > before:
            return None
        return RuleSource(model, self._document, path, when, clear or default, armed, suppress, early)

    def pieces(self, item: Value, path: documents.Path) -> None:
        """The expressions of a rule or interlock that has other mistakes, as far as it says what it is for."""
        if not isinstance(item, dict) or not isinstance(item.get("for_each"), str):
            return
        for_each = str(item["for_each"])
        if for_each == POINT:
            return
        self._site = _Site(self._class_scopes(for_each, path), any_point=False)
        effects = item.get("effects")
        count = len(effects) if isinstance(effects, list) else 0
        for place in (*_PIECES, *(("effects", number, "expression") for number in range(count))):
            text = self._document.at((*path, *place))
            if isinstance(text, str) and text:
                self._optional(text, (*path, *place))

    def _condition(self, model: RuleModel, path: documents.Path) -> tuple[Expression | None, Expression | None]:
        """`when`, and the `clear` that goes with it if the rule has none of its own."""
        start = model.start_permissive
        if (model.when is None) is (start is None):
            got = "neither" if start is None else "both"
            self._problem(path if start is None else (*path, "start_permissive"), "'when' or 'start_permissive'", got)
            return None, None
        if start is None:
            return self._optional(model.when, (*path, "when")), None
        at = (*path, "start_permissive")
        event, requires = self._optional(start.start, (*at, "start")), self._optional(start.requires, (*at, "requires"))
        if model.on_delay:
            self._problem((*path, "on_delay"), "none beside 'start_permissive': a start is one moment", "one")
        if event is None or requires is None:
            return None, None
        held = Call("held", (requires, Number(start.held / SECOND, "s", 0)), 0)
        unheld = Unary("not", held, 0)
        # The start stands without what it requires until it ends or has become allowed.
        return Binary("and", Call("rises", (event,), 0), unheld, 0), Binary("or", Unary("not", event, 0), held, 0)

    def _early(self, model: EarlyModel | None, path: documents.Path) -> EarlySource | None:
        if model is None:
            return None
        when = self._optional(model.when, (*path, "when"))
        clear = self._optional(model.clear, (*path, "clear"))
        return EarlySource(model, when, clear) if when is not None else None

    def _credited(self, model: RuleModel, path: documents.Path) -> None:
        """A protection layer of its own fails towards the alarm, cannot be switched off, and leaves time to respond."""
        checks = (
            ("bad_quality", model.bad_quality == "trip", "'trip' for a credited rule", model.bad_quality),
            ("suppress_when", model.suppress_when is None, "none for a credited rule", "one"),
            ("shadow", not model.shadow, "no trial for a credited rule", "true"),
            ("priority", model.priority in {Priority.CRITICAL, Priority.HIGH}, "critical or high", model.priority),
        )
        for field, well, expected, got in checks:
            if not well:
                written = field in model.model_fields_set
                self._problem((*path, field) if written else path, f"{field}: {expected}", str(got))

    def _optional(self, text: str | None, path: documents.Path) -> Expression | None:
        return None if text is None else self._expression(text, path, self._site.scopes, any_point=self._site.any_point)

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
                if self._whole:
                    self._problem((*path, "of", position), "a role such as 'co_detector.concentration'", role)
            else:
                named = equipment_class.kinds[kind]
                scopes.append(point_scope(NamedPoint(0, named.unit, named.basis())))
        return scopes or [point_scope(NamedPoint(0, ""))]

    def _class_scopes(self, class_id: str, path: documents.Path) -> list[EquipmentScope]:
        if class_id in self._criteria.classes:
            return [class_scope(self._criteria, class_id)]
        if self._whole:
            self._problem((*path, "for_each"), one_of([*self._criteria.classes, POINT], class_id), class_id)
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
