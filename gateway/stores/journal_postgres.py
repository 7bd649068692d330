"""The journal in PostgreSQL, for sites where several processes read one journal. One gateway writes, and holds a lock.

Never writes without that lock, and never to a server that does not sync its commits. A lost connection is survived:
an event that is offered again is there once.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, Engine, Table, create_engine, make_url
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.event import listen
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import StaticPool

from gateway.errors import StoreFailed
from gateway.stores.journal_migrations import HEAD, migrate
from gateway.stores.journal_schema import STORE
from gateway.stores.journal_sql import SqlJournal, Upsert

if TYPE_CHECKING:
    from psycopg import Connection as RawConnection
    from sqlalchemy.pool import ConnectionPoolEntry

SCHEMA = "tocsin"
"""Schema that holds the tables, so that a database may serve others as well."""

_WRITER_LOCK = 0x544F4353
"""Advisory lock that the one writing gateway of a database holds."""

_SETTINGS = {
    "search_path": SCHEMA,
    "synchronous_commit": "on",
    "statement_timeout": "60s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
}
"""Of every session. A gateway that vanished must not hold the lock for longer than a short while."""

_CONNECT_WITHIN = 5
"""Seconds."""

_FULL = "53"
_DAMAGED = ("58", "XX")
"""Classes of SQLSTATE that say that the server's own disk or tables are not to be trusted."""


class PostgresJournal(SqlJournal):
    """`gateway.store.Journal` in a database. Get one from `open`."""

    @classmethod
    async def open(cls, address: str) -> PostgresJournal:
        """Connect, take the writer's lock and bring the tables up to date; raises StoreFailed.

        `address` is `postgresql://user:password@host:port/database`, with libpq's parameters behind a `?`.
        """
        return cls(*await asyncio.to_thread(_open, _url(address)))


class PostgresRules:
    """Implements `gateway.stores.journal_sql.EngineRules`."""

    def __init__(self, url: URL) -> None:
        self.where = url.set(drivername="postgresql").render_as_string(hide_password=True)

    def insert(self, table: Table) -> Upsert:
        return insert(table)

    def give_up(self, connection: Connection) -> None:
        with suppress(DBAPIError):
            connection.rollback()

    def passing(self, error: DBAPIError) -> bool:
        return not _state(error).startswith(_DAMAGED)

    def cause(self, error: DBAPIError) -> str:
        return cause(error)


def open_reading(address: str) -> Engine:
    """An engine that only reads, for somebody who looks at a journal from outside."""
    return _engine(_url(address), default_transaction_read_only="on")


def _open(url: URL) -> tuple[PostgresRules, Connection, Connection]:
    rules = PostgresRules(url)
    writing, reading = _engine(url), _engine(url)
    listen(writing, "connect", _take_lock)
    try:
        writer = writing.connect()
        _prepare(writer)
        return rules, writer, reading.connect().execution_options(isolation_level="AUTOCOMMIT")
    except (StoreFailed, DBAPIError) as error:
        writing.dispose()
        reading.dispose()
        told = error.cause if isinstance(error, StoreFailed) else cause(error)
        raise StoreFailed(STORE, f"open {rules.where}", told) from error


def _engine(url: URL, **further: str) -> Engine:
    settings = " ".join(f"-c {name}={value}" for name, value in (_SETTINGS | further).items())
    arguments = {"options": settings, "connect_timeout": _CONNECT_WITHIN}
    return create_engine(url, poolclass=StaticPool, connect_args=arguments)


def _url(address: str) -> URL:
    expected = "an address such as postgresql://user:password@host/database"
    try:
        url = make_url(address)
    except ArgumentError as error:
        raise StoreFailed(STORE, "open an address", f"expected {expected}, got something else") from error
    if url.drivername not in {"postgresql", "postgres"} or not url.database:
        raise StoreFailed(STORE, "open an address", f"expected {expected}, got {url.drivername}://...")
    return url.set(drivername="postgresql+psycopg")


def _take_lock(raw: RawConnection, _: ConnectionPoolEntry) -> None:
    """Whatever connection writes has the lock, also after a reconnection."""
    taken = raw.execute("SELECT pg_try_advisory_lock(%s)", (_WRITER_LOCK,)).fetchone()
    raw.commit()
    if taken is None or not taken[0]:
        raw.close()
        raise StoreFailed(
            STORE,
            "write",
            "expected to be the only gateway that writes, got another that holds the lock; stop it first",
        )


def _prepare(writer: Connection) -> None:
    with writer.begin():
        if writer.exec_driver_sql("SHOW fsync").scalar() != "on":
            raise StoreFailed(STORE, "trust the server", "expected a server with fsync = on, got off; turn it on")
        writer.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
        version = writer.exec_driver_sql("SELECT to_regclass('alembic_version')").scalar() and (
            writer.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        )
        if version is not None and str(version) > HEAD:
            got = f"expected schema step {HEAD} or older, got {version} of a newer Tocsin; start that version"
            raise StoreFailed(STORE, "read the tables", got)
        if version != HEAD:
            migrate(writer, stands_at=None)


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def cause(error: DBAPIError) -> str:
    """What happened and what to do about it."""
    told = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    if _state(error).startswith(_FULL):
        return f"{told}; make room on the server; the next commit tries again"
    if isinstance(error, OperationalError):
        return f"{told}; check that the server runs, is reachable and knows user and database"
    return f"{told}; see the log of the gateway and of the server"
