"""What the sections of a plant file mean together: references, units, ranges, addresses.

Collects problems and never raises; an entry that is wrong in one field is still checked in the others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from gateway.document import Document, Path, one_of, problems_of
from gateway.driver import DriverKind
from gateway.duration import format_duration
from gateway.errors import Problem
from gateway.plant.criteria import Criteria, EquipmentClass, PointKind
from gateway.plant.files import beside
from gateway.plant.interlock_schema import InterlocksShape, repeated
from gateway.plant.keeping_schema import HistoryShape, too_short
from gateway.plant.model import Device, Text
from gateway.plant.output_checks import OutputChecks, check_read_back, points_by_id
from gateway.plant.output_schema import HeartbeatShape
from gateway.plant.own import GATEWAY, is_watched
from gateway.plant.risk_schema import RiskShape
from gateway.plant.schema import (
    AreaShape,
    DeviceShape,
    EquipmentShape,
    LimitShape,
    OutputShape,
    PointShape,
    SourceShape,
)
from gateway.plant.sections import Item, Sections
from gateway.plant.siren_checks import check_sirens
from gateway.units import a_dimension, convertible, dimension

ShapeT = TypeVar("ShapeT", bound=BaseModel)


@dataclass
class Checks:
    """One pass over all sections; afterwards `problems` is complete and the driver models are read."""

    document: Document
    drivers: Mapping[str, DriverKind]
    criteria: Criteria
    sections: Sections
    problems: list[Problem]
    settings: dict[Path, BaseModel] = field(default_factory=dict)
    """Driver settings and addresses by the path of the entry they belong to."""
    _places: dict[tuple[str, Hashable], str] = field(default_factory=dict)
    _areas: Mapping[str, Item[AreaShape]] = field(default_factory=dict)
    _devices: Mapping[str, Item[DeviceShape]] = field(default_factory=dict)
    _equipment: Mapping[str, Item[EquipmentShape]] = field(default_factory=dict)

    def run(self) -> None:
        self._areas = self._ids(self.sections.areas, "area")
        self._devices = self._ids(self.sections.devices, "device")
        self._equipment = self._ids(self.sections.equipment, "equipment")
        self._ids(self.sections.notify, "notify target")
        for device in self.sections.devices:
            self._device(device)
        self._lines()
        for equipment in self.sections.equipment:
            self._one_equipment(equipment)
        for item, loop in parent_loops(self._equipment):
            self._add(item.field("parent"), "a parent that is not inside it", " in ".join(loop))
        seen: dict[tuple[str, str], Path] = {}
        for point in self.sections.points:
            self._once(point, seen, "point")
            self._point(point)
        seen = {}
        guards = OutputChecks(self.document, points_by_id(self.sections.points), self.problems)
        for output in self.sections.outputs:
            self._once(output, seen, "output")
            self._output(output)
            guards.check(output)
        check_sirens(self.sections, self._add)
        self._history(self.sections.history)
        self._ids(self.sections.risks, "risk")
        for risk in self.sections.risks:
            self._risk(risk)
        self._interlocks(self.sections.interlocks)

    def _interlocks(self, item: Item[InterlocksShape]) -> None:
        """Single interlocks: of equipment that is there, each once; that there is one, the rules say."""
        own, path = item.get("own", list) or [], item.field("own")
        for place, each in enumerate(own):
            self._reference((*path, place, "equipment"), each.equipment, self._equipment, "equipment")
        for name, first, again in repeated(own):
            line, _ = self.document.place((*path, first))
            self._add((*path, again, "interlock"), "each interlock once", f"{name} again (first on line {line})")

    def _risk(self, item: Item[RiskShape]) -> None:
        """Its area and equipment, and that the equipment stands in the area."""
        area, equipment = item.get("area", str), item.get("equipment", str)
        self._reference(item.field("area"), area, self._areas, "areas")
        if not self._reference(item.field("equipment"), equipment, self._equipment, "equipment"):
            return
        there = self._equipment[equipment or ""].get("area", str)
        if area in self._areas and there is not None and there != area:
            self._add(item.field("equipment"), f"equipment of the area {area}", f"{equipment!r}, which is in {there}")

    def _history(self, item: Item[HistoryShape]) -> None:
        """Its classes, even where another field of it is wrong; what is coarser is kept at least as long."""
        known = self.criteria.classes.keys() - {GATEWAY}
        for name in item.get("classes", dict) or {}:
            if name not in known:
                self._add((*item.field("classes"), name), one_of(known, name), f"an unknown class {name!r}", key=True)
        if item.shape is None:
            return
        policy = item.shape.policy()
        for path, keeping in (
            (item.path, policy.keeping),
            *(((*item.field("classes"), name), kept) for name, kept in policy.classes.items()),
        ):
            for what, finer, least, got in too_short(keeping):
                expected = f"{what} at least as long as {finer} ({format_duration(least)})"
                self._add((*path, what), expected, format_duration(got))

    def _add(self, path: Path, expected: str, got: str, *, key: bool = False) -> None:
        self.problems.append(self.document.problem(path, expected, got, key=key))

    def _ids(self, items: Sequence[Item[ShapeT]], what: str) -> dict[str, Item[ShapeT]]:
        first: dict[str, Item[ShapeT]] = {}
        for item in items:
            if item.id is None:
                continue
            if item.id in first:
                line, _ = self.document.place(first[item.id].field("id"))
                got = f"{item.id!r} again (first on line {line})"
                self._add(item.field("id"), f"an id that no other {what} has", got)
            elif item.id == GATEWAY and what != "area" and is_watched(self.criteria):
                self._add(item.field("id"), "an id other than the gateway's own", repr(GATEWAY))
            first.setdefault(item.id, item)
        return first

    def _reference(self, path: Path, name: str | None, known: Mapping[str, object], section: str) -> bool:
        """Whether the name stands in the section; a section that cannot be read blames nobody."""
        if name is None or name in known:
            return name is not None
        if known or isinstance(self.document.at((section,)), list):
            self._add(path, one_of(known, name) if known else f"the id of an entry in {section}", repr(name))
        return False

    def _device(self, item: Item[DeviceShape]) -> None:
        name = item.get("driver", str)
        if name is None or not isinstance(item.raw, dict):
            return
        if name not in self.drivers:
            self._add(item.field("driver"), one_of(self.drivers, name), repr(name))
            return
        rest = {key: value for key, value in item.raw.items() if key not in DeviceShape.model_fields}
        self._read(item.path, item.path, self.drivers[name].device_settings, rest, DeviceShape)
        self._heartbeat(item, self.drivers[name])

    def _heartbeat(self, item: Item[DeviceShape], kind: DriverKind) -> None:
        shape = item.get("heartbeat", HeartbeatShape)
        if shape is None:
            return
        path = item.field("heartbeat")
        if not kind.manifest.writes:
            self._add(path, "a heartbeat on a device that can be written", f"one on a {kind.name} device")
            return
        address = self._read(path, path, kind.output_address, shape.model_extra or {}, HeartbeatShape)
        if address is not None and item.id is not None:
            self._taken(path, item.id, [f"output {address.model_dump_json()}"], f"heartbeat of {item.id}")

    def _lines(self) -> None:
        """That devices which share a line agree on how it is used; the first of each says how."""
        first: dict[str, tuple[str, str]] = {}
        for item in self.sections.devices:
            settings, kind = self.settings.get(item.path), self.drivers.get(item.get("driver", str) or "")
            if settings is None or kind is None or item.id is None:
                continue
            device = Device(item.id, kind.name, Text(item.id, item.id), settings)
            line, terms = kind.line(device), kind.terms(device)
            if line is None:
                continue
            holder, held = first.setdefault(line, (item.id, terms))
            if terms != held:
                self._add(item.path, f"{held} on line {line}, as {holder} has it", terms)

    def _read(
        self, owner: Path, at: Path, shape: type[BaseModel], rest: Mapping[Any, object], around: type[BaseModel]
    ) -> BaseModel | None:
        """The driver's own model of the fields that stand beside the plant file's."""
        try:
            self.settings[owner] = shape.model_validate(rest, context=beside(self.document.file))
        except ValidationError as error:
            self.problems += problems_of(error, self.document, shape, at, beside=around.model_fields)
            return None
        return self.settings[owner]

    def _class_of(self, equipment: str | None) -> EquipmentClass | None:
        item = self._equipment.get(equipment) if equipment is not None else None
        name = item.get("equipment_class", str) if item is not None else None
        return self.criteria.classes.get(name) if name is not None else None

    def _one_equipment(self, item: Item[EquipmentShape]) -> None:
        self._reference(item.field("area"), item.get("area", str), self._areas, "areas")
        name = item.get("equipment_class", str)
        owner = self.criteria.classes.get(name) if name is not None and name != GATEWAY else None
        if name is not None and owner is None:
            known = [each for each in self.criteria.classes if each != GATEWAY]
            self._add(item.field("class"), one_of(known, name), repr(name))
        parent = item.get("parent", str)
        known_parent = self._reference(item.field("parent"), parent, self._equipment, "equipment")
        if owner is None:
            return
        self._parent(item, owner, parent if known_parent else None)
        for key in item.get("nameplate", dict) or {}:
            if key not in owner.nameplate:
                path = (*item.field("nameplate"), key)
                self._add(path, one_of(owner.nameplate, key), f"an unknown nameplate entry {key!r}", key=True)
        for key, limit in (item.get("limits", dict) or {}).items():
            self._limit((*item.field("limits"), key), key, limit, owner)

    def _parent(self, item: Item[EquipmentShape], owner: EquipmentClass, parent: str | None) -> None:
        wanted = owner.parent_class
        if wanted is None:
            return
        if parent is None:
            if isinstance(item.raw, dict) and "parent" not in item.raw:
                self._add(item.field("parent"), f"the id of its {wanted}", "nothing")
            return
        found = self._class_of(parent)
        if found is not None and found.id != wanted:
            self._add(item.field("parent"), f"the id of a {wanted}", f"{parent!r}, a {found.id}")

    def _limit(self, path: Path, name: str, limit: LimitShape, owner: EquipmentClass) -> None:
        if name not in owner.limits:
            self._add(path, one_of(owner.limits, name), f"an unknown limit {name!r}", key=True)
            return
        value, unit = limit.value
        wanted = owner.limits[name].unit
        bases = [None, *(kind.basis() for kind in owner.kinds.values())]
        if not any(convertible(unit, wanted, basis) for basis in bases):
            expected = f"{a_dimension(wanted)} such as {value:g} {wanted}".rstrip()
            self._add((*path, "value"), expected, f"{value:g} {unit}, {a_dimension(unit)}")

    def _once(self, item: Item[PointShape] | Item[OutputShape], seen: dict[tuple[str, str], Path], what: str) -> None:
        equipment, kind = item.get("equipment", str), item.get("kind", str)
        if equipment is None or kind is None:
            return
        first = seen.setdefault((equipment, kind), item.path)
        if first != item.path:
            line, _ = self.document.place(first)
            got = f"{equipment}.{kind} again (first on line {line})"
            self._add(item.field("kind"), f"each {what} of an equipment once", got)

    def _point(self, item: Item[PointShape]) -> None:
        equipment = item.get("equipment", str)
        self._reference(item.field("equipment"), equipment, self._equipment, "equipment")
        owner, name = self._class_of(equipment), item.get("kind", str)
        kind = owner.kinds.get(name) if owner is not None and name is not None else None
        if owner is not None and name is not None and kind is None:
            self._add(item.field("kind"), one_of(owner.kinds, name), f"{name!r} on a {owner.id}")
        if kind is not None:
            self._unit(item, kind)
        self._range(item, kind)
        period, stale_after = item.get("period", int), item.get("stale_after", int)
        if period is not None and stale_after is not None and stale_after < 2 * period:
            expected = f"at least two periods ({format_duration(2 * period)})"
            self._add(item.field("stale_after"), expected, format_duration(stale_after))
        self._address(item, "source", f"{equipment}.{name}")

    def _unit(self, item: Item[PointShape], kind: PointKind) -> None:
        unit = item.get("unit", str)
        temperature = item.get("conversion_temperature", float)
        basis = kind.basis(temperature)
        if temperature is not None and basis is None:
            path = item.field("conversion_temperature")
            self._add(path, "a conversion temperature on a gas concentration only", f"one on a {kind.id}")
        if unit is None:
            return
        if kind.unit == "" and unit != "":
            self._add(item.field("unit"), 'no unit ("") for a state or count', repr(unit))
        elif not convertible(unit, kind.unit, basis) or (unit == "") != (kind.unit == ""):
            expected = f"a unit of {dimension(kind.unit)} such as {kind.unit}"
            got = f"{unit!r}, {a_dimension(unit)}" if unit else "no unit"
            self._add(item.field("unit"), expected, got)

    def _range(self, item: Item[PointShape], kind: PointKind | None) -> None:
        limits = item.get("range", list)
        if limits is None:
            return
        low, high = limits
        if not low < high:
            self._add(item.field("range"), "[low, high] with low below high", f"[{low:g}, {high:g}]")
        elif kind is not None and kind.states and not (low <= min(kind.states) and max(kind.states) <= high):
            expected = f"a range that holds every state ({min(kind.states)} to {max(kind.states)})"
            self._add(item.field("range"), expected, f"[{low:g}, {high:g}]")

    def _output(self, item: Item[OutputShape]) -> None:
        equipment, kind = item.get("equipment", str), item.get("kind", str)
        self._reference(item.field("equipment"), equipment, self._equipment, "equipment")
        owner = self._class_of(equipment)
        if owner is not None and kind is not None and kind not in owner.outputs:
            self._add(item.field("kind"), one_of(owner.outputs, kind), f"{kind!r} on a {owner.id}")
        self._address(item, "target", f"{equipment}.{kind}")

    def _address(self, item: Item[PointShape] | Item[OutputShape], name: str, called: str) -> None:
        source = item.get(name, SourceShape)
        if source is None:
            return
        path = item.field(name)
        if not self._reference((*path, "device"), source.device, self._devices, "devices"):
            return
        device = self._devices[source.device]
        kind = self.drivers.get(device.get("driver", str) or "")
        if kind is None:
            return
        shape = kind.point_address if name == "source" else kind.output_address
        address = self._read(item.path, path, shape, source.model_extra or {}, SourceShape)
        settings = self.settings.get(device.path)
        if address is None or settings is None:
            return
        whole = Device(source.device, kind.name, Text(source.device, source.device), settings)
        try:
            address = kind.locate(whole, address, item.get("equipment", str) or "", item.get("kind", str) or "")
            if name == "target":
                check_read_back(item, kind, whole, address)
        except ValueError as error:
            expected, _, got = str(error).removeprefix("expected ").partition(", got ")
            self._add(path, expected, got)
            return
        self.settings[item.path] = address
        written = [f"output {address.model_dump_json()}"]
        self._taken(path, source.device, kind.occupies(whole, address) if name == "source" else written, called)

    def _taken(self, path: Path, device: str, places: Sequence[Hashable], called: str) -> None:
        others = dict.fromkeys(self._places[device, place] for place in places if (device, place) in self._places)
        for place in places:
            self._places.setdefault((device, place), called)
        for other in others:
            got = f"{called} where {other} is already"
            self._add(path, f"a place on {device} that no other point or output has", got)


def parent_loops(equipment: Mapping[str, Item[EquipmentShape]]) -> Iterator[tuple[Item[EquipmentShape], Sequence[str]]]:
    """Each loop of parents once, with the first of its members."""

    def above(name: str) -> str | None:
        parent = equipment[name].get("parent", str)
        return parent if parent in equipment else None

    reported: set[str] = set()
    for start, item in equipment.items():
        trail = [start]
        while (parent := above(trail[-1])) is not None and parent not in trail:
            trail.append(parent)
        if parent == start and start not in reported:
            reported.update(trail)
            yield item, [*trail, start]
