"""What every physical model offers to the plant that holds it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from simulators.plant.actuator import Actuator
from simulators.plant.signals import Parameters


class Model(Protocol):
    """Part of a plant. Readings are keyed by `<equipment>.<kind>`, actuators by `<equipment>.<output kind>`."""

    @property
    def normal(self) -> Mapping[str, float]:
        """Its fault parameters and their values in normal running."""
        ...

    @property
    def actuators(self) -> Mapping[str, Actuator]: ...

    def step(self, dt: float, parameters: Parameters, haste: float) -> None:
        """Advance by `dt` seconds; `haste` speeds up recovery after a scenario (1 is real time)."""
        ...

    def readings(self) -> Mapping[str, float]:
        """What the sensors say after the last step; NaN from one that reports a fault."""
        ...

    def restart(self) -> None:
        """Begin normal running again, once the faults are gone and the trips are reset."""
        ...
