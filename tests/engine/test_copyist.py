"""A store elsewhere gets every sample, live ones first, across any outage; what it can never take is counted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.clock import ManualClock
from gateway.errors import RecordsRefused, StoreFailed
from gateway.plant.model import Plant
from gateway.runtime import copyist as module
from gateway.runtime.copyist import BEHIND, CHECKED, SETTLED, TURNS_A_CHECK, Copyist
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import Tally
from tests.engine.memory_journal import MemoryJournal

POINTS = 3
START = 1_000_000 * CHECKED


def second(number: int) -> SampleBatch:
    """One sample of each point, received at that second; point 1 is a bad one."""
    at = np.full(POINTS, START + number * SECOND, dtype=np.int64)
    value = np.array([float(number), np.nan, 0.5])
    quality = np.array([0, 3, 0], dtype=np.uint8)
    return SampleBatch(np.arange(POINTS, dtype=np.int32), value, quality, quality.copy(), at, at.copy())


class MemoryHistory:
    """As much of `gateway.store.History` as a copyist reads."""

    def __init__(self) -> None:
        self.seconds: list[int] = []
        self.broken = False

    async def samples(
        self, points: Collection[str] | None, start: Instant, end: Instant, *, chunk: int = 65_536
    ) -> AsyncIterator[SampleBatch]:
        assert points is None
        if self.broken:
            raise StoreFailed("history", "read", "broken by the test")
        rows = SampleBatch.concatenate(second(n) for n in self.seconds if start <= START + n * SECOND < end)
        for at in range(0, len(rows), chunk):
            yield rows.part(at, at + chunk)


class Elsewhere:
    """Implements `gateway.store.Copy`: keeps by point and source time, in the order of arrival."""

    def __init__(self) -> None:
        self.kept: dict[tuple[int, int], float] = {}
        self.order: list[int] = []
        self.broken = False
        self.poison: set[tuple[int, int]] = set()
        self.forgets = 0

    async def prepare(self) -> str:
        return ""

    async def append_samples(self, batch: SampleBatch) -> None:
        if self.broken:
            raise StoreFailed("elsewhere", "write", "broken by the test")
        keys = list(zip(batch.point.tolist(), batch.source_time.tolist()))
        if self.poison & set(keys):
            raise RecordsRefused("elsewhere", "poison")
        self.order += [(at - START) // SECOND for _, at in keys]
        if self.forgets:
            self.forgets -= 1
            return
        self.kept |= dict(zip(keys, batch.value.tolist()))

    def bind(self, plant: Plant) -> Callable[[SampleBatch], Awaitable[None]]:
        return self.append_samples

    async def append_events(self, entries: object) -> None: ...

    async def tally(self, start: Instant, end: Instant) -> Tally:
        found = [value for (_, at), value in self.kept.items() if start <= at < end]
        return Tally(len(found), sum(value == value for value in found))

    async def close(self) -> None: ...


class Scene:
    """A clock, a history that grows with it, and a copyist that is given its turns by hand."""

    def __init__(self) -> None:
        self.clock = ManualClock(Instant(START))
        self.history, self.elsewhere, self.journal = MemoryHistory(), Elsewhere(), MemoryJournal()
        self.unwritten: Instant | None = None
        self.copyist = self._begun()

    def _begun(self) -> Copyist:
        return Copyist("copy", self.elsewhere, self.history, self.journal, self.clock, lambda: self.unwritten)

    async def start(self, *, up_to_date: bool = False) -> None:
        """A new run; `up_to_date`: of a copy that has everything up to now."""
        if up_to_date:
            self.journal.cursors["copy samples"] = self.clock.now()
        self.copyist = self._begun()
        await self.copyist._begin()

    def pass_(self, seconds: int) -> None:
        first = (self.clock.now() - START) // SECOND
        self.history.seconds += range(first, first + seconds)
        self.clock.advance(seconds * SECOND)

    async def turns(self, count: int) -> None:
        for _ in range(count):
            try:
                await self.copyist.turn()
            except StoreFailed:
                continue

    async def until_caught_up(self) -> None:
        for _ in range(500):
            await self.copyist.turn()
            if not self.copyist.backlog:
                return
        raise AssertionError(f"still {self.copyist.backlog / SECOND} s to catch up")

    @property
    def settled(self) -> int:
        """Seconds that must be there by now."""
        return max(0, (self.clock.now() - START - SETTLED) // SECOND)

    def there(self) -> set[int]:
        return {(at - START) // SECOND for _, at in self.elsewhere.kept}


@pytest.fixture
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 60)
    monkeypatch.setattr(module, "LIVE_AT_ONCE", 30)


async def test_what_has_settled_is_copied_and_what_may_still_change_waits() -> None:
    scene = Scene()
    await scene.start(up_to_date=True)
    scene.pass_(10)
    await scene.turns(1)
    assert scene.there() == set(range(8))
    scene.pass_(1)
    await scene.turns(1)
    assert scene.there() == set(range(9))
    assert scene.copyist.behind == 0


async def test_a_sample_that_the_history_has_not_got_is_not_passed_over() -> None:
    scene = Scene()
    await scene.start(up_to_date=True)
    scene.unwritten = Instant(START + 4 * SECOND)
    scene.pass_(20)
    await scene.turns(3)
    assert scene.there() == {0, 1}
    scene.unwritten = None
    await scene.turns(1)
    assert scene.there() == set(range(18))


@pytest.mark.usefixtures("small_turns")
async def test_after_an_outage_the_live_samples_come_first_and_the_old_ones_with_their_own_time() -> None:
    scene = Scene()
    await scene.start(up_to_date=True)
    scene.pass_(10)
    await scene.turns(1)
    scene.elsewhere.broken = True
    scene.pass_(300)
    await scene.turns(3)
    assert scene.there() == set(range(8))
    assert scene.copyist.behind > BEHIND or scene.copyist.backlog > BEHIND
    scene.elsewhere.broken = False
    scene.elsewhere.order.clear()
    await scene.turns(1)
    assert scene.elsewhere.order[0] >= scene.settled - 2, "an old sample came before the live ones"
    assert scene.copyist.backlog > 0
    await scene.until_caught_up()
    assert scene.there() == set(range(scene.settled))


@pytest.mark.usefixtures("small_turns")
async def test_catching_up_is_bounded_in_every_turn_and_live_samples_go_on_meanwhile() -> None:
    scene = Scene()
    scene.pass_(600)
    await scene.start()
    for _ in range(10):
        scene.pass_(1)
        before = len(scene.elsewhere.order)
        await scene.turns(1)
        assert len(scene.elsewhere.order) - before <= 60 + 30 + 2 * POINTS
        assert scene.settled - 1 in scene.there()
    await scene.until_caught_up()
    assert scene.there() == set(range(scene.settled))


async def test_a_new_run_goes_on_where_the_last_one_was_complete() -> None:
    scene = Scene()
    await scene.start()
    scene.pass_(100)
    await scene.until_caught_up()
    scene.elsewhere.order.clear()
    scene.pass_(5)
    await scene.start()
    await scene.turns(1)
    assert min(scene.elsewhere.order) >= 92
    assert scene.there() == set(range(scene.settled))


async def test_after_the_clock_was_set_back_by_an_hour_what_comes_next_is_copied_over_any_restart() -> None:
    scene = Scene()
    scene.clock.advance(3600 * SECOND)
    await scene.start()
    scene.pass_(60)
    await scene.turns(1)
    scene.clock.at = Instant(START)
    await scene.start()
    scene.pass_(100)
    await scene.turns(1)
    await scene.start()
    scene.pass_(100)
    await scene.turns(1)
    assert scene.there() >= set(range(198))
    assert scene.there() >= set(range(3600, 3658))


async def test_a_sample_that_can_never_be_taken_is_counted_and_holds_up_no_other() -> None:
    scene = Scene()
    await scene.start()
    scene.pass_(60)
    scene.elsewhere.poison = {(0, START + 7 * SECOND), (2, START + 31 * SECOND)}
    await scene.until_caught_up()
    assert scene.copyist.refused == 2
    assert len(scene.elsewhere.kept) == scene.settled * POINTS - 2


async def test_what_a_count_finds_missing_is_copied_again() -> None:
    scene = Scene()
    await scene.start()
    scene.pass_(2 * CHECKED // SECOND)
    scene.elsewhere.forgets = 2
    await scene.until_caught_up()
    assert len(scene.there()) < scene.settled
    scene.pass_(10)
    await scene.turns(3 * TURNS_A_CHECK)
    assert scene.there() == set(range(scene.settled))
    assert scene.copyist.missing == 0


async def test_what_is_missing_even_after_that_is_told() -> None:
    scene = Scene()
    await scene.start()
    scene.pass_(2 * CHECKED // SECOND)
    scene.elsewhere.poison = {(0, START + 7 * SECOND)}
    await scene.until_caught_up()
    scene.pass_(10)
    await scene.turns(3 * TURNS_A_CHECK)
    assert scene.copyist.missing == 1


async def test_a_history_that_cannot_be_read_is_a_failure_of_the_copy_and_ends_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "RETRY_AFTER", 0.001)
    monkeypatch.setattr(module, "EVERY", 0.001)
    scene = Scene()
    scene.pass_(50)
    scene.history.broken = True
    running = asyncio.create_task(scene.copyist.run())
    await _until(lambda: scene.copyist.failure is not None)
    scene.history.broken = False
    await _until(lambda: scene.copyist.failure is None and not scene.copyist.backlog)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert scene.there() == set(range(scene.settled))


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(
        st.tuples(st.integers(0, 120), st.sampled_from(["turn", "outage", "back", "restart"])), min_size=1, max_size=14
    )
)
def test_no_order_of_outages_and_restarts_loses_a_sample(steps: list[tuple[int, str]]) -> None:
    async def law() -> None:
        scene = Scene()
        await scene.start()
        for seconds, what in steps:
            scene.pass_(seconds)
            scene.elsewhere.broken = {"outage": True, "back": False}.get(what, scene.elsewhere.broken)
            if what == "restart":
                await scene.start()
            await scene.turns(1)
        scene.elsewhere.broken = False
        scene.pass_(5)
        await scene.until_caught_up()
        assert scene.there() == set(range(scene.settled))

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "AT_ONCE", 90)
        patched.setattr(module, "LIVE_AT_ONCE", 60)
        asyncio.run(law())
