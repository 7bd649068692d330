"""Beside other projects' monitors, on the same random formulas and traces: first equal, then how fast.

Their time is what their own Python interfaces take, ours the same; all of it is processor time of one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gateway.rule import Trace, Truth
from gateway.sample import Quality
from rules.graph import Op
from tests.bench.harness import BenchFailed, Options, Result
from tests.rules import formulas, monitors
from tests.rules.formulas import POINTS, Formula
from tests.rules.monitors import Draw, Monitor

MANY = 1000
STEPS = 300
"""Ticks of each trace that are also gone through one by one."""


@dataclass
class Spent:
    """Seconds and verdicts, so far."""

    seconds: float = 0.0
    samples: int = 0

    def add(self, seconds: float, samples: int) -> None:
        self.seconds, self.samples = self.seconds + seconds, self.samples + samples

    def each(self) -> float:
        """Microseconds a sample."""
        return self.seconds / self.samples * 1e6


def run(options: Options) -> Result:
    missing = [name for name in ("reelay", "rtamt") if not monitors.installed(name)]
    if missing:
        raise BenchFailed(f"monitors: expected reelay and rtamt for this Python, got no {', '.join(missing)}")
    result = Result(
        "monitors",
        "reelay 25.0.0 (C++ behind Python) and rtamt 0.4.10 (Python), an update a tick",
        {"reelay_ticks": 5000, "rtamt_ticks": 250},
    )
    _reelay(200_000 if options.quick else 1_000_000, result)
    _rtamt(30 if options.quick else 150, result)
    return result


def _reelay(wanted: int, result: Result) -> None:
    """Truths, over bounds up to 2,000 ticks."""
    rng, draw = np.random.default_rng(20260101), Draw(np.random.default_rng(1), longest=1)
    theirs, batch, online = Spent(), Spent(), Spent()
    known = drawn = 0
    while known < wanted:
        draw.longest = int(rng.choice([5, 50, 500, 2000]))
        formula, trace = draw.formula(int(rng.integers(1, 5))), monitors.trace(rng, 5000)
        answers = _updates(monitors.reelay(formula), trace, theirs)
        mine = _verdicts(formula, trace, batch)
        _steps(formula, formulas.part(trace, slice(0, STEPS)), online)
        sure = mine != Truth.UNKNOWN
        if not np.array_equal(mine[sure], answers[sure]):
            raise BenchFailed(f"monitors: expected reelay's verdicts on {monitors.reelay_text(formula)}")
        known, drawn = known + int(sure.sum()), drawn + 1
    result.require(known >= wanted, f"every verdict that we claim to know is reelay's, over {drawn} random formulas")
    result.add("verdicts compared with reelay's", known, "samples")
    result.add("of all that there were (we claim to know no more)", known / theirs.samples * 100, "%")
    _rates("reelay", theirs, batch, online, result)
    _many("reelay", monitors.reelay, Draw(np.random.default_rng(3), longest=100).formula(3), 150, result)


def _rtamt(count: int, result: Result) -> None:
    """Verdicts and signed distances, over short bounds: its time grows with them."""
    rng = np.random.default_rng(20260102)
    draw = Draw(rng, longest=10, since=False, from_zero=True)
    theirs, batch, online = Spent(), Spent(), Spent()
    verdicts = distances = 0
    for _ in range(count):
        formula, trace = draw.formula(int(rng.integers(1, 4))), monitors.trace(rng, 250)
        answers = _updates(monitors.rtamt(formula), trace, theirs)
        mine, distance = _verdicts(formula, trace, batch), _distances(formula, trace)
        _steps(formula, trace, online)
        sure, measured = mine != Truth.UNKNOWN, ~np.isnan(distance)
        if not np.array_equal(mine[sure] == Truth.TRUE, answers[sure] > 0):
            raise BenchFailed(f"monitors: expected rtamt's verdicts on {monitors.rtamt_text(formula)}")
        if not np.array_equal(distance[measured], answers[measured]):
            raise BenchFailed(f"monitors: expected rtamt's distances on {monitors.rtamt_text(formula)}")
        verdicts, distances = verdicts + int(sure.sum()), distances + int(measured.sum())
    result.require(verdicts > 0, f"every verdict that we claim to know is rtamt's, over {count} random formulas")
    result.require(distances > 0, "and every signed distance is, to the last bit")
    result.add("verdicts compared with rtamt's", verdicts, "samples")
    result.add("signed distances compared with rtamt's", distances, "samples")
    _rates("rtamt", theirs, batch, online, result)
    _many("rtamt", monitors.rtamt, draw.formula(3), 10, result)


def _rates(name: str, theirs: Spent, batch: Spent, online: Spent, result: Result) -> None:
    result.add(f"{name}, one instance", theirs.each(), "us/sample")
    result.add(f"ours beside {name}, one instance, batch", batch.each(), "us/sample")
    result.add(f"ours beside {name}, one instance, a step a tick", online.each(), "us/sample")
    result.add(f"{name} to ours, one instance, batch", theirs.each() / batch.each(), "x")
    result.add(f"{name} to ours, one instance, a step a tick", theirs.each() / online.each(), "x")


def _many(name: str, monitor: Callable[[Formula], Monitor], formula: Formula, ticks: int, result: Result) -> None:
    """The same formula on a thousand equipments, each with points of its own."""
    rng = np.random.default_rng(5)
    instances = [_moved(formula, index * POINTS) for index in range(MANY)]
    value = rng.integers(-3, 4, (MANY * POINTS, ticks)).astype(np.float64)
    trace = _good(value)
    theirs, online, batch = Spent(), Spent(), Spent()
    others = [monitor(formula) for _ in range(MANY)]
    answers = np.empty((MANY, ticks))
    for tick in range(ticks):
        rows = value[:, tick].reshape(MANY, POINTS).tolist()
        began = time.thread_time()
        answers[:, tick] = [other.update(row, tick) for other, row in zip(others, rows)]
        theirs.add(time.thread_time() - began, MANY)
    program, inputs = formulas.compiled(*instances), [formulas.at(trace, tick) for tick in range(ticks)]
    truths = []
    for columns, now in inputs:
        began = time.thread_time()
        truths.append(program.step(columns, now).truth)
        online.add(time.thread_time() - began, MANY)
    mine = np.array(truths).T
    program = formulas.compiled(*instances)
    began = time.thread_time()
    traced = program.scan(trace).truth
    batch.add(time.thread_time() - began, MANY * ticks)
    sure = mine != Truth.UNKNOWN
    result.require(np.array_equal(mine[sure] == Truth.TRUE, answers[sure] > 0), f"{MANY} instances agree with {name}")
    result.require(np.array_equal(mine, traced), "a scan and steps agree")
    result.add(f"{name}, {MANY:,} instances", theirs.each(), "us/sample")
    result.add(f"ours beside {name}, {MANY:,} instances, a step a tick", online.each(), "us/sample")
    result.add(f"{name} to ours, {MANY:,} instances, a step a tick", theirs.each() / online.each(), "x")


def _updates(monitor: Monitor, trace: Trace, spent: Spent) -> np.ndarray:
    rows = trace.value.T.tolist()
    began = time.thread_time()
    answers = [monitor.update(row, tick) for tick, row in enumerate(rows)]
    spent.add(time.thread_time() - began, len(answers))
    return np.array(answers)


def _verdicts(formula: Formula, trace: Trace, spent: Spent) -> np.ndarray:
    program = formulas.compiled(formula)
    began = time.thread_time()
    truth = program.scan(trace).truth[0]
    spent.add(time.thread_time() - began, len(truth))
    return truth


def _steps(formula: Formula, trace: Trace, spent: Spent) -> None:
    program, inputs = formulas.compiled(formula), [formulas.at(trace, tick) for tick in range(len(trace.now))]
    began = time.thread_time()
    for columns, now in inputs:
        program.step(columns, now)
    spent.add(time.thread_time() - began, len(inputs))


def _distances(formula: Formula, trace: Trace) -> np.ndarray:
    """The signed distance at each tick; NaN where it is unknown."""
    program = formulas.compiled(Formula(Op.KNOWN, (monitors.margin(formula),)))
    found = []
    for tick in range(len(trace.now)):
        known = program.step(*formulas.at(trace, tick)).truth[0] == Truth.TRUE
        found.append(formulas.number_of(program) if known else np.nan)
    return np.array(found)


def _moved(formula: Formula, by: int) -> Formula:
    """The same formula on other points."""
    if formula.op is Op.POINT:
        return formulas.point(int(formula.parameters[0]) + by)
    return Formula(formula.op, tuple(_moved(argument, by) for argument in formula.arguments), formula.parameters)


def _good(value: np.ndarray) -> Trace:
    now = formulas.START + np.arange(value.shape[1]) * formulas.SECOND
    good = np.full(value.shape, Quality.GOOD, dtype=np.uint8)
    times = np.broadcast_to(now, value.shape)
    return Trace(now, value, good, good, times, times)
