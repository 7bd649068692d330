"""Who may import whom is written in pyproject.toml; here it is held to."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.policy.source import ROOT, imported, modules


def test_the_import_contracts_hold() -> None:
    lint = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint, "expected lint-imports beside the interpreter; install requirements/test.txt"
    found = subprocess.run([lint, "--no-cache", "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


def test_nothing_that_ships_imports_the_tests() -> None:
    rooms = modules("gateway", "rules", "drivers", "simulators")
    assert not [path for path, tree in rooms.items() if {name.partition(".")[0] for name in imported(tree)} & {"tests"}]
