"""What a plant file says of a Sparkplug site: the broker, who we are there, and the metric of each point.

Pure data: nothing here opens a connection or reads the environment.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from drivers.broker import BrokerSettings, Frozen


def _id(text: str) -> str:
    if not text or any(sign in text for sign in "/+#\0"):
        raise ValueError(f"expected an id without /, + and # (Sparkplug 3.0, 4.1), got {text!r}")
    return text


SparkplugId = Annotated[str, AfterValidator(_id)]


class DeviceSettings(BrokerSettings):
    """A broker with Sparkplug B edge nodes; the gateway is a host application on it."""

    host_id: SparkplugId | None = None
    """Name under which the gateway tells its STATE; left out, it tells none. Edge nodes whose primary host has this
    name speak only while it is online: give one to one gateway only."""
    by_exception: bool = True
    """Whether edge nodes report changes only: a value then holds for as long as its edge node's session lives, and
    is repeated at the point's period. Where nodes report on a period, say false: silence then makes values stale."""


class Metric(Frozen):
    """One metric of an edge node, or of a device behind one."""

    group: SparkplugId
    """Group id."""
    node: SparkplugId
    """Edge node id."""
    unit: SparkplugId | None = None
    """Device id; left out, the metric is the edge node's own."""
    metric: str = Field(min_length=1)
    """Name of the metric, as the birth certificate has it."""


class PointAddress(Metric):
    """The metric that carries a point."""


class CommandType(StrEnum):
    """How a written value travels."""

    BOOLEAN = "boolean"
    INT32 = "int32"
    DOUBLE = "double"


class OutputAddress(Metric):
    """The metric that is commanded; written means that the node then reported the value back."""

    type: CommandType = CommandType.BOOLEAN
