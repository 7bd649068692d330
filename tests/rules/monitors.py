"""Formulas in the languages of other projects' monitors: reelay for truths, rtamt for signed distances.

Both take ticks at a fixed rate, here one a second, and what lies before the first one as known: compare only where
we claim to know. Neither is needed to run Tocsin.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np

from gateway.rule import Trace
from gateway.sample import SECOND, Quality
from rules.graph import ALWAYS, Op
from tests.rules.formulas import POINTS, START, Formula, number, point

_SIGNS = {Op.GT: ">", Op.GE: ">=", Op.LT: "<", Op.LE: "<="}
_WORDS = {Op.AND: "and", Op.OR: "or"}


class Monitor(Protocol):
    def update(self, values: list[float], tick: int) -> float:
        """The outcome at the next tick: 1 or 0, or a signed distance."""
        ...


def once(e: Formula, a: int, b: int | None) -> Formula:
    """Bounds in ticks; None is always."""
    return Formula(Op.ONCE, (e,), (float(a * SECOND), ALWAYS if b is None else float(b * SECOND)))


def since(f: Formula, g: Formula, a: int = 0, b: int | None = None) -> Formula:
    return Formula(Op.SINCE, (f, g), (float(a * SECOND), ALWAYS if b is None else float(b * SECOND)))


def negated(e: Formula) -> Formula:
    return Formula(Op.NOT, (e,))


def historically(e: Formula, a: int, b: int) -> Formula:
    return negated(once(negated(e), a, b))


def implies(e: Formula, f: Formula) -> Formula:
    return Formula(Op.OR, (negated(e), f))


def both(e: Formula, f: Formula) -> Formula:
    return Formula(Op.AND, (e, f))


@dataclass
class Draw:
    """Random formulas that all monitors know: comparisons with a limit, and, or, not, once and since."""

    rng: np.random.Generator
    longest: int
    """Largest bound, in ticks."""
    since: bool = True
    from_zero: bool = False
    """Windows that end now, over a known time: those that a signed distance is defined for here."""

    def formula(self, depth: int) -> Formula:
        kind = int(self.rng.integers(6)) if depth else 0
        if kind == 0:
            op = list(_SIGNS)[int(self.rng.integers(4))]
            # Between the values that a trace can have, so that no distance is zero and no sign in doubt.
            return Formula(op, (point(int(self.rng.integers(POINTS))), number(float(self.rng.integers(-2, 3)) + 0.5)))
        first = self.formula(depth - 1)
        if kind == 1:
            return negated(first)
        if kind in {2, 3}:
            return Formula(Op.AND if kind == 2 else Op.OR, (first, self.formula(depth - 1)))
        a, b = self._bounds()
        if kind == 4 or not self.since:
            return once(first, a, b) if self.rng.random() < 0.5 or b is None else historically(first, a, b)
        return since(first, self.formula(depth - 1), a, b)

    def _bounds(self) -> tuple[int, int | None]:
        if self.from_zero:
            return 0, int(self.rng.integers(1, self.longest + 1))
        a = 0 if self.rng.random() < 0.4 else int(self.rng.integers(1, self.longest + 1))
        return a, None if self.rng.random() < 0.2 else a + int(self.rng.integers(a // 60 + 1, self.longest + 2))


def trace(rng: np.random.Generator, ticks: int, *, calm: float = 0.8) -> Trace:
    """A value a second for each point, all good; each stays as it is for a while."""
    now = START + np.arange(ticks) * SECOND
    moves = rng.random((POINTS, ticks)) >= calm
    moves[:, 0] = True
    drawn = rng.integers(-3, 4, (POINTS, ticks)).astype(np.float64)
    latest = np.maximum.accumulate(np.where(moves, np.arange(ticks), 0), axis=1)
    value = np.take_along_axis(drawn, latest, axis=1)
    good = np.full(value.shape, Quality.GOOD, dtype=np.uint8)
    times = np.broadcast_to(now, value.shape)
    return Trace(now, value, good, good, times, times)


def margin(formula: Formula) -> Formula:
    """The signed distance of a formula as a number: positive where it holds."""
    match formula.op:
        case Op.GT | Op.GE:
            return Formula(Op.SUB, formula.arguments)
        case Op.LT | Op.LE:
            return Formula(Op.SUB, formula.arguments[::-1])
        case Op.NOT:
            return Formula(Op.AFFINE, (margin(formula.arguments[0]),), (-1.0, 0.0))
        case Op.AND | Op.OR:
            join = Op.LESSER if formula.op is Op.AND else Op.GREATER
            return Formula(join, tuple(margin(argument) for argument in formula.arguments))
        case Op.ONCE:
            window = formula.parameters[1]
            return Formula(Op.MAX, (margin(formula.arguments[0]),), (window, window / SECOND))
        case _:
            raise AssertionError(formula.op)


def installed(name: str) -> bool:
    """Whether a monitor is there and knows this Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of the parser that rtamt brings along
            import_module(name)
    except ImportError:
        return False
    return True


