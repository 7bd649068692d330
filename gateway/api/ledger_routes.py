"""The routes for ledgers: which forms there are, and one of them as a workbook. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import curves
from gateway.api.answers import refuse
from gateway.api.services import Services
from gateway.errors import UnknownSubject
from gateway.ledgers.form import Period
from gateway.ledgers.forms import FORMS, filled
from gateway.sample import Instant

ledgers = APIRouter()

WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {WORKBOOK: {}}, "description": "The workbook."}}


@dataclass(frozen=True, slots=True)
class FormView:
    """A form that the notices prescribe."""

    id: str
    name: str


@ledgers.get("/api/ledgers")
async def forms() -> tuple[FormView, ...]:
    """The forms that can be filled."""
    return tuple(FormView(form, name) for form, (name, _) in FORMS.items())


@ledgers.get("/api/ledgers/{form}.xlsx", response_class=Response, responses=_FILE)
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
    from gateway.ledgers.workbook import written  # openpyxl costs a start that writes no workbook too much

    made = filled(form, services.plant, services.engine.states.tickets.values(), Period(Instant(start), Instant(end)))
    name = quote(f"{made.title}.xlsx")
    return Response(
        written(made), media_type=WORKBOOK, headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"}
    )
