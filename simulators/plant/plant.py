"""A whole simulated plant, built from the equipment of a plant file and stepped by hand.

The same seed and the same steps give the same bits. No sockets, no clock.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gateway.errors import UnknownSubject
from gateway.plant.model import Plant, Point
from simulators.plant.actuator import Actuator, Master
from simulators.plant.caster import Caster
from simulators.plant.dust import DryCollector, WetCollector
from simulators.plant.furnace import Furnace
from simulators.plant.gas import GasArea
from simulators.plant.model import Model
from simulators.plant.plc import HardwiredInterlocks, Row, caster_rows, dry_rows, furnace_rows, wet_rows
from simulators.plant.signals import Parameters
from simulators.plant.watchdog import Watchdog

_RECOVERY = 12.0
"""Seconds between the end of a scenario and the reset of its trips: the causes have to go first."""
_HASTE = 10.0
_SETTLING = 25.0
"""Seconds for which slow quantities are hurried back after a scenario."""


class PlantModel:
    """Every point's value by point id, every output by output id, every fault by name."""

    def __init__(self, plant: Plant, rng: np.random.Generator) -> None:
        self._outputs = {output.id: f"{output.equipment}.{output.kind}" for output in plant.outputs}
        self._commanded = dict.fromkeys(self._outputs, 0.0)
        self._models, rows = _build(plant, rng)
        self.actuators: dict[str, Actuator] = {}
        normal: dict[str, float] = {}
        for model in self._models:
            self.actuators.update(model.actuators)
            normal.update(model.normal)
        self.parameters = Parameters(normal)
        self._interlocks = HardwiredInterlocks(rows, self.actuators)
        self.watchdogs = {device.id: Watchdog() for device in plant.devices if device.heartbeat is not None}
        """By device: what its PLC knows of the gateway."""
        self._still = {f"{point.equipment}.{point.kind}": _at_rest(point) for point in plant.points}
        self._points = {point.id: f"{point.equipment}.{point.kind}" for point in plant.points}
        self.readings: dict[str, float] = {}
        """What every sensor of every model says after the last step, by `<equipment>.<kind>`."""
        self._since_restore: float | None = None
        self.elapsed = 0.0
        """Seconds stepped since the start."""
        self.version = 0
        """Grows whenever a value or command may have changed."""
        self._forced: dict[str, float] = {}
        self.step(0.001)

    def step(self, dt: float) -> None:
        """Advance by `dt` seconds."""
        self.elapsed += dt
        self.version += 1
        for watchdog in self.watchdogs.values():
            watchdog.step(dt)
        self._recover(dt)
        haste = 1.0 if self._since_restore is None else _HASTE
        for model in self._models:
            model.step(dt, self.parameters, haste)
            self.readings.update(model.readings())
        if self._since_restore is None or self._since_restore >= _RECOVERY:
            self._interlocks.step(dt, self.readings, self.parameters)

    def value(self, point: str) -> float:
        """What the point's sensor shows; NaN from a sensor that reports a fault.

        A point that no model knows stands in the middle of its range, a state at 0.
        """
        if point in self._forced:
            return self._forced[point]
        key = self._points[point]
        return float(self.readings.get(key, self._still[key]))

    def command(self, output: str, value: float) -> None:
        """What the gateway writes to an output."""
        self.version += 1
        self._commanded[output] = value
        actuator = self.actuators.get(self._outputs[output])
        if actuator is not None:
            actuator.demand(Master.GATEWAY, value)

    def commanded(self, output: str) -> float:
        """What the output's register holds."""
        return self._commanded[output]

    def force(self, point: str, value: float | None) -> None:
        """Make a sensor show a value whatever the plant does; None frees it. Raises UnknownSubject."""
        if point not in self._points:
            raise UnknownSubject("point", point)
        self.version += 1
        if value is None:
            self._forced.pop(point, None)
        else:
            self._forced[point] = value

    def set(self, parameter: str, value: float) -> None:
        """Raises UnknownSubject for a parameter that no model has."""
        self.parameters.set(parameter, value)

    def stick(self, actuator: str, *, stuck: bool = True) -> None:
        self._actuator(actuator).stuck = stuck

    def slow(self, actuator: str, factor: float) -> None:
        self._actuator(actuator).slowness = factor

    def restore(self) -> None:
        """Faults off now; trips reset and running again once their causes have gone (about half a minute)."""
        self.parameters.restore()
        self._forced.clear()
        self._since_restore = 0.0

    def _actuator(self, name: str) -> Actuator:
        if name not in self.actuators:
            raise UnknownSubject("actuator", name)
        return self.actuators[name]

    def _recover(self, dt: float) -> None:
        if self._since_restore is None:
            return
        before, self._since_restore = self._since_restore, self._since_restore + dt
        if before < _RECOVERY <= self._since_restore:
            self._interlocks.reset()
            self._commanded = dict.fromkeys(self._commanded, 0.0)
            for actuator in self.actuators.values():
                actuator.restore()
            for model in self._models:
                model.restart()
        if self._since_restore >= _SETTLING:
            self._since_restore = None


def _at_rest(point: Point) -> float:
    return (point.low + point.high) / 2.0 if point.unit else max(0.0, point.low)


def _build(plant: Plant, rng: np.random.Generator) -> tuple[list[Model], list[Row]]:
    furnaces: list[Furnace] = []
    models: list[Model] = []
    rows: list[Row] = []
    for one in plant.equipment:
        match one.equipment_class:
            case "electric_arc_furnace":
                circuits = [e.id for e in plant.equipment if e.parent == one.id]
                furnace = Furnace(one.id, circuits, rng.spawn(1)[0])
                furnaces.append(furnace)
                models.append(furnace)
                for circuit in circuits:
                    rows.extend(furnace_rows(one.id, circuit))
            case "deep_well_caster":
                models.append(Caster(one.id, rng.spawn(1)[0]))
                rows.extend(caster_rows(one.id))
            case "dry_dust_collector":
                models.append(DryCollector(one.id, rng.spawn(1)[0]))
                rows.extend(dry_rows(one.id))
            case "wet_dust_collector":
                models.append(WetCollector(one.id, rng.spawn(1)[0]))
                rows.extend(wet_rows(one.id))
            case _:
                pass
    models.append(_gas(plant, _tapping_of(furnaces), rng.spawn(1)[0]))
    return models, rows


def _tapping_of(furnaces: list[Furnace]) -> Callable[[], float]:
    def tapping() -> float:
        return max((furnace.tapping for furnace in furnaces), default=0.0)

    return tapping


def _gas(plant: Plant, tapping: Callable[[], float], rng: np.random.Generator) -> GasArea:
    detectors = [one for one in plant.equipment if one.equipment_class == "co_detector"]
    return GasArea([one.id for one in detectors], [one.area for one in detectors], tapping, rng)
