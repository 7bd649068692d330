"""A simulated plant in real time: model, device servers and scenarios behind one handle.

The only module of the simulator that steps by the wall clock. Nothing here decides anything.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import numpy as np

from gateway.clock import Clock, SystemClock
from gateway.errors import UnknownSubject
from gateway.plant.model import Plant
from gateway.sample import Instant
from simulators.devices.modbus import DeviceFault, ModbusHost, Unit, modbus_hosts
from simulators.devices.mqtt import MqttSensors, mqtt_sites
from simulators.plant.plant import PlantModel
from simulators.scenarios.scenario import Player, Scenario, load_scenarios

STEP = 0.05
"""Seconds of one step of the model."""
FIRST_AFTER = 15.0
"""Seconds of quiet running before the first scenario of a demo."""
EVERY = 120.0
"""Seconds from the start of one scenario of a demo to that of the next."""
_CATCH_UP = 20
"""Most steps made at once when the machine was busy; what is beyond them is left out."""
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Command:
    """A write that a simulated device took."""

    output: str
    value: float
    at: Instant


class _Server(Protocol):
    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def apply(self) -> None: ...


class Simulation:
    """A running plant: `async with Simulation(plant) as simulation`. Raises PortInUse on entry."""

    def __init__(
        self,
        plant: Plant,
        *,
        seed: int = 20230515,
        clock: Clock | None = None,
        with_broker: bool = True,
        scenarios: Sequence[Scenario] | None = None,
    ) -> None:
        rng = np.random.default_rng(seed)
        self.plant = plant
        self.model = PlantModel(plant, rng.spawn(1)[0])
        self.commands: deque[Command] = deque(maxlen=_REMEMBERED)
        """Every write that a device took, oldest first."""
        chosen = load_scenarios().values() if scenarios is None else scenarios
        self.scenarios = {scenario.id: scenario for scenario in chosen}
        self._clock = clock or SystemClock()
        hosts = modbus_hosts(plant, self.model, rng, self._commanded)
        sites = mqtt_sites(plant, self.model, rng, self._commanded, self._clock, with_broker=with_broker)
        self._servers: list[_Server] = [*hosts, *sites]
        self._faulty = _by_device(hosts, sites)
        self._stack = AsyncExitStack()
        self._players: list[tuple[Player, float, asyncio.Event]] = []

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            for server in self._servers:
                stack.push_async_callback(server.stop)
                await server.start()
            stepping = asyncio.create_task(self._step(), name="plant model")
            stack.push_async_callback(_end, stepping)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def play(self, name: str) -> None:
        """Play a scenario to its end, when the plant is being restored. Raises UnknownSubject."""
        if name not in self.scenarios:
            raise UnknownSubject("scenario", name)
        over = asyncio.Event()
        player = Player(self.scenarios[name], self.model, self.model.parameters)
        self._players.append((player, self.model.elapsed, over))
        await over.wait()

    async def fault(self, device: str, kind: DeviceFault | None) -> None:
        """Make a device fail, or work again (None). Raises UnknownSubject."""
        if device not in self._faulty:
            raise UnknownSubject("device", device)
        faulty, server = self._faulty[device]
        faulty.fault = kind
        await server.apply()

    def set(self, parameter: str, value: float) -> None:
        """Set a fault parameter. Raises UnknownSubject."""
        self.model.set(parameter, value)

    def force(self, point: str, value: float | None) -> None:
        """Make a sensor show a value at once, None to free it. Raises UnknownSubject."""
        self.model.force(point, value)

    def stick(self, actuator: str, *, stuck: bool = True) -> None:
        """Jam an actuator where it is. Raises UnknownSubject."""
        self.model.stick(actuator, stuck=stuck)

    def restore(self) -> None:
        """Faults off, trips reset, back to normal running within half a minute."""
        self.model.restore()

    def _commanded(self, output: str, value: float) -> None:
        self.commands.append(Command(output, value, self._clock.now()))

    async def _step(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            late = int((loop.time() - due) / STEP)
            for _ in range(min(late, _CATCH_UP)):
                self._step_once()
            due += late * STEP
            await asyncio.sleep(max(0.0, due + STEP - loop.time()))

    def _step_once(self) -> None:
        for player, began, over in list(self._players):
            player.advance(self.model.elapsed - began)
            if player.over:
                self._players.remove((player, began, over))
                over.set()
        self.model.step(STEP)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def _by_device(
    hosts: Sequence[ModbusHost], sites: Sequence[MqttSensors]
) -> dict[str, tuple[Unit | MqttSensors, _Server]]:
    found: dict[str, tuple[Unit | MqttSensors, _Server]] = {}
    for host in hosts:
        found.update({unit.device.id: (unit, host) for unit in host.units})
    found.update({site.device.id: (site, site) for site in sites})
    return found


async def simulate(
    plant: Plant,
    name: str | None,
    *,
    loop: bool,
    announce: Callable[[str], None],
    first_after: float = FIRST_AFTER,
    every: float = EVERY,
) -> None:
    """Serve the plant until cancelled, playing one scenario, or all in turn; `loop` begins again for ever."""
    async with Simulation(plant) as simulation:
        names = list(simulation.scenarios) if name is None else [name]
        announce(f"模拟工厂运行中 · plant simulated: {plant.site.name.zh} · {plant.site.name.en}")
        await asyncio.sleep(first_after if name is None else 1.0)
        while True:
            for one in names:
                scenario = simulation.scenarios.get(one)
                if scenario is not None:
                    announce(f"场景 {one}：{scenario.title.zh} · scenario {one}: {scenario.title.en}")
                began = asyncio.get_running_loop().time()
                await simulation.play(one)
                announce(f"场景 {one} 结束，恢复正常 · {one} is over, back to normal")
                await asyncio.sleep(max(0.0, began + every - asyncio.get_running_loop().time()))
            if not loop:
                announce("全部场景结束，平稳运行 · no more scenarios, running quietly")
                await asyncio.Event().wait()
