"""The routes under /api. Reads come from the views; a person's action goes through the loop's turn."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from gateway.api import curves
from gateway.api.answers import problem, refuse
from gateway.api.health_schema import HealthView
from gateway.api.schema import (
    CoverageRow,
    DemandView,
    PlantView,
    SampleColumns,
    Trend,
)
from gateway.api.services import Services
from gateway.api.views import with_bypasses
from gateway.event import Entry
from gateway.sample import Quality

MOST_EVENTS = 1_000
"""Events in one answer."""

routes = APIRouter(prefix="/api")

_SINCE = Query(description="Microseconds since 1970 UTC; ten minutes before the end if left out.")
_UNTIL = Query(description="Microseconds since 1970 UTC; now if left out.")
_BUCKETS = Query(
    description="Most buckets of the curve; each keeps its extremes.",
    json_schema_extra={"minimum": 1, "maximum": curves.MOST_BUCKETS},
)
_LIMIT = Query(description="Most events.", json_schema_extra={"minimum": 1, "maximum": MOST_EVENTS})


@routes.get("/plant")
async def plant(services: Services) -> PlantView:
    """The site, its areas, equipment and points."""
    return services.hub.plant_view


@routes.get("/points")
async def points(services: Services) -> SampleColumns:
    """The latest of every point, with its quality."""
    return services.hub.samples()


@routes.get("/points/{point_id}/trend")
async def point_trend(
    point_id: str,
    services: Services,
    start: Annotated[int | None, _SINCE] = None,
    end: Annotated[int | None, _UNTIL] = None,
    buckets: Annotated[int, _BUCKETS] = curves.BUCKETS,
) -> Trend:
    """One point's curve, downsampled so that no peak is lost."""
    return await curves.trend_of(services, point_id, start, end, buckets)


@routes.get("/demands")
async def demands(services: Services) -> tuple[DemandView, ...]:
    """Interlock demands (联锁动作) with the verdict on every effect: standing ones and the latest ended."""
    return tuple(services.hub.book.demands.values())


@routes.get("/coverage")
async def coverage(services: Services) -> tuple[CoverageRow, ...]:
    """What each clause of the criteria asks of each equipment, and what answers it."""
    quality = services.loop.table.latest.quality
    failed = frozenset(services.plant.points[row].id for row in np.nonzero(quality > Quality.UNCERTAIN)[0])
    bypassed = frozenset(row.id for row, _ in services.engine.register_desk.bypassed())
    return tuple(with_bypasses(row, bypassed) for row in services.coverage(failed))


@routes.get("/events")
async def events(services: Services, after: int = 0, limit: Annotated[int, _LIMIT] = MOST_EVENTS) -> tuple[Entry, ...]:
    """The journal from a sequence on, oldest first."""
    problems = []
    if not 0 <= after <= curves.LAST_INSTANT:
        problems.append(problem("after", f"a sequence, 0 to {curves.LAST_INSTANT}", after))
    if not 1 <= limit <= MOST_EVENTS:
        problems.append(problem("limit", f"a number from 1 to {MOST_EVENTS}", limit))
    refuse(problems)
    return tuple(await services.journal.read(after, limit))


@routes.get("/health")
async def health(services: Services) -> HealthView:
    """What the gateway says of itself."""
    return services.hub.health()
