"""What of a history must go, and why: by age, and by size. Pure decisions over the catalog.

Samples go before minutes, the oldest first; hours go by age alone, and events never.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from gateway.sample import Instant
from gateway.store import HistoryPlan
from gateway.stores.history_shelf import Catalog, Grain, Level, Segment


class Why(StrEnum):
    """Why something was let go. Stored beside what went."""

    EXPIRED = "expired"
    BUDGET = "budget"


@dataclass(frozen=True, slots=True)
class Removal:
    """Segments of one grain and class that go together: everything received up to an instant."""

    why: Why
    grain: Grain
    point_class: str
    until: int
    """Receive time of the newest sample among them."""
    segments: tuple[Segment, ...]

    @property
    def size(self) -> int:
        return sum(segment.size for segment in self.segments)

    @property
    def samples(self) -> int:
        return sum(segment.samples for segment in self.segments)


def expired(catalog: Catalog, plan: HistoryPlan, now: Instant) -> list[Removal]:
    """What is older than its class is kept."""
    limits: dict[tuple[str, Grain], int] = {}
    for segment in catalog.segments:
        if segment.receive_high < now - _kept(segment, plan):
            place = (segment.point_class, segment.grain)
            limits[place] = max(limits.get(place, segment.receive_high), segment.receive_high)
    return [_removal(Why.EXPIRED, catalog, *place, until) for place, until in sorted(limits.items())]


def _kept(segment: Segment, plan: HistoryPlan) -> int:
    """How long the segment stays; a fresh one holds points of every class and waits for the longest."""
    every = segment.level is Level.FRESH
    classes = [plan.keeping, *plan.classes.values()] if every else [plan.keeping_of(segment.point_class)]
    return max((each.samples, each.minutes, each.hours)[segment.grain] for each in classes)


def over_budget(catalog: Catalog, plan: HistoryPlan, size: int) -> list[Removal]:
    """What goes so that `size` (bytes, everything counted) comes down to the budget; as little as does it."""
    removals: dict[tuple[str, Grain], Removal] = {}
    excess = size - plan.budget
    for segment in _oldest_first(catalog.segments):
        if excess <= 0:
            break
        place = (segment.point_class, segment.grain)
        before = removals.get(place)
        if before is not None and segment.receive_high <= before.until:
            continue
        removals[place] = _removal(Why.BUDGET, catalog, *place, segment.receive_high)
        excess -= removals[place].size - (before.size if before else 0)
    return list(removals.values())


def _oldest_first(segments: Iterable[Segment]) -> list[Segment]:
    giving = [segment for segment in segments if segment.grain is not Grain.HOUR]
    return sorted(giving, key=lambda segment: (segment.grain, segment.receive_high, segment.name))


def _removal(why: Why, catalog: Catalog, point_class: str, grain: Grain, until: int) -> Removal:
    going = tuple(
        segment
        for segment in catalog.segments
        if segment.grain is grain and segment.point_class == point_class and segment.receive_high <= until
    )
    return Removal(why, grain, point_class, until, going)
