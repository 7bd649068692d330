"""A thousand alarms a second for a minute: none dropped, each first-out right, page and API answering beside it.

The real engine, loop, journal, figures, live stream and HTTP server in one process, a real Chromium on the wall's page;
only the truths of the rules are written by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Coroutine
from dataclasses import dataclass, field, replace
from pathlib import Path

import httpx

from gateway.events.alarms import AlarmAcknowledged, AlarmRaised
from gateway.rule import Priority, RuleInstance, Truth
from gateway.sample import SECOND
from tests.api.support import Rig, client, rig, rule, served
from tests.bench.flood_page import DIST, Seen, watched
from tests.bench.harness import Options, Result, workspace

RATE = 1_000
TICKS = 10
"""In a second; a tick raises a tenth of the second's alarms and clears those of the second before."""
GROUPS = 10
NEVER_COLLAPSED = 10
"""One alarm in so many is critical and shown for itself in any flood."""
EARLIER = 5 * SECOND
"""By so much is one alarm of each tick before its group: more than the clocks may be apart."""

SOON = 1_000.0
"""Milliseconds within which page and API answer."""


@dataclass(slots=True)
class Measured:
    """What was noted while the flood came."""

    ticks: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    acknowledge: list[float] = field(default_factory=list)
    raised: list[tuple[float, str]] = field(default_factory=list)
    """When (wall, ms) each tick's first-out was decided."""
    late: float = 0.0
    took: float = 0.0
    processor: float = 0.0


def run(options: Options) -> Result:
    seconds = 10 if options.quick else 60
    result = Result("flood", "nothing: a promise, not a ratio", {"seconds": seconds, "alarms a second": RATE})
    with workspace() as work:
        asyncio.run(_flood(work, seconds, result))
    return result


def _rules() -> tuple[RuleInstance, ...]:
    """Two halves that take turns; the first-out groups are of one tick each."""
    made = [rule(index, f"flood_{index}@furnace") for index in range(2 * RATE)]
    return tuple(
        replace(
            each,
            points=(0,),
            first_out_group=f"g{each.index // (RATE // GROUPS)}",
            priority=Priority.HIGH if each.index % NEVER_COLLAPSED else Priority.CRITICAL,
        )
        for each in made
    )


async def _flood(work: Path, seconds: int, result: Result) -> None:
    async with rig(work, rules=_rules(), interlocks=(), page=DIST) as unserved, served(unserved) as gateway:
        await gateway.tick()
        gateway.loop.listen(gateway.services.figures)
        async with _beside(gateway.hub.run(), gateway.services.figures.run()), watched(gateway.address) as page:
            measured = await _raise(gateway, seconds)
            worked = await page.worked()
            seen = await page.seen()
        await _verify(gateway, seconds, len(measured.acknowledge), result)
        _require_answers(measured, seen, result)
        last = await gateway.journal.last_sequence()
        size = sum(each.stat().st_size for each in work.glob("journal.sqlite*"))  # noqa: ASYNC240 - a bench
        result.add_spread("tick of 100 raised and 100 cleared, durable", measured.ticks, "ms")
        result.add_spread("GET /api/health meanwhile", measured.health, "ms")
        result.add_spread("GET /api/alarms meanwhile", measured.alarms, "ms")
        result.add_spread("acknowledge over the API meanwhile", measured.acknowledge, "ms")
        result.add_spread("page: first-out decided to it on the wall", seen.delays(measured.raised), "ms")
        result.add_spread("page: longest that its thread was busy, each second", seen.busy, "ms")
        result.add("processor time of gateway and askers, of one core", measured.processor / measured.took * 100, "%")
        result.add("processor time of the page's thread, of one core", worked / measured.took * 100, "%")
        result.add("events a second", last / measured.took, "1/s")
        result.add("alarms a second", seconds * RATE / measured.took, "1/s")
        result.add("journal bytes an event", size / last, "B")
        result.add("furthest behind the clock", measured.late, "s")


