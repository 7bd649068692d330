"""The journal in one SQLite file: WAL, synchronous=FULL, one writer thread, hash-chained events.

Never returns from `commit` before the disk has it, never edits or removes an event, and never writes
again after an I/O error: a second sync can succeed although the first one lost the data.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from sqlalchemy import Connection, Row, Select, bindparam, func, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.errors import StoreFailed
from gateway.event import Entry, Event, decode, encode, subject_of
from gateway.store import StateKind, StateRow
from gateway.stores.journal_schema import (
    CURSOR,
    EVENT,
    STATE,
    STORE,
    open_reader,
    open_writer,
    statements_on,
    transactions_on,
)
from gateway.stores.place import StoreThreads, require_place, sync_directory

Result = TypeVar("Result")

GENESIS = "0" * 64
"""What the first event is chained to."""

_VERIFY_CHUNK = 1000
"""Entries verified in one go, so that other reads find a gap."""

_KNOWN_CHUNK = 500
"""Ids asked for at once; SQLite bounds the number of parameters of a statement."""

_PASSING = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_NOMEM})
"""Primary error codes after which the file is as it was, so that the caller may commit again."""

_REMEDY = {
    sqlite3.SQLITE_FULL: "make room on the disk; the next commit tries again",
    sqlite3.SQLITE_BUSY: "end the other process that holds the journal",
    sqlite3.SQLITE_IOERR: "check the disk, then restart the gateway",
    sqlite3.SQLITE_CORRUPT: "keep the damaged file as evidence, and restore a copy or choose another path",
    sqlite3.SQLITE_NOTADB: "expected a journal; choose another path",
    sqlite3.SQLITE_READONLY: "give the gateway's user write permission",
    sqlite3.SQLITE_CANTOPEN: "check the directory and its permissions",
}

_TAIL = select(EVENT.c.sequence, EVENT.c.hash).order_by(EVENT.c.sequence.desc()).limit(1)
_KNOWN = select(EVENT.c.id).where(EVENT.c.id.in_(bindparam("ids", expanding=True)))
_APPEND = insert(EVENT)
_AFTER = select(EVENT).where(EVENT.c.sequence > bindparam("after")).order_by(EVENT.c.sequence).limit(bindparam("most"))
_NEW_STATE = insert(STATE)
_PUT_STATE = _NEW_STATE.on_conflict_do_update(
    index_elements=[STATE.c.kind, STATE.c.id],
    set_={"standing": _NEW_STATE.excluded.standing, "body": _NEW_STATE.excluded.body},
)
_NEW_CURSOR = insert(CURSOR)
_PUT_CURSOR = _NEW_CURSOR.on_conflict_do_update(
    index_elements=[CURSOR.c.follower],
    set_={"sequence": func.max(CURSOR.c.sequence, _NEW_CURSOR.excluded.sequence)},
)


class SqliteJournal:
    """`gateway.store.Journal` in one file: writes on one thread, reads on another.

    Get one from `open`.
    """

    def __init__(self, path: Path, writer: sqlite3.Connection, reader: sqlite3.Connection) -> None:
        self._path = path
        self._raw_writer = writer
        self._writer = transactions_on(writer).connect()
        self._reader = statements_on(reader).connect()
        self._writing = StoreThreads(STORE, "writer", 1)
        self._reading = StoreThreads(STORE, "reader", 1)
        self._failed = ""

    @classmethod
    async def open(cls, path: Path | str) -> SqliteJournal:
        """Open or create the file; raises StoreFailed that names it and says what to do."""
        return cls(*await asyncio.to_thread(_open, Path(path)))

    async def commit(self, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
        """Append events and replace state rows in one durable transaction; known ids are left out.

        Raises StoreFailed; then nothing of the call is kept. After an I/O error every later call raises, and
        whether the disk has the first one's transaction, whole, shows when the journal is opened again.
        """
        if not events and not states:
            return ()
        return await self._writing.run(
            "commit", lambda: self._write("commit to", lambda writer: _commit(writer, events, states))
        )

    async def read(self, after: int, limit: int) -> Sequence[Entry]:
        """Entries with a sequence above `after`, oldest first, at most `limit`."""
        rows = {"after": after, "most": max(limit, 0)}
        return await self._query("read", _AFTER, lambda found: [_entry(row) for row in found], rows)

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
        return await self._query("read", select(CURSOR).where(CURSOR.c.follower == follower), _first_sequence)

    async def advance(self, follower: str, sequence: int) -> None:
        """Move a follower's cursor on, durably; never backwards."""
        await self._writing.run(
            "advance", lambda: self._write("advance a cursor in", lambda writer: _advance(writer, follower, sequence))
        )

    async def verify(self) -> int | None:
        """Recompute the hash chain; the first sequence at which it breaks, or None.

        Shows every edit, insertion and removal except that of the newest entries.
        """
        sequence, link = 0, GENESIS
        while True:
            rows = {"after": sequence, "most": _VERIFY_CHUNK}
            walk = partial(_walk, sequence, link)
            reached, link, broken = await self._query("verify", _AFTER, walk, rows)
            if broken or reached == sequence:
                return broken
            sequence = reached

    async def close(self) -> None:
        """Finish what is under way and close the file; twice has the effect of once."""
        await self._reading.close(partial(_end, self._reader))
        await self._writing.close(partial(_end, self._writer))

    def _write(self, doing: str, job: Callable[[Connection], Result]) -> Result:
        """One job of one transaction, on the writer thread; if it fails, nothing of it is kept."""
        if self._failed:
            raise StoreFailed(STORE, f"{doing} {self._path}", self._failed)
        try:
            return job(self._writer)
        except DBAPIError as error:
            if _code(error) not in _PASSING:
                self._failed = f"it failed before and is not trusted again: {_cause(error)}"
            with suppress(sqlite3.Error):
                self._raw_writer.rollback()
            raise StoreFailed(STORE, f"{doing} {self._path}", _cause(error)) from error

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
            except (DBAPIError, ValidationError) as error:
                raise StoreFailed(STORE, f"{doing} {self._path}", _cause(error)) from error

        return await self._reading.run(doing, job)


