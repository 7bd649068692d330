"""A gateway that lives and is killed, many times over, while alarms, acknowledgements and tickets flow.

`python -m tests.stores.lives FOLDER KILLS SEED` prints what was found as JSON. Each life is a fork, so that its start
costs little; it has the real loop, engine and journal, and a script in place of a plant. After each death the journal
is held against what had been acknowledged, and against itself.
"""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from random import Random

from gateway.clock import ManualClock
from gateway.engine import Engine
from gateway.errors import IllegalTransition, RequestRefused
from gateway.event import Entry, Event
from gateway.events.tickets import TicketAction, TicketFiled, TicketReported
from gateway.rule import Truth
from gateway.runtime import states
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Loop, Tick
from gateway.sample import SECOND, Instant
from gateway.standing import Standing, fold, states_of
from gateway.stores.journal_sqlite import SqliteJournal
from tests.engine.scripted import ScriptedProgram, interlock, plant
from tests.machines.support import rule
from tests.machines.test_hazard_report import FOUND
from tests.machines.tickets import full

RULES = 6
LIVES_A_JOURNAL = 20
"""Then a new one, so that holding it against itself stays quick."""

TRIES = 12
"""At something that a person may do now; the machines refuse the rest."""

PEOPLE = ("王", "李", "赵")
LONGEST = 0.08
"""Seconds until the kill, at most."""


@dataclass
class Found:
    kills: int = 0
    acknowledged: int = 0
    """Events whose commit had been answered before a kill."""
    kept_unanswered: int = 0
    """Events that were kept although the kill came before the answer; once, and whole."""
    lost: int = 0
    doubled: int = 0
    inconsistent: int = 0
    """Journals whose states were not the fold of their events, or whose chain was broken."""
    tickets: int = 0
    acknowledgements: int = 0
    steps: int = 0
    """What flowed through the busiest journal: tickets filed, alarms acknowledged, steps of people with tickets."""


def main(folder: Path, kills: int, seed: int) -> Found:
    """Live and die."""
    found, chance = Found(), Random(seed)
    while found.kills < kills:
        path = folder / f"journal-{found.kills}.sqlite"
        answered: set[str] = set()
        for _ in range(min(LIVES_A_JOURNAL, kills - found.kills)):
            answered |= _one_life(path, chance)
            found.kills += 1
            asyncio.run(_hold(path, answered, found))
        found.acknowledged += len(answered)
    return found


def _one_life(path: Path, chance: Random) -> set[str]:
    """Ids that the life had been answered for when it was killed."""
    reading, writing = os.pipe()
    seed, after = chance.getrandbits(32), chance.uniform(0.0, LONGEST)
    child = os.fork()
    if child == 0:
        os.close(reading)
        asyncio.run(_live(path, Random(seed), writing))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        select.select([answers], [], [], 10.0)
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        lines = answers.read().split(b"\n")
    return {line.decode() for line in lines[:-1] if line != b"open"}


async def _live(path: Path, chance: Random, answers: int) -> None:
    journal = await SqliteJournal.open(path)
    newest = await journal.read(max(0, await journal.last_sequence() - 1), 1)
    clock = ManualClock(Instant((newest[-1].event.at if newest else 0) + 20 * SECOND))
    rules = tuple(rule(f"hot_{n}@furnace", index=n, latch=n % 2 == 0) for n in range(RULES))
    program = ScriptedProgram(rules, [interlock(feedback=RULES)], conditions=RULES + 1)
    loop = Loop(plant(), Engine(plant(), program, await states.load(journal), clock.now()), journal, Intake(), clock)
    loop.listen(_Answering(answers))
    os.write(answers, b"open\n")
    while True:
        clock.advance(SECOND)
        for column in range(RULES + 1):
            if chance.random() < 0.3:
                program.set(column, chance.choice([Truth.TRUE, Truth.FALSE, Truth.UNKNOWN]), clock.now())
        await loop.tick()
        for _ in range(TRIES):
            try:
                await loop.act(lambda now: [_action(loop.engine, chance, now)])
            except (IllegalTransition, RequestRefused):
                continue
            break


def _action(engine: Engine, chance: Random, now: Instant) -> Event:
    if chance.random() < 0.1:
        return engine.hazard_desk.report(replace(FOUND, title=f"hazard {chance.randrange(9)}"), now)
    tickets = sorted(engine.states.tickets)
    if tickets and chance.random() < 0.6:
        wanted = full(chance.choice(list(TicketAction)), chance.choice(PEOPLE), now)
        return engine.hazard_desk.move(chance.choice(tickets), wanted, now)
    alarm = f"hot_{chance.randrange(RULES)}@furnace"
    do = chance.choice([engine.alarm_desk.acknowledge, engine.alarm_desk.reset])
    return do(alarm, chance.choice(PEOPLE), "看到", now)


class _Answering:
    """What a person or a machine downstream has seen: told after it is durable."""

    def __init__(self, answers: int) -> None:
        self._answers = answers

    def on_tick(self, tick: Tick) -> None:
        if tick.entries:
            os.write(self._answers, "".join(f"{entry.event.id}\n" for entry in tick.entries).encode())


async def _hold(path: Path, answered: set[str], found: Found) -> None:
    """The journal against what was answered, and against itself."""
    journal = await SqliteJournal.open(path)
    entries: list[Entry] = list(await journal.read(0, 1_000_000))
    ids = Counter(entry.event.id for entry in entries)
    found.lost += len(answered - set(ids))
    found.kept_unanswered = max(found.kept_unanswered, len(set(ids) - answered))
    filed = Counter(entry.event.ticket for entry in entries if isinstance(entry.event, TicketFiled | TicketReported))
    found.doubled += sum(count - 1 for count in (*ids.values(), *filed.values()))
    kinds = Counter(entry.event.kind for entry in entries if entry.event.id in answered)
    last = (len(filed), kinds["alarm.acknowledged"], kinds["ticket.moved"])
    found.tickets, found.acknowledgements, found.steps = map(
        max, (found.tickets, found.acknowledgements, found.steps), last
    )
    found.inconsistent += await journal.verify() is not None or await _differs(journal, entries)
    await journal.close()


async def _differs(journal: SqliteJournal, entries: list[Entry]) -> bool:
    """Whether the stored states are anything but the fold of the events."""
    folded = Standing()
    for entry in entries:
        fold(folded, entry.event)
    everything = states_of(entry.event for entry in entries)
    wanted = {(row.kind, row.id): row for row in states.rows(folded, everything)}
    stored = {(row.kind, row.id): row for kind in everything for row in await journal.states(kind, standing_only=False)}
    return stored != wanted


if __name__ == "__main__":
    print(json.dumps(asdict(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))))
