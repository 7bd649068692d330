"""A Modbus device of a few registers, read often."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from drivers.modbus import KIND
from gateway.driver import Driver
from tests.drivers.faulty_server import FaultyServer
from tests.drivers.support import MILLISECOND, Kept, points, running

FIRST, SECOND, THIRD = ({"table": "holding", "address": address} for address in (0, 100, 200))
"""Far enough apart that each is a request of its own."""


@contextlib.asynccontextmanager
async def reading(
    *addresses: dict[str, object], server: FaultyServer, period: int = 20 * MILLISECOND, **extra: object
) -> AsyncIterator[tuple[Kept, Driver]]:
    wired = {"host": "127.0.0.1", "port": server.port, "unit_id": 7, "timeout": "150 ms", "bridge_gap": 0, **extra}
    async with running(KIND, wired, points(KIND, addresses, period=period)) as pair:
        yield pair
