"""What the conformance suite needs of a driver's far end: something that says numbers and goes wrong on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from gateway.driver import DriverKind
from gateway.sample import Instant, Reason

STEP = 100
"""Point n says `value + STEP * n`, so that a value in the wrong place shows."""


class Fault(StrEnum):
    """What devices do wrong; every rig has each of them, or says why it cannot happen."""

    REFUSE = "refuse"
    """Turns every connection away."""
    GONE = "gone"
    """Nobody is at the address any more."""
    HANG = "hang"
    """Takes everything and never answers."""
    HALF_A_FRAME = "half a frame"
    GARBAGE = "garbage"
    SLOW_DRIP = "slow drip"
    WRONG_ID = "wrong id"
    """Speaks, but not to us: another unit, transaction or topic."""
    LATE_REPLY = "late reply"
    EXCEPTION = "exception"
    """Answers that it will not."""
    RESTART = "restart"
    """Goes and comes back at once."""


class Rig(Protocol):
    """One device with two points. Entered, it is sound and says 1000 and 1000 + STEP."""

    kind: DriverKind
    transport: str
    """The way of the manifest by which it is reached."""
    reasons: Mapping[Fault, frozenset[Reason]]
    """What the points may carry while a fault lasts; empty where the fault may pass without a trace."""
    impossible: Mapping[Fault, str]
    """Faults that this kind of source cannot have, and why."""
    addresses: Sequence[Mapping[str, object]]
    output: Mapping[str, object] | None
    """Something to write, where the driver writes."""
    visits: int
    """How often somebody has come to it."""

    def __init__(self, folder: Path) -> None: ...

    @property
    def settings(self) -> Mapping[str, object]: ...

    @property
    def written(self) -> float | None:
        """What was last written to the output, as the device understood it."""
        ...

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    def say(self, value: int) -> None:
        """Mean this number from now on."""

    def date(self, at: Instant) -> None:
        """Say from now on that it was measured then; only where the manifest claims `source_time`."""

    def disown(self) -> None:
        """Say from now on that its own values are wrong; only where the manifest claims `source_quality`."""

    async def inflict(self, fault: Fault) -> None: ...

    async def mend(self) -> None: ...
