"""What stands between a wish and an output: rate, permissives, and what must be seen after a write.

Values only. Whether a write is permitted now, and what was seen after it, is for `gateway.machines` to say.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

MOST_CHANGES = 100
"""Changes that a rate may count, and so that are remembered."""


class Comparison(StrEnum):
    """How one point is compared. The last three look at how it moves after the command."""

    EQUALS = "equals"
    ABOVE = "above"
    BELOW = "below"
    FALLS_BY = "falls_by"
    RISES_BY = "rises_by"
    STEADY = "steady"

    @property
    def moves(self) -> bool:
        """Whether it compares with what the point was at the command, or over a time."""
        return self in (Comparison.FALLS_BY, Comparison.RISES_BY, Comparison.STEADY)


class Aspect(StrEnum):
    """What a command is proven by, beside the device's word."""

    FEEDBACK = "feedback"
    """The output did what it was told."""
    PROCESS = "process"
    """The plant followed."""


@dataclass(frozen=True, slots=True)
class PointTest:
    """One comparison of one point with a number in the point's own unit; unknown unless the value is GOOD."""

    point: str
    comparison: Comparison
    operand: float
    unit: str = ""

    @property
    def words(self) -> str:
        """Such as `caster1.mould_water_flow above 90 m3/h`."""
        return f"{self.point} {self.comparison.value.replace('_', ' ')} {self.operand:g} {self.unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be seen after one value was written, and by when."""

    value: float
    test: PointTest
    within: int
    """From the command to the sight (microseconds)."""
    held: int = 0
    """How long `steady` must last (microseconds); it ends within `within`."""
    scan: int = 0
    """Period of the point; a time under five of them cannot be judged."""


@dataclass(frozen=True, slots=True)
class Rate:
    """At most so many changes of value within any such time."""

    changes: int
    within: int
    """Microseconds."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What limits and proves the writes of one output."""

    fail_safe: float | None = None
    """The value of the safe state: no permissive and no rate ever refuses it."""
    rate: Rate | None = None
    permissives: tuple[PointTest, ...] = ()
    """Each must be TRUE for any value but the fail-safe one; unknown refuses."""
    feedback: tuple[Expectation, ...] = ()
    """That the output did what it was told: a limit switch, a contactor."""
    process: tuple[Expectation, ...] = ()
    """That the plant followed: the flow falls, the level stops."""
    people: bool = False
    """Whether a person may command it, in two steps."""
    starts: bool = False
    """Whether it starts its equipment: refused while an interlock whose proof is overdue withholds the start."""

    @property
    def conditional(self) -> bool:
        """Whether a write can be refused for the state of the plant."""
        return self.rate is not None or bool(self.permissives) or self.starts

    def expected(self, aspect: Aspect, value: float) -> Expectation | None:
        """What must be seen after this value was written."""
        entries = self.feedback if aspect is Aspect.FEEDBACK else self.process
        return next((entry for entry in entries if entry.value == value), None)
