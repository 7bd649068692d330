"""A rule that is lowered once for a kind of site means the same as one that is lowered for the site itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.units import convertible
from rules.blueprint import Blueprint
from rules.graph import Graph
from rules.lowering import lower_condition
from rules.scope import EquipmentScope, NamedLimit, NamedPoint, class_scope
from rules.sources import POINT, RuleSource
from tests.rules.harness import packs

RULES = [rule for rule in packs().rules() if rule.model.for_each != POINT]
OTHER = {"m3/h": "L/min", "degC": "degF", "MPa": "bar", "mm": "cm", "ppm": "mg/m3", "Pa": "kPa", "%LEL": "%vol"}


def sites(rule: RuleSource) -> st.SearchStrategy[EquipmentScope]:
    """Sites of the rule's class: points anywhere in the plant, in any unit, some limits overridden."""
    scope = class_scope(packs().criteria, rule.model.for_each)

    def site(start: int, others: list[bool], factors: list[float]) -> EquipmentScope:
        points = {
            name: NamedPoint(start + 3 * at, _unit(point, other=others[at % len(others)]), point.basis)
            for at, (name, point) in enumerate(scope.points.items())
        }
        limits = {
            name: NamedLimit(limit.value * factors[at % len(factors)], limit.unit)
            for at, (name, limit) in enumerate(scope.limits.items())
        }
        return EquipmentScope(points, limits)

    factors = st.lists(st.sampled_from([1.0, 1.5, 2.0]), min_size=1, max_size=4)
    return st.builds(site, st.integers(0, 50), st.lists(st.booleans(), min_size=1, max_size=4), factors)


def _unit(point: NamedPoint, *, other: bool) -> str:
    unit = OTHER.get(point.unit, point.unit) if other else point.unit
    return unit if convertible(unit, point.unit, point.basis) else point.unit


def meanings(rule: RuleSource, site: EquipmentScope) -> Iterator[tuple[str, str]]:
    """The keys of the rule's `when`, lowered in place, beside those of all nodes that the blueprint stamps."""
    points = [f"point {index}" for index in range(400)]
    direct, stamped = Graph(), Graph()
    when = lower_condition(rule.when, site, direct)
    kind = Blueprint(rule).kind(site)
    kind.stamp(stamped, kind.points(site), site.calibration_due)
    yield direct.keys(points)[when], " ".join(stamped.keys(points))


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_a_stamped_rule_computes_what_the_rule_itself_would(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(RULES))
    for direct, stamped in meanings(rule, data.draw(sites(rule))):
        assert direct in stamped


@settings(deadline=None, max_examples=50)
@given(st.data())
def test_stamping_one_kind_twice_changes_nothing_but_the_points(data: st.DataObject) -> None:
    rule = data.draw(st.sampled_from(RULES))
    site = data.draw(sites(rule))
    blueprint, graph = Blueprint(rule), Graph()
    kind = blueprint.kind(site)
    first = kind.stamp(graph, kind.points(site), None)
    size = len(graph)
    assert kind.stamp(graph, kind.points(site), None) == first
    assert len(graph) == size
    moved = EquipmentScope(
        {name: NamedPoint(point.index + 200, point.unit, point.basis) for name, point in site.points.items()},
        site.limits,
    )
    assert blueprint.kind(moved) is kind
    if kind.names:
        assert kind.stamp(graph, kind.points(moved), None) != first


def test_a_kind_without_what_it_needs_stamps_nothing() -> None:
    rule = next(rule for rule in RULES if rule.model.id == "gas.co_high")
    kind = Blueprint(rule).kind(EquipmentScope({}, {}))
    assert kind.absent == ("concentration", "limit.concentration_high", "limit.concentration_clear")
    with pytest.raises(ValueError, match="without"):
        kind.stamp(Graph(), (), None)
