"""Samples on their way to a store: gathered, written a few times a second, never in the loop's way.

What the store cannot take is held up to a bound and retried; beyond it the oldest go, counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from gateway.errors import StoreFailed
from gateway.sample import SampleBatch

FLUSH_EVERY = 0.5
"""Seconds; what a crash can take from the curves. Events do not wait: they are in the journal."""

SAMPLES_HELD = 3_000_000
"""About twenty minutes of 2,000 points at 1 Hz, 150 MB."""

_log = logging.getLogger(__name__)


class SampleRecorder:
    """Implements `gateway.runtime.loop.Recorder`."""

    def __init__(self, name: str, append: Callable[[SampleBatch], Awaitable[None]]) -> None:
        self.name = name
        self._append = append
        self._held: deque[SampleBatch] = deque()
        self._waiting = 0
        self.dropped = 0
        self.failure: StoreFailed | None = None

    def offer(self, batch: SampleBatch) -> None:
        self._held.append(batch)
        self._waiting += len(batch)
        while self._waiting > SAMPLES_HELD:
            oldest = self._held.popleft()
            self._waiting -= len(oldest)
            self.dropped += len(oldest)

    async def run(self) -> None:
        """Flush for ever; on cancellation let the present flush end, and flush once more."""
        flushing: asyncio.Future[None] | None = None
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY)
                flushing = asyncio.ensure_future(self.flush())
                await asyncio.shield(flushing)
        finally:
            if flushing is not None:
                await flushing
            await self.flush()

    async def flush(self) -> None:
        """Write what is held; a failure leaves it held."""
        batches = list(self._held)
        if not batches:
            return
        self._held.clear()
        self._waiting = 0
        try:
            await self._append(SampleBatch.concatenate(batches))
        except StoreFailed as failure:
            if self.failure is None:
                _log.error("samples for the %s are held in memory: %s", self.name, failure)
            self.failure = failure
            newer = list(self._held)
            self._held.clear()
            self._waiting = 0
            for batch in (*batches, *newer):
                self.offer(batch)
            return
        if self.failure is not None:
            _log.info("the %s is writable again", self.name)
        self.failure = None
