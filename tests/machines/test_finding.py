"""The two small machines of findings: every pair is in the table or refused."""

from __future__ import annotations

import itertools

import pytest

from gateway.errors import IllegalTransition
from gateway.machines.finding import EFFECT, TRIP, EffectMove, EffectSight, TripMove, TripState

EFFECTS = {
    ("explained", "came_undemanded"): "unexplained",
    ("unexplained", "demand_followed"): "explained",
    ("unexplained", "no_demand_followed"): "spurious",
    ("spurious", "effect_gone"): "explained",
}
TRIPS = {
    ("trip_held", "undone_too_early"): "restarted_without_reset",
    ("restarted_without_reset", "reset_or_tripped_again"): "trip_held",
}


@pytest.mark.parametrize(("state", "move"), list(itertools.product(EffectSight, EffectMove)))
def test_every_pair_of_an_effect_is_either_in_the_table_or_refused(state: EffectSight, move: EffectMove) -> None:
    expected = EFFECTS.get((state.value, move.value))
    if expected is not None:
        assert EFFECT.next("i", state, move).value == expected
        return
    with pytest.raises(IllegalTransition):
        EFFECT.next("i", state, move)


@pytest.mark.parametrize(("state", "move"), list(itertools.product(TripState, TripMove)))
def test_every_pair_of_a_trip_is_either_in_the_table_or_refused(state: TripState, move: TripMove) -> None:
    expected = TRIPS.get((state.value, move.value))
    if expected is not None:
        assert TRIP.next("i", state, move).value == expected
        return
    with pytest.raises(IllegalTransition):
        TRIP.next("i", state, move)
