"""An output in the hands of a person, of an interlock and of time: two steps, proof, and every refusal kept."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import OutputRefused
from gateway.event import decode, encode
from gateway.events.interlocks import CommandRequested, Verdict
from gateway.events.outputs import CommandRefused, OutputReleased, OutputSelected, Released
from gateway.machines.output import SELECTED_FOR, CommandStage
from gateway.output_desk import OutputDesk
from gateway.plant.guard import Aspect
from gateway.sample import SECOND, Instant
from gateway.standing import Standing, fold
from tests.engine.output_bench import LI, TOKEN, TRIP, WANG, Desk


def test_two_steps_of_one_person_make_one_command_with_their_name_and_reason() -> None:
    desk = Desk()
    assert desk.select(0.0) is None
    assert desk.commands() == []
    desk.wait(SECOND)
    assert desk.operate(0.0) is None
    (command,) = desk.commands()
    assert (command.output, command.value, command.by, command.comment) == (TRIP, 0.0, WANG, "test run")
    refusal = desk.operate(0.0)
    assert refusal is not None
    assert refusal.got == "none", "one selection is good for one command"


@pytest.mark.parametrize(
    ("what", "expected", "selected_after"),
    [
        ("another value", "the selected value 0", False),
        ("another person", "the person who selected it (王)", True),
        ("another token", "the person who selected it (王)", True),
        ("too late", "a selection of this output", False),
        ("permissive lost", "furnace.point_0 equals 1", False),
        ("permissive unknown", "furnace.point_0 equals 1", False),
    ],
)
def test_a_second_step_that_is_not_the_first_one_again_sends_nothing_and_says_why(
    what: str, expected: str, selected_after: bool
) -> None:
    desk = Desk()
    desk.select(0.0)
    desk.wait(SECOND)
    value, by, token = 0.0, WANG, TOKEN
    match what:
        case "another value":
            value = 1.0
        case "another person":
            by = LI
        case "another token":
            token = "guessed"
        case "too late":
            desk.wait(SELECTED_FOR)
            desk.see(0, 1.0)
        case "permissive lost":
            desk.see(0, 0.0)
        case _:
            desk.see(0, None)
    refusal = desk.operate(value, by, token)
    assert refusal is not None
    assert expected in refusal.expected
    assert desk.commands() == []
    refused = desk.journal[-1]
    assert isinstance(refused, CommandRefused)
    assert (refused.step, refused.by, refused.expected) == ("operate", by, refusal.expected)
    desk.see(0, 1.0)
    assert (desk.operate(0.0) is None) is selected_after


def test_a_selection_holds_the_output_for_one_person_until_it_is_given_back() -> None:
    desk = Desk()
    desk.select(0.0)
    refusal = desk.select(1.0, by=LI)
    assert refusal is not None
    assert refusal.got == "selected by 王"
    with pytest.raises(OutputRefused):
        desk.desk.cancel(TRIP, LI, desk.now)
    desk.take(desk.desk.cancel(TRIP, WANG, desk.now))
    assert desk.select(1.0, by=LI) is None


def test_the_same_person_may_change_their_mind() -> None:
    desk = Desk()
    desk.select(0.0, token="first")
    assert desk.select(1.0, token="second") is None
    released = [event.because for event in desk.journal if isinstance(event, OutputReleased)]
    assert released == [Released.CANCELLED]
    assert desk.operate(1.0, token="first") is not None
    assert desk.operate(1.0, token="second") is None


def test_an_interlocks_command_ends_a_persons_selection() -> None:
    desk = Desk()
    desk.select(0.0)
    desk.interlock_commands()
    refusal = desk.operate(0.0)
    assert refusal is not None
    assert len(desk.commands()) == 1


def test_a_person_may_bring_about_the_safe_state_whatever_the_permissives_and_the_rate_say() -> None:
    desk = Desk()
    for value in (0.0, 1.0, 0.0):
        desk.select(value)
        desk.operate(value)
        desk.complete()
        desk.wait(SECOND)
    desk.see(0, None)
    assert desk.select(1.0) is None
    assert desk.operate(1.0) is None
    desk.complete()
    refusal = desk.select(0.0)
    assert refusal is not None


def test_feedback_and_process_each_have_a_verdict_and_a_time_of_their_own() -> None:
    desk = Desk()
    desk.select(1.0)
    desk.operate(1.0)
    desk.complete()
    desk.wait(0)
    desk.wait(SECOND)
    desk.see(1, 1.0)
    assert [e.kind for e in desk.wait(0)] == ["command.judged"]
    desk.wait(3 * SECOND)
    desk.see(2, 0.4)
    desk.wait(0)
    assert desk.verdicts() == [
        (Aspect.FEEDBACK, Verdict.PASS, SECOND),
        (Aspect.PROCESS, Verdict.PASS, 4 * SECOND),
    ]


def test_a_switch_that_says_closed_while_the_flow_goes_on_fails_the_process() -> None:
    desk = Desk()
    desk.select(1.0)
    desk.operate(1.0)
    desk.complete()
    desk.wait(0)
    desk.wait(SECOND)
    desk.see(1, 1.0)
    for _ in range(6):
        desk.wait(SECOND)
        desk.see(2, 0.9)
    assert [verdict[:2] for verdict in desk.verdicts()] == [
        (Aspect.FEEDBACK, Verdict.PASS),
        (Aspect.PROCESS, Verdict.FAIL),
    ]
    assert desk.desk.unproven(TRIP)
    desk.see(2, 0.3)
    desk.wait(0)
    assert desk.verdicts()[-1] == (Aspect.PROCESS, Verdict.LATE, 7 * SECOND)
    assert not desk.desk.unproven(TRIP)


def test_what_cannot_be_seen_is_inconclusive_and_never_a_pass() -> None:
    desk = Desk()
    desk.select(1.0)
    desk.operate(1.0)
    desk.complete()
    desk.see(1, None)
    desk.see(2, None)
    desk.wait(6 * SECOND)
    assert {verdict[1] for verdict in desk.verdicts()} == {Verdict.INCONCLUSIVE}


def test_what_was_read_before_the_command_proves_nothing_about_it() -> None:
    desk = Desk()
    desk.see(1, 1.0)
    desk.wait(SECOND)
    desk.select(1.0)
    desk.operate(1.0)
    desk.complete()
    desk.wait(SECOND)
    assert desk.verdicts() == []
    desk.see(1, 1.0)
    desk.wait(0)
    assert desk.verdicts() == [(Aspect.FEEDBACK, Verdict.PASS, SECOND)]


def test_a_level_that_stops_is_steady_for_as_long_as_the_plant_file_asks() -> None:
    desk = Desk()
    desk.see(1, 1.0)
    desk.select(0.0)
    desk.operate(0.0)
    desk.complete()
    for level in (0.9, 0.7, 0.5, 0.5, 0.45, 0.5, 0.5):
        desk.wait(SECOND)
        desk.see(2, level)
        desk.wait(0)
    process = [verdict for verdict in desk.verdicts() if verdict[0] is Aspect.PROCESS]
    assert process == [(Aspect.PROCESS, Verdict.PASS, 6 * SECOND)], "steady since the third second, for three"


def test_a_restart_says_that_it_did_not_look_rather_than_that_it_saw() -> None:
    desk = Desk()
    desk.select(1.0)
    desk.operate(1.0)
    desk.complete()
    desk.desk = OutputDesk(desk.plant, (), desk.standing.outputs, desk.standing.demands)
    desk.now = Instant(desk.now + 4 * SECOND)
    desk.see(1, 1.0)
    desk.see(2, 0.2)
    desk.wait(0)
    desk.wait(2 * SECOND)
    assert {verdict[:2] for verdict in desk.verdicts()} == {
        (Aspect.FEEDBACK, Verdict.INCONCLUSIVE),
        (Aspect.PROCESS, Verdict.INCONCLUSIVE),
    }


def test_a_write_that_the_device_did_not_confirm_is_unproven_until_its_feedback_comes() -> None:
    desk = Desk()
    desk.interlock_commands()
    desk.complete(written=False)
    assert desk.desk.unproven(TRIP)
    desk.wait(SECOND)
    desk.see(1, 1.0)
    desk.see(2, 0.1)
    desk.wait(0)
    assert not desk.desk.unproven(TRIP)


def test_a_write_that_was_not_confirmed_may_have_moved_it_and_counts_against_the_rate() -> None:
    desk = Desk()
    for _ in range(2):
        assert desk.select(0.0) is None
        assert desk.operate(0.0) is None
        desk.complete(written=False)
        desk.wait(SECOND)
    assert desk.desk.state(TRIP).held is None
    refusal = desk.select(0.0)
    assert refusal is not None
    assert "at most 2 changes" in str(refusal)
    assert desk.select(1.0) is None, "the safe state is never kept back"


def test_an_interlocks_refused_command_is_told_while_its_demand_stands() -> None:
    desk = Desk()
    desk.interlock_commands()
    desk.complete(written=False, refused=True)
    state = desk.desk.state(TRIP)
    assert state.command is not None
    assert state.command.stage is CommandStage.REFUSED
    truth, since = desk.desk.with_alarms(np.array([], dtype=np.uint8), np.array([], dtype=np.int64), desk.now)
    assert truth.tolist() == [1, 0]
    assert since.tolist() == [state.command.at] * 2
    assert desk.wait(10 * SECOND) == [], "what was never sent is not judged"


STEP = st.one_of(
    st.tuples(st.just("select"), st.sampled_from([0.0, 1.0, 2.0]), st.sampled_from([WANG, LI]), st.sampled_from("ab")),
    st.tuples(st.just("operate"), st.sampled_from([0.0, 1.0]), st.sampled_from([WANG, LI]), st.sampled_from("ab")),
    st.tuples(st.just("cancel"), st.sampled_from([WANG, LI])),
    st.tuples(st.just("see"), st.integers(0, 2), st.sampled_from([None, 0.0, 1.0])),
    st.tuples(st.just("wait"), st.sampled_from([1, SECOND, 7 * SECOND, 31 * SECOND])),
    st.tuples(st.just("complete"), st.booleans()),
    st.tuples(st.just("interlock"), st.sampled_from([0.0, 1.0])),
    st.tuples(st.just("restart")),
)


def played(steps: list[tuple]) -> Desk:
    desk = Desk()
    for step in steps:
        desk.now = Instant(desk.now + 1)
        match step:
            case ("select", value, by, token):
                desk.select(value, by, token)
            case ("operate", value, by, token):
                desk.operate(value, by, token)
            case ("cancel", by):
                try:
                    desk.take(desk.desk.cancel(TRIP, by, desk.now))
                except OutputRefused:
                    continue
            case ("see", point, value):
                desk.see(point, value)
            case ("wait", microseconds):
                desk.wait(microseconds)
            case ("complete", written):
                command = desk.desk.state(TRIP).command
                if command is not None and command.stage is CommandStage.REQUESTED:
                    desk.complete(written=written)
            case ("interlock", value):
                desk.interlock_commands(value)
            case _:
                desk.desk = OutputDesk(desk.plant, (), desk.standing.outputs, desk.standing.demands)
    return desk


@settings(max_examples=200, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_no_person_commands_what_they_have_not_selected_alone_unchanged_and_in_time(steps: list[tuple]) -> None:
    selected: OutputSelected | None = None
    for event in played(steps).journal:
        match event:
            case OutputSelected():
                selected = event
            case OutputReleased():
                selected = None
            case CommandRequested() if event.by:
                assert selected is not None
                assert (selected.by, selected.value, selected.output) == (event.by, event.value, event.output)
                assert event.at <= selected.expires
                selected = None
            case CommandRequested():
                selected = None
            case _:
                pass


@settings(max_examples=150, deadline=None)
@given(st.lists(STEP, max_size=30))
def test_the_outputs_states_are_the_fold_of_the_journal_and_their_events_keep_their_form(steps: list[tuple]) -> None:
    desk = played(steps)
    folded = Standing()
    for event in desk.journal:
        fold(folded, event)
    assert folded.outputs == desk.standing.outputs
    assert [decode(encode(event)) for event in desk.journal] == desk.journal
    ids = [event.id for event in desk.journal]
    assert len(ids) == len(set(ids))
