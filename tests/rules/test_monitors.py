"""Other projects' monitors come to the same verdicts: reelay for truths, rtamt for signed distances."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.rule import Trace, Truth
from rules.graph import Op
from tests.rules import formulas, monitors
from tests.rules.formulas import Formula
from tests.rules.monitors import Draw

needs_reelay = pytest.mark.skipif(not monitors.installed("reelay"), reason="no reelay for this Python: not compared")
needs_rtamt = pytest.mark.skipif(not monitors.installed("rtamt"), reason="no rtamt for this Python: not compared")


def outcomes(monitor: monitors.Monitor, trace: Trace) -> np.ndarray:
    rows = trace.value.T.tolist()
    return np.array([monitor.update(row, tick) for tick, row in enumerate(rows)])


def verdicts(formula: Formula, trace: Trace) -> np.ndarray:
    return formulas.compiled(formula).scan(trace).truth[0]


def margins(formula: Formula, trace: Trace) -> np.ndarray:
    """The signed distance at each tick; NaN where it is unknown."""
    node = Formula(Op.KNOWN, (monitors.margin(formula),))
    program = formulas.compiled(node)
    found = []
    for tick in range(len(trace.now)):
        known = program.step(*formulas.at(trace, tick)).truth[0] == Truth.TRUE
        found.append(formulas.number_of(program) if known else np.nan)
    return np.array(found)


@needs_reelay
@pytest.mark.parametrize("seed", range(30))
def test_reelay_agrees_wherever_we_claim_to_know(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trace = monitors.trace(rng, 300)
    known = 0
    for _ in range(4):
        formula = Draw(rng, longest=int(rng.choice([3, 20, 200]))).formula(3)
        mine, theirs = verdicts(formula, trace), outcomes(monitors.reelay(formula), trace)
        sure = mine != Truth.UNKNOWN
        assert np.array_equal(mine[sure], theirs[sure]), f"{formula}: {monitors.reelay_text(formula)}"
        known += int(sure.sum())
    assert known > 100


@needs_reelay
@pytest.mark.parametrize("bound", [10, 100])
@pytest.mark.parametrize("name", monitors.patterns(1))
def test_reelay_agrees_on_the_patterns_of_specification(name: str, bound: int) -> None:
    formula = monitors.patterns(bound)[name]
    trace = monitors.trace(np.random.default_rng(bound), 50 * bound, calm=1 - 2 / bound)
    mine, theirs = verdicts(formula, trace), outcomes(monitors.reelay(formula), trace)
    sure = mine != Truth.UNKNOWN
    assert np.array_equal(mine[sure], theirs[sure])
    assert sure[5 * bound :].mean() > 0.9
    assert len(set(mine[sure].tolist())) == 2, "the pattern is both kept and broken"


@needs_rtamt
@pytest.mark.parametrize("seed", range(12))
def test_rtamt_agrees_on_verdicts_and_on_distances(seed: int) -> None:
    rng = np.random.default_rng(seed)
    trace = monitors.trace(rng, 80)
    formula = Draw(rng, longest=8, since=False, from_zero=True).formula(3)
    theirs = outcomes(monitors.rtamt(formula), trace)
    mine, distance = verdicts(formula, trace), margins(formula, trace)
    sure, measured = mine != Truth.UNKNOWN, ~np.isnan(distance)
    assert np.array_equal(mine[sure] == Truth.TRUE, theirs[sure] > 0), str(formula)
    assert np.array_equal(distance[measured], theirs[measured]), str(formula)
    assert sure[-20:].all()
    assert measured[-20:].all()
