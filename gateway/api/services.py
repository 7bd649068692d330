"""What the API needs of a running gateway; `gateway.app` fills it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends
from starlette.requests import HTTPConnection

from gateway.api.export import Exports
from gateway.api.live import LiveHub
from gateway.api.schema import CoverageRow, ReloadView
from gateway.api.snapshots import Snapshots
from gateway.api.views import PointLimits
from gateway.clock import Clock
from gateway.engine import Engine
from gateway.plant.model import Plant
from gateway.runtime.figures import FiguresBook
from gateway.runtime.loop import Loop
from gateway.store import History, Journal
from gateway.stores.attachments import AttachmentStore

CoverageOf = Callable[[Collection[str]], Sequence[CoverageRow]]
"""Coverage of the clauses, given the ids of the points that are not good now."""


Reload = Callable[[str, str], Awaitable[ReloadView]]
"""Read plant file and rules again, for a person and a reason; raises ConfigurationError, StoreFailed."""


@dataclass(frozen=True, slots=True)
class ApiServices:
    """Everything that routes read, and the one thing that they act through: `loop.act`."""

    loop: Loop
    hub: LiveHub
    journal: Journal
    history: History
    clock: Clock
    point_limits: PointLimits
    coverage: CoverageOf
    reload: Reload
    page: Path
    """Directory of the built page; it need not be there."""
    figures: FiguresBook
    exports: Exports
    snapshots: Snapshots
    attachments: AttachmentStore
    metrics: Callable[[], bytes]
    """Everything measured, as Prometheus reads it."""
    reading: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while a workbook is read that somebody hands in: one at a time bounds the memory."""

    @property
    def plant(self) -> Plant:
        return self.loop.plant

    @property
    def engine(self) -> Engine:
        return self.loop.engine


def _services(connection: HTTPConnection) -> ApiServices:
    return cast(ApiServices, connection.app.state.services)


Services = Annotated[ApiServices, Depends(_services)]
