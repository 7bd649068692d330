"""The bypass register: nobody bypasses alone, nothing is bypassed for ever, and only a person ends it."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import IllegalTransition, RequestRefused
from gateway.events.interlock_register import BypassRemoved, RegisterEvent
from gateway.machines import bypass
from gateway.machines.bypass import TABLE, Bypass, Bypassable, BypassAction, BypassState, BypassWish
from gateway.sample import SECOND, Instant

HOUR = 3_600 * SECOND
OF = Bypassable("demo", "trip@caster", "caster", 8 * HOUR, None)
WISH = BypassWish("王", "李", "更换液位计", "专人看守铝液位，手动切断", HOUR)
NOW = Instant(1_000 * SECOND)

LEGAL = {
    ("not_bypassed", "bypass"): "bypass_in_force",
    ("bypass_in_force", "four_fifths_gone"): "bypass_nearly_over",
    ("bypass_in_force", "bypass_time_over"): "bypass_overstayed",
    ("bypass_in_force", "remove_bypass"): "not_bypassed",
    ("bypass_nearly_over", "bypass_time_over"): "bypass_overstayed",
    ("bypass_nearly_over", "remove_bypass"): "not_bypassed",
    ("bypass_overstayed", "remove_bypass"): "not_bypassed",
}


def held(*, at: int = 0, wish: BypassWish = WISH) -> Bypass:
    """A bypass that was registered at `NOW`, as it is `at` microseconds later."""
    line = bypass.evolve(None, bypass.register(OF, wish, NOW))
    assert line is not None
    return _passed(line, at)


def _passed(line: Bypass, at: int) -> Bypass:
    while (event := bypass.due("trip@caster", line, Instant(NOW + at))) is not None:
        moved = bypass.evolve(line, event)
        assert moved is not None
        line = moved
    return line


def fields(refused: RequestRefused) -> list[str]:
    return [problem.field for problem in refused.problems]


@pytest.mark.parametrize(("state", "action"), list(itertools.product(BypassState, BypassAction)))
def test_every_pair_is_either_in_the_table_or_refused(state: BypassState, action: BypassAction) -> None:
    expected = LEGAL.get((state.value, action.value))
    if expected is not None:
        assert TABLE.next("i", state, action).value == expected
        return
    with pytest.raises(IllegalTransition) as refused:
        TABLE.next("i", state, action)
    assert set(refused.value.allowed) == {a for (s, a) in LEGAL if s == state.value}


@pytest.mark.parametrize("state", BypassState)
@pytest.mark.parametrize("action", ["register", "remove", "due at 80 %", "due at the end"])
def test_every_action_moves_every_state_as_the_table_says_or_not_at_all(state: BypassState, action: str) -> None:
    line = None if state is BypassState.NOT_BYPASSED else replace(held(), state=state)
    moved, now = _done(action, line), state
    match action:
        case "register":
            assert moved is (BypassState.BYPASS_IN_FORCE if line is None else None)
        case "remove":
            assert moved is (BypassState.NOT_BYPASSED if line is not None else None)
        case "due at 80 %":
            assert moved is (BypassState.BYPASS_NEARLY_OVER if now is BypassState.BYPASS_IN_FORCE else now)
        case _:
            timed = (BypassState.BYPASS_IN_FORCE, BypassState.BYPASS_NEARLY_OVER)
            assert moved is (BypassState.BYPASS_OVERSTAYED if now in timed else now)


def _done(action: str, line: Bypass | None) -> BypassState | None:
    """The state after the action; None where it was refused."""
    event: RegisterEvent | None
    try:
        match action:
            case "register":
                event = bypass.register(replace(OF, held=line), WISH, NOW)
            case "remove":
                event = bypass.remove("trip@caster", line, "王", "done", NOW)
            case "due at 80 %":
                event = bypass.due("trip@caster", line, Instant(NOW + HOUR * 4 // 5))
            case _:
                event = bypass.due("trip@caster", line, Instant(NOW + HOUR))
    except IllegalTransition:
        return None
    return bypass.state_of(line if event is None else bypass.evolve(line, event))


def test_a_wish_that_lacks_everything_is_told_of_all_of_it() -> None:
    with pytest.raises(RequestRefused) as refused:
        bypass.register(OF, BypassWish(" ", "", "", "", 0), NOW)
    assert fields(refused.value) == ["by", "comment", "measure", "approved_by", "duration"]


@pytest.mark.parametrize("approver", ["王", " 王 "])
def test_nobody_approves_their_own_bypass(approver: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        bypass.register(OF, replace(WISH, approved_by=approver), NOW)
    assert fields(refused.value) == ["approved_by"]


@pytest.mark.parametrize(("longest", "asked"), [(HOUR, HOUR + 1), (HOUR, 0), (HOUR, -1), (0, 1)])
def test_a_bypass_is_never_longer_than_the_plant_file_lets_it_be(longest: int, asked: int) -> None:
    with pytest.raises(RequestRefused) as refused:
        bypass.register(replace(OF, longest=longest), replace(WISH, duration=asked), NOW)
    assert fields(refused.value) == ["duration"]


def test_what_is_bypassed_is_not_bypassed_again() -> None:
    with pytest.raises(IllegalTransition) as refused:
        bypass.register(replace(OF, held=held()), WISH, NOW)
    assert "remove_bypass" in refused.value.allowed


def test_it_is_told_once_at_four_fifths_and_once_at_the_end() -> None:
    line, told = held(), []
    for minute in range(0, 90, 4):
        event = bypass.due("trip@caster", line, Instant(NOW + minute * 60 * SECOND))
        if event is not None:
            told.append((minute, event.kind))
            moved = bypass.evolve(line, event)
            assert moved is not None
            line = moved
    assert told == [(48, "interlock.bypass_nearly_over"), (60, "interlock.bypass_overstayed")]


def test_a_gateway_that_slept_past_the_end_tells_of_the_end_alone() -> None:
    event = bypass.due("trip@caster", held(), Instant(NOW + 3 * HOUR))
    assert event is not None
    assert event.kind == "interlock.bypass_overstayed"


def test_a_bypass_covers_nothing_from_the_microsecond_at_which_its_time_is_over() -> None:
    line = held()
    assert line.covers(Instant(line.until - 1))
    assert not line.covers(line.until)


def test_no_time_ends_a_bypass_and_a_person_always_can() -> None:
    line = held(at=30 * 24 * HOUR)
    assert line.state is BypassState.BYPASS_OVERSTAYED
    event = bypass.remove("trip@caster", line, "王", "back in service", Instant(line.until + HOUR))
    assert isinstance(event, BypassRemoved)
    assert event.overstayed == HOUR
    assert bypass.evolve(line, event) is None


def test_nobody_removes_nothing_and_no_one_unnamed_removes_anything() -> None:
    with pytest.raises(IllegalTransition):
        bypass.remove("trip@caster", None, "王", "", NOW)
    with pytest.raises(RequestRefused):
        bypass.remove("trip@caster", held(), " ", "", NOW)


@given(st.integers(1, 8 * HOUR), st.lists(st.integers(0, 10 * HOUR), max_size=8))
def test_whenever_it_is_looked_at_the_state_is_what_its_time_says(duration: int, looks: list[int]) -> None:
    line = held(wish=replace(WISH, duration=duration))
    for look in sorted(looks):
        line = _passed(line, look)
        now = Instant(NOW + look)
        if now >= line.until:
            assert line.state is BypassState.BYPASS_OVERSTAYED
        elif now >= line.warn_at:
            assert line.state is BypassState.BYPASS_NEARLY_OVER
        else:
            assert line.state is BypassState.BYPASS_IN_FORCE
