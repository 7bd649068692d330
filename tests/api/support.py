"""A whole small gateway behind a real server: only its plant and the truths of its rules are written by hand."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.api.app import create_app
from gateway.api.book import ViewBook
from gateway.api.export import Exports
from gateway.api.health import HealthProbe
from gateway.api.live import LiveHub
from gateway.api.metrics import Measured, exposition
from gateway.api.schema import CoverageRow, CoverageStatus, LimitLine, ReloadView
from gateway.api.server import listen_on, serve_on
from gateway.api.services import ApiServices
from gateway.api.snapshots import Snapshots
from gateway.api.views import plant_view
from gateway.clock import ManualClock
from gateway.driver import LinkState, LinkStatus
from gateway.engine import Engine
from gateway.errors import StoreFailed
from gateway.event import Entry, Event
from gateway.plant.criteria import Criteria, EquipmentClass, PointKind
from gateway.plant.guard import Guard
from gateway.plant.model import Plant
from gateway.rule import EffectMode, InterlockInstance, Priority, RuleInstance, TicketGrade, Truth
from gateway.runtime import states
from gateway.runtime.figures import FiguresBook
from gateway.runtime.followers import Follower
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Loop
from gateway.runtime.recorder import SampleRecorder
from gateway.runtime.scans import ScanTimes
from gateway.runtime.upkeep import Housekeeper
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import StateRow
from gateway.stores.attachments import AttachmentStore
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journal_sqlite import SqliteJournal
from tests.engine.scripted import FALSE, UNGUARDED, ScriptedProgram, interlock, plant, text

MORNING = Instant(1_800_000_000 * SECOND)
LEAK, HOT, NOTED = "leak@furnace", "hot@furnace", "noted@furnace"


def rule(index: int, rule_id: str, *, latch: bool = False, ticket: TicketGrade | None = None) -> RuleInstance:
    return RuleInstance(
        index=index,
        id=rule_id,
        rule=rule_id.partition("@")[0],
        equipment="furnace",
        clauses=("4(4)",),
        title=text(rule_id),
        consequence=text("steam explosion"),
        response=text("leave"),
        response_time=60 * SECOND,
        priority=Priority.CRITICAL,
        latch=latch,
        ticket=ticket,
        first_out_group=None,
        points=(index,),
        hash=rule_id,
    )


RULES = (rule(0, LEAK, ticket=TicketGrade.MAJOR), rule(1, HOT, latch=True), rule(2, NOTED))
INTERLOCKS = (interlock(causes=(0,), feedback=3, mode=EffectMode.OBSERVE),)
CRITERIA = Criteria(
    classes={
        "electric_arc_furnace": EquipmentClass(
            id="electric_arc_furnace",
            name=text("furnace"),
            kinds={"point_0": PointKind("point_0", text("breaker"), "", {0: text("open"), 1: text("closed")})},
            outputs={},
            limits={},
            nameplate=(),
            parent_class=None,
        )
    },
    clauses=(),
)
LIMITS: Mapping[str, Sequence[LimitLine]] = {"furnace.point_0": (LimitLine("high", text("high"), 0.8),)}


class Disk(SqliteJournal):
    """A journal on a disk that a test can fill."""

    is_full = False

    async def commit(self, events: Sequence[Event], rows: Sequence[StateRow]) -> Sequence[Entry]:
        if self.is_full:
            raise StoreFailed("journal", "commit", "the disk is full")
        return await super().commit(events, rows)


def coverage(failed: Collection[str]) -> Sequence[CoverageRow]:
    status = CoverageStatus.FAILED if failed else CoverageStatus.COVERED
    row = CoverageRow("4(4)", text("water"), "furnace", status, (), (), tuple(sorted(failed)), (), (), (), ())
    return [row]


@dataclass
class Rig:
    """Everything of one gateway; the test moves its clock and gives it its ticks."""

    plant: Plant
    clock: ManualClock
    program: ScriptedProgram
    journal: Disk
    history: DuckdbHistory
    intake: Intake
    loop: Loop
    recorder: SampleRecorder
    hub: LiveHub
    services: ApiServices
    address: str = ""

    async def tick(
        self, truths: Mapping[int, Truth] | None = None, samples: Sequence[Sample] = (), *, after: int = SECOND
    ) -> None:
        """One tick, `after` microseconds later."""
        now = self.clock.advance(after)
        for column, truth in (truths or {}).items():
            self.program.set(column, truth, now)
        self.intake.samples(SampleBatch.of(samples))
        async with self.loop._turn:
            await self.loop.tick()

    def link(self, state: LinkState) -> None:
        self.intake.link(LinkStatus("plc", state, Reason.TIMEOUT, "no answer", self.clock.now()))

    def sample(self, point: int, value: float, quality: Quality = Quality.GOOD) -> Sample:
        reason = Reason.NONE if quality is Quality.GOOD else Reason.SENSOR_FAULT
        now = self.clock.now()
        return Sample(point, value, quality, reason, now, now)

    async def keep(self) -> None:
        """Everything so far into the history: the curves, and the events beside them."""
        await self.recorder.flush()
        await self.history.append_events(await self.journal.read(0, 10_000))

    def live(self, **options: Any) -> connect:
        return connect(f"ws://{self.address}/api/live", max_size=None, compression=None, **options)


async def no_reload(by: str, comment: str) -> ReloadView:
    raise AssertionError("expected no reload of a scripted gateway")


@contextlib.asynccontextmanager
async def rig(
    directory: Path,
    *,
    points: int = 3,
    page: Path | None = None,
    shared: DuckdbHistory | None = None,
    rules: tuple[RuleInstance, ...] = RULES,
    interlocks: tuple[InterlockInstance, ...] = INTERLOCKS,
    guard: Guard = UNGUARDED,
) -> AsyncIterator[Rig]:
    """A gateway whose rules have just been seen to be false."""
    site = plant(points=points, guard=guard)
    journal = await Disk.open(directory / "journal.sqlite")
    assert isinstance(journal, Disk)
    history = shared or await DuckdbHistory.open(directory / "history.duckdb", [point.id for point in site.points])
    clock = ManualClock(MORNING)
    program = ScriptedProgram(rules, interlocks, max(4, len(rules)))
    for column in range(program.conditions):
        program.set(column, FALSE, MORNING)
    intake, standing = Intake(), await states.load(journal)
    loop = Loop(site, Engine(site, program, standing, clock.now()), journal, intake, clock)
    loop.sequence = await journal.last_sequence()
    recorder = SampleRecorder("history", history.append)
    loop.record_to(recorder)
    follower = Follower("history", journal, history.append_events)
    figures = FiguresBook(journal, site.duty.alarms)
    probe = HealthProbe(loop, intake, [recorder], [follower], clock_step=lambda: 0, started_at=MORNING, figures=figures)
    book = ViewBook(loop, interlocks, MORNING)
    hub = LiveHub(loop, book, plant_view(site, CRITERIA, LIMITS, "1"), probe, clock)
    loop.listen(hub)
    housekeeper = Housekeeper(history, clock)
    scans = ScanTimes(loop)
    loop.listen(scans)
    attachments = await AttachmentStore.open(directory, largest=100_000, reserve=0)
    settled = (hub, journal, history, clock, LIMITS, coverage, no_reload)
    services = ApiServices(
        loop,
        *settled,
        page or directory / "dist",
        figures,
        Exports(directory / "exports", history, clock),
        Snapshots(directory / "snapshot", history, clock),
        attachments,
        exposition(Measured(loop, intake, scans, [recorder], [follower], housekeeper, hub, clock)),
    )
    try:
        yield Rig(site, clock, program, journal, history, intake, loop, recorder, hub, services)
    finally:
        for store in (attachments, *([] if shared else [history]), journal):
            await store.close()


@contextlib.asynccontextmanager
async def served(gateway: Rig) -> AsyncIterator[Rig]:
    """The same behind a real server on a port of its own."""
    listener = listen_on("127.0.0.1", 0)
    gateway.address = f"127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(serve_on(create_app(gateway.services), listener))
    try:
        yield gateway
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def client(gateway: Rig) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"http://{gateway.address}", trust_env=False, verify=False, timeout=30)  # noqa: S501 - no TLS here


async def heard(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(30):
        return strict(await socket.recv())


async def heard_of(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a type."""
    while (message := await heard(socket))["type"] != kind:
        pass
    return message


