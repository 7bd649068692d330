"""One rule lowered once for each kind of site: instances that mean the same differ only in the points they read.

What decides about a kind of site is the units of its points, the limits in force and which points there are; ten
thousand instances of one rule have a handful of kinds.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from gateway.rule import Priority
from gateway.sample import PointIndex
from rules import syntax
from rules.checks import zero_divisors
from rules.graph import OF_A_POINT, Graph, NodeId, Op
from rules.limits import comparisons
from rules.lint import delays
from rules.lowering import lower_condition
from rules.scope import EquipmentScope
from rules.sources import RuleSource
from rules.syntax import Call, Expression, ExpressionError
from rules.types import Scope

EARLY = ".early"
"""What the id of a rule's early warning adds to its own."""


@dataclass(frozen=True, slots=True)
class Nodes:
    """What a rule comes to: its condition, what suppresses it, and its early warning."""

    condition: NodeId
    suppress: NodeId | None
    early: NodeId | None


@dataclass(frozen=True, slots=True)
class Kind:
    """A rule on one kind of site. Its graph reads points by their position in `names`."""

    names: tuple[str, ...]
    """Points that the rule reads or shows as evidence."""
    absent: tuple[str, ...]
    """What it would need and the site does not have; then there is nothing else."""
    without: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Parts that it goes without, by field, for want of points."""
    mistakes: tuple[ExpressionError, ...] = ()
    graph: Graph = field(default_factory=Graph)
    nodes: Nodes | None = None
    leaves: tuple[NodeId, ...] = ()
    """Nodes that read a point."""
    dated: tuple[NodeId, ...] = ()
    """Nodes that ask for the date of the site's calibration."""
    hash: str = ""

    def points(self, scope: EquipmentScope) -> tuple[PointIndex, ...]:
        return tuple(scope.points[name].index for name in self.names)

    def stamp(self, graph: Graph, points: Sequence[PointIndex], due: int | None) -> Nodes:
        """The rule's nodes in the graph of all rules, reading the points of one site."""
        if self.nodes is None:
            raise ValueError("expected a rule that has what it needs, got one without")
        parameters = list(self.graph.parameters)
        for node in self.leaves:
            own = parameters[node]
            parameters[node] = (float(points[int(own[0])]), *own[1:])
        for node in self.dated:
            parameters[node] = (float(due or 0),)
        numbers = graph.graft(self.graph, parameters)
        condition, suppress, early = self.nodes.condition, self.nodes.suppress, self.nodes.early
        return Nodes(
            numbers[condition],
            None if suppress is None else numbers[suppress],
            None if early is None else numbers[early],
        )