async def _raise(gateway: Rig, seconds: int) -> Measured:
    measured = Measured()
    async with _beside(_ask(gateway, measured)):
        began, processor = time.perf_counter(), time.process_time()
        for turn in range(seconds * TICKS):
            second, place = divmod(turn, TICKS)
            truths = _truths(second, place)
            first = min(index for index, truth in truths.items() if truth is Truth.TRUE)
            gateway.program.set(first, Truth.TRUE, gateway.clock.now() - EARLIER)
            measured.raised.append((time.time() * 1000, f"flood_{first}@furnace"))
            before = time.perf_counter()
            await gateway.tick(truths, after=SECOND // TICKS)
            measured.ticks.append((time.perf_counter() - before) * 1000)
            rest = began + (turn + 1) / TICKS - time.perf_counter()
            measured.late = max(measured.late, -rest)
            await asyncio.sleep(max(0.0, rest))
        measured.took, measured.processor = time.perf_counter() - began, time.process_time() - processor
    return measured


def _truths(second: int, place: int) -> dict[int, Truth]:
    """One tick: a tenth of this half sets in, and the same tenth of the other half goes."""
    share = RATE // TICKS
    rising, falling = (second % 2) * RATE + place * share, ((second + 1) % 2) * RATE + place * share
    return {
        **dict.fromkeys(range(rising, rising + share), Truth.TRUE),
        **dict.fromkeys(range(falling, falling + share), Truth.FALSE),
    }


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Coroutines that run until the block ends; one that breaks breaks the bench."""
    tasks = [asyncio.create_task(each) for each in work]
    try:
        yield
    finally:
        for task in tasks:
            if task.done():
                task.result()
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _ask(gateway: Rig, measured: Measured) -> None:
    """What another screen does meanwhile: looks, lists, and takes note of the newest alarm."""
    async with client(gateway) as http:
        while True:
            await _timed(http.get("/api/health"), measured.health)
            await _timed(http.get("/api/alarms"), measured.alarms)
            if measured.raised:
                last = int(measured.raised[-1][1].partition("@")[0].partition("_")[2])
                note = http.post(f"/api/alarms/flood_{last + 1}@furnace/acknowledge", json={"by": "李"})
                await _timed(note, measured.acknowledge)
            await asyncio.sleep(0.2)


async def _timed(asked: Awaitable[httpx.Response], times: list[float]) -> httpx.Response:
    began = time.perf_counter()
    answer = await asked
    times.append((time.perf_counter() - began) * 1000)
    answer.raise_for_status()
    return answer


def _require_answers(measured: Measured, seen: Seen, result: Result) -> None:
    for what, times in (
        ("GET /api/health", measured.health),
        ("GET /api/alarms", measured.alarms),
        ("an acknowledgement", measured.acknowledge),
    ):
        result.require(max(times) < SOON, f"{what} answers within a second", f"{max(times):.0f} ms")
    delays = seen.delays(measured.raised)
    result.require(max(delays) < SOON, "every first-out is on the wall within a second", f"{max(delays):.0f} ms")
    result.require(max(seen.busy) < SOON, "the page's thread is never busy for a second", f"{max(seen.busy):.0f} ms")
    result.require(seen.flooded, "the page says that it is a flood")
    alone = seen.never_collapsed
    result.require(alone == 2 * RATE // NEVER_COLLAPSED, "what is never collapsed is shown one by one", alone)
    result.require(seen.lost == 0, "the page never takes the gateway for dead", seen.lost)


async def _verify(gateway: Rig, seconds: int, acknowledged: int, result: Result) -> None:
    raised, noted, firsts, after = 0, 0, list[str](), 0
    while entries := await gateway.journal.read(after, 5000):
        after = entries[-1].sequence
        events = [entry.event for entry in entries if isinstance(entry.event, AlarmRaised)]
        raised += len(events)
        noted += sum(isinstance(entry.event, AlarmAcknowledged) for entry in entries)
        firsts += [event.alarm for event in events if event.first_out]
    result.require(raised == seconds * RATE, "every alarm is in the journal, once", raised)
    result.require(noted >= acknowledged, "every acknowledgement that was answered is in the journal", noted)
    share = RATE // GROUPS
    right = [int(each.partition("@")[0].partition("_")[2]) % share == 0 for each in firsts]
    found = len(firsts) == seconds * TICKS and all(right)
    result.require(found, "the first of each group is its first-out", len(firsts))
    result.require(await gateway.journal.verify() is None, "the journal's chain holds")
    result.require(gateway.loop.events_lost == 0, "no event is dropped", gateway.loop.events_lost)
    result.require(gateway.hub.clients_dropped == 0, "no browser is dropped", gateway.hub.clients_dropped)
