"""The journal's contract, on a real file and in a real PostgreSQL; and what only a file can go through."""

from __future__ import annotations

import asyncio
import hashlib
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import StoreFailed
from gateway.events.lifecycle import GatewayStopped
from gateway.identity import identity
from gateway.sample import Instant
from gateway.store import StateKind, StateRow
from gateway.stores.journal_postgres import PostgresJournal
from gateway.stores.journal_schema import SCHEMA_VERSION
from gateway.stores.journal_sql import SqlJournal
from gateway.stores.journal_sqlite import SqliteJournal
from tests.stores.child import EVENTS, event
from tests.stores.conftest import Disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest_asyncio.fixture(loop_scope="function", params=["sqlite", "postgresql"])
async def journal(request: pytest.FixtureRequest, path: Path) -> AsyncIterator[SqlJournal]:
    store: SqlJournal
    if request.param == "sqlite":
        store = await SqliteJournal.open(path)
    else:
        store = await PostgresJournal.open(request.getfixturevalue("postgres").database())
    yield store
    await store.close()


def row(name: str, body: str, *, standing: bool = True, kind: StateKind = StateKind.ALARM) -> StateRow:
    return StateRow(kind, name, standing, body)


async def test_what_is_committed_is_read_back_in_order_with_dense_sequences(journal: SqlJournal) -> None:
    first = await journal.commit([event(1), event(2)], [])
    second = await journal.commit([GatewayStopped(id=identity("警钟"), at=Instant(2**52))], [])
    assert [entry.sequence for entry in [*first, *second]] == [1, 2, 3]
    assert list(await journal.read(0, 10)) == [*first, *second]
    assert [entry.sequence for entry in await journal.read(1, 1)] == [2]
    assert list(await journal.read(3, 10)) == []
    assert list(await journal.read(0, -1)) == []
    assert await journal.last_sequence() == 3


async def test_an_empty_journal_has_nothing_and_its_chain_holds(journal: SqlJournal) -> None:
    assert list(await journal.commit([], [])) == []
    assert await journal.last_sequence() == 0
    assert list(await journal.read(0, 10)) == []
    assert await journal.state(StateKind.TICKET, "none") is None
    assert await journal.verify() is None


async def test_an_event_committed_twice_is_there_once(journal: SqlJournal) -> None:
    await journal.commit([event(1), event(2), event(1)], [])
    again = await journal.commit([event(2), event(3), event(3)], [row("a", "new")])
    assert [(entry.sequence, entry.event) for entry in again] == [(3, event(3))]
    assert [entry.event for entry in await journal.read(0, 10)] == [event(1), event(2), event(3)]
    assert await journal.state(StateKind.ALARM, "a") == row("a", "new")
    assert await journal.verify() is None


async def test_a_large_replay_adds_nothing(journal: SqlJournal) -> None:
    events = [event(number) for number in range(1500)]
    assert len(await journal.commit(events, [])) == 1500
    assert list(await journal.commit(events, [])) == []
    assert await journal.last_sequence() == 1500


async def test_the_first_of_two_events_with_one_id_stands(journal: SqlJournal) -> None:
    await journal.commit([event(1), replace(event(1), at=Instant(99))], [])
    assert [entry.event.at for entry in await journal.read(0, 10)] == [1]


async def test_a_state_row_replaces_the_one_before_it_and_only_standing_ones_are_loaded(
    journal: SqlJournal,
) -> None:
    await journal.commit([], [row("b", "1"), row("a", "1"), row("a", "2", kind=StateKind.TICKET)])
    await journal.commit([], [row("b", "2", standing=False)])
    assert list(await journal.states(StateKind.ALARM, standing_only=True)) == [row("a", "1")]
    assert list(await journal.states(StateKind.ALARM, standing_only=False)) == [
        row("a", "1"),
        row("b", "2", standing=False),
    ]
    assert await journal.state(StateKind.TICKET, "a") == row("a", "2", kind=StateKind.TICKET)


async def test_a_cursor_starts_at_zero_and_moves_back_only_when_told_so(journal: SqlJournal) -> None:
    assert await journal.cursor("county") == 0
    await journal.advance("county", 7)
    await journal.advance("county", 5)
    await journal.advance("browser", 1)
    assert (await journal.cursor("county"), await journal.cursor("browser")) == (7, 1)
    await journal.rewind("county", 2)
    assert await journal.cursor("county") == 2


async def test_everything_is_there_after_closing_and_opening(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(1)], [row("a", "1")])
    await journal.advance("county", 1)
    await journal.close()
    await journal.close()
    with pytest.raises(StoreFailed, match="closed"):
        await journal.commit([event(2)], [])
    with pytest.raises(StoreFailed, match="closed"):
        await journal.read(0, 1)

    again = await SqliteJournal.open(path)
    assert [entry.sequence for entry in await again.commit([event(1), event(2)], [])] == [2]
    assert (await again.cursor("county"), await again.state(StateKind.ALARM, "a")) == (1, row("a", "1"))
    assert await again.verify() is None
    await again.close()


