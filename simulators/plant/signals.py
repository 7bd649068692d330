"""Continuous signals: first-order lags, slow wander, and the named parameters that faults move.

Random numbers come from the generator that is passed in and from nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

import numpy as np

from gateway.errors import UnknownSubject
from gateway.sample import Floats


def share(dt: float, lag: float) -> float:
    """How much of the way to its target a first-order lag goes in `dt` (both in seconds)."""
    return 1.0 - math.exp(-dt / lag)


class Wander:
    """Slow random drift around zero, one for each of `count` signals (Ornstein-Uhlenbeck)."""

    def __init__(self, rng: np.random.Generator, count: int, *, spread: float = 1.0, lag: float = 20.0) -> None:
        self._rng = rng
        self._spread = spread
        self._lag = lag
        self.value: Floats = spread * rng.standard_normal(count)

    def step(self, dt: float) -> Floats:
        """Advance by `dt` seconds; standard deviation `spread`, cut at three of them."""
        kick = self._spread * math.sqrt(1.0 - math.exp(-2.0 * dt / self._lag))
        moved = self.value * math.exp(-dt / self._lag) + kick * self._rng.standard_normal(len(self.value))
        self.value = np.clip(moved, -3.0 * self._spread, 3.0 * self._spread)
        return self.value


class Parameters(Mapping[str, float]):
    """What scenarios may set, by full name such as `eaf1_panel_a.leak`; 0 or 1 is normal as declared."""

    def __init__(self, normal: Mapping[str, float]) -> None:
        self._normal = dict(normal)
        self._value = dict(normal)

    def __getitem__(self, name: str) -> float:
        return self._value[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._value)

    def __len__(self) -> int:
        return len(self._value)

    def set(self, name: str, value: float) -> None:
        """Raises UnknownSubject for a name that no model declares."""
        if name not in self._value:
            raise UnknownSubject("fault parameter", name)
        self._value[name] = value

    def restore(self) -> None:
        """Everything as it was declared."""
        self._value = dict(self._normal)
