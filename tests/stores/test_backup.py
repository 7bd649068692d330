"""A whole data directory out and back: complete as of one moment, verified, and never half there."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.errors import StoreFailed
from gateway.event import Entry
from gateway.runtime.followers import Follower
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.store import DAY, StateKind, StateRow
from gateway.stores import backup, history_duckdb
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.journal_sqlite import SqliteJournal
from gateway.stores.place import HISTORY_FILE, JOURNAL_FILE
from tests.stores.child import event
from tests.stores.history_support import FOR_EVER, NAMES, prepare, sample, settle

NOW = Instant(1_800_000_000 * SECOND)


class Plant:
    """Both stores in a data directory, with a follower between them, and a file that somebody attached."""

    def __init__(self, data: Path, journal: SqliteJournal, history: DuckdbHistory) -> None:
        self.data, self.journal, self.history = data, journal, history
        self.samples = self.events = 0

    async def grow(self, seconds: int = 100) -> None:
        """A few samples of another day, and an event."""
        start = 20_000 * DAY + self.samples * DAY // 300
        rows = [sample(start + second * SECOND, random.random(), point=second % 3) for second in range(seconds)]
        await self.history.append(SampleBatch.of(rows))
        self.samples += seconds
        await self.journal.commit([event(self.events)], [StateRow(StateKind.ALARM, "one", True, str(self.events))])
        self.events += 1

    async def follow(self) -> None:
        entries = await self.journal.read(await self.journal.cursor("history"), 1000)
        await self.history.append_events(entries)
        await self.journal.advance("history", entries[-1].sequence)

    async def back_up(self, place: Path, **options: Path) -> backup.Held:
        snapshot = self.data / "snapshot"
        snapshot.mkdir()
        await self.history.snapshot(snapshot / HISTORY_FILE)
        held = await asyncio.to_thread(lambda: backup.take(self.data, snapshot, place, NOW, **options))
        await asyncio.to_thread(shutil.rmtree, snapshot)
        return held


@pytest_asyncio.fixture
async def works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Plant]:
    prepare("embedded, merged", monkeypatch)
    data = tmp_path / "data"
    (data / "attachments").mkdir(parents=True)
    (data / "attachments" / "photo.jpg").write_bytes(b"a photograph")
    journal = await SqliteJournal.open(data / JOURNAL_FILE)
    history = await DuckdbHistory.open(data / HISTORY_FILE, NAMES, FOR_EVER)
    plant = Plant(data, journal, history)
    for _ in range(4):
        await plant.grow()
        await plant.follow()
    await settle(history)
    await plant.grow()
    await plant.follow()
    yield plant
    await history.close()
    await journal.close()


async def contents(data: Path) -> tuple[list[tuple[int, float]], list[int], int]:
    """Samples and events of a history, and the journal's length."""
    history = await DuckdbHistory.open(data / HISTORY_FILE, NAMES, FOR_EVER)
    journal = await SqliteJournal.open(data / JOURNAL_FILE)
    rows = [
        (int(at), float(value))
        async for each in history.samples(None, Instant(0), Instant(2**62))
        for at, value in zip(each.source_time, each.value)
    ]
    events = [one.sequence for one in await history.read_events(Instant(0), Instant(2**62))]
    assert await journal.verify() is None
    length = await journal.last_sequence()
    await history.close()
    await journal.close()
    return rows, events, length


async def test_a_backup_restores_every_sample_event_and_attachment_once(works: Plant, tmp_path: Path) -> None:
    held = await works.back_up(tmp_path / "copy")
    assert (held.samples, held.entries, held.missing) == (works.samples, works.events, ())
    assert backup.verify(tmp_path / "copy") == held
    assert backup.put(tmp_path / "copy", tmp_path / "new") == held
    assert (tmp_path / "new" / "attachments" / "photo.jpg").read_bytes() == b"a photograph"
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == [
        "attachments", HISTORY_FILE, HISTORY_FILE + ".segments", JOURNAL_FILE,
    ]  # fmt: skip
    rows, events, length = await contents(tmp_path / "new")
    ours = [
        (int(at), float(value))
        async for each in works.history.samples(None, Instant(0), Instant(2**62))
        for at, value in zip(each.source_time, each.value)
    ]
    assert rows == ours
    assert events == list(range(1, works.events + 1))
    assert length == works.events


