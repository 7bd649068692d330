"""A follower hands over every entry at least once, in order, across failures of either side."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import RecordsRefused, StoreFailed
from gateway.event import Entry
from gateway.events.lifecycle import GatewayStopped
from gateway.runtime import followers
from gateway.runtime.followers import Follower
from gateway.runtime.loop import Tick
from gateway.sample import Instant
from tests.engine.memory_journal import MemoryJournal
from tests.engine.site import until


class Target:
    """Takes entries, or fails as often as it is told to."""

    def __init__(self) -> None:
        self.taken: list[int] = []
        self.refusals = 0
        self.poison: set[int] = set()

    async def take(self, entries: Sequence[Entry]) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreFailed("history", "append", "refused by the test")
        if found := self.poison & {entry.sequence for entry in entries}:
            raise RecordsRefused("history", f"expected no poison, got {sorted(found)}")
        self.taken += [entry.sequence for entry in entries]


async def grow(journal: MemoryJournal, follower: Follower | None, count: int) -> None:
    start = len(journal.entries)
    events = [GatewayStopped(id=str(start + n), at=Instant(start + n)) for n in range(count)]
    entries = [Entry(start + n + 1, event) for n, event in enumerate(events)]
    journal.entries += entries
    if follower is not None:
        follower.on_tick(Tick(Instant(0), entries, {}, np.zeros(0, dtype=np.bool_), ()))


@asynccontextmanager
async def following(journal: MemoryJournal, target: Target) -> AsyncIterator[Follower]:
    follower = Follower("target", journal, target.take)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_what_was_there_before_and_what_comes_is_handed_over_in_order() -> None:
    journal, target = MemoryJournal(), Target()
    await grow(journal, None, followers.AT_ONCE + 5)
    async with following(journal, target) as follower:
        await until(lambda: follower.position == len(journal.entries))
        await grow(journal, follower, 3)
        await until(lambda: follower.position == len(journal.entries))
    assert target.taken == list(range(1, followers.AT_ONCE + 9))


async def test_a_new_run_goes_on_where_the_last_one_was() -> None:
    journal, target = MemoryJournal(), Target()
    await grow(journal, None, 4)
    for _ in range(2):
        async with following(journal, target) as follower:
            await until(lambda f=follower: f.position == len(journal.entries))
        await grow(journal, None, 4)
    assert target.taken == list(range(1, 9))


def test_every_entry_is_handed_over_at_least_once_in_order_across_failures() -> None:
    steps = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=6)

    @settings(max_examples=40, deadline=None)
    @given(steps)
    def law(steps: list[tuple[int, int, int]]) -> None:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(followers, "RETRY_AFTER", 0.0)
            asyncio.run(_through(steps))

    law()


async def _through(steps: list[tuple[int, int, int]]) -> None:
    journal, target = MemoryJournal(), Target()
    async with following(journal, target) as follower:
        for count, journal_fails, target_fails in steps:
            journal.refusals, target.refusals = journal_fails, target_fails
            await grow(journal, follower, count)
            await asyncio.sleep(0)
        journal.refusals = target.refusals = 0
        await grow(journal, follower, 1)
        await until(lambda: follower.position == len(journal.entries))
    first_seen = list(dict.fromkeys(target.taken))
    assert first_seen == list(range(1, len(journal.entries) + 1))
    assert journal.cursors["target"] == len(journal.entries)


async def test_a_failure_is_shown_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "RETRY_AFTER", 0.001)
    journal, target = MemoryJournal(), Target()
    target.refusals = 1_000_000
    async with following(journal, target) as follower:
        await grow(journal, follower, 1)
        await until(lambda: follower.failure is not None)
        target.refusals = 0
        await until(lambda: follower.failure is None)
    assert target.taken == [1]


async def test_a_poison_record_is_set_aside_in_sight_and_holds_up_nothing() -> None:
    journal, target = MemoryJournal(), Target()
    target.poison = {3, 700, 701}
    await grow(journal, None, followers.AT_ONCE + 5)
    async with following(journal, target) as follower:
        await until(lambda: follower.position == len(journal.entries))
    assert target.taken == [n for n in range(1, followers.AT_ONCE + 6) if n not in target.poison]
    assert [aside.sequence for aside in await journal.aside("target")] == [3, 700, 701]
    assert "expected no poison, got [3]" in (await journal.aside("target"))[0].cause
    assert follower.set_aside == 3


async def test_a_new_run_knows_what_the_last_one_set_aside() -> None:
    journal, target = MemoryJournal(), Target()
    target.poison = {2}
    await grow(journal, None, 3)
    for _ in range(2):
        async with following(journal, target) as follower:
            await until(lambda f=follower: f.position == len(journal.entries))
    assert (follower.set_aside, target.taken) == (1, [1, 3])


async def test_a_target_that_fails_while_a_poison_record_is_looked_for_loses_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(followers, "RETRY_AFTER", 0.0)
    journal, target = MemoryJournal(), Target()
    target.poison = {5}
    await grow(journal, None, 9)
    target.refusals = 1
    async with following(journal, target) as follower:
        await until(lambda: follower.position == len(journal.entries))
        target.refusals = 2
        target.poison |= {12}
        await grow(journal, follower, 5)
        await until(lambda: follower.position == len(journal.entries))
    assert sorted(set(target.taken)) == [n for n in range(1, 15) if n not in {5, 12}]
    assert follower.set_aside == 2
