"""Plants of a few points, and a receiver that keeps what drivers hand up."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.clock import SystemClock
from gateway.driver import Driver, DriverKind, DriverWork, LinkState, LinkStatus
from gateway.plant.model import Device, Output, Point, Text
from gateway.sample import Quality, Reason, Sample, SampleBatch

MILLISECOND = 1_000
WORDS = Text("", "")


@dataclass
class Kept:
    """Everything that came up, checked against the contract of samples as it comes."""

    batches: list[SampleBatch] = field(default_factory=list)
    links: list[LinkStatus] = field(default_factory=list)
    dropped: int = 0
    waiting: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def lost(self, device: str, count: int) -> None:
        self.dropped += count
        self._changed.set()

    def samples(self, batch: SampleBatch) -> None:
        for sample in batch.samples():
            assert (sample.quality is Quality.GOOD) == (sample.reason is Reason.NONE)
            assert math.isnan(sample.value) == (sample.quality is Quality.BAD)
        self.batches.append(batch)
        self._changed.set()

    def link(self, status: LinkStatus) -> None:
        self.links.append(status)
        self._changed.set()

    def all(self, point: int) -> list[Sample]:
        return [sample for batch in self.batches for sample in batch.samples() if sample.point == point]

    def states(self) -> list[LinkState]:
        return [status.state for status in self.links]

    async def until(self, met: Callable[[], object], seconds: float = 20.0) -> None:
        """Wait for something that is sure to come; the limit only ends a test that has failed."""
        async with asyncio.timeout(seconds):
            while not met():
                self._changed.clear()
                await self._changed.wait()

    async def next(self, point: int, wanted: Callable[[Sample], object], seconds: float = 20.0) -> Sample:
        """The first sample of the point, from now on, that is as wanted."""
        start = len(self.batches)
        found: list[Sample] = []

        def met() -> bool:
            for batch in self.batches[start:]:
                found.extend(s for s in batch.samples() if s.point == point and wanted(s))
            return bool(found)

        await self.until(met, seconds)
        return found[0]


def good(value: float) -> Callable[[Sample], bool]:
    return lambda sample: sample.quality is Quality.GOOD and sample.value == value


def because(*reasons: Reason) -> Callable[[Sample], bool]:
    return lambda sample: sample.reason in reasons


def device(kind: DriverKind, settings: Mapping[str, object]) -> Device:
    return Device("device", kind.name, WORDS, kind.device_settings.model_validate(settings))


def points(
    kind: DriverKind,
    addresses: Sequence[Mapping[str, object]],
    *,
    period: int = 20 * MILLISECOND,
    low: float = -1e12,
    high: float = 1e12,
) -> list[Point]:
    return [
        Point(
            index=index,
            id=f"equipment.kind{index}",
            name=WORDS,
            equipment="equipment",
            kind=f"kind{index}",
            unit="",
            low=low,
            high=high,
            period=period,
            stale_after=10 * period,
            device="device",
            address=kind.point_address.model_validate(address),
        )
        for index, address in enumerate(addresses)
    ]


def output(kind: DriverKind, address: Mapping[str, object]) -> Output:
    parsed = kind.output_address.model_validate(address)
    return Output("equipment.output", WORDS, "equipment", "output", "device", parsed, True, (0.0, 1.0))


@contextlib.asynccontextmanager
async def running(
    kind: DriverKind, settings: Mapping[str, object], some: Sequence[Point]
) -> AsyncIterator[tuple[Kept, Driver]]:
    """A driver at work; fails if it ended by itself."""
    kept = Kept()
    driver = kind.open(DriverWork(device(kind, settings), some, (), kept, SystemClock()))
    task = asyncio.create_task(driver.run())
    try:
        yield kept, driver
        assert not task.done(), "the driver ended by itself"
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