async def test_the_checksums_are_those_that_any_system_can_check(works: Plant, tmp_path: Path) -> None:
    await works.back_up(tmp_path / "copy")
    checking = await asyncio.create_subprocess_exec(
        "sha256sum", "--check", "--quiet", backup.SUMS, cwd=tmp_path / "copy"
    )
    assert await checking.wait() == 0


async def test_a_snapshot_beside_a_busy_writer_has_whole_batches_up_to_one_moment(works: Plant, tmp_path: Path) -> None:
    await settle(works.history)
    stop = asyncio.Event()
    kept = works.samples

    async def write() -> None:
        while not stop.is_set():
            await works.grow(50)

    async def tidy() -> None:
        while not stop.is_set():
            await works.history.maintain(Instant(2**60))
            await asyncio.sleep(0)

    busy = [asyncio.create_task(write()), asyncio.create_task(tidy())]
    await asyncio.sleep(0.1)
    held = await works.back_up(tmp_path / "copy")
    stop.set()
    await asyncio.gather(*busy)
    assert kept < held.samples <= works.samples
    backup.put(tmp_path / "copy", tmp_path / "new")
    rows, _, length = await contents(tmp_path / "new")
    assert len(rows) == held.samples
    assert (held.samples - kept) % 50 == 0, "half a batch"
    assert length == held.entries


async def test_events_that_the_history_lacked_at_the_backup_follow_after_the_restore(
    works: Plant, tmp_path: Path
) -> None:
    snapshot = works.data / "snapshot"
    snapshot.mkdir()
    await works.history.snapshot(snapshot / HISTORY_FILE)
    await works.grow()
    await works.follow()  # the journal's cursor is now ahead of the history that was put down
    backup.take(works.data, snapshot, tmp_path / "copy", NOW)
    backup.put(tmp_path / "copy", tmp_path / "new")
    history = await DuckdbHistory.open(tmp_path / "new" / HISTORY_FILE, NAMES, FOR_EVER)
    journal = await SqliteJournal.open(tmp_path / "new" / JOURNAL_FILE)
    assert await history.last_event() == works.events - 1 < await journal.cursor("history")
    arrived = asyncio.Event()

    async def append(entries: list[Entry]) -> None:
        await history.append_events(entries)
        arrived.set()

    follower = Follower("history", journal, append, history.last_event)  # type: ignore[arg-type]
    running = asyncio.create_task(follower.run())
    await asyncio.wait_for(arrived.wait(), 10)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    found = [one.sequence for one in await history.read_events(Instant(0), Instant(2**62))]
    assert found == list(range(1, works.events + 1))
    await history.close()
    await journal.close()


