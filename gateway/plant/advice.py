"""What is allowed in a plant file and still unwise: warnings, each at the place where it can be mended.

Never stops anything; `gateway.plant.checks` holds what does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from gateway.document import Document, Path, show
from gateway.driver import DriverKind
from gateway.duration import format_duration
from gateway.errors import Problem, Severity
from gateway.plant.bus_time import Line, bus_time
from gateway.plant.criteria import Criteria
from gateway.plant.model import Plant
from gateway.plant.own import GATEWAY, INTERNAL_DRIVER
from gateway.rule import RuleInstance


def advice(
    plant: Plant,
    document: Document,
    drivers: Mapping[str, DriverKind],
    criteria: Criteria,
    rules: Sequence[RuleInstance],
    today: date,
) -> tuple[Problem, ...]:
    """Warnings in file order; `document` is the plant file's own text, for the places."""
    found = [
        *_slow_scans(plant, document, drivers),
        *_past_calibration(plant, document, today),
        *_past_inspection(plant, document, today),
        *_unheard(plant, document, criteria),
        *_speechless(plant, rules),
        *_unproven_sirens(plant, document),
    ]
    return tuple(sorted(found))


def _slow_scans(plant: Plant, document: Document, drivers: Mapping[str, DriverKind]) -> list[Problem]:
    place = {device.id: at for at, device in enumerate(d for d in plant.devices if d.driver != INTERNAL_DRIVER)}
    warnings = []
    for line in bus_time(plant, drivers):
        for claim in line.claims:
            if claim.expected > claim.period:
                expected = f"a scan of {claim.device} that fits its period of {format_duration(claim.period)}"
                longer = format_duration(claim.expected - claim.period)
                took = format_duration(claim.expected)
                got = f"{claim.requests} requests that take about {took}, {longer} too long"
                warnings.append(_warning(document, ("devices", place[claim.device]), expected, got))
        if len(line.claims) > 1 and line.share > 1:
            warnings.append(_overloaded(document, line, place))
    return warnings


def _unproven_sirens(plant: Plant, document: Document) -> list[Problem]:
    """Sirens of which nobody could tell that they stay silent."""
    outputs = plant.outputs_by_id()
    return [
        _warning(
            document,
            ("sirens", at),
            f"a `feedback` on the output {siren.output}, so that a siren that stays silent is an alarm",
            "none: only a device that refuses the command is seen",
        )
        for at, siren in enumerate(plant.duty.sirens)
        if not outputs[siren.output].guard.feedback
    ]


def _overloaded(document: Document, line: Line, place: Mapping[str, int]) -> Problem:
    each = ", ".join(f"{claim.device} {claim.share:.0%}" for claim in line.claims)
    got = f"scans that take {line.share:.0%} of its time, {line.share - 1:.0%} too much: {each}"
    first = min(place[claim.device] for claim in line.claims)
    return _warning(document, ("devices", first), f"a line {line.line} that all its devices fit on", got)


def _past_calibration(plant: Plant, document: Document, today: date) -> list[Problem]:
    return [
        _warning(
            document,
            ("points", point.index, "calibration_due"),
            f"a calibration of {point.id} that still holds on {today}",
            f"one due {point.calibration_due}",
        )
        for point in plant.points
        if point.calibration_due is not None and point.calibration_due < today
    ]


def _past_inspection(plant: Plant, document: Document, today: date) -> list[Problem]:
    """Equipment stands in the file in another order than in the plant: parents need not come first there."""
    overdue = {each.id: each for each in plant.equipment if each.inspection_due and each.inspection_due < today}
    entries = document.at(("equipment",))
    places = [each.get("id") for each in entries if isinstance(each, dict)] if isinstance(entries, list) else []
    return [
        _warning(
            document,
            ("equipment", index, "inspection_due"),
            f"an inspection of {name} that still holds on {today}",
            f"one due {overdue[name].inspection_due}",
        )
        for index, name in enumerate(places)
        if isinstance(name, str) and name in overdue
    ]


def _unheard(plant: Plant, document: Document, criteria: Criteria) -> list[Problem]:
    relevant = {each.equipment_class for clause in criteria.clauses for each in clause.requirements}
    warnings = []
    for index, area in enumerate(plant.areas):
        here = [
            equipment.id
            for equipment in plant.equipment
            if equipment.area == area.id and equipment.equipment_class in relevant and equipment.id != GATEWAY
        ]
        if here and not area.staffed:
            expected = "safety-relevant equipment in an area that is staffed 24 hours"
            got = f"{', '.join(here)} in {area.id}, which is not: make sure that a duty room hears its alarms"
            warnings.append(_warning(document, ("areas", index, "staffed"), expected, got))
    return warnings


def _speechless(plant: Plant, rules: Sequence[RuleInstance]) -> list[Problem]:
    silent = dict.fromkeys(rule.rule for rule in rules if not (rule.response.zh.strip() and rule.response.en.strip()))
    return [
        Problem(
            plant.file,
            0,
            0,
            f"rule {name}",
            "a response text that tells the duty room what to do",
            show(None),
            Severity.WARNING,
        )
        for name in silent
    ]


def _warning(document: Document, path: Path, expected: str, got: str) -> Problem:
    return document.problem(path, expected, got, severity=Severity.WARNING)
