"""A journal looked at from outside: verify its chain, export it, copy it while the gateway runs.

Never writes to the journal that it reads, and never puts a copy in place before its chain has been found whole.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DBAPIError

from gateway.clock import to_datetime
from gateway.errors import StoreFailed
from gateway.sample import Instant
from gateway.store import StateKind, StateRow
from gateway.stores.journal_chain import Finding, Head, follow
from gateway.stores.journal_schema import APPLICATION_ID, EVENT, SCHEMA_VERSION, STATE, STORE, statements_on
from gateway.stores.journal_sqlite import cause
from gateway.stores.place import require_place, sync_directory

_COLUMNS = ("sequence", "id", "kind", "at", "subject", "body", "previous_hash", "hash")
_PAGES = 256
"""Pages copied in one go, so that the gateway's commits find a gap."""

_COUNTED = 1000
"""Entries between two reports of progress."""

Place = Path | str
"""A journal's file, or the address of the database that holds it."""

Progress = Callable[[int, int], None]
"""Told how much is done, and of how much."""


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the journal, as it is stored."""

    sequence: int
    id: str
    kind: str
    at: Instant
    subject: str
    body: str
    previous_hash: str
    hash: str


@dataclass(frozen=True, slots=True)
class Selection:
    """Which entries to export; what is empty selects all."""

    start: Instant | None = None
    end: Instant | None = None
    subject: str = ""
    kind: str = ""
    """Beginning of the kind, such as `alarm.`."""


def verify(place: Place, known: Head | None = None, progress: Progress | None = None) -> Finding:
    """Walk the whole chain of a journal; `known` must be on it. Raises StoreFailed for what is no journal."""
    with _reading(place) as connection:
        total = connection.execute(select(func.count()).select_from(EVENT)).scalar_one()
        told = None if progress is None else partial(_count, progress, total)
        with closing(_records(connection, Selection())) as records:
            return follow(records, known=known, told=told)


def state_rows(place: Place, kind: StateKind) -> list[StateRow]:
    """The present states of a kind, by id; raises StoreFailed for what is no journal."""
    with _reading(place) as connection:
        rows = connection.execute(select(STATE).where(STATE.c.kind == kind).order_by(STATE.c.id)).all()
    return [StateRow(StateKind(row.kind), row.id, row.standing, row.body) for row in rows]


def export(place: Place, selection: Selection, into: IO[str]) -> int:
    """Write the selected entries as JSON lines, oldest first; how many. Each carries what proves its place."""
    count = 0
    with _reading(place) as connection:
        for record in _records(connection, selection):
            line = {name: getattr(record, name) for name in _COLUMNS} | {"time": to_datetime(record.at).isoformat()}
            into.write(json.dumps(line, ensure_ascii=False) + "\n")
            count += 1
    return count


def read_export(lines: Iterator[str], name: str) -> Iterator[Record]:
    """The records of an export; raises StoreFailed that names the line which is none."""
    for number, line in enumerate(lines, 1):
        try:
            told = json.loads(line)
            yield Record(**{column: told[column] for column in _COLUMNS})
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            got = f"expected a line of 'tocsin journal export', got {line[:40]!r} ({type(error).__name__})"
            raise StoreFailed(STORE, f"read {name}:{number}", got) from error


def copy(source: Path, place: Path, progress: Progress | None = None) -> Finding:
    """Copy a journal, written to or not, to a new file: whole and verified, or not there at all.

    Serves as backup and as restore. Raises StoreFailed; nothing is ever written over.
    """
    require_place(STORE, place.absolute())
    if place.exists():
        raise StoreFailed(STORE, f"write {place}", "expected no file there, got one; nothing is ever written over")
    part = place.with_name(place.name + ".part")
    try:
        with _reading_file(source) as reader, closing(sqlite3.connect(part)) as target:

            def told(_: int, remaining: int, total: int) -> None:
                if progress is not None:
                    progress(total - remaining, total)

            reader.backup(target, pages=_PAGES, progress=told, sleep=0.001)
            target.execute("PRAGMA journal_mode = DELETE")
        return _put(part, place, source)
    except (sqlite3.Error, OSError) as error:
        raise StoreFailed(STORE, f"copy {source} to {place}", cause(error)) from error
    finally:
        _remove(part)


def _count(progress: Progress, total: int, done: int) -> None:
    if done % _COUNTED == 0:
        progress(done, total)


def _put(part: Path, place: Path, source: Path) -> Finding:
    """Verify a finished copy and give it its name, durably."""
    finding = verify(part)
    if finding.broken_at is not None:
        raise StoreFailed(STORE, f"trust {source}", f"{finding.reason}; keep it as evidence, and take an older copy")
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.rename(place)
    sync_directory(place.parent)
    return finding


def _remove(part: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with suppress(FileNotFoundError):
            part.with_name(part.name + suffix).unlink()


@contextmanager
def _reading(place: Place) -> Iterator[Connection]:
    """One view of a journal, as of now, however long it is read."""
    if isinstance(place, Path):
        with _reading_file(place) as raw:
            engine = statements_on(raw)
            with engine.connect() as connection:
                yield connection
        return
    from gateway.stores import journal_postgres  # psycopg is for sites that have a server

    engine = journal_postgres.open_reading(place)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            yield connection
    except DBAPIError as error:
        where = engine.url.set(drivername="postgresql").render_as_string(hide_password=True)
        raise StoreFailed(STORE, f"read {where}", journal_postgres.cause(error)) from error
    finally:
        engine.dispose()


@contextmanager
def _reading_file(path: Path) -> Iterator[sqlite3.Connection]:
    if not path.is_file():
        raise StoreFailed(STORE, f"read {path}", "expected the file of a journal, got nothing there")
    try:
        uri = f"file:{path.absolute()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
            application = connection.execute("PRAGMA application_id").fetchone()[0]
            version = connection.execute("PRAGMA user_version").fetchone()[0]
            if application != APPLICATION_ID:
                raise StoreFailed(STORE, f"read {path}", "expected a journal, got another program's database")
            if version > SCHEMA_VERSION:
                got = f"expected schema version {SCHEMA_VERSION} or older, got {version} of a newer Tocsin"
                raise StoreFailed(STORE, f"read {path}", got)
            yield connection
    except (sqlite3.Error, DBAPIError) as error:
        raise StoreFailed(STORE, f"read {path}", cause(error)) from error


def _records(connection: Connection, selection: Selection) -> Generator[Record, None, None]:
    query = select(*(EVENT.c[name] for name in _COLUMNS)).order_by(EVENT.c.sequence)
    query = query.execution_options(yield_per=_COUNTED)
    if selection.start is not None:
        query = query.where(EVENT.c.at >= selection.start)
    if selection.end is not None:
        query = query.where(EVENT.c.at < selection.end)
    if selection.subject:
        query = query.where(EVENT.c.subject == selection.subject)
    if selection.kind:
        query = query.where(EVENT.c.kind.startswith(selection.kind, autoescape=True))
    with connection.execute(query) as rows:
        for row in rows:
            yield Record(*row)
