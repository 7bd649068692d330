"""A real Mosquitto on a port of its own."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiomqtt
import pytest


def mosquitto() -> str | None:
    return shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Broker:
    """Starts and stops on the same port; `extra` lines go into its configuration."""

    folder: Path
    port: int
    extra: str = "allow_anonymous true"
    persistent: bool = False
    _process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\npersistence {str(self.persistent).lower()}\n{self.extra}\n"
        )
        program = mosquitto()
        assert program is not None
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(program, "-c", str(config), stdout=log, stderr=log)
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
                assert self._process.returncode is None, (self.folder / "mosquitto.log").read_text()
                await asyncio.sleep(0.02)

    async def stop(self) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()
            await self._process.wait()
            self._process = None

    async def terminate(self) -> None:
        """Stop as an administrator does: it saves what it holds."""
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()
            self._process = None

    async def publish(self, *messages: tuple[str, bytes], retain: bool = False) -> None:
        async with aiomqtt.Client("127.0.0.1", self.port, identifier="sensor") as sensor:
            for topic, payload in messages:
                await sensor.publish(topic, payload, qos=1, retain=retain)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    if mosquitto() is None:
        pytest.skip("NOT TESTED: mosquitto is not installed; expected `apt install mosquitto`")
    running = Broker(tmp_path, free_port())
    await running.start()
    yield running
    await running.stop()


@pytest.fixture
def unused_port() -> Callable[[], int]:
    return free_port
