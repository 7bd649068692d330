"""The shapes that cross the wire. The page's TypeScript types are generated from these.

Times are integers, microseconds since 1970 UTC. A value that is not good travels as null.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator

from gateway.api.health_schema import HealthView as HealthView
from gateway.api.ticket_schema import TicketStep as TicketStep
from gateway.api.ticket_schema import TicketView as TicketView
from gateway.event import Entry
from gateway.events.interlocks import Verdict
from gateway.machines.alarm import AlarmStateName, Projected
from gateway.machines.suppression import Removal, Shelf
from gateway.plant.criteria import ClauseCertainty
from gateway.plant.model import RiskGrade, Text
from gateway.plant.risk import RiskColour
from gateway.rule import EffectMode, Priority
from gateway.sample import Reading
from gateway.trial_log import TrialRaise


@dataclass(frozen=True, slots=True)
class AlarmView:
    id: str
    occurrence: str
    state: AlarmStateName
    unknown: bool
    """The condition cannot be evaluated now; the state stands."""
    rule: str
    equipment: str
    area: str
    clauses: tuple[str, ...]
    title: Text
    consequence: Text
    response: Text
    response_time: int
    priority: Priority
    colour: RiskColour
    onset: int
    raised_at: int
    acknowledged_at: int | None
    acknowledged_by: str | None
    cleared_at: int | None
    first_out: bool
    ticket: str | None
    points: tuple[int, ...]
    readings: tuple[Reading, ...]
    actions: tuple[str, ...]
    """What a person may do with it now: each is a route of this name under the alarm."""
    shown: Projected = Projected.NORMAL
    """The one name of all axes together; `state` is that of condition, acknowledgement and latch alone."""
    tie: bool = False
    """First-out together with another: the clocks cannot tell."""
    re_alarms: int = 0
    annunciated_at: int | None = None
    """Since when it asks for a person; null while it asks for nobody or is kept from asking."""
    shelf: Shelf | None = None
    suppressed_since: int | None = None
    removal: Removal | None = None
    shelve_max: int = 0
    """Longest shelving of this alarm; 0 if it is never shelved."""
    two_person: bool = False
    """Shelving it or taking it out of service needs a second person."""


@dataclass(frozen=True, slots=True)
class TrialView:
    """A rule on trial (试运行): watched and journalled, never annunciated."""

    id: str
    rule: str
    equipment: str
    area: str
    clauses: tuple[str, ...]
    title: Text
    priority: Priority
    """What its alarm would have."""
    truth: str
    """`true`, `false` or `unknown`."""
    since: int
    rule_hash: str
    points: tuple[int, ...]
    response: Text
    """What its alarm would ask of a person."""
    on_trial_since: int | None = None
    """In this version; null until the journal has been read so far."""
    raised: int = 0
    """Alarms that it would have raised since then."""
    latest: tuple[TrialRaise, ...] = ()
    """The latest of them, oldest first."""


@dataclass(frozen=True, slots=True)
class ReloadView:
    """What a reload of plant file and rules has changed. Lists are of rule instances."""

    at: int
    plant_hash_before: str
    plant_hash_after: str
    rules_hash_before: str
    rules_hash_after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    devices_restarted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EffectView:
    id: str
    name: Text
    mode: EffectMode
    verdict: Verdict
    delay: int | None
    within: int
    command_written: bool | None
    """None where nothing was commanded."""


@dataclass(frozen=True, slots=True)
class DemandView:
    id: str
    interlock: str
    name: Text
    equipment: str
    area: str
    clauses: tuple[str, ...]
    causes: tuple[str, ...]
    onset: int
    demanded_at: int
    ended_at: int | None
    verdict: Verdict
    """The worst of the effects' verdicts."""
    effects: tuple[EffectView, ...]
    bypass: str = ""
    """The bypass that covers it; empty for none."""
    test: str = ""
    """The proof test that it is part of; empty for none."""


@dataclass(frozen=True, slots=True)
class LinkView:
    device: str
    name: Text
    driver: str
    state: str
    reason: str
    detail: str
    since: int
    clock_ahead: int | None = None
    """How far the clock that is furthest off is ahead of the gateway's (microseconds; negative: behind); 0 where none
    is worth a word, null where no source has told its time."""
    clock_source: str = ""
    """Whose clock that is."""


@dataclass(frozen=True, slots=True)
class LimitLine:
    """A threshold to draw in a trend, in the point's unit."""

    name: str
    title: Text
    value: float


@dataclass(frozen=True, slots=True)
class PointView:
    index: int
    id: str
    name: Text
    equipment: str
    kind: str
    unit: str
    low: float
    high: float
    period: int
    stale_after: int
    states: tuple[tuple[int, Text], ...]
    """Words for the values of a state; empty for a measurement."""
    limits: tuple[LimitLine, ...]
    device: str
    source: str
    """Address on the device, for people."""


