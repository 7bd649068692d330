"""Readings as no driver should hand them up: out of order, ahead, twice, not a number; by hypothesis."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from gateway.sample import SECOND, Instant, Quality, Reason, Sample

POINTS = 3
START = Instant(1_000 * SECOND)

_VALUES = st.sampled_from([0.0, -0.0, 1.0, 2.5, float("nan"), float("inf"), float("-inf")])
_AGES = st.sampled_from([0, 0, 1, SECOND // 2, SECOND, 4 * SECOND, 6 * SECOND, 3_600 * SECOND]) | st.sampled_from(
    [-1, -SECOND, -5 * SECOND, -5 * SECOND - 1, -3_600 * SECOND]
)
_QUALITIES = st.sampled_from([Quality.GOOD, Quality.GOOD, *Quality])
_STEPS = st.sampled_from([0, 0, 1, SECOND // 10, SECOND, 3 * SECOND, 7 * SECOND])


@st.composite
def readings(draw: st.DrawFn, *, steps: st.SearchStrategy[int] = _STEPS, most: int = 40) -> list[Sample]:
    """In order of receipt while the steps are not negative; some say again what one before them said."""
    at, samples = int(START), list[Sample]()
    for _ in range(draw(st.integers(0, most))):
        at += draw(steps)
        if samples and draw(st.integers(0, 3)) == 0:
            again = draw(st.sampled_from(samples[-4:]))
            sample = Sample(again.point, again.value, again.quality, again.reason, again.source_time, Instant(at))
        else:
            quality = draw(_QUALITIES)
            reason = Reason.NONE if quality is Quality.GOOD else draw(st.sampled_from([Reason.TIMEOUT, Reason.TOO_OLD]))
            point, age = draw(st.integers(0, POINTS - 1)), draw(_AGES)
            sample = Sample(point, draw(_VALUES), quality, reason, Instant(at - age), Instant(at))
        samples.append(sample)
    return samples


def cut(samples: list[Sample], places: list[int]) -> list[list[Sample]]:
    """The same readings in pieces, of which some are empty."""
    bounds = [0, *sorted(min(place, len(samples)) for place in places), len(samples)]
    return [samples[begin:end] for begin, end in pairwise(bounds)]
