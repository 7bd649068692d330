"""The routes under /api/tickets: hazards (隐患), how people file them, and everything that they do with one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import FileResponse

from gateway.api import curves
from gateway.api.answers import problem, refuse
from gateway.api.person import ByWhom
from gateway.api.requests import ReportRequest, TicketRequest
from gateway.api.schema import Evidence, TicketView
from gateway.api.services import ApiServices, Services
from gateway.errors import UnknownSubject
from gateway.event import Event, subject_of
from gateway.events.tickets import Attachment, HazardSource, TicketState
from gateway.rule import TicketGrade
from gateway.sample import Instant

ticket_routes = APIRouter(prefix="/api/tickets")

_STANDING = Query(description="Only tickets that stand (true) or are closed (false); all if left out.")
_BYTES = "application/octet-stream"
"""No form of a foreign page can send it without asking first."""
_CONTENT = {"requestBody": {"content": {_BYTES: {"schema": {"type": "string", "format": "binary"}}}, "required": True}}
_FILE: dict[int | str, dict[str, Any]] = {200: {"content": {_BYTES: {}}, "description": "The file, with its SHA-256."}}
_SOME_FILE = Attachment("", "", "", 0)
_OVERDUE = Query(description="Only tickets that stand past their deadline (true), or do not (false).")


@ticket_routes.get("")
async def tickets(
    services: Services,
    standing: Annotated[bool | None, _STANDING] = None,
    overdue: Annotated[bool | None, _OVERDUE] = None,
    area: str | None = None,
    equipment: str | None = None,
    state: TicketState | None = None,
    grade: TicketGrade | None = None,
    source: HazardSource | None = None,
) -> tuple[TicketView, ...]:
    """Hazard tickets (隐患), oldest first; every filter that is given holds."""
    now = services.clock.now()

    def wanted(view: TicketView) -> bool:
        stands = bool(view.actions)
        asked = (
            (standing, stands),
            (overdue, stands and view.deadline < now),
            (area, view.area),
            (equipment, view.equipment),
            (state, view.state),
            (grade, view.grade),
            (source, view.source),
        )
        return all(wish is None or wish == found for wish, found in asked)

    return tuple(view for view in services.hub.book.tickets.values() if wanted(view))


@ticket_routes.post("")
async def report_hazard(request: ReportRequest, services: Services) -> TicketView:
    """File a hazard that a person found (排查登记): a check, an inspection, or a report."""
    known = {row.clause for row in services.coverage(())}
    refuse(
        [
            problem(f"clauses.{place}", f"a clause of the criteria, one of [{', '.join(sorted(known))}]", clause)
            for place, clause in enumerate(request.clauses)
            if clause not in known
        ]
    )
    desk, wish = services.engine.hazard_desk, request.report()
    (entry,) = await services.loop.act(lambda now: [desk.report(wish, now)])
    return services.hub.book.ticket(subject_of(entry.event))


@ticket_routes.get("/{ticket_id}")
async def ticket(ticket_id: str, services: Services) -> TicketView:
    """One hazard ticket with its steps."""
    return services.hub.book.ticket(ticket_id)


@ticket_routes.post("/{ticket_id}/actions")
async def move_ticket(ticket_id: str, request: TicketRequest, services: Services) -> TicketView:
    """Register, assess, assign, extend, rectify, recheck, write off, dismiss, supervise, stop: a person's step."""
    desk, wanted = services.engine.hazard_desk, request.move()
    return await _act(services, ticket_id, lambda now: desk.move(ticket_id, wanted, now))


@ticket_routes.post("/{ticket_id}/attachments", openapi_extra=_CONTENT)
async def attach_file(
    ticket_id: str,
    name: Annotated[str, Query(description="The file's name.", max_length=255)],
    by: ByWhom,
    request: Request,
    services: Services,
    comment: Annotated[str, Query(description="What it shows.", max_length=2000)] = "",
) -> TicketView:
    """Put a photograph, video or document beside a ticket (附件); the body is the file.

    It is durable before the journal names it. What it is, its content says and never its name.
    """
    desk, by, comment = services.engine.hazard_desk, by.strip(), comment.strip()
    if request.headers.get("content-type", "").partition(";")[0].strip() != _BYTES:
        refuse([problem("content-type", _BYTES, request.headers.get("content-type", "nothing"))])
    desk.attach(ticket_id, _SOME_FILE, by, comment, services.clock.now())  # a refusal needs no upload
    file = await services.attachments.put(request.stream(), name)
    return await _act(services, ticket_id, lambda now: desk.attach(ticket_id, file, by, comment, now))


@ticket_routes.get("/{ticket_id}/attachments/{sha256}", response_class=FileResponse, responses=_FILE)
async def attached_file(ticket_id: str, sha256: str, services: Services) -> FileResponse:
    """A file beside a ticket, to be kept: no browser runs it."""
    view = services.hub.book.ticket(ticket_id)
    file = next((each.file for each in view.attachments if each.file.sha256 == sha256), None)
    if file is None:
        raise UnknownSubject(f"attachment of {ticket_id}", sha256)
    return FileResponse(
        await services.attachments.find(sha256),
        filename=file.name,
        media_type=file.media_type,
        headers={"x-sha256": sha256, "cache-control": "private, max-age=31536000, immutable"},
    )


@ticket_routes.get("/{ticket_id}/evidence")
async def ticket_evidence(ticket_id: str, services: Services) -> Evidence:
    """The curves ten minutes either side of the onset, and the events beside them."""
    return await curves.evidence_of(services, ticket_id)


async def _act(services: ApiServices, ticket_id: str, decide: Callable[[Instant], Event]) -> TicketView:
    await services.loop.act(lambda now: [decide(now)])
    return services.hub.book.ticket(ticket_id)
