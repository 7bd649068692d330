"""Turns the points of a device into the cheapest requests, once, when the driver opens.

Pure. A request never leaves its table, never touches what must not be read, never exceeds what the device
answers at once, and never splits a number; points of different period never share one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.modbus.cost import Cost, cost_of
from drivers.modbus.settings import DeviceSettings, Forbidden, Table

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

    @property
    def end(self) -> int:
        return self.address + self.count


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
    bridges: bool
    """Whether any request brings something that nobody wants."""

    @property
    def words(self) -> int:
        """Words of the whole scan; a bit takes one."""
        return sum(request.count for request in self.requests)


def plan(numbers: Sequence[Wanted], settings: DeviceSettings, *, bridging: bool = True) -> tuple[Scan, ...]:
    """One scan for each period, shortest first, with the requests that cost the line the least time.

    Without `bridging` nothing is asked for that nobody wants.
    """
    periods = sorted({number.period for number in numbers})
    limits = {table: _limits(table, settings, bridging=bridging) for table in Table}
    return tuple(_scan(period, [n for n in numbers if n.period == period], limits) for period in periods)


def duration(scan: Scan, settings: DeviceSettings) -> float:
    """Microseconds that one scan is expected to take of the line."""
    cost = cost_of(settings)
    return sum(cost.of(request.count, bits=request.table.holds_bits) for request in scan.requests)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a request in one table may be."""

    longest: int
    gap: int
    forbidden: tuple[Forbidden, ...]
    cost: Cost
    bits: bool

    def allows(self, first: int, end: int) -> bool:
        """Whether one request may read from `first` up to and without `end`."""
        touched = any(each.touches(each.table, first, end - first) for each in self.forbidden)
        return end - first <= self.longest and not touched

    def joins(self, end: int, following: int) -> bool:
        """Whether it is worth while and allowed to read on from one number to the next."""
        return following - end <= self.gap and (
            following <= end or self.allows(end, min(following, end + self.longest))
        )


def _limits(table: Table, settings: DeviceSettings, *, bridging: bool) -> _Limits:
    bits, cost = table.holds_bits, cost_of(settings)
    gap = cost.worth_bridging(bits=bits) if bridging else 0
    if settings.bridge_gap is not None:
        gap = min(gap, settings.bridge_gap * (BITS_PER_REGISTER if bits else 1))
    forbidden = tuple(each for each in settings.never_read if each.table is table)
    return _Limits(settings.max_bits if bits else settings.max_registers, gap, forbidden, cost, bits)


def _scan(period: int, numbers: Sequence[Wanted], limits: dict[Table, _Limits]) -> Scan:
    requests: list[Request] = []
    starts: list[int] = []
    places: list[Place] = []
    size, bridges = 0, False
    for table in Table:
        mine = sorted((n for n in numbers if n.table is table), key=lambda n: (n.address, n.count))
        for members in _clusters(_atoms(mine), limits[table]):
            first = members[0][0].address
            everything = [number for atom in members for number in atom]
            count = _end(everything) - first
            places.extend(Place(n.row, len(requests), size + n.address - first) for n in everything)
            bridges = bridges or count > sum(_end(atom) - atom[0].address for atom in members)
            requests.append(Request(table, first, count))
            starts.append(size)
            size += count
    return Scan(period, tuple(requests), tuple(starts), tuple(places), bridges)


_Atom = list[Wanted]
"""Numbers that lie over one another, such as the bits of one register: no request parts them."""


def _end(numbers: Sequence[Wanted]) -> int:
    return max(number.end for number in numbers)


def _atoms(numbers: Sequence[Wanted]) -> list[_Atom]:
    """By ascending address."""
    atoms: list[_Atom] = []
    end = 0
    for number in numbers:
        if atoms and number.address < end:
            atoms[-1].append(number)
        else:
            atoms.append([number])
            end = 0
        end = max(end, number.end)
    return atoms


def _clusters(atoms: Sequence[_Atom], limits: _Limits) -> list[list[_Atom]]:
    """Cut where reading on is too dear or forbidden, then where a request would be too long."""
    runs: list[list[_Atom]] = []
    for atom in atoms:
        if runs and limits.joins(_end(runs[-1][-1]), atom[0].address):
            runs[-1].append(atom)
        else:
            runs.append([atom])
    return [cluster for run in runs for cluster in _cut(run, limits)]


def _cut(run: list[_Atom], limits: _Limits) -> list[list[_Atom]]:
    """A run into requests of lawful length, at the least cost (dynamic programming over the cuts, in linear time)."""
    if limits.allows(run[0][0].address, _end(run[-1])):
        return [run]
    unit = limits.cost.bit if limits.bits else limits.cost.register
    best: list[tuple[float, int]] = [(0.0, 0)]
    # Where the last request may start, with its cost but for what all share; the cheapest is first.
    starts: deque[tuple[float, int]] = deque()
    for end in range(1, len(run) + 1):
        reach = _end(run[end - 1])
        price = best[end - 1][0] - run[end - 1][0].address * unit
        while starts and starts[-1][0] >= price:
            starts.pop()
        starts.append((price, end - 1))
        while starts[0][1] < end - 1 and not limits.allows(run[starts[0][1]][0].address, reach):
            starts.popleft()
        price, start = starts[0]
        best.append((price + limits.cost.request + reach * unit, start))
    clusters: list[list[_Atom]] = []
    end = len(run)
    while end:
        start = best[end][1]
        clusters.append(run[start:end])
        end = start
    return clusters[::-1]
