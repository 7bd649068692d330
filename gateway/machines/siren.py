"""A siren or a lamp: what it should do, from the alarms that ask for a person and from who silenced it.

Silence is not acknowledgement: it stops the sound of what is already heard, for a while, and nothing else.
"""

from __future__ import annotations

from enum import StrEnum

from gateway.machines.table import Table
from gateway.plant.duty import SirenPolicy
from gateway.sample import Instant


class SirenState(StrEnum):
    QUIET = "quiet"
    SOUNDING = "sounding"
    SILENCED = "silenced"


class SirenAction(StrEnum):
    ALARM = "alarm"
    """An alarm of its priorities asks, that did not before."""
    ALL_HEARD = "all_heard"
    """The last of them is acknowledged, or asks for nobody any more."""
    SILENCE = "silence"
    OVER = "over"
    """The time of the silence has run out, and something still asks."""


_S, _A = SirenState, SirenAction

TABLE: Table[SirenState, SirenAction] = Table(
    machine="siren",
    initial=_S.QUIET,
    moves={
        _S.QUIET: {_A.ALARM: _S.SOUNDING},
        _S.SOUNDING: {_A.ALARM: _S.SOUNDING, _A.ALL_HEARD: _S.QUIET, _A.SILENCE: _S.SILENCED},
        _S.SILENCED: {_A.ALARM: _S.SOUNDING, _A.OVER: _S.SOUNDING, _A.ALL_HEARD: _S.QUIET},
    },
)


def state_of(policy: SirenPolicy, newest: Instant | None, silenced_at: Instant | None, now: Instant) -> SirenState:
    """Where it stands: `newest` is when the latest of what asks was annunciated; None where nothing asks."""
    if newest is None:
        return _S.QUIET
    if silenced_at is None or newest > silenced_at or now >= silenced_at + policy.silence:
        return _S.SOUNDING
    return _S.SILENCED
