"""Contract of a rule program: point columns in, three-valued conditions out.

A program is pure: no clock, no I/O, the same bits live and in back-test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.plant.model import Text
from gateway.plant.risk import RiskColour
from gateway.sample import Bytes, Floats, Instant, Instants, PointIndex


class Truth(IntEnum):
    """Kleene's three values. UNKNOWN is never false and never 'back to normal'."""

    FALSE = 0
    TRUE = 1
    UNKNOWN = 2


class Priority(StrEnum):
    """Alarm priority, from consequence and time to respond (ISA-18.2)."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def colour(self) -> RiskColour:
        return _COLOUR[self]


_COLOUR = {
    Priority.CRITICAL: RiskColour.RED,
    Priority.HIGH: RiskColour.ORANGE,
    Priority.MEDIUM: RiskColour.YELLOW,
    Priority.LOW: RiskColour.BLUE,
}


class TicketGrade(StrEnum):
    """Grade of a hazard: 重大 or 一般."""

    MAJOR = "major"
    ORDINARY = "ordinary"


@dataclass(frozen=True, slots=True)
class RuleInstance:
    """One rule on one equipment (or one point): what an alarm is made of."""

    index: int
    """Its condition column."""
    id: str
    """`<rule>@<equipment or point>`."""
    rule: str
    equipment: str
    clauses: tuple[str, ...]
    title: Text
    consequence: Text
    response: Text
    response_time: int
    """Allowed time for the person's response (microseconds)."""
    priority: Priority
    latch: bool
    ticket: TicketGrade | None
    first_out_group: str | None
    points: tuple[PointIndex, ...]
    """The points whose curves are the evidence."""
    hash: str
    """Of the rule's text and the limits that it was compiled with."""
    suppress: int | None = None
    """Condition column that, while TRUE, keeps the alarm from being annunciated (suppressed by design)."""
    re_alarm: int | None = None
    """After this time (microseconds) an acknowledged alarm that still stands is annunciated anew."""
    shadow: bool = False
    """Evaluated and journalled, never annunciated; no ticket, no interlock: a rule on trial."""


class EffectMode(StrEnum):
    OBSERVE = "observe"
    """The PLC acts; the gateway watches."""
    COMMAND = "command"
    """The gateway writes as well, because the plant file allows that output."""


class EffectNature(StrEnum):
    """What else than a demand may bring or end an effect."""

    SHARED = "shared"
    """The plant moves it in normal operation as well: that it comes says nothing."""
    EMERGENCY = "emergency"
    """Nothing but an emergency brings it: coming without a demand it is spurious."""
    MOMENTARY = "momentary"
    """As `emergency`, and it ends by itself: its end is no restart."""
    PROCESS = "process"
    """What the process shows of an action, such as a flow that ends: nobody's act, neither coming nor going."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect of an interlock: what must be seen, and by when."""

    id: str
    name: Text
    condition: int
    """Condition column that is TRUE once the effect is there."""
    within: int
    """Allowed time from the demand to the effect (microseconds)."""
    scan: int
    """Slowest period among the feedback points; `within` under five scans cannot be judged."""
    mode: EffectMode
    output: str | None
    value: float
    """What to write when commanded."""
    points: tuple[PointIndex, ...]
    hash: str = ""
    """Of all that a proof of it rests on: its condition, its points, its time, its output, the engaged bit."""
    nature: EffectNature = EffectNature.SHARED


@dataclass(frozen=True, slots=True)
class InterlockInstance:
    """One row of a cause-and-effect matrix on one equipment."""

    index: int
    id: str
    """`<interlock>@<equipment>`."""
    interlock: str
    equipment: str
    clauses: tuple[str, ...]
    name: Text
    causes: tuple[int, ...]
    """Condition columns of rules; any of them demands."""
    engaged: int | None
    """Condition column that is TRUE while the interlock is in service."""
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True, eq=False)
class PointColumns:
    """The latest of every point, by point index, staleness already applied."""

    value: Floats
    quality: Bytes
    reason: Bytes
    source_time: Instants
    receive_time: Instants


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """The outcome of a step, by condition column."""

    truth: Bytes
    """Values of `Truth`."""
    since: Instants
    """Source time at which the cause of the present truth set in: the onset that identities use."""


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a program would have seen over many ticks; columns of shape [points, ticks], staleness applied."""

    now: Instants
    """Time of each tick; never runs backwards."""
    value: Floats
    quality: Bytes
    reason: Bytes
    source_time: Instants
    receive_time: Instants

    def at(self, tick: int) -> PointColumns:
        """What a step is given at a tick, as views."""
        return PointColumns(
            self.value[:, tick],
            self.quality[:, tick],
            self.reason[:, tick],
            self.source_time[:, tick],
            self.receive_time[:, tick],
        )


@dataclass(frozen=True, slots=True, eq=False)
class ConditionTrace:
    """The outcome of many steps, of shape [conditions, ticks]; see `Conditions`."""

    truth: Bytes
    since: Instants


@dataclass(frozen=True, slots=True, eq=False)
class ProgramState:
    """Everything that a program remembers, by what each node computes; of use to a program with like nodes."""

    now: Instant
    """The last tick."""
    groups: tuple[tuple[NDArray[np.generic], ...], ...]
    """Columns of shape [..., nodes]."""
    places: Mapping[str, tuple[int, int]]
    """Group and row of each node, by its structural key."""
    unknown: Mapping[str, Instant]
    """Since when each condition has been UNKNOWN, by its node's key; only those that are."""


class Program(Protocol):
    """A compiled rule set. Call `step` and `scan` with a `now` that never runs backwards, in any order."""

    @property
    def horizon(self) -> int:
        """Microseconds of history after which every node is warm."""
        ...

    @property
    def rules(self) -> Sequence[RuleInstance]: ...

    @property
    def interlocks(self) -> Sequence[InterlockInstance]: ...

    def resume(self, standing: Mapping[str, Instant]) -> None:
        """Before the first step: the rules whose condition stood when the last run ended, and its onset.

        Without it a restart would be a return to normal of whatever its on-delay has not proven again.
        """
        ...

    def step(self, columns: PointColumns, now: Instant) -> Conditions:
        """Advance every node by one tick."""
        ...

    def scan(self, trace: Trace) -> ConditionTrace:
        """Advance every node by many ticks: the same bits as a `step` for each."""
        ...

    def catch_up(self, trace: Trace) -> None:
        """Advance every node by many ticks whose outcomes nobody asks for."""
        ...

    def forget(self) -> None:
        """Be as before the first tick."""
        ...

    def state(self) -> ProgramState | None:
        """What it remembers, as a copy; None before the first tick."""
        ...

    def adopt(self, state: ProgramState) -> frozenset[str]:
        """Before the first tick, or at the other's last one: take over what like nodes of another program remember.

        Returns the ids of the rules and interlocks that go on as if nothing had happened; all others keep what
        they have, or start anew.
        """
        ...
