"""`tocsin interlocks` as a stranger uses it: the register and the calendar, from the journal alone."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.machines.bypass import Bypassable, BypassWish, register
from gateway.runtime import states
from gateway.sample import SECOND
from gateway.standing import Standing, fold, states_of
from gateway.stores.journal_sqlite import SqliteJournal
from tests.cli.test_cli import DEMO, ROOT, tocsin

CASTER = "caster.trip@caster1"


async def bypassed(data: Path) -> None:
    """A journal in which the caster's interlock is bypassed."""
    journal = await SqliteJournal.open(data / "journal.sqlite")
    of = Bypassable("demo", CASTER, "caster1", 3_600 * SECOND, None)
    event = register(of, BypassWish("王", "李", "更换液位计", "专人看守", 3_600 * SECOND), SystemClock().now())
    standing = Standing()
    fold(standing, event)
    await journal.commit([event], states.rows(standing, states_of([event])))
    await journal.close()


async def test_it_shows_who_bypasses_what_and_what_was_never_proven(tmp_path: Path) -> None:
    await bypassed(tmp_path)
    done = tocsin("interlocks", DEMO, "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "更换液位计" in done.stdout
    assert "approved by 李" in done.stdout.replace("\n", " ")
    assert "旁路 bypassed: 1; 试验超期 overdue: 0" in done.stdout
    assert re.search(r"0/\d+", done.stdout)


async def test_a_calendar_calls_overdue_what_no_journal_and_no_paper_proves(tmp_path: Path) -> None:
    await bypassed(tmp_path)
    plant = tmp_path / "plant.yaml"
    plant.write_text(DEMO.read_text("utf-8") + "\ninterlocks: {proof_test_every: 30 d}\n", "utf-8")
    done = tocsin("interlocks", plant, "--data", tmp_path)
    assert done.returncode == 0, done.stderr
    counted = re.search(r"overdue: (\d+)", done.stdout)
    assert counted is not None
    assert int(counted[1]) == done.stdout.count("超期 overdue") - 1
    assert int(counted[1]) > 0


@pytest.mark.parametrize("what", ["no journal", "an unknown interlock"])
def test_wrong_input_ends_with_2(tmp_path: Path, what: str) -> None:
    plant = tmp_path / "plant.yaml"
    text = DEMO.read_text("utf-8")
    if what == "an unknown interlock":
        shutil.copy(ROOT / "tests" / "stores" / "old" / "journal-1.sqlite", tmp_path / "journal.sqlite")
        text += "\ninterlocks: {own: [{interlock: caster.tripp, equipment: caster1}]}\n"
    plant.write_text(text, "utf-8")
    done = tocsin("interlocks", plant, "--data", tmp_path)
    assert done.returncode == 2
    assert ("did you mean 'caster.trip@caster1'" if what == "an unknown interlock" else "nothing there") in done.stderr
