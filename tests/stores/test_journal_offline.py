"""What a stranger can find out about a journal, years later and without the gateway; and copies that can be trusted."""

from __future__ import annotations

import asyncio
import io
import json
import os
import random
import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import StoreFailed
from gateway.event import encode
from gateway.stores import journal_offline as offline
from gateway.stores.journal_chain import GENESIS, Head, chain, follow
from gateway.stores.journal_sqlite import SqliteJournal
from tests.stores.child import event


async def written(path: Path, count: int) -> Path:
    journal = await SqliteJournal.open(path)
    await journal.commit([event(number) for number in range(count)], [])
    await journal.close()
    return path


def forge(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as forger:
        assert forger.execute(statement).rowcount >= 1
    forger.close()


async def test_a_whole_journal_is_found_whole_and_its_head_is_told(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 1200)
    finding = offline.verify(path)
    assert (finding.entries, finding.broken_at, finding.head.sequence) == (1200, None, 1200)
    assert offline.verify(path, finding.head).broken_at is None
    empty = await written(tmp_path / "empty.sqlite", 0)
    assert offline.verify(empty).head == Head(0, GENESIS)


async def test_a_head_that_was_noted_shows_that_the_newest_entries_were_cut_off(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 20)
    head = offline.verify(path).head
    forge(path, "DELETE FROM event WHERE sequence > 15")
    assert offline.verify(path).broken_at is None
    finding = offline.verify(path, head)
    assert finding.broken_at == 16
    assert "expected entry 20, which was there once, got an end at 15" in finding.reason


async def test_a_head_that_was_noted_shows_that_the_chain_was_made_anew(tmp_path: Path) -> None:
    head = offline.verify(await written(tmp_path / "one.sqlite", 5)).head
    journal = await SqliteJournal.open(tmp_path / "two.sqlite")
    await journal.commit([event(number + 1) for number in range(9)], [])
    await journal.close()
    finding = offline.verify(tmp_path / "two.sqlite", head)
    assert finding.broken_at == 5
    assert head.hash in finding.reason


@pytest.mark.parametrize(
    ("forgery", "said"),
    [
        ("DELETE FROM event WHERE sequence = 3", "entries are missing"),
        ("UPDATE event SET body = body || ' ' WHERE sequence = 3", "it was edited"),
        ("UPDATE event SET at = 7 WHERE sequence = 3", "under the id, kind and time"),
        ("UPDATE event SET previous_hash = hash WHERE sequence = 3", "chained to"),
    ],
)
async def test_the_reason_says_what_was_done(tmp_path: Path, forgery: str, said: str) -> None:
    path = await written(tmp_path / "journal.sqlite", 6)
    forge(path, forgery)
    finding = offline.verify(path)
    assert (finding.broken_at, finding.entries) == (3, 2)
    assert said in finding.reason


async def test_a_body_that_is_no_event_breaks_the_chain_even_under_its_own_hash(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 1)
    forge(path, f"UPDATE event SET body = 'no json', hash = '{chain(GENESIS, b'no json')}'")  # noqa: S608
    assert offline.verify(path).broken_at == 1


async def test_an_export_carries_the_proof_with_it(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 30)
    out = io.StringIO()
    assert offline.export(path, offline.Selection(), out) == 30
    lines = out.getvalue().splitlines()
    finding = follow(offline.read_export(iter(lines), "export.jsonl"))
    assert finding == offline.verify(path)
    lines[10] = lines[10].replace("co-", "no-")
    assert follow(offline.read_export(iter(lines), "export.jsonl")).broken_at == 11


async def test_an_export_selects_by_time_kind_and_subject(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 30)

    def exported(**what: object) -> list[int]:
        out = io.StringIO()
        offline.export(path, offline.Selection(**what), out)  # type: ignore[arg-type]
        return [json.loads(line)["sequence"] for line in out.getvalue().splitlines()]

    told = [json.loads(line) for line in _all(path)]
    middle = told[10]
    assert exported(start=middle["at"]) == [each["sequence"] for each in told if each["at"] >= middle["at"]]
    assert exported(end=middle["at"]) == [each["sequence"] for each in told if each["at"] < middle["at"]]
    assert exported(subject=middle["subject"]) == [e["sequence"] for e in told if e["subject"] == middle["subject"]]
    assert exported(kind=middle["kind"][:4]) == [each["sequence"] for each in told if each["kind"] == middle["kind"]]
    assert exported(kind="no such") == []


def _all(path: Path) -> list[str]:
    out = io.StringIO()
    offline.export(path, offline.Selection(), out)
    return out.getvalue().splitlines()


def test_a_line_that_is_no_export_is_named() -> None:
    with pytest.raises(StoreFailed, match=r"x\.jsonl:2"):
        list(offline.read_export(iter([_line(), "{]"]), "x.jsonl"))


def _line() -> str:
    columns = {"sequence": 1, "id": "a", "kind": "k", "at": 0, "subject": "", "body": "{}"}
    return json.dumps(columns | {"previous_hash": GENESIS, "hash": GENESIS})


async def test_a_backup_of_a_journal_that_is_written_to_is_whole(tmp_path: Path) -> None:
    journal = await SqliteJournal.open(tmp_path / "journal.sqlite")
    await journal.commit([event(number) for number in range(5000)], [])
    stop = asyncio.Event()

    async def write_on() -> int:
        number = 5000
        while not stop.is_set():
            await journal.commit([event(number)], [])
            number += 1
        return number

    writing = asyncio.create_task(write_on())
    await asyncio.sleep(0.02)
    finding = await asyncio.to_thread(offline.copy, tmp_path / "journal.sqlite", tmp_path / "copy.sqlite")
    stop.set()
    total = await writing
    await journal.close()
    assert 5000 <= finding.entries <= total
    assert finding.broken_at is None
    assert offline.verify(tmp_path / "copy.sqlite") == finding
    assert offline.verify(tmp_path / "journal.sqlite", finding.head).entries == total


async def test_a_restored_copy_is_a_journal_that_goes_on(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 12)
    finding = offline.copy(path, tmp_path / "copy.sqlite")
    (tmp_path / "data").mkdir()
    assert offline.copy(tmp_path / "copy.sqlite", tmp_path / "data" / "journal.sqlite") == finding
    journal = await SqliteJournal.open(tmp_path / "data" / "journal.sqlite")
    assert [entry.sequence for entry in await journal.commit([event(11), event(12)], [])] == [13]
    assert await journal.verify() is None
    await journal.close()


async def test_nothing_is_written_over_and_a_broken_journal_is_never_put_in_place(tmp_path: Path) -> None:
    path = await written(tmp_path / "journal.sqlite", 12)
    (tmp_path / "there").write_text("mine")
    with pytest.raises(StoreFailed, match="nothing is ever written over"):
        offline.copy(path, tmp_path / "there")
    forge(path, "DELETE FROM event WHERE sequence = 5")
    with pytest.raises(StoreFailed, match="entries are missing; keep it as evidence"):
        offline.copy(path, tmp_path / "new.sqlite")
    assert [name for name in os.listdir(tmp_path) if name.startswith("new")] == []  # noqa: PTH208
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"no journal at all", random.Random(3).randbytes(9000)])
def test_what_is_no_journal_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.sqlite"
    path.write_bytes(content)
    for attempt in (lambda: offline.verify(path), lambda: offline.copy(path, tmp_path / "y")):
        with pytest.raises(StoreFailed, match=r"x\.sqlite"):
            attempt()
    with pytest.raises(StoreFailed, match="nothing there"):
        offline.verify(tmp_path / "absent")


@settings(max_examples=60, deadline=None)
@given(
    cut=st.integers(1, 12),
    column=st.sampled_from(["sequence", "id", "kind", "at", "body", "previous_hash", "hash"]),
    data=st.data(),
)
def test_any_change_to_any_entry_breaks_the_chain_there(cut: int, column: str, data: st.DataObject) -> None:
    lines = [json.loads(line) for line in _twelve()]
    old = lines[cut - 1][column]
    new = data.draw(st.integers(0, 2**40) if isinstance(old, int) else st.text(max_size=80))
    lines[cut - 1][column] = new
    finding = follow(offline.read_export((json.dumps(line) for line in lines), "x"))
    assert (finding.broken_at is None) == (new == old)
    if new != old:
        assert finding.broken_at == cut


def _twelve() -> list[str]:
    lines, link = [], GENESIS
    for number in range(12):
        body = encode(event(number)).decode()
        link, previous = chain(link, body.encode()), link
        told = json.loads(body)
        row = {"sequence": number + 1, "subject": "", "body": body, "previous_hash": previous, "hash": link}
        lines.append(json.dumps(row | {name: told[name] for name in ("id", "kind", "at")}))
    return lines
