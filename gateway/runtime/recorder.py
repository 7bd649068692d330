"""Samples on their way to a store: gathered, written a few times a second, never in the loop's way.

What the store cannot take is held up to a bound and retried; beyond it the oldest go, counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from itertools import groupby, islice
from operator import itemgetter

from gateway.errors import StoreFailed
from gateway.sample import Instant, SampleBatch

FLUSH_EVERY = 0.5
"""Seconds; what a crash can take from the curves. Events do not wait: they are in the journal."""

SAMPLES_HELD = 3_000_000
"""About twenty minutes of 2,000 points at 1 Hz, 150 MB."""

Append = Callable[[SampleBatch], Awaitable[None]]
"""Keeps a batch; raises StoreFailed, and then nothing of it is kept."""

_log = logging.getLogger(__name__)


class SampleRecorder:
    """Implements `gateway.runtime.loop.Recorder`."""

    def __init__(self, name: str, append: Append) -> None:
        self.name = name
        self._append = append
        self._held: deque[tuple[Append, SampleBatch]] = deque()
        self._flushing: Sequence[SampleBatch] = ()
        self.waiting = 0
        """Samples held now."""
        self.dropped = 0
        self.failure: StoreFailed | None = None

    def switch(self, append: Append) -> None:
        """From now on batches are numbered for `append`; what is held goes where it was meant for."""
        self._append = append

    @property
    def unwritten_since(self) -> Instant | None:
        """Receive time of the oldest sample that the store has not got yet; None if it has all."""
        first = [*self._flushing[:1], *(batch for _, batch in islice(self._held, 1))]
        return Instant(min(int(batch.receive_time.min()) for batch in first)) if first else None

    def offer(self, batch: SampleBatch) -> None:
        self._hold(self._append, batch)

    def _hold(self, append: Append, batch: SampleBatch) -> None:
        self._held.append((append, batch))
        self.waiting += len(batch)
        while self.waiting > SAMPLES_HELD:
            _, oldest = self._held.popleft()
            self.waiting -= len(oldest)
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
        waiting = [(append, [batch for _, batch in run]) for append, run in groupby(self._held, key=itemgetter(0))]
        if not waiting:
            return
        self._held.clear()
        self.waiting = 0
        self._flushing = [batch for _, batches in waiting for batch in batches]
        try:
            while waiting:
                append, batches = waiting[0]
                await append(SampleBatch.concatenate(batches))
                del waiting[0]
        except StoreFailed as failure:
            if self.failure is None:
                _log.error("samples for the %s are held in memory: %s", self.name, failure)
            self.failure = failure
            newer = list(self._held)
            self._held.clear()
            self.waiting = 0
            for append, batches in waiting:
                for batch in batches:
                    self._hold(append, batch)
            for append, batch in newer:
                self._hold(append, batch)
            return
        finally:
            self._flushing = ()
        if self.failure is not None:
            _log.info("the %s is writable again", self.name)
        self.failure = None
