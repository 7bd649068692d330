"""How long a plant keeps its history and how large it may become: values of the plant file's section `history`.

Nothing here checks anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from gateway.sample import SECOND

DAY = 86_400 * SECOND


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long what is known of a point is kept (microseconds): samples, and their minutes and hours."""

    samples: int
    minutes: int
    hours: int


DEFAULT_BUDGET = 20 * 10**9
"""Bytes."""

DEFAULT_KEEPING = Keeping(samples=180 * DAY, minutes=3 * 365 * DAY, hours=10 * 365 * DAY)


@dataclass(frozen=True, slots=True)
class HistoryPolicy:
    """What the plant asks of its history."""

    budget: int = DEFAULT_BUDGET
    """Bytes on the disk. Beyond it the oldest samples go first, then the oldest minutes; events never."""
    keeping: Keeping = DEFAULT_KEEPING
    classes: Mapping[str, Keeping] = field(default_factory=lambda: MappingProxyType({}))
    """Kept otherwise, by equipment class."""
