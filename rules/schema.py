"""What stands in the pack files, as pydantic models: shapes and spellings only, no meaning.

Nothing here looks into an expression or across files; `rules.packs` does.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from gateway.duration import Duration
from gateway.plant import model
from gateway.rule import Priority
from gateway.units import check_unit

_QUANTITY = re.compile(r"^\s*(-?\d+(?:\.\d+)?)\s*(\S*)\s*$")

Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
RuleId = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$")]


def parse_quantity(text: object) -> tuple[float, str]:
    """`65 degC` as (65.0, "degC"); raises ValueError for anything else."""
    match = _QUANTITY.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"expected a number with a unit such as '65 degC', got {text!r}")
    check_unit(match.group(2))
    return float(match.group(1)), match.group(2)


def _known_unit(text: object) -> object:
    if isinstance(text, str):
        check_unit(text)
    return text


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TextModel(_Strict):
    zh: Words
    en: Words

    def text(self) -> model.Text:
        return model.Text(self.zh, self.en)


class KindModel(_Strict):
    id: Name
    name: TextModel
    unit: Annotated[str, BeforeValidator(_known_unit)]
    states: dict[int, TextModel] = {}


class OutputModel(_Strict):
    id: Name
    name: TextModel


class LimitModel(_Strict):
    name: Name
    title: TextModel
    default: Annotated[tuple[float, str], BeforeValidator(parse_quantity)]
    source: Words
    certainty: Literal["standard", "typical", "engineering"]


class ClassModel(_Strict):
    id: Name
    name: TextModel
    parent_class: Name | None = None
    nameplate: tuple[Name, ...] = ()
    kinds: tuple[KindModel, ...]
    outputs: tuple[OutputModel, ...] = ()
    limits: tuple[LimitModel, ...] = ()


class ClassesFile(_Strict):
    states: tuple[dict[int, TextModel], ...] = ()
    """Words that several kinds share, by YAML anchor."""
    classes: tuple[ClassModel, ...]


class RequirementModel(_Strict):
    equipment_class: Name = Field(alias="class")
    points: tuple[Name, ...] = ()
    rules: tuple[RuleId, ...] = ()
    interlocks: tuple[RuleId, ...] = ()


class ClauseModel(_Strict):
    id: Words
    title: TextModel
    requirements: tuple[RequirementModel, ...]


class ClausesFile(_Strict):
    clauses: tuple[ClauseModel, ...]


class RuleModel(_Strict):
    id: RuleId
    clause: Annotated[tuple[Words, ...], BeforeValidator(_as_list), Field(min_length=1)]
    title: TextModel
    consequence: TextModel
    response: TextModel
    response_time: Duration
    priority: Priority
    for_each: Name
    """An equipment class, or `point`."""
    of: tuple[str, ...] = ()
    """For `point`: the `class.kind` roles it is for; empty for every point."""
    when: Words
    clear: Words | None = None
    on_delay: Duration = 0
    off_delay: Duration = 0
    latch: bool = False
    ticket: Literal["major", "ordinary", "none"] = "none"
    first_out: Name | None = None
    first_out_per: Literal["equipment", "parent", "area"] = "equipment"
    """Among what the first of several alarms is told apart."""
    evidence: tuple[str, ...] = ()
    """Further points (names as in expressions) whose curves belong to the evidence."""


class EffectModel(_Strict):
    id: Name
    name: TextModel
    expression: Words
    within: Duration
    output: str | None = None
    """`kind` or `parent.kind` of the output that commands it."""
    value: float = 1


class InterlockModel(_Strict):
    id: RuleId
    clause: Annotated[tuple[Words, ...], BeforeValidator(_as_list), Field(min_length=1)]
    name: TextModel
    for_each: Name
    causes: tuple[RuleId, ...] = Field(min_length=1)
    engaged: Words | None = None
    effects: tuple[EffectModel, ...] = Field(min_length=1)


class PackFile(_Strict):
    pack: Name
    title: TextModel
    rules: tuple[RuleModel, ...]
    interlocks: tuple[InterlockModel, ...] = ()
