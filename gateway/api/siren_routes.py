"""The routes under /api/sirens: what each siren and lamp should do, and silence (消音). Writes no output."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.requests import PersonAction
from gateway.api.services import Services
from gateway.api.siren_view import SirenView, siren_views

siren_routes = APIRouter(prefix="/api/sirens")


@siren_routes.get("")
async def sirens(services: Services) -> tuple[SirenView, ...]:
    """The sirens and lamps of the plant file."""
    return siren_views(services.engine.siren_desk, services.plant, services.clock.now())


@siren_routes.post("/silence")
async def silence_sirens(action: PersonAction, services: Services) -> tuple[SirenView, ...]:
    """Silence (消音) what sounds, for a while. Acknowledges nothing; a new alarm sounds again at once."""
    engine = services.engine
    await services.loop.act(lambda now: engine.siren_desk.silence(action.by, action.comment, now))
    return siren_views(services.engine.siren_desk, services.plant, services.clock.now())
