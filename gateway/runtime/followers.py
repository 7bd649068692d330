"""Followers of the journal: each reads on from a cursor of its own and is caught up after any outage.

What a target refuses for what it says is set aside, told and counted: it holds up nothing that comes after it,
and is never passed over in silence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.errors import RecordsRefused, StoreFailed
from gateway.event import Entry
from gateway.runtime.loop import Tick
from gateway.store import Journal

AT_ONCE = 1_000
"""Entries handed over in one go."""

RETRY_AFTER = 2.0
"""Seconds between attempts while the follower's target cannot take more."""

_log = logging.getLogger(__name__)


class Follower:
    """Hands every journal entry to `target`, in order, and moves its cursor only after that succeeded.

    An entry may be handed over twice (a crash between target and cursor): targets are idempotent.
    """

    def __init__(
        self,
        name: str,
        journal: Journal,
        target: Callable[[Sequence[Entry]], Awaitable[None]],
        reached: Callable[[], Awaitable[int]] | None = None,
    ) -> None:
        """`reached`: the last entry that the target has, of one that can say so; it may be older than the cursor."""
        self.name = name
        self.position = 0
        self.failure: StoreFailed | None = None
        self.set_aside = 0
        """Entries that the target refused, of all time."""
        self._journal = journal
        self._target = target
        self._reached = reached
        self._wake = asyncio.Event()

    def on_tick(self, tick: Tick) -> None:
        """Implements `gateway.runtime.loop.Listener`."""
        if tick.entries:
            self._wake.set()

    async def run(self) -> None:
        """Follow for ever; ends by cancellation."""
        while True:
            try:
                self.position = await self._begin()
                self.set_aside = len(await self._journal.aside(self.name))
                await self._follow()
            except StoreFailed as failure:
                if self.failure is None:
                    _log.error("follower %s waits: %s", self.name, failure)
                self.failure = failure
                await asyncio.sleep(RETRY_AFTER)

    async def _begin(self) -> int:
        """Where to read on: the cursor, or what the target has, if it is an older copy or was made anew."""
        cursor = await self._journal.cursor(self.name)
        if self._reached is None:
            return cursor
        reached, last = await self._reached(), await self._journal.last_sequence()
        if reached > last:
            _log.error(
                "the %s knows entry %d, the journal ends at %d: they do not belong together", self.name, reached, last
            )
        if reached < cursor:
            _log.warning("the %s has entries up to %d of %d; the rest follows again", self.name, reached, cursor)
        return min(cursor, reached)

    async def _follow(self) -> None:
        while True:
            entries = await self._journal.read(self.position, AT_ONCE)
            if entries:
                await self._hand_over(entries)
                await self._journal.advance(self.name, entries[-1].sequence)
                self.position = entries[-1].sequence
            if self.failure is not None:
                _log.info("follower %s goes on", self.name)
                self.failure = None
            if len(entries) < AT_ONCE:
                await self._wake.wait()
                self._wake.clear()

    async def _hand_over(self, entries: Sequence[Entry]) -> None:
        """Give the target everything that it takes; halve what it refuses until the one record is found."""
        try:
            await self._target(entries)
        except RecordsRefused as refusal:
            if len(entries) > 1:
                middle = len(entries) // 2
                await self._hand_over(entries[:middle])
                await self._hand_over(entries[middle:])
                return
            await self._journal.set_aside(self.name, entries[0].sequence, refusal.cause)
            self.set_aside += 1
            _log.error("follower %s set entry %d aside: %s", self.name, entries[0].sequence, refusal)
