"""What the wire shapes say of alarms that are put aside."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.api import requests
from gateway.api import schema as wire
from gateway.machines.alarm import AlarmState, AlarmStateName, Projected
from gateway.machines.suppression import Shelf, Suppression
from gateway.rule import Priority
from gateway.sample import SECOND, Instant

MINUTE = 60 * SECOND


def aside_fields(
    state: AlarmStateName, held: Suppression, priority: Priority, raised: int, *, unknown: bool
) -> dict[str, Any]:
    """The fields of a view that speak of suppression."""
    shown = AlarmState("", unknown=unknown, suppression=held).projected
    return {
        "shown": shown if held or unknown else Projected(state.value),
        "annunciated_at": raised if state.value.endswith("unacknowledged") and not held else None,
        "shelf": held.shelf,
        "suppressed_since": held.design,
        "removal": held.removal,
        "shelve_max": 30 * MINUTE,
        "two_person": priority is Priority.CRITICAL,
    }


def counts_aside(alarms: list[wire.AlarmView]) -> dict[str, int]:
    """What the gateway's health counts of them."""
    return {
        "shelved": sum(each.shelf is not None for each in alarms),
        "suppressed": sum(each.suppressed_since is not None for each in alarms),
        "out_of_service": sum(each.removal is not None for each in alarms),
        "cannot_tell": sum(each.unknown for each in alarms),
    }


def person_actions(state: AlarmStateName, held: Suppression) -> tuple[str, ...]:
    """What a person may do with an alarm in this state."""
    latched = state is AlarmStateName.LATCHED_ACKNOWLEDGED
    own = ("acknowledge",) if state.value.endswith("unacknowledged") else ("reset",) if latched else ()
    return (
        *own,
        "unshelve" if held.shelf else "shelve",
        "return_to_service" if held.removal else "remove_from_service",
    )


def shelved(view: wire.AlarmView, body: requests.ShelveRequest, now: Instant) -> wire.AlarmView:
    """The alarm after a person put it aside."""
    shelf = Shelf(now, Instant(now + body.duration), body.one_shot, body.by, body.second, body.comment)
    return replace(view, shelf=shelf, shown=Projected.SHELVED, annunciated_at=None, actions=("unshelve",))
