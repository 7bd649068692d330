"""Deep-well caster: metal from a tilting furnace over a launder into a cooled mould, platform going down.

A loss of metal at the mould lowers the inlet level and heats the well. Once metal is cut off the
launder runs dry; water stays on. The casting phase is the PLC's own and stands still after a trip.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import IntEnum

import numpy as np

from simulators.plant.actuator import Actuator
from simulators.plant.signals import Parameters, Wander, share

_WATER_FLOW, _WATER_PRESSURE = 120.0, 0.12
_SPEED = 80.0
"""mm/min while casting."""
_RETURN = 6000.0
"""mm/min at which the empty platform goes up."""
_CAST_LENGTH = 6500.0
_STEADY_FROM = 400.0
_EMPTY = -95.0
"""What a level sensor shows over an empty launder, mm."""
_LEVEL_LAG = 2.0
_RESTART_AT = 900.0
"""Where a cast takes up again after a scenario, so that the demo need not wait for the first half metre."""


class Phase(IntEnum):
    IDLE = 0
    START = 1
    STEADY = 2
    ENDING = 3


class Caster:
    """One casting machine with its furnace."""

    def __init__(self, equipment: str, rng: np.random.Generator) -> None:
        self.equipment = equipment
        self._rng = rng
        self.shutoff = Actuator(dead_time=0.1, travel=0.5)
        self.discharge = Actuator(dead_time=0.1, travel=0.6)
        self.launder = Actuator(dead_time=0.2, travel=0.6)
        self.tilt_back = Actuator(dead_time=0.2, travel=2.8)
        self.platform = Actuator(dead_time=0.1, travel=0.4)
        self._wander = Wander(rng, 6, lag=12.0)
        self._phase = Phase.STEADY
        self._in_phase = 0.0
        self._shortened = False
        self._position = 1200.0
        self._speed = _SPEED
        self._water = 1.0
        self._level = 0.0
        self._outlet = 0.0
        self._loss = 0.0
        self._well = 32.0
        self._tilt = 8.0
        self._readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        return {
            f"{self.equipment}.metal_loss": 0.0,
            f"{self.equipment}.water_supply": 1.0,
            f"{self.equipment}.speed_factor": 1.0,
            f"{self.equipment}.interlock_out": 0.0,
        }

    @property
    def actuators(self) -> Mapping[str, Actuator]:
        return {
            f"{self.equipment}.quick_shutoff": self.shutoff,
            f"{self.equipment}.emergency_discharge": self.discharge,
            f"{self.equipment}.launder_disconnect": self.launder,
            f"{self.equipment}.tilt_back": self.tilt_back,
            f"{self.equipment}.platform_stop": self.platform,
        }

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds."""
        for actuator in self.actuators.values():
            actuator.step(dt)
        self._step_phase(dt)
        self._step_platform(dt, parameters[f"{self.equipment}.speed_factor"])
        self._loss += (parameters[f"{self.equipment}.metal_loss"] - self._loss) * share(dt, 0.5)
        self._step_levels(dt)
        self._step_well(dt, haste)
        self._water += (parameters[f"{self.equipment}.water_supply"] - self._water) * share(dt, 1.0)
        in_service = parameters[f"{self.equipment}.interlock_out"] == 0.0
        self._measure(dt, in_service=in_service)

    @property
    def _metal(self) -> bool:
        """Whether metal runs over the launder."""
        cut = max(self.shutoff.position, self.launder.position, self.discharge.position, self.tilt_back.position)
        return self._phase in (Phase.START, Phase.STEADY) and cut < 0.5

    def _step_phase(self, dt: float) -> None:
        self._in_phase += dt
        if any(actuator.demanded for actuator in self.actuators.values()):
            return
        home = _RESTART_AT if self._shortened else 0.0
        match self._phase:
            case Phase.STEADY if self._position >= _CAST_LENGTH:
                self._enter(Phase.ENDING)
            case Phase.ENDING if self._in_phase > 30.0:
                self._enter(Phase.IDLE)
            case Phase.IDLE if self._in_phase > 8.0 and abs(self._position - home) < 1.0:
                self._enter(Phase.START)
            case Phase.START if self._in_phase > 12.0 and self._position >= _STEADY_FROM:
                self._shortened = False
                self._enter(Phase.STEADY)
            case _:
                pass

    def _enter(self, phase: Phase) -> None:
        self._phase = phase
        self._in_phase = 0.0

    def _step_platform(self, dt: float, factor: float) -> None:
        wanted = _SPEED * factor
        if self._phase is Phase.ENDING:
            wanted = 0.0
        elif self._phase is Phase.IDLE:
            way = (_RESTART_AT if self._shortened else 0.0) - self._position
            wanted = math.copysign(min(_RETURN, 60.0 * abs(way)), way)
        wanted *= 1.0 - self.platform.position
        self._speed += (wanted - self._speed) * share(dt, 0.15)
        self._position = min(7800.0, max(0.0, self._position + self._speed * dt / 60.0))

    def _step_levels(self, dt: float) -> None:
        if self._metal:
            target, lag, outlet = max(_EMPTY, -self._loss), _LEVEL_LAG, max(_EMPTY, -0.1 * self._loss)
        else:
            target, lag, outlet = _EMPTY, 8.0, _EMPTY
        self._level += (target - self._level) * share(dt, lag)
        self._outlet += (outlet - self._outlet) * share(dt, lag)

    def _step_well(self, dt: float, haste: float) -> None:
        if self._metal and self._loss > 1.0:
            self._well = min(95.0, self._well + 0.3 * self._loss / 30.0 * dt)
            return
        normal = 32.0 if self._phase in (Phase.START, Phase.STEADY) else 30.0
        self._well += (normal - self._well) * share(dt, 120.0 / haste)

    def _measure(self, dt: float, *, in_service: bool) -> None:
        drift = self._wander.step(dt)
        noise = self._rng.standard_normal(8)
        pouring = self._phase in (Phase.START, Phase.STEADY)
        tilt = (6.0 + 0.002 * self._position if pouring else 0.0) * (1.0 - self.tilt_back.position)
        fastest = 5.0 * dt
        self._tilt += max(-fastest, min(fastest, tilt - self._tilt))
        wave = 1.0 if self._metal else 0.1
        limits = (-98.0, 98.0)
        values = {
            "casting_phase": float(self._phase),
            "mould_water_flow": max(0.0, _WATER_FLOW * self._water * (1 + 0.006 * drift[0]) + 0.15 * noise[0]),
            "mould_water_pressure": max(
                0.0, _WATER_PRESSURE * self._water**2 * (1 + 0.006 * drift[1]) + 0.0003 * noise[1]
            ),
            "mould_inlet_level": float(np.clip(self._level + wave * (drift[2] + 0.1 * noise[2]), *limits)),
            "furnace_outlet_level": float(np.clip(self._outlet + wave * (drift[3] + 0.1 * noise[3]), *limits)),
            "platform_speed": self._speed * (1 + 0.003 * drift[4]) + 0.1 * noise[4],
            "platform_position": self._position + 0.03 * noise[5],
            "well_water_temperature": self._well + 0.05 * drift[5] + 0.02 * noise[6],
            "furnace_tilt_angle": self._tilt + 0.01 * noise[7],
            "quick_shutoff_closed": float(self.shutoff.done),
            "emergency_discharge_open": float(self.discharge.done),
            "launder_disconnected": float(self.launder.done),
            "tilted_back": float(self.tilt_back.done),
            "platform_stopped": float(self.platform.done),
            "interlock_engaged": float(in_service),
        }
        self._readings = {f"{self.equipment}.{kind}": value for kind, value in values.items()}

    def readings(self) -> Mapping[str, float]:
        return self._readings

    def restart(self) -> None:
        """Take up the cast again if it was broken off: idle, start, steady within half a minute."""
        if self._metal and self._speed > 0.5 * _SPEED:
            return
        self._shortened = True
        self._enter(Phase.IDLE)
