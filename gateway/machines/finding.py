"""What an interlock is found to do beside its demands: an effect that nothing demanded, a trip undone too early.

Two small machines. A gateway that starts knows nothing of what was before, and so finds nothing in it.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.machines.table import Table
from gateway.sample import SECOND

GRACE = 10 * SECOND
"""How long an effect may precede its demand: a PLC acts at once, the gateway sees the cause a scan and delay later."""


class EffectSight(StrEnum):
    """How an effect that only an emergency brings is looked at."""

    EXPLAINED = "explained"
    UNEXPLAINED = "unexplained"
    SPURIOUS = "spurious"


class EffectMove(StrEnum):
    CAME_UNDEMANDED = "came_undemanded"
    DEMAND_FOLLOWED = "demand_followed"
    NO_DEMAND_FOLLOWED = "no_demand_followed"
    EFFECT_GONE = "effect_gone"


class TripState(StrEnum):
    """How a trip is held."""

    TRIP_HELD = "trip_held"
    RESTARTED_WITHOUT_RESET = "restarted_without_reset"


class TripMove(StrEnum):
    UNDONE_TOO_EARLY = "undone_too_early"
    RESET_OR_TRIPPED_AGAIN = "reset_or_tripped_again"


_E, _M = EffectSight, EffectMove

EFFECT: Table[EffectSight, EffectMove] = Table(
    machine="unexplained effect of interlock",
    initial=_E.EXPLAINED,
    moves={
        _E.EXPLAINED: {_M.CAME_UNDEMANDED: _E.UNEXPLAINED},
        _E.UNEXPLAINED: {_M.DEMAND_FOLLOWED: _E.EXPLAINED, _M.NO_DEMAND_FOLLOWED: _E.SPURIOUS},
        _E.SPURIOUS: {_M.EFFECT_GONE: _E.EXPLAINED},
    },
)

TRIP: Table[TripState, TripMove] = Table(
    machine="trip of interlock",
    initial=TripState.TRIP_HELD,
    moves={
        TripState.TRIP_HELD: {TripMove.UNDONE_TOO_EARLY: TripState.RESTARTED_WITHOUT_RESET},
        TripState.RESTARTED_WITHOUT_RESET: {TripMove.RESET_OR_TRIPPED_AGAIN: TripState.TRIP_HELD},
    },
)
