"""The routes of the shift handover (交接班): the pack, its printed page, and both signatures on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.responses import HTMLResponse, Response

from gateway.api import handover_page, handover_sheet
from gateway.api.answers import problem, refuse
from gateway.api.handover_pack import HandoverPack, SectionCount, counted, pack
from gateway.api.requests import HandoverRequest
from gateway.api.services import ApiServices, Services
from gateway.api.workbooks import WORKBOOK_ANSWER, workbook
from gateway.errors import Problem, TocsinError, UnknownSubject
from gateway.event import Event
from gateway.events.presence import HandoverSigned
from gateway.identity import identity
from gateway.sample import Instant

handover_routes = APIRouter(prefix="/api")

_PAGE: dict[int | str, dict[str, Any]] = {200: {"content": {"text/html": {}}, "description": "A page to print."}}


@dataclass(frozen=True, slots=True)
class HandoverView:
    """A signed handover in short; its page and its workbook have the lines."""

    handover: str
    at: Instant
    by: str
    to: str
    comment: str
    digest: str
    sections: tuple[SectionCount, ...]
    """Those that had any line."""
    left_out: int


class HandoverChanged(TocsinError):
    """The pack that was read is not the one that would be signed."""

    http_status = 409

    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got
        super().__init__(f"handover: expected the digest {expected} of the pack as it is now, got {got}; read it again")


@handover_routes.get("/handover")
async def handover(services: Services) -> HandoverPack:
    """What the next shift has to know of, now: standing, bypassed, put aside, silent, overdue, unanswered."""
    return _pack(services, services.clock.now())


@handover_routes.post("/handover")
async def sign_handover(request: HandoverRequest, services: Services) -> HandoverSigned:
    """Hand over, signed by both persons; the pack goes into the journal as it was signed."""
    refuse(_problems(request))

    def decide(now: Instant) -> list[Event]:
        found = _pack(services, now)
        if request.digest and request.digest != found.digest:
            raise HandoverChanged(found.digest, request.digest)
        return [_signed(services.plant.site.id, request, found)]

    (entry,) = await services.loop.act(decide)
    assert isinstance(entry.event, HandoverSigned)  # noqa: S101 - it is the event above
    return entry.event


@handover_routes.get("/handover.xlsx", response_class=Response, responses=WORKBOOK_ANSWER)
async def handover_present_workbook(services: Services) -> Response:
    """The pack as a workbook, not yet signed."""
    found = _pack(services, services.clock.now())
    return workbook(handover_sheet.present(found))


@handover_routes.get("/handovers")
async def handovers(services: Services) -> tuple[HandoverView, ...]:
    """The latest signed handovers, oldest first; the journal keeps all."""
    return tuple(_view(each) for each in services.figures.handovers)


@handover_routes.get("/handovers/{handover_id}.xlsx", response_class=Response, responses=WORKBOOK_ANSWER)
async def handover_signed_workbook(handover_id: str, services: Services) -> Response:
    """One of the latest signed handovers as a workbook."""
    return workbook(handover_sheet.signed(services.plant.site.name, _signed_before(services, handover_id)))


@handover_routes.get("/handover/page", response_class=Response, responses=_PAGE)
async def handover_present_page(services: Services) -> HTMLResponse:
    """The pack as a page to print, not yet signed."""
    return _html(handover_page.present(_pack(services, services.clock.now())))


@handover_routes.get("/handovers/{handover_id}/page", response_class=Response, responses=_PAGE)
async def handover_signed_page(handover_id: str, services: Services) -> HTMLResponse:
    """One of the latest signed handovers as a page to print."""
    return _html(handover_page.signed(services.plant.site.name, _signed_before(services, handover_id)))


@handover_routes.get("/handover.css", include_in_schema=False)
async def handover_style() -> Response:
    """How the printed page looks; a file of its own, because no page may bring its style inline."""
    return Response(handover_page.STYLE, media_type="text/css")


def _signed_before(services: ApiServices, handover_id: str) -> HandoverSigned:
    found = next((each for each in services.figures.handovers if each.handover == handover_id), None)
    if found is None:
        raise UnknownSubject("handover", handover_id)
    return found


def _view(event: HandoverSigned) -> HandoverView:
    sections = tuple(each for each in counted(event.lines) if each.lines)
    return HandoverView(
        event.handover, event.at, event.by, event.to, event.comment, event.digest, sections, event.left_out
    )


def _html(page: str) -> HTMLResponse:
    return HTMLResponse(page, headers={"cache-control": "no-store"})


def _pack(services: ApiServices, now: Instant) -> HandoverPack:
    book = services.hub.book
    return pack(
        services.plant.site.name,
        tuple(book.alarms.values()),
        tuple(book.tickets.values()),
        tuple(book.links.values()),
        tuple(services.engine.states.checks.values()),
        services.engine.register_desk.bypassed(),
        now,
    )


def _problems(request: HandoverRequest) -> list[Problem]:
    found = []
    if not request.by:
        found.append(problem("by", "the name of the person who hands over", "nothing"))
    if not request.to:
        found.append(problem("to", "the name of the person who takes over", "nothing"))
    elif request.to.casefold() == request.by.casefold():
        found.append(problem("to", f"another person than {request.by}", request.to))
    return found


def _signed(site: str, request: HandoverRequest, found: HandoverPack) -> HandoverSigned:
    subject = "HO-" + identity(site, "handover", found.at, found.digest, request.by, request.to)[:12]
    return HandoverSigned(
        id=identity(subject, "signed"),
        at=found.at,
        handover=subject,
        by=request.by,
        to=request.to,
        comment=request.comment,
        digest=found.digest,
        lines=found.lines,
        left_out=found.left_out,
    )
