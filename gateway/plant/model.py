"""What a validated plant file means: frozen values that the rest of the gateway reads.

Nothing here checks anything: a `Plant` that exists is one in which every reference holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from pydantic import BaseModel

from gateway.plant.duty import Duty
from gateway.plant.guard import Guard
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.plant.keeping import HistoryPolicy
from gateway.plant.risk import Risk
from gateway.sample import PointIndex


@dataclass(frozen=True, slots=True)
class Text:
    """Words for people: Chinese first, English beside it."""

    zh: str
    en: str


class RiskGrade(StrEnum):
    """Enterprise risk grade; in the Shanxi metallurgical notices A is the worst."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


@dataclass(frozen=True, slots=True)
class Site:
    """Enterprise profile (一企一档)."""

    id: str
    name: Text
    credit_code: str
    """Unified social credit code, 18 characters (GB 32100)."""
    industry: str
    risk_grade: RiskGrade
    address: str = ""
    principal: str = ""
    telephone: str = ""


@dataclass(frozen=True, slots=True)
class Area:
    id: str
    name: Text
    staffed: bool
    """Whether somebody is there 24 hours a day."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A number that a rule compares with, set for one equipment in place of the pack's default."""

    name: str
    value: float
    unit: str
    source: str
    """Where the number comes from: the design file, a standard, a person."""


@dataclass(frozen=True, slots=True)
class Equipment:
    id: str
    equipment_class: str
    area: str
    name: Text
    parent: str | None = None
    nameplate: Mapping[str, str | float] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    commissioned: date | None = None
    """When it went into service (投用日期)."""
    inspection_due: date | None = None
    """Until when its statutory inspection (检定检验) holds."""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A register that is counted up while the gateway is sound, so that the device's PLC can see when it is not."""

    address: BaseModel
    """The driver's own address (`DriverKind.output_address`)."""
    period: int
    """Microseconds."""
    counts: int
    """The counter runs from 0 to one less."""


@dataclass(frozen=True, slots=True)
class Device:
    """One thing at the end of one connection; the unit of isolation."""

    id: str
    driver: str
    name: Text
    settings: BaseModel
    """The driver's own device settings (`DriverKind.device_settings`)."""
    heartbeat: Heartbeat | None = None


@dataclass(frozen=True, slots=True)
class Point:
    """A measuring point (测点)."""

    index: PointIndex
    id: str
    """`<equipment>.<kind>`, unless the plant file says otherwise."""
    name: Text
    equipment: str
    kind: str
    """Role within the equipment class, the name that rules use."""
    unit: str
    """Empty for states and counts."""
    low: float
    high: float
    """Measuring range in `unit`; a value outside it is BAD, OUT_OF_RANGE."""
    period: int
    """How often the source is read, or is expected to speak (microseconds)."""
    stale_after: int
    """Age at which the value stops counting (microseconds)."""
    device: str
    address: BaseModel
    """The driver's own address (`DriverKind.point_address`)."""
    calibration_due: date | None = None
    conversion_temperature: float | None = None
    """degC at which the detector matches ppm and mg/m3; None for the default of its kind."""


@dataclass(frozen=True, slots=True)
class Output:
    """Something the gateway may write, if and only if the plant file allows it."""

    id: str
    name: Text
    equipment: str
    kind: str
    device: str
    address: BaseModel
    """The driver's own address (`DriverKind.output_address`)."""
    allowed: bool
    values: tuple[float, ...]
    """The only values that may be written."""
    guard: Guard = field(default_factory=Guard)
    read_back: bool = True
    """Whether a driver that can reads every write back; without it, what the device confirms counts as written."""


@dataclass(frozen=True, slots=True)
class Plant:
    """A whole validated site. `points[i].index == i`; equipment parents come before children."""

    file: str
    hash: str
    """SHA-256 of the file's text."""
    site: Site
    areas: tuple[Area, ...]
    equipment: tuple[Equipment, ...]
    devices: tuple[Device, ...]
    points: tuple[Point, ...]
    outputs: tuple[Output, ...]
    duty: Duty = field(default_factory=Duty)
    history: HistoryPolicy = field(default_factory=HistoryPolicy)
    risks: tuple[Risk, ...] = ()
    interlocks: InterlockPolicy = field(default_factory=InterlockPolicy)

    def equipment_by_id(self) -> Mapping[str, Equipment]:
        return {equipment.id: equipment for equipment in self.equipment}

    def points_by_id(self) -> Mapping[str, Point]:
        return {point.id: point for point in self.points}

    def point_of(self) -> Mapping[tuple[str, str], Point]:
        """Points by (equipment id, kind)."""
        return {(point.equipment, point.kind): point for point in self.points}

    def outputs_by_id(self) -> Mapping[str, Output]:
        return {output.id: output for output in self.outputs}
