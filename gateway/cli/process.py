"""The gateway as a process: load, open, serve, and stop in order when told to.

Everything that somebody has to mend first (a plant file, a port, a store) ends it with a TocsinError.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import app
from gateway.api.server import listen_on, serve_on
from gateway.cli.front import Front
from gateway.errors import TocsinError
from gateway.plant.model import Plant
from gateway.station import Station
from gateway.store import Copy

if TYPE_CHECKING:
    from gateway.stores.influx_setup import InfluxPlan
    from gateway.stores.influxdb import InfluxAddress


@dataclass(frozen=True, slots=True)
class Options:
    """What `tocsin run` is told."""

    plant: Path
    data: Path
    host: str
    port: int
    influx: InfluxAddress | None = None
    rules: Path = app.PACKS_DIRECTORY
    influx_plan: InfluxPlan | None = None
    """How long an InfluxDB of the gateway's own keeps; None for ever."""
    journal: str | None = None
    """Address of the database that holds the journal; None for the file in `data`."""


async def run_gateway(options: Options) -> None:
    """Run until SIGINT or SIGTERM. Raises TocsinError for anything that somebody has to mend first."""
    stop, hangup = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    # From the first moment on: a hangup that nobody handles would end the process.
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, hangup.set)
    configuration = app.configure(options.plant, options.rules)
    listener = listen_on(options.host, options.port)
    try:
        station = await Station.open(
            configuration.plant,
            configuration.program,
            app.DRIVERS,
            options.data,
            _copies(configuration.plant, options),
            options.journal,
        )
        front = Front(station, configuration)
        reloader = station.reloader(lambda: app.configure(options.plant, options.rules), front.show)
        api = front.serve_with(reloader)
    except BaseException:
        listener.close()
        raise

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_on_every(hangup, reloader.on_hangup), name="reload")
            group.create_task(front.hub.run(), name="live hub")
            group.create_task(serve_on(api, listener), name="http")

    await _first_error(station.run(stop, serve))


async def _on_every(asked: asyncio.Event, answer: Callable[[], Awaitable[None]]) -> None:
    """Several askings during one answer get one more."""
    while True:
        await asked.wait()
        asked.clear()
        await answer()


def _copies(plant: Plant, options: Options) -> dict[str, Copy]:
    """The stores elsewhere that the options name. InfluxDB's client is loaded only for a plant that has one."""
    if options.influx is None:
        return {}
    from gateway.stores.influx_lines import SeriesPoint
    from gateway.stores.influxdb import InfluxHistory

    points = [SeriesPoint(point.id, point.equipment) for point in plant.points]
    return {"influxdb": InfluxHistory(options.influx, points, options.influx_plan)}


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
