"""Silence (消音) over the API: by a person, journalled, and never an acknowledgement."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.engine import Engine
from gateway.events.annunciation import SirenSilenced
from gateway.plant.duty import Duty, SirenPolicy
from gateway.sample import SECOND
from tests.api.support import LEAK, Rig, client, rig, served
from tests.engine.scripted import TRUE

SIREN = "furnace.trip"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Rig]:
    """The scripted gateway with a siren for its critical alarms."""
    async with rig(tmp_path) as made:
        loop, policy = made.loop, SirenPolicy(SIREN, frozenset({"critical"}))
        plant = replace(loop.plant, duty=Duty(sirens=(policy,)))
        engine = Engine(plant, made.program, loop.engine.states, made.clock.now())
        loop.switch(plant, engine, made.clock.now())
        made.hub.book._engine = engine
        async with served(made) as running:
            yield running


async def test_a_siren_is_silenced_by_a_person_and_the_alarm_still_asks(gateway: Rig) -> None:
    async with client(gateway) as http:
        assert (await http.post("/api/sirens/silence", json={"by": "王"})).status_code == 409
        await gateway.tick({0: TRUE})
        (siren,) = (await http.get("/api/sirens")).json()
        assert (siren["output"], siren["state"], siren["silenced_until"]) == (SIREN, "sounding", None)
        nobody = await http.post("/api/sirens/silence", json={"by": " "})
        assert (nobody.status_code, nobody.json()["problems"][0]["field"]) == (422, "by")
        (siren,) = (await http.post("/api/sirens/silence", json={"by": "王", "comment": "电话中"})).json()
        assert siren["state"] == "silenced"
        assert siren["silenced_until"] == gateway.clock.now() + 180 * SECOND
        assert (await http.get("/api/health")).json()["sirens"] == [siren]
        (alarm,) = [each for each in (await http.get("/api/alarms")).json() if each["id"] == LEAK]
        assert alarm["state"] == "unacknowledged"
        again = await http.post("/api/sirens/silence", json={"by": "王"})
        assert again.status_code == 409, "nothing sounds any more"
    kept = [entry.event for entry in await gateway.journal.read(0, 1000)]
    (event,) = [each for each in kept if isinstance(each, SirenSilenced)]
    assert (event.by, event.comment) == ("王", "电话中")
