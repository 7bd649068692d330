"""Bypass register and proof tests over HTTP: refused with every reason, never silent, in every place that counts."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.api.schema import CoverageRow, CoverageStatus
from gateway.api.views import with_bypasses
from gateway.rule import Truth
from gateway.sample import SECOND
from tests.api.support import Rig
from tests.engine.scripted import text

HOUR = 3_600 * SECOND
TRIP = "/api/interlocks/trip@furnace"
WISH = {"by": "王", "approved_by": "李", "comment": "更换断路器", "measure": "专人看守", "duration": HOUR}


async def the_row(http: httpx.AsyncClient) -> dict[str, Any]:
    (row,) = (await http.get("/api/interlocks")).json()
    return row


async def test_a_bypass_is_registered_shown_and_removed(gateway: Rig, http: httpx.AsyncClient) -> None:
    assert (await the_row(http))["actions"] == ["bypass", "declare_test"]
    answer = await http.post(f"{TRIP}/bypass", json={**WISH, "permit": "P-7"})
    assert answer.status_code == 200, answer.text
    row = answer.json()
    assert row == await the_row(http)
    held = row["bypass"]
    assert (held["by"], held["approved_by"], held["measure"], held["permit"]) == ("王", "李", "专人看守", "P-7")
    assert held["until"] - held["since"] == HOUR
    assert row["actions"] == ["remove_bypass"], "a bypassed interlock is not tested"
    await gateway.tick()
    assert (await http.get("/api/health")).json()["bypassed"] == 1
    alarms = {alarm["rule"] for alarm in (await http.get("/api/alarms")).json()}
    assert alarms == {"interlock.bypassed"}

    assert (await http.post(f"{TRIP}/remove_bypass", json={"by": "王", "comment": "ok"})).status_code == 200
    row = await the_row(http)
    assert row["bypass"] is None
    assert [line["removed_by"] for line in row["bypasses"]] == ["王"]
    assert (await http.get("/api/health")).json()["bypassed"] == 0


async def test_the_register_lists_what_stands_and_what_was_newest_first(gateway: Rig, http: httpx.AsyncClient) -> None:
    for reason in ("first", "second"):
        await http.post(f"{TRIP}/bypass", json={**WISH, "comment": reason})
        await gateway.tick(after=60 * SECOND)
        if reason == "first":
            await http.post(f"{TRIP}/remove_bypass", json={"by": "王"})
    lines = (await http.get("/api/interlocks/bypasses")).json()
    assert [(line["interlock"], line["bypass"]["comment"], line["bypass"]["removed_by"]) for line in lines] == [
        ("trip@furnace", "second", ""),
        ("trip@furnace", "first", "王"),
    ]


async def test_a_wish_that_lacks_everything_is_refused_with_all_of_it(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"{TRIP}/bypass", json={"by": ""})
    assert answer.status_code == 422
    fields = [problem["field"] for problem in answer.json()["problems"]]
    assert fields == ["by", "comment", "measure", "approved_by", "duration"]
    assert (await the_row(http))["bypass"] is None


@pytest.mark.parametrize(
    ("action", "body", "status"),
    [
        ("remove_bypass", {"by": "王"}, 409),
        ("end_test", {"by": "王", "comment": "good"}, 409),
        ("bypass", {**WISH, "duration": 9 * HOUR}, 422),
        ("bypass", {**WISH, "approved_by": "王"}, 422),
        ("bypass", {**WISH, "duration": -1}, 422),
        ("bypass", {**WISH, "wrong": 1}, 422),
        ("declare_test", {"by": "王", "comment": "LS-07", "duration": 0}, 422),
    ],
)
async def test_what_the_state_or_the_wish_does_not_allow_changes_nothing(
    http: httpx.AsyncClient, action: str, body: dict[str, Any], status: int
) -> None:
    before = await the_row(http)
    assert (await http.post(f"{TRIP}/{action}", json=body)).status_code == status
    assert await the_row(http) == before


async def test_an_interlock_that_is_not_there_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/interlocks/none@furnace/bypass", json=WISH)).status_code == 404


async def test_a_second_bypass_is_told_what_is_allowed(http: httpx.AsyncClient) -> None:
    await http.post(f"{TRIP}/bypass", json=WISH)
    answer = await http.post(f"{TRIP}/bypass", json=WISH)
    assert answer.status_code == 409
    assert "remove_bypass" in answer.json()["message"]


async def test_a_journal_that_cannot_keep_a_bypass_has_none(gateway: Rig, http: httpx.AsyncClient) -> None:
    gateway.journal.is_full = True
    assert (await http.post(f"{TRIP}/bypass", json=WISH)).status_code == 503
    assert (await the_row(http))["bypass"] is None


async def test_a_proof_test_is_declared_exercised_and_ended(gateway: Rig, http: httpx.AsyncClient) -> None:
    test = {"by": "王", "comment": "LS-07", "duration": HOUR}
    assert (await http.post(f"{TRIP}/declare_test", json=test)).json()["actions"] == ["bypass", "end_test"]
    await gateway.tick({0: Truth.TRUE})
    early = await http.post(f"{TRIP}/end_test", json={"by": "王", "comment": "good"})
    assert early.status_code == 422, "an effect still has its time"
    await gateway.tick({3: Truth.TRUE})
    row = (await http.post(f"{TRIP}/end_test", json={"by": "王", "comment": "as found good"})).json()
    assert [(each["outcome"], each["result"]) for each in row["tests"]] == [("passed", "as found good")]
    (cell,) = row["cells"]
    assert (cell["verdict"], cell["proven"]["proven_by"], cell["proven"]["lapsed"]) == ("test", "test", False)
    (demand,) = (await http.get("/api/demands")).json()
    assert demand["test"] == row["tests"][0]["id"]


@pytest.mark.parametrize(
    ("status", "bypassed", "shown"),
    [
        ("covered", {"trip@furnace"}, "bypassed"),
        ("covered", {"other@furnace"}, "covered"),
        ("failed", {"trip@furnace"}, "failed"),
        ("missing", {"trip@furnace"}, "missing"),
    ],
)
def test_a_clause_whose_interlock_is_bypassed_is_not_called_covered(
    status: str, bypassed: set[str], shown: str
) -> None:
    none: tuple[str, ...] = ()
    interlocks = ("trip@furnace",)
    row = CoverageRow("4", text("x"), "furnace", CoverageStatus(status), none, none, none, none, interlocks, none, ())
    assert with_bypasses(row, bypassed).status == shown


async def test_the_next_shift_is_told_who_bypassed_what_and_what_is_done_meanwhile(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await http.post(f"{TRIP}/bypass", json=WISH)
    await gateway.tick()
    lines = [line for line in (await http.get("/api/handover")).json()["lines"] if line["section"] == "bypassed"]
    assert {line["subject"] for line in lines} == {"trip@furnace", "interlock.bypassed@trip.furnace"}
    (note,) = [line["note"] for line in lines if line["subject"] == "trip@furnace"]
    assert all(word in note for word in ("更换断路器", "专人看守", "王", "李"))
