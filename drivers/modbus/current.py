"""What a 4-20 mA signal says of its own sensor (NAMUR NE 43).

Sans-IO. Below and above the measuring range a transmitter may saturate; further out it reports its own
failure. Between the two nobody says what holds, so the value is UNCERTAIN.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.sample import Reason

HYSTERESIS = 0.05
"""Milliamperes by which a signal must come back before it is better than it was."""
_ROUNDING = 1e-9
"""Milliamperes that scaling there and back may add at a limit itself."""


@dataclass(frozen=True, slots=True)
class Loop:
    """One current loop: milliamperes = 4 + (value - zero) x 16 / span."""

    zero: float
    """Value at 4 mA."""
    span: float
    """Value at 20 mA less that at 4 mA; negative where the signal falls with the value."""
    valid: tuple[float, float] = (3.8, 20.5)
    failure: tuple[float, float] = (3.6, 21.0)

    def milliamperes(self, value: float) -> float:
        return 4.0 + (value - self.zero) * 16.0 / self.span

    def value(self, milliamperes: float) -> float:
        return self.zero + (milliamperes - 4.0) * self.span / 16.0

    def judge(self, value: float, before: Reason = Reason.NONE) -> Reason:
        """NONE, SOURCE_DOUBT (uncertain) or SENSOR_FAULT; `before` is what it was at the last reading."""
        current = self.milliamperes(value)
        if _outside(current, self.failure, held=before is Reason.SENSOR_FAULT):
            return Reason.SENSOR_FAULT
        if _outside(current, self.valid, held=before is not Reason.NONE):
            return Reason.SOURCE_DOUBT
        return Reason.NONE


def _outside(current: float, limits: tuple[float, float], *, held: bool) -> bool:
    margin = (HYSTERESIS if held else 0.0) - _ROUNDING
    return not limits[0] + margin <= current <= limits[1] - margin
