"""A real PostgreSQL server of the tests' own, on a socket in a folder, and a fresh database for each test."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

import psycopg
import pytest

_NUMBERS = itertools.count(1)


@dataclass
class Server:
    """Started and stopped by hand, so that a test can lose it."""

    folder: Path
    programs: Path
    user: str | None
    """Whom to run it as; PostgreSQL refuses to run as root."""
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, user=self.user, cwd=self.folder)
        for _ in range(1600):
            try:
                psycopg.connect(self.address("postgres"), connect_timeout=1).close()
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                subprocess.run(["sleep", "0.05"], check=True)
            else:
                return
        pytest.fail("PostgreSQL did not start: " + (self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """SIGINT ends it in order, SIGQUIT as a crash would."""
        assert self.process is not None
        self.process.send_signal(how)
        self.process.wait(30)

    def address(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def database(self) -> str:
        """The address of a new, empty database."""
        name = f"test{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.address(name)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(self.address(database), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def server() -> Iterator[Server]:
    """A server that runs; skips, and says why, where PostgreSQL is not installed."""
    programs = _programs()
    if programs is None or not (programs / "postgres").exists():
        pytest.skip("needs PostgreSQL, from Debian's packages")
    folder = Path(mkdtemp(prefix="pg"))  # a socket's path must be short
    user = None
    if os.geteuid() == 0:
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("needs the user postgres: PostgreSQL does not run as root")
        shutil.chown(folder, user)
    command = [programs / "initdb", "-D", folder / "data", "-U", "postgres", "--auth=trust", "--no-sync", "-E", "UTF8"]
    subprocess.run(command, check=True, capture_output=True, user=user, cwd=folder)
    running = Server(folder, programs, user)
    running.start()
    try:
        yield running
    finally:
        if running.process is not None and running.process.poll() is None:
            running.stop()
        shutil.rmtree(folder)
