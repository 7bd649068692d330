"""What comes late, early, twice or as no number is defined, is counted, and freezes nothing."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.admission import Admission, Irregularity
from gateway.point_table import PointTable
from gateway.sample import FUTURE_LIMIT, SECOND, Instant, Quality, Reason, Sample, SampleBatch
from tests.engine.readings import POINTS, START, cut, readings
from tests.engine.scripted import STALE_AFTER, plant

PLANT = plant(points=POINTS)
BACK_AND_FORTH = st.sampled_from([0, 1, SECOND, 7 * SECOND, -1, -SECOND, -20 * SECOND, -3_600 * SECOND])
CUTS = st.lists(st.integers(0, 40), max_size=6)


def plainly(samples: list[Sample]) -> tuple[list[Sample], Counter[tuple[Irregularity, int]]]:
    """The law, reading by reading, with everything that was ever taken at hand."""
    taken: list[Sample] = []
    counts: Counter[tuple[Irregularity, int]] = Counter()
    for given_up in samples:
        sample = given_up
        if sample.source_time - sample.receive_time > FUTURE_LIMIT:
            counts[Irregularity.FUTURE, sample.point] += 1
            sample = replace(sample, source_time=sample.receive_time)
            if sample.quality is Quality.GOOD:
                sample = replace(sample, quality=Quality.UNCERTAIN, reason=Reason.SOURCE_CLOCK)
        if given_up.quality is not Quality.BAD and not math.isfinite(sample.value):
            counts[Irregularity.NOT_A_NUMBER, sample.point] += 1
            sample = replace(sample, quality=Quality.BAD, reason=Reason.NOT_A_NUMBER)
        if sample.quality is Quality.BAD:
            sample = replace(sample, value=math.nan)
        earlier = [each for each in taken if each.point == sample.point]
        stamps = [min(each.source_time, each.receive_time) for each in earlier if stamped(each)]
        newest = stamps[-1] if stamps else None
        if earlier and said(earlier[-1]) == said(sample):
            counts[Irregularity.DUPLICATE, sample.point] += 1
        elif (
            newest is not None
            and stamped(sample)
            and min(sample.source_time, sample.receive_time) < newest
            and 0 <= sample.receive_time - newest <= STALE_AFTER
        ):
            counts[Irregularity.OUT_OF_ORDER, sample.point] += 1
        else:
            taken.append(sample)
    return taken, counts


def stamped(sample: Sample) -> bool:
    return sample.quality in (Quality.GOOD, Quality.UNCERTAIN) and sample.source_time != sample.receive_time


def said(sample: Sample) -> tuple[object, ...]:
    return sample.quality, sample.reason, sample.source_time, str(sample.value + 0.0)


def counted(admission: Admission) -> Counter[tuple[Irregularity, int]]:
    rows, points = np.nonzero(admission.counts)
    return Counter(
        {
            (Irregularity(row), point): int(admission.counts[row, point])
            for row, point in zip(rows.tolist(), points.tolist())
        }
    )


@settings(max_examples=300)
@given(readings() | readings(steps=BACK_AND_FORTH), CUTS)
def test_what_is_taken_is_what_the_law_says_however_it_is_cut(samples: list[Sample], places: list[int]) -> None:
    admission, got = Admission(PLANT.points), list[Sample]()
    for piece in cut(samples, places):
        got += admission.admit(SampleBatch.of(piece)).samples()
    expected, counts = plainly(samples)
    assert repr(got) == repr(expected)
    assert counted(admission) == counts
    for point in range(POINTS):
        last = next((each for each in reversed(expected) if each.point == point), None)
        if last is not None:
            held = (admission.quality[point], admission.reason[point], admission.source_time[point])
            assert held == (last.quality, last.reason, last.source_time)
            assert admission.receive_time[point] == last.receive_time
            np.testing.assert_array_equal(admission.value[point], last.value)


@settings(max_examples=100)
@given(readings(steps=BACK_AND_FORTH), st.integers(0, POINTS - 1), st.integers(SECOND // 10, 3 * SECOND))
def test_no_clock_freezes_a_point_for_longer_than_its_stale_limit(samples: list[Sample], point: int, lag: int) -> None:
    """Whatever came before: from its stale limit on, a source that speaks is heard, however its clock stands."""
    admission = Admission(PLANT.points)
    admission.admit(SampleBatch.of(samples))
    begin = int(samples[-1].receive_time) if samples else int(START)
    stamp = begin - 100 * SECOND
    for turn in range(3 * STALE_AFTER // SECOND):
        at = begin + turn * SECOND
        row = Sample(point, float(turn), Quality.GOOD, Reason.NONE, Instant(stamp + turn * lag), Instant(at))
        taken = len(admission.admit(SampleBatch.of([row])))
        assert taken or turn * SECOND <= STALE_AFTER


def good(value: float, source: float, receive: float | None = None) -> Sample:
    at = START + round(source * SECOND)
    received = at if receive is None else START + round(receive * SECOND)
    return Sample(0, value, Quality.GOOD, Reason.NONE, Instant(at), Instant(received))


def bad(at: float, reason: Reason = Reason.SENSOR_FAULT) -> Sample:
    return replace(good(math.nan, at), quality=Quality.BAD, reason=reason)


def shown(samples: list[Sample], now: float) -> tuple[float, Quality, Reason, dict[str, int]]:
    table = PointTable(PLANT)
    table.apply(SampleBatch.of(samples))
    columns = table.columns(Instant(START + round(now * SECOND)))
    counts = {kind.name: table.admission.total(kind) for kind in Irregularity if table.admission.total(kind)}
    return float(columns.value[0]), Quality(columns.quality[0]), Reason(columns.reason[0]), counts


def test_the_newest_of_several_holds_and_the_late_one_is_counted() -> None:
    answer = shown([good(1, 1.0, 1.1), good(3, 3.0, 3.1), good(2, 2.0, 3.2)], 3.2)
    assert answer == (3.0, Quality.GOOD, Reason.NONE, {"OUT_OF_ORDER": 1})


def test_bad_news_is_never_late() -> None:
    assert shown([good(1, 3.0, 3.1), bad(2.0)], 3.2)[1:3] == (Quality.BAD, Reason.SENSOR_FAULT)
    stale = replace(good(1, 2.0, 3.2), quality=Quality.STALE, reason=Reason.TOO_OLD)
    assert shown([good(1, 3.0, 3.1), stale], 3.2)[1:3] == (Quality.STALE, Reason.TOO_OLD)


def test_a_late_value_does_not_take_a_fault_back() -> None:
    answer = shown([good(1, 3.0, 3.1), bad(3.2), good(1, 2.0, 3.3)], 3.4)
    assert answer[1:] == (Quality.BAD, Reason.SENSOR_FAULT, {"OUT_OF_ORDER": 1})


def test_a_value_as_old_as_the_newest_is_taken() -> None:
    assert shown([good(1, 3.0, 3.1), good(2, 3.0, 3.2)], 3.3) == (2.0, Quality.GOOD, Reason.NONE, {})


def test_a_source_whose_clock_was_set_back_is_heard_again_when_what_is_held_is_stale() -> None:
    behind = [good(9, at - 2.0, at) for at in (1.0, 2.0, 3.0, 4.0, 5.0, 5.5)]
    assert shown([good(1, 0.9, 1.0), *behind[:1]], 1.0)[0] == 1.0
    assert shown([good(1, 0.9, 1.0), *behind], 5.5)[0] == 9.0


def test_our_own_clock_set_back_between_two_readings_refuses_nothing() -> None:
    assert shown([good(1, 999.0, 1000.0), good(2, 0.5, 1.0)], 1.0)[0] == 2.0


def test_a_reading_without_a_stamp_of_its_own_makes_no_stamped_one_late() -> None:
    """A driver that says a value again stamps it itself; the source's next word, by a clock behind ours, must count."""
    again = good(1, 3.0)
    assert shown([good(1, 1.0, 2.0), again, good(900, 2.1, 3.1)], 3.1) == (900.0, Quality.GOOD, Reason.NONE, {})


