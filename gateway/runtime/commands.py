"""From a journalled command to the device, and its receipt back into the journal.

Sends nothing that is not journalled, nothing that the output desk does not permit at that very moment, and nothing
too old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from gateway.clock import Clock
from gateway.driver import Driver, Receipt
from gateway.duration import format_duration
from gateway.errors import OutputRefused, StoreFailed
from gateway.event import Entry
from gateway.events.interlocks import CommandCompleted, CommandRequested
from gateway.identity import identity
from gateway.machines.permission import Wish
from gateway.plant.model import Output
from gateway.runtime.followers import AT_ONCE, RETRY_AFTER
from gateway.runtime.loop import Loop, Tick
from gateway.runtime.supervise import attempt
from gateway.sample import SECOND
from gateway.store import Journal

CURSOR = "commands"
"""Name of this follower's cursor."""

CURSOR_EVERY = 2.0
"""Seconds between notes of the cursor."""

EXPIRES_AFTER = 30 * SECOND
"""A trip that a stopped gateway owes for longer than this is no longer its to make."""

PERSON_WAITS = 5 * SECOND
"""A person's command that is older was not sent while they looked at the plant, and is not sent at all."""

WRITE_TIMEOUT = 5.0
"""Seconds for one write, connection included."""

_log = logging.getLogger(__name__)


class CommandSender:
    """Implements `gateway.runtime.loop.Listener`; one task a command, so that no device waits for another.

    Its cursor stands before the oldest command without a receipt: a crash leaves no command forgotten.
    """

    def __init__(self, drivers: Mapping[str, Driver], loop: Loop, journal: Journal, clock: Clock) -> None:
        self._drivers = drivers
        self._loop = loop
        self._journal = journal
        self._clock = clock
        self._queue: asyncio.Queue[CommandRequested] = asyncio.Queue()
        self._open: dict[str, int] = {}
        """Sequence of every command that has no receipt yet."""
        self._seen = 0

    def on_tick(self, tick: Tick) -> None:
        self._note(tick.entries)

    async def run(self) -> None:
        """Send everything that is open and everything that comes; ends by cancellation."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_cursor(), name="command cursor")
            while True:
                command = await self._queue.get()
                group.create_task(self._send(command), name=f"command {command.output}")

    async def catch_up(self) -> None:
        """Find what an earlier run still owes; before the first tick."""
        position = await self._journal.cursor(CURSOR)
        while entries := await self._journal.read(position, AT_ONCE):
            position = entries[-1].sequence
            self._note(entries)

    def _note(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._seen = max(self._seen, entry.sequence)
            if isinstance(entry.event, CommandRequested):
                self._open[entry.event.command] = entry.sequence
                self._queue.put_nowait(entry.event)
            elif isinstance(entry.event, CommandCompleted):
                self._open.pop(entry.event.command, None)

    async def _keep_cursor(self) -> None:
        kept = 0
        while True:
            await asyncio.sleep(CURSOR_EVERY)
            position = min(self._open.values(), default=self._seen + 1) - 1
            if position > kept:
                try:
                    await self._journal.advance(CURSOR, position)
                    kept = position
                except StoreFailed as failure:
                    _log.error("the cursor of the commands is not kept: %s", failure)

    async def _send(self, command: CommandRequested) -> None:
        if command.command not in self._open:
            return
        refused = False
        try:
            output = self._permitted(command)
        except OutputRefused as refusal:
            refused = True
            receipt = Receipt(written=False, detail=str(refusal), at=self._clock.now())
        else:
            receipt = await attempt(
                f"the write of {output.id} by the driver of {output.device}",
                self._write(output, command.value),
                lambda error: Receipt(written=False, detail=f"the driver broke: {error!r}", at=self._clock.now()),
            )
        if not receipt.written:
            _log.error("command %s to %s was not carried out: %s", command.command, command.output, receipt.detail)
        completed = CommandCompleted(
            id=identity(command.command, "completed"),
            at=receipt.at,
            command=command.command,
            output=command.output,
            demand=command.demand,
            written=receipt.written,
            detail=receipt.detail,
            value=command.value,
            refused=refused,
        )
        await self._keep(completed)

    async def _keep(self, completed: CommandCompleted) -> None:
        """Into the journal, however long that takes: a lost receipt would make the next run write again."""
        refused = False
        while True:
            try:
                await self._loop.act(lambda _: [completed])
            except StoreFailed as failure:
                if not refused:
                    _log.error("the receipt of command %s waits: %s", completed.command, failure)
                refused = True
                await asyncio.sleep(RETRY_AFTER)
            else:
                return

    def _permitted(self, command: CommandRequested) -> Output:
        """The output, judged by the plant as it is at the last moment before the write; raises OutputRefused."""
        now = self._clock.now()
        longest = PERSON_WAITS if command.by else EXPIRES_AFTER
        if now - command.at > longest:
            got = "one that has expired: the gateway was not running, or its journal not writable"
            raise OutputRefused(command.output, f"a command of the last {format_duration(longest)}", got)
        desk = self._loop.engine.output_desk
        latest = desk.state(command.output).command
        if command.by and latest is not None and latest.id != command.command:
            raise OutputRefused(command.output, "the latest command of this output", "one that another has overtaken")
        wish = Wish(command.output, command.value, by_person=bool(command.by))
        return desk.permit(wish, self._loop.table, now)

    async def _write(self, output: Output, value: float) -> Receipt:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                return await self._drivers[output.device].write(output, value)
        except TimeoutError:
            return Receipt(written=False, detail=f"no answer within {WRITE_TIMEOUT:g} s", at=self._clock.now())
