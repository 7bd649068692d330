"""The ladder that an unheard alarm or a missed duty check climbs: operator, shift leader, safety manager, county.

Decides who is told when; telling them is a follower's work.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from gateway.machines.table import Table
from gateway.plant.duty import LADDER, Level, Rung
from gateway.sample import Instant


class Told(StrEnum):
    """The highest level that has been told."""

    NOBODY = "nobody"
    DUTY_OPERATOR = Level.DUTY_OPERATOR
    SHIFT_LEADER = Level.SHIFT_LEADER
    SAFETY_MANAGER = Level.SAFETY_MANAGER
    COUNTY = Level.COUNTY


class Climb(StrEnum):
    TELL_DUTY_OPERATOR = "tell_duty_operator"
    TELL_SHIFT_LEADER = "tell_shift_leader"
    TELL_SAFETY_MANAGER = "tell_safety_manager"
    TELL_COUNTY = "tell_county"
    HEARD = "heard"
    """Somebody acknowledged or answered, or it is kept from asking."""


_TELL = dict(zip(LADDER, Climb))

TABLE: Table[Told, Climb] = Table(
    machine="escalation",
    initial=Told.NOBODY,
    moves={
        told: {
            **{_TELL[level]: Told(level.value) for level in LADDER[place:]},
            **({} if told is Told.NOBODY else {Climb.HEARD: Told.NOBODY}),
        }
        for place, told in enumerate(Told)
    },
)


def due(subject: str, ladder: Sequence[Rung], since: Instant, reached: Level | None, now: Instant) -> list[Rung]:
    """The rungs that are reached by now and were not before, lowest first: nobody on the way up is left out."""
    told = Told.NOBODY if reached is None else Told(reached.value)
    rungs = []
    for rung in above(ladder, reached):
        if now - since < rung.after:
            break
        told = TABLE.next(subject, told, _TELL[rung.level])
        rungs.append(rung)
    return rungs


def above(ladder: Sequence[Rung], reached: Level | None) -> Sequence[Rung]:
    """What of the ladder is still to climb."""
    if reached is None:
        return ladder
    return [rung for rung in ladder if LADDER.index(rung.level) > LADDER.index(reached)]


def next_at(ladder: Sequence[Rung], since: Instant, reached: Level | None) -> Instant | None:
    """When the next level is told; None at the top."""
    rest = above(ladder, reached)
    return Instant(since + rest[0].after) if rest else None
