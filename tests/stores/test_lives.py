"""SIGKILL at random moments while alarms, acknowledgements and tickets flow: nothing is lost, nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KILLS = 50


@pytest.mark.slow
def test_fifty_kills_lose_nothing_double_nothing_and_leave_states_that_are_the_fold_of_their_events(
    tmp_path: Path,
) -> None:
    command = [sys.executable, "-m", "tests.stores.lives", tmp_path, str(KILLS), "11"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["kills"], found["lost"], found["doubled"], found["inconsistent"]) == (KILLS, 0, 0, 0)
    assert min(found["acknowledged"], found["tickets"], found["acknowledgements"], found["steps"]) > 0
    assert found["kept_unanswered"] > 0, "no kill came between a commit and its answer"
