"""What a plant file looks like: pydantic shapes of its sections, and the JSON Schema made from them.

Shapes know fields and spellings only; what a reference means is checked in `gateway.plant.checks`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated, Any, Literal, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    WithJsonSchema,
    create_model,
)
from pydantic.json_schema import GenerateJsonSchema

from gateway.document.fields import Id, Quantity, Unit, Word, Words, parse_conversion_temperature
from gateway.driver import DriverKind
from gateway.plant import model
from gateway.plant.criteria import Criteria
from gateway.plant.duty_schema import (
    AlarmsShape,
    DutyChecksShape,
    EscalationShape,
    HazardsShape,
    NotifyShape,
    SirenShape,
)
from gateway.plant.interlock_schema import InterlocksShape
from gateway.plant.keeping_schema import HistoryShape, KeepingShape
from gateway.plant.output_schema import GuardShape, HeartbeatShape, Number, PositiveDuration
from gateway.plant.own import GATEWAY
from gateway.plant.risk_schema import RiskShape
from gateway.plant.shape import Shape

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def check_digit(body: str) -> str:
    """The 18th character of a unified social credit code from its first 17 (GB 32100-2015, 4.2)."""
    total = sum(_CREDIT_ALPHABET.index(character) * 3**place for place, character in enumerate(body))
    return _CREDIT_ALPHABET[-total % 31]


def _credit_code(text: str) -> str:
    if len(text) != 18 or any(character not in _CREDIT_ALPHABET for character in text):
        raise ValueError(f"expected 18 digits and capital letters other than I, O, S, V and Z, got {text!r}")
    if check_digit(text[:17]) != text[17]:
        raise ValueError(f"expected a credit code that ends in {check_digit(text[:17])} (GB 32100), got {text!r}")
    return text


def _text_or_number(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        raise ValueError(f"expected text or a number, got {value!r}")  # noqa: TRY004 - pydantic's protocol
    return value


CreditCode = Annotated[str, BeforeValidator(lambda v: _credit_code(v) if isinstance(v, str) else v)]
NameplateValue = Annotated[str | float, BeforeValidator(_text_or_number)]
ConversionTemperature = Annotated[
    float,
    BeforeValidator(parse_conversion_temperature),
    WithJsonSchema({"type": "string", "examples": ["0 degC", "20 degC", "25 degC"]}),
]


class TextShape(Shape):
    """Words for people: Chinese and English."""

    zh: Words
    """Chinese, shown first."""
    en: Words
    """English, shown beside it."""

    def text(self) -> model.Text:
        return model.Text(self.zh, self.en)


class SiteShape(Shape):
    """Enterprise profile (一企一档)."""

    id: Id
    name: TextShape
    credit_code: CreditCode
    """Unified social credit code (统一社会信用代码), 18 characters, GB 32100."""
    industry: Words
    risk_grade: model.RiskGrade
    """Enterprise risk grade, A the worst."""
    address: str = ""
    principal: str = ""
    telephone: str = ""


class AreaShape(Shape):
    id: Id
    name: TextShape
    staffed: StrictBool
    """Whether somebody is there 24 hours a day."""


class LimitShape(Shape):
    value: Quantity
    """Number and unit, such as `60 degC`."""
    source: Words
    """Where the number comes from: the design file, a standard, a person."""


class EquipmentShape(Shape):
    id: Id
    equipment_class: Word = Field(alias="class")
    area: Id
    name: TextShape
    parent: Id | None = None
    nameplate: dict[str, NameplateValue] = Field(default_factory=dict)
    limits: dict[str, LimitShape] = Field(default_factory=dict)
    """Limits of this equipment in place of the criteria's defaults."""
    commissioned: date | None = None
    """When it went into service (投用日期)."""
    inspection_due: date | None = None
    """Until when its statutory inspection (检定检验) holds."""


class DeviceShape(Shape):
    """A device; the driver's own settings stand beside these fields."""

    model_config = ConfigDict(extra="allow")

    id: Id
    driver: str
    name: TextShape
    heartbeat: HeartbeatShape | None = None
    """A register that tells the device's PLC that the gateway lives."""


class SourceShape(Shape):
    """Where a point is read or an output written; the driver's own address stands beside `device`."""

    model_config = ConfigDict(extra="allow")

    device: Id


class PointShape(Shape):
    equipment: Id
    kind: Word
    """Role within the equipment class."""
    name: TextShape | None = None
    unit: Unit
    """Unit of the value; empty for states and counts."""
    range: Annotated[list[Number], Field(min_length=2, max_length=2)]
    """Measuring range [low, high] in the unit; a value outside it is BAD."""
    period: PositiveDuration
    """How often the source is read, or is expected to speak."""
    stale_after: PositiveDuration
    """Age at which the value stops counting; at least two periods."""
    calibration_due: date | None = None
    conversion_temperature: ConversionTemperature | None = None
    """Temperature at which a gas detector matches ppm and mg/m3, from its manual: `0 degC`, `20 degC` or `25 degC`."""
    source: SourceShape


