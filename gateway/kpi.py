"""How well an alarm system serves the people who hear it: the performance figures of ISA-18.2 and EEMUA 191.

Pure: judges episodes of annunciated alarms over a stretch of time. Counts nothing but annunciations: no
acknowledgement, no suppressed alarm, no system row (which made 97 % of the rows of one published study).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from gateway.episodes import Episode as Episode
from gateway.episodes import episodes as episodes
from gateway.rule import Priority
from gateway.sample import SECOND, Instant

SLOT = 600 * SECOND
"""The ten minutes that the standards count in."""

HOUR = 3600 * SECOND
DAY = 24 * HOUR

TOP = 10
"""The most frequent alarms, whose share is told."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the figures begin to count. The defaults are ISA-18.2's; sources differ on `flood_above` (10 or 9)."""

    flood_above: int = 10
    """A flood begins with the annunciation that makes more than this many within ten minutes."""
    flood_below: int = 5
    """It ends when fewer than this many are within the last ten minutes."""
    chatter_cycles: int = 3
    chatter_within: int = 60 * SECOND
    fleeting_below: int = 10 * SECOND
    fleeting_alone: int = 60 * SECOND
    """A short alarm that comes again this soon is not fleeting; if it does so often enough it chatters."""
    stale_after: int = DAY


@dataclass(frozen=True, slots=True)
class Flood:
    """A time in which more alarms came than a person can follow."""

    start: Instant
    end: Instant
    """The end of the stretch for one that had not ended."""
    alarms: int
    """Annunciations within it, those of the ten minutes that began it included."""
    peak: int
    """Most annunciations within ten minutes."""


@dataclass(frozen=True, slots=True)
class AlarmFigures:
    """What one alarm contributed."""

    alarm: str
    count: int
    """Annunciations within the stretch."""
    chattering: int
    """Bursts of chatter: runs of cycles, each with enough of them within the time."""
    fleeting: int
    stale: int
    """Episodes that stood for longer than a day, of which some part lies within the stretch."""


@dataclass(frozen=True, slots=True)
class Figures:
    """The performance of a stretch of time."""

    start: Instant
    end: Instant
    annunciations: int
    per_hour: float
    per_ten_minutes: float
    slots: int
    """Ten-minute slots, counted from the start; a last part of one counts as one."""
    slots_above: int
    """Those with more annunciations than a flood begins with."""
    busiest_slot: int
    floods: tuple[Flood, ...]
    time_in_flood: int
    """Microseconds."""
    chattering: int
    fleeting: int
    stale: int
    stale_at_once: int
    """Most alarms that were stale at one time."""
    top_share: float
    """Part of all annunciations that the ten most frequent alarms made; 0 where there are none."""
    priorities: Mapping[Priority, int]
    alarms: tuple[AlarmFigures, ...]
    """Most frequent first."""
    acknowledged: int = 0
    """Annunciations of the stretch that a person took note of, within it."""
    median_to_acknowledge: int | None = None
    """Microseconds from annunciation to acknowledgement; None where there was none."""
    longest_to_acknowledge: int | None = None
    standing_at_start: int = 0
    """Episodes whose condition stood when the stretch began."""
    standing_at_end: int = 0


