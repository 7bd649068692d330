"""A journal in memory that keeps the contract of `gateway.store.Journal` and fails on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.errors import StoreFailed
from gateway.event import Entry, Event
from gateway.store import Aside, StateKind, StateRow


class MemoryJournal:
    """Implements `gateway.store.Journal`. Set `broken`, or `refusals` for that many failures."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.rows: dict[tuple[StateKind, str], StateRow] = {}
        self.cursors: dict[str, int] = {}
        self.asides: dict[str, dict[int, Aside]] = {}
        self.broken = False
        self.refusals = 0
        self.kept_before_answer: asyncio.Event | None = None
        """When set, a commit is durable at once but answers only after this."""

    def check(self, doing: str) -> None:
        if self.refusals:
            self.refusals -= 1
            raise StoreFailed("journal", doing, "refused by the test")
        if self.broken:
            raise StoreFailed("journal", doing, "broken by the test")

    async def commit(self, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        await asyncio.sleep(0)
        self.check("commit")
        known = {entry.event.id for entry in self.entries}
        new: list[Entry] = []
        for event in events:
            if event.id not in known:
                known.add(event.id)
                new.append(Entry(len(self.entries) + len(new) + 1, event))
        self.entries += new
        self.rows |= {(row.kind, row.id): row for row in states}
        if self.kept_before_answer is not None:
            await self.kept_before_answer.wait()
        return new

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        self.check("read")
        return self.entries[after : after + limit]

    async def last_sequence(self) -> int:
        return len(self.entries)

    async def states(self, kind: StateKind, *, standing_only: bool) -> Sequence[StateRow]:
        return [row for row in self.rows.values() if row.kind is kind and (row.standing or not standing_only)]

    async def state(self, kind: StateKind, subject: str) -> StateRow | None:
        return self.rows.get((kind, subject))

    async def cursor(self, follower: str) -> int:
        self.check("read a cursor")
        return self.cursors.get(follower, 0)

    async def advance(self, follower: str, sequence: int) -> None:
        self.check("advance a cursor")
        self.cursors[follower] = sequence

    async def rewind(self, follower: str, sequence: int) -> None:
        self.check("rewind")
        self.cursors[follower] = sequence

    async def set_aside(self, follower: str, sequence: int, cause: str) -> None:
        self.check("set a record aside")
        self.asides.setdefault(follower, {})[sequence] = Aside(sequence, cause)

    async def aside(self, follower: str) -> Sequence[Aside]:
        return [aside for _, aside in sorted(self.asides.get(follower, {}).items())]

    async def verify(self) -> int | None:
        return None

    async def close(self) -> None: ...

    @property
    def kinds(self) -> list[str]:
        return [entry.event.kind for entry in self.entries if entry.event.kind != "condition.changed"]
