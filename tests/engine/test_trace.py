"""A trace is what the gateway's ticks would have seen, however it is cut and whatever came."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.point_table import PointTable
from gateway.rule import Trace
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.trace import TraceBuilder
from tests.engine.readings import START, readings
from tests.engine.scripted import plant

PLANT = plant(points=3)
STEP, BEAT = SECOND // 10, SECOND
STEPS = st.sampled_from([0, 0, 1]) | st.integers(0, 3 * SECOND)
NAMES = ("now", "value", "quality", "reason", "source_time", "receive_time")


def part(batch: SampleBatch, begin: int, end: int) -> SampleBatch:
    return SampleBatch.of(batch.samples()[begin:end])


def joined(traces: list[Trace]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([getattr(trace, name) for trace in traces], axis=-1) for name in NAMES}


def at_once(batch: SampleBatch, end: Instant, most: int = 10_000) -> dict[str, np.ndarray]:
    builder = TraceBuilder(PLANT.points, START, resolution=STEP, heartbeat=BEAT)
    builder.feed(batch)
    return joined(list(builder.take(end, most)))


@settings(max_examples=100)
@given(readings(steps=STEPS))
def test_every_tick_sees_what_the_point_table_would(samples: list[Sample]) -> None:
    batch = SampleBatch.of(samples)
    end = Instant(START + 130 * SECOND)
    trace = at_once(batch, end)
    table, done = PointTable(PLANT), 0
    for tick, now in enumerate(trace["now"].tolist()):
        upto = int(np.searchsorted(batch.receive_time, now, side="right"))
        table.apply(part(batch, done, upto))
        done = upto
        seen = table.columns(Instant(now))
        for name in NAMES[1:]:
            np.testing.assert_array_equal(getattr(seen, name), trace[name][:, tick])
    assert done == len(batch)
    gaps = np.diff(trace["now"])
    assert (gaps > 0).all()
    assert (gaps <= BEAT).all()
    assert trace["now"][0] == START
    assert end - BEAT <= trace["now"][-1] < end


@settings(max_examples=60)
@given(readings(steps=STEPS), st.lists(st.integers(1, 1_200), max_size=6), st.integers(1, 30))
def test_how_it_is_cut_changes_nothing(samples: list[Sample], cuts: list[int], most: int) -> None:
    batch, end = SampleBatch.of(samples), Instant(START + 121 * SECOND)
    builder = TraceBuilder(PLANT.points, START, resolution=STEP, heartbeat=BEAT)
    traces, done = [], 0
    for cut in [*sorted(START + cut * STEP for cut in cuts), end]:
        upto = int(np.searchsorted(batch.receive_time, cut))
        builder.feed(part(batch, done, upto))
        done = upto
        traces += builder.take(Instant(cut), most)
    pieces, whole = joined(traces), at_once(batch, end)
    for name in NAMES:
        np.testing.assert_array_equal(pieces[name], whole[name])


def test_a_sample_is_seen_at_the_next_multiple_and_silence_beats() -> None:
    batch = SampleBatch.of([Sample(0, 1.0, Quality.GOOD, Reason.NONE, START, Instant(START + 1_250_001))])
    now = at_once(batch, Instant(START + 4 * SECOND))["now"] - START
    assert now.tolist() == [0, 1_000_000, 1_300_000, 2_300_000, 3_300_000]
