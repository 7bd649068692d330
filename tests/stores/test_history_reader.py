"""A history read for a back-test: it gives what the store itself gives, and not a byte of the file changes."""

from __future__ import annotations

import asyncio
import gzip
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from gateway.errors import StoreFailed
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.history_reader import HistoryReader
from gateway.stores.history_shelf import UNFINISHED
from tests.stores.history_support import FOR_EVER, NAMES, fingerprint, prepare, settle
from tests.stores.test_history_failures import OLD_FILE
from tests.stores.test_history_layout import MORNING, every_second

WHOLE = (Instant(0), Instant(2**60))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data" / "history.duckdb"


async def read(path: Path, names: list[str] = NAMES) -> SampleBatch:
    reader = await HistoryReader.open(path, names)
    try:
        return await joined(reader.samples(*WHOLE))
    finally:
        await reader.close()


async def joined(batches: AsyncIterator[SampleBatch]) -> SampleBatch:
    found = [batch async for batch in batches]
    return SampleBatch(**{
        name: np.concatenate([getattr(each, name) for each in found]) for name in SampleBatch.__slots__
    })  # fmt: skip


def rows(batch: SampleBatch) -> list[tuple[str, ...]]:
    return list(zip(*(map(str, getattr(batch, name).tolist()) for name in SampleBatch.__slots__)))


async def fill(path: Path) -> None:
    history = await DuckdbHistory.open(path, NAMES, FOR_EVER)
    for part in range(3):
        await history.append(every_second(MORNING + part * 100 * SECOND, 100))
        await settle(history)
    await history.append(every_second(MORNING + 300 * SECOND, 50))
    await history.close()


async def as_the_store_gives_it(path: Path) -> SampleBatch:
    """From a copy, for the store itself writes when it opens."""
    copy = path.parent.with_name("copy")
    shutil.copytree(path.parent, copy)
    history = await DuckdbHistory.open(copy / path.name, NAMES, FOR_EVER)
    found = await joined(history.samples(None, *WHOLE))
    await history.close()
    return found


@pytest.mark.parametrize("layout", ["embedded, as they came", "embedded, compacted", "embedded, merged"])
async def test_reading_gives_every_sample_and_changes_no_byte(
    path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    prepare(layout, monkeypatch)
    await fill(path)
    before = fingerprint(path.parent)
    found = await read(path)
    assert fingerprint(path.parent) == before
    assert len(found) == 350 * 3
    assert rows(found) == rows(await as_the_store_gives_it(path))


async def test_what_a_killed_gateway_left_is_read_and_not_put_right(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("embedded, compacted", monkeypatch)
    await fill(path)
    kill_in_the_middle(path)
    before = fingerprint(path.parent)
    found = await read(path)
    assert fingerprint(path.parent) == before
    assert len(found) == 350 * 3 + 1
    assert rows(found) == rows(await as_the_store_gives_it(path))


def kill_in_the_middle(path: Path) -> None:
    """One more sample in the log alone, and a file that has not got its name yet."""
    killed = "import duckdb,os,sys; c=duckdb.connect(sys.argv[1]); c.execute(sys.argv[2]); os._exit(9)"
    last_words = f"INSERT INTO {newest_table(path)} SELECT 0, 7, 7, 1.5, 0, 0"
    subprocess.run([sys.executable, "-c", killed, path, last_words], check=False)
    assert path.with_name(path.name + ".wal").exists()
    segment = next(path.with_name(path.name + ".segments").glob("samples*"))
    segment.rename(segment.with_name(segment.name + UNFINISHED))


def newest_table(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as database:
        (number,) = database.execute("SELECT max(number) FROM generation").fetchall()[0]
    return f"recent_{number}"


async def test_a_file_that_is_missing_or_cut_is_named_and_the_rest_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare("embedded, compacted", monkeypatch)
    await fill(path)
    first, second, *_ = sorted(path.with_name(path.name + ".segments").glob("samples*"))
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1])
    before = fingerprint(path.parent)
    reader = await HistoryReader.open(path, NAMES)
    assert set(reader.damaged) == {first.name, second.name}
    assert 0 < len(await joined(reader.samples(*WHOLE))) < 350 * 3
    await reader.close()
    assert fingerprint(path.parent) == before


async def test_a_file_of_the_first_version_is_read_as_it_is(path: Path) -> None:
    put(path, gzip.decompress(OLD_FILE.read_bytes()))
    before = fingerprint(path.parent)
    found = await read(path)
    assert fingerprint(path.parent) == before
    assert len(found) > 0
    assert rows(found) == rows(await as_the_store_gives_it(path))


async def test_a_point_that_was_never_stored_has_no_samples_and_makes_none(path: Path) -> None:
    await fill(path)
    before = fingerprint(path.parent)
    found = await read(path, ["new.pressure", NAMES[2]])
    assert fingerprint(path.parent) == before
    assert set(found.point.tolist()) == {1}
    assert len(found) == 350


def put(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def put_another_database(path: Path) -> None:
    with duckdb.connect(str(path)) as database:
        database.execute("CREATE TABLE cash (a INT)")


def put_a_newer_history(path: Path) -> None:
    asyncio.run(fill(path))
    with duckdb.connect(str(path)) as database:
        database.execute("UPDATE meta SET schema_version = 99")


REFUSED: dict[str, Callable[[Path], None]] = {
    "does not exist": lambda _path: None,
    "expected a history": lambda path: put(path, b"point,time,value\n" * 1000),
    "another program's database": put_another_database,
    "99 of a newer Tocsin": put_a_newer_history,
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_cannot_be_read_is_refused_and_stays_as_it_is(path: Path, words: str) -> None:
    REFUSED[words](path)
    before = fingerprint(path.parent)
    with pytest.raises(StoreFailed, match=words) as refused:
        asyncio.run(HistoryReader.open(path, NAMES))
    assert str(path) in str(refused.value)
    assert fingerprint(path.parent) == before


async def test_no_gateway_begins_on_a_history_while_it_is_read(path: Path) -> None:
    await fill(path)
    reader = await HistoryReader.open(path, NAMES)
    begin = "import asyncio,sys\nfrom pathlib import Path\nfrom gateway.stores.history_duckdb import DuckdbHistory\n"
    begin += "asyncio.run(DuckdbHistory.open(Path(sys.argv[1]), []))"
    said = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", begin, path], capture_output=True, encoding="utf-8", check=False
    )
    assert "another process holds the file" in said.stderr
    assert len(await joined(reader.samples(*WHOLE))) == 350 * 3
    await reader.close()
