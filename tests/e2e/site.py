"""A site of its own for each test: a plant file on free ports, a data directory, and the processes that use them."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
from websockets.sync.client import connect

from gateway.app import DRIVERS, load_criteria
from gateway.plant.loader import load_plant
from gateway.plant.model import Plant

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "simulators" / "demo" / "plant.yaml"
HOST = "127.0.0.1"
PATIENCE = 30.0
"""Seconds for something that takes one or two on an idle machine."""

Found = TypeVar("Found")


def until(found: Callable[[], Found | None], what: str, within: float = PATIENCE) -> Found:
    """What `found` returns as soon as that is true; fails with `what` in words."""
    end = time.monotonic() + within
    while True:
        if value := found():
            return value
        assert time.monotonic() < end, f"within {within:.0f} s: {what}"
        time.sleep(0.1)


def is_free(port: int) -> bool:
    """Whether somebody could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Site:
    """The demo plant on free ports."""

    plant: Path
    data: Path
    port: int
    """Of the page and the API."""
    devices: tuple[int, ...]
    """Ports of the simulated devices, in the order of the plant file."""

    @classmethod
    def make(cls, folder: Path) -> Site:
        text = DEMO.read_text(encoding="utf-8")
        with ExitStack() as held:

            def free() -> int:
                listener = held.enter_context(socket.socket())
                listener.bind((HOST, 0))
                return int(listener.getsockname()[1])

            devices = []
            for port in re.findall(r"port: (\d+)", text):
                devices.append(free())
                text = text.replace(f"port: {port}", f"port: {devices[-1]}")
            folder.mkdir(parents=True, exist_ok=True)
            plant = folder / "plant.yaml"
            plant.write_text(text, encoding="utf-8")
            return cls(plant, folder / "data", free(), tuple(devices))

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    def load(self) -> Plant:
        return load_plant(self.plant, DRIVERS, load_criteria())

    def get(self, path: str) -> Any:
        """The JSON of an answer of the API."""
        return httpx.get(f"{self.url}api/{path}", timeout=10).raise_for_status().json()

    def snapshot(self) -> Any:
        """What a page gets first when it connects."""
        with connect(f"ws://{HOST}:{self.port}/api/live", max_size=None) as socket:
            return json.loads(socket.recv(timeout=10))

    def find(self, path: str, subject: str) -> Any:
        """The one of a list whose id is `subject`, or None."""
        return next((one for one in self.get(path) if one["id"] == subject), None)

    def post(self, path: str, **body: object) -> httpx.Response:
        return httpx.post(f"{self.url}api/{path}", json=body, timeout=10)

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}api/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


class Program:
    """A `tocsin` process whose words go to a file; `end` leaves nothing of it behind."""

    def __init__(self, log: Path, *arguments: str | Path) -> None:
        self._log = log
        with log.open("ab") as out:
            self.process = subprocess.Popen(
                [Path(sys.executable).with_name("tocsin"), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                cwd=ROOT,
                env=os.environ | {"PYTHONUNBUFFERED": "1"},
            )
        self._family: dict[int, psutil.Process] = {}

    def said(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def family(self) -> list[psutil.Process]:
        """This process and all that it has ever been seen to start."""
        if psutil.pid_exists(self.process.pid) and self.process.poll() is None:
            me = psutil.Process(self.process.pid)
            with contextlib.suppress(psutil.NoSuchProcess):
                self._family |= {one.pid: one for one in (me, *me.children(recursive=True))}
        return list(self._family.values())

    def child(self, command: str) -> psutil.Process | None:
        """The living child that runs `tocsin <command>`."""
        for one in self.family():
            if one.pid != self.process.pid and one.is_running() and command in one.cmdline():
                return one
        return None

    def signal(self, number: signal.Signals) -> int:
        """Send it, and wait for the exit code."""
        self.family()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def survivors(self) -> list[psutil.Process]:
        return [one for one in self.family() if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]

    def end(self) -> None:
        for one in self.family():
            if one.is_running():
                one.kill()
        self.process.wait()


def run_gateway(site: Site, log: Path) -> Program:
    """`tocsin run` on the site."""
    return Program(log, "run", site.plant, "--data", site.data, "--port", str(site.port))


def say(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """A `tocsin` command that ends by itself."""
    return subprocess.run(
        [Path(sys.executable).with_name("tocsin"), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        cwd=ROOT,
        timeout=PATIENCE,
        check=False,
    )
