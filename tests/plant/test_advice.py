"""Laws of the warnings: each stands at its place, and a sound file has none but what is true of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

from gateway.document import read_yaml
from gateway.driver import DriverKind
from gateway.errors import Problem, Severity
from gateway.plant.advice import advice
from gateway.plant.bus_time import bus_time
from gateway.plant.criteria import Criteria
from gateway.plant.model import Plant, Text
from gateway.rule import Priority, RuleInstance

Load = Callable[[str], Plant]
RULE = RuleInstance(
    0, "a@b", "a", "b", (), Text("", ""), Text("", ""), Text("关阀", "Close the valve"), 1,
    Priority.LOW, False, None, None, (), "",
)  # fmt: skip


def warnings(
    load: Load,
    text: str,
    drivers: Mapping[str, DriverKind],
    criteria: Criteria,
    *rules: RuleInstance,
    today: date = date(2026, 11, 22),
) -> dict[str, Problem]:
    found = advice(load(text), read_yaml(text, "plant.yaml"), drivers, criteria, rules, today)
    assert all(problem.severity is Severity.WARNING for problem in found)
    return {problem.field: problem for problem in found}


def test_safety_equipment_that_nobody_hears_is_a_warning(
    load: Load, good: str, drivers: Mapping[str, DriverKind], criteria: Criteria
) -> None:
    (problem,) = [p for f, p in warnings(load, good, drivers, criteria).items() if f == "areas[0].staffed"]
    assert (problem.line, problem.file) == (8, "plant.yaml")
    assert problem.got.startswith("eaf1, panel in hall")
    assert "areas[0].staffed" not in warnings(load, good.replace("staffed: false", "staffed: true"), drivers, criteria)


def test_a_scan_that_cannot_fit_its_period_is_a_warning(
    load: Load, good: str, drivers: Mapping[str, DriverKind], criteria: Criteria
) -> None:
    problem = warnings(load, good, drivers, criteria)["devices[0]"]
    assert problem.line == 19
    assert "fits its period of 1 s" in problem.expected
    assert problem.got == "2 requests that take about 1.2 s, 200 ms too long"
    lighter = "\n".join(line for line in good.splitlines() if "kind: breaker" not in line)
    assert "devices[0]" not in warnings(load, lighter, drivers, criteria)


def test_the_bus_time_of_every_polled_line_is_told_the_fullest_first(
    load: Load, good: str, drivers: Mapping[str, DriverKind]
) -> None:
    lines = bus_time(load(good), drivers)
    assert [line.share for line in lines] == sorted((line.share for line in lines), reverse=True)
    (claim,) = lines[0].claims
    assert (claim.requests, claim.expected, claim.period) == (2, 1_200_000, 1_000_000)
    assert str(lines[0]).endswith(f"120%, 20% too much: {claim.device} 2 req 1.2 s of 1 s (120%)")


def test_a_point_is_warned_of_from_the_day_after_its_calibration_was_due(
    load: Load, good: str, drivers: Mapping[str, DriverKind], criteria: Criteria
) -> None:
    field = "points[2].calibration_due"
    assert field not in warnings(load, good, drivers, criteria, today=date(2027, 5, 1))
    problem = warnings(load, good, drivers, criteria, today=date(2027, 5, 2))[field]
    assert problem.line == 24
    assert problem.got == "one due 2027-05-01"


def test_a_rule_that_tells_nobody_what_to_do_is_a_warning(
    load: Load, good: str, drivers: Mapping[str, DriverKind], criteria: Criteria
) -> None:
    silent = replace(RULE, rule="mute", response=Text(" ", "Close the valve"))
    found = warnings(load, good, drivers, criteria, RULE, silent)
    assert "rule mute" in found
    assert "rule a" not in found


def test_a_siren_that_nothing_listens_to_is_told(
    load: Load, good: str, drivers: Mapping[str, DriverKind], criteria: Criteria
) -> None:
    text = good + "sirens: [{output: eaf1.trip, priorities: [critical]}]\n"
    assert "feedback" in warnings(load, text, drivers, criteria)["sirens[0]"].expected