def figures(every: Sequence[Episode], start: Instant, end: Instant, limits: Limits | None = None) -> Figures:
    """The figures of start <= time < end.

    Give all episodes that touch the stretch: one raised earlier is no annunciation of it, but may be stale in it.
    Raises ValueError for a stretch that is empty.
    """
    if end <= start:
        raise ValueError(f"expected an end after the start ({start}), got {end}")
    limits = limits or Limits()
    inside = [each for each in every if start <= each.raised_at < end]
    times = sorted(each.raised_at for each in inside)
    by_alarm: dict[str, list[Episode]] = defaultdict(list)
    for each in sorted(every, key=lambda episode: episode.raised_at):
        by_alarm[each.alarm].append(each)
    alarms = [_alarm(name, own, start, end, limits) for name, own in by_alarm.items()]
    alarms.sort(key=lambda each: (-each.count, each.alarm))
    in_floods = floods(times, end, limits)
    waits = sorted(
        each.acknowledged_at - each.raised_at
        for each in inside
        if each.acknowledged_at is not None and each.acknowledged_at < end
    )
    slots = Counter((time - start) // SLOT for time in times)
    return Figures(
        start=start,
        end=end,
        annunciations=len(times),
        per_hour=len(times) * HOUR / (end - start),
        per_ten_minutes=len(times) * SLOT / (end - start),
        slots=-((start - end) // SLOT),
        slots_above=sum(count > limits.flood_above for count in slots.values()),
        busiest_slot=max(slots.values(), default=0),
        floods=in_floods,
        time_in_flood=sum(flood.end - flood.start for flood in in_floods),
        chattering=sum(each.chattering for each in alarms),
        fleeting=sum(each.fleeting for each in alarms),
        stale=sum(each.stale for each in alarms),
        stale_at_once=_stale_at_once(every, start, end, limits),
        top_share=sum(each.count for each in alarms[:TOP]) / len(times) if times else 0.0,
        priorities={priority: sum(each.priority is priority for each in inside) for priority in Priority},
        alarms=tuple(each for each in alarms if each.count or each.stale),
        acknowledged=len(waits),
        median_to_acknowledge=round(median(waits)) if waits else None,
        longest_to_acknowledge=waits[-1] if waits else None,
        standing_at_start=sum(_stands(each, start) for each in every),
        standing_at_end=sum(_stands(each, end) for each in every),
    )


def _stands(each: Episode, moment: Instant) -> bool:
    """Whether the condition had set in before this moment and had not returned by then."""
    return each.raised_at < moment and (each.cleared_at is None or each.cleared_at >= moment)


def floods(times: Sequence[Instant], end: Instant, limits: Limits) -> tuple[Flood, ...]:
    """Floods among annunciations in order of time, over the ten minutes that end at each moment."""
    moves = sorted([(time + SLOT, 0) for time in times] + [(time, 1) for time in times])  # leaving comes first
    found: list[Flood] = []
    within = alarms = peak = 0
    since: Instant | None = None
    for moment, entering in moves:
        if moment >= end:
            break
        within += 1 if entering else -1
        if since is None and within > limits.flood_above:
            since, alarms, peak = Instant(moment), within, within
        elif since is not None and entering:
            alarms, peak = alarms + 1, max(peak, within)
        elif since is not None and within < limits.flood_below:
            found.append(Flood(since, Instant(moment), alarms, peak))
            since = None
    if since is not None:
        found.append(Flood(since, end, alarms, peak))
    return tuple(found)


def _alarm(name: str, own: Sequence[Episode], start: Instant, end: Instant, limits: Limits) -> AlarmFigures:
    inside = [each for each in own if start <= each.raised_at < end]
    return AlarmFigures(
        alarm=name,
        count=len(inside),
        chattering=_bursts(inside, limits),
        fleeting=sum(_is_fleeting(own, at, limits) for at, each in enumerate(own) if start <= each.raised_at < end),
        stale=sum(_stale(each, start, end, limits) is not None for each in own),
    )


def _bursts(own: Sequence[Episode], limits: Limits) -> int:
    """Runs of whole cycles (raise and return), enough of them within the time; overlapping ones are one."""
    cycles = [(each.raised_at, each.cleared_at) for each in own if each.cleared_at is not None]
    bursts, last = 0, -1
    for first in range(len(cycles) - limits.chatter_cycles + 1):
        final = first + limits.chatter_cycles - 1
        if cycles[final][1] - cycles[first][0] <= limits.chatter_within:
            bursts += first > last
            last = final
    return bursts


def _is_fleeting(own: Sequence[Episode], at: int, limits: Limits) -> bool:
    """Gone too soon to be answered, and alone."""
    each = own[at]
    if each.cleared_at is None or each.cleared_at - each.raised_at >= limits.fleeting_below:
        return False
    before = at > 0 and each.raised_at - own[at - 1].raised_at <= limits.fleeting_alone
    after = at + 1 < len(own) and own[at + 1].raised_at - each.raised_at <= limits.fleeting_alone
    return not (before or after)


def _stale(each: Episode, start: Instant, end: Instant, limits: Limits) -> tuple[int, int] | None:
    """The part of the stretch in which the episode had stood for too long."""
    begun = max(each.raised_at + limits.stale_after, start)
    ended = end if each.cleared_at is None else min(each.cleared_at, end)
    return (begun, ended) if begun < ended else None


def _stale_at_once(every: Sequence[Episode], start: Instant, end: Instant, limits: Limits) -> int:
    parts = [part for each in every if (part := _stale(each, start, end, limits)) is not None]
    moves = sorted([(begun, 1) for begun, _ in parts] + [(ended, -1) for _, ended in parts])
    now = most = 0
    for _, change in moves:
        now += change
        most = max(most, now)
    return most
