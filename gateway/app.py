"""The composition root: the one module that names drivers and rules for the gateway to run with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from drivers import modbus, mqtt, replay, sparkplug
from gateway.api.schema import LimitLine, LimitView
from gateway.driver import DriverKind
from gateway.errors import Problem
from gateway.plant.coverage import limit_view
from gateway.plant.criteria import Criteria
from gateway.plant.loader import load_plant
from gateway.plant.model import Limit, Plant
from rules import compiler, packs, syntax
from rules.blueprint import EARLY
from rules.program import CompiledProgram

DRIVERS: Mapping[str, DriverKind] = {
    kind.name: kind for kind in (*modbus.KINDS, mqtt.KIND, sparkplug.KIND, replay.KIND)
}
"""Drivers by the word that plant files use."""

PACKS_DIRECTORY: Path = packs.PACKS


def load_criteria() -> Criteria:
    """The criteria that Tocsin ships; raises ConfigurationError."""
    return load_packs().criteria


@cache
def load_packs() -> packs.Packs:
    """Criteria, rules and interlocks that Tocsin ships, read once; raises ConfigurationError."""
    return packs.load_packs(PACKS_DIRECTORY)


@dataclass(frozen=True, slots=True)
class Configuration:
    """A plant file, the packs it is judged by, and the rules compiled for it."""

    plant: Plant
    program: CompiledProgram
    packs: packs.Packs


def configure(path: Path, rules: Path = PACKS_DIRECTORY) -> Configuration:
    """Plant file and packs as they are on the disk now; raises ConfigurationError."""
    return _configured(path, packs.load_packs(rules))


def load(path: Path) -> tuple[Plant, CompiledProgram]:
    """The plant, and the rules that Tocsin ships compiled for it; raises ConfigurationError."""
    configuration = _configured(path, load_packs())
    return configuration.plant, configuration.program


def _configured(path: Path, loaded: packs.Packs) -> Configuration:
    plant = load_plant(path, DRIVERS, loaded.criteria)
    return Configuration(plant, compiler.compile(plant, loaded), loaded)


def examine(plant: Plant) -> Sequence[Problem]:
    """Mistakes in the files that devices of the plant file name, such as recordings and certificates."""
    return [
        problem
        for device in plant.devices
        if device.driver in DRIVERS
        for problem in DRIVERS[device.driver].examine(device, [p for p in plant.points if p.device == device.id])
    ]


def limits_by_rule(program: CompiledProgram, loaded: packs.Packs | None = None) -> Mapping[str, Sequence[LimitView]]:
    """The limits that each rule instance compares with, by its id; what `coverage` wants."""
    views = {
        (limit.equipment, limit.kind.name): limit_view(
            limit.kind, Limit(limit.kind.name, limit.value, limit.unit, limit.source) if limit.overridden else None
        )
        for limit in program.limits
    }
    named = {
        rule.model.id: [name.removeprefix("limit.") for name in _names(rule) if name.startswith("limit.")]
        for rule in (loaded or load_packs()).rules()
    }
    return {
        rule.id: [
            views[rule.equipment, name]
            for name in named[rule.rule.removesuffix(EARLY)]
            if (rule.equipment, name) in views
        ]
        for rule in program.rules
    }


def _names(rule: packs.RuleSource) -> list[str]:
    return list(dict.fromkeys(name for expression in rule.expressions() for name in syntax.names(expression)))


def point_limits(program: CompiledProgram, plant: Plant) -> Mapping[str, Sequence[LimitLine]]:
    """The thresholds to draw in each point's trend, by point id."""
    return {
        plant.points[index].id: [LimitLine(limit.kind.name, limit.kind.title, limit.value) for limit in limits]
        for index, limits in program.point_limits.items()
    }