@dataclass(frozen=True, slots=True)
class AreaView:
    id: str
    name: Text
    staffed: bool


@dataclass(frozen=True, slots=True)
class EquipmentView:
    id: str
    equipment_class: str
    class_name: Text
    area: str
    parent: str | None
    name: Text


@dataclass(frozen=True, slots=True)
class PlantView:
    version: str
    site: str
    name: Text
    credit_code: str
    industry: str
    risk_grade: RiskGrade
    areas: tuple[AreaView, ...]
    equipment: tuple[EquipmentView, ...]
    points: tuple[PointView, ...]


class CoverageStatus(StrEnum):
    COVERED = "covered"
    FAILED = "failed"
    """Points are there but not good now."""
    BYPASSED = "bypassed"
    """All is there, but an interlock of it is bypassed now."""
    MISSING = "missing"
    LEDGER = "ledger"
    """No sensor can watch it: a person checks it and writes it down."""


@dataclass(frozen=True, slots=True)
class LimitView:
    """A threshold in force for one equipment; an override is visible as such."""

    name: str
    title: Text
    value: float
    unit: str
    source: str
    overridden: bool
    default: float
    """What the criteria have where the plant file says nothing, in `default_unit`."""
    default_unit: str
    default_source: str
    certainty: str
    """`standard`, `typical` or `engineering`: how sure the criteria are of their default."""


@dataclass(frozen=True, slots=True)
class CoverageRow:
    """What one clause asks of one equipment, and what answers it; or what of it stands in the ledger alone."""

    clause: str
    title: Text
    equipment: str
    """Empty where the row is the ledger's."""
    status: CoverageStatus
    points: tuple[str, ...]
    missing_points: tuple[str, ...]
    failed_points: tuple[str, ...]
    rules: tuple[str, ...]
    interlocks: tuple[str, ...]
    missing_rules: tuple[str, ...]
    limits: tuple[LimitView, ...]
    ledger: Text | None = None
    """What a person checks, where the status is `ledger`."""
    certainty: ClauseCertainty = ClauseCertainty.FROM_MEMORY
    """How sure we are of the clause."""


@dataclass(frozen=True, slots=True)
class SampleColumns:
    """Changed points: parallel columns. `value` is null unless quality is good or uncertain."""

    point: tuple[int, ...]
    value: tuple[float | None, ...]
    quality: tuple[int, ...]
    reason: tuple[int, ...]
    source_time: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything as of journal `sequence`; the stream continues from exactly there."""

    type: Literal["snapshot"] = "snapshot"
    sequence: int
    now: int
    plant: PlantView
    samples: SampleColumns
    alarms: tuple[AlarmView, ...]
    tickets: tuple[TicketView, ...]
    demands: tuple[DemandView, ...]
    links: tuple[LinkView, ...]
    health: HealthView


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplesMessage:
    type: Literal["samples"] = "samples"
    now: int
    samples: SampleColumns


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangesMessage:
    """Journal entries, and the views that they changed, whole: replace by id.

    An alarm view that is shown as `normal` leaves the list. A view in state `normal`
    that is `unknown` has never been raised: it stands for protection that is lost now.
    """

    type: Literal["changes"] = "changes"
    now: int
    sequence: int
    events: tuple[Entry, ...]
    alarms: tuple[AlarmView, ...]
    tickets: tuple[TicketView, ...]
    demands: tuple[DemandView, ...]
    links: tuple[LinkView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeartbeatMessage:
    """Every second, whether or not anything happened."""

    type: Literal["heartbeat"] = "heartbeat"
    now: int
    sequence: int
    health: HealthView


LiveMessage = Annotated[Snapshot | SamplesMessage | ChangesMessage | HeartbeatMessage, Discriminator("type")]


@dataclass(frozen=True, slots=True)
class Trend:
    """A curve for a chart: parallel columns, one entry per bucket that holds anything."""

    point: str
    bucket: int
    start: tuple[int, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    mean: tuple[float | None, ...]
    last: tuple[float | None, ...]
    worst_quality: tuple[int, ...]
    limits: tuple[LimitLine, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """The curves of a ticket, ten minutes either side of its onset, and the events beside them."""

    ticket: str
    onset: int
    start: int
    end: int
    curves: tuple[Trend, ...]
    events: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class ProblemView:
    field: str
    expected: str
    got: str


@dataclass(frozen=True, slots=True)
class ErrorView:
    """Body of every 4xx and 5xx answer."""

    error: str
    message: str
    problems: tuple[ProblemView, ...] = ()
