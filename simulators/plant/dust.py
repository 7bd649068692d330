"""Dust collectors for aluminium polishing: a dry one with bag filter and hopper, a wet one with a tank.

Dry: dust that the air-lock does not carry out fills the hopper and warms it; the filter cake raises the
pressure drop and pulses of compressed air take it off. Wet: aluminium sludge gives off hydrogen, the
fans carry it away; without circulation the collector runs dry.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators.plant.actuator import Actuator
from simulators.plant.signals import Parameters, Wander, share

_AMBIENT = 30.0
_CLEAN_DROP, _CAKE_GROWTH, _PULSE_EVERY = 700.0, 3.0, 60.0
"""Pa, Pa/s while dust is made, seconds."""
_FULL_HOPPER_DROP = 1200.0
"""Pa that a full hopper adds: the fan carries its dust back to the bags."""
_PULSE_AIR = 0.50
_LEVEL, _FLOW = 600.0, 30.0
_SPARK_SHOWN = 2.0
"""Seconds for which the spark detector holds its output."""


class DryCollector:
    """Bag filter with hopper, air-lock, fan and pulse cleaning."""

    def __init__(self, equipment: str, rng: np.random.Generator) -> None:
        self.equipment = equipment
        self._rng = rng
        self.process = Actuator(dead_time=0.3, travel=1.2)
        self._wander = Wander(rng, 3, lag=25.0)
        self._hopper = 35.0
        self._fill = 0.0
        self._cake = 60.0
        self._pulse_clock = 20.0
        self._pulsing = 0.0
        self._dip = 0.0
        self._airlock = 1.0
        self._fan = 1.0
        self._spark_left = 0.0
        self._readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        kinds = ("airlock_trip", "smoulder", "fan_trip", "pulse_air_loss", "spark", "interlock_out")
        return {f"{self.equipment}.{kind}": 0.0 for kind in kinds}

    @property
    def actuators(self) -> Mapping[str, Actuator]:
        return {f"{self.equipment}.process_stop": self.process}

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds."""

        def fault(kind: str) -> float:
            return parameters[f"{self.equipment}.{kind}"]

        self.process.step(dt)
        making = 1.0 - self.process.position
        self._airlock += (1.0 - fault("airlock_trip") - self._airlock) * share(dt, 0.3)
        self._fan += (1.0 - fault("fan_trip") - self._fan) * share(dt, 3.0)
        self._step_hopper(dt, making, haste, smoulder=fault("smoulder"))
        self._step_filter(dt, making, haste, air=1.0 - fault("pulse_air_loss"))
        self._spark_left = _SPARK_SHOWN if fault("spark") else max(0.0, self._spark_left - dt)
        self._measure(
            dt, air=1.0 - fault("pulse_air_loss"), lock_fault=fault("airlock_trip"), out=fault("interlock_out")
        )

    def _step_hopper(self, dt: float, making: float, haste: float, smoulder: float) -> None:
        if self._airlock > 0.5:
            self._fill -= self._fill * share(dt, 20.0 / haste)
        else:
            self._fill = min(1.0, self._fill + (making + 0.8 * self._fan) * dt / 60.0)
        warmth = _AMBIENT + 5.0 * making - self._hopper
        self._hopper += warmth * share(dt, 90.0 / haste) + smoulder * dt
        self._hopper = min(self._hopper, 190.0)

    def _step_filter(self, dt: float, making: float, haste: float, air: float) -> None:
        self._cake += _CAKE_GROWTH * making * dt
        self._pulse_clock += dt
        if self._pulse_clock >= _PULSE_EVERY / haste and air > 0.5:
            self._pulse_clock = 0.0
            self._pulsing = 2.0
        if self._pulsing > 0.0:
            self._pulsing -= dt
            self._cake -= self._cake * share(dt, 1.2 / haste)
        self._cake = min(self._cake, 2500.0)

    def _measure(self, dt: float, air: float, lock_fault: float, out: float) -> None:
        drift = self._wander.step(dt)
        noise = self._rng.standard_normal(3)
        drop = (
            (_CLEAN_DROP + self._cake + _FULL_HOPPER_DROP * self._fill) * self._fan**2
            + 10.0 * drift[1]
            + 4.0 * noise[1]
        )
        self._dip += ((0.06 if self._pulsing > 1.0 else 0.0) - self._dip) * share(dt, 0.4)
        pulse = _PULSE_AIR * air - self._dip + 0.004 * drift[2] + 0.001 * noise[2]
        values = {
            "hopper_temperature": self._hopper + 0.4 * drift[0] + 0.08 * noise[0],
            "differential_pressure": max(0.0, drop),
            "pulse_air_pressure": max(0.0, pulse),
            "airlock_running": float(self._airlock > 0.5),
            "airlock_fault": float(lock_fault > 0.0),
            "fan_running": float(self._fan > 0.5),
            "spark_detected": float(self._spark_left > 0.0),
            "process_running": float(not self.process.done),
            "interlock_engaged": float(out == 0.0),
        }
        self._readings = {f"{self.equipment}.{kind}": value for kind, value in values.items()}

    def readings(self) -> Mapping[str, float]:
        return self._readings

    def restart(self) -> None:
        """Nothing to do: the process starts once nobody demands its stop."""


