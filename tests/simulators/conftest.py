"""A running simulation for the tests, on ports of its own."""

from __future__ import annotations

import re
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from drivers import modbus, mqtt
from gateway.plant.loader import parse_plant
from gateway.plant.model import Plant
from rules import packs
from simulators.run import Simulation

DEMO = Path(__file__).parents[2] / "simulators" / "demo" / "plant.yaml"


def free_ports() -> str:
    """The demo's plant file, with ports that nobody uses."""
    text = DEMO.read_text(encoding="utf-8")
    with ExitStack() as held:
        for port in re.findall(r"port: (\d+)", text):
            listener = held.enter_context(socket.socket())
            listener.bind(("127.0.0.1", 0))
            text = text.replace(f"port: {port}", f"port: {listener.getsockname()[1]}")
    return text


def load_demo(*, own_ports: bool = False) -> Plant:
    text = free_ports() if own_ports else DEMO.read_text(encoding="utf-8")
    drivers = {kind.name: kind for kind in (modbus.KIND, mqtt.KIND)}
    return parse_plant(text, str(DEMO), drivers, packs.load_criteria(packs.PACKS))


@pytest.fixture(scope="session")
def plant() -> Plant:
    return load_demo()


@pytest.fixture
async def simulation() -> AsyncIterator[Simulation]:
    async with Simulation(load_demo(own_ports=True), seed=7) as running:
        yield running
