"""The routes under /api/interlocks: the cause-and-effect matrix, the bypass register, proof tests.

Keeps the register of what people do; no interlock is ever moved from here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter

from gateway.api.requests import BypassRequest, PersonAction, ProofTestRequest
from gateway.api.services import ApiServices, Services
from gateway.cause_effect_matrix import Known, MatrixRow, matrix
from gateway.event import Event
from gateway.machines.bypass import Bypass, BypassWish
from gateway.machines.proof_test import ProofTestWish
from gateway.rule import InterlockInstance
from gateway.sample import Instant

interlock_routes = APIRouter(prefix="/api/interlocks")


@dataclass(frozen=True, slots=True)
class RegisterLine:
    """One bypass, standing or among the latest that have ended."""

    interlock: str
    equipment: str
    bypass: Bypass


@interlock_routes.get("")
async def interlocks(services: Services) -> tuple[MatrixRow, ...]:
    """The cause-and-effect matrix (因果矩阵): each cell with its latest demand and its latest proof.

    Of each interlock: whether it is in service, bypassed or under test, and when its proof is due.
    """
    return _rows(services, services.engine.interlocks)


@interlock_routes.get("/bypasses")
async def bypasses(services: Services) -> tuple[RegisterLine, ...]:
    """The bypass register (旁路登记): what stands and the latest of each interlock that have ended, newest first."""
    records = services.engine.states.interlocks
    lines = [
        RegisterLine(row.id, row.equipment, line)
        for row in services.engine.interlocks
        if row.id in records
        for line in (*records[row.id].bypasses, records[row.id].bypass)
        if line is not None
    ]
    return tuple(sorted(lines, key=lambda each: each.bypass.since, reverse=True))


@interlock_routes.post("/{interlock_id}/bypass")
async def bypass_interlock(interlock_id: str, request: BypassRequest, services: Services) -> MatrixRow:
    """Register a bypass (旁路登记): why, approved by whom, until when, and what is done meanwhile."""
    wish = BypassWish(
        request.by, request.approved_by, request.comment, request.measure, request.duration, request.permit
    )
    desk = services.engine.register_desk
    return await _act(services, interlock_id, lambda now: desk.bypass(interlock_id, wish, now))


@interlock_routes.post("/{interlock_id}/remove_bypass")
async def remove_bypass(interlock_id: str, action: PersonAction, services: Services) -> MatrixRow:
    """The interlock is back in service (解除旁路)."""
    desk = services.engine.register_desk
    return await _act(
        services, interlock_id, lambda now: desk.remove_bypass(interlock_id, action.by, action.comment, now)
    )


@interlock_routes.post("/{interlock_id}/declare_test")
async def declare_test(interlock_id: str, request: ProofTestRequest, services: Services) -> MatrixRow:
    """Declare a proof test (联锁试验): what is demanded until its end is a test."""
    wish = ProofTestWish(request.by, request.comment, request.duration)
    desk = services.engine.register_desk
    return await _act(services, interlock_id, lambda now: desk.declare_test(interlock_id, wish, now))


@interlock_routes.post("/{interlock_id}/end_test")
async def end_test(interlock_id: str, action: PersonAction, services: Services) -> MatrixRow:
    """End a proof test; the comment says what was found and how it was left."""
    desk = services.engine.register_desk
    return await _act(services, interlock_id, lambda now: desk.end_test(interlock_id, action.by, action.comment, now))


async def _act(services: ApiServices, interlock_id: str, decide: Callable[[Instant], Event]) -> MatrixRow:
    await services.loop.act(lambda now: [decide(now)])
    (row,) = _rows(services, [row for row in services.engine.interlocks if row.id == interlock_id])
    return row


def _rows(services: ApiServices, interlocks: Sequence[InterlockInstance]) -> tuple[MatrixRow, ...]:
    engine = services.engine
    known = Known(
        rules=engine.rules,
        demands=engine.states.demands.values(),
        records=engine.states.interlocks,
        policy=services.plant.interlocks,
        engaged=engine.interlock_desk.engaged,
        now=services.clock.now(),
    )
    return matrix(interlocks, known)
