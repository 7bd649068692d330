"""A person's command over the API: two steps, one person, one reason; whatever does not hold is a 409 that is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.events.interlocks import CommandRequested
from gateway.events.outputs import CommandRefused
from gateway.machines.output import SELECTED_FOR
from gateway.stores.history_duckdb import DuckdbHistory
from tests.api import support
from tests.api.support import Rig
from tests.engine.output_bench import GUARD

TRIP = "furnace.trip"
WISH = {"by": "王", "comment": "test run", "value": 0}


@pytest.fixture
async def gateway(tmp_path: Path, history: DuckdbHistory) -> AsyncIterator[Rig]:
    async with support.rig(tmp_path, shared=history, guard=GUARD) as unserved, support.served(unserved) as rig:
        await rig.tick(samples=[rig.sample(0, 1.0), rig.sample(1, 1.0), rig.sample(2, 1.0)])
        yield rig


@pytest.fixture
async def http(gateway: Rig) -> AsyncIterator[httpx.AsyncClient]:
    async with support.client(gateway) as client:
        yield client


async def post(http: httpx.AsyncClient, step: str, status: int = 200, **body: object) -> Mapping[str, Any]:
    answer = await http.post(f"/api/outputs/{TRIP}/{step}", json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def kept(gateway: Rig, kind: type) -> list[Any]:
    return [e.event for e in await gateway.journal.read(0, 1_000) if isinstance(e.event, kind)]


async def test_two_steps_journal_one_command_with_who_and_why(gateway: Rig, http: httpx.AsyncClient) -> None:
    selected = await post(http, "select", **WISH)
    assert selected["output"]["selection"]["by"] == "王"
    assert "token" not in selected["output"]["selection"]
    assert await kept(gateway, CommandRequested) == []
    done = await post(http, "operate", by="王", token=selected["token"], value=0)
    (command,) = await kept(gateway, CommandRequested)
    assert (command.output, command.value, command.by, command.comment) == (TRIP, 0, "王", "test run")
    assert (done["command"]["id"], done["command"]["stage"]) == (command.command, "requested")
    assert [proof["verdict"] for proof in done["command"]["proofs"]] == ["pending", "pending"]
    assert done["selection"] is None


@pytest.mark.parametrize("what", ["another value", "another person", "another token", "too late", "not selected"])
async def test_a_second_step_that_does_not_hold_is_a_409_that_says_why_and_is_kept(
    gateway: Rig, http: httpx.AsyncClient, what: str
) -> None:
    token = (await post(http, "select", **WISH))["token"] if what != "not selected" else "t"
    body = {"by": "王", "token": token, "value": 0}
    match what:
        case "another value":
            body["value"] = 1
        case "another person":
            body["by"] = "李"
        case "another token":
            body["token"] = "guessed"
        case "too late":
            gateway.clock.advance(SELECTED_FOR + 1)
        case _:
            pass
    refused = await post(http, "operate", 409, **body)
    assert refused["error"] == "OutputRefused"
    (event,) = await kept(gateway, CommandRefused)
    assert f"expected {event.expected}, got {event.got}" in refused["message"]
    assert await kept(gateway, CommandRequested) == []


async def test_a_permissive_that_is_lost_between_the_steps_refuses_the_second(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    token = (await post(http, "select", **WISH))["token"]
    await gateway.tick(samples=[gateway.sample(0, 0.0)])
    refused = await post(http, "operate", 409, by="王", token=token, value=0)
    assert "furnace.point_0 equals 1" in refused["message"]
    assert (await http.get("/api/outputs")).json()[0]["permissives"][0]["truth"] == 0


async def test_a_permissive_that_is_unknown_refuses_the_first_step(gateway: Rig, http: httpx.AsyncClient) -> None:
    gateway.clock.advance(60_000_000)
    await gateway.tick()
    refused = await post(http, "select", 409, **WISH)
    assert "unknown (stale, too_old)" in refused["message"]


async def test_another_person_is_told_who_holds_the_output(http: httpx.AsyncClient) -> None:
    await post(http, "select", **WISH)
    refused = await post(http, "select", 409, **WISH | {"by": "李"})
    assert "selected by 王" in refused["message"]
    await post(http, "cancel", by="王")
    await post(http, "select", **WISH | {"by": "李"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"by": "", "comment": "x", "value": 0}, "by"),
        ({"by": "王", "comment": " ", "value": 0}, "comment"),
        ({"by": "王", "comment": "x"}, "value"),
        ({"by": "王", "comment": "x", "value": "on"}, "value"),
        ({"by": "王", "comment": "x", "value": 0, "force": True}, "force"),
    ],
)
async def test_a_request_that_lacks_something_names_it(
    gateway: Rig, http: httpx.AsyncClient, body: dict[str, object], field: str
) -> None:
    refused = await post(http, "select", 422, **body)
    assert field in [each["field"] for each in refused["problems"]]
    assert await kept(gateway, CommandRefused) == []


async def test_an_output_that_is_not_there_is_a_404_and_a_full_disk_commands_nothing(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    assert (await http.post("/api/outputs/furnace.none/select", json=WISH)).status_code == 404
    token = (await post(http, "select", **WISH))["token"]
    gateway.journal.is_full = True
    await post(http, "operate", 503, by="王", token=token, value=0)
    assert gateway.loop.engine.output_desk.state(TRIP).command is None
    gateway.journal.is_full = False
    await post(http, "operate", by="王", token=token, value=0)
