"""A plant that runs well is left alone: an alarm that means nothing teaches people not to look."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from simulators.run import Simulation
from tests.e2e.conftest import Start
from tests.e2e.site import Site, until

QUIET = 30.0
"""Seconds, twice what a demo has before its first accident."""

pytestmark = [pytest.mark.slow]


async def test_half_a_minute_of_good_running_raises_no_alarm_and_files_no_ticket(site: Site, start: Start) -> None:
    async with Simulation(site.load()):
        gateway = start("run", site.plant, "--data", site.data, "--port", str(site.port))
        await asyncio.to_thread(until, lambda: site.answers(), "the gateway answers")
        await asyncio.sleep(QUIET)
        seen = await asyncio.to_thread(lambda: [site.get(what) for what in ("alarms", "tickets", "demands")])
        entries: list[dict[str, Any]] = await asyncio.to_thread(site.get, "events")
        health = await asyncio.to_thread(site.get, "health")
    assert seen == [[], [], []]
    told = [entry["event"]["kind"] for entry in entries]
    assert not [kind for kind in told if kind.startswith(("alarm.", "interlock.", "command.", "ticket."))]
    assert health["points_not_good"] == 0
    assert health["links_up"] == health["links"]
    assert health["dropped_samples"] == 0
    assert gateway.process.poll() is None
