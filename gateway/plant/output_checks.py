"""What a plant file's outputs mean: the points that guard them, units, times, values. Collects problems, never raises.

An entry of a list that is wrong hides nothing that is wrong in the next.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel

from gateway.document import Document, Path, one_of
from gateway.driver import DriverKind
from gateway.duration import format_duration
from gateway.errors import Problem
from gateway.plant.guard import Comparison, Expectation, Guard, PointTest, Rate
from gateway.plant.model import Device, Point
from gateway.plant.output_schema import ComparisonShape, ExpectationShape, GuardShape
from gateway.plant.schema import OutputShape, PointShape
from gateway.plant.sections import Item, read_item
from gateway.units import a_dimension, convert, convertible

SCANS_TO_JUDGE = 5
"""Periods of the feedback that a time must hold, so that one scan more or less does not decide the verdict."""

_DIFFERENCE = "delta_degC"
TestT = TypeVar("TestT", bound=ComparisonShape)


@dataclass(frozen=True, slots=True)
class OutputChecks:
    """Checks the guard of one output after the other against the points of the file, by id."""

    document: Document
    points: Mapping[str, Item[PointShape]]
    problems: list[Problem]

    def check(self, item: Item[OutputShape]) -> None:
        """Everything but the address."""
        values = item.get("values", list)
        allowed = item.get("allowed", bool)
        if allowed and values is not None and not values:
            expected = "the values that may be written, such as [0, 1]"
            self._add(item.field("values"), expected, "an allowed output without any")
        self._fail_safe(item, values)
        for test in self._entries(item, "permissives", ComparisonShape):
            self._test(test)
        proofs = {name: self._entries(item, name, ExpectationShape) for name in ("feedback", "process")}
        for name, entries in proofs.items():
            self._expectations(name, entries, values)
        if item.get("people", bool):
            self._people(item, values, proofs["feedback"])

    def _add(self, path: Path, expected: str, got: str) -> None:
        self.problems.append(self.document.problem(path, expected, got))

    def _entries(self, item: Item[OutputShape], name: str, shape: type[TestT]) -> list[Item[TestT]]:
        raw = item.raw.get(name) if isinstance(item.raw, dict) else None
        count = len(raw) if isinstance(raw, list) else 0
        return [read_item(self.document, (*item.field(name), place), shape, self.problems) for place in range(count)]

    def _fail_safe(self, item: Item[OutputShape], values: Sequence[float] | None) -> None:
        fail_safe = item.get("fail_safe", float)
        if fail_safe is not None and values is not None and fail_safe not in values:
            self._add(item.field("fail_safe"), f"one of the values {_list(values)}", f"{fail_safe:g}")
        written = item.raw if isinstance(item.raw, dict) else {}
        guarded = [name for name in ("rate", "permissives", "starts") if written.get(name)]
        if item.get("people", bool):
            guarded.append("people")
        if guarded and "fail_safe" not in written:
            expected = "the value of the safe state, which nothing may refuse"
            self._add(item.field("fail_safe"), expected, f"nothing, beside {guarded[0]}")

    def _people(
        self, item: Item[OutputShape], values: Sequence[float] | None, feedback: Sequence[Item[ExpectationShape]]
    ) -> None:
        if item.get("allowed", bool) is False:
            self._add(item.field("people"), "`allowed: true` for what people may command", "allowed: false")
        proven = {entry.get("value", float) for entry in feedback}
        for value in values or ():
            if value not in proven and None not in proven:
                expected = f"feedback for {value:g}: people are told whether it was done"
                self._add(item.field("feedback"), expected, "none")

    def _expectations(
        self, name: str, entries: Sequence[Item[ExpectationShape]], values: Sequence[float] | None
    ) -> None:
        seen: set[float] = set()
        for entry in entries:
            value = entry.get("value", float)
            if value is not None and values is not None and value not in values:
                self._add(entry.field("value"), f"one of the values {_list(values)}", f"{value:g}")
            elif value is not None and value in seen:
                self._add(entry.field("value"), f"each value once in {name}", f"{value:g} again")
            if value is not None:
                seen.add(value)
            self._test(entry)
            self._times(entry)
            if entry.shape is not None and (entry.shape.steady is None) != (entry.shape.held is None):
                self._add(entry.path, "steady and held together", "only one of them")

    def _test(self, entry: Item[TestT]) -> None:
        name = entry.get("point", str)
        if entry.shape is not None and len(found := entry.shape.comparisons()) != 1:
            known = [each.value for each in Comparison if each.value in type(entry.shape).model_fields]
            got = " and ".join(each.value for each in found) or "none"
            self._add(entry.path, f"exactly one of {', '.join(known)}", got)
            return
        if name is None:
            return
        point = self.points.get(name)
        if point is None:
            self._add(entry.field("point"), one_of(self.points, name), repr(name))
            return
        unit = point.get("unit", str)
        if entry.shape is None or unit is None:
            return
        ((comparison, (operand, written)),) = entry.shape.comparisons().items()
        path = entry.field(comparison.value)
        if comparison is Comparison.EQUALS:
            if unit:
                self._add(path, "above or below for a measurement", f"equals {operand:g} for a value in {unit}")
            return
        wanted = _unit_of(comparison, unit)
        if not convertible(written, wanted):
            expected = f"{a_dimension(wanted)} such as {operand:g} {wanted}".rstrip()
            got = f"{operand:g} {written}, {a_dimension(written)}" if written else f"{operand:g} without a unit"
            self._add(path, expected, got)

    def _times(self, entry: Item[ExpectationShape]) -> None:
        point = self.points.get(entry.get("point", str) or "")
        period = point.get("period", int) if point is not None else None
        within, held = entry.get("within", int), entry.get("held", int) or 0
        if within is None or period is None:
            return
        least = SCANS_TO_JUDGE * period + held
        if within < least:
            what = f"{SCANS_TO_JUDGE} periods of the point" + (" and held" if held else "")
            self._add(entry.field("within"), f"at least {what} ({format_duration(least)})", format_duration(within))


def check_read_back(
    item: Item[PointShape] | Item[OutputShape], kind: DriverKind, device: Device, address: BaseModel
) -> None:
    """Raises ValueError where an output says something of reading back that its driver or its device cannot do."""
    if kind.check_read_back is None:
        if isinstance(item.raw, dict) and "read_back" in item.raw:
            raise ValueError(f"expected read_back on no output of a {kind.name} device: it is not read back, got one")
    elif item.get("allowed", bool) and item.get("read_back", bool) is not False:
        kind.check_read_back(device, address)


def points_by_id(items: Sequence[Item[PointShape]]) -> dict[str, Item[PointShape]]:
    """Every point whose equipment and kind can be read, whatever else is wrong with it."""
    named = [(item.get("equipment", str), item.get("kind", str), item) for item in items]
    return {f"{equipment}.{kind}": item for equipment, kind, item in named if equipment and kind}


def guard_of(shape: GuardShape, points: Mapping[str, Point]) -> Guard:
    """The guard of a shape that has no mistake."""
    return Guard(
        fail_safe=shape.fail_safe,
        rate=Rate(shape.rate.changes, shape.rate.within) if shape.rate is not None else None,
        permissives=tuple(_test_of(each, points) for each in shape.permissives),
        feedback=tuple(_expectation_of(each, points) for each in shape.feedback),
        process=tuple(_expectation_of(each, points) for each in shape.process),
        people=shape.people,
        starts=shape.starts,
    )


def _expectation_of(shape: ExpectationShape, points: Mapping[str, Point]) -> Expectation:
    test = _test_of(shape, points)
    return Expectation(shape.value, test, shape.within, shape.held or 0, points[shape.point].period)


def _test_of(shape: ComparisonShape, points: Mapping[str, Point]) -> PointTest:
    ((comparison, (operand, written)),) = shape.comparisons().items()
    unit = points[shape.point].unit
    if comparison is Comparison.EQUALS:
        return PointTest(shape.point, comparison, operand, unit)
    return PointTest(shape.point, comparison, convert(operand, written, _unit_of(comparison, unit)), unit)


def _unit_of(comparison: Comparison, unit: str) -> str:
    """What a number is compared in: a difference of temperatures is not a temperature."""
    return _DIFFERENCE if comparison.moves and convertible(unit, "degC") else unit


def _list(values: Sequence[float]) -> str:
    return "[" + ", ".join(f"{value:g}" for value in values) + "]"
