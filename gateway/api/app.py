"""The HTTP application: routes, live stream, page, and one shape for everything refused."""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from fastapi import FastAPI
from fastapi.routing import APIRoute

from gateway.api.alarm_routes import alarm_routes
from gateway.api.answers import BodyLimit, answer_errors
from gateway.api.changes import changes
from gateway.api.duty import duty_routes
from gateway.api.figures import figure_routes
from gateway.api.handover import handover_routes
from gateway.api.interlock_routes import interlock_routes
from gateway.api.ledger_import import ledger_import
from gateway.api.ledger_routes import ledgers
from gateway.api.output_routes import output_routes
from gateway.api.page import Page, SecurityHeaders
from gateway.api.records import records
from gateway.api.reference import openapi_document, reference
from gateway.api.routes import routes
from gateway.api.schema import ErrorView
from gateway.api.services import ApiServices
from gateway.api.siren_routes import siren_routes
from gateway.api.stream import stream
from gateway.api.ticket_routes import ticket_routes

_REFUSALS = {
    404: "The id names nothing.",
    409: "The present state does not allow it.",
    422: "The request does not hold; every wrong field is named.",
    503: "A store cannot keep it; nothing has changed.",
}


def create_app(services: ApiServices) -> FastAPI:
    """The app of one running gateway."""
    app = describe_app()
    app.state.services = services
    app.router.default = Page(services.page)
    return app


def describe_app() -> FastAPI:
    """The app without a gateway behind it: enough to say what it would serve."""
    app = FastAPI(
        title="警钟 Tocsin",
        version=version("tocsin"),
        summary="Alarms, interlock demands and hazard tickets of one plant.",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation,
        responses={code: {"model": ErrorView, "description": text} for code, text in _REFUSALS.items()},
    )
    app.include_router(routes)
    app.include_router(changes)
    app.include_router(alarm_routes)
    app.include_router(ticket_routes)
    app.include_router(figure_routes)
    app.include_router(records)
    app.include_router(ledgers)
    app.include_router(ledger_import)
    app.include_router(duty_routes)
    app.include_router(handover_routes)
    app.include_router(siren_routes)
    app.include_router(interlock_routes)
    app.include_router(output_routes)
    app.include_router(stream)
    app.include_router(reference)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    answer_errors(app)
    app.openapi = partial(openapi_document, app)  # type: ignore[method-assign]
    return app


def _operation(route: APIRoute) -> str:
    return route.name
