"""A whole gateway on a small plant whose rules and plant file a test writes anew under it; its device is a hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from pydantic import BaseModel, ConfigDict

from gateway import app
from gateway.api.server import listen_on, serve_on
from gateway.cli.front import Front
from gateway.driver import DriverKind, DriverWork, LinkState, LinkStatus, Manifest, Receipt
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.plant.loader import load_plant
from gateway.plant.model import Output
from gateway.runtime.reload import Reloader
from gateway.sample import Quality, Reason, Sample, SampleBatch
from gateway.station import Station
from rules import compiler
from rules.packs import load_packs

CLASSES = """
classes:
  - id: vessel
    name: {zh: 容器, en: Vessel}
    kinds:
      - {id: pressure, name: {zh: 压力, en: Pressure}, unit: kPa}
      - {id: level, name: {zh: 液位, en: Level}, unit: mm}
      - {id: closed, name: {zh: 已关, en: Closed}, unit: "", states: {0: {zh: 否, en: "no"}, 1: {zh: 是, en: "yes"}}}
    outputs: [{id: close, name: {zh: 关, en: Close}}]
    limits:
      - {name: high, title: {zh: 高限, en: High}, default: 500 kPa, source: test, certainty: engineering}
"""

CLAUSES = """
clauses:
  - id: test
    title: {zh: 测试, en: Test}
    requirements: [{class: vessel, points: [pressure], rules: [], interlocks: []}]
"""


def rule(name: str, when: str, **more: str) -> str:
    """One rule of the pack."""
    lines = [
        f"  - id: vessel.{name}",
        "    clause: test",
        "    for_each: vessel",
        f"    title: {{zh: {name}, en: {name}}}",
        "    consequence: {zh: 无, en: None}",
        "    response: {zh: 无, en: None}",
        "    response_time: 10 min",
        "    priority: critical",
        f"    when: {when}",
    ]
    return "\n".join([*lines, *(f"    {key}: {value}" for key, value in more.items())])


HIGH = rule("high", "pressure > limit.high", ticket="major")
LATE = rule("late", "pressure > limit.high", on_delay="2 s")
WAS_HIGH = rule("was_high", "max(pressure, 1 s) > limit.high")

INTERLOCK = """
interlocks:
  - id: vessel.shut
    clause: test
    for_each: vessel
    name: {zh: 关, en: Shut}
    causes: [vessel.high]
    effects: [{id: valve, name: {zh: 关, en: Close}, expression: closed == 1, within: 60 s}]
