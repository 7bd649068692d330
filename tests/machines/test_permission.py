"""Whether an output may be written: default deny, unknown refuses, and the safe state is refused for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import OutputRefused
from gateway.machines.permission import Circumstances, Permissive, Wish, permitted
from gateway.plant.guard import Comparison, Guard, PointTest, Rate
from gateway.plant.model import Output
from gateway.rule import Truth
from gateway.sample import SECOND, Instant
from tests.engine.scripted import plant

NOW = Instant(1_000 * SECOND)
TEST = PointTest("furnace.point_0", Comparison.EQUALS, 1)

guards = st.builds(
    Guard,
    fail_safe=st.sampled_from([None, 0.0, 1.0]),
    rate=st.none() | st.builds(Rate, st.integers(1, 3), st.integers(1, 60).map(lambda s: s * SECOND)),
    permissives=st.lists(st.just(TEST), max_size=3).map(tuple),
    people=st.booleans(),
)
wishes = st.builds(Wish, st.just("furnace.trip"), st.sampled_from([0.0, 1.0, 2.0]), by_person=st.booleans())


@st.composite
def cases(draw: st.DrawFn) -> tuple[Output, Wish, Circumstances]:
    (output,) = plant(allowed=draw(st.booleans())).outputs
    output = replace(output, guard=draw(guards))
    truths = [draw(st.sampled_from(Truth)) for _ in output.guard.permissives]
    changes = sorted(draw(st.lists(st.integers(-90, 0), max_size=4)))
    return output, draw(wishes), Circumstances(
        NOW,
        [Permissive(TEST, truth, truth.name) for truth in truths],
        draw(st.sampled_from([None, 0.0, 1.0])),
        [Instant(NOW + seconds * SECOND) for seconds in changes],
        draw(st.frozensets(st.sampled_from([0.0, 1.0]))),
    )  # fmt: skip


def passes(output: Output | None, wish: Wish, seen: Circumstances) -> bool:
    try:
        permitted(output, wish, seen)
    except OutputRefused:
        return False
    return True


@given(cases())
def test_nothing_passes_that_the_plant_file_does_not_name(case: tuple[Output, Wish, Circumstances]) -> None:
    output, wish, seen = case
    named = output.allowed and wish.value in output.values and (output.guard.people or not wish.by_person)
    if not named:
        assert not passes(output, wish, seen)
    assert not passes(None, wish, seen)


@given(cases())
def test_the_safe_state_is_refused_for_no_state_of_the_plant(case: tuple[Output, Wish, Circumstances]) -> None:
    output, wish, seen = case
    safe = replace(output, allowed=True, guard=replace(output.guard, fail_safe=1.0, people=True))
    assert passes(safe, replace(wish, value=1.0), seen)


@given(cases())
def test_what_is_not_the_safe_state_passes_only_if_every_condition_is_known_to_hold(
    case: tuple[Output, Wish, Circumstances],
) -> None:
    output, wish, seen = case
    output = replace(output, allowed=True, guard=replace(output.guard, fail_safe=None, people=True))
    wish = replace(wish, value=min(wish.value, 1.0))
    rate = output.guard.rate
    recent = sum(at > NOW - rate.within for at in seen.changes) if rate else 0
    expected = (
        all(each.truth is Truth.TRUE for each in seen.permissives)
        and seen.demanded <= {wish.value}
        and (rate is None or wish.value == seen.held or recent < rate.changes)
    )
    assert passes(output, wish, seen) is expected


@given(cases(), st.integers(0, 2))
def test_unknown_never_permits_what_false_refuses(case: tuple[Output, Wish, Circumstances], place: int) -> None:
    output, wish, seen = case
    if place >= len(seen.permissives):
        return

    def with_truth(truth: Truth) -> Circumstances:
        changed = list(seen.permissives)
        changed[place] = replace(changed[place], truth=truth)
        return replace(seen, permissives=changed)

    assert passes(output, wish, with_truth(Truth.UNKNOWN)) == passes(output, wish, with_truth(Truth.FALSE))


def test_a_refusal_says_what_was_missing_and_when_it_may_be_tried_again() -> None:
    (output,) = plant().outputs
    output = replace(output, guard=Guard(fail_safe=1, rate=Rate(2, 60 * SECOND), permissives=(TEST,)))
    off = Wish("furnace.trip", 0.0, by_person=False)
    with pytest.raises(OutputRefused, match=r"expected furnace\.point_0 equals 1, got unknown"):
        permitted(output, off, Circumstances(NOW, [Permissive(TEST, Truth.UNKNOWN, "unknown (stale, too_old)")]))
    met = [Permissive(TEST, Truth.TRUE, "1")]
    changes = [Instant(NOW - 50 * SECOND), Instant(NOW - 20 * SECOND)]
    with pytest.raises(OutputRefused, match=r"at most 2 changes within 1 min, got one more.* in 10 s"):
        permitted(output, off, Circumstances(NOW, met, 1.0, changes))
    assert permitted(output, off, Circumstances(NOW, met, 0.0, changes)), "writing what it holds changes nothing"
