"""A plant file's sections as items that keep what is good in them, so that one mistake hides no other.

Checks each field by its shape alone; references between sections are `gateway.plant.checks`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.document import Document, Path, one_of, problems_of, show
from gateway.errors import Problem
from gateway.plant.duty_schema import (
    AlarmsShape,
    DutyChecksShape,
    EscalationShape,
    HazardsShape,
    NotifyShape,
    SirenShape,
)
from gateway.plant.interlock_schema import InterlocksShape
from gateway.plant.keeping_schema import HistoryShape
from gateway.plant.risk_schema import RiskShape
from gateway.plant.schema import (
    AreaShape,
    DeviceShape,
    EquipmentShape,
    OutputShape,
    PointShape,
    SiteShape,
)

ShapeT = TypeVar("ShapeT", bound=BaseModel)
V = TypeVar("V")

_REQUIRED = ("site", "areas", "equipment", "devices", "points")
_PEOPLE = ("alarms", "escalation", "duty_checks", "hazards", "notify", "sirens")
_KNOWN = (*_REQUIRED, "outputs", *_PEOPLE, "history", "risks", "interlocks")


@dataclass(frozen=True, slots=True)
class Item(Generic[ShapeT]):
    """One entry of a section; `shape` is None if any of its fields is wrong."""

    path: Path
    raw: object
    shape: ShapeT | None
    fields: Mapping[str, object]
    """Those fields that are right by themselves."""

    def get(self, name: str, kind: type[V]) -> V | None:
        """The field's value, or None where it is absent or wrong."""
        value = self.fields.get(name)
        return value if isinstance(value, kind) else None

    def field(self, name: str) -> Path:
        return (*self.path, name)

    @property
    def id(self) -> str | None:
        """The id as written, even where the rest of the entry is wrong."""
        value = self.raw.get("id") if isinstance(self.raw, dict) else None
        return value if isinstance(value, str) else None


@dataclass(frozen=True, slots=True)
class Sections:
    """Everything that the file holds, by section."""

    site: Item[SiteShape]
    areas: Sequence[Item[AreaShape]]
    equipment: Sequence[Item[EquipmentShape]]
    devices: Sequence[Item[DeviceShape]]
    points: Sequence[Item[PointShape]]
    outputs: Sequence[Item[OutputShape]]
    alarms: Item[AlarmsShape]
    escalation: Item[EscalationShape]
    duty_checks: Item[DutyChecksShape]
    hazards: Item[HazardsShape]
    notify: Sequence[Item[NotifyShape]]
    sirens: Sequence[Item[SirenShape]]
    history: Item[HistoryShape]
    interlocks: Item[InterlocksShape]
    risks: Sequence[Item[RiskShape]]


def read_sections(document: Document, problems: list[Problem]) -> Sections:
    """The sections of the document; what is wrong with their form goes to `problems`."""
    root = document.value
    if not isinstance(root, dict):
        root = {}
        if not document.problems:
            expected = "a mapping with " + ", ".join(_REQUIRED)
            problems.append(document.problem((), expected, show(document.value)))
    else:
        problems += [
            document.problem((name,), one_of(_KNOWN, name), f"an unknown section {name!r}", key=True)
            for name in root
            if name not in _KNOWN
        ]
        problems += [
            document.problem((name,), "this section to be there", "nothing") for name in _REQUIRED if name not in root
        ]
    return Sections(
        _section(document, "site", SiteShape, problems),
        _entries(document, "areas", AreaShape, problems),
        _entries(document, "equipment", EquipmentShape, problems),
        _entries(document, "devices", DeviceShape, problems),
        _entries(document, "points", PointShape, problems),
        _entries(document, "outputs", OutputShape, problems),
        _section(document, "alarms", AlarmsShape, problems),
        _section(document, "escalation", EscalationShape, problems),
        _section(document, "duty_checks", DutyChecksShape, problems),
        _section(document, "hazards", HazardsShape, problems),
        _entries(document, "notify", NotifyShape, problems),
        _entries(document, "sirens", SirenShape, problems),
        _section(document, "history", HistoryShape, problems),
        _section(document, "interlocks", InterlocksShape, problems),
        _entries(document, "risks", RiskShape, problems),
    )


def _section(document: Document, name: str, shape: type[ShapeT], problems: list[Problem]) -> Item[ShapeT]:
    """A section that is one mapping; an item without a shape where the file has none."""
    root = document.value
    if isinstance(root, dict) and name in root:
        return read_item(document, (name,), shape, problems)
    return Item((name,), None, None, {})


def _entries(document: Document, section: str, shape: type[ShapeT], problems: list[Problem]) -> list[Item[ShapeT]]:
    root = document.value
    if not isinstance(root, dict) or section not in root:
        return []
    entries = root[section]
    if not isinstance(entries, list):
        problems.append(document.problem((section,), "a list (- ...)", show(entries)))
        return []
    if not entries and section in _REQUIRED:
        problems.append(document.problem((section,), "at least one entry", "an empty list"))
    return [read_item(document, (section, index), shape, problems) for index in range(len(entries))]


def read_item(document: Document, path: Path, shape: type[ShapeT], problems: list[Problem]) -> Item[ShapeT]:
    """The entry at the path; its mistakes go to `problems`."""
    raw = document.at(path)
    try:
        whole = shape.model_validate(raw)
    except ValidationError as error:
        problems += problems_of(error, document, shape, path)
        wrong = {each["loc"][0] for each in error.errors(include_url=False) if each["loc"]}
    else:
        return Item(path, raw, whole, {name: getattr(whole, name) for name in shape.model_fields})
    if not isinstance(raw, dict):
        return Item(path, raw, None, {})
    blank = shape.model_construct()
    for name, field in shape.model_fields.items():
        spelled = field.alias or name
        if spelled in raw and spelled not in wrong:
            shape.__pydantic_validator__.validate_assignment(blank, name, raw[spelled])
    good = {name: value for name, value in vars(blank).items() if (shape.model_fields[name].alias or name) not in wrong}
    return Item(path, raw, None, good)
