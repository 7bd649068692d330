"""The routes under /api/alarms: what stands, and everything that a person does with an alarm."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter

from gateway.api.answers import require
from gateway.api.requests import PersonAction, RemovalRequest, ShelveRequest
from gateway.api.schema import AlarmView
from gateway.api.services import ApiServices, Services
from gateway.event import Event
from gateway.machines.suppression import RemovalWish, ShelvingWish
from gateway.sample import Instant

alarm_routes = APIRouter(prefix="/api/alarms")


async def _act(services: ApiServices, alarm_id: str, decide: Callable[[Instant], Event]) -> AlarmView:
    await services.loop.act(lambda now: [decide(now)])
    return services.hub.book.alarm(alarm_id)


@alarm_routes.get("")
async def alarms(services: Services) -> tuple[AlarmView, ...]:
    """Alarms that somebody has to know of: standing, suppressed, or such that cannot be evaluated now."""
    return tuple(services.hub.book.alarms.values())


@alarm_routes.post("/{alarm_id}/acknowledge")
async def acknowledge_alarm(alarm_id: str, action: PersonAction, services: Services) -> AlarmView:
    """Say that a person has taken note (确认)."""
    require("by", action.by, "the name of the person who acknowledges")
    engine = services.engine
    return await _act(
        services, alarm_id, lambda now: engine.alarm_desk.acknowledge(alarm_id, action.by, action.comment, now)
    )


@alarm_routes.post("/{alarm_id}/reset")
async def reset_alarm(alarm_id: str, action: PersonAction, services: Services) -> AlarmView:
    """Free a latched alarm whose condition is gone (复位)."""
    require("by", action.by, "the name of the person who resets")
    engine = services.engine
    return await _act(services, alarm_id, lambda now: engine.alarm_desk.reset(alarm_id, action.by, action.comment, now))


@alarm_routes.post("/{alarm_id}/shelve")
async def shelve_alarm(alarm_id: str, request: ShelveRequest, services: Services) -> AlarmView:
    """Put an alarm aside for a while (搁置): evaluated and journalled, not annunciated."""
    wish = ShelvingWish(request.by, request.comment, request.duration, request.second, one_shot=request.one_shot)
    engine = services.engine
    return await _act(services, alarm_id, lambda now: engine.alarm_desk.shelve(alarm_id, wish, now))


@alarm_routes.post("/{alarm_id}/unshelve")
async def unshelve_alarm(alarm_id: str, action: PersonAction, services: Services) -> AlarmView:
    """End a shelving before its time (取消搁置)."""
    engine = services.engine
    return await _act(
        services, alarm_id, lambda now: engine.alarm_desk.unshelve(alarm_id, action.by, action.comment, now)
    )


@alarm_routes.post("/{alarm_id}/remove_from_service")
async def remove_alarm_from_service(alarm_id: str, request: RemovalRequest, services: Services) -> AlarmView:
    """Take an alarm out of service under a permit (停用); only a person brings it back."""
    wish = RemovalWish(request.by, request.comment, request.permit, request.second)
    engine = services.engine
    return await _act(services, alarm_id, lambda now: engine.alarm_desk.remove(alarm_id, wish, now))


@alarm_routes.post("/{alarm_id}/return_to_service")
async def return_alarm_to_service(alarm_id: str, action: PersonAction, services: Services) -> AlarmView:
    """Bring an alarm back into service (恢复使用)."""
    engine = services.engine
    return await _act(
        services, alarm_id, lambda now: engine.alarm_desk.return_to_service(alarm_id, action.by, action.comment, now)
    )
