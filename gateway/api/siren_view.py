"""Sirens and lamps as they cross the wire. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.machines.siren import SirenState
from gateway.plant.model import Plant, Text
from gateway.sample import Instant
from gateway.siren_desk import SirenDesk


@dataclass(frozen=True, slots=True)
class SirenView:
    """What a siren or lamp of the site should do, and what became of telling it."""

    output: str
    name: Text
    state: SirenState
    silenced_until: int | None
    may_silence: bool
    """False for a lamp, which only acknowledgement ends."""
    failed: bool
    """The device did not take what it was last told; it is told again."""


def siren_views(desk: SirenDesk, plant: Plant, now: Instant) -> tuple[SirenView, ...]:
    """Every siren that the plant file has, in its order."""
    outputs = plant.outputs_by_id()
    return tuple(
        SirenView(
            policy.output,
            outputs[policy.output].name,
            desk.state(policy.output, now),
            desk.silenced_until(policy.output, now),
            policy.silence > 0,
            desk.failed(policy.output),
        )
        for policy in plant.duty.sirens
    )
