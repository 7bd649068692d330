"""The bus-time budget: how much of each line's time the scans of its devices take, from the plant file alone.

Pure; an estimate of the drivers', nothing measured. A device whose scans take turns with nobody has a line of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.driver import DriverKind, ScanLoad
from gateway.duration import format_duration
from gateway.plant.model import Plant


@dataclass(frozen=True, slots=True)
class Claim:
    """What one device takes of its line."""

    device: str
    requests: int
    """In its shortest period, all its scans counted."""
    expected: int
    """Microseconds that they take ..."""
    period: int
    """... of so many."""

    @property
    def share(self) -> float:
        return self.expected / self.period

    def __str__(self) -> str:
        took = f"{format_duration(_brief(self.expected))} of {format_duration(self.period)}"
        return f"{self.device} {self.requests} req {took} ({self.share:.0%})"


@dataclass(frozen=True, slots=True)
class Line:
    """Devices whose scans take turns, such as those of one serial port."""

    line: str
    claims: tuple[Claim, ...]

    @property
    def share(self) -> float:
        """Of its time; above 1 the scans cannot fit."""
        return sum(claim.share for claim in self.claims)

    def __str__(self) -> str:
        over = f", {self.share - 1:.0%} too much" if self.share > 1 else ""
        return f"{self.line} {self.share:.0%}{over}: {', '.join(map(str, self.claims))}"


def bus_time(plant: Plant, drivers: Mapping[str, DriverKind]) -> tuple[Line, ...]:
    """Every line that is polled, the fullest first."""
    claims: dict[str, list[Claim]] = {}
    for device in plant.devices:
        kind = drivers.get(device.driver)
        load = kind.load(device, [p for p in plant.points if p.device == device.id]) if kind is not None else None
        if kind is not None and load is not None:
            claims.setdefault(kind.line(device) or device.id, []).append(_claim(device.id, load))
    return tuple(sorted((Line(line, tuple(some)) for line, some in claims.items()), key=lambda line: -line.share))


def _claim(device: str, load: ScanLoad) -> Claim:
    return Claim(device, load.requests, load.expected, load.period)


def _brief(microseconds: int) -> int:
    """To a tenth of a millisecond: it is an estimate."""
    return round(microseconds, -2)
