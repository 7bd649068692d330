"""Contract of a driver: the outside world in, sample batches out; commands out, receipts in.

A driver never raises into the runtime, never blocks another device, and never invents a value.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from pydantic import BaseModel

from gateway.clock import Clock
from gateway.errors import Problem
from gateway.plant.model import Device, Output, Point
from gateway.sample import Instant, Reason, SampleBatch


class LinkState(StrEnum):
    """What is known of the connection; never used in place of the age of the data."""

    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """Told once per change, not once per failure."""

    device: str
    state: LinkState
    reason: Reason
    detail: str
    at: Instant
    clock_ahead: int | None = None
    """How far the source whose clock is furthest off is ahead of us (microseconds, whole seconds; negative: behind).
    0 where none is off by more than clocks and networks are, None where no source has told its time."""
    clock_source: str = ""
    """That source, where one is off."""


class Receiver(Protocol):
    """Where a driver hands up what it has; every call returns at once and never fails."""

    @property
    def waiting(self) -> int:
        """Samples handed up and not yet taken in; only a source that can wait looks at it."""
        ...

    def samples(self, batch: SampleBatch) -> None: ...

    def link(self, status: LinkStatus) -> None: ...

    def lost(self, device: str, count: int) -> None:
        """That a driver had to drop so many messages: counted, and an alarm while the count is not zero."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a write. `written` says that the device holds it, or confirmed it where nothing can be read back;
    not that anything moved."""

    written: bool
    detail: str
    at: Instant


class Driver(Protocol):
    """One device. `run` first; `write` at any time while it runs."""

    async def run(self) -> None:
        """Read for ever, reconnecting for ever with bounded back-off; ends only by cancellation."""
        ...

    async def write(self, output: Output, value: float) -> Receipt:
        """Write one allowed value; a failure is a receipt, not an exception."""
        ...


@dataclass(frozen=True, slots=True)
class DriverWork:
    """Everything one driver instance needs."""

    device: Device
    points: Sequence[Point]
    outputs: Sequence[Output]
    receiver: Receiver
    clock: Clock


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a driver can do. A claim, and therefore tested: see tests/drivers/conformance."""

    transports: frozenset[str]
    """Ways to reach a device, such as `tcp` and `tls`."""
    polls: bool
    """True where the driver asks on the points' own periods; False where the source speaks by itself."""
    writes: bool
    """Whether outputs can be written; otherwise every write is a receipt that says no."""
    source_time: bool
    """Whether a sample can carry the time at which the source measured."""
    source_quality: bool
    """Whether the source's own verdict on its value (fault, warming up) is heard."""


def _nothing_to_examine(_device: Device, _points: Sequence[Point]) -> Sequence[Problem]:
    return ()


def _as_written(_device: Device, address: BaseModel, _equipment: str, _kind: str) -> BaseModel:
    return address


@dataclass(frozen=True, slots=True)
class DriverKind:
    """What the plant file and the composition root need to know of a driver."""

    name: str
    """The word after `driver:` in the plant file."""
    device_settings: type[BaseModel]
    point_address: type[BaseModel]
    output_address: type[BaseModel]
    open: Callable[[DriverWork], Driver]
    occupies: Callable[[Device, BaseModel], Sequence[Hashable]]
    """Places that an address takes on its device; two points that share one are a mistake."""
    load: Callable[[Device, Sequence[Point]], ScanLoad | None]
    """Cost of one scan as configured, or None where the device speaks by itself."""
    manifest: Manifest
    line: Callable[[Device], str | None] = lambda _: None
    """What devices share whose scans take turns, such as a serial port; None where each has its own."""
    terms: Callable[[Device], str] = lambda _: ""
    """What all devices of one line must have in common, such as its speed; in words."""
    examine: Callable[[Device, Sequence[Point]], Sequence[Problem]] = _nothing_to_examine
    """What `tocsin check` finds outside the plant file: a recording, a certificate. May read files."""
    locate: Callable[[Device, BaseModel, str, str], BaseModel] = _as_written
    """The whole address of one point or output of an equipment and kind: the device's defaults filled in.
    Raises ValueError."""
    check_read_back: Callable[[Device, BaseModel], None] | None = None
    """Whether what is written at an output's address can be read back; raises ValueError where it cannot.
    None where the driver reads nothing back."""


@dataclass(frozen=True, slots=True)
class ScanLoad:
    """How long a scan is expected to take against how often it is due (microseconds)."""

    requests: int
    expected: int
    period: int
