"""The gateway's own ledger routes over tickets that the fake keeps: filled, analysed, and taken over for real."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from types import SimpleNamespace

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.api.answers import answer_errors
from gateway.api.ledger_import import ledger_import
from gateway.api.ledger_routes import ledgers
from gateway.event import Event
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from gateway.standing import Standing, fold
from tests.engine.scripted import plant
from tests.ledgers.test_forms import ticket

DAY = 86_400 * SECOND


def mount(app: FastAPI, now: Callable[[], int]) -> None:
    """Serve what the fake's own routes leave over."""
    app.mount("/api", _served(now))


def _served(now: Callable[[], int]) -> ASGIApp:
    """An app of its own: its plant is another than the fake's."""
    app = FastAPI()
    started = now()
    made = [
        ticket("HD-000000000001", Instant(started - 50 * DAY), steps=5),
        ticket("HD-000000000002", Instant(started - 45 * DAY), steps=2),
        ticket("HD-000000000003", Instant(started - 3 * DAY), steps=2, grade=TicketGrade.ORDINARY),
        ticket("HD-000000000004", Instant(started - 2 * DAY)),
    ]
    standing = Standing(tickets={each.id: each for each in made})

    async def act(decide: Callable[[Instant], Sequence[Event]]) -> None:
        for event in decide(Instant(now())):
            fold(standing, event)

    app.state.services = SimpleNamespace(
        plant=plant(),
        clock=SimpleNamespace(now=lambda: Instant(now())),
        engine=SimpleNamespace(states=standing),
        loop=SimpleNamespace(act=act),
        reading=asyncio.Lock(),
    )
    app.include_router(ledgers)
    app.include_router(ledger_import)
    answer_errors(app)

    async def whole(scope: Scope, receive: Receive, send: Send) -> None:
        """Its routes name their whole path."""
        await app({**scope, "root_path": ""}, receive, send)

    return whole
