"""Messages to people who are not in the room, through Apprise: a follower of the journal with a cursor of its own.

What climbs is told to every target of that level and below; many at once are one message with a count. A message
may come twice after a crash, and carries its place in the journal; none is left out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from apprise import Apprise

from gateway.errors import StoreFailed
from gateway.event import Entry, Event
from gateway.events.lifecycle import GatewayStarted
from gateway.events.presence import AlarmEscalated, DutyCheckEscalated
from gateway.plant.duty import LADDER, Level, NotifyTarget
from gateway.sample import SECOND

LINES = 10
"""Events spelled out in one message; the others are counted."""


class Notifier:
    """One target of the plant file. Raises StoreFailed while its address is missing, wrong or does not answer."""

    def __init__(self, target: NotifyTarget, site: str, environment: Mapping[str, str] = os.environ) -> None:
        self.name = f"notify-{target.id}"
        self._target = target
        self._site = site
        self._url = environment.get(target.url_variable, "")
        self._told = 0
        """Entries up to here are told: a retry of a batch must not repeat its beginning."""

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Tell what of these entries is this target's to know."""
        fresh = [entry for entry in entries if entry.sequence > self._told]
        lines = [f"{line} #{entry.sequence}" for entry in fresh if (line := self._line(entry.event))]
        if lines:
            beyond = len(lines) - LINES
            shown = [*lines[:LINES], *([f"另有 {beyond} 条 {beyond} more"] if beyond > 0 else [])]
            await self._send("\n".join(shown))
        if fresh:
            self._told = fresh[-1].sequence

    async def _send(self, body: str) -> None:
        if not self._url:
            raise self._failed(f"expected an Apprise URL in {self._target.url_variable}, got nothing")
        sender = Apprise()
        if not sender.add(self._url):
            raise self._failed(f"expected an Apprise URL in {self._target.url_variable}, got one that Apprise refuses")
        if not await asyncio.to_thread(sender.notify, body=body, title=f"警钟 Tocsin {self._site}"):
            raise self._failed("the service did not take the message")

    def _failed(self, cause: str) -> StoreFailed:
        return StoreFailed(self.name, "send a message", cause)

    def _line(self, event: Event) -> str | None:
        """The event in one line; None for what is not this target's to know."""
        match event:
            case AlarmEscalated() if self._concerns(event.level):
                minutes = event.waited // (60 * SECOND)
                return (
                    f"【{event.priority}】{event.title.zh} {event.title.en} · {event.equipment} · "
                    f"{minutes} min 未确认 unacknowledged · {event.response.zh}"
                )
            case DutyCheckEscalated() if self._concerns(event.level):
                return f"查岗无人应答 duty check unanswered · {event.waited // (60 * SECOND)} min"
            case GatewayStarted():
                return "网关已启动，通知通道正常 the gateway has started, this channel works"
            case _:
                return None

    def _concerns(self, level: Level) -> bool:
        return LADDER.index(level) >= LADDER.index(self._target.level)
