"""A story of alarms that chatter, flee and stand, for the gateway's own route of figures."""

from __future__ import annotations

from types import SimpleNamespace

from gateway.kpi import DAY, Episode, Limits
from gateway.plant.duty import AlarmPolicy
from gateway.rule import Priority
from gateway.sample import SECOND, Instant

CHATTERS, FLEES, STANDS = "co.high@co_02", "eaf.flow_low@eaf1_roof", "dust.differential_pressure@dust_dry1"


def _episode(alarm: str, raised: int, lasting: int | None) -> Episode:
    return Episode(alarm, Priority.HIGH, Instant(raised), None if lasting is None else Instant(raised + lasting))


def book(now: int, **more: object) -> SimpleNamespace:
    """What the route reads: one alarm three times in half a minute, one for four seconds, one for days."""
    begin = now - 1800 * SECOND
    told = [
        _episode(STANDS, now - 2 * DAY, None),
        *(_episode(CHATTERS, begin + turn * 10 * SECOND, 5 * SECOND) for turn in range(3)),
        _episode(FLEES, begin + 600 * SECOND, 4 * SECOND),
    ]
    return SimpleNamespace(
        episodes=lambda: told, limits=Limits(), policy=AlarmPolicy(), titles={}, position=0, holds_from=None, **more
    )
