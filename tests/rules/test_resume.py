"""A new run takes up where the last one ended: a restart is no return to normal."""

from __future__ import annotations

from gateway.rule import Truth
from gateway.sample import SECOND, Instant
from tests.rules.harness import START, Bench, furnace, plant

TRIP, HIGH = "eaf.flow_difference_trip@panel", "eaf.flow_difference_high@panel"
ONSET = Instant(START - 40 * SECOND)


def resumed() -> Bench:
    """A gateway that starts while the leak that its journal knows of may still be there."""
    bench = Bench(plant(furnace()))
    bench.program.resume({TRIP: ONSET, "a rule that the plant file no longer has": ONSET})
    return bench


def leak(bench: Bench, share: float, seconds: float) -> set[Truth]:
    """Everything that the trip's condition was meanwhile."""
    seen = set()
    for _ in range(round(seconds * 10)):
        bench.put("panel.inlet_flow", 100.0)
        bench.put("panel.outlet_flow", 100.0 * (1 - share))
        bench.step()
        seen.add(bench.truth(TRIP))
    return seen


def test_a_condition_that_still_holds_stands_through_its_on_delay_with_its_first_onset() -> None:
    bench = resumed()
    assert leak(bench, 0.08, 10) == {Truth.TRUE}
    assert bench.since(TRIP) == (ONSET - START) / SECOND


def test_between_limit_and_clear_limit_it_stands() -> None:
    bench = resumed()
    assert leak(bench, 0.045, 20) == {Truth.TRUE}


def test_it_returns_to_normal_after_its_whole_off_delay() -> None:
    bench = resumed()
    assert leak(bench, 0.0, 4.9) == {Truth.TRUE}
    leak(bench, 0.0, 0.5)
    assert bench.truth(TRIP) is Truth.FALSE


def test_while_nothing_is_read_yet_nobody_knows() -> None:
    bench = resumed()
    bench.step()
    assert bench.truth(TRIP) is Truth.UNKNOWN
    assert leak(bench, 0.08, 1) == {Truth.TRUE}


def test_what_did_not_stand_starts_as_ever() -> None:
    bench = resumed()
    leak(bench, 0.08, 2.5)
    assert bench.truth(HIGH) is Truth.FALSE
    leak(bench, 0.08, 1)
    assert bench.truth(HIGH) is Truth.TRUE
