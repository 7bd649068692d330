"""The history's housekeeping, kept going: a piece at a time, for as long as the gateway runs.

Never in the loop's way; a failure is shown and tried again, and stops nothing else.
"""

from __future__ import annotations

import asyncio
import logging

from gateway.clock import Clock
from gateway.errors import StoreFailed
from gateway.plant.model import Plant
from gateway.store import History, HistoryPlan, HistorySize

LOOK_EVERY = 10.0
"""Seconds between looks while there is nothing to do."""

BREATH = 0.1
"""Seconds between pieces: what is waiting is never urgent."""

RETRY_AFTER = 60.0
"""Seconds after a piece that failed."""

_log = logging.getLogger(__name__)


class Housekeeper:
    """Runs `History.maintain`, and knows how full the history is."""

    def __init__(self, history: History, clock: Clock) -> None:
        self.failure: StoreFailed | None = None
        self.size: HistorySize | None = None
        """As of the last look; None before the first."""
        self._history = history
        self._clock = clock

    @property
    def fullness(self) -> float:
        """How much of the size budget is used (percent); NaN while nobody knows."""
        known = self.size if self.failure is None else None
        return 100.0 * known.size / known.budget if known else float("nan")

    @property
    def cut(self) -> float:
        """Samples that went for want of room, since the file was made; NaN while nobody knows."""
        return float(self.size.cut) if self.size and self.failure is None else float("nan")

    async def run(self) -> None:
        """For ever; ends by cancellation."""
        while True:
            try:
                more = await self._history.maintain(self._clock.now())
                if not more or self.size is None:
                    self._look(await self._history.size())
            except StoreFailed as failure:
                if self.failure is None:
                    _log.error("the history cannot be put in order: %s", failure)
                self.failure = failure
                await asyncio.sleep(RETRY_AFTER)
                continue
            if self.failure is not None:
                _log.info("the history is put in order again")
                self.failure = None
            await asyncio.sleep(BREATH if more else LOOK_EVERY)

    def _look(self, size: HistorySize) -> None:
        if self.size is None and size.damaged:
            _log.error("files of the history are missing or damaged, their samples are left out: %s", size.damaged)
        if size.cut > (self.size.cut if self.size else size.cut):
            _log.warning("the history's budget is full: %d samples in all went before their time", size.cut)
        self.size = size


def history_plan(plant: Plant) -> HistoryPlan:
    """What the plant asks its history to keep; a class of its own only where the plant file keeps it otherwise."""
    policy, equipment = plant.history, plant.equipment_by_id()
    classes = {point.id: equipment[point.equipment].equipment_class for point in plant.points}
    return HistoryPlan(
        budget=policy.budget,
        keeping=policy.keeping,
        classes=policy.classes,
        class_of={point: name for point, name in classes.items() if name in policy.classes},
        holds={point.id: point.stale_after for point in plant.points},
    )
