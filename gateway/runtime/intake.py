"""Where drivers hand up what they have: a bounded queue whose every drop is counted.

Never blocks a driver and never fails; runs on the event loop only.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable

from gateway.driver import LinkStatus
from gateway.sample import SampleBatch

SAMPLES_KEPT = 1_000_000
"""Samples that may wait for the tick loop; a loop that is this far behind is not monitoring any more."""

_log = logging.getLogger(__name__)


class Intake:
    """Implements `gateway.driver.Receiver`."""

    def __init__(self) -> None:
        self._batches: deque[SampleBatch] = deque()
        self._links: list[LinkStatus] = []
        self.waiting = 0
        """Samples that wait for the tick loop now."""
        self._wake = asyncio.Event()
        self.dropped = 0
        """Samples lost since start because the tick loop, or a driver, did not keep up."""
        self.received = 0

    def samples(self, batch: SampleBatch) -> None:
        if not len(batch):
            return
        self.received += len(batch)
        self._batches.append(batch)
        self.waiting += len(batch)
        while self.waiting > SAMPLES_KEPT:
            oldest = self._batches.popleft()
            self.waiting -= len(oldest)
            self.dropped += len(oldest)
        self._wake.set()

    def link(self, status: LinkStatus) -> None:
        self._links.append(status)
        self._wake.set()

    def lost(self, device: str, count: int) -> None:
        self.dropped += count
        _log.warning("device %s: %d messages were dropped before they were read", device, count)

    async def wait(self, longest: float) -> None:
        """Return when something has come, or after `longest` seconds."""
        try:
            async with asyncio.timeout(longest):
                await self._wake.wait()
        except TimeoutError:
            return

    def exchange(self, renumber: Callable[[SampleBatch], SampleBatch]) -> None:
        """Put every batch that waits through `renumber`: the plant file is another one now."""
        batches = [renumber(batch) for batch in self._batches]
        self._batches = deque(batch for batch in batches if len(batch))
        self.waiting = sum(len(batch) for batch in self._batches)

    def drain(self) -> tuple[list[SampleBatch], list[LinkStatus]]:
        """Everything that has come since the last call, oldest first."""
        batches, links = list(self._batches), self._links
        self._batches.clear()
        self._links = []
        self.waiting = 0
        self._wake.clear()
        return batches, links
