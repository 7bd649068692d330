"""Messages to people who are not in the room, through Apprise: a follower of the journal with a cursor of its own.

What climbs is told to every target of that level and below; many at once are one message with a count. A message
may come twice after a crash, and carries its place in the journal; none is left out.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

from apprise import Apprise

from gateway.clock import SITE_TIME, to_datetime
from gateway.errors import StoreFailed
from gateway.event import Entry, Event
from gateway.events.lifecycle import GatewayStarted
from gateway.events.presence import AlarmEscalated, DutyCheckEscalated
from gateway.events.tickets import TicketAction, TicketEscalated, TicketMoved, TicketReported
from gateway.plant.duty import LADDER, Level, NotifyTarget
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant

LINES = 10
"""Events spelled out in one message; the others are counted."""

ANSWER_WITHIN = 30.0
"""Seconds: a service that takes longer counts as dead, whatever it still does with the message."""

_IN_USE = "通知通道已启用 this channel is in use from now on"


class Notifier:
    """One target of the plant file. Raises StoreFailed while its address is missing, wrong or does not answer."""

    def __init__(self, target: NotifyTarget, site: str, environment: Mapping[str, str] = os.environ) -> None:
        self.name = self.name_of(target)
        self._environment = environment
        self._target = target
        self._site = site
        self._told = 0
        """Entries up to here are told: a retry of a batch must not repeat its beginning."""
        self._introduced = True
        self._under_way: asyncio.Task[bool] | None = None

    @staticmethod
    def name_of(target: NotifyTarget) -> str:
        """Name of the target's cursor."""
        return f"notify-{target.id}"

    def switch(self, target: NotifyTarget, site: str) -> None:
        """Another level or address for the same target, from the next message on."""
        if target.url_variable != self._target.url_variable:
            self.introduce()
        self._target, self._site = target, site

    def introduce(self) -> None:
        """Say with the next entry, whatever it is, that this channel is in use: that it works must be known."""
        self._introduced = False

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Tell what of these entries is this target's to know."""
        fresh = [entry for entry in entries if entry.sequence > self._told]
        lines = [f"{line} #{entry.sequence}" for entry in fresh if (line := self._line(entry.event))]
        beyond = len(lines) - LINES
        shown = [*lines[:LINES], *([f"另有 {beyond} 条 {beyond} more"] if beyond > 0 else [])]
        introducing = bool(fresh) and not self._introduced
        if introducing:
            shown.insert(0, _IN_USE)
        if shown:
            await self._send("\n".join(shown))
        self._introduced = self._introduced or introducing
        if fresh:
            self._told = fresh[-1].sequence

    async def _send(self, body: str) -> None:
        url = self._environment.get(self._target.url_variable, "")
        if not url:
            raise self._failed(f"expected an Apprise URL in {self._target.url_variable}, got nothing")
        sender = Apprise()
        if not sender.add(url):
            raise self._failed(f"expected an Apprise URL in {self._target.url_variable}, got one that Apprise refuses")
        if self._under_way is not None and not self._under_way.done():
            raise self._failed("an earlier message still has no answer")
        sending = _sent(sender, body, f"警钟 Tocsin {self._site}")
        self._under_way = asyncio.create_task(sending, name=f"message of {self.name}")
        done, _ = await asyncio.wait({self._under_way}, timeout=ANSWER_WITHIN)
        if not done:
            raise self._failed(f"no answer within {ANSWER_WITHIN:g} s")
        if not self._under_way.result():
            raise self._failed("the service did not take the message")

    def _failed(self, cause: str) -> StoreFailed:
        return StoreFailed(self.name, "send a message", cause)

    def _line(self, event: Event) -> str | None:
        """The event in one line; None for what is not this target's to know."""
        match event:
            case AlarmEscalated() if self._concerns(event.level):
                minutes = event.waited // (60 * SECOND)
                return (
                    f"{_time(event.at)}【{event.priority}】{event.title.zh} {event.title.en} · {event.equipment} · "
                    f"{minutes} min 未确认 unacknowledged · {event.response.zh}"
                )
            case DutyCheckEscalated() if self._concerns(event.level):
                minutes = event.waited // (60 * SECOND)
                return f"{_time(event.at)} 查岗无人应答 duty check unanswered · {minutes} min"
            case TicketEscalated() if self._concerns(event.level):
                hours = event.waited // (3600 * SECOND)
                return (
                    f"{_time(event.at)} 隐患逾期 hazard overdue【{event.grade}】{event.title.zh} · {event.ticket} · "
                    f"{event.responsible or '未指派 unassigned'} · {hours} h"
                )
            case TicketReported(grade=TicketGrade.MAJOR) if self._concerns(Level.SAFETY_MANAGER):
                return f"{_time(event.at)} 人工登记重大隐患 major hazard reported: {event.title.zh} · {event.ticket}"
            case TicketMoved(action=TicketAction.REGISTER, grade=TicketGrade.MAJOR) if self._concerns(
                Level.SAFETY_MANAGER
            ):
                return f"{_time(event.at)} 确认重大隐患 major hazard confirmed by {event.by} · {event.ticket}"
            case GatewayStarted():
                return f"{_time(event.at)} 网关已启动，通知通道正常 the gateway has started, this channel works"
            case _:
                return None

    def _concerns(self, level: Level) -> bool:
        return LADDER.index(level) >= LADDER.index(self._target.level)


async def _sent(sender: Apprise, body: str, title: str) -> bool:
    return bool(await asyncio.to_thread(sender.notify, body=body, title=title))


def _time(at: Instant) -> str:
    """Site time: a message that comes late must not pass for news."""
    return f"{to_datetime(at).astimezone(SITE_TIME):%m-%d %H:%M}"
