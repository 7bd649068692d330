"""Laws of the request planner: everything wanted is read exactly once, in the cheapest lawful requests."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from drivers.modbus.cost import cost_of
from drivers.modbus.planner import Request, Scan, Wanted, duration, plan
from drivers.modbus.settings import DeviceSettings, Forbidden, SerialSettings, Table, TcpSettings

TABLES = st.sampled_from(Table)
Case = tuple[list[Wanted], DeviceSettings]
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


GAPS = st.none() | st.integers(0, 30)
LINES = st.one_of(
    st.builds(TcpSettings, host=st.just("x"), max_registers=st.integers(4, 125), bridge_gap=GAPS),
    st.builds(
        SerialSettings,
        port=st.just("/dev/ttyS0"),
        baud=st.sampled_from([1200, 9600, 115_200]),
        turnaround=st.sampled_from(["1 ms", "20 ms"]),
        max_registers=st.integers(4, 125),
        max_bits=st.sampled_from([16, 2000]),
        bridge_gap=GAPS,
    ),
)


@st.composite
def wired(draw: st.DrawFn) -> tuple[list[Wanted], DeviceSettings]:
    """Numbers, and a device on which some of the addresses between them must never be read."""
    numbers, settings = draw(wanted_numbers()), draw(LINES)
    taken = {(n.table, address) for n in numbers for address in range(n.address, n.end)}
    forbidden = [
        Forbidden(table=table, first=first, last=first + more)
        for table, first, more in draw(st.lists(st.tuples(TABLES, st.integers(0, 900), st.integers(0, 3)), max_size=12))
        if not taken & {(table, address) for address in range(first, first + more + 1)}
    ]
    return numbers, settings.model_copy(update={"never_read": tuple(forbidden)})


def words_of(scan: Scan) -> list[tuple[Table, int]]:
    """What stands at each word of the scan."""
    return [(r.table, r.address + step) for r in scan.requests for step in range(r.count)]


@given(case=wired())
def test_every_wanted_register_is_read_exactly_once(case: Case) -> None:
    numbers, settings = case
    scans = plan(numbers, settings)
    assert sorted(place.row for scan in scans for place in scan.places) == list(range(len(numbers)))
    for scan in scans:
        read = words_of(scan)
        assert len(read) == scan.words
        for number in (n for n in numbers if n.period == scan.period):
            for register in range(number.address, number.address + number.count):
                assert read.count((number.table, register)) == 1


@given(case=wired())
def test_a_number_arrives_whole_and_where_the_plan_says(case: Case) -> None:
    numbers, settings = case
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


@given(case=wired())
def test_no_request_exceeds_the_limits_or_touches_what_must_not_be_read(case: Case) -> None:
    numbers, settings = case
    forbidden = {(each.table, address) for each in settings.never_read for address in range(each.first, each.last + 1)}
    for scan in plan(numbers, settings):
        needed = {(n.table, n.address + step) for n in numbers if n.period == scan.period for step in range(n.count)}
        assert not set(words_of(scan)) & forbidden
        assert scan.bridges == (set(words_of(scan)) != needed)
        for request in scan.requests:
            bits = request.table.holds_bits
            assert 1 <= request.count <= (settings.max_bits if bits else settings.max_registers)
            if settings.bridge_gap is not None:
                assert longest_gap(request, needed) <= settings.bridge_gap * (16 if bits else 1)


@given(case=wired())
def test_without_bridging_nothing_is_read_that_nobody_wants(case: Case) -> None:
    numbers, settings = case
    for scan in plan(numbers, settings, bridging=False):
        needed = {(n.table, n.address + step) for n in numbers if n.period == scan.period for step in range(n.count)}
        assert set(words_of(scan)) == needed
        assert not scan.bridges


def longest_gap(request: Request, needed: set[tuple[Table, int]]) -> int:
    longest = current = 0
    for address in range(request.address, request.address + request.count):
        current = 0 if (request.table, address) in needed else current + 1
        longest = max(longest, current)
    assert (request.table, request.address) in needed
    assert current == 0
    return longest


@given(case=wired())
def test_no_plan_takes_less_of_the_line_and_none_takes_more_than_the_naive_one(case: Case) -> None:
    numbers, settings = case
    cost = cost_of(settings)
    for scan in plan(numbers, settings):
        mine = [n for n in numbers if n.period == scan.period]
        least = sum(least_time([n for n in mine if n.table is table], settings) for table in Table)
        assert math.isclose(duration(scan, settings), least)
        naive = sum(cost.of(n.count, bits=n.table.holds_bits) for n in mine)
        assert duration(scan, settings) <= naive * (1 + 1e-9)


def least_time(numbers: Sequence[Wanted], settings: DeviceSettings) -> float:
    """By trying every cut, for comparison."""
    row = sorted(numbers, key=lambda n: n.address)
    best = [0.0] + [math.inf] * len(row)
    for end in range(1, len(row) + 1):
        for start in range(end):
            if lawful(row[start:end], settings):
                price = cost_of(settings).of(row[end - 1].end - row[start].address, bits=row[0].table.holds_bits)
                best[end] = min(best[end], best[start] + price)
    return best[-1]


def lawful(row: Sequence[Wanted], settings: DeviceSettings) -> bool:
    bits, first, end = row[0].table.holds_bits, row[0].address, row[-1].end
    limit = settings.max_bits if bits else settings.max_registers
    widest = max((after.address - before.end for before, after in pairwise(row)), default=0)
    gap = math.inf if settings.bridge_gap is None else settings.bridge_gap * (16 if bits else 1)
    touched = any(f.table is row[0].table and f.first < end and first <= f.last for f in settings.never_read)
    return widest <= gap and end - first <= limit and not touched


def test_a_slow_line_bridges_less_than_a_fast_one() -> None:
    def requests(settings: DeviceSettings, gap: int) -> int:
        numbers = [Wanted(0, Table.HOLDING, 0, 1, 1), Wanted(1, Table.HOLDING, 1 + gap, 1, 1)]
        return len(plan(numbers, settings)[0].requests)

    slow = SerialSettings.model_validate({"port": "/dev/ttyS0", "turnaround": "10 ms"})
    # 13 characters of frames, 7 of silence and 10 ms against 2 characters a register, 11 bits each.
    worth = int((20 * 11 / 9600 + 0.010) / (2 * 11 / 9600))
    assert [requests(slow, worth), requests(slow, worth + 1)] == [1, 2]
    assert requests(TcpSettings(host="x"), 100) == 1


def test_two_bits_of_one_register_cost_one_register() -> None:
    numbers = [Wanted(0, Table.HOLDING, 7, 1, 1), Wanted(1, Table.HOLDING, 7, 1, 1)]
    (scan,) = plan(numbers, TcpSettings(host="x"))
    assert scan.requests == (Request(Table.HOLDING, 7, 1),)


def test_a_gap_of_exactly_the_allowed_width_is_bridged_and_one_wider_is_not() -> None:
    device = TcpSettings(host="x", bridge_gap=3)

    def requests(second: int) -> int:
        numbers = [Wanted(0, Table.HOLDING, 0, 1, 1), Wanted(1, Table.HOLDING, second, 1, 1)]
        return len(plan(numbers, device)[0].requests)

    assert [requests(second) for second in (1, 4, 5)] == [1, 1, 2]


def test_a_request_may_be_exactly_as_long_as_the_limit_and_no_longer() -> None:
    device = TcpSettings(host="x", bridge_gap=0)
    registers = [Wanted(n, Table.INPUT, n, 1, 1) for n in range(126)]
    coils = [Wanted(n, Table.COIL, n, 1, 1) for n in range(2001)]
    assert sorted(request.count for request in plan(registers, device)[0].requests) == [1, 125]
    assert sorted(request.count for request in plan(coils, device)[0].requests) == [1, 2000]
