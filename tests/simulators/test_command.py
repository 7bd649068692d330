"""`tocsin simulate` as a user calls it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulators.scenarios.scenario import load_scenarios
from tests.simulators.conftest import free_ports

TOCSIN = [sys.executable, "-m", "gateway.cli", "simulate"]


def test_an_unknown_name_ends_with_2_and_the_names_there_are() -> None:
    ended = subprocess.run([*TOCSIN, "EAF-99"], capture_output=True, text=True, check=False, timeout=60)
    assert ended.returncode == 2
    assert all(name in ended.stderr for name in load_scenarios())


def test_the_list_names_every_scenario_in_both_languages() -> None:
    ended = subprocess.run([*TOCSIN, "--list"], capture_output=True, text=True, check=True, timeout=60)
    for scenario in load_scenarios().values():
        assert f"{scenario.title.zh} · {scenario.title.en}" in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_it_plays_and_ends_with_0_when_told(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "plant.yaml"
    file.write_text(free_ports(), encoding="utf-8")
    command = [*TOCSIN, "CO-2", "--plant", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout
        said = [child.stdout.readline(), child.stdout.readline()]
        child.send_signal(number)
        _, complaints = child.communicate(timeout=30)
    assert "Demo Metallurgy" in said[0]
    assert "CO-2" in said[1]
    assert (child.returncode, complaints) == (0, "")
