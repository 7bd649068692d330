"""The routes for ledgers: which forms there are, and one of them as a workbook. Changes nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from gateway.api import curves
from gateway.api.answers import refuse
from gateway.api.services import ApiServices, Services
from gateway.api.workbooks import WORKBOOK_ANSWER, workbook
from gateway.errors import UnknownSubject
from gateway.ledgers.analysis import Dimension, Tally, analysed
from gateway.ledgers.filling import Filling, Proven
from gateway.ledgers.form import Period
from gateway.ledgers.forms import FORMS, filled
from gateway.ledgers.proof_form import proven
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


@dataclass(frozen=True, slots=True)
class TallyView:
    """Hazards of one kind, filed in the period; what each number counts stands in the guide to the ledgers."""

    name: str
    found: int
    major: int
    false_alarms: int
    mended: int
    mended_rate: float | None
    """Of those found; None of none."""
    due: int
    on_time: int
    on_time_rate: float | None
    """Of those due; None of none."""
    overdue: int
    recurrences: int
    returned: int
    days: float | None
    """Mean days from filing to rectification."""


@dataclass(frozen=True, slots=True)
class AnalysisView:
    """The whole, and its parts by each dimension."""

    total: TallyView
    parts: dict[Dimension, tuple[TallyView, ...]]


@ledgers.get("/api/ledgers/analysis")
async def ledger_analysis(
    services: Services,
    start: Annotated[int, Query(description="Microseconds since 1970 UTC.")],
    end: Annotated[int, Query(description="Microseconds since 1970 UTC; not in the period itself.")],
) -> AnalysisView:
    """Where hazards gather and whether they are mended in time: by area, rule, responsible unit, source, month."""
    refuse(curves.range_problems(start, end, start, end))
    tickets = services.engine.states.tickets.values()
    given = Filling.of(services.plant, tickets, Period(Instant(start), Instant(end)), services.clock.now())
    found = analysed(given)
    parts = {dimension: tuple(_tally(each) for each in parts) for dimension, parts in found.parts.items()}
    return AnalysisView(_tally(found.total), parts)


def _tally(tally: Tally) -> TallyView:
    return TallyView(**asdict(tally), mended_rate=tally.mended_share.ratio, on_time_rate=tally.on_time_share.ratio)


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
    interlocks = _proven(services) if form == "equipment" else ()
    return workbook(*filled(form, services.plant, tickets, period, services.clock.now(), interlocks))


def _proven(services: ApiServices) -> tuple[Proven, ...]:
    engine = services.engine
    return proven(engine.interlocks, engine.rules, engine.states.interlocks, services.plant.interlocks)
