"""The tests that rules carry in their packs, run through the real compiler and its program.

A trial is a made-up plant with one equipment of the rule's class (and its parent), a series for each point, and
the changes of the rule's condition that must follow. Pure: no clock, no file, no store.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from pydantic import BaseModel

from gateway import document as documents
from gateway import units
from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import Criteria, PointKind
from gateway.plant.model import Area, Device, Equipment, Limit, Plant, Point, RiskGrade, Site, Text
from gateway.rule import Trace, Truth
from gateway.sample import SECOND, Instant, PointIndex, Quality, Reason
from rules import syntax
from rules.blueprint import EARLY
from rules.compiler import compile as compile_rules
from rules.lint import untested
from rules.packs import POINT, Pack, Packs, RuleSource
from rules.schema import InterlockTrialModel, RuleModel, TrialModel
from rules.scope import VALUE
from rules.series import Expected, Series, parse_expected, parse_series
from rules.syntax import ExpressionError

START = Instant(1_800_000_000 * SECOND)
"""Every trial begins here: 2027-01-15 at 16:00 in China."""
IT, PARENT = "it", "parent"
"""Ids of the made-up equipment and of its parent."""
_LENGTH = 60
"""Ticks of a trial in which nothing ever changes."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One test of one rule, read and checked."""

    rule: RuleSource
    number: int
    """Its position among the rule's tests, from 0."""
    model: TrialModel
    series: Mapping[str, Series]
    """By name, as expressions write it."""
    expected: tuple[Expected, ...]
    early: tuple[Expected, ...] | None = None
    """What the early warning must do, where the test is about it."""

    @property
    def id(self) -> str:
        return f"{self.rule.model.id}[{self.number}]"

    @property
    def ticks(self) -> int:
        return ticks_of(self.series)


@dataclass(frozen=True)
class Outcome:
    """What a trial gave: the truth of the condition, and of its early warning if it has one, at every tick."""

    trial: Trial
    truths: tuple[Truth, ...]
    early_truths: tuple[Truth, ...] = ()

    @cached_property
    def got(self) -> tuple[Expected, ...]:
        """The changes, each at its very time; a trial begins clear."""
        return _changes(self.truths, self.trial.model.every)

    @cached_property
    def early_got(self) -> tuple[Expected, ...]:
        """The changes of the early warning."""
        return _changes(self.early_truths, self.trial.model.every)

    @property
    def passed(self) -> bool:
        early = self.trial.early
        return _agree(self.trial.expected, self.got) and (early is None or _agree(early, self.early_got))


def _changes(truths: Sequence[Truth], every: int) -> tuple[Expected, ...]:
    before = (Truth.FALSE, *truths)
    changes = [(truth, at * every) for at, truth in enumerate(truths) if truth is not before[at]]
    return tuple(Expected(truth, at, at) for truth, at in changes)


def _agree(expected: Sequence[Expected], got: Sequence[Expected]) -> bool:
    return len(expected) == len(got) and all(
        want.truth is change.truth and want.earliest <= change.earliest <= want.latest
        for want, change in zip(expected, got)
    )


def ticks_of(series: Mapping[str, Series]) -> int:
    """As long as the longest of them."""
    return max((len(each.shown) for each in series.values() if not each.constant), default=_LENGTH)


def read_trials(packs: Packs) -> Sequence[Trial]:
    """Every test of every rule; raises ConfigurationError with every mistake in them, and every rule without one."""
    problems: list[Problem] = []
    trials = [trial for rule in packs.rules() for trial in _trials(rule, packs.criteria, problems)]
    if problems:
        raise ConfigurationError(problems)
    return trials