async def test_commits_and_reads_at_once_all_succeed_and_no_sequence_is_given_twice(
    journal: SqlJournal,
) -> None:
    commits = [journal.commit([event(number)], []) for number in range(50)]
    reads = [journal.read(0, 100) for _ in range(50)]
    done = await asyncio.gather(*commits, *reads)
    assert sorted(entries[0].sequence for entries in done[:50]) == list(range(1, 51))
    for entries in done[50:]:
        assert [entry.sequence for entry in entries] == list(range(1, len(entries) + 1))


async def test_a_call_that_fails_half_way_leaves_nothing(journal: SqlJournal) -> None:
    unstorable = replace(event(2), at=Instant(2**70))
    with pytest.raises((OverflowError, StoreFailed)):
        await journal.commit([event(1), unstorable], [row("a", "1")])
    assert await journal.last_sequence() == 0
    assert [entry.sequence for entry in await journal.commit([event(3)], [])] == [1]


@pytest.mark.parametrize(
    ("forgery", "breaks_at"),
    [
        ("UPDATE event SET body = replace(body, 'co-1', 'co-2') WHERE sequence = 700", 700),
        ("UPDATE event SET at = 1 WHERE sequence = 1200", 1200),
        ("UPDATE event SET id = 'x' WHERE sequence = 3", 3),
        ("UPDATE event SET hash = previous_hash WHERE sequence = 3", 3),
        ("UPDATE event SET previous_hash = hash WHERE sequence = 5", 5),
        ("DELETE FROM event WHERE sequence = 2", 2),
        ("DELETE FROM event WHERE sequence = 1", 1),
        ("DELETE FROM event WHERE sequence = 1000", 1000),
        ("UPDATE event SET sequence = 9999 WHERE sequence = 1400", 1400),
        ("UPDATE event SET sequence = 9999 WHERE sequence = 1500", 1500),
        ("INSERT INTO event SELECT 1501, 'x', kind, at, '', body, hash, hash FROM event WHERE sequence = 1", 1501),
    ],
)
async def test_a_forged_entry_breaks_the_chain_where_it_is(path: Path, forgery: str, breaks_at: int) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(number) for number in range(1500)], [])
    assert await journal.verify() is None
    with sqlite3.connect(path) as forger:
        assert forger.execute(forgery).rowcount == 1
    forger.close()
    assert await journal.verify() == breaks_at
    await journal.close()


async def test_an_entry_that_is_forged_together_with_its_hash_breaks_the_chain_behind_it(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(number) for number in range(3)], [])
    with sqlite3.connect(path) as forger:
        previous, body = forger.execute("SELECT previous_hash, body FROM event WHERE sequence = 2").fetchone()
        forged = body.replace("co-1", "co-2")
        link = hashlib.sha256((previous + forged).encode()).hexdigest()
        forger.execute("UPDATE event SET body = ?, hash = ? WHERE sequence = 2", (forged, link))
    forger.close()
    assert await journal.verify() == 3
    await journal.close()


async def test_a_body_that_is_no_event_is_reported_and_not_read_as_one(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(1)], [])
    with sqlite3.connect(path) as forger:
        forger.execute("UPDATE event SET body = '{}'")
    forger.close()
    with pytest.raises(StoreFailed, match="not an event"):
        await journal.read(0, 10)
    await journal.close()


async def commit_until_refused(journal: SqlJournal) -> tuple[int, str]:
    kept = 0
    try:
        while True:
            await journal.commit([event(kept)], [row("count", str(kept))])
            kept += 1
    except StoreFailed as failure:
        return kept, str(failure)


async def test_a_full_disk_is_reported_keeps_nothing_and_the_next_commit_tries_again(disk: Disk) -> None:
    journal = await SqliteJournal.open(disk.where / "journal.db")
    kept, failure = await commit_until_refused(journal)
    assert kept > 10
    assert "make room" in failure
    assert "journal.db" in failure
    with pytest.raises(StoreFailed, match="make room"):
        await journal.commit([event(kept + i) for i in range(2000)], [])
    assert await journal.last_sequence() == kept
    assert await journal.state(StateKind.ALARM, "count") == row("count", str(kept - 1))

    disk.remount("size=8m")
    assert [entry.sequence for entry in await journal.commit([event(kept)], [])] == [kept + 1]
    assert await journal.verify() is None
    await journal.close()


