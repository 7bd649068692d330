"""The shape of a hazard ticket (隐患) as it crosses the wire.

Times are integers, microseconds since 1970 UTC.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.events.tickets import DismissalCause, HazardSource, TicketAction, TicketState
from gateway.machines.ticket import Attached, Extension, ProductionStop, Supervision
from gateway.plant.duty import Level
from gateway.plant.model import Text
from gateway.rule import TicketGrade


@dataclass(frozen=True, slots=True)
class TicketStep:
    at: int
    action: str
    """A `TicketAction`, or `filed`, `reported`, `recurred`, `attached` or `escalated`."""
    by: str
    comment: str
    approver: str = ""
    due: int | None = None
    """The deadline that the step set."""
    cause: DismissalCause | None = None
    note: str = ""
    """What else it said: an authority and its notice, what stands still, a file's name, who was told."""


@dataclass(frozen=True, slots=True)
class TicketView:
    id: str
    state: TicketState
    grade: TicketGrade
    rule: str
    """Empty for a person's."""
    equipment: str
    """Empty where the area as a whole is meant."""
    area: str
    clauses: tuple[str, ...]
    title: Text
    onset: int
    """When the condition came true, or when a person found it."""
    filed_at: int
    occurrences: tuple[str, ...]
    recurrences: int
    responsible: str
    due: int | None
    """What was promised; null before anybody did."""
    evidence_points: tuple[str, ...]
    previous: str | None
    steps: tuple[TicketStep, ...]
    actions: tuple[TicketAction, ...]
    """What the present state allows next."""
    source: HazardSource = HazardSource.SENSOR
    found_by: str = ""
    """Empty for a sensor's, and for an anonymous report."""
    unit: str = ""
    """检查单位."""
    description: str = ""
    department: str = ""
    measures: str = ""
    funds: str = ""
    emergency_plan: str = ""
    interim: str = ""
    limit: int = 0
    """The last deadline that needs neither interim measures nor a second person."""
    deadline: int = 0
    """`due`, or `limit` until there is one: past it the ticket is overdue."""
    rectified_by: str = ""
    extensions: tuple[Extension, ...] = ()
    supervision: Supervision | None = None
    """挂牌督办."""
    production: ProductionStop | None = None
    """停产: what stands still because of it."""
    attachments: tuple[Attached, ...] = ()
    told: Level | None = None
    """The highest level that was told of it past its present deadline."""
