"""The law that makes a back-test and a live run the same thing: however ticks are cut into calls, the same bits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rule import Trace
from gateway.sample import SECOND
from rules import program as programs
from rules.program import CompiledProgram
from tests.rules import formulas
from tests.rules.formulas import SCRIPTS, Formula, Script

FORMULAS = st.lists(formulas.truths(2) | formulas.truths(3), min_size=1, max_size=4)
CUTS = st.lists(st.tuples(st.integers(1, 20), st.booleans()), min_size=1, max_size=12)


def stepped(program: CompiledProgram, trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    outcomes = [program.step(*formulas.at(trace, tick)) for tick in range(len(trace.now))]
    return np.array([o.truth for o in outcomes]).T, np.array([o.since for o in outcomes]).T


def mixed(program: CompiledProgram, trace: Trace, cuts: Sequence[tuple[int, bool]]) -> tuple[np.ndarray, np.ndarray]:
    """The same ticks, some in a scan, some in steps."""
    truth, since, begin, turn = [], [], 0, 0
    while begin < len(trace.now):
        length, batch = cuts[turn % len(cuts)]
        piece = formulas.part(trace, slice(begin, begin + length))
        if batch:
            outcome = program.scan(piece)
            truth.append(outcome.truth)
            since.append(outcome.since)
        else:
            some_truth, some_since = stepped(program, piece)
            truth.append(some_truth)
            since.append(some_since)
        begin, turn = begin + length, turn + 1
    return np.concatenate(truth, axis=1), np.concatenate(since, axis=1)


def differences(texts: Sequence[Formula], mine: np.ndarray, theirs: np.ndarray) -> list[str]:
    places = np.argwhere(mine != theirs)
    return [f"{texts[row]} at tick {tick}: {mine[row, tick]} != {theirs[row, tick]}" for row, tick in places]


@settings(max_examples=200, deadline=None)
@given(FORMULAS, SCRIPTS, CUTS, st.sampled_from([1, 5, 1000]))
def test_one_scan_is_many_scans_is_as_many_steps(
    texts: list[Formula], script: Script, cuts: list[tuple[int, bool]], block: int
) -> None:
    trace = script.trace()
    truth, since = stepped(formulas.compiled(*texts), trace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "BLOCK", block)
        whole = formulas.compiled(*texts).scan(trace)
        pieces = mixed(formulas.compiled(*texts), trace, cuts)
    for name, outcome in (("scan", (whole.truth, whole.since)), ("mixed", pieces)):
        assert differences(texts, outcome[0], truth) == [], name
        assert differences(texts, outcome[1], since) == [], name


@settings(max_examples=60, deadline=None)
@given(st.lists(formulas.truths(2), min_size=1, max_size=3), SCRIPTS, st.integers(0, 60), st.booleans())
def test_a_program_that_takes_over_goes_on_as_the_old_one_would_have(
    texts: list[Formula], script: Script, cut: int, warmed: bool
) -> None:
    trace = script.trace()
    first, rest = formulas.part(trace, slice(0, cut)), formulas.part(trace, slice(cut, None))
    old = formulas.compiled(*texts)
    old.scan(first)
    # The new program has more rules, so that nothing stands where it stood.
    new = formulas.compiled(formulas.above(2, 0.5), *texts)
    state = old.state()
    if warmed:  # it has seen the past itself, to the same tick, and keeps what the old one does not know
        new.scan(first)
    if state is not None:
        new.adopt(state)
    truth, since = stepped(old, rest)
    got = new.scan(rest)
    assert np.array_equal(got.truth[1:], truth.reshape(len(texts), -1))
    assert np.array_equal(got.since[1:], since.reshape(len(texts), -1))


def test_a_program_takes_over_only_where_it_stands_itself() -> None:
    trace = Script(1, 10, 0.0, 0.0).trace()
    old, new = formulas.compiled(formulas.above(0, 1.0)), formulas.compiled(formulas.above(0, 1.0))
    old.scan(trace)
    new.scan(formulas.part(trace, slice(0, 5)))
    state = old.state()
    assert state is not None
    with pytest.raises(ValueError, match="seen no tick, or one at"):
        new.adopt(state)


def test_a_long_trace_with_gaps_is_the_same_in_blocks() -> None:
    texts = [
        Formula(formulas.Op.GT, (Formula(op, (formulas.point(0),), (window * SECOND, 16.0)), formulas.number(0.3)))
        for op in (formulas.Op.AVG, formulas.Op.SLOPE, formulas.Op.MIN, formulas.Op.SPREAD)
        for window in (0.5, 10.0, 1000.0)
    ]
    trace = Script(5, 3000, 0.1, 0.5).trace()
    truth, since = stepped(formulas.compiled(*texts), trace)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "BLOCK", 1024)
        got = formulas.compiled(*texts).scan(trace)
    assert np.array_equal(got.truth, truth)
    assert np.array_equal(got.since, since)


def test_a_scan_refuses_time_that_runs_backwards() -> None:
    program = formulas.compiled(formulas.above(0, 1.0))
    trace = Script(1, 10, 0.0, 0.0).trace()
    program.scan(trace)
    with pytest.raises(ValueError, match="at or after"):
        program.scan(trace)
    backwards = Trace(trace.now[::-1], trace.value, trace.quality, trace.reason, trace.source_time, trace.receive_time)
    with pytest.raises(ValueError, match="backwards"):
        formulas.compiled(formulas.above(0, 1.0)).scan(backwards)


@settings(max_examples=40, deadline=None)
@given(FORMULAS, SCRIPTS)
def test_what_a_program_takes_is_known_before_it_runs(texts: list[Formula], script: Script) -> None:
    program = formulas.compiled(*texts)
    before = program.plan()
    program.scan(script.trace())
    assert program.plan() == before
    assert before.memory > 0
    assert before.operations > 0


@pytest.mark.parametrize("cost_of_a_scan", [1e12, -1e12], ids=["by steps", "by a scan"])
@settings(max_examples=30, deadline=None)
@given(FORMULAS, SCRIPTS, st.integers(1, 30))
def test_a_program_that_caught_up_goes_on_as_one_that_was_stepped(
    cost_of_a_scan: float, texts: list[Formula], script: Script, cut: int
) -> None:
    """By either back-end; one that forgot begins as a new one."""
    trace = script.trace()
    early, late = formulas.part(trace, slice(0, cut)), formulas.part(trace, slice(cut, None))
    followed, caught_up = formulas.compiled(*texts), formulas.compiled(*texts)
    stepped(followed, early)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(programs, "_SCAN_NODE", cost_of_a_scan)
        caught_up.catch_up(early)
    mine, theirs = stepped(caught_up, late), stepped(followed, late)
    assert differences(texts, mine[0], theirs[0]) == []
    assert differences(texts, mine[1], theirs[1]) == []
    caught_up.forget()
    new = formulas.compiled(*texts)
    assert differences(texts, stepped(caught_up, trace)[0], stepped(new, trace)[0]) == []
