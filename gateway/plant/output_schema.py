"""What a plant file says of outputs beside their address, and of heartbeats: shapes.

What they refer to is checked in `gateway.plant.output_checks`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, StrictBool

from gateway.document.fields import Quantity, Words
from gateway.duration import Duration
from gateway.plant.guard import MOST_CHANGES, Comparison
from gateway.plant.shape import Shape

Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
PositiveDuration = Annotated[Duration, Field(gt=0)]


class ComparisonShape(Shape):
    """One comparison of one point."""

    point: Words
    """Id of the point, `<equipment>.<kind>`."""
    equals: Number | None = None
    above: Quantity | None = None
    below: Quantity | None = None

    def comparisons(self) -> dict[Comparison, tuple[float, str]]:
        """What is written, by comparison; one entry where all is well."""
        found: dict[Comparison, tuple[float, str]] = {}
        for comparison in Comparison:
            written = getattr(self, comparison.value, None)
            if written is not None:
                found[comparison] = written if isinstance(written, tuple) else (float(written), "")
        return found


class ExpectationShape(ComparisonShape):
    """What must be seen after one value was written, and by when."""

    value: Number
    """The written value that it follows."""
    falls_by: Quantity | None = None
    """Below what it was at the command, by so much."""
    rises_by: Quantity | None = None
    """Above what it was at the command, by so much."""
    steady: Quantity | None = None
    """Moves no more than so much, for `held`."""
    held: PositiveDuration | None = None
    within: PositiveDuration
    """From the command to the sight; at least five periods of the point."""


class RateShape(Shape):
    """At most so many changes of value within any such time."""

    changes: Annotated[int, Field(strict=True, ge=1, le=MOST_CHANGES)]
    within: PositiveDuration


class HeartbeatShape(Shape):
    """A register that the gateway counts up while it lives; the driver's own address stands beside `period`."""

    model_config = ConfigDict(extra="allow")

    period: PositiveDuration = 1_000_000
    """How often it is counted up."""
    counts: Annotated[int, Field(strict=True, ge=2, le=65_536)] = 32_768
    """The counter runs from 0 to one less; 2 for a coil that changes sides."""


class GuardShape(Shape):
    """What limits and proves the writes of an output."""

    fail_safe: Number | None = None
    """The value of the safe state; no permissive and no rate ever refuses it."""
    rate: RateShape | None = None
    permissives: list[ComparisonShape] = Field(default_factory=list)
    """Each must be TRUE for any value but the fail-safe one; unknown refuses."""
    feedback: list[ExpectationShape] = Field(default_factory=list)
    """That the output did what it was told, by value."""
    process: list[ExpectationShape] = Field(default_factory=list)
    """That the plant followed, by value."""
    people: StrictBool = False
    """Whether a person may command it, in two steps."""
    starts: StrictBool = False
    """Whether it starts its equipment: refused while an overdue proof of an interlock withholds the start."""
