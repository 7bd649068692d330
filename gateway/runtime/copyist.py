"""Samples on their way to a store elsewhere: read from the embedded history behind a cursor, never held in memory.

The embedded store always has a sample first. What came while the other store was away is caught up at a bounded rate,
live samples first, old ones with their own time; then both sides are counted, and what is missing is copied again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import numpy as np

from gateway.clock import Clock
from gateway.errors import RecordsRefused, StoreFailed
from gateway.plant.model import Plant
from gateway.runtime.recorder import Append
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import Copy, History, Journal, Tally

EVERY = 0.5
"""Seconds between turns."""

RETRY_AFTER = 2.0
"""Seconds after a failure."""

SETTLED = 2 * SECOND
"""What was received longer ago than this is in the history in order: drivers stamp before they hand up."""

BEHIND = 30 * SECOND
"""A copy that is further behind than this takes the live samples first, and the rest afterwards."""

AT_ONCE = 50_000
"""Old samples in one turn, and so at most 100,000 a second."""

LIVE_AT_ONCE = 10_000

CHECKED = 600 * SECOND
"""Source time counted in one go."""

TURNS_A_CHECK = 20
"""A count after so many turns: it may cost both stores more than a turn of copying."""

_log = logging.getLogger(__name__)


class Copyist:
    """Copies every sample once or more; `complete` says up to when nothing is missing."""

    def __init__(
        self,
        name: str,
        copy: Copy,
        history: History,
        journal: Journal,
        clock: Clock,
        unwritten_since: Callable[[], Instant | None],
    ) -> None:
        self.name = name
        self.failure: StoreFailed | RecordsRefused | None = None
        self.note = ""
        """What the store elsewhere does not let the gateway set up."""
        self.complete = Instant(0)
        """Every sample received before this is there."""
        self.live = Instant(0)
        """Samples received since the gap, up to this, are there as well."""
        self.refused = 0
        """Samples that the store elsewhere can never take."""
        self.missing = 0
        """Samples that were missing by count, and still were after they had been copied again."""
        self._cursor = f"{name} samples"
        self._append: Append = copy.append_samples
        self._copy, self._history, self._journal, self._clock = copy, history, journal, clock
        self._unwritten_since = unwritten_since
        self._gap_end = Instant(0)
        self._kept = Instant(0)
        self._to_check: dict[int, None] = {}
        """Stretches that were caught up, by number, oldest first."""
        self._turns = 0

    @property
    def behind(self) -> int:
        """Microseconds by which the newest copied sample is behind the newest settled one."""
        return max(0, self._settled() - self.live)

    @property
    def backlog(self) -> int:
        """Microseconds of samples still to be caught up; of a copy that is new, up to all there ever were."""
        return self._gap_end - self.complete

    def switch(self, plant: Plant) -> None:
        """The history numbers points by this plant file from now on; what was read before goes as it was read."""
        self._append = self._copy.bind(plant)

    async def run(self) -> None:
        """Copy for ever; ends by cancellation."""
        prepared = False
        while True:
            try:
                if not prepared:
                    await self._begin()
                    prepared = True
                await self.turn()
            except (StoreFailed, RecordsRefused) as failure:
                if self.failure is None:
                    _log.error("samples wait for the %s: %s", self.name, failure)
                self.failure = failure
                await asyncio.sleep(RETRY_AFTER)
                continue
            if self.failure is not None:
                _log.info("the %s takes samples again", self.name)
                self.failure = None
            await asyncio.sleep(EVERY)

    async def turn(self) -> None:
        """Live samples, then some old ones, or a count; raises StoreFailed."""
        await self._copy_live()
        if self.backlog:
            await self._copy_old()
        elif self._to_check:
            self._turns = (self._turns + 1) % TURNS_A_CHECK
            if self._turns == 0:
                await self._check_one()
        await self._keep_place()

    async def _begin(self) -> None:
        self.note = await self._copy.prepare()
        if self.note:
            _log.warning("%s: %s", self.name, self.note)
        cursor, settled = Instant(await self._journal.cursor(self._cursor)), self._settled()
        if cursor > settled + SETTLED:
            # The clock was set back while nobody ran: what comes now is stamped before what was copied last.
            _log.warning("the clock is %.0f s behind the last copied sample", (cursor - settled) / SECOND)
            await self._journal.rewind(self._cursor, settled)
            cursor = settled
        self._kept = self.complete = self.live = self._gap_end = cursor

    def _settled(self) -> Instant:
        waiting = self._unwritten_since()
        now = self._clock.now()
        return Instant((now if waiting is None else min(now, waiting)) - SETTLED)

    async def _copy_live(self) -> None:
        until = self._settled()
        if until - self.live > BEHIND:
            # What lies between waits: whoever looks at the copy now wants to see now.
            self._gap_end = self.live = Instant(until - SECOND)
        if until <= self.live:
            return
        whole = not self.backlog
        append = self._append
        async for batch in self._history.samples(None, self.live, until, chunk=LIVE_AT_ONCE):
            await self._offer(batch, append)
        self.live = until
        if whole:
            self.complete = self._gap_end = until

    async def _copy_old(self) -> None:
        """The oldest that are missing; the place moves on with every batch, so that a failure costs one."""
        begin, left, append = self.complete, AT_ONCE, self._append
        async for batch in self._history.samples(None, self.complete, self._gap_end, chunk=LIVE_AT_ONCE):
            await self._offer(batch, append)
            self._to_check.update(dict.fromkeys(np.unique(batch.receive_time // CHECKED).tolist()))
            self.complete = Instant(int(batch.receive_time[-1]))
            left -= len(batch)
            # The next turn begins with the instant that this one ends in, so it must not be the same again.
            if left <= 0 and self.complete > begin:
                return
        self.complete = self._gap_end = self.live

    async def _check_one(self) -> None:
        """Count both sides over one stretch of source time, and go over what is missing once more."""
        stretch = next((at for at in self._to_check if (at + 1) * CHECKED + SETTLED <= self.complete), None)
        if stretch is None:
            return
        start, end = Instant(stretch * CHECKED), Instant((stretch + 1) * CHECKED)
        here = await self._here(start, end)
        missing = _lacking(here, await self._copy.tally(start, end))
        if missing:
            _log.error("the %s lacks %d of %d samples; they are copied again", self.name, missing, here.samples)
            append = self._append
            async for batch in self._history.samples(None, start, Instant(end + SETTLED), chunk=LIVE_AT_ONCE):
                await self._offer(batch, append)
            missing = _lacking(here, await self._copy.tally(start, end))
        self.missing += missing
        del self._to_check[stretch]

    async def _here(self, start: Instant, end: Instant) -> Tally:
        """What the history holds with a source time in [start, end), received by a little later."""
        keys, numbers = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.bool_)]
        async for batch in self._history.samples(None, start, Instant(end + SETTLED), chunk=AT_ONCE):
            within = (batch.source_time >= start) & (batch.source_time < end)
            keys.append(batch.point[within].astype(np.int64) * CHECKED + batch.source_time[within] - start)
            numbers.append(np.isfinite(batch.value[within]))
        _, last = np.unique(np.concatenate(keys)[::-1], return_index=True)
        return Tally(len(last), int(np.concatenate(numbers)[::-1][last].sum()))

    async def _offer(self, batch: SampleBatch, append: Append) -> None:
        """Copy a batch; halve what is refused until the samples are found that can never be taken."""
        try:
            await append(batch)
        except RecordsRefused as refusal:
            if len(batch) > 1:
                middle = len(batch) // 2
                await self._offer(batch.part(0, middle), append)
                await self._offer(batch.part(middle, len(batch)), append)
                return
            self.refused += 1
            _log.error("the %s can never take a sample: %s", self.name, refusal)

    async def _keep_place(self) -> None:
        """Make the place durable, but not so often that it costs the journal much."""
        if self.complete - self._kept >= 5 * SECOND or (self.complete > self._kept and not self.backlog):
            await self._journal.advance(self._cursor, self.complete)
            self._kept = self.complete


def _lacking(here: Tally, there: Tally) -> int:
    return max(0, here.samples - there.samples, here.numbers - there.numbers)