def _open(path: Path) -> tuple[Path, sqlite3.Connection, sqlite3.Connection]:
    path = path.absolute()
    require_place(STORE, path)
    try:
        writer = open_writer(path)
        reader = open_reader(path)
        sync_directory(path.parent)
    except (sqlite3.Error, DBAPIError, OSError) as error:
        raise StoreFailed(STORE, f"open {path}", _cause(error)) from error
    return path, writer, reader


def _commit(writer: Connection, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
    once: dict[str, Event] = {}
    for event in events:
        once.setdefault(event.id, event)
    try:
        with writer.begin():
            return _put(writer, list(once.values()), states)
    except IntegrityError:
        # Asking which ids are known costs every commit a query; only a replay needs the answer.
        with writer.begin():
            for start in range(0, len(events), _KNOWN_CHUNK):
                ids = [event.id for event in events[start : start + _KNOWN_CHUNK]]
                for known in writer.scalars(_KNOWN, {"ids": ids}).all():
                    once.pop(known, None)
            return _put(writer, list(once.values()), states)


def _put(writer: Connection, events: Sequence[Event], states: Sequence[StateRow]) -> Sequence[Entry]:
    entries = []
    if events:
        tail = writer.execute(_TAIL).first()
        last, link = (tail.sequence, tail.hash) if tail else (0, GENESIS)
        rows = []
        for sequence, event in enumerate(events, last + 1):
            body = encode(event)
            previous, link = link, _chain(link, body)
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
        writer.execute(_APPEND, rows)
    if states:
        writer.execute(
            _PUT_STATE,
            [{"kind": row.kind, "id": row.id, "standing": row.standing, "body": row.body} for row in states],
        )
    return entries


def _advance(writer: Connection, follower: str, sequence: int) -> None:
    with writer.begin():
        writer.execute(_PUT_CURSOR, {"follower": follower, "sequence": sequence})


def _chain(previous: str, body: bytes) -> str:
    """SHA-256 over the previous hash, as it is written, and the body."""
    return hashlib.sha256(previous.encode() + body).hexdigest()


def _walk(last: int, link: str, rows: Sequence[Row[Any]]) -> tuple[int, str, int | None]:
    """Follow the chain on from an entry: where it leads to, and where it breaks."""
    for expected, row in enumerate(rows, last + 1):
        if row.sequence != expected or not _holds(row, link):
            return expected, link, expected
        last, link = expected, row.hash
    return last, link, None


def _holds(row: Row[Any], previous: str) -> bool:
    """Whether an entry is chained to the one before, and is found under what its body says."""
    if row.previous_hash != previous or row.hash != _chain(previous, row.body.encode()):
        return False
    told = json.loads(row.body)
    return [row.id, row.kind, row.at] == [told["id"], told["kind"], told["at"]]


def _end(connection: Connection) -> None:
    connection.close()
    connection.engine.dispose()


def _entry(row: Row[Any]) -> Entry:
    return Entry(row.sequence, decode(row.body))


def _first_sequence(rows: Sequence[Row[Any]]) -> int:
    return int(rows[0].sequence) if rows else 0


def _state(row: Row[Any]) -> StateRow:
    return StateRow(StateKind(row.kind), row.id, row.standing, row.body)


def _code(error: Exception) -> int:
    """SQLite's primary error code; 0 where the error is not SQLite's own."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return getattr(origin, "sqlite_errorcode", 0) & 0xFF


def _cause(error: Exception) -> str:
    """What happened and what to do about it."""
    if isinstance(error, ValidationError):
        return f"a body is not an event that this version knows: {error.errors()[0]['msg']}; verify the journal"
    origin = error.orig if isinstance(error, DBAPIError) else error
    return f"{origin}; {_REMEDY.get(_code(error), 'see the log of the gateway')}"
