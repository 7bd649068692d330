"""A running site without a network: loop, scripted program, journal in memory, driver that only notes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from gateway.clock import ManualClock
from gateway.driver import Receipt
from gateway.engine import Engine
from gateway.event import Entry
from gateway.plant.guard import Guard
from gateway.plant.model import Output
from gateway.rule import EffectMode, Truth
from gateway.runtime import states
from gateway.runtime.commands import CommandSender
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Loop, Tick
from gateway.sample import SECOND, Instant
from gateway.standing import Standing
from tests.engine.memory_journal import MemoryJournal
from tests.engine.scripted import FALSE, UNGUARDED, ScriptedProgram, interlock, plant
from tests.machines.support import rule

HOT = "hot@furnace"


class NotingDriver:
    """Implements `gateway.driver.Driver`: confirms every write, or never answers."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.written: list[tuple[str, float]] = []
        self.read_back: dict[str, bool] = {}
        """By output: whether its last write was to be read back."""
        self.silent = False
        self.bug: Exception | None = None

    async def run(self) -> None: ...

    async def write(self, output: Output, value: float) -> Receipt:
        self.written.append((output.id, value))
        self.read_back[output.id] = output.read_back
        if self.bug is not None:
            raise self.bug
        if self.silent:
            await asyncio.Event().wait()
        return Receipt(written=True, detail="", at=self.clock.now())


class RunningSite:
    """Rule 0 raises HOT and demands; condition 1 is the feedback; the one effect is commanded."""

    def __init__(
        self, journal: MemoryJournal, standing: Standing, at: Instant, *, allowed: bool = True, guard: Guard = UNGUARDED
    ) -> None:
        self.journal = journal
        self.clock = ManualClock(at)
        self.plant = plant(allowed=allowed, guard=guard)
        self.program = ScriptedProgram((rule(HOT),), [interlock(mode=EffectMode.COMMAND)])
        self.intake = Intake()
        self.loop = Loop(self.plant, Engine(self.plant, self.program, standing, at), journal, self.intake, self.clock)
        self.told: list[Entry] = []
        self.loop.listen(self)
        self.driver = NotingDriver(self.clock)
        self.sender = CommandSender({"plc": self.driver}, self.loop, journal, self.clock)
        self.loop.listen(self.sender)

    @classmethod
    async def started(
        cls, journal: MemoryJournal | None = None, *, at: int = 0, allowed: bool = True, guard: Guard = UNGUARDED
    ) -> RunningSite:
        journal = journal or MemoryJournal()
        site = cls(journal, await states.load(journal), Instant(at), allowed=allowed, guard=guard)
        await site.sender.catch_up()
        return site

    def on_tick(self, tick: Tick) -> None:
        self.told += tick.entries

    async def tick(self, cause: Truth, feedback: Truth = FALSE, *, after: int = SECOND) -> None:
        now = self.clock.advance(after)
        self.program.set(0, cause, now)
        self.program.set(1, feedback, now)
        await self.loop.tick()

    async def acknowledge(self) -> Sequence[Entry]:
        return await self.loop.act(lambda now: [self.loop.engine.alarm_desk.acknowledge(HOT, "王", "", now)])

    @asynccontextmanager
    async def sending(self) -> AsyncIterator[None]:
        """With the command sender running."""
        task = asyncio.create_task(self.sender.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def told_kinds(self) -> list[str]:
        return [entry.event.kind for entry in self.told if entry.event.kind != "condition.changed"]


async def until(holds, *, turns: int = 2_000) -> None:
    """Give the event loop turns until the condition holds; fails when it never does."""
    for _ in range(turns):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("expected the condition to hold in time, got that it never did")
