"""The one place that reads a clock. Everything else is told the time.

Decisions take `now` as an argument; only the runtime owns a `Clock`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Protocol

from gateway.sample import Instant

SITE_TIME = timezone(timedelta(hours=8))
"""China keeps one time zone."""


class Clock(Protocol):
    """Tells the time; `now` never runs backwards."""

    def now(self) -> Instant: ...


class SystemClock:
    """Wall time at start, carried on by the monotonic clock, so that a clock step moves no delay.

    `step()` tells how far the wall clock has moved away since (microseconds, signed).
    """

    def __init__(self) -> None:
        self._wall_at_start = time.time_ns()
        self._monotonic_at_start = time.monotonic_ns()

    def now(self) -> Instant:
        elapsed = time.monotonic_ns() - self._monotonic_at_start
        return Instant((self._wall_at_start + elapsed) // 1000)

    def step(self) -> int:
        return time.time_ns() // 1000 - self.now()


@dataclass
class ManualClock:
    """A clock that tests and simulations move by hand."""

    at: Instant = Instant(0)

    def now(self) -> Instant:
        return self.at

    def advance(self, microseconds: int) -> Instant:
        self.at = Instant(self.at + microseconds)
        return self.at


def to_datetime(at: Instant) -> datetime:
    """The instant as an aware UTC datetime."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).replace(microsecond=at % 1_000_000)


def from_datetime(moment: datetime) -> Instant:
    """The instant of an aware datetime; raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError(f"expected a time with a zone, got {moment.isoformat()}")
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Instant(delta.days * 86_400_000_000 + delta.seconds * 1_000_000 + delta.microseconds)