async def test_after_a_failed_sync_no_commit_is_ever_tried_again(
    said: Callable[[str, Path], list[str]], path: Path
) -> None:
    first, second, last = said("journal_sync_fails", path)
    assert first.startswith("refused journal cannot commit")
    assert "disk I/O error" in first
    assert "not trusted again" in second
    assert last == "last 1"
    journal = await SqliteJournal.open(path)
    # Whether the disk has the refused commit is only known now; doing it again has the effect of once.
    await journal.commit([event(1)], [])
    assert [entry.event for entry in await journal.read(0, 9)] == [event(0), event(1)]
    assert await journal.verify() is None
    await journal.close()


async def test_a_write_that_the_system_cuts_short_loses_nothing_that_was_acknowledged(
    said: Callable[[str, Path], list[str]], path: Path
) -> None:
    *numbers, refused = said("journal_limited", path)
    assert refused.startswith("refused journal cannot commit")
    journal = await SqliteJournal.open(path)
    assert await journal.last_sequence() == int(numbers[-1]) + 1
    assert await journal.verify() is None
    await journal.close()


@pytest.mark.slow
async def test_no_kill_loses_or_doubles_what_was_acknowledged(
    acknowledged_until_killed: Callable[[str, Path, float], int | None], path: Path
) -> None:
    moments = random.Random(7)
    total = 0
    for _ in range(15):
        last = acknowledged_until_killed("commit_for_ever", path, moments.uniform(0.0, 0.12))
        journal = await SqliteJournal.open(path)
        entries = await journal.read(0, 10**6)
        assert [entry.event for entry in entries] == [event(number) for number in range(len(entries))]
        assert len(entries) % EVENTS == 0, "half a transaction"
        if last is not None:
            assert len(entries) // EVENTS in (last + 1, last + 2)
        if entries:
            state = await journal.state(StateKind.ALARM, "one")
            assert state is not None
            assert int(state.body) == len(entries) // EVENTS - 1
        assert await journal.verify() is None
        await journal.close()
        total = len(entries)
    assert total > 0


def content(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


async def refusal(path: Path) -> str:
    with pytest.raises(StoreFailed) as failure:
        await SqliteJournal.open(path)
    assert str(path) in str(failure.value)
    return str(failure.value)


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "create the directory" in await refusal(tmp_path / "missing" / "journal.db")


async def test_a_path_below_a_file_and_a_path_that_is_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "got a file" in await refusal(tmp_path / "file" / "journal.db")
    assert "got a directory" in await refusal(tmp_path)


async def test_a_disk_that_may_not_be_written_is_refused(disk: Disk) -> None:
    disk.remount("ro")
    assert "read-only" in await refusal(disk.where / "journal.db")


async def test_garbage_is_refused_and_left_as_it_was(path: Path) -> None:
    garbage = random.Random(1).randbytes(50_000)
    overwrite(path, garbage)
    assert "not a database" in await refusal(path)
    assert content(path) == garbage


async def test_a_truncated_journal_is_refused(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(number) for number in range(2000)], [])
    await journal.close()
    whole = content(path)
    overwrite(path, whole[: len(whole) // 2 // 4096 * 4096])
    assert "malformed" in await refusal(path)


async def test_another_programs_database_is_refused_and_left_as_it_was(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
    other.close()
    before = content(path)
    assert "another program" in await refusal(path)
    assert content(path) == before


async def test_a_journal_of_a_newer_version_is_refused_and_left_as_it_was(path: Path) -> None:
    await (await SqliteJournal.open(path)).close()
    with sqlite3.connect(path) as newer:
        newer.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    newer.close()
    before = content(path)
    assert f"expected schema version {SCHEMA_VERSION} or older, got {SCHEMA_VERSION + 1}" in await refusal(path)
    assert content(path) == before


async def test_every_commit_is_synced(path: Path) -> None:
    journal = await SqliteJournal.open(path)
    asked = ("journal_mode", "synchronous")
    pragmas = [journal._writer.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert pragmas == ["wal", 2]
    await journal.close()


@settings(max_examples=25, deadline=None)
@given(calls=st.lists(st.lists(st.integers(0, 30), max_size=8), max_size=8))
def test_any_order_of_repeated_events_gives_each_once_in_order_of_first_arrival(
    tmp_path_factory: pytest.TempPathFactory, calls: list[list[int]]
) -> None:
    async def run() -> None:
        place = tmp_path_factory.mktemp("law")
        journal = await SqliteJournal.open(place / "journal.db")
        returned = [entry for call in calls for entry in await journal.commit([event(n) for n in call], [])]
        expected = [event(n) for n in dict.fromkeys(n for call in calls for n in call)]
        assert [entry.event for entry in returned] == expected
        assert list(await journal.read(0, 1000)) == returned
        assert await journal.verify() is None
        await journal.close()
        shutil.rmtree(place)

    asyncio.run(run())
