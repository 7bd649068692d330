"""The gateway's own handover routes over the fake's state: both sign what both have read, or are refused."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

from fastapi import FastAPI

from gateway.api.answers import answer_errors
from gateway.api.handover import handover_routes
from gateway.driver import LinkState
from gateway.event import Entry, Event
from gateway.events.presence import HandoverSigned
from gateway.sample import Instant
from tests.web import fixture_views

if TYPE_CHECKING:
    from tests.web.fake_gateway import FakeGateway


@dataclass(slots=True)
class FakeJournal:
    """Takes in whatever is decided, at the fake's time."""

    now: Callable[[], int]
    signed: deque[HandoverSigned] = field(default_factory=deque)

    async def act(self, decide: Callable[[Instant], Sequence[Event]]) -> list[Entry]:
        events = decide(Instant(self.now()))
        self.signed.extend(event for event in events if isinstance(event, HandoverSigned))
        return [Entry(len(self.signed), event) for event in events]


def served(fake: FakeGateway, now: Callable[[], int]) -> FastAPI:
    """An app that serves handovers of what the fake shows."""
    app = FastAPI()
    journal = FakeJournal(now)
    links = {each.device: replace(each, state=LinkState(each.state)) for each in fixture_views.links(now())}
    app.state.services = SimpleNamespace(
        clock=SimpleNamespace(now=lambda: Instant(now())),
        plant=SimpleNamespace(site=SimpleNamespace(id=fake.plant.site, name=fake.plant.name)),
        hub=SimpleNamespace(book=SimpleNamespace(alarms=fake.alarms, tickets=fake.tickets, links=links)),
        engine=SimpleNamespace(states=SimpleNamespace(checks={})),
        loop=journal,
        figures=SimpleNamespace(handovers=journal.signed),
    )
    app.include_router(handover_routes)
    answer_errors(app)
    return app