def run(trial: Trial, criteria: Criteria) -> Outcome:
    """Drive the compiled rule through the trial; the program's `scan` gives the same bits as a step for each tick."""
    class_id, kind = _role(trial.rule.model, trial.model, criteria)
    plant = made_up_plant(class_id, kind, trial.model, criteria)
    alone = Packs(criteria, (Pack("trial", trial.rule.model.title.text(), (trial.rule,), ()),))
    program = compile_rules(plant, alone)
    series = {kind: trial.series[VALUE]} if kind is not None and VALUE in trial.series else trial.series
    truth = program.scan(trace_of(plant, series, trial.ticks, trial.model.every)).truth
    columns = {instance.rule: tuple(Truth(int(each)) for each in truth[instance.index]) for instance in program.rules}
    name = trial.rule.model.id
    return Outcome(trial, columns[name], columns.get(name + EARLY, ()))


def _trials(rule: RuleSource, criteria: Criteria, problems: list[Problem]) -> Iterator[Trial]:
    if not rule.model.tests:
        problems.append(untested(rule))
    names = _names(rule, criteria)
    for number, model in enumerate(rule.model.tests):
        path = (*rule.path, "tests", number)
        found = _Reader(rule, path, problems)
        series = found.series(model, names)
        expected = found.expected(model.expect, "expect")
        early = found.expected(model.early, "early") if model.early is not None else None
        found.limits(model, criteria)
        if series is not None and expected is not None:
            yield Trial(rule, number, model, series, expected, early)


def _names(rule: RuleSource, criteria: Criteria) -> frozenset[str]:
    """What a series can be given for."""
    if rule.model.for_each == POINT:
        return frozenset({VALUE})
    return class_names(rule.model.for_each, criteria)


def class_names(class_id: str, criteria: Criteria) -> frozenset[str]:
    """The points of an equipment of a class and of its parent, as expressions write them."""
    owner = criteria.classes[class_id]
    parent = criteria.classes[owner.parent_class].kinds if owner.parent_class is not None else {}
    return frozenset({*owner.kinds, *(f"parent.{kind}" for kind in parent)})


class _Reader:
    """One trial as written, into series and expectations; mistakes go to their line and column."""

    def __init__(self, rule: RuleSource, path: documents.Path, problems: list[Problem]) -> None:
        self._rule, self._path, self._problems = rule, path, problems

    def series(self, model: TrialModel, names: frozenset[str]) -> Mapping[str, Series] | None:
        read: dict[str, Series] = {}
        before = len(self._problems)
        for name, text in model.given.items():
            path = (*self._path, "given", name)
            if name not in names:
                self._problem(path, f"one of [{', '.join(sorted(names))}]", name, key=True)
                continue
            try:
                # YAML takes a bare 0x60 for a number in base 16; what stands in the file is what was meant.
                read[name] = parse_series(self._rule.document.written(path) or text)
            except ExpressionError as error:
                self._problem(path, error.expected, error.got, offset=error.at)
        for name in sorted(self._used(model) & (names - model.given.keys())):
            self._problem((*self._path, "given"), f"a series for {name} ('_' if it is lost)", "none")
        return read if len(self._problems) == before else None

    def expected(self, texts: Sequence[str], field: str) -> tuple[Expected, ...] | None:
        read = []
        if field == "early" and self._rule.early is None:
            self._problem((*self._path, field), "a rule with an early warning", self._rule.model.id, key=True)
        for position, text in enumerate(texts):
            try:
                read.append(parse_expected(text))
            except ExpressionError as error:
                self._problem((*self._path, field, position), error.expected, error.got, offset=error.at)
        return tuple(read) if len(read) == len(texts) else None

    def limits(self, model: TrialModel, criteria: Criteria) -> None:
        owner = criteria.classes.get(self._rule.model.for_each)
        kinds = owner.limits if owner is not None else {}
        for name, (_, unit) in model.limits.items():
            path = (*self._path, "limits", name)
            if name not in kinds:
                self._problem(path, f"one of [{', '.join(kinds)}]", name, key=True)
            elif not units.convertible(unit, kinds[name].unit):
                self._problem(path, f"a unit that converts to {kinds[name].unit or 'none'}", unit or "no unit")

    def _used(self, model: TrialModel) -> set[str]:
        expressions = self._rule.deciding() if model.early is None else self._rule.expressions()
        return {name for expression in expressions for name in syntax.names(expression)}

    def _problem(
        self, path: documents.Path, expected: str, got: str, *, key: bool = False, offset: int | None = None
    ) -> None:
        self._problems.append(self._rule.document.problem(path, expected, got, key=key, offset=offset))


