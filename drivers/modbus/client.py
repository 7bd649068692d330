"""One device on its line: when it is asked, when it is left alone, and what is told of it.

A device counts as connected once it has answered, not once somebody has accepted a connection. One that
does not answer is asked again for ever, at most `drivers.link.LONGEST_DELAY` apart; an address that it leaves
unanswered is put aside by itself, so that it costs the other addresses nothing. Where the plant file says by which
text a device is known, nothing is taken from one that does not show it, and nothing written to it.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

from drivers.link import LinkReporter, retry_delay
from drivers.modbus.codec import text_in
from drivers.modbus.line import Line, Member, line_of, place_of
from drivers.modbus.planner import Request
from drivers.modbus.query import GATEWAY_CODES, DeviceRefused, LinkLost, NoLine, Query, read_query
from drivers.modbus.settings import DeviceSettings, Identity
from gateway.clock import Clock
from gateway.sample import SECOND, Reason

WRITE_RANK = 0
"""Writes go before every read; reads go by their deadlines."""


@dataclass(slots=True)
class _Aside:
    """A request that had no answer."""

    error: LinkLost
    losses: int
    until: float


class Client:
    """Asks one device. Between `join` and `leave` it has a line."""

    def __init__(
        self, settings: DeviceSettings, queries: tuple[Query, ...], reporter: LinkReporter, clock: Clock
    ) -> None:
        self._settings, self._queries, self._reporter, self._clock = settings, queries, reporter, clock
        self._greeting = f"{place_of(settings)} answers"
        self._line: Line | None = None
        self._joined = asyncio.Event()
        self._member = Member(settings)
        self._testing = asyncio.Lock()
        self._retry_at = 0.0
        self._failures = 0
        self._aside: dict[Query, _Aside] = {}
        self._next_probe = 0
        self._answered: Query | None = None
        self._identity = tuple(
            (read_query(Request(each.table, each.address, each.length)), each) for each in settings.identity
        )
        self._known: tuple[int, int] | None = None
        """The connection and the doubts under which the device last said what it is."""

    def join(self) -> None:
        """Within the event loop that will ask."""
        self._line = line_of(self._settings, self._clock)
        self._member = self._line.join(self._settings)
        self._joined.set()

    def leave(self) -> None:
        if self._line is not None:
            self._line.leave(self._member)
            self._line = None
            self._joined.clear()

    async def ask(self, query: Query, rank: int) -> bytes:
        """Raises DeviceRefused or LinkLost; at once while the device or this address is left alone."""
        if self._member.in_doubt:
            async with self._testing:
                if self._member.in_doubt and (reply := await self._test(query, rank)) is not None:
                    return reply
        aside = self._aside.get(query)
        if aside is not None and self._now() < aside.until:
            raise LinkLost(aside.error.reason, aside.error.detail)
        try:
            reply = await self._asked(query, rank)
            await self._recognise(rank)
        except NoLine:
            raise
        except LinkLost as error:
            losses = aside.losses + 1 if aside is not None else 0
            self._aside[query] = _Aside(error, losses, self._now() + retry_delay(losses))
            self._reporter.note(error.reason, error.detail)
            raise
        return reply

    async def ask_at_once(self, query: Query) -> bytes:
        """A write, or what was written: before every read, and whatever is known of the device.

        Raises DeviceRefused or LinkLost.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timeout / SECOND):
                await self._joined.wait()
        if self._line is None:
            raise LinkLost(Reason.DISCONNECTED, "the driver is not running")
        try:
            if self._identity:
                await self._line.reach(self._member, WRITE_RANK, urgent=True)
                await self._recognise(WRITE_RANK, urgent=True)
            reply = await self._line.ask(self._member, query, WRITE_RANK, urgent=True)
        except NoLine as error:
            self._reporter.down(error.reason, error.detail)
            raise
        self._heard()
        return reply

    async def hold(self) -> None:
        """Keep the connection of a device that is only written; ends by cancellation."""
        while True:
            if self._line is not None:
                try:
                    await self._line.reach(self._member, WRITE_RANK + 1)
                    self._heard()
                except NoLine as error:
                    self._reporter.down(error.reason, error.detail)
            await asyncio.sleep(1.0)

    def _now(self) -> float:
        return self._clock.now() / SECOND

    async def _test(self, query: Query, rank: int) -> bytes | None:
        """Whether a device in doubt answers at all; its answer if it was to this query.

        It is asked what it answered last, then another each time: one address that it leaves unanswered
        must not keep the whole of it down.
        """
        if self._line is None or self._now() < self._retry_at or not self._line.take_trial(self._member):
            raise LinkLost(self._reporter.reason, self._reporter.detail)
        probe, self._answered = self._answered, None
        if probe is None:
            probe = self._queries[self._next_probe]
            self._next_probe = (self._next_probe + 1) % len(self._queries)
        try:
            reply = await self._asked(probe, rank)
            await self._recognise(rank)
        except NoLine:
            raise
        except LinkLost as error:
            self._retry_at = self._now() + retry_delay(self._failures)
            self._failures += 1
            self._reporter.down(error.reason, error.detail)
            raise
        except DeviceRefused:
            await self._recognise(rank)
            if probe == query:
                raise
            return None
        return reply if probe == query else None

    async def _asked(self, query: Query, rank: int) -> bytes:
        if self._line is None:
            raise LinkLost(Reason.DISCONNECTED, "the driver is not running")
        try:
            reply = await self._line.ask(self._member, query, rank)
        except NoLine as error:
            self._reporter.down(error.reason, error.detail)
            raise
        except DeviceRefused as error:
            if error.code in GATEWAY_CODES:
                raise LinkLost(Reason.DEVICE_EXCEPTION, error.detail) from error
            self._heard(query)
            raise
        self._heard(query)
        return reply

    async def _recognise(self, rank: int, *, urgent: bool = False) -> None:
        """Ask what answers for what it is, unless it has said so since it was last lost.

        Raises LinkLost where it is another than the plant file says, or does not say.
        """
        if self._is_known() or self._line is None:
            return
        present, told = self._present(), []
        for query, each in self._identity:
            try:
                told.append(self._told(await self._line.ask(self._member, query, rank, urgent=urgent), each))
            except DeviceRefused as error:
                self._line.disown(self._member)
                detail = f"does not say what it is ({each.table} {each.address}): {error.detail}"
                raise LinkLost(Reason.DEVICE_EXCEPTION, detail) from error
        if present != self._present():
            raise LinkLost(Reason.DISCONNECTED, "connection lost before the device had said what it is")
        self._known = present
        self._greeting = ": ".join(filter(None, (f"{place_of(self._settings)} answers", ", ".join(filter(None, told)))))
        self._heard()

    def _told(self, pdu: bytes, wanted: Identity) -> str:
        words = [int.from_bytes(pdu[place : place + 2], "big") for place in range(2, len(pdu), 2)]
        text = text_in(words, self._settings.byte_order).decode("utf-8", "backslashreplace")
        if wanted.text is not None and text != wanted.text:
            if self._line is not None:
                self._line.disown(self._member)
            where = f"{wanted.table} {wanted.address}"
            raise LinkLost(Reason.WRONG_DEVICE, f"expected {wanted.text!r} in {where}, got {text!r}")
        return text if text.isprintable() else ascii(text)

    def _present(self) -> tuple[int, int]:
        return (0 if self._line is None else self._line.connections, self._member.doubts)

    def _is_known(self) -> bool:
        return not self._identity or self._known == self._present()

    def _heard(self, query: Query | None = None) -> None:
        if query is not None:
            self._answered = query
            self._aside.pop(query, None)
        if self._is_known():
            self._failures, self._retry_at = 0, 0.0
            self._reporter.up(self._greeting)
