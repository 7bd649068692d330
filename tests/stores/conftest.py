"""Real small and read-only disks, and a real process to kill."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.stores.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    with server() as running:
        yield running


CHILD = Path(__file__).with_name("child.py")


class Disk:
    """A file system of its own, of a size that a test can change."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def remount(self, options: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{options}", self.where], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    where = tmp_path / "disk"
    where.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "none", where], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mounted.stderr.strip()}")
    yield Disk(where)
    subprocess.run(["umount", "-l", where], check=True)


@pytest.fixture
def child() -> Iterator[Callable[[str, Path], subprocess.Popen[str]]]:
    """Start a scenario of child.py; whatever still runs at the end of the test is killed."""
    started: list[subprocess.Popen[str]] = []

    def start(scenario: str, path: Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, CHILD, scenario, path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def said(child: Callable[[str, Path], subprocess.Popen[str]]) -> Callable[[str, Path], list[str]]:
    """Everything a scenario says until it ends."""

    def run(scenario: str, path: Path) -> list[str]:
        lines = child(scenario, path).communicate(timeout=60)[0].splitlines()
        if "no seccomp" in lines:
            pytest.skip("needs a kernel that lets a process filter its own system calls")
        return lines

    return run


@pytest.fixture
def acknowledged_until_killed(
    child: Callable[[str, Path], subprocess.Popen[str]],
) -> Callable[[str, Path, float], int | None]:
    """Run a scenario, SIGKILL it `after` seconds of writing; the last number it acknowledged."""

    def run(scenario: str, path: Path, after: float) -> int | None:
        process = child(scenario, path)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        numbers = [line for line in process.communicate()[0].splitlines(keepends=True) if line.endswith("\n")]
        return int(numbers[-1]) if numbers else None

    return run
