"""The gateway's own handover and interlock routes over the fake's state: both sign what both have read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

from fastapi import FastAPI

from gateway.api.answers import answer_errors
from gateway.api.figures import figure_routes
from gateway.api.handover import handover_routes
from gateway.api.interlock_routes import interlock_routes
from gateway.driver import LinkState
from gateway.event import Entry, Event
from gateway.events.presence import HandoverSigned
from gateway.sample import Instant
from tests.web import fixture_figures, fixture_interlocks, fixture_views

if TYPE_CHECKING:
    from tests.web.fake_gateway import FakeGateway


@dataclass(slots=True)
class FakeJournal:
    """Takes in whatever is decided, at the fake's time."""

    now: Callable[[], int]
    taken: Callable[[Sequence[Event]], None]
    signed: deque[HandoverSigned] = field(default_factory=deque)

    async def act(self, decide: Callable[[Instant], Sequence[Event]]) -> list[Entry]:
        events = decide(Instant(self.now()))
        self.taken(events)
        self.signed.extend(event for event in events if isinstance(event, HandoverSigned))
        return [Entry(len(self.signed), event) for event in events]


def served(fake: FakeGateway, now: Callable[[], int]) -> FastAPI:
    """An app that serves handovers of what the fake shows, and two interlocks."""
    app = FastAPI()
    engine = fixture_interlocks.engine(now())
    journal = FakeJournal(now, lambda events: fixture_interlocks.take(engine, events))
    links = {each.device: replace(each, state=LinkState(each.state)) for each in fixture_views.links(now())}
    app.state.services = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: Instant(now())),
        plant=SimpleNamespace(site=SimpleNamespace(id=fake.plant.site, name=fake.plant.name), interlocks=engine.policy),
        hub=SimpleNamespace(book=SimpleNamespace(alarms=fake.alarms, tickets=fake.tickets, links=links), sequence=0),
        engine=engine,
        loop=journal,
        figures=fixture_figures.book(now(), handovers=journal.signed),
    )
    app.include_router(handover_routes)
    app.include_router(figure_routes)
    app.include_router(interlock_routes)
    answer_errors(app)
    return app
