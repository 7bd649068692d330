"""Laws of the request planner: everything wanted is read exactly once, in the fewest lawful requests."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.address import DeviceSettings, Table
from drivers.modbus.planner import Request, Scan, Wanted, plan

TABLES = st.sampled_from(Table)
PERIODS = st.sampled_from([100_000, 1_000_000])


@st.composite
def wanted_numbers(draw: st.DrawFn) -> list[Wanted]:
    """Numbers side by side with gaps between, never overlapping, in any order."""
    numbers: list[Wanted] = []
    for table in draw(st.lists(TABLES, unique=True, min_size=1)):
        address = draw(st.integers(0, 300))
        for gap, width, period in draw(
            st.lists(st.tuples(st.integers(0, 40), st.sampled_from([1, 2, 4]), PERIODS), max_size=60)
        ):
            address += gap * (20 if table.holds_bits else 1)
            count = 1 if table.holds_bits else width
            numbers.append(Wanted(len(numbers), table, address, count, period))
            address += count
    return draw(st.permutations(numbers))


SETTINGS = st.builds(
    DeviceSettings,
    host=st.just("x"),
    max_registers=st.integers(4, 125),
    bridge_gap=st.integers(0, 30),
)


def words_of(scan: Scan) -> list[tuple[Table, int]]:
    """What stands at each word of the scan."""
    return [(r.table, r.address + step) for r in scan.requests for step in range(r.count)]


@given(numbers=wanted_numbers(), settings=SETTINGS)
def test_every_wanted_register_is_read_exactly_once(numbers: list[Wanted], settings: DeviceSettings) -> None:
    scans = plan(numbers, settings)
    assert sorted(place.row for scan in scans for place in scan.places) == list(range(len(numbers)))
    for scan in scans:
        read = words_of(scan)
        assert len(read) == scan.words
        for number in (n for n in numbers if n.period == scan.period):
            for register in range(number.address, number.address + number.count):
                assert read.count((number.table, register)) == 1


@given(numbers=wanted_numbers(), settings=SETTINGS)
def test_a_number_arrives_whole_and_where_the_plan_says(numbers: list[Wanted], settings: DeviceSettings) -> None:
    by_row = {number.row: number for number in numbers}
    for scan in plan(numbers, settings):
        read = words_of(scan)
        for place in scan.places:
            number = by_row[place.row]
            assert number.period == scan.period
            span = [(number.table, number.address + step) for step in range(number.count)]
            assert read[place.position : place.position + number.count] == span
            request, start = scan.requests[place.request], scan.starts[place.request]
            assert start <= place.position
            assert place.position + number.count <= start + request.count


@given(numbers=wanted_numbers(), settings=SETTINGS)
def test_no_request_exceeds_the_limits_nor_reads_a_wider_gap_than_allowed(
    numbers: list[Wanted], settings: DeviceSettings
) -> None:
    for scan in plan(numbers, settings):
        needed = {(n.table, n.address + step) for n in numbers if n.period == scan.period for step in range(n.count)}
        for request in scan.requests:
            bits = request.table.holds_bits
            assert 1 <= request.count <= (2000 if bits else settings.max_registers)
            gap = longest_gap(request, needed)
            assert gap <= settings.bridge_gap * (16 if bits else 1)


def longest_gap(request: Request, needed: set[tuple[Table, int]]) -> int:
    longest = current = 0
    for address in range(request.address, request.address + request.count):
        current = 0 if (request.table, address) in needed else current + 1
        longest = max(longest, current)
    assert (request.table, request.address) in needed
    assert current == 0
    return longest


@given(numbers=wanted_numbers(), settings=SETTINGS)
def test_no_plan_has_fewer_requests(numbers: list[Wanted], settings: DeviceSettings) -> None:
    for scan in plan(numbers, settings):
        fewest = sum(
            fewest_requests([n for n in numbers if n.period == scan.period and n.table is table], settings)
            for table in Table
        )
        assert len(scan.requests) == fewest


def fewest_requests(numbers: Sequence[Wanted], settings: DeviceSettings) -> int:
    """By trying every cut (dynamic programming), for comparison."""
    row = sorted(numbers, key=lambda n: n.address)
    best = [0] + [len(row)] * len(row)
    for end in range(1, len(row) + 1):
        for start in range(end):
            if lawful(row[start:end], settings):
                best[end] = min(best[end], best[start] + 1)
    return best[-1]


def lawful(row: Sequence[Wanted], settings: DeviceSettings) -> bool:
    bits = row[0].table.holds_bits
    limit, gap = (2000, settings.bridge_gap * 16) if bits else (settings.max_registers, settings.bridge_gap)
    gaps = [after.address - before.address - before.count for before, after in pairwise(row)]
    return max(gaps, default=0) <= gap and row[-1].address + row[-1].count - row[0].address <= limit


def test_two_bits_of_one_register_cost_one_register() -> None:
    numbers = [Wanted(0, Table.HOLDING, 7, 1, 1), Wanted(1, Table.HOLDING, 7, 1, 1)]
    (scan,) = plan(numbers, DeviceSettings(host="x"))
    assert scan.requests == (Request(Table.HOLDING, 7, 1),)


def test_a_gap_of_exactly_the_allowed_width_is_bridged_and_one_wider_is_not() -> None:
    device = DeviceSettings(host="x", bridge_gap=3)

    def requests(second: int) -> int:
        numbers = [Wanted(0, Table.HOLDING, 0, 1, 1), Wanted(1, Table.HOLDING, second, 1, 1)]
        return len(plan(numbers, device)[0].requests)

    assert [requests(second) for second in (1, 4, 5)] == [1, 1, 2]


def test_a_request_may_be_exactly_as_long_as_the_limit_and_no_longer() -> None:
    device = DeviceSettings(host="x", bridge_gap=0)
    registers = [Wanted(n, Table.INPUT, n, 1, 1) for n in range(126)]
    coils = [Wanted(n, Table.COIL, n, 1, 1) for n in range(2001)]
    assert [request.count for request in plan(registers, device)[0].requests] == [125, 1]
    assert [request.count for request in plan(coils, device)[0].requests] == [2000, 1]
