"""What a plant file says of an MQTT broker: the connection, where each point's value is, what is published.

Pure data: nothing here opens a connection or reads the environment.
"""

from __future__ import annotations

import re
from typing import Annotated, TypeVar

from pydantic import AfterValidator, BaseModel, Field

from drivers.broker import BrokerSettings, Frozen
from drivers.judgement import Verdicts
from drivers.mqtt.client import covers
from drivers.mqtt.path import parse_path
from drivers.source_time import TimeFormat, Zone
from gateway.duration import Duration
from gateway.plant.model import Device

_TOPIC_LIMIT = 65_535
"""Bytes in a topic (MQTT 3.1.1, 1.5.3)."""
_PLACES = ("device", "equipment", "kind", "point")
_PLACE = re.compile(r"\{(\w*)\}")


def _filter(topic: str) -> str:
    levels = topic.split("/")
    wrong = [level for level in levels if len(level) > 1 and ("+" in level or "#" in level)]
    if not topic or "\0" in topic or len(topic.encode()) > _TOPIC_LIMIT or wrong or "#" in levels[:-1]:
        raise ValueError(f"expected a topic with + for one whole level or # for the last, got {topic[:80]!r}")
    unknown = [place for place in _PLACE.findall(topic) if place not in _PLACES]
    if unknown:
        known = ", ".join(f"{{{place}}}" for place in _PLACES)
        raise ValueError(f"expected places among {known}, got {{{unknown[0]}}}")
    return topic


def _exact_topic(topic: str) -> str:
    if "+" in topic or "#" in topic:
        raise ValueError(f"expected one exact topic without + and #, got {topic[:80]!r}")
    return _filter(topic)


def _path(path: str) -> str:
    parse_path(path)
    return path


def _with_place_for_value(payload: str) -> str:
    if "{value}" not in payload:
        raise ValueError(f"expected {{value}} somewhere in the payload, got {payload!r}")
    return payload


def _group(name: str) -> str:
    if not name or any(sign in name for sign in "/+#"):
        raise ValueError(f"expected a group name without /, + and #, got {name!r}")
    return name


Filter = Annotated[str, AfterValidator(_filter)]
Topic = Annotated[str, AfterValidator(_exact_topic)]
Path = Annotated[str, AfterValidator(_path)]


class PointAddress(Verdicts):
    """Which topic carries a point, and where in its payload value, time and quality are."""

    topic: Filter = ""
    """A topic; `{equipment}`, `{kind}`, `{point}` and `{device}` stand for the point's own, `+` and `#` for any
    level and any rest. Several points may share it. May be left out where `defaults` has one."""
    value: Path | None = None
    """Path of the number in a JSON payload, such as `data.0.co`, `values[id=CO-7].v`, or `rows[*].co` for a list;
    left out, the payload is the number."""
    time: Path | None = None
    """Path of the source time."""
    time_format: TimeFormat = "auto"
    """`auto` takes ISO 8601 and counts since 1970 by their size; `s`, `ms`, `us`, `ns` say which count; anything
    with a `%` is a pattern such as `%Y%m%d%H%M%S`."""
    time_zone: Zone | None = None
    """Zone of times that are written without one; left out, such times are not believed."""
    spacing: Annotated[Duration, Field(gt=0)] | None = None
    """Between the entries of a list that has one time: that of its last."""
    quality: Path | None = None
    """Path of the sensor's own verdict on its value."""
    states: dict[str, float] = Field(default_factory=dict)
    """Words that stand for numbers, such as `{OPEN: 1, CLOSED: 0}`; a word that is missing here is malformed."""
    text_numbers: bool = False
    """Whether a number may be written as text, such as `"12.5"`."""
    scale: float = Field(default=1.0, allow_inf_nan=False)
    """The value is the number times this ..."""
    offset: float = Field(default=0.0, allow_inf_nan=False)
    """... plus this."""
    qos: int = Field(default=1, ge=0, le=2)
    """Quality of service of the subscription."""


class DeviceSettings(BrokerSettings):
    """An MQTT broker; every point on it is a topic, or a value in one."""

    defaults: PointAddress | None = None
    """What every point has unless it says otherwise."""
    subscribe: tuple[Filter, ...] = ()
    """Topic filters to subscribe to in place of each point's own topic; every point must be under one."""
    share: Annotated[str, AfterValidator(_group)] | None = None
    """Group that shares the subscription: the broker gives each message to one of its members only."""


class OutputAddress(Frozen):
    """What is published to write a value."""

    topic: Topic
    """One exact topic; `{equipment}`, `{kind}`, `{point}` and `{device}` stand for the output's own."""
    payload: Annotated[str, AfterValidator(_with_place_for_value)] = "{value}"
    """What to publish; `{value}` stands for the number."""
    qos: int = Field(default=1, ge=1, le=2)
    """Quality of service; 0 is not offered, because nothing would confirm the write."""
    retain: bool = False
    """Whether the broker keeps the command for a device that subscribes later."""


_AddressT = TypeVar("_AddressT", PointAddress, OutputAddress)


def locate(device: Device, address: BaseModel, equipment: str, kind: str) -> BaseModel:
    """The address of one point or output, with the device's defaults and its own names in the topic.

    Raises ValueError for one that the device cannot serve.
    """
    settings = device.settings
    if not isinstance(settings, DeviceSettings):
        return address
    names = {"device": device.id, "equipment": equipment, "kind": kind, "point": f"{equipment}.{kind}"}
    if isinstance(address, OutputAddress):
        return _named(address, names)
    if not isinstance(address, PointAddress):
        return address
    if settings.defaults is not None:
        said = {name: getattr(address, name) for name in address.model_fields_set}
        address = settings.defaults.model_copy(update=said)
    if not address.topic:
        raise ValueError("expected a topic here or in the defaults of the device, got none")
    found = _named(address, names)
    if settings.subscribe and not any(covers(one, found.topic) for one in settings.subscribe):
        raise ValueError(f"expected a topic under {' or '.join(settings.subscribe)}, got {found.topic!r}")
    if settings.session is not None and found.time is None:
        raise ValueError("expected the path of a source time: the session keeps old messages, got none")
    return found


def _named(address: _AddressT, names: dict[str, str]) -> _AddressT:
    topic = _PLACE.sub(lambda place: names[place[1]], address.topic)
    return address.model_copy(update={"topic": topic})
