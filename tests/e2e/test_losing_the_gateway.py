"""Losing the gateway changes nothing: no output moves, the PLC's own interlocks act, and its lamp goes out."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import pytest

from simulators.plant.watchdog import LOST_AFTER
from simulators.run import Simulation
from tests.e2e.site import PATIENCE, Program, Site, run_gateway
from tests.e2e.site import until as wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

PLATFORM_STOP = "caster1.platform_stop"


async def until(holds: Callable[[], bool], what: str, within: float = PATIENCE) -> None:
    await asyncio.to_thread(wait_until, lambda: holds() or None, what, within)


def lamps(simulation: Simulation) -> dict[str, bool]:
    return {device: watchdog.alive for device, watchdog in simulation.model.watchdogs.items()}


def outputs(simulation: Simulation) -> dict[str, float]:
    """What every output's register holds."""
    return {output.id: simulation.model.commanded(output.id) for output in simulation.plant.outputs}


def lit(simulation: Simulation) -> bool:
    return all(lamps(simulation).values())


def dark(simulation: Simulation) -> bool:
    return not any(lamps(simulation).values())


async def a_trip_that_the_gateway_commanded(simulation: Simulation) -> None:
    """Metal is lost; the PLC's own interlock is out of service, so that only the gateway can have commanded."""
    simulation.set("caster1.interlock_out", 1.0)
    simulation.set("caster1.metal_loss", 60.0)
    await until(lambda: outputs(simulation)[PLATFORM_STOP] == 1.0, "the gateway stops the platform")


async def nothing_moves_for(simulation: Simulation, seconds: float, why: str) -> None:
    before, written = outputs(simulation), len(simulation.commands)
    held = {name: actuator.demanded for name, actuator in simulation.model.actuators.items()}
    await asyncio.sleep(seconds)
    assert outputs(simulation) == before, why
    assert len(simulation.commands) == written, why
    assert {name: actuator.demanded for name, actuator in simulation.model.actuators.items()} == held, why


async def lose_it(site: Site, gateway: Program) -> None:
    async with Simulation(site.load(), scenarios=[]) as simulation:
        await until(lambda: lit(simulation), "every PLC that asks for it sees the heartbeat")
        await a_trip_that_the_gateway_commanded(simulation)

        gateway.process.send_signal(signal.SIGSTOP)  # hung: alive for the kernel, for nobody else
        await until(lambda: dark(simulation), "a hung gateway has no heartbeat", LOST_AFTER + 5)
        await nothing_moves_for(simulation, 1.0, "a hung gateway changes nothing")
        gateway.process.send_signal(signal.SIGCONT)
        await until(lambda: lit(simulation), "it is back")

        gateway.process.kill()
        await until(lambda: dark(simulation), "a killed gateway has no heartbeat", LOST_AFTER + 5)
        await nothing_moves_for(simulation, 2.0, "a killed gateway changes nothing")
        assert outputs(simulation)[PLATFORM_STOP] == 1.0, "what was commanded stays commanded"

        lift = simulation.model.actuators["eaf1.electrode_lift"]
        simulation.set("eaf1_panel_a.leak", 0.5)
        await until(lambda: lift.demanded, "the PLC's own interlock acts without a gateway")


async def test_a_gateway_that_hangs_or_is_killed_changes_no_output_and_its_heartbeat_ends(site: Site) -> None:
    gateway = run_gateway(site, site.plant.with_name("gateway.log"))
    try:
        await lose_it(site, gateway)
    finally:
        gateway.end()


async def test_a_gateway_that_is_stopped_in_order_changes_no_output(site: Site) -> None:
    gateway = run_gateway(site, site.plant.with_name("gateway.log"))
    try:
        async with Simulation(site.load(), scenarios=[]) as simulation:
            await until(lambda: lit(simulation), "every PLC that asks for it sees the heartbeat")
            before = outputs(simulation)
            assert await asyncio.to_thread(gateway.signal, signal.SIGTERM) == 0
            await until(lambda: dark(simulation), "its heartbeat ends", LOST_AFTER + 5)
            assert outputs(simulation) == before
            assert not simulation.commands
    finally:
        gateway.end()
