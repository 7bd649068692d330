"""The journal's schema, step by step: how a file of any older version becomes one of this version.

A step that has been released is never edited; a change is a further step. Nothing here touches an event's body.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

HEAD = "0002"
"""The newest step; `journal_schema.SCHEMA_VERSION` is its number."""


def migrate(connection: Connection, *, stands_at: str | None) -> None:
    """Bring the schema up to date within the connection's own transaction; all of it or nothing.

    `stands_at` names the step that the tables are known to be at where no step is recorded in them (files of before
    there were steps); None for an empty store.
    """
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    if stands_at is not None:
        command.stamp(config, stands_at)
    command.upgrade(config, HEAD)
