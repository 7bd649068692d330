"""The gateway as a process: load, open, serve, and stop in order when told to.

Everything that somebody has to mend first (a plant file, a port, a store) ends it with a TocsinError.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection, Coroutine
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import app
from gateway.api.app import create_app
from gateway.api.book import ViewBook
from gateway.api.health import HealthProbe
from gateway.api.live import LiveHub
from gateway.api.schema import CoverageRow
from gateway.api.server import listen_on, serve_on
from gateway.api.services import ApiServices
from gateway.api.views import plant_view
from gateway.errors import TocsinError
from gateway.plant.coverage import coverage
from gateway.plant.model import Plant
from gateway.station import Station
from gateway.store import Copy
from rules.program import CompiledProgram

if TYPE_CHECKING:
    from gateway.stores.influxdb import InfluxAddress

PAGE = Path(__file__).parents[2] / "dashboards" / "web" / "dist"
"""The built duty-room page."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `tocsin run` is told."""

    plant: Path
    data: Path
    host: str
    port: int
    influx: InfluxAddress | None = None
    journal: str | None = None
    """Address of the database that holds the journal; None for the file in `data`."""


async def run_gateway(options: Options) -> None:
    """Run until SIGINT or SIGTERM. Raises TocsinError for anything that somebody has to mend first."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plant, program = app.load(options.plant)
    listener = listen_on(options.host, options.port)
    try:
        station = await Station.open(
            plant, program, app.DRIVERS, options.data, _copies(plant, options), options.journal
        )
        services, hub = _services(station, program)
    except BaseException:
        listener.close()
        raise

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(hub.run(), name="live hub")
            group.create_task(serve_on(create_app(services), listener), name="http")

    await _first_error(station.run(stop, serve))


def _copies(plant: Plant, options: Options) -> dict[str, Copy]:
    """The stores elsewhere that the options name. InfluxDB's client is loaded only for a plant that has one."""
    if options.influx is None:
        return {}
    from gateway.stores.influxdb import InfluxHistory, SeriesPoint

    points = [SeriesPoint(point.id, point.equipment) for point in plant.points]
    return {"influxdb": InfluxHistory(options.influx, points)}


async def _first_error(running: Coroutine[None, None, None]) -> None:
    """Await it; of a group of errors, raise the one that a person can mend."""
    try:
        await running
    except BaseExceptionGroup as group:
        mendable = group.subgroup(TocsinError)
        if mendable is None:
            raise
        first: BaseException = mendable
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from group


def _services(station: Station, program: CompiledProgram) -> tuple[ApiServices, LiveHub]:
    plant, criteria, limits = station.plant, app.load_criteria(), app.limits_by_rule(program)
    started = station.clock.now()
    lines = app.point_limits(program, plant)
    hub = LiveHub(
        station.loop,
        ViewBook(station.loop, program.interlocks, started),
        plant_view(plant, criteria, lines, version("tocsin")),
        HealthProbe(
            station.loop,
            station.intake,
            station.recorders,
            station.followers,
            clock_step=station.clock.step,
            started_at=started,
        ),
        station.clock,
    )
    station.loop.listen(hub)

    def covered(failed: Collection[str]) -> tuple[CoverageRow, ...]:
        return coverage(plant, criteria, program.rules, program.interlocks, failed, limits)

    services = ApiServices(
        loop=station.loop,
        hub=hub,
        journal=station.journal,
        history=station.history,
        clock=station.clock,
        point_limits=lines,
        coverage=covered,
        page=PAGE,
    )
    return services, hub
