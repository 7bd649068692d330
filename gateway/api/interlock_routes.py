"""The route of the cause-and-effect matrix. Reads only: no interlock is ever moved from here."""

from __future__ import annotations

from fastapi import APIRouter

from gateway.api.services import Services
from gateway.cause_effect_matrix import MatrixRow, matrix

interlock_routes = APIRouter(prefix="/api/interlocks")


@interlock_routes.get("")
async def interlocks(services: Services) -> tuple[MatrixRow, ...]:
    """The cause-and-effect matrix (因果矩阵): each cell with its latest demand and when it was last proven.

    Knows the demands that are kept beside the standing ones; a cell without any is unexercised, not proven.
    """
    engine = services.engine
    return matrix(engine.interlocks, engine.rules, engine.states.demands.values())
