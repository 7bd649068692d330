"""CO detectors in rooms: gas comes in, spreads to neighbours in the same area, and is ventilated away.

Tap-hole gas reaches a room only while a furnace taps and only through that room's `runner_gap`.
The sensors follow the room with a first-order response.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from simulators.plant.actuator import Actuator
from simulators.plant.signals import Parameters, Wander, share

_BACKGROUND = 3.0
_TAP_GAS = 400.0
"""ppm that a wide open runner brings into a room at full tapping."""
_VENTILATION = 8.0
"""Time constant of a room's air, seconds; compressed so that a demo of a minute shows minutes."""
_DIFFUSION = 0.06
"""Exchange between rooms of one area, per second."""
_RESPONSE = 4.0
"""Time constant of a sensor, seconds."""


class GasArea:
    """All CO detectors of a plant. `areas` gives each detector's area; `tapping` tells 0 to 1."""

    def __init__(
        self,
        detectors: Sequence[str],
        areas: Sequence[str],
        tapping: Callable[[], float],
        rng: np.random.Generator,
    ) -> None:
        self._detectors = list(detectors)
        count = len(self._detectors)
        self._tapping = tapping
        self._rng = rng
        self._wander = Wander(rng, count, spread=0.4, lag=60.0)
        names = {area: place for place, area in enumerate(dict.fromkeys(areas))}
        self._room = np.array([names[area] for area in areas], dtype=np.intp)
        self._size = np.bincount(self._room, minlength=max(len(names), 1))
        self._air = np.full(count, _BACKGROUND)
        self._sensed = self._air.copy()
        self._readings: dict[str, float] = {}

    @property
    def normal(self) -> Mapping[str, float]:
        kinds = ("leak", "runner_gap", "fault", "frozen")
        return {f"{detector}.{kind}": 0.0 for detector in self._detectors for kind in kinds}

    @property
    def actuators(self) -> Mapping[str, Actuator]:
        return {}

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds."""
        leak, gap, fault, frozen = (
            np.array([parameters[f"{detector}.{kind}"] for detector in self._detectors])
            for kind in ("leak", "runner_gap", "fault", "frozen")
        )
        inflow = _BACKGROUND + self._wander.step(dt) + leak + gap * _TAP_GAS * self._tapping()
        mean = np.bincount(self._room, weights=self._air, minlength=len(self._size)) / self._size
        exchange = _DIFFUSION * dt * (mean[self._room] - self._air) if len(self._air) else 0.0
        self._air = self._air + (inflow - self._air) * share(dt, _VENTILATION / haste) + exchange
        self._sensed = self._sensed + (self._air - self._sensed) * share(dt, _RESPONSE)
        heard = np.maximum(0.0, self._sensed + 0.08 * self._rng.standard_normal(len(self._air)))
        for place, detector in enumerate(self._detectors):
            key = f"{detector}.concentration"
            if not (frozen[place] and key in self._readings):
                self._readings[key] = float("nan") if fault[place] else float(heard[place])
            self._readings[f"{detector}.fault"] = float(fault[place] > 0.0)

    def readings(self) -> Mapping[str, float]:
        return self._readings

    def restart(self) -> None:
        """Nothing to do: rooms air themselves."""