def strict(body: str | bytes) -> Any:
    """JSON as a browser reads it: NaN and Infinity are errors."""
    return json.loads(body, parse_constant=_refused)


def _refused(constant: str) -> float:
    raise ValueError(f"expected JSON, got {constant}")


class Picture:
    """What a client knows: a snapshot, and the changes that it applied in the order in which they came."""

    def __init__(self, snapshot: dict[str, Any]) -> None:
        self.sequence: int = snapshot["sequence"]
        self.views = {
            name: {view[key]: view for view in snapshot[name]}
            for name, key in (("alarms", "id"), ("tickets", "id"), ("demands", "id"), ("links", "device"))
        }
        self.points: dict[int, tuple[Any, ...]] = {}
        self._put(snapshot["samples"])

    def apply(self, message: dict[str, Any]) -> None:
        if message["type"] == "samples":
            self._put(message["samples"])
        if message["type"] != "changes":
            return
        for entry in message["events"]:
            assert entry["sequence"] == self.sequence + 1, "an entry is missing, doubled or out of order"
            self.sequence += 1
        assert message["sequence"] == self.sequence
        for name, views in self.views.items():
            views.update((view["device" if name == "links" else "id"], view) for view in message[name])
        for alarm in message["alarms"]:
            if alarm["state"] == "normal" and not alarm["unknown"]:
                del self.views["alarms"][alarm["id"]]

    def _put(self, samples: dict[str, Any]) -> None:
        rows = zip(samples["value"], samples["quality"], samples["reason"], samples["source_time"], strict=True)
        self.points.update(zip(samples["point"], rows, strict=True))

    def __eq__(self, other: object) -> bool:
        assert isinstance(other, Picture)
        return (self.sequence, self.views, self.points) == (other.sequence, other.views, other.points)

    __hash__ = None  # type: ignore[assignment]


def is_number(value: object) -> bool:
    return isinstance(value, float | int) and math.isfinite(value)


async def close_code(socket: ClientConnection) -> int | None:
    """Read to the end of a stream; the code that the server closed it with."""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.recv()
    return socket.close_code
