"""The figures of ISA-18.2 on logs short enough to count by hand."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised
from gateway.events.changeover import AlarmWithdrawn
from gateway.kpi import DAY, HOUR, SLOT, Episode, Figures, Flood, Limits, episodes, figures, floods
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import SECOND, Instant

MINUTE = 60 * SECOND
START = Instant(1_000 * DAY)


def at(seconds: float) -> Instant:
    return Instant(START + round(seconds * SECOND))


def stood(alarm: str, *spans: tuple[float, float | None], priority: Priority = Priority.LOW) -> list[Episode]:
    return [Episode(alarm, priority, at(raised), None if gone is None else at(gone)) for raised, gone in spans]


def of(every: list[Episode], hours: float = 1) -> Figures:
    return figures(every, START, at(hours * 3600))


def test_a_quiet_hour_with_six_alarms_counted_by_hand() -> None:
    every = [
        *stood("a", (0, 300), (1200, 1500)),
        *stood("b", (600, 900), (1800, 2000), (2400, 2500), priority=Priority.HIGH),
        *stood("c", (3599, None), priority=Priority.CRITICAL),
        *stood("later", (3600, 3700)),
    ]
    seen = of(every)
    assert (seen.annunciations, seen.per_hour, seen.per_ten_minutes) == (6, 6.0, 1.0)
    assert (seen.slots, seen.busiest_slot, seen.slots_above, seen.floods) == (6, 1, 0, ())
    assert [(each.alarm, each.count) for each in seen.alarms] == [("b", 3), ("a", 2), ("c", 1)]
    assert seen.priorities[Priority.HIGH] == 3
    assert seen.priorities[Priority.MEDIUM] == 0
    assert seen.top_share == 1.0


def test_a_flood_begins_with_the_eleventh_within_ten_minutes_and_ends_when_fewer_than_five_are() -> None:
    """Alarms at 0, 10, .. 100 s: the eleventh comes at 100 s. They leave from 600 s on, and four are left at 660 s."""
    times = [at(10 * n) for n in range(11)]
    assert floods(times, at(3600), Limits()) == (Flood(at(100), at(660), 11, 11),)
    assert floods(times[:10], at(3600), Limits()) == ()


def test_a_flood_that_goes_on_is_one_and_ends_with_the_stretch() -> None:
    times = [at(30 * n) for n in range(120)]
    (flood,) = floods(times, at(3600), Limits())
    assert (flood.start, flood.end, flood.alarms, flood.peak) == (at(300), at(3600), 120, 20)
    assert figures([Episode("a", Priority.LOW, time, time) for time in times], START, at(3600)).time_in_flood == (
        3300 * SECOND
    )


def test_two_upsets_are_two_floods() -> None:
    burst = [10.0 * n for n in range(12)]
    times = [at(second) for offset in (0, 1800) for second in (offset + each for each in burst)]
    assert [flood.start for flood in floods(times, at(3600), Limits())] == [at(100), at(1900)]


def test_the_flood_s_bounds_are_parameters() -> None:
    times = [at(10 * n) for n in range(10)]
    assert len(floods(times, at(3600), Limits(flood_above=9))) == 1


def test_three_cycles_within_a_minute_chatter_and_a_longer_run_is_one_burst() -> None:
    cycles = [(0, 5), (20, 25), (40, 60), (61, 62), (300, 310), (400, 410)]
    assert of(stood("a", *cycles)).chattering == 1
    assert of(stood("a", (0, 5), (20, 25), (40, 60.1))).chattering == 0
    assert of(stood("a", (0, 5), (20, 25), (40, None))).chattering == 0
    assert of(stood("a", *cycles, (600, 601), (602, 603), (604, 605))).chattering == 2


def test_two_alarms_that_take_turns_do_not_chatter() -> None:
    assert of([*stood("a", (0, 5), (20, 25)), *stood("b", (10, 15), (30, 35))]).chattering == 0


def test_fleeting_is_short_and_alone() -> None:
    assert of(stood("a", (0, 9.9))).fleeting == 1
    assert of(stood("a", (0, 10))).fleeting == 0
    assert of(stood("a", (0, 5), (60, 200))).fleeting == 0
    assert of(stood("a", (0, 5), (61, 200))).fleeting == 1
    assert of(stood("a", (0, None))).fleeting == 0


def test_what_stood_before_the_stretch_is_stale_in_it_and_no_annunciation_of_it() -> None:
    every = [*stood("old", (-30 * 3600, None)), *stood("older", (-30 * 3600, 1800)), *stood("gone", (-90 * 3600, -1))]
    seen = of(every)
    assert (seen.annunciations, seen.stale, seen.stale_at_once) == (0, 2, 2)
    assert {each.alarm for each in seen.alarms} == {"old", "older"}


def test_stale_begins_after_a_day() -> None:
    assert figures(stood("a", (0, None)), START, Instant(START + DAY)).stale == 0
    assert figures(stood("a", (0, None)), START, Instant(START + DAY + 1)).stale == 1


def test_nothing_at_all_is_a_figure_too() -> None:
    seen = of([])
    assert (seen.annunciations, seen.per_hour, seen.top_share, seen.alarms, seen.busiest_slot) == (0, 0.0, 0.0, (), 0)
    with pytest.raises(ValueError, match="after the start"):
        figures([], START, START)


def raised(occurrence: str, when: float) -> AlarmRaised:
    return AlarmRaised(
        id=occurrence + "r", at=at(when), alarm="a", occurrence=occurrence, equipment="e", clauses=(),
        title=Text("", ""), priority=Priority.HIGH, onset=at(when), first_out=False,
        latching=False, readings=(), rule_hash="h",
    )  # fmt: skip


def test_episodes_are_raises_and_returns_and_nothing_else() -> None:
    events = [
        AlarmCleared(id="0", at=at(0), alarm="a", occurrence="of the day before"),
        raised("one", 1),
        AlarmAcknowledged(id="1", at=at(2), alarm="a", occurrence="one", by="王", comment=""),
        AlarmCleared(id="2", at=at(3), alarm="a", occurrence="one"),
        raised("two", 4),
        AlarmWithdrawn(id="3", at=at(5), alarm="a", occurrence="two", was_active=True, by="王", comment=""),
        raised("three", 6),
    ]
    assert [(each.raised_at, each.cleared_at) for each in episodes(events)] == [
        (at(1), at(3)),
        (at(4), at(5)),
        (at(6), None),
    ]


@given(st.lists(st.integers(0, 4 * HOUR), max_size=60))
def test_floods_never_overlap_and_each_holds_more_than_a_person_can_follow(offsets: list[int]) -> None:
    times = sorted(Instant(START + offset) for offset in offsets)
    found = floods(times, at(4 * 3600), Limits())
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(flood.peak > 10 and flood.alarms >= flood.peak and flood.start < flood.end for flood in found)
    fullest = max((sum(time - SLOT < each <= time for each in times) for time in times), default=0)
    assert bool(found) == (fullest > 10)
