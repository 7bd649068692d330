"""Hazards that people file on the page: the real machine behind the pretended gateway."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response

from gateway.api import requests
from gateway.api import schema as wire
from gateway.api.views import ticket_view
from gateway.errors import IllegalTransition, RequestRefused
from gateway.event import Event
from gateway.events.tickets import Attachment
from gateway.machines import hazard_report, ticket, ticket_step
from gateway.machines.hazard_report import Places
from gateway.machines.ticket import Ticket
from gateway.sample import Instant
from gateway.stores.media import media_of, safe_name
from tests.web import fixture_plant

Told = Callable[[wire.TicketView], None]


class Hazards:
    """Tickets that a person filed since the start, with the content of their files."""

    def __init__(self, clock: Callable[[], int], told: Told) -> None:
        equipment = fixture_plant.equipment()
        areas = frozenset(each.id for each in fixture_plant.plant().areas)
        self._places = Places("demo", areas, {each.id: each.area for each in equipment})
        self._clock, self._told = clock, told
        self.tickets: dict[str, Ticket] = {}
        self.files: dict[str, bytes] = {}

    def report(self, body: requests.ReportRequest) -> wire.TicketView | JSONResponse:
        return self._take(lambda now: hazard_report.report(self._places, self.tickets, body.report(), now))

    def move(self, ticket_id: str, body: requests.TicketRequest) -> wire.TicketView | JSONResponse:
        return self._take(lambda now: ticket_step.move(self.tickets[ticket_id], body.move(), now))

    def attach(
        self, ticket_id: str, name: str, by: str, comment: str, content: bytes
    ) -> wire.TicketView | JSONResponse:
        def decide(now: Instant) -> Event:
            media, sha256 = media_of(content[:64]), hashlib.sha256(content).hexdigest()
            self.files[sha256] = content
            file = Attachment(sha256, safe_name(name, media), media.media_type, len(content))
            return hazard_report.attach(self.tickets[ticket_id], file, by, comment, now)

        return self._take(decide)

    def _take(self, decide: Callable[[Instant], Event]) -> wire.TicketView | JSONResponse:
        try:
            event = decide(Instant(self._clock()))
        except (IllegalTransition, RequestRefused) as error:
            problems = error.problems if isinstance(error, RequestRefused) else ()
            shown = [{"field": each.field, "expected": each.expected, "got": each.got} for each in problems]
            body = {"error": type(error).__name__, "message": str(error), "problems": shown}
            return JSONResponse(body, error.http_status)
        subject = str(getattr(event, "ticket"))  # noqa: B009 - every event of a ticket has one
        moved = ticket.evolve(self.tickets.get(subject), event)
        assert moved is not None
        self.tickets[subject] = moved
        view = ticket_view(moved)
        self._told(view)
        return view


def serve(app: FastAPI, hazards: Hazards, tickets: Mapping[str, wire.TicketView]) -> None:
    """The routes by which people see and file hazards and put files beside them."""

    @app.get("/api/tickets")
    async def shown() -> tuple[wire.TicketView, ...]:
        return tuple(tickets.values())

    @app.post("/api/tickets", response_model=None)
    async def report(body: requests.ReportRequest) -> wire.TicketView | JSONResponse:
        return hazards.report(body)

    @app.post("/api/tickets/{ticket_id}/attachments", response_model=None)
    async def attach(
        ticket_id: str, name: str, by: str, request: Request, comment: str = ""
    ) -> wire.TicketView | JSONResponse:
        return hazards.attach(ticket_id, name, by, comment, await request.body())

    @app.get("/api/tickets/{ticket_id}/attachments/{sha256}")
    async def attached(ticket_id: str, sha256: str) -> Response:
        held = next(each for each in hazards.tickets[ticket_id].attachments if each.file.sha256 == sha256)
        return Response(hazards.files[sha256], media_type=held.file.media_type)
