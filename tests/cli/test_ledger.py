"""`tocsin ledger` as a stranger uses it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from openpyxl import load_workbook

from tests.cli.test_cli import DEMO, ROOT, tocsin
from tests.ledgers.test_import import DONE, OPEN, book

OLD = ROOT / "tests" / "stores" / "old" / "journal-1.sqlite"
YEAR = ("--from", "2026-01-01", "--to", "2027-01-01")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    shutil.copy(OLD, tmp_path / "journal.sqlite")
    return tmp_path


def test_a_ledger_is_written_from_a_journal(data: Path) -> None:
    out = data / "ledger.xlsx"
    done = tocsin("ledger", "hazards", DEMO, "--data", data, *YEAR, "--output", out)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, f"隐患排查台账: 2 行 rows -> {out}")
    assert "1号电弧炉" in str(load_workbook(out).worksheets[0]["C4"].value)
    again = tocsin("ledger", "hazards", DEMO, "--data", data, *YEAR, "--output", out)
    assert again.returncode == 2
    assert "nothing is written over" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nonsense", *YEAR), "expected 'import' or a form among [hazards, major, weekly,"),
        (("major", "--from", "2026-02-01", "--to", "2026-01-01"), "ends before it starts"),
        (("major", *YEAR, "--data", "/no/such"), "nothing there"),
        (("major", "--from", "soon", "--to", "2026-01-01"), "expected a moment such as"),
    ],
)
def test_wrong_input_ends_with_2_and_writes_nothing(data: Path, arguments: tuple[str, ...], said: str) -> None:
    form, *rest = arguments
    out = data / "ledger.xlsx"
    done = tocsin("ledger", form, DEMO, "--data", data, "--output", out, *rest)
    assert done.returncode == 2
    assert said in done.stderr
    assert not out.exists()


def test_a_ledger_is_looked_through_without_a_gateway(tmp_path: Path) -> None:
    sound, wrong = tmp_path / "sound.xlsx", tmp_path / "wrong.xlsx"
    sound.write_bytes(book(DONE, OPEN))
    wrong.write_bytes(book(DONE, (*OPEN[:4], "很大", OPEN[5], "昨天", *OPEN[7:])))
    done = tocsin("ledger", "import", sound, "--check")
    assert (done.returncode, "2 条隐患" in done.stderr) == (0, True)
    refused = tocsin("ledger", "import", wrong, "--by", "王安全")
    assert refused.returncode == 2
    assert "2 处错误" in refused.stderr
    assert "2026年!G5 排查时间: expected 日期或时间 a date or time, 如 2026-03-05 08:30, got '昨天'" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "expected --by"),
        (("--by", "王安全", "--url", "ftp://x"), "expected --url as http://host:port"),
        (("--by", "王安全", "--url", "http://127.0.0.1:9"), "expected a gateway that answers at http://127.0.0.1:9"),
    ],
)
def test_an_import_that_reaches_no_gateway_ends_with_2(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    sound = tmp_path / "sound.xlsx"
    sound.write_bytes(book(DONE))
    done = tocsin("ledger", "import", sound, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
