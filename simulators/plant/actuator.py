"""An actuator: told to act by the gateway or by its PLC, it gets there after its own time.

It acts while anybody demands it, and goes back when nobody does. Nothing here knows what it moves.
"""

from __future__ import annotations

from enum import StrEnum


class Master(StrEnum):
    """Who demands."""

    GATEWAY = "gateway"
    PLC = "plc"


class Actuator:
    """One output's moving part; `position` runs from 0 (at rest) to 1 (effect there)."""

    def __init__(self, dead_time: float, travel: float) -> None:
        self._dead_time = dead_time
        self._travel = travel
        self._waited = 0.0
        self._demands: dict[Master, float] = dict.fromkeys(Master, 0.0)
        self.position = 0.0
        self.stuck = False
        """Neither goes nor comes back while true."""
        self.slowness = 1.0
        """Factor on dead time and travel."""

    def demand(self, master: Master, value: float) -> None:
        """A value other than 0 demands the effect, 0 takes the demand back."""
        self._demands[master] = value

    @property
    def demanded(self) -> bool:
        return any(self._demands.values())

    @property
    def done(self) -> bool:
        """Whether the feedback switch says that the effect is there."""
        return self.position >= 1.0

    def step(self, dt: float) -> None:
        """Advance by `dt` seconds."""
        target = 1.0 if self.demanded else 0.0
        if self.stuck or self.position == target:
            self._waited = 0.0
            return
        self._waited += dt
        if self._waited <= self._dead_time * self.slowness:
            return
        stroke = dt / (self._travel * self.slowness)
        if target > self.position:
            self.position = min(1.0, self.position + stroke)
        else:
            self.position = max(0.0, self.position - stroke)

    def restore(self) -> None:
        """Free it and take every demand back; it then travels home by itself."""
        self.stuck = False
        self.slowness = 1.0
        self._demands = dict.fromkeys(Master, 0.0)
