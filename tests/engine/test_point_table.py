"""Whatever comes in: no value outlives its source, and what is bad has no number."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.point_table import PointTable
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from tests.engine.scripted import STALE_AFTER, plant

POINTS = 3
TIMES = st.integers(0, 20 * SECOND)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    quality = draw(st.sampled_from(Quality))
    reason = Reason.NONE if quality is Quality.GOOD else draw(st.sampled_from(list(Reason)[1:]))
    point, value = draw(st.integers(0, POINTS - 1)), draw(st.floats(-1e6, 1e6))
    return Sample(point, value, quality, reason, Instant(draw(TIMES)), Instant(draw(TIMES)))


BATCHES = st.lists(st.lists(samples(), max_size=8), max_size=4)


def filled(batches: list[list[Sample]]) -> PointTable:
    table = PointTable(plant(points=POINTS))
    for batch in batches:
        table.apply(SampleBatch.of(batch))
    return table


@given(BATCHES, TIMES)
def test_a_value_past_its_stale_limit_is_never_good(batches: list[list[Sample]], now: int) -> None:
    columns = filled(batches).columns(Instant(now))
    for point in range(POINTS):
        age = now - min(columns.source_time[point], columns.receive_time[point])
        if columns.quality[point] < Quality.STALE:
            assert age <= STALE_AFTER


@given(BATCHES, TIMES)
def test_what_is_bad_has_no_number_and_what_is_not_good_has_a_reason(batches: list[list[Sample]], now: int) -> None:
    table = filled(batches)
    columns = table.columns(Instant(now))
    for point in range(POINTS):
        if columns.quality[point] == Quality.BAD:
            assert math.isnan(columns.value[point])
        if columns.quality[point] >= Quality.STALE:
            assert table.reading(point).value is None
        assert (columns.quality[point] == Quality.GOOD) == (columns.reason[point] == Reason.NONE)


def one(source: int, receive: int, now: int) -> Quality:
    table = filled([[Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(source), Instant(receive))]])
    return Quality(int(table.columns(Instant(now)).quality[0]))


def test_the_stale_limit_itself_still_counts_and_one_microsecond_more_does_not() -> None:
    assert one(0, 0, STALE_AFTER) is Quality.GOOD
    assert one(0, 0, STALE_AFTER + 1) is Quality.STALE


def test_a_retained_value_is_as_old_as_its_source_says_however_fresh_its_arrival() -> None:
    assert one(0, STALE_AFTER + 1, STALE_AFTER + 1) is Quality.STALE


def test_a_source_clock_that_is_ahead_keeps_no_value_young() -> None:
    assert one(10 * STALE_AFTER, 0, STALE_AFTER + 1) is Quality.STALE


def test_a_fresh_value_makes_a_stale_point_good_again() -> None:
    table = filled([[Sample(0, 1.0, Quality.GOOD, Reason.NONE, Instant(0), Instant(0))]])
    later = Instant(2 * STALE_AFTER)
    assert table.columns(later).quality[0] == Quality.STALE
    table.apply(SampleBatch.of([Sample(0, 2.0, Quality.GOOD, Reason.NONE, later, later)]))
    assert (table.columns(later).quality[0], table.reading(0).value) == (Quality.GOOD, 2.0)


def test_columns_that_were_handed_out_do_not_change_afterwards() -> None:
    table = filled([])
    before = [table.latest, table.columns(Instant(0))]
    table.apply(SampleBatch.of([Sample(0, 2.0, Quality.GOOD, Reason.NONE, Instant(9), Instant(9))]))
    for columns in before:
        assert math.isnan(columns.value[0])
        assert columns.source_time[0] == 0
