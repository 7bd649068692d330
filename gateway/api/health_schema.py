"""What the gateway says of itself, as it crosses the wire."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.api.siren_view import SirenView
from gateway.machines.duty_check import DutyCheck


@dataclass(frozen=True, slots=True)
class CopyView:
    """A store elsewhere that is given everything as well, and how far it has got."""

    name: str
    failure: str | None
    note: str
    """What it does not let the gateway set up."""
    behind: int
    """Microseconds by which its newest sample is behind."""
    backlog: int
    """Microseconds of older samples that are still being caught up."""
    events_behind: int
    """Journal entries that it has not got yet."""
    refused: int
    """Samples and journal entries that it can never take."""
    missing: int
    """Samples that it lacks by count, though they were copied twice."""


@dataclass(frozen=True, slots=True)
class ChannelView:
    """A channel to people outside the room: where messages of what climbs go."""

    name: str
    failure: str | None
    """Why it took nothing last; never its address, which is a secret."""
    behind: int
    """Journal entries that it has not been given yet."""


@dataclass(frozen=True, slots=True)
class HealthView:
    """What the gateway says of itself; everything here is always in sight on the page."""

    started_at: int
    samples_per_second: float
    dropped_samples: int
    journal_failure: str | None
    history_failure: str | None
    history_lag: int
    """Journal entries that the time-series store has not got yet."""
    links_up: int
    links: int
    points_not_good: int
    unacknowledged: int
    oldest_unacknowledged: int | None
    clock_step: int
    """Microseconds that the wall clock has moved since start, against the monotonic clock."""
    copies: tuple[CopyView, ...]
    channels: tuple[ChannelView, ...] = ()
    sirens: tuple[SirenView, ...] = ()
    shelved: int = 0
    suppressed: int = 0
    out_of_service: int = 0
    bypassed: int = 0
    """Interlocks that are bypassed (旁路), in their time or past it."""
    under_test: int = 0
    """Interlocks that a proof test (联锁试验) is declared for."""
    cannot_tell: int = 0
    """Alarms that cannot be evaluated now, whether or not they stand."""
    flood_since: int | None = None
    """More alarms come than a person can follow: the page collapses what may be collapsed."""
    last_ten_minutes: int = 0
    """Annunciations of the last ten minutes."""
    chattering: tuple[str, ...] = ()
    """Alarms that came again and again within the last minute."""
    never_collapsed: tuple[str, ...] = ("critical",)
    """Priorities that are shown one by one in any flood."""
    duty_check: DutyCheck | None = None
    """The duty check (查岗) that waits for its answer, in time or already missed."""
    duty_priority: str = "high"
    """The priority whose ladder a missed check climbs."""
