"""What people see of a running gateway: page, API and live stream, for whatever plant and rules are in force.

Shows and asks; it decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from fastapi import FastAPI

from gateway import app
from gateway.api.app import create_app
from gateway.api.book import ViewBook
from gateway.api.export import Exports
from gateway.api.health import HealthProbe
from gateway.api.live import LiveHub
from gateway.api.metrics import Measured, exposition
from gateway.api.schema import CoverageRow, PlantView, ReloadView, TrialView
from gateway.api.services import ApiServices, CoverageOf
from gateway.api.snapshots import Snapshots
from gateway.api.views import PointLimits, plant_view
from gateway.plant.coverage import coverage
from gateway.runtime.reload import Reloader
from gateway.runtime.scans import ScanTimes
from gateway.station import Station
from gateway.stores.place import EXPORTS, SNAPSHOT

PAGE = Path(__file__).parents[2] / "dashboards" / "web" / "dist"
"""The built duty-room page."""


class Front:
    """The views of one station; `show` exchanges what they are made from."""

    def __init__(self, station: Station, configuration: app.Configuration) -> None:
        self._station = station
        self._started = station.clock.now()
        self._api: FastAPI | None = None
        self._lines = app.point_limits(configuration.program, configuration.plant)
        self._coverage = _coverage_of(configuration)
        health = HealthProbe(
            station.loop,
            station.intake,
            station.recorders,
            station.followers,
            station.copyists,
            clock_step=station.clock.step,
            started_at=self._started,
            figures=station.figures,
            channels=lambda: station.notifiers.followers,
        )
        book = ViewBook(station.loop, configuration.program.interlocks, self._started)
        self.hub = LiveHub(station.loop, book, _plant_view(configuration, self._lines), health, station.clock)
        station.loop.listen(self.hub)

    def serve_with(self, reloader: Reloader[app.Configuration]) -> FastAPI:
        """The HTTP application; `reloader` is what its reload asks."""

        async def reload(by: str, comment: str) -> ReloadView:
            done = await reloader.reload(by, comment)
            return ReloadView(
                at=done.at,
                plant_hash_before=done.plant_hash_before,
                plant_hash_after=done.plant_hash_after,
                rules_hash_before=done.rules_hash_before,
                rules_hash_after=done.rules_hash_after,
                added=done.added,
                removed=done.removed,
                changed=done.changed,
                devices_restarted=done.devices_restarted,
            )

        station = self._station
        services = ApiServices(
            loop=station.loop,
            hub=self.hub,
            journal=station.journal,
            history=station.history,
            clock=station.clock,
            point_limits=self._lines,
            coverage=self._coverage,
            reload=reload,
            page=PAGE,
            figures=station.figures,
            exports=Exports(station.data / EXPORTS, station.history, station.clock),
            snapshots=Snapshots(station.data / SNAPSHOT, station.history, station.clock),
            attachments=station.attachments,
            metrics=self._metrics(),
        )
        self._api = create_app(services)
        return self._api

    def _metrics(self) -> Callable[[], bytes]:
        station = self._station
        scans = ScanTimes(station.loop)
        station.loop.listen(scans)
        return exposition(
            Measured(
                loop=station.loop,
                intake=station.intake,
                scans=scans,
                recorders=station.recorders,
                followers=station.followers,
                housekeeper=station.housekeeper,
                hub=self.hub,
                clock=station.clock,
                channels=lambda: station.notifiers.followers,
            )
        )

    def show(self, configuration: app.Configuration) -> None:
        """From now on this plant and these rules are shown; every client gets a new picture."""
        self._lines = app.point_limits(configuration.program, configuration.plant)
        self._coverage = _coverage_of(configuration)
        trials: dict[str, TrialView] = self.hub.book.trials
        book = ViewBook(self._station.loop, configuration.program.interlocks, self._started, trials)
        self.hub.switch(book, _plant_view(configuration, self._lines))
        if self._api is not None:
            services: ApiServices = self._api.state.services
            self._api.state.services = replace(services, point_limits=self._lines, coverage=self._coverage)


def _plant_view(configuration: app.Configuration, lines: PointLimits) -> PlantView:
    return plant_view(configuration.plant, configuration.packs.criteria, lines, version("tocsin"))


def _coverage_of(configuration: app.Configuration) -> CoverageOf:
    """A rule on trial covers nothing."""
    plant, program, criteria = configuration.plant, configuration.program, configuration.packs.criteria
    limits = app.limits_by_rule(program, configuration.packs)
    in_force = [rule for rule in program.rules if not rule.shadow]

    def covered(failed: Collection[str]) -> Sequence[CoverageRow]:
        return coverage(plant, criteria, in_force, program.interlocks, failed, limits)

    return covered
