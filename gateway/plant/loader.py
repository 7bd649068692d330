"""A plant file into a `Plant`, or every mistake in it at once, each with line, column and field.

Reads the one file that it is given, and no driver: the registry of drivers is handed in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from pydantic import BaseModel

from gateway import document as documents
from gateway.document import Document, read_file, read_yaml
from gateway.driver import DriverKind
from gateway.errors import ConfigurationError, Problem
from gateway.plant import own
from gateway.plant.checks import Checks
from gateway.plant.criteria import Criteria, EquipmentClass
from gateway.plant.duty_schema import duty
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.plant.keeping import HistoryPolicy
from gateway.plant.model import Area, Device, Equipment, Heartbeat, Limit, Output, Plant, Point, Site
from gateway.plant.output_checks import guard_of
from gateway.plant.schema import DeviceShape, EquipmentShape, SiteShape
from gateway.plant.sections import Item, Sections, ShapeT, read_sections

_Settings: TypeAlias = Mapping[documents.Path, BaseModel]
_Classes: TypeAlias = Mapping[str, EquipmentClass]


def load_plant(path: Path, drivers: Mapping[str, DriverKind], criteria: Criteria) -> Plant:
    """The validated site; raises ConfigurationError with every problem of the file."""
    return _plant(read_file(path, "a plant file to read"), drivers, criteria)


def parse_plant(text: str, file: str, drivers: Mapping[str, DriverKind], criteria: Criteria) -> Plant:
    """Like `load_plant`, from the file's text."""
    return _plant(read_yaml(text, file), drivers, criteria)


def _plant(document: Document, drivers: Mapping[str, DriverKind], criteria: Criteria) -> Plant:
    problems: list[Problem] = []
    sections = read_sections(document, problems)
    checks = Checks(document, drivers, criteria, sections, problems)
    checks.run()
    if document.problems or problems:
        raise ConfigurationError([*document.problems, *document.without_echoes(problems)])
    return _build(document, sections, checks.settings, criteria)


def _build(document: Document, sections: Sections, settings: _Settings, criteria: Criteria) -> Plant:
    areas = tuple(Area(shape.id, shape.name.text(), shape.staffed) for shape in map(_whole, sections.areas))
    equipment = _parents_first([_equipment(_whole(item)) for item in sections.equipment])
    devices = tuple(
        Device(shape.id, shape.driver, shape.name.text(), settings[item.path], _heartbeat(item, settings))
        for item in sections.devices
        for shape in [_whole(item)]
    )
    classes = {each.id: criteria.classes[each.equipment_class] for each in equipment}
    points = _points(sections, settings, classes)
    outputs = _outputs(sections, settings, classes, points)
    if own.is_watched(criteria):
        equipment = (*equipment, own.own_equipment(areas))
        devices = (*devices, own.own_device())
        points = (*points, *own.own_points(criteria.classes[own.GATEWAY], len(points)))
    digest = hashlib.sha256(document.text.encode()).hexdigest()
    people = duty(
        sections.alarms.shape,
        sections.escalation.shape,
        sections.duty_checks.shape,
        [_whole(item) for item in sections.notify],
        sections.hazards.shape,
        [_whole(item) for item in sections.sirens],
    )
    site = _site(_whole(sections.site))
    history = sections.history.shape.policy() if sections.history.shape else HistoryPolicy()
    risks = tuple(_whole(item).risk() for item in sections.risks)
    interlocks = sections.interlocks.shape.policy() if sections.interlocks.shape else InterlockPolicy()
    return Plant(
        document.file, digest, site, areas, equipment, devices, points, outputs, people, history, risks, interlocks
    )


def _points(sections: Sections, settings: _Settings, classes: _Classes) -> tuple[Point, ...]:
    return tuple(
        Point(
            index=index,
            id=f"{shape.equipment}.{shape.kind}",
            name=shape.name.text() if shape.name else classes[shape.equipment].kinds[shape.kind].name,
            equipment=shape.equipment,
            kind=shape.kind,
            unit=shape.unit,
            low=shape.range[0],
            high=shape.range[1],
            period=shape.period,
            stale_after=shape.stale_after,
            device=shape.source.device,
            address=settings[item.path],
            calibration_due=shape.calibration_due,
            conversion_temperature=shape.conversion_temperature,
        )
        for index, item in enumerate(sections.points)
        for shape in [_whole(item)]
    )


def _heartbeat(item: Item[DeviceShape], settings: _Settings) -> Heartbeat | None:
    shape = _whole(item).heartbeat
    return None if shape is None else Heartbeat(settings[item.field("heartbeat")], shape.period, shape.counts)


def _outputs(sections: Sections, settings: _Settings, classes: _Classes, points: Sequence[Point]) -> tuple[Output, ...]:
    by_id = {point.id: point for point in points}
    return tuple(
        Output(
            id=f"{shape.equipment}.{shape.kind}",
            name=shape.name.text() if shape.name else classes[shape.equipment].outputs[shape.kind].name,
            equipment=shape.equipment,
            kind=shape.kind,
            device=shape.target.device,
            address=settings[item.path],
            allowed=shape.allowed,
            values=tuple(shape.values),
            guard=guard_of(shape, by_id),
            read_back=shape.read_back,
        )
        for item in sections.outputs
        for shape in [_whole(item)]
    )


def _whole(item: Item[ShapeT]) -> ShapeT:
    assert item.shape is not None, f"{item.path} was let through with a mistake"  # noqa: S101
    return item.shape


def _site(shape: SiteShape) -> Site:
    return Site(
        id=shape.id,
        name=shape.name.text(),
        credit_code=shape.credit_code,
        industry=shape.industry,
        risk_grade=shape.risk_grade,
        address=shape.address,
        principal=shape.principal,
        telephone=shape.telephone,
    )


def _equipment(shape: EquipmentShape) -> Equipment:
    return Equipment(
        id=shape.id,
        equipment_class=shape.equipment_class,
        area=shape.area,
        name=shape.name.text(),
        parent=shape.parent,
        nameplate=shape.nameplate,
        limits={name: Limit(name, *limit.value, limit.source) for name, limit in shape.limits.items()},
        commissioned=shape.commissioned,
        inspection_due=shape.inspection_due,
    )


def _parents_first(equipment: list[Equipment]) -> tuple[Equipment, ...]:
    by_id = {each.id: each for each in equipment}
    placed: dict[str, Equipment] = {}
    for each in equipment:
        branch = [each]
        while (parent := branch[-1].parent) is not None and parent not in placed:
            branch.append(by_id[parent])
        placed.update((one.id, one) for one in reversed(branch))
    return tuple(placed.values())
