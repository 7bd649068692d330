"""What the gateway says of its own history: how full it is, what went for want of room, never what it cannot know."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.errors import StoreFailed
from gateway.runtime import upkeep
from gateway.runtime.upkeep import Housekeeper
from gateway.sample import Instant
from gateway.store import HistoryPlan, HistorySize
from gateway.stores.history_duckdb import DuckdbHistory


async def run_for_a_moment(keeper: Housekeeper) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(keeper.run(), 0.5)


async def test_fullness_is_told_from_the_first_look_on(tmp_path: Path) -> None:
    history = await DuckdbHistory.open(tmp_path / "history.duckdb", ["a"], HistoryPlan(budget=10**9))
    keeper = Housekeeper(history, SystemClock())
    assert math.isnan(keeper.fullness)
    assert math.isnan(keeper.cut)
    await run_for_a_moment(keeper)
    assert keeper.size is not None
    assert keeper.fullness == pytest.approx(keeper.size.size / 10**7)
    assert keeper.cut == 0
    await history.close()


async def test_a_fullness_that_nobody_can_look_up_any_more_is_not_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(DuckdbHistory):
        broken = False

        async def maintain(self, now: Instant) -> bool:
            if self.broken:
                raise StoreFailed("history", "read", "the disk is gone")
            return await super().maintain(now)

    monkeypatch.setattr(upkeep, "LOOK_EVERY", 0.01)
    history = await Failing.open(tmp_path / "history.duckdb", ["a"])
    keeper = Housekeeper(history, SystemClock())
    await run_for_a_moment(keeper)
    assert keeper.fullness > 0
    assert isinstance(history, Failing)
    history.broken = True
    await run_for_a_moment(keeper)
    assert isinstance(keeper.size, HistorySize)
    assert math.isnan(keeper.fullness)
    await history.close()