class OutputShape(GuardShape):
    equipment: Id
    kind: Word
    name: TextShape | None = None
    target: SourceShape
    allowed: StrictBool = False
    """Whether the gateway may write it at all."""
    values: list[Number] = Field(default_factory=list)
    """The only values that may be written."""
    read_back: StrictBool = True
    """False for a pulse coil or a register that cannot be read: then a write counts once the device confirms it."""


def plant_json_schema(drivers: Mapping[str, DriverKind], criteria: Criteria) -> dict[str, JsonValue]:
    """JSON Schema (draft 2020-12) of a plant file, for editors; from the shapes that the loader uses."""
    schema = _plant_model(drivers, criteria).model_json_schema(by_alias=True)
    return {"$schema": GenerateJsonSchema.schema_dialect, **schema}


def _plant_model(drivers: Mapping[str, DriverKind], criteria: Criteria) -> type[BaseModel]:
    kinds = drivers.values()
    classes = [each for name, each in criteria.classes.items() if name != GATEWAY]
    limit: Any = _one_of(name for each in classes for name in each.limits)
    equipment: Any = create_model(
        "EquipmentShape",
        __base__=EquipmentShape,
        equipment_class=(_one_of(each.id for each in classes), Field(alias="class")),
        limits=(dict[limit, LimitShape], Field(default_factory=dict)),
    )
    point: Any = create_model(
        "PointShape",
        __base__=PointShape,
        kind=(_one_of(name for each in classes for name in each.kinds), ...),
        source=(_any_of([_located(kind.point_address, f"{kind.name}_point") for kind in kinds]), ...),
    )
    output: Any = create_model(
        "OutputShape",
        __base__=OutputShape,
        kind=(_one_of(name for each in classes for name in each.outputs), ...),
        target=(_any_of([_located(kind.output_address, f"{kind.name}_output") for kind in kinds]), ...),
    )
    kept_class: Any = _one_of(each.id for each in classes)
    history: Any = create_model(
        "HistoryShape",
        __base__=HistoryShape,
        classes=(dict[kept_class, KeepingShape], Field(default_factory=dict)),
    )
    devices = _any_of([_device(kind) for kind in kinds])
    device: Any = Annotated[devices, Field(discriminator="driver")] if len(drivers) > 1 else devices
    return create_model(
        "PlantFile",
        __base__=Shape,
        __doc__="A site as Tocsin watches it: areas, equipment, devices, points and outputs.",
        site=(SiteShape, ...),
        areas=(list[AreaShape], Field(min_length=1)),
        equipment=(list[equipment], Field(min_length=1)),
        devices=(list[device], Field(min_length=1)),
        points=(list[point], Field(min_length=1)),
        outputs=(list[output], Field(default_factory=list)),
        alarms=(AlarmsShape, Field(default_factory=AlarmsShape)),
        escalation=(EscalationShape, Field(default_factory=EscalationShape)),
        duty_checks=(DutyChecksShape, Field(default_factory=DutyChecksShape)),
        hazards=(HazardsShape, Field(default_factory=HazardsShape)),
        notify=(list[NotifyShape], Field(default_factory=list)),
        sirens=(list[SirenShape], Field(default_factory=list)),
        history=(history, Field(default_factory=HistoryShape)),
        interlocks=(InterlocksShape, Field(default_factory=InterlocksShape)),
        risks=(list[RiskShape], Field(default_factory=list)),
    )


def _device(kind: DriverKind) -> type[BaseModel]:
    own: Any = {"id": (Id, ...), "driver": (Literal[kind.name], ...), "name": (TextShape, ...)}
    if kind.manifest.writes:
        own["heartbeat"] = (_heartbeat(kind) | None, None)
    made: type[BaseModel] = create_model(f"{kind.name}_device", __base__=kind.device_settings, **own)
    return made


def _heartbeat(kind: DriverKind) -> Any:
    own: Any = {name: (field.annotation, field) for name, field in HeartbeatShape.model_fields.items()}
    return create_model(f"{kind.name}_heartbeat", __base__=kind.output_address, **own)


def _located(address: type[BaseModel], name: str) -> type[BaseModel]:
    own: Any = {"device": (Id, ...)}
    made: type[BaseModel] = create_model(name, __base__=address, **own)
    return made


def _one_of(names: Iterable[str]) -> Any:
    choice = tuple(sorted(set(names)))
    return Literal[choice] if choice else str


def _any_of(choices: list[type[BaseModel]]) -> Any:
    return Union[tuple(choices)] if choices else SourceShape  # noqa: UP007 - made at run time
