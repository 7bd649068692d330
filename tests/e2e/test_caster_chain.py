"""The caster's emergency chain on real sockets: each step timed, a late one late by so much, a missing one a ticket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from gateway.sample import SECOND
from simulators.run import Simulation
from tests.e2e.site import PATIENCE, Site, run_gateway
from tests.e2e.site import until as wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

TRIP, FOLLOWS = "caster.trip@caster1", "caster.platform_follows@caster1"
STEPS = ("quick_shutoff", "emergency_discharge", "launder_disconnect", "tilt_back", "platform_stop")
AFTER = ("platform_at_rest", "metal_away", "furnace_down")
SLOW_WITHIN = 2 * SECOND


async def until(holds: Callable[[], Any], what: str, within: float = PATIENCE) -> Any:
    return await asyncio.to_thread(wait_until, holds, what, within)


def demand(site: Site, interlock: str) -> Mapping[str, Any] | None:
    """The latest demand of the interlock whose every effect is judged."""
    found = [one for one in site.get("demands") if one["interlock"] == interlock]
    settled = [one for one in found if all(effect["verdict"] != "pending" for effect in one["effects"])]
    return settled[-1] if settled else None


def effects(found: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {effect["id"]: effect for effect in found["effects"]}


async def a_leak_with_a_slow_valve_and_a_stuck_one(site: Site, simulation: Simulation) -> None:
    simulation.model.slow("caster1.launder_disconnect", 5.0)
    simulation.stick("caster1.emergency_discharge")
    launder = simulation.model.actuators["caster1.launder_disconnect"]
    simulation.set("caster1.metal_loss", 60.0)
    await until(lambda: launder.demanded, "the PLC drives the launder away")
    demanded = simulation.model.elapsed
    await until(lambda: launder.done, "it arrives, late")
    took = round((simulation.model.elapsed - demanded) * SECOND)
    found = await until(lambda: demand(site, TRIP), "every step of the chain is judged", 40)
    judged = effects(found)
    verdicts = {step: judged[step]["verdict"] for step in (*STEPS, *AFTER)}
    assert verdicts == dict.fromkeys((*STEPS, *AFTER), "pass") | {
        "launder_disconnect": "late",
        "emergency_discharge": "fail",
    }
    late = judged["launder_disconnect"]
    assert late["within"] == SLOW_WITHIN
    assert late["delay"] > SLOW_WITHIN
    assert abs(late["delay"] - took) < SECOND, f"it took {took} us, and was judged after {late['delay']} us"
    assert judged["emergency_discharge"]["delay"] is None
    assert {judged[step]["mode"] for step in ("quick_shutoff", "platform_stop")} == {"command"}
    assert judged["metal_away"]["delay"] > judged["quick_shutoff"]["delay"]

    def filed() -> Any:
        return [one for one in site.get("tickets") if one["rule"].startswith("interlock.unproven@caster.trip")]

    (ticket,) = await until(filed, "what did not act is a hazard")
    assert (ticket["grade"], ticket["state"]) == ("major", "suspected")
    assert {"5(6)", "14"} <= set(ticket["clauses"])
    follows = await until(lambda: demand(site, FOLLOWS), "whatever acts, the platform follows")
    assert effects(follows)["platform_stop"]["verdict"] == "pass"
    proofs = {output["id"]: output["command"]["proofs"] for output in site.get("outputs") if output["command"]}
    assert {
        (proof["aspect"], proof["verdict"]) for proof in proofs["caster1.platform_stop"]
    } == {("feedback", "pass"), ("process", "pass")}  # fmt: skip


async def test_each_step_of_the_chain_has_its_time_and_its_verdict(site: Site) -> None:
    gateway = run_gateway(site, site.plant.with_name("gateway.log"))
    try:
        async with Simulation(site.load(), scenarios=[]) as simulation:
            await until(site.answers, "the gateway answers")
            await until(lambda: not site.get("health")["points_not_good"] or None, "every point is read")
            await a_leak_with_a_slow_valve_and_a_stuck_one(site, simulation)
    finally:
        gateway.end()
