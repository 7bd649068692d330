"""Power is lost: whatever of the unsynced writes is there, gone or torn, the journal comes back whole.

Every prefix of what the journal asks of the disk, from the creation of its file to its close.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from gateway.store import StateKind
from gateway.stores.journal_sqlite import SqliteJournal
from tests.stores.child import EVENTS, event
from tests.stores.conftest import CHILD
from tests.stores.crash_disk import Call, Disk, laid, recorded

COMMITS = 8


def states(calls: list[Call], chance: Random) -> Iterator[tuple[int, int, dict[str, bytes]]]:
    """After each call: how many commits had been acknowledged, how many begun, and a disk as it may be left."""
    disk, kept, begun = Disk(), 0, 0
    for call in calls:
        if call.name == "say":
            kept += call.data.count(b"kept")
            begun += call.data.count(b"begun")
            continue
        disk.take(call)
        yield kept, begun, disk.without_the_rest()
        if call.name == "sync":
            continue
        yield kept, begun, disk.with_all()
        yield kept, begun, disk.with_all(torn=True)
        yield kept, begun, disk.with_some(chance)


@pytest.mark.slow
async def test_no_loss_of_power_loses_doubles_or_halves_what_was_acknowledged(tmp_path: Path) -> None:
    place = tmp_path / "store"
    place.mkdir()
    calls = recorded(CHILD, "commit_few", place / "journal.sqlite", tmp_path / "strace.log")
    assert sum(call.name == "sync" for call in calls) >= COMMITS, "the journal does not sync its commits"
    seen: set[tuple[int, int]] = set()
    tried: dict[tuple[tuple[str, bytes], ...], tuple[int, int]] = {}
    for kept, begun, files in states(calls, Random(5)):
        key = tuple(sorted((name, content) for name, content in files.items() if not name.endswith("-shm")))
        if key not in tried:
            tried[key] = await recovered(files, tmp_path / "crashed")
        count, state = tried[key]
        assert kept <= count <= begun, f"{kept} acknowledged, {begun} begun, {count} found"
        assert state == count - 1
        seen.add((kept, count))
    assert {kept for kept, _ in seen} == set(range(COMMITS + 1))
    assert any(count > kept for kept, count in seen), "no crash fell between a sync and its acknowledgement"
    assert len(tried) > 100


async def recovered(files: dict[str, bytes], folder: Path) -> tuple[int, int]:
    """Whole commits found after the crash, and the state row's number; everything else about them is checked."""
    journal = await SqliteJournal.open(laid(files, folder) / "journal.sqlite")
    entries = await journal.read(0, 1000)
    assert [entry.event for entry in entries] == [event(number) for number in range(len(entries))]
    assert len(entries) % EVENTS == 0, "half a transaction"
    assert await journal.verify() is None
    state = await journal.state(StateKind.ALARM, "one")
    assert [entry.sequence for entry in await journal.commit([event(999)], [])] == [len(entries) + 1]
    await journal.close()
    shutil.rmtree(folder)
    return len(entries) // EVENTS, -1 if state is None else int(state.body)
