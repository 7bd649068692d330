"""The channels to people outside the room that are in force: one follower of the journal each, exchanged by a reload.

A channel that stays keeps its place in the journal; one that is new tells what comes, not what was, and says so at
once: whether it works is known before it is needed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import StoreFailed
from gateway.plant.duty import NotifyTarget
from gateway.plant.model import Plant
from gateway.runtime.followers import RETRY_AFTER, Follower
from gateway.runtime.loop import Loop, Tick
from gateway.runtime.notify import Notifier
from gateway.store import Journal

_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Channel:
    """One target, and where in the journal it begins; None for where it was."""

    notifier: Notifier
    follower: Follower
    begins_after: int | None

    async def run(self, journal: Journal) -> None:
        while self.begins_after is not None:
            try:
                await journal.advance(self.follower.name, self.begins_after)
                self.begins_after = None
            except StoreFailed as failure:
                _log.error("channel %s waits: %s", self.follower.name, failure)
                await asyncio.sleep(RETRY_AFTER)
        await self.follower.run()


class Notifiers:
    """Implements `gateway.runtime.loop.Listener` for all channels; `run` follows the journal with each."""

    def __init__(self, loop: Loop, journal: Journal) -> None:
        self._loop = loop
        self._journal = journal
        self._channels: dict[str, _Channel] = {}
        self._exchanged = asyncio.Event()

    @classmethod
    async def open(cls, loop: Loop, journal: Journal) -> Notifiers:
        """The channels of the loop's plant file. Raises StoreFailed."""
        made = cls(loop, journal)
        last = await journal.last_sequence()
        for target in loop.plant.duty.notify:
            new = await journal.cursor(Notifier.name_of(target)) == 0
            made._channels[target.id] = made._channel(target, loop.plant, last if new else None)
        return made

    @property
    def followers(self) -> Sequence[Follower]:
        return [channel.follower for channel in self._channels.values()]

    @property
    def reachable(self) -> bool:
        """Whether every channel took what it was last given; nobody knows of one before its first message."""
        return all(channel.follower.failure is None for channel in self._channels.values())

    def on_tick(self, tick: Tick) -> None:
        for channel in self._channels.values():
            channel.follower.on_tick(tick)

    def switch(self, plant: Plant) -> None:
        """The channels of another plant file, from the event on that tells of it."""
        kept, before = self._channels, self._loop.sequence - 1
        self._channels = {}
        for target in plant.duty.notify:
            channel = kept.get(target.id)
            if channel is None:
                channel = self._channel(target, plant, before)
                channel.notifier.introduce()
            else:
                channel.notifier.switch(target, plant.site.name.zh)
            self._channels[target.id] = channel
        self._exchanged.set()

    async def run(self) -> None:
        """Follow for ever with every channel that is in force; ends by cancellation."""
        running: dict[_Channel, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as group:
            while True:
                self._exchanged.clear()
                wanted = list(self._channels.values())
                for channel in [each for each in running if each not in wanted]:
                    running.pop(channel).cancel()
                for channel in wanted:
                    if channel not in running:
                        task = group.create_task(channel.run(self._journal), name=f"follower {channel.follower.name}")
                        running[channel] = task
                await self._exchanged.wait()

    def _channel(self, target: NotifyTarget, plant: Plant, begins_after: int | None) -> _Channel:
        notifier = Notifier(target, plant.site.name.zh)
        return _Channel(notifier, Follower(notifier.name, self._journal, notifier.append_events), begins_after)
