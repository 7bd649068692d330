"""What a plant file says of an MQTT broker: the connection, where each point's value is, what is published.

Pure data: nothing here opens a connection or reads the environment.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from gateway.duration import Duration, format_duration
from gateway.sample import SECOND

_TOPIC_LIMIT = 65_535
"""Bytes in a topic (MQTT 3.1.1, 1.5.3)."""


def _exact_topic(topic: str) -> str:
    if not topic or any(sign in topic for sign in "+#\0") or len(topic.encode()) > _TOPIC_LIMIT:
        raise ValueError(f"expected one exact topic without + and #, got {topic[:80]!r}")
    return topic


def _dotted(path: str) -> str:
    if not all(path.split(".")):
        raise ValueError(f"expected names or list indices with dots between, got {path!r}")
    return path


def _whole_seconds(duration: int) -> int:
    if not SECOND <= duration <= 65_535 * SECOND or duration % SECOND:
        raise ValueError(f"expected whole seconds from 1 s to 65535 s, got {format_duration(duration)}")
    return duration


def _with_place_for_value(payload: str) -> str:
    if "{value}" not in payload:
        raise ValueError(f"expected {{value}} somewhere in the payload, got {payload!r}")
    return payload


Topic = Annotated[str, AfterValidator(_exact_topic)]
Path = Annotated[str, AfterValidator(_dotted)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DeviceSettings(_Frozen):
    """An MQTT 3.1.1 broker; every point on it is a topic, or a value in one."""

    host: str = Field(min_length=1)
    """Host name or IP address of the broker."""
    port: int = Field(default=1883, ge=1, le=65_535)
    """TCP port."""
    client_id: str | None = Field(default=None, min_length=1)
    """Unique at the broker; left out, one is chosen at every connection."""
    username: str | None = None
    """Left out, the broker is asked to let anybody in."""
    password_env: str | None = Field(default=None, min_length=1)
    """Name of the environment variable that holds the password; never the password itself."""
    keepalive: Annotated[Duration, AfterValidator(_whole_seconds)] = Field(default="30 s", validate_default=True)
    """Longest silence between gateway and broker; a broker that is silent for longer is lost."""
    timeout: Duration = Field(default="5 s", validate_default=True)
    """Longest wait for the broker to accept a connection or to confirm a write."""


class PointAddress(_Frozen):
    """Which topic carries a point, and where in its payload value, time and quality are."""

    topic: Topic
    """One exact topic; several points may share it."""
    value: Path | None = None
    """Dotted path of the number in a JSON payload, such as `data.0.co`; left out, the payload is the number."""
    time: Path | None = None
    """Dotted path of the source time: ISO 8601 with zone, or seconds or milliseconds since 1970."""
    quality: Path | None = None
    """Dotted path of the sensor's own verdict on its value."""
    good: tuple[str | bool | int | float, ...] = ("good",)
    """Values of `quality` that mean good; anything else is a sensor fault. Upper and lower case are the same."""
    qos: int = Field(default=1, ge=0, le=2)
    """Quality of service of the subscription."""


class OutputAddress(_Frozen):
    """What is published to write a value."""

    topic: Topic
    """One exact topic."""
    payload: Annotated[str, AfterValidator(_with_place_for_value)] = "{value}"
    """What to publish; `{value}` stands for the number."""
    qos: int = Field(default=1, ge=1, le=2)
    """Quality of service; 0 is not offered, because nothing would confirm the write."""
    retain: bool = False
    """Whether the broker keeps the command for a device that subscribes later."""
