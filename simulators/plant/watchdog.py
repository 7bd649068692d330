"""What a PLC makes of the gateway's heartbeat: a lamp. It moves nothing, so that losing the gateway changes nothing.

A counter that stands still is as good as none, however often it is written.
"""

from __future__ import annotations

LOST_AFTER = 3.0
"""Seconds without a new count after which the lamp goes out: three counts of the usual second."""


class Watchdog:
    """One PLC's view of the gateway."""

    def __init__(self) -> None:
        self.count: float | None = None
        """The last that was written; None before the first."""
        self.counted = 0
        """How often the counter has moved."""
        self._still = 0.0

    @property
    def alive(self) -> bool:
        """Whether the counter moves."""
        return self.count is not None and self._still <= LOST_AFTER

    def write(self, count: float) -> None:
        """What the gateway writes into the register."""
        if count != self.count:
            self.count = count
            self.counted += 1
            self._still = 0.0

    def step(self, dt: float) -> None:
        """Advance by `dt` seconds."""
        self._still += dt
