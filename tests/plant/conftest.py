"""A small world for plant files: two drivers, four classes, and one file in which all is well."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gateway.driver import Driver, DriverKind, DriverWork, Manifest, ScanLoad
from gateway.duration import Duration
from gateway.errors import ConfigurationError, Problem
from gateway.plant.criteria import (
    Clause,
    Criteria,
    EquipmentClass,
    LimitKind,
    OutputKind,
    PointKind,
    Requirement,
)
from gateway.plant.loader import parse_plant
from gateway.plant.model import Device, Plant, Point, Text

# ruff: noqa: E501 - a plant file is read in lines

GOOD = """\
site:
  id: works
  name: {zh: 工厂, en: Works}
  credit_code: 91000000DEM000006Q
  industry: steel
  risk_grade: B
areas:
  - {id: hall, name: {zh: 车间, en: Hall}, staffed: false}
  - {id: room, name: {zh: 值班室, en: Duty room}, staffed: true}
equipment:
  - {id: panel, class: circuit, area: hall, name: {zh: 水冷壁, en: Panel}, parent: eaf1, nameplate: {maker: X}}
  - id: eaf1
    class: furnace
    area: hall
    name: {zh: 电炉, en: Furnace}
    limits:
      shell_alarm: {value: 300 degC, source: design file 7}
devices:
  - {id: plc, driver: registers, name: {zh: 控制器, en: PLC}, host: 10.0.0.1, timeout: 2 s}
  - {id: broker, driver: topics, name: {zh: 代理, en: Broker}, host: 10.0.0.2}
points:
  - {equipment: eaf1, kind: shell, unit: ℃, range: [0, 600], period: 1 s, stale_after: 5 s, source: {device: plc, register: 0}}
  - {equipment: eaf1, kind: breaker, unit: "", range: [0, 1], period: 100 ms, stale_after: 1 s, source: {device: plc, register: 1}}
  - {equipment: panel, kind: flow, unit: L/min, range: [0, 500], period: 1 s, stale_after: 5 s, calibration_due: 2027-05-01, source: {device: broker, topic: a/b}}
outputs:
  - {equipment: eaf1, kind: trip, target: {device: plc, register: 9}, allowed: true, values: [0, 1]}
"""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RegistersDevice(_Strict):
    host: str
    port: int = Field(default=502, ge=1, le=65535)
    timeout: Duration = Field(default="1 s", validate_default=True)


class RegistersPoint(_Strict):
    register_: int = Field(alias="register", ge=0)
    order: Literal["big", "little"] = "big"
    faults: Mapping[int, str] = Field(default_factory=dict)


class TopicsDevice(_Strict):
    host: str


class TopicsPoint(_Strict):
    topic: str


def no_driver(work: DriverWork) -> Driver:
    raise AssertionError(f"a plant file opens nothing, not even {work.device.id}")


def takes_registers(device: Device, address: BaseModel) -> Sequence[Hashable]:
    assert isinstance(address, RegistersPoint)
    assert isinstance(device.settings, RegistersDevice)
    return [address.register_, address.register_ + 1] if address.order == "little" else [address.register_]


def takes_topics(device: Device, address: BaseModel) -> Sequence[Hashable]:
    assert isinstance(address, TopicsPoint)
    return [address.topic]


def registers_load(device: Device, points: Sequence[Point]) -> ScanLoad | None:
    return ScanLoad(len(points), 600_000 * len(points), 1_000_000)


def topics_load(device: Device, points: Sequence[Point]) -> ScanLoad | None:
    return None


MANIFEST = Manifest(frozenset({"tcp"}), polls=True, writes=True, source_time=False, source_quality=False)
DRIVERS = {
    "registers": DriverKind(
        "registers",
        RegistersDevice,
        RegistersPoint,
        RegistersPoint,
        no_driver,
        takes_registers,
        registers_load,
        MANIFEST,
    ),
    "topics": DriverKind(
        "topics", TopicsDevice, TopicsPoint, TopicsPoint, no_driver, takes_topics, topics_load, MANIFEST
    ),
}


def kinds(units: Mapping[str, str]) -> dict[str, PointKind]:
    words = {0: Text("否", "no"), 1: Text("是", "yes")}
    return {name: PointKind(name, Text(name, name), unit, {} if unit else words) for name, unit in units.items()}


def equipment_class(
    name: str, points: dict[str, PointKind], *, outputs: tuple[str, ...] = (), parent: str | None = None
) -> EquipmentClass:
    limits = {
        "shell_alarm": LimitKind("shell_alarm", Text("壳温", "shell"), 350, "degC", "estimate", "engineering"),
        "flow_alarm": LimitKind("flow_alarm", Text("流量", "flow"), 10, "m3/h", "estimate", "typical"),
    }
    return EquipmentClass(
        name,
        Text(name, name),
        points,
        {each: OutputKind(each, Text(each, each)) for each in outputs},
        limits,
        ("maker", "capacity"),
        parent,
    )


CRITERIA = Criteria(
    {
        "furnace": equipment_class("furnace", kinds({"shell": "degC", "breaker": ""}), outputs=("trip",)),
        "circuit": equipment_class("circuit", kinds({"flow": "m3/h", "co": "ppm"}), parent="furnace"),
        "detector": equipment_class("detector", kinds({"co": "ppm"})),
    },
    (
        Clause(
            "4(4)",
            Text("水冷", "Cooling"),
            (
                Requirement("circuit", ("flow", "co"), ("flow_low",), ("water",)),
                Requirement("furnace", ("shell",), ("shell_high",), ()),
            ),
        ),
    ),
)

GATEWAY_CLASS = EquipmentClass(
    "gateway",
    Text("网关", "Gateway"),
    {
        "journal_writable": kinds({"journal_writable": ""})["journal_writable"],
        "history_writable": kinds({"history_writable": ""})["history_writable"],
        "dropped_samples": PointKind("dropped_samples", Text("丢弃", "Dropped"), "", {}),
    },
    {},
    {},
    (),
    None,
)


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def drivers() -> Mapping[str, DriverKind]:
    return DRIVERS


@pytest.fixture
def criteria() -> Criteria:
    return CRITERIA


@pytest.fixture
def criteria_with_gateway() -> Criteria:
    return Criteria({**CRITERIA.classes, "gateway": GATEWAY_CLASS}, CRITERIA.clauses)


@pytest.fixture
def load(criteria: Criteria) -> Callable[[str], Plant]:
    return lambda text: parse_plant(text, "plant.yaml", DRIVERS, criteria)


@pytest.fixture
def problems(load: Callable[[str], Plant]) -> Callable[[str], list[Problem]]:
    """What is wrong with a text; nothing for one that loads."""

    def find(text: str) -> list[Problem]:
        try:
            load(text)
        except ConfigurationError as error:
            return list(error.problems)
        return []

    return find
