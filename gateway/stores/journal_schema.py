"""Tables of the journal file, and the checks between opening a file and trusting it.

Writes nothing into a file before it is known to be a journal that this version understands.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
)
from sqlalchemy.event import listen
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import StaticPool

from gateway.errors import StoreFailed

STORE = "journal"

SCHEMA_VERSION = 2
"""Number of the newest step in `journal_migrations`."""

APPLICATION_ID = 0x544F4353
"""'TOCS' in the file header, so that another program's database is never taken for a journal."""

_BUSY_TIMEOUT = 5.0
"""Seconds to wait for another process's write lock before the commit is refused."""

METADATA = MetaData()

LONG = BigInteger().with_variant(Integer, "sqlite")
"""SQLite's INTEGER is long by itself, and only it can be the key of a row."""

EVENT = Table(
    "event",
    METADATA,
    Column("sequence", LONG, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
Index("event_subject", EVENT.c.subject, EVENT.c.sequence)

STATE = Table(
    "state",
    METADATA,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("standing", Boolean, nullable=False),
    Column("body", Text, nullable=False),
)
Index("state_standing", STATE.c.kind, STATE.c.id, sqlite_where=STATE.c.standing, postgresql_where=STATE.c.standing)

CURSOR = Table(
    "cursor",
    METADATA,
    Column("follower", Text, primary_key=True),
    Column("sequence", LONG, nullable=False),
)

ASIDE = Table(
    "aside",
    METADATA,
    Column("follower", Text, primary_key=True),
    Column("sequence", LONG, primary_key=True),
    Column("cause", Text, nullable=False),
)
"""Entries that a follower's target refuses for what they say, and why: passed over, and kept in sight."""


def open_writer(path: Path) -> sqlite3.Connection:
    """The one connection that writes; creates the file where there is none.

    Raises sqlite3.Error, and StoreFailed for a file that is not ours; such a file is left as it was.
    """
    connection = _connect(path)
    try:
        _require_journal(connection, path)
        _require_log(connection, path)
        connection.execute("PRAGMA synchronous = FULL")
        _bring_up_to_date(connection)
    except (sqlite3.Error, DBAPIError, StoreFailed):
        connection.close()
        raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing; each statement sees one commit."""
    connection = _connect(path)
    connection.execute("PRAGMA query_only = ON")
    return connection


def transactions_on(connection: sqlite3.Connection) -> Engine:
    """SQLAlchemy on this connection; every transaction takes the write lock at once."""
    engine = create_engine("sqlite+pysqlite://", creator=lambda: connection, poolclass=StaticPool)
    listen(engine, "begin", _begin_immediately)
    return engine


def statements_on(connection: sqlite3.Connection) -> Engine:
    """SQLAlchemy on this connection, without transactions."""
    return create_engine(
        "sqlite+pysqlite://", creator=lambda: connection, poolclass=StaticPool, isolation_level="AUTOCOMMIT"
    )


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)


def _bring_up_to_date(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == SCHEMA_VERSION:
        return
    from gateway.stores.journal_migrations import migrate  # Alembic costs a start that has nothing to migrate too much

    with transactions_on(connection).begin() as transaction:
        # Files of version 1 were made before there were steps, and so recorded none.
        migrate(transaction, stands_at="0001" if version == 1 else None)
        transaction.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        transaction.exec_driver_sql(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _begin_immediately(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _require_log(connection: sqlite3.Connection, path: Path) -> None:
    mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if mode != "wal":
        raise StoreFailed(
            STORE,
            f"open {path}",
            f"expected a disk that allows a write-ahead log, got journal mode {mode!r}; use a local disk",
        )


def _require_journal(connection: sqlite3.Connection, path: Path) -> None:
    version, application, tables = (
        connection.execute(query).fetchone()[0]
        for query in ("PRAGMA user_version", "PRAGMA application_id", "SELECT count(*) FROM sqlite_schema")
    )
    if tables and application != APPLICATION_ID:
        raise StoreFailed(
            STORE, f"open {path}", "expected a journal, got another program's database; choose another path"
        )
    if version > SCHEMA_VERSION:
        raise StoreFailed(
            STORE,
            f"open {path}",
            f"expected schema version {SCHEMA_VERSION} or older, got {version} of a newer Tocsin; "
            f"start that version or choose another path",
        )