def reelay(formula: Formula) -> Monitor:
    """Raises ImportError where it is not installed."""
    from reelay import discrete_timed_monitor

    return _Reelay(discrete_timed_monitor(pattern=reelay_text(formula), condense=False))


class _Reelay:
    def __init__(self, monitor: _Reported) -> None:
        self._monitor = monitor

    def update(self, values: list[float], tick: int) -> float:
        return float(self._monitor.update({f"x{index}": value for index, value in enumerate(values)})["value"])


class _Reported(Protocol):
    def update(self, values: Mapping[str, float]) -> Mapping[str, bool]: ...


def reelay_text(formula: Formula) -> str:
    if formula.op in _SIGNS:
        left, right = formula.arguments
        return f"{{x{left.parameters[0]:g} {_SIGNS[formula.op]} {right.parameters[0]:g}}}"
    return _text(formula, reelay_text)


def rtamt(formula: Formula) -> Monitor:
    """Raises ImportError where it is not installed, or its parser does not know this Python."""
    from rtamt import StlDiscreteTimeSpecification

    specification = StlDiscreteTimeSpecification()
    for name in (*(f"x{index}" for index in range(POINTS)), "out"):
        specification.declare_var(name, "float")
    specification.spec = f"out = {rtamt_text(formula)}"
    specification.parse()
    return _Rtamt(specification)


class _Rtamt:
    def __init__(self, specification: _Specified) -> None:
        self._specification = specification

    def update(self, values: list[float], tick: int) -> float:
        named = [(f"x{index}", value) for index, value in enumerate(values)]
        return float(self._specification.update(tick, named))


class _Specified(Protocol):
    def update(self, tick: int, values: list[tuple[str, float]]) -> float: ...


def rtamt_text(formula: Formula) -> str:
    if formula.op in _SIGNS:
        left, right = formula.arguments
        return f"(x{left.parameters[0]:g} {_SIGNS[formula.op]} {right.parameters[0]:g})"
    return _text(formula, rtamt_text)


def _text(formula: Formula, inner: _Writer) -> str:
    arguments = [inner(argument) for argument in formula.arguments]
    if formula.op is Op.NOT:
        return f"(not {arguments[0]})"
    if formula.op in _WORDS:
        return f"({arguments[0]} {_WORDS[formula.op]} {arguments[1]})"
    a, b = (int(bound / SECOND) if bound < ALWAYS else None for bound in formula.parameters)
    window = f"[{a}:{'' if b is None else b}]"
    if formula.op is Op.ONCE:
        return f"(once{window} {arguments[0]})"
    return f"({arguments[0]} since{window} {arguments[1]})"


class _Writer(Protocol):
    def __call__(self, formula: Formula, /) -> str: ...


def patterns(bound: int) -> Mapping[str, Formula]:
    """Property patterns of specification (absence, universality, recurrence, response) with a bound in ticks.

    After Dwyer, Avrunin and Corbett (1999), in the bounded past forms that Ulus (RV 2019) benchmarks with; each as
    of this tick, without the `always so far` around it.
    """
    p, q, r = (Formula(Op.GT, (point(index), number(0.5))) for index in range(POINTS))
    quiet, scope = negated(p), both(both(r, negated(q)), once(q, 0, 4 * bound))
    responds = both(implies(r, once(q, 0, bound)), negated(since(negated(r), q, bound + 1)))
    return {
        "absence after q": implies(once(q, 0, bound), since(quiet, q)),
        "absence before r": implies(r, historically(quiet, 0, bound)),
        "absence between q and r": implies(scope, since(quiet, q, 1, bound)),
        "universality after q": implies(once(q, 0, bound), since(p, q)),
        "universality before r": implies(r, historically(p, 0, bound)),
        "universality between q and r": implies(scope, since(p, q, 1, bound)),
        "recurrence": once(p, 0, bound),
        "recurrence between q and r": implies(scope, since(once(p, 0, bound), q)),
        "response": responds,
        "response between q and r": implies(scope, since(responds, q)),
    }
