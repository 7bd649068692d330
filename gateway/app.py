"""The composition root: the one module that names drivers and rules for the gateway to run with."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from drivers import modbus, mqtt
from gateway.api.app import create_app
from gateway.api.book import ViewBook
from gateway.api.health import HealthProbe
from gateway.api.live import LiveHub
from gateway.api.schema import CoverageRow, LimitLine, LimitView
from gateway.api.server import listen_on, serve_on
from gateway.api.services import ApiServices
from gateway.api.views import PointLimits, plant_view
from gateway.driver import DriverKind
from gateway.errors import TocsinError
from gateway.plant.coverage import coverage
from gateway.plant.criteria import Criteria
from gateway.plant.loader import load_plant
from gateway.plant.model import Plant
from gateway.station import Station
from rules import compiler, packs, syntax
from rules.program import CompiledProgram

DRIVERS: Mapping[str, DriverKind] = {kind.name: kind for kind in (modbus.KIND, mqtt.KIND)}
"""Drivers by the word that plant files use."""

PACKS_DIRECTORY: Path = packs.PACKS

PAGE = Path(__file__).parents[1] / "dashboards" / "web" / "dist"
"""The built duty-room page."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `tocsin run` is told."""

    plant: Path
    data: Path
    host: str
    port: int


def load_criteria() -> Criteria:
    """The criteria that Tocsin ships; raises ConfigurationError."""
    return load_packs().criteria


@cache
def load_packs() -> packs.Packs:
    """Criteria, rules and interlocks that Tocsin ships, read once; raises ConfigurationError."""
    return packs.load_packs(PACKS_DIRECTORY)


def load(path: Path) -> tuple[Plant, CompiledProgram]:
    """The plant, and the rules compiled for it; raises ConfigurationError."""
    loaded = load_packs()
    plant = load_plant(path, DRIVERS, loaded.criteria)
    return plant, compiler.compile(plant, loaded)


def limits_by_rule(program: CompiledProgram) -> Mapping[str, Sequence[LimitView]]:
    """The limits that each rule instance compares with, by its id; what `coverage` wants."""
    views = {
        (limit.equipment, limit.kind.name): LimitView(
            limit.kind.name,
            limit.kind.title,
            limit.value,
            limit.unit,
            limit.source,
            overridden=limit.overridden,
        )
        for limit in program.limits
    }
    named = {
        rule.model.id: [name.removeprefix("limit.") for name in _names(rule) if name.startswith("limit.")]
        for rule in load_packs().rules()
    }
    return {
        rule.id: [views[rule.equipment, name] for name in named[rule.rule] if (rule.equipment, name) in views]
        for rule in program.rules
    }


def _names(rule: packs.RuleSource) -> list[str]:
    expressions = [rule.when] if rule.clear is None else [rule.when, rule.clear]
    return list(dict.fromkeys(name for expression in expressions for name in syntax.names(expression)))


async def run_gateway(options: Options) -> None:
    """Run until SIGINT or SIGTERM. Raises TocsinError for anything that somebody has to mend first."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plant, program = load(options.plant)
    listener = listen_on(options.host, options.port)
    try:
        station = await Station.open(plant, program, DRIVERS, options.data)
        services, hub = _services(station, program)
    except BaseException:
        listener.close()
        raise

    async def serve() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(hub.run(), name="live hub")
            group.create_task(serve_on(create_app(services), listener), name="http")

    await _first_error(station.run(stop, serve))


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
    plant, criteria, limits = station.plant, load_criteria(), limits_by_rule(program)
    started = station.clock.now()
    lines = point_limits(program, plant)
    hub = LiveHub(
        station.loop,
        ViewBook(station.loop, program.interlocks, started),
        plant_view(plant, criteria, lines, version("tocsin")),
        HealthProbe(
            station.loop,
            station.intake,
            station.recorder,
            station.follower,
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


def point_limits(program: CompiledProgram, plant: Plant) -> PointLimits:
    """The thresholds to draw in each point's trend, by point id."""
    return {
        plant.points[index].id: [LimitLine(limit.kind.name, limit.kind.title, limit.value) for limit in limits]
        for index, limits in program.point_limits.items()
    }
