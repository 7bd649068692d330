"""Where a site keeps its journal: the embedded file, or the database that an address names."""

from __future__ import annotations

from pathlib import Path

from gateway.store import Journal
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.place import JOURNAL_FILE


async def open_journal(data: Path, address: str | None) -> Journal:
    """The journal in PostgreSQL where an address is given, in the data directory otherwise; raises StoreFailed."""
    if address is None:
        return await SqliteJournal.open(data / JOURNAL_FILE)
    from gateway.stores.journal_postgres import PostgresJournal  # psycopg is for sites that have a server

    return await PostgresJournal.open(address)
