"""The plant file's sections on people, from `alarms` to `sirens`: shapes, and what they mean.

A field that is left out keeps its default; what is there is checked in full.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.document.fields import Id, Words
from gateway.duration import Duration, format_duration
from gateway.plant.duty import (
    LADDER,
    AlarmPolicy,
    Duty,
    DutyCheckPolicy,
    EscalationPolicy,
    HazardPolicy,
    Level,
    NotifyTarget,
    Rung,
    SirenPolicy,
)
from gateway.plant.shape import Shape

PriorityWord = Literal["critical", "high", "medium", "low"]

_TIME = re.compile(r"([01]\d|2[0-3]):[0-5]\d")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*")


def _time_of_day(text: str) -> str:
    if not _TIME.fullmatch(text):
        raise ValueError(f"expected a time of day in quotes such as '02:30', got {text!r}")
    return text


def _variable(text: str) -> str:
    if not _VARIABLE.fullmatch(text):
        raise ValueError(
            f"expected the name of an environment variable such as TOCSIN_NOTIFY_LEADER, never the address itself, "
            f"got {text[:4]!r}..."
        )
    return text


TimeOfDay = Annotated[str, AfterValidator(_time_of_day)]
Variable = Annotated[str, AfterValidator(_variable)]
Positive = Annotated[Duration, Field(gt=0)]


class ShelveMaxShape(Shape):
    """Longest shelving by priority; `0 s` forbids it."""

    critical: Duration | None = None
    high: Duration | None = None
    medium: Duration | None = None
    low: Duration | None = None


class AlarmsShape(Shape):
    """What may be put aside, and what counts as a flood."""

    shelve_max: ShelveMaxShape = Field(default_factory=ShelveMaxShape)
    two_person: list[PriorityWord] | None = None
    """Priorities whose shelving or removal from service needs a second person."""
    clock_error: Duration | None = None
    """How far the clocks of two devices may be apart."""
    flood_above: Annotated[int, Field(strict=True, ge=1)] | None = None
    flood_below: Annotated[int, Field(strict=True, ge=1)] | None = None
    never_collapsed: list[PriorityWord] | None = None
    """Priorities that are shown one by one in any flood."""

    operators: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Who share the annunciations."""

    def policy(self) -> AlarmPolicy:
        own = AlarmPolicy()
        longest = {**own.shelve_max, **self.shelve_max.model_dump(exclude_none=True)}
        return AlarmPolicy(
            shelve_max=MappingProxyType(longest),
            two_person=own.two_person if self.two_person is None else frozenset(self.two_person),
            clock_error=own.clock_error if self.clock_error is None else self.clock_error,
            flood_above=own.flood_above if self.flood_above is None else self.flood_above,
            flood_below=own.flood_below if self.flood_below is None else self.flood_below,
            never_collapsed=own.never_collapsed if self.never_collapsed is None else frozenset(self.never_collapsed),
            operators=own.operators if self.operators is None else self.operators,
        )


class LadderShape(Shape):
    """Who is told when nobody has acknowledged for this long; a level that is left out is skipped."""

    duty_operator: Positive | None = None
    shift_leader: Positive | None = None
    safety_manager: Positive | None = None
    county: Positive | None = None

    @model_validator(mode="after")
    def _climbs(self) -> Self:
        rungs = self.rungs()
        for lower, higher in pairwise(rungs):
            if higher.after <= lower.after:
                raise ValueError(
                    f"expected {higher.level} later than {lower.level} ({format_duration(lower.after)}), "
                    f"got {format_duration(higher.after)}"
                )
        return self

    def rungs(self) -> tuple[Rung, ...]:
        times = {level: getattr(self, level.value) for level in LADDER}
        return tuple(Rung(level, after) for level, after in times.items() if after is not None)


class EscalationShape(Shape):
    """The ladder of each priority; a priority that is left out keeps its default."""

    critical: LadderShape | None = None
    high: LadderShape | None = None
    medium: LadderShape | None = None
    low: LadderShape | None = None

    def policy(self) -> EscalationPolicy:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        own = {name: shape.rungs() for name, shape in given.items() if shape is not None}
        return EscalationPolicy(MappingProxyType({**EscalationPolicy().ladders, **own}))


class OverdueShape(Shape):
    """The ladder of each grade of hazard; a grade that is left out keeps its default."""

    major: LadderShape | None = None
    ordinary: LadderShape | None = None


class HazardsShape(Shape):
    """What is done about hazard tickets (隐患)."""

    overdue: OverdueShape = Field(default_factory=OverdueShape)
    """Who is told when a ticket is past its deadline for this long."""

    def policy(self) -> HazardPolicy:
        given = {name: getattr(self.overdue, name) for name in OverdueShape.model_fields}
        own = {name: shape.rungs() for name, shape in given.items() if shape is not None}
        return HazardPolicy(MappingProxyType({**HazardPolicy().ladders, **own}))


class DutyChecksShape(Shape):
    """When the room is asked whether anybody is there (查岗)."""

    at: list[TimeOfDay] = Field(default_factory=list)
    """Times of the day (site time, UTC+8), in quotes."""
    random_per_day: Annotated[int, Field(strict=True, ge=0, le=24)] = 0
    """How often a day at moments that nobody knows beforehand."""
    answer_within: Positive | None = None
    priority: PriorityWord = "high"
    """Whose ladder a missed check climbs."""

    def policy(self) -> DutyCheckPolicy:
        minutes = sorted({int(text[:2]) * 60 + int(text[3:]) for text in self.at})
        within = DutyCheckPolicy().answer_within if self.answer_within is None else self.answer_within
        return DutyCheckPolicy(tuple(minutes), self.random_per_day, within, self.priority)


class NotifyShape(Shape):
    """Where messages go; the address itself is a secret and stays in the environment."""

    id: Id
    level: Level
    """It is told what climbs to this level and above."""
    url_from: Variable
    """Name of the environment variable that holds the Apprise URL (WeCom, DingTalk, Feishu, SMS, mail, JSON)."""

    def target(self) -> NotifyTarget:
        return NotifyTarget(self.id, self.level, self.url_from)


class SirenShape(Shape):
    """A siren or lamp: an output that is on while an alarm of its priorities waits for a person."""

    output: Words
    """Id of the output, `<equipment>.<kind>`; it must be allowed."""
    priorities: Annotated[list[PriorityWord], Field(min_length=1)]
    on: Annotated[float, Field(strict=True, allow_inf_nan=False)] = 1.0
    off: Annotated[float, Field(strict=True, allow_inf_nan=False)] = 0.0
    silence: Duration | None = None
    """How long a person may silence it; `0 s`: only acknowledgement ends it, as for a lamp."""

    def policy(self) -> SirenPolicy:
        own = SirenPolicy(self.output, frozenset(self.priorities), self.on, self.off)
        return own if self.silence is None else replace(own, silence=self.silence)


def duty(
    alarms: AlarmsShape | None,
    escalation: EscalationShape | None,
    checks: DutyChecksShape | None,
    notify: list[NotifyShape],
    hazards: HazardsShape | None = None,
    sirens: Sequence[SirenShape] = (),
) -> Duty:
    """What the sections mean; one that is not there keeps its defaults."""
    own = Duty()
    return Duty(
        alarms=own.alarms if alarms is None else alarms.policy(),
        escalation=own.escalation if escalation is None else escalation.policy(),
        checks=own.checks if checks is None else checks.policy(),
        notify=tuple(shape.target() for shape in notify),
        hazards=own.hazards if hazards is None else hazards.policy(),
        sirens=tuple(shape.policy() for shape in sirens),
    )
