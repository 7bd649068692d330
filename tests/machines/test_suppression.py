"""Suppression is three axes of their own: every state and event with every combination of them."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from gateway.errors import IllegalTransition, RequestRefused
from gateway.machines import alarm, suppression
from gateway.machines.alarm import AlarmAction, AlarmState, AlarmStateName, Observation, Projected
from gateway.machines.suppression import (
    NOT_SUPPRESSED,
    Removal,
    RemovalWish,
    Shelf,
    ShelvingWish,
    Subject,
    Suppression,
)
from gateway.plant.duty import AlarmPolicy
from gateway.rule import Priority, Truth
from gateway.sample import SECOND, Instant
from tests.machines.support import SITE, rule

NOW, UNTIL = Instant(100 * SECOND), Instant(200 * SECOND)
POLICY = AlarmPolicy()
HALF_AN_HOUR = 30 * 60 * SECOND

SHELVES = (None, Shelf(NOW, UNTIL, False, "王", "李", "why"), Shelf(NOW, UNTIL, True, "王", "李", "why"))
DESIGNS = (None, Instant(5))
REMOVALS = (None, Removal(NOW, "王", "李", "P-1", "why"))
SUPPRESSIONS = [Suppression(*axes) for axes in itertools.product(SHELVES, DESIGNS, REMOVALS)]

AXES = {
    AlarmStateName.NORMAL: (False, True, False),
    AlarmStateName.UNACKNOWLEDGED: (True, False, False),
    AlarmStateName.ACKNOWLEDGED: (True, True, False),
    AlarmStateName.RETURNED_UNACKNOWLEDGED: (False, False, False),
    AlarmStateName.LATCHED_UNACKNOWLEDGED: (False, False, True),
    AlarmStateName.LATCHED_ACKNOWLEDGED: (False, True, True),
}
"""Condition, acknowledgement and latch behind each name."""

STEPS = [
    *("TRUE", "FALSE", "UNKNOWN", "acknowledge", "reset", "re_alarm", "withdraw"),
    *("shelve", "shelve_one_shot", "unshelve", "expire", "suppress", "release"),
    *("remove_from_service", "return_to_service"),
]


def state_of(name: AlarmStateName, held: Suppression, *, unknown: bool = False, latching: bool = False) -> AlarmState:
    active, acknowledged, latched = AXES[name]
    return AlarmState(
        "hot@furnace",
        active=active,
        acknowledged=acknowledged,
        latched=latched or (latching and active),
        unknown=unknown,
        occurrence="o",
        acknowledged_at=NOW if acknowledged else None,
        suppression=held,
        annunciated_at=None if acknowledged or held else NOW,
    )


def stepped(state: AlarmState, step: str, *, latching: bool = False) -> AlarmState:
    """The state after one step; raises what the machines raise."""
    now = Instant(UNTIL if step == "expire" else NOW + SECOND)
    of, subject = rule(latch=latching), Subject(state.alarm, "o", Priority.CRITICAL, state.suppression)
    held = state.suppression
    match step:
        case "TRUE" | "FALSE" | "UNKNOWN":
            events = alarm.observe(SITE, of, state, Observation(Truth[step], now, now))
        case "acknowledge":
            events = [alarm.acknowledge(state, "王", "", now)]
        case "reset":
            events = [alarm.reset(state, "王", "", now)]
        case "re_alarm":
            events = [alarm.re_alarm(of, state, now)]
        case "withdraw":
            events = [alarm.withdraw(state, "", "", now)]
        case "shelve" | "shelve_one_shot":
            wish = ShelvingWish("王", "why", 60 * SECOND, "李", one_shot=step == "shelve_one_shot")
            events = [suppression.shelve(subject, POLICY, wish, now)]
        case "unshelve":
            events = [suppression.unshelve(subject, "王", "", now)]
        case "expire":
            expired = suppression.expire(state.alarm, "o", held, now)
            events = [] if expired is None else [expired]
        case "suppress" | "release":
            suppress = step == "suppress"
            events = [suppression.by_design(state.alarm, "o", held, suppress=suppress, since=now, now=now)]
        case "remove_from_service":
            events = [suppression.remove(subject, POLICY, RemovalWish("王", "why", "P-1", "李"), now)]
        case _:
            events = [suppression.return_to_service(subject, "王", "", now)]
    for event in events:
        state = alarm.evolve(state, event)
    return state


def base_after(name: AlarmStateName, step: str, *, latching: bool) -> AlarmStateName | None:
    """What the table of the condition, acknowledgement and latch says; None where it refuses."""
    active = AXES[name][0]
    latched = AXES[name][2] or (latching and active)
    if step == "TRUE":
        return name if active else alarm.TABLE.next("", name, AlarmAction.RAISE)
    if step == "FALSE":
        clear = AlarmAction.CLEAR_LATCHING if latched else AlarmAction.CLEAR
        return alarm.TABLE.next("", name, clear) if active else name
    if step in set(AlarmAction):
        return alarm.TABLE.moves[name].get(AlarmAction(step))
    return name


def held_after(held: Suppression, name: AlarmStateName, step: str) -> tuple[bool, bool, bool] | None:
    """Whether it is shelved, suppressed and removed afterwards; None where it is refused."""
    shelved, designed, removed = held.shelf is not None, held.design is not None, held.removal is not None
    refused = {
        "shelve": shelved,
        "shelve_one_shot": shelved,
        "unshelve": not shelved,
        "suppress": designed,
        "release": not designed,
        "remove_from_service": removed,
        "return_to_service": not removed,
    }
    if refused.get(step, False):
        return None
    if step == "withdraw":
        return False, False, False
    ends = held.shelf is not None and held.shelf.one_shot and step == "FALSE" and AXES[name][0]
    if step in ("unshelve", "expire") or ends:
        shelved = False
    return (
        shelved or step in ("shelve", "shelve_one_shot"),
        (designed or step == "suppress") and step != "release",
        (removed or step == "remove_from_service") and step != "return_to_service",
    )


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("name", list(AlarmStateName))
def test_every_step_moves_its_own_axis_and_no_other_under_every_suppression(name: AlarmStateName, step: str) -> None:
    for held, unknown, latching in itertools.product(SUPPRESSIONS, (False, True), (False, True)):
        before = state_of(name, held, unknown=unknown, latching=latching)
        base, axes = base_after(name, step, latching=latching), held_after(held, name, step)
        if base is None or axes is None:
            with pytest.raises(IllegalTransition):
                stepped(before, step, latching=latching)
            continue
        after = stepped(before, step, latching=latching)
        assert after.name is base
        assert (
            after.suppression.shelf is not None,
            after.suppression.design is not None,
            after.suppression.removal is not None,
        ) == axes
        asks = not after.acknowledged and not any(axes)
        assert (after.annunciated_at is not None) == asks, "it asks for a person unless it is kept from asking"


@pytest.mark.parametrize("name", list(AlarmStateName))
@pytest.mark.parametrize("unknown", [False, True])
def test_what_is_shown_is_out_of_service_before_suppressed_before_shelved_before_unknown(
    name: AlarmStateName, unknown: bool
) -> None:
    for held in SUPPRESSIONS:
        shown = state_of(name, held, unknown=unknown).projected
        if held.removal:
            assert shown is Projected.OUT_OF_SERVICE
        elif held.design:
            assert shown is Projected.SUPPRESSED_BY_DESIGN
        elif held.shelf:
            assert shown is Projected.SHELVED
        else:
            assert shown == ("unknown" if unknown else name.value)


@pytest.mark.parametrize("held", [each for each in SUPPRESSIONS if each])
def test_nothing_that_is_suppressed_is_ever_forgotten(held: Suppression) -> None:
    assert state_of(AlarmStateName.NORMAL, held).standing


def test_what_was_acknowledged_before_it_was_shelved_is_so_afterwards() -> None:
    state = state_of(AlarmStateName.ACKNOWLEDGED, NOT_SUPPRESSED)
    for step in ("shelve", "unshelve"):
        state = stepped(state, step)
    assert state.projected is Projected.ACKNOWLEDGED
    assert state.occurrence == "o"


def test_a_new_occurrence_under_a_shelf_asks_for_a_person_once_the_shelf_ends() -> None:
    state = state_of(AlarmStateName.ACKNOWLEDGED, NOT_SUPPRESSED)
    for step in ("shelve", "FALSE", "TRUE"):
        state = stepped(state, step)
    assert state.annunciated_at is None
    state = stepped(state, "expire")
    assert state.projected is Projected.UNACKNOWLEDGED
    assert state.annunciated_at == UNTIL


def test_a_raise_under_suppression_is_journalled_and_says_that_nobody_was_told() -> None:
    held = Suppression(design=Instant(5))
    state = state_of(AlarmStateName.NORMAL, held)
    _, raised = alarm.observe(SITE, rule(), state, Observation(Truth.TRUE, NOW, NOW))
    assert raised.kind == "alarm.raised"
    assert not raised.annunciated


def test_a_one_shot_shelf_ends_with_its_occurrence_and_a_timed_one_does_not() -> None:
    for step, ends in (("shelve_one_shot", True), ("shelve", False)):
        state = stepped(stepped(state_of(AlarmStateName.ACKNOWLEDGED, NOT_SUPPRESSED), step), "FALSE")
        assert (state.suppression.shelf is None) == ends


def test_a_shelf_holds_until_its_time_and_not_a_microsecond_longer() -> None:
    held = Suppression(shelf=SHELVES[1])
    assert suppression.expire("a", "o", held, Instant(UNTIL - 1)) is None
    assert suppression.expire("a", "o", held, UNTIL) is not None


def fields(refused: pytest.ExceptionInfo[RequestRefused]) -> list[str]:
    return [problem.field for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("priority", "wish", "wrong"),
    [
        ("critical", ShelvingWish("", "", 0), ["by", "comment", "duration", "second"]),
        ("critical", ShelvingWish("王", "why", HALF_AN_HOUR, "王"), ["second"]),
        ("critical", ShelvingWish("王", "why", HALF_AN_HOUR + 1, "李"), ["duration"]),
        ("high", ShelvingWish("王", "why", 2 * 3600 * SECOND + 1), ["duration"]),
        ("low", ShelvingWish(" ", "why", -1), ["by", "duration"]),
    ],
)
def test_a_shelving_that_lacks_something_is_refused_with_all_that_it_lacks(
    priority: str, wish: ShelvingWish, wrong: list[str]
) -> None:
    of = Subject("a", "o", Priority(priority), NOT_SUPPRESSED)
    with pytest.raises(RequestRefused) as refused:
        suppression.shelve(of, POLICY, wish, NOW)
    assert sorted(fields(refused)) == sorted(wrong)


def test_a_priority_that_the_plant_never_shelves_is_refused_whatever_the_time() -> None:
    of = Subject("a", "o", Priority.HIGH, NOT_SUPPRESSED)
    never = replace(POLICY, shelve_max={"high": 0})
    with pytest.raises(RequestRefused) as refused:
        suppression.shelve(of, never, ShelvingWish("王", "why", 1), NOW)
    assert fields(refused) == ["duration"]


def test_taking_out_of_service_needs_a_permit_a_reason_a_name_and_for_a_critical_alarm_a_second() -> None:
    of = Subject("a", "o", Priority.CRITICAL, NOT_SUPPRESSED)
    with pytest.raises(RequestRefused) as refused:
        suppression.remove(of, POLICY, RemovalWish("", "", ""), NOW)
    assert sorted(fields(refused)) == ["by", "comment", "permit", "second"]
    assert suppression.remove(replace(of, priority=Priority.HIGH), POLICY, RemovalWish("王", "why", "P-1"), NOW)


def test_nobody_ends_a_suppression() -> None:
    held = Suppression(shelf=SHELVES[1], removal=REMOVALS[1])
    of = Subject("a", "o", Priority.LOW, held)
    for end in (suppression.unshelve, suppression.return_to_service):
        with pytest.raises(RequestRefused):
            end(of, "  ", "", NOW)
