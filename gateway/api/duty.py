"""The routes under /api/duty: whether anybody is there, asked and answered (查岗)."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.answers import require
from gateway.api.requests import PersonAction
from gateway.api.services import Services
from gateway.events.presence import AskedBecause
from gateway.machines.duty_check import DutyCheck

duty_routes = APIRouter(prefix="/api/duty/checks")


@duty_routes.get("")
async def duty_checks(services: Services) -> tuple[DutyCheck, ...]:
    """The latest duty checks, oldest first; at most one of them waits for its answer."""
    return tuple(services.engine.states.checks.values())


@duty_routes.post("")
async def ask_duty_check(action: PersonAction, services: Services) -> DutyCheck:
    """Ask now whether anybody is there."""
    require("by", action.by, "the name of the person who asks")
    engine = services.engine
    await services.loop.act(lambda now: [engine.duty_desk.ask(AskedBecause.PERSON, action.by, now)])
    return next(reversed(engine.states.checks.values()))


@duty_routes.post("/{check_id}/answer")
async def answer_duty_check(check_id: str, action: PersonAction, services: Services) -> DutyCheck:
    """Say that somebody is there; after the time it counts as late, and stops the climb."""
    engine = services.engine
    await services.loop.act(lambda now: [engine.duty_desk.answer(check_id, action.by, action.comment, now)])
    return engine.states.checks[check_id]
