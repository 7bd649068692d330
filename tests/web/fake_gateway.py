"""A gateway that only pretends: real sockets and the real wire shapes, no plant and no decisions behind them.

For the page's own tests, and for working on the page: `python -m tests.web.fake_gateway --port 8000`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import math
import random
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import uvicorn
from fastapi import FastAPI, Query, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import TypeAdapter

from gateway.api import requests
from gateway.api import schema as wire
from gateway.api.health_schema import CopyView, HealthView
from gateway.event import Entry
from gateway.events.alarms import AlarmAcknowledged, AlarmRaised
from gateway.events.tickets import TicketAction
from gateway.machines.alarm import AlarmStateName
from gateway.machines.duty_check import DutyCheck
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import SECOND, Instant, Quality, Reason
from tests.web import (
    fixture_aside,
    fixture_exports,
    fixture_handover,
    fixture_hazards,
    fixture_ledgers,
    fixture_plant,
    fixture_trials,
    fixture_views,
)
from tests.web.fixture_outputs import Outputs, refusal
from tests.web.fixture_outputs import serve as serve_outputs
from tests.web.fixture_tickets import NEXT

DIST = Path(__file__).parents[2] / "dashboards" / "web" / "dist"
_MESSAGE: TypeAdapter[Any] = TypeAdapter(wire.LiveMessage)


def wall_clock() -> int:
    return time.time_ns() // 1000


class FakeGateway:
    """State that tests may set up before and look at after; `start` and `stop` as often as wanted."""

    def __init__(self, port: int = 0) -> None:
        now = wall_clock()
        self.plant = fixture_plant.plant()
        self.values = fixture_plant.normal_values()
        self.quality = [int(Quality.GOOD)] * len(self.values)
        self.reason = [int(Reason.NONE)] * len(self.values)
        self.alarms = {each.id: each for each in fixture_views.alarms(now)}
        self.tickets = {each.id: each for each in fixture_views.tickets(now)}
        self.hazards = fixture_hazards.Hazards(wall_clock, self._show)
        self.trials = fixture_trials.trials(now)
        self.outputs = Outputs(now)
        self.posts: list[tuple[str, dict[str, Any]]] = []
        self.duty_check: DutyCheck | None = None
        self.mute, self.export_pace = False, 0.0
        self.sequence = 100
        self._queues: set[asyncio.Queue[Any]] = set()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._socket.close()
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scene()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def _scene(self) -> None:
        for point, value in (
            ("eaf1_panel_a.outlet_temperature", 63.8),
            ("co_02.concentration", 42.0),
            ("dust_dry1.differential_pressure", 1874.0),
        ):
            self.values[fixture_plant.point_index(point)] = value
        self.fail("co_04.concentration", Quality.BAD, Reason.DISCONNECTED)
        self.fail("co_04.fault", Quality.BAD, Reason.DISCONNECTED)
        self.fail("eaf1_roof.inlet_flow", Quality.STALE, Reason.TOO_OLD)
        self.fail("dust_wet1.hydrogen", Quality.UNCERTAIN, Reason.WARMING_UP)

    def fail(self, point: str, quality: Quality, reason: Reason) -> None:
        index = fixture_plant.point_index(point)
        self.quality[index] = int(quality)
        self.reason[index] = int(reason)

    def health(self) -> HealthView:
        alarms = list(self.alarms.values())
        open_ = [each for each in alarms if each.annunciated_at is not None]
        settled = (240.0, 0, None, None, 0, 2, 3)
        return HealthView(
            wall_clock() - 3600 * SECOND,
            *settled,
            sum(each != 0 for each in self.quality),
            len(open_),
            min((each.raised_at for each in open_), default=None),
            1200,
            (CopyView("influxdb", None, "", 1_500_000, 0, 0, 0, 0),),
            duty_check=self.duty_check,
            **fixture_aside.counts_aside(alarms),
        )

    def columns(self, chosen: list[int] | None = None) -> wire.SampleColumns:
        points = list(range(len(self.values))) if chosen is None else chosen
        now = wall_clock()
        return wire.SampleColumns(
            tuple(points),
            tuple(self.values[p] if self.quality[p] <= Quality.UNCERTAIN else None for p in points),
            tuple(self.quality[p] for p in points),
            tuple(self.reason[p] for p in points),
            tuple(now - 50_000 for _ in points),
        )

    def snapshot(self) -> wire.Snapshot:
        now = wall_clock()
        return wire.Snapshot(
            sequence=self.sequence,
            now=now,
            plant=self.plant,
            samples=self.columns(),
            alarms=tuple(self.alarms.values()),
            tickets=tuple(self.tickets.values()),
            demands=tuple(fixture_views.demands(now)),
            links=tuple(fixture_views.links(now)),
            health=self.health(),
        )

    def tell(
        self, event: Any, alarms: tuple[wire.AlarmView, ...] = (), tickets: tuple[wire.TicketView, ...] = ()
    ) -> None:
        """Journal an event and send it with the views that it changed."""
        self.sequence += 1
        entries = (Entry(self.sequence, event),)
        message = wire.ChangesMessage(
            now=wall_clock(),
            sequence=self.sequence,
            events=entries,
            alarms=alarms,
            tickets=tickets,
            demands=(),
            links=(),
        )
        for queue in self._queues:
            queue.put_nowait(message)

    def raise_alarm(
        self,
        title: Text,
        on: str,
        point: str,
        priority: Priority,
        state: AlarmStateName = AlarmStateName.UNACKNOWLEDGED,
    ) -> str:
        """A new alarm from any thread; returns its id."""
        now = wall_clock()
        view = fixture_views.alarm("raised", on, title, priority, state, now, point, 1.0, Text("查看现场", "Look"))
        self.alarms[view.id] = view
        event = AlarmRaised(
            id="e" * 20,
            at=Instant(now),
            alarm=view.id,
            occurrence=view.occurrence,
            equipment=on,
            clauses=view.clauses,
            title=title,
            priority=priority,
            onset=Instant(now),
            first_out=False,
            latching=False,
            readings=(),
            rule_hash="",
        )
        assert self._loop
        self._loop.call_soon_threadsafe(self.tell, event, (view,))
        return view.id

    def send_samples(self) -> None:
        """Every point as it is now, at once, from any thread."""
        message = wire.SamplesMessage(now=wall_clock(), samples=self.columns())

        def put() -> None:
            for queue in self._queues:
                queue.put_nowait(message)

        assert self._loop
        self._loop.call_soon_threadsafe(put)

    def shelve(self, alarm: str, body: requests.ShelveRequest) -> wire.AlarmView | JSONResponse:
        view, now = self.alarms[alarm], Instant(wall_clock())
        if view.two_person and body.second == body.by:
            problem = wire.ProblemView("second", f"another person than {body.by}", body.second)
            return refusal(422, "second: expected another person", (problem,))
        view = self.alarms[alarm] = fixture_aside.shelved(view, body, now)
        event = AlarmAcknowledged(id="c" * 20, at=now, alarm=alarm, occurrence="", by=body.by, comment="")
        self.tell(event, alarms=(view,))
        return view

    def acknowledge(self, alarm: str, body: requests.PersonAction) -> wire.AlarmView:
        view = self.alarms[alarm]
        now = wall_clock()
        gone = view.state is AlarmStateName.RETURNED_UNACKNOWLEDGED
        state = AlarmStateName.NORMAL if gone else AlarmStateName.ACKNOWLEDGED
        view = replace(view, state=state, acknowledged_at=now, acknowledged_by=body.by, actions=(), annunciated_at=None)
        self.alarms[alarm] = view
        if gone:
            del self.alarms[alarm]
        event = AlarmAcknowledged(
            id="a" * 20, at=Instant(now), alarm=alarm, occurrence=view.occurrence, by=body.by, comment=body.comment
        )
        self.tell(event, alarms=(view,))
        return view

    def move(self, ticket: str, body: requests.TicketRequest) -> wire.TicketView | JSONResponse:
        view = self.tickets[ticket]
        if body.action is TicketAction.ASSIGN and not (body.responsible and body.due):
            problems = (wire.ProblemView("responsible", "a name", "''"), wire.ProblemView("due", "a time", "null"))
            return refusal(422, "assign needs a responsible person and a due time", problems)
        if body.action not in view.actions:
            return refusal(409, f"{body.action} is not possible in state {view.state}", ())
        state, actions = NEXT[body.action]
        step = wire.TicketStep(wall_clock(), body.action, body.by, body.comment)
        view = replace(
            view,
            state=state,
            actions=actions,
            steps=(*view.steps, step),
            responsible=body.responsible or view.responsible,
            due=body.due or view.due,
        )
        self._show(view)
        return view

    def _show(self, view: wire.TicketView) -> None:
        self.tickets[view.id] = view
        event = AlarmAcknowledged(id="d" * 20, at=Instant(wall_clock()), alarm="x", occurrence="x", by="", comment="")
        self.tell(event, tickets=(view,))

    async def live(self, socket: WebSocket) -> None:
        await socket.accept()
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._queues.add(queue)
        try:
            await self._send(socket, self.snapshot())
            tick = 0
            while True:
                with contextlib.suppress(TimeoutError):
                    await self._send(socket, await asyncio.wait_for(queue.get(), 0.25))
                    continue
                tick += 1
                if self.mute:
                    continue
                good = [p for p, quality in enumerate(self.quality) if quality == 0 and self.plant.points[p].unit]
                for point in good:
                    self.values[point] *= 1 + random.uniform(-0.002, 0.002)
                await self._send(socket, wire.SamplesMessage(now=wall_clock(), samples=self.columns(good)))
                if tick % 4 == 0:
                    beat = wire.HeartbeatMessage(now=wall_clock(), sequence=self.sequence, health=self.health())
                    await self._send(socket, beat)
        except WebSocketDisconnect:
            return
        finally:
            self._queues.discard(queue)

    async def _send(self, socket: WebSocket, message: Any) -> None:
        await socket.send_text(_MESSAGE.dump_json(message).decode())

    def trend(self, point: str, start: int, end: int, buckets: int) -> wire.Trend:
        """A made-up curve with an excursion two thirds of the way, a bad stretch and a silent one."""
        view = next(each for each in self.plant.points if each.id == point)
        bucket = max(1, (end - start) // buckets)
        base = self.values[view.index]
        middle = start + (end - start) * 2 // 3
        spoken = [i for i in range(buckets) if not 0.42 < i / buckets < 0.47]
        at = [start + i * bucket for i in spoken if start + i * bucket < wall_clock()]
        mean: list[float | None] = []
        quality: list[int] = []
        for i, t in enumerate(at):
            bad = 0.2 < i / buckets < 0.26
            rise = 0.35 * base / (1 + math.exp(-(t - middle) / (40 * bucket)))
            quality.append(3 if bad else 1 if 0.8 < i / buckets < 0.83 else 0)
            mean.append(None if bad else base * 0.72 + rise + base * 0.01 * math.sin(i / 7))
        low, high = (tuple(None if m is None else m + base * by for m in mean) for by in (-0.012, 0.012))
        return wire.Trend(point, bucket, tuple(at), low, high, tuple(mean), tuple(mean), tuple(quality), view.limits)

    def start(self) -> None:
        config = uvicorn.Config(
            make_app(self),
            host="127.0.0.1",
            port=self.port,
            log_level="warning",
            ws="websockets-sansio",
            lifespan="off",
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        self._server = server

        def run() -> None:
            self._loop = asyncio.new_event_loop()
            self._loop.run_until_complete(server.serve())
            self._loop.close()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()
        while not server.started:
            time.sleep(0.02)

    def stop(self) -> None:
        """The server dies: sockets close and the port no longer answers."""
        assert self._server
        assert self._thread
        self._server.should_exit = self._server.force_exit = True
        self._thread.join(timeout=10)


def make_app(fake: FakeGateway) -> FastAPI:
    """The wire contract over the fake's state."""
    app = fixture_exports.served(fixture_handover.served(fake, wall_clock), fake, wall_clock)
    app.add_api_websocket_route("/api/live", fake.live)

    @app.post("/api/alarms/{alarm_id}/shelve", response_model=None)
    async def shelve(alarm_id: str, body: requests.ShelveRequest) -> wire.AlarmView | JSONResponse:
        fake.posts.append((f"shelve {alarm_id}", body.model_dump(mode="json")))
        return fake.shelve(alarm_id, body)

    @app.post("/api/duty/checks/{check_id}/answer")
    async def answer(check_id: str, body: requests.PersonAction) -> DutyCheck | None:
        fake.posts.append((f"answer {check_id}", body.model_dump(mode="json")))
        check, fake.duty_check = fake.duty_check, None
        return check

    @app.post("/api/alarms/{alarm_id}/{action}", response_model=None)
    async def act(alarm_id: str, action: str, body: requests.PersonAction) -> wire.AlarmView | JSONResponse:
        fake.posts.append((f"{action} {alarm_id}", body.model_dump(mode="json")))
        if alarm_id not in fake.alarms:
            return refusal(409, "the alarm is already normal", ())
        return fake.acknowledge(alarm_id, body)

    @app.post("/api/tickets/{ticket_id}/actions", response_model=None)
    async def move(ticket_id: str, body: requests.TicketRequest) -> wire.TicketView | JSONResponse:
        fake.posts.append((f"{body.action} {ticket_id}", body.model_dump(mode="json")))
        return fake.hazards.move(ticket_id, body) if ticket_id in fake.hazards.tickets else fake.move(ticket_id, body)

    fixture_hazards.serve(app, fake.hazards, fake.tickets)

    @app.get("/api/tickets/{ticket_id}/evidence")
    async def evidence(ticket_id: str) -> wire.Evidence:
        ticket = fake.tickets[ticket_id]
        start, end = ticket.onset - 10 * fixture_views.MINUTE, ticket.onset + 10 * fixture_views.MINUTE
        curves = tuple(fake.trend(point, start, end, 600) for point in ticket.evidence_points)
        return wire.Evidence(ticket_id, ticket.onset, start, end, curves, ())

    @app.get("/api/points/{point_id}/trend")
    async def trend(point_id: str, start: int, end: int, buckets: Annotated[int, Query()] = 600) -> wire.Trend:
        return fake.trend(point_id, start, end, buckets)

    fixture_trials.serve(app, lambda: fake.trials)
    serve_outputs(app, fake.outputs)
    fixture_ledgers.mount(app, wall_clock)
    if DIST.is_dir():
        app.mount("/", StaticFiles(directory=DIST, html=True))
    return app


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    fake = FakeGateway(parser.parse_args().port)
    fake.start()
    print(f"the page: {fake.url}")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    fake.stop()


if __name__ == "__main__":
    main()
