"""Journals of every version that was released open in this one, with everything that was in them.

`old/` holds real files of old versions; a file there is never made anew.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gateway.errors import StoreFailed
from gateway.runtime import states
from gateway.store import StateKind
from gateway.stores import journal_migrations
from gateway.stores.journal_schema import METADATA, SCHEMA_VERSION, open_reader, statements_on
from gateway.stores.journal_sqlite import SqliteJournal
from tests.stores.child import event

OLD = sorted((Path(__file__).parent / "old").glob("journal-*.sqlite"))


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(path) as reader:
        found = reader.execute(f"SELECT * FROM {table} ORDER BY 1, 2").fetchall()  # noqa: S608
    reader.close()
    return found


@pytest.fixture(params=OLD, ids=lambda path: path.stem)
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copy(request.param, tmp_path / "journal.sqlite"))


async def test_an_old_journal_opens_with_every_event_state_and_cursor_as_it_was(old: Path) -> None:
    before = {table: rows(old, table) for table in ("event", "state", "cursor")}
    assert all(before.values())
    journal = await SqliteJournal.open(old)
    assert await journal.verify() is None
    entries = await journal.read(0, 10_000)
    assert len(entries) == len(before["event"])
    standing = await states.load(journal)
    assert standing.alarms
    assert standing.tickets
    assert await journal.commit([event(1)], [])
    await journal.close()
    after = {table: rows(old, table) for table in before}
    assert after["event"][: len(entries)] == before["event"]
    assert (after["state"], after["cursor"]) == (before["state"], before["cursor"])


async def test_a_migrated_journal_and_a_new_one_have_the_schema_that_the_code_declares(
    old: Path, tmp_path: Path
) -> None:
    for path in (old, tmp_path / "new.sqlite"):
        await (await SqliteJournal.open(path)).close()
        engine = statements_on(open_reader(path))
        with engine.connect() as connection:
            context = MigrationContext.configure(connection)
            assert compare_metadata(context, METADATA) == []
            assert context.get_current_revision() == journal_migrations.HEAD
            assert connection.exec_driver_sql("PRAGMA user_version").scalar() == SCHEMA_VERSION
        engine.dispose()


async def test_a_migration_that_is_cut_short_leaves_the_old_journal(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(old, "event")

    def breaks(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as broken:
        broken.setattr("alembic.op.create_index", breaks)
        with pytest.raises(StoreFailed, match="disk I/O error"):
            await SqliteJournal.open(old)
    assert rows(old, "event") == before
    with sqlite3.connect(old) as reader:
        assert reader.execute("SELECT name FROM sqlite_schema WHERE name = 'aside'").fetchall() == []
    reader.close()
    journal = await SqliteJournal.open(old)
    assert await journal.states(StateKind.TICKET, standing_only=False)
    await journal.close()


def test_the_newest_step_is_the_version_that_the_code_declares() -> None:
    scripts = ScriptDirectory(str(Path(journal_migrations.__file__).parent))
    assert scripts.get_heads() == [journal_migrations.HEAD]
    assert int(journal_migrations.HEAD) == SCHEMA_VERSION
