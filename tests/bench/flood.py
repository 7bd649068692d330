"""A thousand alarms a second: none dropped, each group's first-out right, the API answering beside it.

The real engine, loop, journal and HTTP server in one process; only the truths of the rules are written by hand.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

from gateway.events.alarms import AlarmRaised
from gateway.rule import RuleInstance, Truth
from gateway.sample import SECOND
from tests.api.support import Rig, client, rig, rule, served
from tests.bench.harness import Options, Result, workspace

RATE = 1_000
TICKS = 10
"""In a second; a tick raises a tenth of the second's alarms and clears those of the second before."""
GROUPS = 10
EARLIER = 5 * SECOND
"""By so much is one alarm of each tick before its group: more than the clocks may be apart."""


def run(options: Options) -> Result:
    seconds = 10 if options.quick else 60
    result = Result("flood", "nothing: a promise, not a ratio", {"seconds": seconds, "alarms a second": RATE})
    with workspace() as work:
        asyncio.run(_flood(work, seconds, result))
    return result


def _rules() -> tuple[RuleInstance, ...]:
    """Two halves that take turns; the first-out groups are of one tick each."""
    made = [rule(index, f"flood_{index}@furnace") for index in range(2 * RATE)]
    return tuple(replace(each, points=(0,), first_out_group=f"g{each.index // (RATE // GROUPS)}") for each in made)


async def _flood(work: Path, seconds: int, result: Result) -> None:
    async with rig(work, rules=_rules(), interlocks=()) as unserved, served(unserved) as gateway:
        await gateway.tick()
        ticks: list[float] = []
        answers: list[float] = []
        late = 0.0
        asking = asyncio.create_task(_ask(gateway, answers))
        began = time.perf_counter()
        for turn in range(seconds * TICKS):
            second, place = divmod(turn, TICKS)
            truths = _truths(second, place)
            first = min(index for index, truth in truths.items() if truth is Truth.TRUE)
            gateway.program.set(first, Truth.TRUE, gateway.clock.now() - EARLIER)
            before = time.perf_counter()
            await gateway.tick(truths, after=SECOND // TICKS)
            ticks.append((time.perf_counter() - before) * 1000)
            rest = began + (turn + 1) / TICKS - time.perf_counter()
            late = max(late, -rest)
            await asyncio.sleep(max(0.0, rest))
        took = time.perf_counter() - began
        asking.cancel()
        await _verify(gateway, seconds, result)
        last = await gateway.journal.last_sequence()
        size = sum(each.stat().st_size for each in work.glob("journal.sqlite*"))  # noqa: ASYNC240 - a bench
        result.require(max(answers) < 1000, "the API answers within a second", f"{max(answers):.0f} ms")
        result.add_spread("tick of 100 raised and 100 cleared, durable", ticks, "ms")
        result.add_spread("GET /api/health meanwhile", answers, "ms")
        result.add("events a second", last / took, "1/s")
        result.add("alarms a second", seconds * RATE / took, "1/s")
        result.add("journal bytes an event", size / last, "B")
        result.add("furthest behind the clock", late, "s")


def _truths(second: int, place: int) -> dict[int, Truth]:
    """One tick: a tenth of this half sets in, and the same tenth of the other half goes."""
    share = RATE // TICKS
    rising, falling = (second % 2) * RATE + place * share, ((second + 1) % 2) * RATE + place * share
    return {
        **dict.fromkeys(range(rising, rising + share), Truth.TRUE),
        **dict.fromkeys(range(falling, falling + share), Truth.FALSE),
    }


async def _ask(gateway: Rig, answers: list[float]) -> None:
    async with client(gateway) as http:
        while True:
            began = time.perf_counter()
            (await http.get("/api/health")).raise_for_status()
            answers.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.1)


async def _verify(gateway: Rig, seconds: int, result: Result) -> None:
    raised, firsts, after = 0, list[str](), 0
    while entries := await gateway.journal.read(after, 5000):
        after = entries[-1].sequence
        events = [entry.event for entry in entries if isinstance(entry.event, AlarmRaised)]
        raised += len(events)
        firsts += [event.alarm for event in events if event.first_out]
    result.require(raised == seconds * RATE, "every alarm is in the journal, once", raised)
    share = RATE // GROUPS
    right = [int(each.partition("@")[0].partition("_")[2]) % share == 0 for each in firsts]
    found = len(firsts) == seconds * TICKS and all(right)
    result.require(found, "the first of each group is its first-out", len(firsts))
    result.require(await gateway.journal.verify() is None, "the journal's chain holds")
    result.require(gateway.loop.events_lost == 0, "no event is dropped", gateway.loop.events_lost)