class _Nothing(BaseModel):
    """Settings of a device that does not exist."""


_WORD = Text("试验", "trial")


def made_up_plant(
    class_id: str, kind: str | None, model: TrialModel | InterlockTrialModel, criteria: Criteria
) -> Plant:
    """One equipment of the class with every point it can have (or that of one kind), and its parent with all."""
    parent = criteria.classes[class_id].parent_class
    limits = {name: Limit(name, value, unit, "the trial") for name, (value, unit) in model.limits.items()}
    it = Equipment(IT, class_id, "area", _WORD, PARENT if parent is not None else None, limits=limits)
    equipment = (it,) if parent is None else (Equipment(PARENT, parent, "area", _WORD), it)
    roles = [
        (owner.id, each)
        for owner in equipment
        for each in criteria.classes[owner.equipment_class].kinds.values()
        if kind is None or (owner is it and each.id == kind)
    ]
    points = tuple(_point(index, owner, each, model) for index, (owner, each) in enumerate(roles))
    site = Site("trial", _WORD, "0" * 18, "trial", RiskGrade.D)
    device = Device("device", "none", _WORD, _Nothing())
    return Plant("trial", "", site, (Area("area", _WORD, staffed=True),), equipment, (device,), points, ())


def _point(index: PointIndex, owner: str, kind: PointKind, model: TrialModel | InterlockTrialModel) -> Point:
    return Point(
        index=index,
        id=f"{owner}.{kind.id}",
        name=_WORD,
        equipment=owner,
        kind=kind.id,
        unit=kind.unit,
        low=-1e12,
        high=1e12,
        period=model.every,
        stale_after=2 * model.every,
        device="device",
        address=_Nothing(),
        calibration_due=model.calibration_due,
    )


def _role(rule: RuleModel, trial: TrialModel, criteria: Criteria) -> tuple[str, str | None]:
    """The class that a rule is tried on, and the one point of it where the rule is for points."""
    if rule.for_each != POINT:
        return rule.for_each, None
    wanted = trial.of or next(iter(rule.of), None)
    if wanted is not None:
        owner, _, kind = wanted.partition(".")
        return owner, kind
    kinds = ((owner.id, kind) for owner in criteria.classes.values() for kind in owner.kinds.values())
    return next((owner, kind.id) for owner, kind in kinds if kind.unit)


def trace_of(plant: Plant, series: Mapping[str, Series], ticks: int, every: int) -> Trace:
    """What the point table would have shown at every tick; a point without a series never speaks."""
    now = START + every * np.arange(ticks, dtype=np.int64)
    shape = (len(plant.points), ticks)
    trace = Trace(
        now,
        np.full(shape, np.nan),
        np.full(shape, Quality.BAD, dtype=np.uint8),
        np.full(shape, Reason.NEVER_SEEN, dtype=np.uint8),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.int64),
    )
    for row, point in enumerate(plant.points):
        own = f"parent.{point.kind}" if point.equipment == PARENT else point.kind
        found = series.get(own)
        if found is not None:
            _show(trace, row, found, ticks)
    return trace


def _show(trace: Trace, row: PointIndex, series: Series, ticks: int) -> None:
    value, spoke = math.nan, 0
    for tick in range(ticks):
        shown = series.at(tick)
        if shown.fresh:
            value, spoke = shown.value, int(trace.now[tick])
        trace.value[row, tick] = value
        trace.quality[row, tick], trace.reason[row, tick] = shown.quality, shown.reason
        trace.source_time[row, tick] = trace.receive_time[row, tick] = spoke
