"""One running gateway: its parts, the order in which they start, and the order in which they stop.

Stores open first and close last; nothing is read before the journal is; the page is served before the
first device answers, so that whoever looks sees what is not there yet.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from gateway.admission import IMPOSSIBLE
from gateway.clock import SystemClock
from gateway.driver import DriverKind
from gateway.engine import Engine
from gateway.errors import StoreFailed
from gateway.event import Event
from gateway.events.lifecycle import GatewayStarted, GatewayStopped
from gateway.identity import identity
from gateway.plant.model import Plant
from gateway.rule import Program
from gateway.runtime import states
from gateway.runtime.commands import CommandSender
from gateway.runtime.copyist import Copyist
from gateway.runtime.devices import Devices
from gateway.runtime.duty_checks import DutyCheckScheduler
from gateway.runtime.figures import FiguresBook
from gateway.runtime.followers import Follower
from gateway.runtime.heartbeats import Heartbeats
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Listener, Loop
from gateway.runtime.notifiers import Notifiers
from gateway.runtime.recorder import SampleRecorder
from gateway.runtime.reload import Loaded, Reloader, rules_hash
from gateway.runtime.upkeep import Housekeeper, history_plan
from gateway.runtime.warm import warm
from gateway.sample import Instant
from gateway.store import Copy, Journal
from gateway.stores.attachments import AttachmentStore
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journals import open_journal
from gateway.stores.place import HISTORY_FILE
from gateway.words import RULE_GONE_AT_START

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Station:
    """All parts of one gateway, wired and not yet running. Plant file and rules are those of `loop`."""

    clock: SystemClock
    journal: Journal
    history: DuckdbHistory
    intake: Intake
    loop: Loop
    data: Path
    housekeeper: Housekeeper
    copies: Mapping[str, Copy]
    recorders: tuple[SampleRecorder, ...]
    copyists: tuple[Copyist, ...]
    followers: tuple[Follower, ...]
    notifiers: Notifiers
    sender: CommandSender
    heartbeats: Heartbeats
    devices: Devices
    figures: FiguresBook
    duty_checks: DutyCheckScheduler
    attachments: AttachmentStore
    warmed: int
    """How much of the past the rules had seen before the first tick (microseconds)."""

    @classmethod
    async def open(
        cls,
        plant: Plant,
        program: Program,
        kinds: Mapping[str, DriverKind],
        data: Path,
        copies: Mapping[str, Copy] | None = None,
        journal_address: str | None = None,
    ) -> Station:
        """Open the stores in `data` and wire everything; `copies` follow, by name. Raises StoreFailed."""
        clock = SystemClock()
        journal, history = await _open_stores(data, plant, journal_address)
        warmed = await warm(plant, program, history, [point.id for point in plant.points], clock.now(), clock)
        intake = Intake()
        standing = await states.load(journal)
        loop = Loop(plant, Engine(plant, program, standing, clock.now()), journal, intake, clock)
        recorders = [SampleRecorder("history", history.append)]
        followers = [Follower("history", journal, history.append_events, history.last_event)]
        copyists = []
        for name, copy in (copies or {}).items():
            copyists.append(Copyist(name, copy, history, journal, clock, lambda: recorders[0].unwritten_since))
            followers.append(Follower(name, journal, copy.append_events))
        notifiers = await Notifiers.open(loop, journal)
        housekeeper, heartbeats = Housekeeper(history, clock), Heartbeats(plant, loop, clock)
        probes = _probes(loop, intake, recorders, copyists, followers, housekeeper, notifiers, heartbeats)
        devices = Devices(plant, kinds, intake, clock, probes)
        sender = CommandSender(devices.drivers, loop, journal, clock)
        figures = FiguresBook(journal, plant.duty.alarms)
        _listen(loop, [sender, figures, notifiers, *followers], recorders)
        return cls(
            clock=clock,
            journal=journal,
            history=history,
            intake=intake,
            loop=loop,
            data=data,
            housekeeper=housekeeper,
            copies=copies or {},
            recorders=tuple(recorders),
            copyists=tuple(copyists),
            followers=tuple(followers),
            notifiers=notifiers,
            sender=sender,
            heartbeats=heartbeats,
            devices=devices,
            figures=figures,
            duty_checks=DutyCheckScheduler(loop, clock),
            attachments=await AttachmentStore.open(data),
            warmed=warmed,
        )

    @property
    def plant(self) -> Plant:
        """The plant file that is in force."""
        return self.loop.plant

    def reloader(self, load: Callable[[], Loaded], shown: Callable[[Loaded], None]) -> Reloader[Loaded]:
        """What exchanges rules and plant file; `shown` takes over whatever shows them."""
        following = (self.heartbeats.switch, self.figures.switch, self.duty_checks.switch, self.notifiers.switch)
        return Reloader(load, self.loop, self.devices, self, following, shown)

    async def bind(self, plant: Plant) -> Callable[[], None]:
        """Implements `gateway.runtime.reload.Stores`."""
        names = [point.id for point in plant.points]
        append = await self.history.bind(names, history_plan(plant))

        def switch() -> None:
            self.history.serve(names, history_plan(plant))
            for recorder in self.recorders:
                recorder.switch(append)
            for copyist in self.copyists:
                copyist.switch(plant)

        return switch

    async def warm(self, plant: Plant, program: Program, end: Instant) -> int:
        """Implements `gateway.runtime.reload.Stores`; the history still counts in the points that are in force."""
        stored = [point.id for point in self.plant.points]
        return await warm(plant, program, self.history, stored, end, self.clock)

    async def run(self, stop: asyncio.Event, serve: Callable[[], Coroutine[None, None, None]]) -> None:
        """Run until `stop` is set; then end in order and close the stores."""
        try:
            await self.sender.catch_up()
            await self.loop.act(self._started)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(serve(), name="api"),
                    group.create_task(self.loop.run(), name="loop"),
                    group.create_task(self.sender.run(), name="commands"),
                    group.create_task(self.heartbeats.run(self.devices.drivers), name="heartbeats"),
                    group.create_task(self.housekeeper.run(), name="housekeeper"),
                    group.create_task(self.figures.run(), name="figures"),
                    group.create_task(self.duty_checks.run(), name="duty checks"),
                    group.create_task(self.notifiers.run(), name="notifiers"),
                    *(group.create_task(each.run(), name=f"recorder {each.name}") for each in self.recorders),
                    *(group.create_task(each.run(), name=f"follower {each.name}") for each in self.followers),
                    *(group.create_task(each.run(), name=f"copyist {each.name}") for each in self.copyists),
                    group.create_task(self.devices.run(), name="devices"),
                ]
                await stop.wait()
                for task in tasks:
                    task.cancel()
            await self.loop.act(lambda now: [GatewayStopped(id=identity("stopped", now), at=now)])
        finally:
            for copy in self.copies.values():
                await copy.close()
            await self.attachments.close()
            await self.history.close()
            await self.journal.close()

    def _started(self, now: Instant) -> Sequence[Event]:
        """The start, and the end of whatever an earlier plant file left standing."""
        engine = self.loop.engine
        started = GatewayStarted(
            id=identity(self.plant.site.id, "started", now),
            at=now,
            version=version("tocsin"),
            plant_hash=self.plant.hash,
            rules_hash=rules_hash(engine),
            warmed=self.warmed,
        )
        return [started, *engine.withdrawals("tocsin", RULE_GONE_AT_START, now)]


async def _open_history(data: Path, plant: Plant) -> DuckdbHistory:
    return await DuckdbHistory.open(data / HISTORY_FILE, [point.id for point in plant.points], history_plan(plant))


def _listen(loop: Loop, listeners: Sequence[Listener], recorders: Sequence[SampleRecorder]) -> None:
    for recorder in recorders:
        loop.record_to(recorder)
    for listener in listeners:
        loop.listen(listener)


def _probes(
    loop: Loop,
    intake: Intake,
    recorders: Sequence[SampleRecorder],
    copyists: Sequence[Copyist],
    followers: Sequence[Follower],
    housekeeper: Housekeeper,
    notifiers: Notifiers,
    heartbeats: Heartbeats,
) -> Mapping[str, Callable[[], float]]:
    """What the gateway says of itself, by point kind; the first follower is the embedded history's."""
    return {
        "journal_writable": lambda: float(loop.failure is None),
        "history_writable": lambda: float(all(each.failure is None for each in recorders)),
        "dropped_samples": lambda: float(intake.dropped + loop.events_lost + sum(each.dropped for each in recorders)),
        "copies_reachable": lambda: float(
            all(each.failure is None for each in copyists) and all(each.failure is None for each in followers[1:])
        ),
        "notifiers_reachable": lambda: float(notifiers.reachable),
        "records_refused": lambda: float(
            sum(each.refused + each.missing for each in copyists) + sum(each.set_aside for each in followers)
        ),
        "history_space_used": lambda: housekeeper.fullness,
        "history_samples_cut": lambda: housekeeper.cut,
        "impossible_samples": lambda: float(sum(loop.table.admission.total(kind) for kind in IMPOSSIBLE)),
        "heartbeats_written": lambda: float(heartbeats.written),
    }


async def _open_stores(data: Path, plant: Plant, journal_address: str | None) -> tuple[Journal, DuckdbHistory]:
    _make_directory(data)
    journal = await open_journal(data, journal_address)
    try:
        return journal, await _open_history(data, plant)
    except StoreFailed:
        await journal.close()
        raise


def _make_directory(data: Path) -> None:
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreFailed(f"data directory {data}", "be made", str(error)) from error
