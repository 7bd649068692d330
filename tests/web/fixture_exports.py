"""The gateway's own exports over samples that are made up, as slowly as a test wants."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Collection
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import numpy as np
from fastapi import FastAPI

from gateway.api.export import Exports
from gateway.api.records import records
from gateway.clock import Clock
from gateway.sample import Instant, SampleBatch
from gateway.store import History

if TYPE_CHECKING:
    from tests.web.fake_gateway import FakeGateway

BATCHES, ROWS = 20, 100


class SlowHistory:
    """Twenty batches over any range, one each `fake.export_pace` seconds."""

    def __init__(self, fake: FakeGateway) -> None:
        self._fake = fake
        self._index = {point.id: point.index for point in fake.plant.points}

    async def samples(self, points: Collection[str], start: Instant, end: Instant) -> AsyncIterator[SampleBatch]:
        index = self._index[next(iter(points))]
        for number in range(BATCHES):
            await asyncio.sleep(self._fake.export_pace)
            times = np.linspace(start, end, BATCHES * ROWS).astype(np.int64)[number * ROWS : (number + 1) * ROWS]
            good = np.zeros(ROWS, dtype=np.uint8)
            yield SampleBatch(np.full(ROWS, index, dtype=np.int32), times * 1e-12, good, good, times, times)


def served(app: FastAPI, fake: FakeGateway, now: Callable[[], int]) -> FastAPI:
    """The app, which has services, with the routes of exports as well."""
    place = Path(tempfile.mkdtemp(prefix="tocsin-exports-"))
    clock = cast(Clock, SimpleNamespace(now=lambda: Instant(now())))
    services = app.state.services
    services.plant.points = fake.plant.points
    services.exports = Exports(place, cast(History, SlowHistory(fake)), clock)
    app.include_router(records)
    return app