class Blueprint:
    """A rule and the kinds of site that it has been lowered for."""

    def __init__(self, source: RuleSource) -> None:
        self.source = source
        self._deciding = _names(source.deciding())
        self._names = tuple(dict.fromkeys([*_names(source.expressions()), *source.model.evidence]))
        self._dated = any(
            isinstance(node, Call) and node.function == "overdue"
            for expression in source.expressions()
            for node in syntax.walk(expression)
        )
        model = source.model
        self.title, self.consequence, self.response = (
            each.text() for each in (model.title, model.consequence, model.response)
        )
        self._text = source.model.model_dump(mode="json", exclude={"tests"}, exclude_defaults=True)
        self.delays = delays(source)
        self.compared = comparisons(source.when)
        self._kinds: dict[object, Kind] = {}

    def hash(self, kind: Kind, scope: EquipmentScope) -> str:
        """Of all that decides on one site: text, limits in force, units, and a date if it asks for one."""
        return digest(kind.hash, scope.calibration_due) if self._dated else kind.hash

    def kind(self, scope: EquipmentScope) -> Kind:
        """The kind of a site, lowered once."""
        key = (self._dated and scope.calibration_due is None, *(self._meaning(scope, name) for name in self._names))
        known = self._kinds.get(key)
        if known is None:
            known = self._kinds[key] = self._lowered(scope)
        return known

    @staticmethod
    def _meaning(scope: EquipmentScope, name: str) -> object:
        point = scope.points.get(name)
        return scope.limits.get(name) if point is None else (point.unit, point.basis)

    def _lowered(self, scope: EquipmentScope) -> Kind:
        names = tuple(name for name in self._names if name in scope.points)
        absent = [name for name in self._deciding if self._meaning(scope, name) is None]
        if self._dated and scope.calibration_due is None:
            absent.append("calibration_due")
        if absent:
            return Kind(names, tuple(absent))
        points = {name: replace(scope.points[name], index=at) for at, name in enumerate(names)}
        certain = self.source.model.uncertain == "unknown"
        general = EquipmentScope(points, scope.limits, scope.calibration_due, certain)
        parts = dict(self._parts())
        without = tuple(
            (part, missing)
            for part, expressions in parts.items()
            if (missing := tuple(name for name in _names(expressions) if self._meaning(scope, name) is None))
        )
        graph = Graph()
        try:
            nodes = _Envelope(self.source, general, graph).nodes(without={part for part, _ in without})
        except ExpressionError as error:
            return Kind(names, (), mistakes=(error,))
        # A limit of the plant file's own may let a divisor through that the default keeps from zero.
        gone = {part for part, _ in without}
        there = [*self.source.deciding(), *(e for part, several in parts.items() if part not in gone for e in several)]
        mistakes = tuple(error for expression in there for error in zero_divisors(expression, general))
        limits = {name: repr(scope.limits[name]) for name in self._names if name in scope.limits}
        hash_ = digest(self._text, limits, [repr((each.unit, each.basis)) for each in points.values()])
        leaves = tuple(node for node, op in enumerate(graph.ops) if op in OF_A_POINT)
        dated = tuple(node for node, op in enumerate(graph.ops) if op is Op.OVERDUE)
        return Kind(names, (), without, mistakes, graph, nodes, leaves, dated, hash_)

    def _parts(self) -> Iterator[tuple[str, tuple[Expression, ...]]]:
        """Parts that a rule can go without."""
        if self.source.suppress_when is not None:
            yield "suppress_when", (self.source.suppress_when,)
        early = self.source.early
        if early is not None:
            yield "early", (early.when,) if early.clear is None else (early.when, early.clear)


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The fields around an expression as nodes: delays, arming, latching, what lost data mean."""

    source: RuleSource
    scope: Scope
    graph: Graph

    def nodes(self, without: set[str]) -> Nodes:
        source, model = self.source, self.source.model
        trips = model.bad_quality == "trip"
        condition = self._latched(source.when, source.clear, (model.on_delay, model.off_delay), trips=trips)
        suppress = early = None
        if source.suppress_when is not None and "suppress_when" not in without:
            suppress = self._lower(source.suppress_when)
        if source.early is not None and "early" not in without:
            own = source.early.model
            early = self._latched(source.early.when, source.early.clear, (own.on_delay, own.off_delay))
        return Nodes(condition, suppress, early)

    def _latched(
        self, when: Expression, clear: Expression | None, delays: tuple[int, int], *, trips: bool = False
    ) -> NodeId:
        """`when` held for the on-delay sets, `clear` held for the off-delay resets; unarmed resets at once."""
        graph, armed = self.graph, self.source.armed_when
        begin = self._lower(when)
        end = self._lower(clear) if clear is not None else graph.add(Op.NOT, (begin,))
        unarmed = None
        if armed is not None:
            arming = self._lower(armed)
            begin, unarmed = graph.add(Op.AND, (arming, begin)), graph.add(Op.NOT, (arming,))
        if trips:
            begin = graph.add(Op.BAD_IS, (begin,), (1.0,))
        on_delay, off_delay = delays
        if on_delay:
            begin = graph.add(Op.ON_DELAY, (begin,), (float(on_delay),))
        if off_delay:
            end = graph.add(Op.OFF_DELAY, (end,), (float(off_delay),))
        if unarmed is not None:
            end = graph.add(Op.OR, (end, unarmed))
        return graph.add(Op.LATCH, (begin, end))

    def _lower(self, expression: Expression) -> NodeId:
        return lower_condition(expression, self.scope, self.graph)


def below(priority: Priority) -> Priority:
    """The next lower priority; of the lowest itself."""
    order = list(Priority)
    return order[min(order.index(priority) + 1, len(order) - 1)]


def digest(*parts: object) -> str:
    """SHA-256 of values that JSON can hold."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _names(expressions: Sequence[Expression]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for expression in expressions for name in syntax.names(expression)))