async def test_a_second_backup_copies_only_what_is_new(works: Plant, tmp_path: Path) -> None:
    await works.back_up(tmp_path / "monday")
    await works.grow()
    held = await works.back_up(tmp_path / "tuesday", like=tmp_path / "monday")
    files = list((tmp_path / "tuesday" / (HISTORY_FILE + ".segments")).iterdir())
    assert files
    assert all(file.stat().st_nlink >= 2 for file in files)
    assert held == backup.verify(tmp_path / "tuesday")
    assert held.samples == works.samples
    await asyncio.to_thread(shutil.rmtree, tmp_path / "monday")
    assert backup.verify(tmp_path / "tuesday") == held


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda copy: damage(next((copy / (HISTORY_FILE + ".segments")).iterdir())), "expected the checksum"),
        (lambda copy: damage(copy / JOURNAL_FILE), "expected the checksum"),
        (lambda copy: damage(copy / "attachments" / "photo.jpg"), "photo.jpg"),
        (lambda copy: (copy / JOURNAL_FILE).unlink(), "expected journal.sqlite in it"),
        (lambda copy: (copy / "more").write_text("x"), "got more"),
        (lambda copy: (copy / backup.SUMS).unlink(), "expected a backup"),
        (lambda copy: (copy / backup.SUMS).write_text("../x\n"), "SHA256SUMS:1"),
    ],
)
async def test_a_backup_that_is_not_what_it_was_is_refused_and_nothing_is_restored(
    works: Plant, tmp_path: Path, harm: Callable[[Path], object], said: str
) -> None:
    await works.back_up(tmp_path / "copy")
    harm(tmp_path / "copy")
    with pytest.raises(StoreFailed, match=said):
        backup.verify(tmp_path / "copy")
    with pytest.raises(StoreFailed, match=said):
        backup.put(tmp_path / "copy", tmp_path / "new")
    assert not (tmp_path / "new").exists()


async def test_a_backup_whose_sums_were_made_to_fit_is_still_held_to_the_historys_own(
    works: Plant, tmp_path: Path
) -> None:
    await works.back_up(tmp_path / "copy")
    segment = next((tmp_path / "copy" / (HISTORY_FILE + ".segments")).iterdir())
    name, before = str(segment.relative_to(tmp_path / "copy")), backup.digest(segment)
    damage(segment)
    sums = tmp_path / "copy" / backup.SUMS
    sums.write_text(sums.read_text().replace(before, backup.digest(segment)))
    with pytest.raises(StoreFailed, match=f"trust {segment.name}"):
        backup.verify(tmp_path / "copy")
    assert name in sums.read_text()


async def test_nothing_is_written_over_and_what_was_there_stays(works: Plant, tmp_path: Path) -> None:
    await works.back_up(tmp_path / "copy")
    with pytest.raises(StoreFailed, match="nothing is ever written over"):
        backup.take(works.data, works.data, tmp_path / "copy", NOW)
    with pytest.raises(StoreFailed, match="outside"):
        backup.take(works.data, works.data, works.data / "backup", NOW)
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / JOURNAL_FILE).write_text("another")
    with pytest.raises(StoreFailed, match=r"without journal\.sqlite"):
        backup.put(tmp_path / "copy", tmp_path / "new")
    assert [file.name for file in (tmp_path / "new").iterdir()] == [JOURNAL_FILE]
    assert (tmp_path / "new" / JOURNAL_FILE).read_text() == "another"


async def test_a_file_that_the_history_lost_before_is_told_and_the_rest_is_backed_up(
    works: Plant, tmp_path: Path
) -> None:
    segments = sorted((works.data / (HISTORY_FILE + ".segments")).glob("samples-*"))
    await works.history.close()
    segments[0].unlink()
    works.history = await DuckdbHistory.open(works.data / HISTORY_FILE, NAMES, FOR_EVER)
    held = await works.back_up(tmp_path / "copy")
    assert held.missing == (segments[0].name,)
    assert 0 < held.samples < works.samples
    backup.put(tmp_path / "copy", tmp_path / "new")
    assert len((await contents(tmp_path / "new"))[0]) == held.samples
    assert json.loads((tmp_path / "copy" / backup.ABOUT).read_text())["missing"] == [segments[0].name]


async def test_a_partly_compacted_table_is_copied_with_its_place(
    works: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.stores.history_upkeep.COMPACT_ROWS", 30)
    monkeypatch.setattr(history_duckdb, "SEAL_ROWS", 10)
    await works.grow(100)
    await works.history.maintain(Instant(2**60))
    waiting = (await works.history.size()).waiting
    assert 0 < waiting < 200, "some rows of the table are in a segment already"
    held = await works.back_up(tmp_path / "copy")
    assert held.samples == works.samples
    backup.put(tmp_path / "copy", tmp_path / "new")
    assert len((await contents(tmp_path / "new"))[0]) == works.samples
