"""The journal in SQL, whatever the engine: one durable transaction a commit, hash-chained events.

Never returns from `commit` before the engine has it durably, and never edits or removes an event. What differs between
engines (how to connect, what an error means) is an `EngineRules`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Insert, Row, Select, Table, bindparam, case, select
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.errors import StoreFailed
from gateway.event import Entry, Event, decode, encode, subject_of
from gateway.sample import Instant
from gateway.store import Aside, ChainEntry, StateKind, StateRow
from gateway.stores.journal_chain import Head, chain, follow
from gateway.stores.journal_schema import ASIDE, CURSOR, EVENT, STATE, STORE
from gateway.stores.place import StoreThreads

Result = TypeVar("Result")

_VERIFY_CHUNK = 1000
"""Entries verified in one go, so that other reads find a gap."""

_KNOWN_CHUNK = 500
"""Ids asked for at once; engines bound the number of parameters of a statement."""

_TAIL = select(EVENT.c.sequence, EVENT.c.hash).order_by(EVENT.c.sequence.desc()).limit(1)
_KNOWN = select(EVENT.c.id).where(EVENT.c.id.in_(bindparam("ids", expanding=True)))
_AFTER = select(EVENT).where(EVENT.c.sequence > bindparam("after")).order_by(EVENT.c.sequence).limit(bindparam("most"))


class Upsert(Protocol):
    """A dialect's INSERT that can say what to do when the row is there."""

    @property
    def excluded(self) -> Any: ...

    def on_conflict_do_update(self, *, index_elements: Any, set_: Any) -> Insert: ...


class EngineRules(Protocol):
    """What an engine adds to the SQL that all share."""

    where: str
    """The file or address, for messages; without any password."""

    def insert(self, table: Table) -> Upsert: ...

    def give_up(self, connection: Connection) -> None:
        """Leave a connection as it was before the statement or transaction that failed."""
        ...

    def passing(self, error: DBAPIError) -> bool:
        """Whether everything is as it was, so that the caller may commit again."""
        ...

    def cause(self, error: DBAPIError) -> str:
        """What happened, and what to do about it."""
        ...


