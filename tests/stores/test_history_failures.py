"""What the history does when its disk, its process or its file fails."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pytest

from gateway.errors import StoreFailed
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from tests.stores.child import POINT_NAMES, ROWS, batch
from tests.stores.conftest import Disk
from tests.stores.history_support import BAD, FOR_EVER, NAMES, curve, prepare, sample, settle

OLD_FILE = Path(__file__).parent / "old_files" / "history-version-1.duckdb.gz"
OLD_START = 20_000 * 86_400 * SECOND


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "history.db"


async def append_until_refused(history: DuckdbHistory) -> tuple[int, str]:
    kept = 0
    try:
        while True:
            await history.append(batch(kept))
            kept += 1
    except StoreFailed as failure:
        return kept, str(failure)


async def test_a_full_disk_is_reported_keeps_nothing_and_the_next_append_tries_again(disk: Disk) -> None:
    disk.remount("size=4m")
    history = await DuckdbHistory.open(disk.where / "history.db", POINT_NAMES)
    kept, failure = await append_until_refused(history)
    assert kept > 1
    assert "make room" in failure
    assert "history.db" in failure
    with pytest.raises(StoreFailed, match="make room"):
        await history.append(batch(kept))
    assert await history.sample_count() == kept * ROWS

    disk.remount("size=64m")
    await history.append(batch(kept))
    assert await history.sample_count() == (kept + 1) * ROWS
    await history.close()
    again = await DuckdbHistory.open(disk.where / "history.db", POINT_NAMES)
    assert await again.sample_count() == (kept + 1) * ROWS
    await again.close()


async def test_after_a_failed_sync_no_append_is_ever_tried_again(
    said: Callable[[str, Path], list[str]], path: Path
) -> None:
    first, second = said("history_sync_fails", path)
    assert first.startswith("refused history cannot append")
    assert "fsync failed" in first
    assert "not trusted again" in second
    history = await DuckdbHistory.open(path, POINT_NAMES)
    assert await history.sample_count() % ROWS == 0
    assert await history.sample_count() >= ROWS
    await history.close()


@pytest.mark.slow
async def test_no_kill_loses_or_doubles_what_was_acknowledged(
    acknowledged_until_killed: Callable[[str, Path, float], int | None], path: Path
) -> None:
    moments = random.Random(7)
    batches = 0
    for _ in range(15):
        last = acknowledged_until_killed("append_for_ever", path, moments.uniform(0.0, 0.5))
        history = await DuckdbHistory.open(path, POINT_NAMES)
        count = await history.sample_count()
        assert count % ROWS == 0, "half a batch"
        batches = count // ROWS
        if last is not None:
            assert batches in (last + 1, last + 2)
        if batches:
            found = await curve(history, 0, batches, batches, POINT_NAMES[3])
            assert found.last.tolist() == list(range(batches))
        await history.close()
    assert batches > 0


@pytest.mark.slow
async def test_no_kill_during_compaction_merging_or_retention_loses_or_doubles_anything(
    acknowledged_until_killed: Callable[[str, Path, float], int | None], path: Path
) -> None:
    moments = random.Random(11)
    expired = 0
    for _ in range(4):
        last = acknowledged_until_killed("append_and_tidy_for_ever", path, moments.uniform(0.3, 1.2))
        history = await DuckdbHistory.open(path, POINT_NAMES, FOR_EVER)
        size = await history.size()
        expired = size.expired
        assert size.damaged == ()
        assert (size.samples + size.expired) % ROWS == 0, "half a batch"
        batches = (size.samples + size.expired) // ROWS
        assert last is not None
        assert batches in (last + 1, last + 2)
        kept = [value async for each in history.samples(None, Instant(0), Instant(2**62)) for value in each.value]
        assert len(kept) == size.samples
        numbers, counts = np.unique(kept, return_counts=True)
        assert counts.tolist() == [ROWS] * len(numbers)
        assert numbers.tolist() == list(range(batches - len(numbers), batches)), "the newest, without a gap"
        await history.close()
    assert expired > 0


async def test_a_history_of_the_first_version_is_taken_over_with_everything_in_it(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("embedded, merged", monkeypatch)
    overwrite(path, gzip.decompress(content(OLD_FILE)))
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    for _ in range(2):
        assert await history.sample_count() == 1800
        found = await history.read(NAMES[2], Instant(OLD_START), Instant(OLD_START + 600 * SECOND), 60 * SECOND)
        assert found.count.tolist() == [60] * 10
        assert found.low.tolist() == [60 * minute + 1.2 for minute in range(10)]
        assert found.worst.tolist() == [BAD] * 10
        assert found.not_good[:9].tolist() == [3 * SECOND] * 9
        assert [one.kind for one in await history.read_events(Instant(0), Instant(2**62))] == ["gateway.stopped"]
        await history.append(SampleBatch.of([]))
        await settle(history)
    await history.append(SampleBatch.of([sample(1, 1.0)]))
    await history.close()
    again = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    assert await again.sample_count() == 1801
    await again.close()


async def test_a_kill_while_the_file_is_created_leaves_a_start_that_works(path: Path) -> None:
    path.with_name("history.db.new").write_bytes(b"half a header")
    path.with_name("history.db.new.wal").write_bytes(b"x")
    history = await DuckdbHistory.open(path, NAMES)
    await history.close()
    assert [file.name for file in path.parent.iterdir()] == ["history.db"]


def content(path: Path) -> bytes:
    return path.read_bytes()


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


async def refusal(path: Path, names: Sequence[str] = NAMES) -> str:
    with pytest.raises(StoreFailed) as failure:
        await DuckdbHistory.open(path, names)
    assert str(path) in str(failure.value)
    return str(failure.value)


async def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    assert "create the directory" in await refusal(tmp_path / "missing" / "history.db")


async def test_a_path_below_a_file_and_a_path_that_is_a_directory_are_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    assert "got a file" in await refusal(tmp_path / "file" / "history.db")
    assert "got a directory" in await refusal(tmp_path)


async def test_a_disk_that_may_not_be_written_is_refused(disk: Disk) -> None:
    disk.remount("ro")
    assert "read-only" in await refusal(disk.where / "history.db")


@pytest.mark.parametrize("mode", [0o555, 0o000])
async def test_a_directory_that_the_gateways_user_may_not_write_or_enter_is_refused_by_name(
    said: Callable[[str, Path], list[str]], mode: int
) -> None:
    with tempfile.TemporaryDirectory() as place:
        os.chmod(place, 0o755)  # noqa: PTH101, S103
        where = Path(place) / "data"
        where.mkdir()
        where.chmod(mode)
        (answer,) = said("history_as_nobody", where / "history.duckdb")
        where.chmod(0o755)
        assert answer.startswith("refused history cannot open")
        assert str(where) in answer
        assert "permission" in answer
        assert list(where.iterdir()) == []


async def test_a_disk_too_small_for_the_file_is_refused(disk: Disk) -> None:
    (disk.where / "ballast").write_bytes(bytes(1024 * 1024 - 8192))
    assert "make room" in await refusal(disk.where / "history.db")


@pytest.mark.parametrize("garbage", [b"", b"hello", random.Random(1).randbytes(50_000)])
async def test_garbage_is_refused_and_left_as_it_was(path: Path, garbage: bytes) -> None:
    overwrite(path, garbage)
    assert "expected a history" in await refusal(path)
    assert content(path) == garbage


async def test_a_truncated_history_is_refused(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES)
    await history.append(SampleBatch.of([sample(n, random.random()) for n in range(200_000)]))
    await history.close()
    whole = content(path)
    overwrite(path, whole[: len(whole) // 2])
    assert "keep the damaged file" in await refusal(path)


async def test_a_log_without_its_file_is_refused(path: Path) -> None:
    path.with_name("history.db.wal").write_bytes(b"x")
    assert "restore it or move the log" in await refusal(path)


async def test_a_file_that_another_process_holds_is_refused_by_name(
    child: Callable[[str, Path], subprocess.Popen[str]], path: Path
) -> None:
    holder = child("history_held", path)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "open\n"
    message = await refusal(path)
    assert "another process holds the file" in message
    assert str(holder.pid) in message


async def test_another_programs_database_is_refused(path: Path) -> None:
    with duckdb.connect(str(path)) as other:
        other.execute("CREATE TABLE invoices (number INTEGER)")
    assert "another program" in await refusal(path)


async def test_a_history_of_a_newer_version_is_refused(path: Path) -> None:
    await (await DuckdbHistory.open(path, NAMES)).close()
    with duckdb.connect(str(path)) as newer:
        newer.execute("UPDATE meta SET schema_version = 3")
    assert "expected schema version 2 or older, got 3" in await refusal(path)
