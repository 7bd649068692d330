"""Turns the points of a device into the fewest requests, once, when the driver opens.

Pure. A request never leaves its table, never exceeds what the device answers at once, and never splits
a number; points of different period never share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from drivers.modbus.address import BIT_LIMIT, DeviceSettings, PointAddress, Table

BITS_PER_REGISTER = 16


@dataclass(frozen=True, slots=True)
class Wanted:
    """One number to be read; `row` is whatever the caller knows it by."""

    row: int
    table: Table
    address: int
    count: int
    """Registers, or bits in a bit table."""
    period: int


@dataclass(frozen=True, slots=True)
class Request:
    table: Table
    address: int
    count: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a wanted number arrives."""

    row: int
    request: int
    """Index in `Scan.requests`."""
    position: int
    """Index of its first word among the words of the whole scan."""


@dataclass(frozen=True, slots=True)
class Scan:
    """Everything that is read together, every `period` microseconds."""

    period: int
    requests: tuple[Request, ...]
    starts: tuple[int, ...]
    """Where each request's words start among the words of the whole scan."""
    places: tuple[Place, ...]

    @property
    def words(self) -> int:
        """Words of the whole scan; a bit takes one."""
        return sum(request.count for request in self.requests)


def wanted(row: int, address: PointAddress, period: int) -> Wanted:
    return Wanted(row, address.table, address.address, address.type.registers, period)


def plan(numbers: Sequence[Wanted], settings: DeviceSettings) -> tuple[Scan, ...]:
    """One scan for each period, shortest first, with the fewest requests that cover its numbers."""
    periods = sorted({number.period for number in numbers})
    return tuple(_scan(period, [n for n in numbers if n.period == period], settings) for period in periods)


def _scan(period: int, numbers: Sequence[Wanted], settings: DeviceSettings) -> Scan:
    requests: list[Request] = []
    starts: list[int] = []
    places: list[Place] = []
    size = 0
    for table in Table:
        limit = BIT_LIMIT if table.holds_bits else settings.max_registers
        gap = settings.bridge_gap * (BITS_PER_REGISTER if table.holds_bits else 1)
        mine = sorted((n for n in numbers if n.table is table), key=lambda n: (n.address, n.count))
        for members in _clusters(mine, limit, gap):
            first = members[0].address
            count = max(n.address + n.count for n in members) - first
            places.extend(Place(n.row, len(requests), size + n.address - first) for n in members)
            requests.append(Request(table, first, count))
            starts.append(size)
            size += count
    return Scan(period, tuple(requests), tuple(starts), tuple(places))


def _clusters(numbers: Sequence[Wanted], limit: int, gap: int) -> list[list[Wanted]]:
    """Numbers by ascending address, cut where the gap is too wide or the request would be too long."""
    clusters: list[list[Wanted]] = []
    start = end = 0
    for number in numbers:
        reach = max(end, number.address + number.count)
        if clusters and number.address - end <= gap and reach - start <= limit:
            clusters[-1].append(number)
            end = reach
        else:
            clusters.append([number])
            start, end = number.address, number.address + number.count
    return clusters
