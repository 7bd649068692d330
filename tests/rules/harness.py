"""Plants and series for rule tests: a short script of values in, the transitions of one condition out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache

import numpy as np
from pydantic import BaseModel

import rules
from gateway.plant.model import Area, Device, Equipment, Limit, Output, Plant, Point, RiskGrade, Site, Text
from gateway.rule import Conditions, PointColumns, Truth
from gateway.sample import SECOND, Instant, Quality, Reason
from rules import CompiledProgram, Packs

START = Instant(1_800_000_000 * SECOND)


class Nothing(BaseModel):
    """Settings of a driver that no rule test has."""


@cache
def packs() -> Packs:
    return rules.load_packs()


def text(word: str) -> Text:
    return Text(word, word)


def plant(
    equipment: Sequence[Equipment],
    *,
    units: Mapping[str, str] | None = None,
    without: Sequence[str] = (),
    outputs: Sequence[Output] = (),
    period: int = SECOND // 10,
    calibration_due: date | None = None,
) -> Plant:
    """A plant with every point kind of its equipment, except `without`; ids `<equipment>.<kind>`."""
    points: list[Point] = []
    for item in equipment:
        for kind in packs().criteria.classes[item.equipment_class].kinds.values():
            name = f"{item.id}.{kind.id}"
            if name in without:
                continue
            unit = (units or {}).get(name, kind.unit)
            due = calibration_due if unit else None
            index = len(points)
            span = (-1e9, 1e9, period, 10 * SECOND)
            points.append(Point(index, name, text(name), item.id, kind.id, unit, *span, "device", Nothing(), due))
    return Plant(
        file="plant.yaml",
        hash="0" * 64,
        site=Site("site", text("site"), "9" * 18, "steel", RiskGrade.A),
        areas=(Area("area", text("area"), staffed=True),),
        equipment=tuple(equipment),
        devices=(Device("device", "none", text("device"), Nothing()),),
        points=tuple(points),
        outputs=tuple(outputs),
    )


def equipment(id_: str, equipment_class: str, *, parent: str | None = None, limits: Sequence[Limit] = ()) -> Equipment:
    return Equipment(id_, equipment_class, "area", text(id_), parent, limits={limit.name: limit for limit in limits})


def furnace() -> list[Equipment]:
    return [
        equipment("eaf1", "electric_arc_furnace"),
        equipment("panel", "water_cooled_circuit", parent="eaf1"),
    ]


def output(equipment_id: str, kind: str, *, allowed: bool) -> Output:
    name = f"{equipment_id}.{kind}"
    return Output(name, text(name), equipment_id, kind, "device", Nothing(), allowed, (0.0, 1.0))


class Bench:
    """A program with a point table that a test sets by hand."""

    def __init__(self, plant: Plant, program: CompiledProgram | None = None) -> None:
        self.plant = plant
        self.program = program or rules.compile(plant, packs())
        count = len(plant.points)
        self.columns = PointColumns(
            np.full(count, np.nan),
            np.full(count, Quality.BAD, dtype=np.uint8),
            np.full(count, Reason.NEVER_SEEN, dtype=np.uint8),
            np.zeros(count, dtype=np.int64),
            np.zeros(count, dtype=np.int64),
        )
        self.index = {point.id: point.index for point in plant.points}
        self.now = START
        self.conditions: Conditions | None = None

    def put(
        self,
        point: str,
        value: float | None,
        *,
        quality: Quality = Quality.GOOD,
        reason: Reason = Reason.TIMEOUT,
        latency: int = 0,
    ) -> None:
        """A new sample; None is a failed read."""
        at = self.index[point]
        failed = value is None
        self.columns.value[at] = np.nan if value is None else value
        self.columns.quality[at] = Quality.BAD if failed else quality
        self.columns.reason[at] = reason if failed or quality is not Quality.GOOD else Reason.NONE
        self.columns.source_time[at] = self.now - latency
        self.columns.receive_time[at] = self.now

    def step(self, microseconds: int = SECOND // 10) -> Conditions:
        """One tick, then the clock moves on."""
        self.conditions = self.program.step(self.columns, self.now)
        self.now = Instant(self.now + microseconds)
        return self.conditions

    def column(self, rule: str) -> int:
        return next(instance.index for instance in self.program.rules if instance.id == rule)

    def truth(self, rule: str) -> Truth:
        assert self.conditions is not None
        return Truth(int(self.conditions.truth[self.column(rule)]))

    def since(self, rule: str) -> float:
        """Seconds from the start."""
        assert self.conditions is not None
        return float(self.conditions.since[self.column(rule)] - START) / SECOND


_STEP = re.compile(r"^(_|-?\d+(?:\.\d+)?(?:>-?\d+(?:\.\d+)?)?)x(\d+)$")


def series(script: str) -> list[float | None]:
    """`24x10` is ten samples of 24, `_x3` three lost ones, `0>9x4` a ramp of four from 0 to 9."""
    values: list[float | None] = []
    for step in script.split():
        match = _STEP.match(step)
        assert match is not None, f"expected a step such as '24x10', got {step!r}"
        what, times = match.group(1), int(match.group(2))
        if what == "_":
            values += [None] * times
        else:
            first, _, last = what.partition(">")
            values += [float(v) for v in np.linspace(float(first), float(last or first), times)]
    return values


@dataclass(frozen=True)
class Transition:
    """What a condition became, and at which second of the script."""

    truth: str
    at: float

    def __str__(self) -> str:
        return f"{self.truth}@{self.at:g}"


def run(
    bench: Bench,
    rule: str,
    scripts: Mapping[str, str],
    *,
    constants: Mapping[str, float] | None = None,
    scan: int = SECOND,
) -> str:
    """Transitions of one condition, as `false@0 true@63`, for one script per point (one sample a scan)."""
    columns = {point: series(script) for point, script in scripts.items()}
    length = max(len(values) for values in columns.values())
    assert {len(values) for values in columns.values()} <= {1, length}
    transitions: list[Transition] = []
    for tick in range(length):
        for point, value in (constants or {}).items():
            bench.put(point, value)
        for point, values in columns.items():
            bench.put(point, values[min(tick, len(values) - 1)])
        bench.step(scan)
        truth = bench.truth(rule).name.lower()
        if not transitions or transitions[-1].truth != truth:
            transitions.append(Transition(truth, tick * scan / SECOND))
    return " ".join(str(transition) for transition in transitions)
