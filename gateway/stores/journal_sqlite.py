"""The journal in one SQLite file: WAL, synchronous=FULL, one writer thread.

Never writes again after an I/O error: a second sync can succeed although the first one lost the data.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import suppress
from pathlib import Path

from sqlalchemy import Connection, Table
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.exc import DBAPIError

from gateway.errors import StoreFailed
from gateway.stores.journal_schema import STORE, open_reader, open_writer, statements_on, transactions_on
from gateway.stores.journal_sql import SqlJournal, Upsert
from gateway.stores.place import require_place, sync_directory

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


class SqliteJournal(SqlJournal):
    """`gateway.store.Journal` in one file. Get one from `open`."""

    @classmethod
    async def open(cls, path: Path | str) -> SqliteJournal:
        """Open or create the file; raises StoreFailed that names it and says what to do."""
        where, writer, reader = await asyncio.to_thread(_open, Path(path))
        return cls(SqliteRules(where), transactions_on(writer).connect(), statements_on(reader).connect())


class SqliteRules:
    """Implements `gateway.stores.journal_sql.EngineRules`."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)

    def insert(self, table: Table) -> Upsert:
        return insert(table)

    def give_up(self, connection: Connection) -> None:
        raw = connection.connection.driver_connection
        with suppress(sqlite3.Error):
            raw.rollback()  # type: ignore[union-attr]

    def passing(self, error: DBAPIError) -> bool:
        return code(error) in _PASSING

    def cause(self, error: DBAPIError) -> str:
        return cause(error)


def _open(path: Path) -> tuple[Path, sqlite3.Connection, sqlite3.Connection]:
    path = path.absolute()
    require_place(STORE, path)
    try:
        writer = open_writer(path)
        reader = open_reader(path)
        sync_directory(path.parent)
    except (sqlite3.Error, DBAPIError, OSError) as error:
        raise StoreFailed(STORE, f"open {path}", cause(error)) from error
    return path, writer, reader


def code(error: Exception) -> int:
    """SQLite's primary error code; 0 where the error is not SQLite's own."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return getattr(origin, "sqlite_errorcode", 0) & 0xFF


def cause(error: Exception) -> str:
    """What happened and what to do about it."""
    origin = error.orig if isinstance(error, DBAPIError) else error
    return f"{origin}; {_REMEDY.get(code(error), 'see the log of the gateway')}"
