"""The gateway as a part of the plant: its own health as points, so that its failures are alarms.

Added to every plant whose criteria know the class; nothing in the plant file can stand in its place.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from gateway.plant.criteria import Criteria, EquipmentClass
from gateway.plant.model import Area, Device, Equipment, Point, Text
from gateway.sample import SECOND

GATEWAY = "gateway"
"""Id of the implicit equipment, of its class and of its device."""

INTERNAL_DRIVER = "internal"
"""Driver of the implicit device: the runtime itself writes its points."""

OWN_KINDS = (
    "journal_writable",
    "history_writable",
    "dropped_samples",
    "copies_reachable",
    "notifiers_reachable",
    "records_refused",
    "history_space_used",
    "history_samples_cut",
    "impossible_samples",
    "heartbeats_written",
)

_MOST = 1e15
_NAME = Text("警钟网关", "Tocsin gateway")


class InternalSettings(BaseModel):
    """The gateway has no connection to itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class InternalAddress(BaseModel):
    """The gateway's own points are addressed by their kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def is_watched(criteria: Criteria) -> bool:
    """Whether the criteria have rules for the gateway at all."""
    return GATEWAY in criteria.classes


def own_equipment(areas: tuple[Area, ...]) -> Equipment:
    """The gateway, standing where somebody hears it: the first staffed area."""
    area = next((area for area in areas if area.staffed), areas[0])
    return Equipment(GATEWAY, GATEWAY, area.id, _NAME)


def own_device() -> Device:
    return Device(GATEWAY, INTERNAL_DRIVER, _NAME, InternalSettings())


def own_points(gateway_class: EquipmentClass, first_index: int) -> tuple[Point, ...]:
    """The gateway's points, indexed after those of the file."""
    kinds = [gateway_class.kinds[name] for name in OWN_KINDS if name in gateway_class.kinds]
    return tuple(
        Point(
            index=first_index + offset,
            id=f"{GATEWAY}.{kind.id}",
            name=kind.name,
            equipment=GATEWAY,
            kind=kind.id,
            unit=kind.unit,
            low=0.0,
            high=float(max(kind.states)) if kind.states else _MOST,
            period=SECOND,
            stale_after=5 * SECOND,
            device=GATEWAY,
            address=InternalAddress(),
        )
        for offset, kind in enumerate(kinds)
    )
