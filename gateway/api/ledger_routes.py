"""The routes for ledgers: which forms there are, and one of them as a workbook. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import curves
from gateway.api.answers import refuse
from gateway.api.services import Services
from gateway.api.workbooks import WORKBOOK_ANSWER, workbook
from gateway.errors import UnknownSubject
from gateway.ledgers.form import Period
from gateway.ledgers.forms import FORMS, filled
from gateway.plant.model import Text
from gateway.sample import Instant

ledgers = APIRouter()


@dataclass(frozen=True, slots=True)
class FormView:
    """A form that the notices prescribe."""

    id: str
    name: Text


@ledgers.get("/api/ledgers")
async def forms() -> tuple[FormView, ...]:
    """The forms that can be filled."""
    return tuple(FormView(form, prescribed.name) for form, prescribed in FORMS.items())


@ledgers.get("/api/ledgers/{form}.xlsx", response_class=Response, responses=WORKBOOK_ANSWER)
async def ledger(
    form: str,
    start: Annotated[int, Query(description="Microseconds since 1970 UTC.")],
    end: Annotated[int, Query(description="Microseconds since 1970 UTC; not in the period itself.")],
    services: Services,
) -> Response:
    """One form of a period, filled from the tickets as they are now."""
    if form not in FORMS:
        raise UnknownSubject(f"form among [{', '.join(FORMS)}]", form)
    refuse(curves.range_problems(start, end, start, end))
    period, tickets = Period(Instant(start), Instant(end)), services.engine.states.tickets.values()
    return workbook(*filled(form, services.plant, tickets, period, services.clock.now()))
