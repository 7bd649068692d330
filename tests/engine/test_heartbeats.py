"""The heartbeat says that the gateway would act; it stands still as soon as that is not so, whatever still runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from gateway.driver import LinkState, LinkStatus
from gateway.events.outputs import HeartbeatChanged
from gateway.plant.model import Heartbeat
from gateway.runtime.heartbeats import LONGEST_SILENCE, Heartbeats
from gateway.sample import Reason
from tests.engine.scripted import FALSE, Address
from tests.engine.site import RunningSite, until


class BeatingSite(RunningSite):
    """The one device asks for a heartbeat that counts to four, a thousand times a second."""

    def ask_for_heartbeat(self, *, link: LinkState = LinkState.UP, counts: int = 4) -> Heartbeats:
        asked = replace(self.plant.devices[0], heartbeat=Heartbeat(Address(), 1_000, counts))
        self.plant = replace(self.plant, devices=(asked,))
        self.loop.links["plc"] = LinkStatus("plc", link, Reason.NONE, "", self.clock.now())
        self.heartbeats = Heartbeats(self.plant, self.loop, self.clock)
        return self.heartbeats

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.heartbeats.run({"plc": self.driver}))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    @property
    def counts(self) -> list[float]:
        return [value for output, value in self.driver.written if output == "plc.heartbeat"]

    async def stands_still(self) -> bool:
        """Whether nothing is counted for a while in which much could be."""
        before = len(self.counts)
        await asyncio.sleep(0.02)
        return len(self.counts) == before

    def told_of(self) -> list[tuple[bool, str]]:
        events = [entry.event for entry in self.journal.entries]
        return [(event.beating, event.detail) for event in events if isinstance(event, HeartbeatChanged)]


async def site(**asked: object) -> BeatingSite:
    made = await BeatingSite.started()
    assert isinstance(made, BeatingSite)
    made.ask_for_heartbeat(**asked)  # type: ignore[arg-type]
    return made


async def test_it_counts_on_and_begins_again_at_zero() -> None:
    made = await site()
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: len(made.counts) >= 6)
    assert made.counts[:6] == [1, 2, 3, 0, 1, 2]
    assert made.told_of() == [(True, "")]


async def test_it_is_not_read_back_because_the_plc_watches_it_and_it_comes_again() -> None:
    made = await site()
    async with made.beating():
        await until(lambda: made.counts)
    assert made.driver.read_back["plc.heartbeat"] is False


async def test_an_engine_that_does_not_tick_has_no_heartbeat() -> None:
    made = await site()
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: made.counts)
        made.clock.advance(LONGEST_SILENCE + 1)
        assert await made.stands_still()
        await until(lambda: len(made.told_of()) >= 2)
        assert not made.heartbeats.written
        await made.tick(FALSE)
        before = len(made.counts)
        await until(lambda: len(made.counts) > before)
    assert [beating for beating, _ in made.told_of()] == [True, False, True]
    assert "nothing was decided" in made.told_of()[1][1]


async def test_an_engine_that_hangs_within_its_turn_has_no_heartbeat() -> None:
    made = await site()
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: made.counts)
        hung = asyncio.Event()

        async def never(*_: object) -> list[object]:
            await hung.wait()
            return []

        made.journal.commit = never  # type: ignore[method-assign,assignment]
        turn = asyncio.create_task(made.loop.act(lambda _: []))
        made.clock.advance(LONGEST_SILENCE + 1)
        assert await made.stands_still()
        hung.set()
        turn.cancel()


async def test_a_gateway_that_cannot_keep_its_decisions_has_no_heartbeat() -> None:
    made = await site()
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: made.counts)
        made.journal.broken = True
        made.program.set(0, type(FALSE).TRUE, made.clock.now())
        await made.loop.tick()
        assert made.loop.failure is not None
        assert await made.stands_still()
        made.journal.broken = False
        await made.loop.tick()
        before = len(made.counts)
        await until(lambda: len(made.counts) > before)


async def test_a_device_that_does_not_answer_is_not_asked_again_for_its_heartbeat() -> None:
    made = await site(link=LinkState.DOWN)
    async with made.beating():
        await made.tick(FALSE)
        assert await made.stands_still()
        assert made.counts == []
        assert made.heartbeats.written, "its link is an alarm already"
    assert made.told_of() == []


async def test_a_device_that_refuses_the_register_is_told_of_and_tried_again() -> None:
    made = await site()
    made.driver.bug = RuntimeError("no such register")
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: len(made.counts) >= 2)
        assert made.counts[:2] == [1, 1], "what was not taken is not counted"
        assert not made.heartbeats.written
        made.driver.bug = None
        await until(lambda: made.told_of())
        assert made.heartbeats.written


async def test_a_plant_file_without_it_ends_it() -> None:
    made = await site()
    async with made.beating():
        await made.tick(FALSE)
        await until(lambda: made.counts)
        without = replace(made.plant, devices=(replace(made.plant.devices[0], heartbeat=None),))
        made.heartbeats.switch(without)
        await asyncio.sleep(0.005)
        assert await made.stands_still()