class SqlJournal:
    """`gateway.store.Journal` on two connections: writes on one thread, reads on another."""

    def __init__(self, rules: EngineRules, writer: Connection, reader: Connection) -> None:
        self._rules = rules
        self._writer, self._reader = writer, reader
        self._writing = StoreThreads(STORE, "writer", 1)
        self._reading = StoreThreads(STORE, "reader", 1)
        self._failed = ""
        state, cursor, aside = rules.insert(STATE), rules.insert(CURSOR), rules.insert(ASIDE)
        self._put_state = state.on_conflict_do_update(
            index_elements=[STATE.c.kind, STATE.c.id],
            set_={"standing": state.excluded.standing, "body": state.excluded.body},
        )
        ahead = cursor.excluded.sequence
        self._put_cursor = cursor.on_conflict_do_update(
            index_elements=[CURSOR.c.follower],
            set_={"sequence": case((CURSOR.c.sequence > ahead, CURSOR.c.sequence), else_=ahead)},
        )
        self._reset_cursor = cursor.on_conflict_do_update(index_elements=[CURSOR.c.follower], set_={"sequence": ahead})
        self._put_aside = aside.on_conflict_do_update(
            index_elements=[ASIDE.c.follower, ASIDE.c.sequence], set_={"cause": aside.excluded.cause}
        )

    async def commit(self, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        """Append events and replace state rows in one durable transaction; known ids are left out.

        Raises StoreFailed; then nothing of the call is kept. After an I/O error every later call raises, and
        whether the disk has the first one's transaction, whole, shows when the journal is opened again.
        """
        if not events and not states:
            return ()
        job = partial(self._commit, events=events, states=states)
        return await self._writing.run("commit", lambda: self._write("commit to", job))

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """Entries with a sequence above `after`, oldest first, at most `limit`."""
        rows = {"after": after, "most": max(limit, 0)}
        return await self._query("read", _AFTER, lambda found: [_entry(row) for row in found], rows)

    async def chain(self, after: int, limit: int) -> Sequence[ChainEntry]:
        """Like `read`, as the entries are stored."""
        rows = {"after": after, "most": max(limit, 0)}
        return await self._query("read", _AFTER, lambda found: [_chained(row) for row in found], rows)

    async def last_sequence(self) -> int:
        """Sequence of the newest entry; 0 where there is none."""
        return await self._query("read", _TAIL, _first_sequence)

    async def states(self, kind: StateKind, *, standing_only: bool) -> Sequence[StateRow]:
        """The present states of a kind, by id."""
        query = select(STATE).where(STATE.c.kind == kind).order_by(STATE.c.id)
        if standing_only:
            query = query.where(STATE.c.standing)
        return await self._query("read", query, lambda found: [_state(row) for row in found])

    async def state(self, kind: StateKind, subject: str) -> StateRow | None:
        """The present state of one alarm, demand or ticket, standing or not."""
        query = select(STATE).where(STATE.c.kind == kind, STATE.c.id == subject)
        return await self._query("read", query, lambda found: _state(found[0]) if found else None)

    async def cursor(self, follower: str) -> int:
        """How far this follower has read; 0 for a new one."""
        return await self._query(
            "read", select(CURSOR.c.sequence).where(CURSOR.c.follower == follower), _first_sequence
        )

    async def advance(self, follower: str, sequence: int) -> None:
        """Move a follower's cursor on, durably; never backwards."""
        row: dict[str, str | int] = {"follower": follower, "sequence": sequence}
        await self._writing.run("advance", lambda: self._write("advance a cursor in", _one(self._put_cursor, row)))

    async def rewind(self, follower: str, sequence: int) -> None:
        """Let this follower read again from here on, durably."""
        row: dict[str, str | int] = {"follower": follower, "sequence": sequence}
        await self._writing.run("rewind", lambda: self._write("rewind a cursor in", _one(self._reset_cursor, row)))

    async def set_aside(self, follower: str, sequence: int, cause: str) -> None:
        """Keep in sight, durably, that this follower passes over an entry, and why."""
        row: dict[str, str | int] = {"follower": follower, "sequence": sequence, "cause": cause}
        await self._writing.run("set aside", lambda: self._write("set a record aside in", _one(self._put_aside, row)))

    async def aside(self, follower: str) -> Sequence[Aside]:
        """What this follower has passed over, oldest first."""
        query = select(ASIDE).where(ASIDE.c.follower == follower).order_by(ASIDE.c.sequence)
        return await self._query("read", query, lambda found: [Aside(row.sequence, row.cause) for row in found])

    async def verify(self) -> int | None:
        """Recompute the hash chain; the first sequence at which it breaks, or None.

        Shows every edit, insertion and removal except that of the newest entries.
        """
        head = Head()
        while True:
            rows = {"after": head.sequence, "most": _VERIFY_CHUNK}
            finding = await self._query("verify", _AFTER, partial(follow, begin=head), rows)
            if finding.broken_at or not finding.entries:
                return finding.broken_at
            head = finding.head

    async def close(self) -> None:
        """Finish what is under way and close the connections; twice has the effect of once."""
        await self._reading.close(partial(_end, self._reader))
        await self._writing.close(partial(_end, self._writer))

    def _write(self, doing: str, job: Callable[[Connection], Result]) -> Result:
        """One job of one transaction, on the writer thread; if it fails, nothing of it is kept."""
        if self._failed:
            raise StoreFailed(STORE, f"{doing} {self._rules.where}", self._failed)
        try:
            return job(self._writer)
        except DBAPIError as error:
            cause = self._rules.cause(error)
            if not self._rules.passing(error):
                self._failed = f"it failed before and is not trusted again: {cause}"
            self._rules.give_up(self._writer)
            raise StoreFailed(STORE, f"{doing} {self._rules.where}", cause) from error

    async def _query(
        self,
        doing: str,
        query: Select[Any],
        make: Callable[[Sequence[Row[Any]]], Result],
        values: Mapping[str, int] | None = None,
    ) -> Result:
        """What `make` makes of the rows of a query, both on the reader thread."""

        def job() -> Result:
            try:
                return make(self._reader.execute(query, values).all())
            except DBAPIError as error:
                self._rules.give_up(self._reader)
                raise StoreFailed(STORE, f"{doing} {self._rules.where}", self._rules.cause(error)) from error
            except ValidationError as error:
                told = error.errors()[0]["msg"]
                cause = f"a body is not an event that this version knows: {told}; verify the journal"
                raise StoreFailed(STORE, f"{doing} {self._rules.where}", cause) from error

        return await self._reading.run(doing, job)

    def _commit(self, writer: Connection, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        once: dict[str, Event] = {}
        for event in events:
            once.setdefault(event.id, event)
        try:
            with writer.begin():
                return self._put(writer, list(once.values()), states)
        except IntegrityError:
            # Asking which ids are known costs every commit a query; only a replay needs the answer.
            with writer.begin():
                for start in range(0, len(events), _KNOWN_CHUNK):
                    ids = [event.id for event in events[start : start + _KNOWN_CHUNK]]
                    for known in writer.scalars(_KNOWN, {"ids": ids}).all():
                        once.pop(known, None)
                return self._put(writer, list(once.values()), states)

    def _put(self, writer: Connection, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        entries = []
        if events:
            tail = writer.execute(_TAIL).first()
            head = Head(tail.sequence, tail.hash) if tail else Head()
            rows, link = [], head.hash
            for sequence, event in enumerate(events, head.sequence + 1):
                body = encode(event)
                previous, link = link, chain(link, body)
                rows.append(
                    {
                        "sequence": sequence,
                        "id": event.id,
                        "kind": event.kind,
                        "at": event.at,
                        "subject": subject_of(event),
                        "body": body.decode(),
                        "previous_hash": previous,
                        "hash": link,
                    }
                )
                entries.append(Entry(sequence, event))
            writer.execute(EVENT.insert(), rows)
        if states:
            writer.execute(
                self._put_state,
                [{"kind": row.kind, "id": row.id, "standing": row.standing, "body": row.body} for row in states],
            )
        return entries


def _one(statement: Insert, row: Mapping[str, str | int]) -> Callable[[Connection], None]:
    """A job that executes one statement in a transaction of its own."""

    def job(writer: Connection) -> None:
        with writer.begin():
            writer.execute(statement, row)

    return job


def _chained(row: Row[Any]) -> ChainEntry:
    told = (row.sequence, row.id, row.kind, Instant(row.at), row.subject, row.body, row.previous_hash, row.hash)
    return ChainEntry(*told)


def _end(connection: Connection) -> None:
    connection.close()
    connection.engine.dispose()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.sequence, decode(row.body))


def _first_sequence(rows: Sequence[Row[Any]]) -> int:
    return int(rows[0].sequence) if rows else 0


def _state(row: Row[Any]) -> StateRow:
    return StateRow(StateKind(row.kind), row.id, row.standing, row.body)