class WetCollector:
    """Scrubber with tank, circulation pump, fan and a purge fan for hydrogen."""

    def __init__(self, equipment: str, rng: np.random.Generator) -> None:
        self.equipment = equipment
        self._rng = rng
        self.process = Actuator(dead_time=0.3, travel=1.2)
        self.purge = Actuator(dead_time=0.5, travel=1.0)
        self._wander = Wander(rng, 3, lag=25.0)
        self._level = _LEVEL
        self._pump = 1.0
        self._fan = 1.0
        self._hydrogen = 1.0
        self._readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        kinds = ("pump_trip", "water_loss", "fan_trip", "hydrogen_source")
        return {f"{self.equipment}.{kind}": 0.0 for kind in kinds}

    @property
    def actuators(self) -> Mapping[str, Actuator]:
        return {
            f"{self.equipment}.process_stop": self.process,
            f"{self.equipment}.purge_fan_start": self.purge,
        }

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds."""

        def fault(kind: str) -> float:
            return parameters[f"{self.equipment}.{kind}"]

        self.process.step(dt)
        self.purge.step(dt)
        making = 1.0 - self.process.position
        self._fan += (1.0 - fault("fan_trip") - self._fan) * share(dt, 3.0)
        self._pump += (1.0 - fault("pump_trip") - self._pump) * share(dt, 1.5)
        self._level += ((_LEVEL - self._level) * share(dt, 40.0 / haste)) - fault("water_loss") * dt
        self._level = max(0.0, self._level)
        source = 0.10 + 0.10 * making + fault("hydrogen_source")
        carried = 0.02 + 0.18 * self._fan + 0.5 * self.purge.position
        self._hydrogen += (source - carried * self._hydrogen) * dt * haste
        self._hydrogen = min(max(self._hydrogen, 0.0), 95.0)
        self._measure(dt)

    def _measure(self, dt: float) -> None:
        drift = self._wander.step(dt)
        noise = self._rng.standard_normal(3)
        wet = min(1.0, self._level / 200.0)
        flow = _FLOW * self._pump * wet * (1.0 + 0.01 * drift[1])
        values = {
            "water_level": max(0.0, self._level + 3.0 * drift[0] + 0.5 * noise[0]),
            "circulation_flow": max(0.0, flow + 0.05 * noise[1]),
            "hydrogen": max(0.0, self._hydrogen + 0.05 * drift[2] + 0.02 * noise[2]),
            "fan_running": float(self._fan > 0.5),
            "process_running": float(not self.process.done),
            "purge_fan_running": float(self.purge.done),
        }
        self._readings = {f"{self.equipment}.{kind}": value for kind, value in values.items()}

    def readings(self) -> Mapping[str, float]:
        return self._readings

    def restart(self) -> None:
        """Nothing to do: the process starts once nobody demands its stop."""
