"""`tocsin journal` as a stranger uses it."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.cli.test_cli import ROOT, tocsin

OLD = ROOT / "tests" / "stores" / "old" / "journal-1.sqlite"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return Path(shutil.copy(OLD, tmp_path / "journal.sqlite"))


def head_of(said: str) -> str:
    return said.splitlines()[-1].split()[-1]


def test_verify_tells_a_head_and_takes_it_again(journal: Path) -> None:
    first = tocsin("journal", "verify", journal)
    assert (first.returncode, first.stderr) == (0, "")
    assert "41 条 entries" in first.stdout
    again = tocsin("journal", "verify", journal, "--head", head_of(first.stdout))
    assert again.returncode == 0


def test_a_broken_chain_ends_with_1_and_says_where_and_why(journal: Path) -> None:
    head = head_of(tocsin("journal", "verify", journal).stdout)
    with sqlite3.connect(journal) as forger:
        forger.execute("DELETE FROM event WHERE sequence > 30")
    forger.close()
    assert tocsin("journal", "verify", journal).returncode == 0
    cut = tocsin("journal", "verify", journal, "--head", head)
    assert cut.returncode == 1
    assert "断链 BROKEN at entry 31" in cut.stderr


def test_export_writes_what_verify_can_read(journal: Path, tmp_path: Path) -> None:
    done = tocsin("journal", "export", journal, "--kind", "alarm.raised")
    kinds = {json.loads(line)["kind"] for line in done.stdout.splitlines()}
    assert (done.returncode, kinds) == (0, {"alarm.raised"})
    out = tmp_path / "all.jsonl"
    assert tocsin("journal", "export", journal, "--output", out).returncode == 0
    verified = tocsin("journal", "verify", out)
    assert (verified.returncode, head_of(verified.stdout)) == (0, head_of(tocsin("journal", "verify", journal).stdout))
    twice = tocsin("journal", "export", journal, "--output", out)
    assert twice.returncode == 2
    assert "nothing is written over" in twice.stderr


def test_a_copy_goes_out_and_comes_back(journal: Path, tmp_path: Path) -> None:
    assert tocsin("journal", "backup", journal, tmp_path / "copy").returncode == 0
    (tmp_path / "data").mkdir()
    assert tocsin("journal", "restore", tmp_path / "copy", tmp_path / "data").returncode == 0
    assert tocsin("journal", "verify", tmp_path / "data" / "journal.sqlite").returncode == 0
    assert tocsin("journal", "restore", tmp_path / "copy", tmp_path / "data").returncode == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["verify", "absent"], "does not exist"),
        (["verify", "pyproject.toml"], "not a database"),
        (["verify", "OLD", "--head", "12"], "NUMBER:HASH"),
        (["export", "OLD", "--from", "yesterday"], "expected a moment such as"),
        (["export", "OLD", "--from", "2026-11-25", "--to", "2026-11-24"], "ends before it starts"),
        (["backup", "OLD", "/no/such/place"], "create the directory"),
    ],
)
def test_wrong_input_ends_with_2_and_says_what_was_expected(arguments: list[str], said: str) -> None:
    done = tocsin("journal", *(str(OLD) if each == "OLD" else each for each in arguments))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