def test_the_same_reading_again_makes_nothing_younger() -> None:
    again = [good(1, 0.0, at) for at in (0.0, 2.0, 4.0, 6.0)]
    assert shown(again[:-1], 4.0) == (1.0, Quality.GOOD, Reason.NONE, {"DUPLICATE": 2})
    assert shown(again, 6.0) == (1.0, Quality.STALE, Reason.TOO_OLD, {"DUPLICATE": 3})


def test_a_stamp_five_seconds_ahead_is_believed_and_one_microsecond_more_is_not() -> None:
    assert shown([good(1, 5.0, 0.0)], 0.0)[1:3] == (Quality.GOOD, Reason.NONE)
    answer = shown([good(1, 5.000001, 0.0)], 0.0)
    assert answer == (1.0, Quality.UNCERTAIN, Reason.SOURCE_CLOCK, {"FUTURE": 1})


def test_a_stamp_from_the_future_is_as_old_as_its_receipt() -> None:
    table = PointTable(PLANT)
    table.apply(SampleBatch.of([good(1, 3_600.0, 0.0)]))
    assert table.columns(Instant(START + STALE_AFTER)).quality[0] == Quality.UNCERTAIN
    assert table.reading(0).source_time == START
    assert table.columns(Instant(START + STALE_AFTER + 1)).quality[0] == Quality.STALE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("quality", [Quality.GOOD, Quality.UNCERTAIN, Quality.STALE])
def test_what_is_no_number_is_bad_whatever_it_calls_itself(value: float, quality: Quality) -> None:
    reason = Reason.NONE if quality is Quality.GOOD else Reason.SOURCE_DOUBT
    answer = shown([replace(good(value, 0.0), quality=quality, reason=reason)], 0.0)
    assert math.isnan(answer[0])
    assert answer[1:] == (Quality.BAD, Reason.NOT_A_NUMBER, {"NOT_A_NUMBER": 1})


def test_a_stamp_at_the_end_of_all_numbers_is_stale_and_not_wrapped_around() -> None:
    least, most = Instant(-(2**63)), Instant(2**63 - 1)
    assert shown([replace(good(1, 0.0), source_time=least)], 0.0)[1] == Quality.STALE
    assert shown([replace(good(1, 0.0), source_time=most)], 0.0)[1] == Quality.UNCERTAIN
    assert shown([replace(good(1, 0.0), source_time=least), good(2, 0.0, 1.0)], 1.0)[0] == 2.0


def test_counts_and_order_go_on_through_another_plant_file() -> None:
    table = PointTable(PLANT)
    table.apply(SampleBatch.of([good(3, 3.0, 3.1), good(2, 2.0, 3.2), replace(good(math.inf, 1.0), point=2)]))
    after = table.carried(plant(points=2), Instant(START + 4 * SECOND))
    after.apply(SampleBatch.of([good(2, 2.5, 3.3)]))
    assert after.columns(Instant(START + 4 * SECOND)).value[0] == 3.0
    assert [after.admission.total(kind) for kind in Irregularity] == [2, 0, 0, 1]
    assert after.admission.counts[:, 0].tolist() == [2, 0, 0, 0]
