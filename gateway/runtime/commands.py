"""From a journalled command to the device, and its receipt back into the journal.

Sends nothing that is not journalled, nothing that the plant file does not allow, and nothing too old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence

from gateway.clock import Clock
from gateway.driver import Driver, Receipt
from gateway.errors import OutputRefused, StoreFailed
from gateway.event import Entry
from gateway.events.interlocks import CommandCompleted, CommandRequested
from gateway.identity import identity
from gateway.plant.model import Output, Plant
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

WRITE_TIMEOUT = 5.0
"""Seconds for one write, connection included."""

_log = logging.getLogger(__name__)


def check_allowed(output: Output | None, name: str, value: float) -> Output:
    """The output, if the plant file allows this value on it; raises OutputRefused otherwise."""
    if output is None:
        raise OutputRefused(name, "an output of the plant file", "none of that name")
    if not output.allowed:
        raise OutputRefused(name, "`allowed: true` in the plant file", "allowed: false")
    if value not in output.values:
        raise OutputRefused(name, f"one of {list(output.values)}", f"{value:g}")
    return output


class CommandSender:
    """Implements `gateway.runtime.loop.Listener`; one task a command, so that no device waits for another.

    Its cursor stands before the oldest command without a receipt: a crash leaves no command forgotten.
    """

    def __init__(self, plant: Plant, drivers: Mapping[str, Driver], loop: Loop, journal: Journal, clock: Clock) -> None:
        self._outputs = plant.outputs_by_id()
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

    def switch(self, plant: Plant) -> None:
        """What may be written is what this plant file allows, for commands that are under way as well."""
        self._outputs = plant.outputs_by_id()

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
        receipt = await self._receipt(command)
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

    async def _receipt(self, command: CommandRequested) -> Receipt:
        now = self._clock.now()
        if now - command.at > EXPIRES_AFTER:
            return Receipt(written=False, detail="expired: the gateway was not running", at=now)
        try:
            output = check_allowed(self._outputs.get(command.output), command.output, command.value)
        except OutputRefused as refusal:
            return Receipt(written=False, detail=str(refusal), at=now)
        return await attempt(
            f"the write of {output.id} by the driver of {output.device}",
            self._write(output, command.value),
            lambda error: Receipt(written=False, detail=f"the driver broke: {error!r}", at=self._clock.now()),
        )

    async def _write(self, output: Output, value: float) -> Receipt:
        try:
            async with asyncio.timeout(WRITE_TIMEOUT):
                return await self._drivers[output.device].write(output, value)
        except TimeoutError:
            return Receipt(written=False, detail=f"no answer within {WRITE_TIMEOUT:g} s", at=self._clock.now())
