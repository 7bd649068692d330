"""One gateway, served on a real socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from gateway.stores.history_duckdb import DuckdbHistory
from tests.api import support
from tests.api.support import Rig
from tests.engine.scripted import plant


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Rig]:
    async with support.rig(tmp_path) as unserved, support.served(unserved) as rig:
        await rig.tick()
        yield rig


@pytest.fixture
async def http(gateway: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with support.client(gateway) as client:
        yield client


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckdbHistory]:
    """One history for gateways that are not asked for curves."""
    place = tmp_path_factory.mktemp("history") / "history.duckdb"
    opened = asyncio.run(DuckdbHistory.open(place, [point.id for point in plant().points]))
    yield opened
    asyncio.run(opened.close())
