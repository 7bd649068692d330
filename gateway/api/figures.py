"""The route under /api/figures: how well the alarm system serves its people, for any period."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query

from gateway.api.answers import problem, refuse
from gateway.api.curves import LAST_INSTANT
from gateway.api.figures_schema import FiguresView, NamedAlarm
from gateway.api.services import Services
from gateway.kpi import DAY
from gateway.kpi import figures as figures_of
from gateway.plant.model import Text
from gateway.sample import Instant

figure_routes = APIRouter(prefix="/api")

_START = Query(description="Microseconds since 1970 UTC; a day before the end if left out.")
_END = Query(description="Microseconds since 1970 UTC; now if left out.")


@figure_routes.get("/figures")
async def figures(
    services: Services,
    start: Annotated[int | None, _START] = None,
    end: Annotated[int | None, _END] = None,
) -> FiguresView:
    """Rate per operator, floods, top ten, chattering, fleeting, stale, priorities, time to acknowledge, standing."""
    book = services.figures
    until = services.clock.now() if end is None else Instant(end)
    since = Instant(until - DAY) if start is None else Instant(start)
    problems = [
        problem(name, f"microseconds since 1970, 0 to {LAST_INSTANT}", at)
        for name, at in (("start", since), ("end", until))
        if not 0 <= at <= LAST_INSTANT
    ]
    if not problems and until <= since:
        problems.append(problem("end", f"a time after the start ({since})", until))
    refuse(problems)
    every = book.episodes()
    found = await asyncio.to_thread(figures_of, every, since, until, book.limits)
    operators = book.policy.operators
    titles = {each.alarm: book.titles.get(each.alarm, Text(each.alarm, each.alarm)) for each in found.alarms}
    return FiguresView(
        figures=found,
        operators=operators,
        per_operator_ten_minutes=found.per_ten_minutes / operators,
        complete=book.position >= services.hub.sequence,
        holds_from=book.holds_from,
        names=tuple(NamedAlarm(alarm, title) for alarm, title in titles.items()),
    )
