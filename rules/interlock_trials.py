"""The tests that interlocks carry in their packs: the causes and effects of a row, through the real compiler.

A trial shows what its points show and expects when the row is demanded and when each effect comes. It looks at the
row's conditions alone; what a person reads of a demand is the interlock machine's. Pure: no clock, no file, no store.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway import document as documents
from gateway.duration import parse_duration
from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria
from gateway.rule import InterlockInstance, Truth
from gateway.sample import SECOND, Bytes
from rules.compiler import compile as compile_rules
from rules.packs import Pack, Packs
from rules.schema import InterlockTrialModel
from rules.series import Series, parse_series
from rules.sources import InterlockSource
from rules.syntax import ExpressionError
from rules.trials import class_names, made_up_plant, ticks_of, trace_of

DEMAND, BYPASSED, LATE, NEVER = "demand", "bypassed", "late", "never"

_EXPECTED = re.compile(r"([a-z][a-z0-9_]*)(?: (late|never))?(?:@(.+))?")


@dataclass(frozen=True, slots=True)
class Came:
    """What is demanded or done, and when: `demand@8s`, `bypassed@8s`, `lift@9s`, `lift late@20s`, `lift never`."""

    what: str
    how: str = ""
    at: int | None = None
    """Microseconds since the trial began; None for what never comes."""

    def __str__(self) -> str:
        when = "" if self.at is None else f"@{self.at / SECOND:g}s"
        return f"{self.what}{' ' if self.how else ''}{self.how}{when}"


@dataclass(frozen=True, slots=True)
class InterlockTrial:
    """One test of one row, read and checked."""

    row: InterlockSource
    number: int
    """Its position among the row's tests, from 0."""
    model: InterlockTrialModel
    series: Mapping[str, Series]
    expected: tuple[Came, ...]

    @property
    def id(self) -> str:
        return f"{self.row.model.id}[{self.number}]"


@dataclass(frozen=True, slots=True)
class InterlockOutcome:
    """What a trial gave; nothing where the row is never demanded."""

    trial: InterlockTrial
    got: tuple[Came, ...]

    @property
    def passed(self) -> bool:
        return self.got == self.trial.expected


def read_interlock_trials(packs: Packs) -> Sequence[InterlockTrial]:
    """Every test of every row; raises ConfigurationError with every mistake in them, and every row without one."""
    problems: list[Problem] = []
    trials = [trial for row in packs.interlocks() for trial in _trials(row, packs.criteria, problems)]
    if problems:
        raise ConfigurationError(problems)
    return trials


def run_interlock(trial: InterlockTrial, packs: Packs) -> InterlockOutcome:
    """Drive the compiled row and the rules that are its causes through the trial."""
    model, criteria = trial.row.model, packs.criteria
    plant = made_up_plant(model.for_each, None, trial.model, criteria)
    causes = tuple(rule for rule in packs.rules() if rule.model.id in model.causes)
    program = compile_rules(plant, Packs(criteria, (Pack("trial", model.name.text(), causes, (trial.row,)),)))
    ticks = ticks_of(trial.series)
    truth = program.scan(trace_of(plant, trial.series, ticks, trial.model.every)).truth
    (row,) = program.interlocks
    return InterlockOutcome(trial, tuple(_came(row, truth, trial.model.every)))


def _came(row: InterlockInstance, truth: Bytes, every: int) -> Iterator[Came]:
    demanded = np.flatnonzero((truth[list(row.causes)] == Truth.TRUE).any(axis=0))
    if not len(demanded):
        return
    at = int(demanded[0])
    engaged = row.engaged is None or truth[row.engaged, at] == Truth.TRUE
    yield Came(DEMAND if engaged else BYPASSED, "", at * every)
    for effect in row.effects:
        done = np.flatnonzero(truth[effect.condition, at:] == Truth.TRUE)
        if not len(done):
            yield Came(effect.id, NEVER)
        else:
            late = int(done[0]) * every > effect.within
            yield Came(effect.id, LATE if late else "", (at + int(done[0])) * every)


def _trials(row: InterlockSource, criteria: Criteria, problems: list[Problem]) -> Iterator[InterlockTrial]:
    if not row.model.tests:
        problems.append(row.document.problem(row.path, f"'tests' of {row.model.id}", "none"))
    names = class_names(row.model.for_each, criteria)
    known = {DEMAND, BYPASSED, *(effect.id for effect in row.model.effects)}
    for number, model in enumerate(row.model.tests):
        path = (*row.path, "tests", number)
        before = len(problems)
        series = _series(row, model, path, names, problems)
        expected = _expected(row, model, path, known, problems)
        if len(problems) == before:
            yield InterlockTrial(row, number, model, series, expected)


def _series(
    row: InterlockSource,
    model: InterlockTrialModel,
    path: documents.Path,
    names: frozenset[str],
    problems: list[Problem],
) -> dict[str, Series]:
    read = {}
    for name, text in model.given.items():
        at = (*path, "given", name)
        if name not in names:
            problems.append(row.document.problem(at, f"one of [{', '.join(sorted(names))}]", name, key=True))
            continue
        try:
            read[name] = parse_series(row.document.written(at) or text)
        except ExpressionError as error:
            problems.append(row.document.problem(at, error.expected, error.got, offset=error.at))
    return read


def _expected(
    row: InterlockSource,
    model: InterlockTrialModel,
    path: documents.Path,
    known: set[str],
    problems: list[Problem],
) -> tuple[Came, ...]:
    read = []
    for position, text in enumerate(model.expect):
        came = _read(text)
        if came is None or came.what not in known:
            expected = f"one of [{', '.join(sorted(known))}] and when, such as 'demand@8s', 'x late@9s' or 'x never'"
            problems.append(row.document.problem((*path, "expect", position), expected, text))
        else:
            read.append(came)
    return tuple(read)


def _read(text: str) -> Came | None:
    found = _EXPECTED.fullmatch(text)
    if found is None or (found[3] is None) is not (found[2] == NEVER):
        return None
    try:
        return Came(found[1], found[2] or "", None if found[3] is None else parse_duration(found[3]))
    except ValueError:
        return None
