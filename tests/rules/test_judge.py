"""The kernels say what the definitions say, and a known truth holds whatever the unknown values were."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.rule import Trace, Truth
from gateway.sample import SECOND, Quality
from rules.graph import Op
from tests.rules import formulas
from tests.rules.formulas import SCRIPTS, Draw, Formula, Script
from tests.rules.plain import Judge

TRUTHS = {False: Truth.FALSE, True: Truth.TRUE, None: Truth.UNKNOWN}


def judged(formula: Formula, trace: Trace) -> list[Truth]:
    return [TRUTHS[value if value is None else bool(value)] for value in Judge(trace).values(formula)]


@settings(max_examples=150, deadline=None)
@given(formulas.truths(2) | formulas.truths(3), SCRIPTS)
def test_the_kernels_say_what_the_definitions_say(formula: Formula, script: Script) -> None:
    if not formulas.exact(formula):
        return
    trace = script.trace()
    got = formulas.compiled(formula).scan(trace).truth[0]
    assert [Truth(int(truth)) for truth in got] == judged(formula, trace), str(formula)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from([Op.AVG, Op.SLOPE, Op.DOSE]), st.integers(0, 2**32 - 1), SCRIPTS)
def test_sums_over_windows_are_as_near_as_their_order_allows(op: Op, seed: int, script: Script) -> None:
    rng = np.random.default_rng(seed)
    window = (float(rng.choice([SECOND, 5 * SECOND, 20 * SECOND])), float(rng.choice([1, 3, 16])))
    trace = script.trace()
    # Halves and thirds between what whole values can average to, so that rounding decides nothing.
    limit = float(rng.choice([-0.31415926, 0.0271828, 0.61803398]))
    arguments = (formulas.point(0),) if op is not Op.DOSE else (formulas.point(0), formulas.number(abs(limit)))
    number = Formula(op, arguments, window)
    formula = number if op is Op.DOSE else Formula(Op.GT, (number, formulas.number(limit)))
    huge = np.abs(trace.value) > 1e6
    trace.value[huge] = 1.0
    got = formulas.compiled(formula).scan(trace).truth[0]
    assert [Truth(int(truth)) for truth in got] == judged(formula, trace), str(formula)


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**40), st.sampled_from([2, 3]), SCRIPTS, st.integers(0, 2**32 - 1))
def test_a_known_truth_holds_whatever_the_unknown_values_were(
    seed: int, depth: int, script: Script, other: int
) -> None:
    formula, trace = Draw(seed, sound=True).truth(depth), script.trace()
    mine = formulas.compiled(formula).scan(trace).truth[0]
    for world in range(3):
        before, filled = completed(trace, np.random.default_rng([other, world]))
        theirs = formulas.compiled(formula).scan(formulas.joined([before, filled])).truth[0, len(before.now) :]
        both = (mine != Truth.UNKNOWN) & (theirs != Truth.UNKNOWN)
        wrong = np.flatnonzero(both & (mine != theirs))
        assert len(wrong) == 0, f"{formula} at ticks {wrong} in world {world}"


def completed(trace: Trace, rng: np.random.Generator) -> tuple[Trace, Trace]:
    """A world in which all is known, before the trace as well: every unknown value is replaced by some value."""
    lost = ~formulas.usable(trace)
    value = np.where(lost, rng.integers(-2, 4, trace.value.shape), trace.value)
    quality = np.full(value.shape, Quality.GOOD, dtype=np.uint8)
    filled = Trace(trace.now, value, quality, quality, trace.source_time, trace.receive_time)
    ticks = 40
    now = trace.now[0] - 1 - np.cumsum(rng.choice([0, 1, SECOND, 9 * SECOND], ticks))[::-1]
    shape = (formulas.POINTS, ticks)
    good = np.full(shape, Quality.GOOD, dtype=np.uint8)
    times = np.broadcast_to(now, shape)
    return Trace(now, rng.integers(-2, 4, shape).astype(np.float64), good, good, times, times), filled


def test_the_laws_are_no_empty_words() -> None:
    """Random formulas over random traces come out TRUE, FALSE and UNKNOWN, each often."""
    seen = np.zeros(3, dtype=np.int64)
    for seed in range(60):
        formula, trace = Draw(seed, sound=True).truth(3), Script(seed, 60, 0.1, 0.5).trace()
        seen += np.bincount(formulas.compiled(formula).scan(trace).truth[0], minlength=3)
    assert (seen / seen.sum() > 0.08).all(), seen
