"""Electric arc furnace with water-cooled circuits: heat from the arc, water in, water out.

A leak takes water from the outlet, heats what is left, warms the shell and fills the pit.
Numbers are typical of a 100 t furnace; none is a standard's.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from simulators.plant.actuator import Actuator
from simulators.plant.signals import Parameters, Wander, share

_ARC_POWER = 40_000.0
"""kW."""
_WATER_HEAT = 1.163
"""kWh needed to warm 1 m3 of water by 1 K."""
_INLET_TEMPERATURE = 30.0
_NOMINAL_RISE = 10.0
_LEAK_HEAT = 35.0
"""Growth of the heat load per unit of leak fraction: the panel behind a leak loses its cover of slag."""
_PIT_SHARE = 0.6
"""Part of the leaked water that finds the pit."""
_PIT_ON, _PIT_OFF = 12.0, 4.0
"""Litres at which the pit's switch closes and opens."""
_RAISED = 1500.0
_TAP_ANGLE = 12.0


class Circuit:
    """One water-cooled circuit: inlet and outlet flow, outlet temperature, inlet pressure."""

    def __init__(self, equipment: str, nominal_flow: float, rng: np.random.Generator) -> None:
        self.equipment = equipment
        self._nominal_flow = nominal_flow
        self._rng = rng
        self._wander = Wander(rng, 2, spread=0.004, lag=30.0)
        self.leak = 0.0
        self._supply = 1.0
        self._heat_share = _WATER_HEAT * nominal_flow * _NOMINAL_RISE / _ARC_POWER
        self.outlet_temperature = _INLET_TEMPERATURE + _NOMINAL_RISE
        self.readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        return {f"{self.equipment}.leak": 0.0, f"{self.equipment}.supply": 1.0}

    @property
    def leaked(self) -> float:
        """Water lost, litres per second."""
        return self._nominal_flow * self._supply * self.leak / 3.6

    def step(self, dt: float, arc: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds with `arc` kW of arc power."""
        self.leak += (parameters[f"{self.equipment}.leak"] - self.leak) * share(dt, 0.5)
        self._supply += (parameters[f"{self.equipment}.supply"] - self._supply) * share(dt, 1.5)
        flow_drift, pressure_drift = self._wander.step(dt)
        inlet = self._nominal_flow * self._supply * (1.0 + flow_drift)
        outlet = inlet * (1.0 - self.leak)
        heat = arc * self._heat_share * (1.0 + _LEAK_HEAT * self.leak)
        balance = _INLET_TEMPERATURE + heat / (_WATER_HEAT * max(outlet, 0.02 * self._nominal_flow))
        lag = 5.0 * self._nominal_flow / max(outlet, 0.2 * self._nominal_flow) / haste
        self.outlet_temperature += (min(balance, 120.0) - self.outlet_temperature) * share(dt, lag)
        pressure = (0.40 * self._supply**2 - 0.15 * self.leak) * (1.0 + pressure_drift)
        noise = self._rng.standard_normal(4)
        self.readings = {
            f"{self.equipment}.inlet_flow": max(0.0, inlet * (1.0 + 0.0004 * noise[0])),
            f"{self.equipment}.outlet_flow": max(0.0, outlet * (1.0 + 0.0004 * noise[1])),
            f"{self.equipment}.outlet_temperature": self.outlet_temperature + 0.05 * noise[2],
            f"{self.equipment}.inlet_pressure": max(0.0, pressure + 0.0008 * noise[3]),
        }


class Furnace:
    """The furnace around its circuits: arc, electrodes, tilt, shell, pit."""

    def __init__(self, equipment: str, circuits: Sequence[str], rng: np.random.Generator) -> None:
        self.equipment = equipment
        own, *others = rng.spawn(1 + len(circuits))
        self._rng = own
        self.circuits = [
            Circuit(circuit, 60.0 + 40.0 * place, generator)
            for place, (circuit, generator) in enumerate(zip(circuits, others))
        ]
        self.breaker = Actuator(dead_time=0.10, travel=0.05)
        self.mast = Actuator(dead_time=0.3, travel=6.0)
        self.tilt_block = Actuator(dead_time=0.1, travel=0.2)
        self._wander = Wander(own, 3, lag=15.0)
        self._arc = _ARC_POWER
        self._tilt = 0.0
        self._shell = 180.0
        self._pit = 0.0
        self._pit_switch = False
        self._readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        own = {
            f"{self.equipment}.tapping": 0.0,
            f"{self.equipment}.pit_water": 0.0,
            f"{self.equipment}.interlock_out": 0.0,
        }
        for circuit in self.circuits:
            own.update(circuit.normal)
        return own

    @property
    def actuators(self) -> Mapping[str, Actuator]:
        return {
            f"{self.equipment}.electrode_breaker_trip": self.breaker,
            f"{self.equipment}.electrode_lift": self.mast,
            f"{self.equipment}.tilt_inhibit": self.tilt_block,
        }

    @property
    def tapping(self) -> float:
        """How far the furnace is tilted for tapping, 0 to 1."""
        return max(0.0, min(1.0, self._tilt / _TAP_ANGLE))

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds."""
        for actuator in self.actuators.values():
            actuator.step(dt)
        power_drift, electrode_drift, tilt_drift = self._wander.step(dt)
        contact = 0.0 if self.breaker.done else max(0.0, 1.0 - 10.0 * self.mast.position)
        self._arc += (_ARC_POWER * contact * (1.0 + 0.02 * power_drift) - self._arc) * share(dt, 0.5)
        self._step_tilt(dt, wanted=parameters[f"{self.equipment}.tapping"])
        leaked = 0.0
        for circuit in self.circuits:
            circuit.step(dt, self._arc, parameters, haste)
            leaked += circuit.leaked
        worst = max((circuit.leak for circuit in self.circuits), default=0.0)
        shell = 180.0 + 1200.0 * worst + 5.0 * power_drift - 40.0 * (1.0 - self._arc / _ARC_POWER)
        self._shell += (shell - self._shell) * share(dt, 30.0 / haste)
        self._step_pit(dt, leaked, haste, seen=parameters[f"{self.equipment}.pit_water"] > 0.0)
        noise = self._rng.standard_normal(3)
        self._readings = {
            f"{self.equipment}.tilt_angle": self._tilt + 0.05 * tilt_drift + 0.02 * noise[0],
            f"{self.equipment}.electrode_position": self._electrode(electrode_drift) + 0.5 * noise[1],
            f"{self.equipment}.shell_temperature": self._shell + 0.3 * noise[2],
            f"{self.equipment}.electrode_breaker_closed": float(not self.breaker.done),
            f"{self.equipment}.electrode_raised": float(self.mast.done),
            f"{self.equipment}.tilt_inhibited": float(self.tilt_block.done),
            f"{self.equipment}.interlock_engaged": float(parameters[f"{self.equipment}.interlock_out"] == 0.0),
            f"{self.equipment}.pit_water_present": float(self._pit_switch),
        }
        for circuit in self.circuits:
            self._readings.update(circuit.readings)

    def _electrode(self, drift: float) -> float:
        regulating = 60.0 + 10.0 * drift
        return regulating + (_RAISED - regulating) * self.mast.position

    def _step_tilt(self, dt: float, wanted: float) -> None:
        target = 0.0 if self.tilt_block.demanded else _TAP_ANGLE * wanted
        fastest = (4.0 if target < self._tilt else 1.0) * dt
        self._tilt += math.copysign(min(abs(target - self._tilt), fastest), target - self._tilt)

    def _step_pit(self, dt: float, leaked: float, haste: float, *, seen: bool) -> None:
        drained = 0.3 * haste
        self._pit = min(60.0, max(0.0, self._pit + (_PIT_SHARE * leaked - drained * (leaked < 0.05)) * dt))
        threshold = _PIT_OFF if self._pit_switch else _PIT_ON
        self._pit_switch = seen or self._pit > threshold

    def readings(self) -> Mapping[str, float]:
        return self._readings

    def restart(self) -> None:
        """Nothing to do: the breaker closes and the mast comes down once nobody demands otherwise."""