"""

POINT = """\
  - {{equipment: {vessel}, kind: {kind}, unit: {unit}, range: [0, 9999], period: 1 s, stale_after: 60 s,
      source: {{device: {device}, tag: {kind}}}}}"""


def point(kind: str = "pressure", unit: str = "kPa", vessel: str = "v1", device: str = "hand") -> str:
    return POINT.format(vessel=vessel, kind=kind, unit=unit or '""', device=device)


def plant_text(*points: str, vessels: str = "v1", devices: str = "hand", site: str = "works") -> str:
    return "\n".join(
        [
            f"site: {{id: {site}, name: {{zh: 厂, en: Works}}, credit_code: 91000000DEM000006Q, industry: x,",
            '  risk_grade: A, address: x, principal: x, telephone: "0"}',
            "areas: [{id: room, name: {zh: 室, en: Room}, staffed: true}]",
            "equipment:",
            *(
                f"  - {{id: {vessel}, class: vessel, area: room, name: {{zh: 容器, en: Vessel}}}}"
                for vessel in vessels.split()
            ),
            "devices:",
            *(f"  - {{id: {device}, driver: hand, name: {{zh: 手, en: Hand}}}}" for device in devices.split()),
            "points:",
            *points,
        ]
    )


class _Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Address(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    tag: str


@dataclass
class Hand:
    """Implements `gateway.driver.Driver`: says what the test puts into it, on the points it was opened with."""

    work: DriverWork
    running: bool = False

    async def run(self) -> None:
        self.running = True
        self.work.receiver.link(LinkStatus(self.work.device.id, LinkState.UP, Reason.NONE, "", self.work.clock.now()))
        try:
            await asyncio.Event().wait()
        finally:
            self.running = False

    async def write(self, output: Output, value: float) -> Receipt:
        return Receipt(written=True, detail="", at=self.work.clock.now())

    def put(self, point_id: str, value: float) -> None:
        now = self.work.clock.now()
        index = next(each.index for each in self.work.points if each.id == point_id)
        sample = Sample(index, value, Quality.GOOD, Reason.NONE, now, now)
        self.work.receiver.samples(SampleBatch.of([sample]))


@dataclass
class Works:
    """The running gateway, its files, and every driver that was ever opened."""

    folder: Path
    hands: list[Hand] = field(default_factory=list)
    station: Station = field(init=False)
    reloader: Reloader[app.Configuration] = field(init=False)
    address: str = ""

    def write(self, *rules: str, plant: str | None = None, interlocks: str = "", **own: str) -> None:
        """`own`: the text of further pack files, by their name without its ending."""
        packs = self.folder / "packs"
        (packs / "classes").mkdir(parents=True, exist_ok=True)
        (packs / "classes" / "vessel.yaml").write_text(CLASSES, encoding="utf-8")
        (packs / "clauses.yaml").write_text(CLAUSES, encoding="utf-8")
        for name, content in own.items():
            (packs / f"{name}.yaml").write_text(content, encoding="utf-8")
        text = "\n".join(["pack: vessel", "title: {zh: 容器, en: Vessel}", "rules:", *rules, interlocks])
        (packs / "vessel.yaml").write_text(text, encoding="utf-8")
        if plant is not None:
            (self.folder / "plant.yaml").write_text(plant, encoding="utf-8")

    def load(self) -> app.Configuration:
        packs = load_packs(self.folder / "packs")
        plant = load_plant(self.folder / "plant.yaml", {"hand": self.kind()}, packs.criteria)
        return app.Configuration(plant, compiler.compile(plant, packs), packs)

    def kind(self) -> DriverKind:
        def opened(work: DriverWork) -> Hand:
            self.hands.append(Hand(work))
            return self.hands[-1]

        manifest = Manifest(frozenset({"hand"}), False, True, False, False)
        return DriverKind(
            name="hand",
            device_settings=_Settings,
            point_address=_Address,
            output_address=_Address,
            open=opened,
            occupies=lambda _device, _address: (),
            load=lambda _device, _points: None,
            manifest=manifest,
        )

    @property
    def hand(self) -> Hand:
        return self.hands[-1]

    async def events(self) -> list[Event]:
        return [entry.event for entry in await self.station.journal.read(0, 10_000)]

    async def kinds(self, prefix: str) -> list[str]:
        return [event.kind for event in await self.events() if event.kind.startswith(prefix)]

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=f"http://{self.address}", trust_env=False, verify=False, timeout=30)  # noqa: S501 - no TLS here

    async def raised(self, alarm: str) -> AlarmRaised:
        """The last raise of an alarm, once there is one."""
        for _ in range(1_000):
            for event in reversed(await self.events()):
                if isinstance(event, AlarmRaised) and event.alarm == alarm:
                    return event
            await asyncio.sleep(0.02)
        raise AssertionError(f"expected {alarm} to be raised within 20 s, got that it never was")

    async def until(self, kind: str, count: int = 1) -> list[Event]:
        """The events of a kind once there are that many."""
        found: list[Event] = []
        for _ in range(1_000):
            found = [event for event in await self.events() if event.kind == kind]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)
        raise AssertionError(f"expected {count} of {kind} within 20 s, got {len(found)}")


@asynccontextmanager
async def running(works: Works) -> AsyncIterator[Works]:
    """The gateway of what stands on the disk, until the block ends."""
    configuration = works.load()
    station = await Station.open(
        configuration.plant, configuration.program, {"hand": works.kind()}, works.folder / "data"
    )
    works.station = station
    front = Front(station, configuration)
    works.reloader = station.reloader(works.load, front.show)
    api = front.serve_with(works.reloader)
    listener = listen_on("127.0.0.1", 0)
    works.address = f"127.0.0.1:{listener.getsockname()[1]}"
    stop = asyncio.Event()

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(front.hub.run())
            group.create_task(serve_on(api, listener))

    task = asyncio.create_task(station.run(stop, serve))
    for _ in range(2_000):
        if works.hands and works.hand.running:
            break
        await asyncio.sleep(0.01)
    try:
        yield works
    finally:
        stop.set()
        with suppress(asyncio.CancelledError):
            await task
