"""What all benches share: options, figures, child processes, statistics. Measures nothing itself."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build"

PATIENCE = 60.0
"""Seconds for anything to come up or go down on a busy machine."""


class BenchFailed(Exception):
    """What was to be measured did not happen; there is no figure."""


@dataclass(frozen=True, slots=True)
class Options:
    quick: bool
    minutes: float
    """How long memory is watched."""


@dataclass(frozen=True, slots=True)
class Figure:
    name: str
    value: float
    unit: str


@dataclass(slots=True)
class Result:
    """One bench: its figures, what stood beside it, and what was proven before they count."""

    bench: str
    compared_with: str
    parameters: dict[str, float | str]
    figures: list[Figure] = field(default_factory=list)
    verified: list[str] = field(default_factory=list)
    load: tuple[float, ...] = ()

    def add(self, name: str, value: float, unit: str) -> None:
        self.figures.append(Figure(name, float(value), unit))

    def add_spread(self, name: str, values: Sequence[float], unit: str) -> None:
        """p50, p99 and the largest."""
        for label, value in zip(("p50", "p99", "max"), spread(values)):
            self.add(f"{name} {label}", value, unit)

    def add_ratio(self, name: str, ours: Sequence[float], bare: Sequence[float], unit: str) -> None:
        """How much longer than the bare reference: as a ratio and as a difference, at p50 and p99."""
        for label, mine, other in zip(("p50", "p99"), spread(ours), spread(bare)):
            self.add(f"{name} {label}: ratio to bare", mine / other, "x")
            self.add(f"{name} {label}: more than bare", mine - other, unit)

    def require(self, holds: bool, what: str, got: object = "") -> None:
        """Note what was proven; raises BenchFailed otherwise."""
        if not holds:
            raise BenchFailed(f"{self.bench}: expected that {what}; got {got}")
        self.verified.append(what)


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    p50, p99 = np.percentile(np.asarray(values, dtype=np.float64), [50, 99])
    return float(p50), float(p99), float(max(values))


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [int(each.getsockname()[1]) for each in sockets]


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A directory on the disk that the checkout is on: a memory file system would flatter every commit."""
    BUILD.mkdir(exist_ok=True)
    place = Path(tempfile.mkdtemp(prefix="bench-", dir=BUILD))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


class Child:
    """One process of the bench; its log is kept in the workspace and shown if it dies."""

    def __init__(self, log: Path, *arguments: str, talks: bool = False) -> None:
        self.started = time.monotonic()
        self._log = log
        with log.open("wb") as sink:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE if talks else sink,
                stderr=sink,
                start_new_session=True,
            )
        self.stdin, self.stdout = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        return self._process.pid

    def require_alive(self) -> None:
        if self._process.poll() is not None:
            tail = self._log.read_text("utf-8", "replace")[-2000:]
            raise BenchFailed(f"a process ended with code {self._process.returncode}:\n{tail}")

    def stop(self) -> None:
        """Ask, then insist. A process that has to be killed is a failed bench."""
        if self._process.poll() is None:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired as error:
            self._process.kill()
            self._process.wait()
            raise BenchFailed("a process did not end within its time") from error
        finally:
            for stream in (self.stdin, self.stdout):
                if stream is not None:
                    with contextlib.suppress(OSError):
                        stream.close()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def gateway(work: Path, plant: Path, port: int, *, packs: Path | None = None, cpu: int | None = None) -> Child:
    """`tocsin run`, with other packs or on one processor if asked."""
    arguments = ["-m", "tests.bench.gateway", str(plant), "--data", str(work / "data"), "--port", str(port)]
    environment = [f"packs={packs}" if packs else "", f"cpu={cpu}" if cpu is not None else ""]
    return Child(work / "gateway.log", *arguments, "--lifeline", *(f"--bench-{each}" for each in environment if each))


def answer(port: int, path: str) -> object:
    """The JSON at a path of the gateway; None while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as reply:
            return json.load(reply)
    except (urllib.error.URLError, OSError):
        return None


def table(port: int, path: str) -> dict[str, object]:
    """The same, where an object must come."""
    found = answer(port, path)
    if not isinstance(found, dict):
        raise BenchFailed(f"expected an object from {path}, got {type(found).__name__}")
    return found


def rows(port: int, path: str) -> list[dict[str, object]]:
    """The same, where a list must come."""
    found = answer(port, path)
    if not isinstance(found, list):
        raise BenchFailed(f"expected a list from {path}, got {type(found).__name__}")
    return found


def number(found: dict[str, object], key: str) -> float:
    value = found.get(key)
    if not isinstance(value, int | float):
        raise BenchFailed(f"expected a number under {key}, got {value!r}")
    return float(value)


def numbers(found: dict[str, object], key: str) -> list[float]:
    values = found.get(key)
    if not isinstance(values, list):
        raise BenchFailed(f"expected numbers under {key}, got {values!r}")
    return [float(value) if isinstance(value, int | float) else float("nan") for value in values]


def until_good(child: Child, port: int, points: int, *, every: float = 0.02) -> float:
    """Seconds from the child's start until the rules have seen `points` GOOD values of devices."""
    while time.monotonic() - child.started < PATIENCE:
        child.require_alive()
        found = answer(port, "/api/points")
        if isinstance(found, dict) and numbers(found, "quality").count(0.0) >= points:
            return time.monotonic() - child.started
        time.sleep(every)
    raise BenchFailed(f"expected {points} good points within {PATIENCE:g} s")


def load_now() -> tuple[float, ...]:
    return tuple(round(value, 2) for value in os.getloadavg())


def processors() -> tuple[int, int]:
    """One for the gateway, one for everything else; the same where there is only one."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def waited_seconds(pid: int) -> float:
    """Seconds that the main thread has waited for a processor, since its start (Linux)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text("ascii").split()[1]) / 1e9


def processor_seconds(process: psutil.Process) -> float:
    """Processor time of all its threads, since its start."""
    times = process.cpu_times()
    return float(times.user + times.system)
