"""Putting alarms aside over HTTP: who, why, for how long, and how it is refused."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from gateway.sample import SECOND
from tests.api.support import HOT, LEAK, MORNING, Rig, strict
from tests.engine.scripted import FALSE, TRUE

MINUTE = 60 * SECOND
SHELVE = {"by": "王", "second": "李", "comment": "探头清洗", "duration": 10 * MINUTE}
REMOVE = {"by": "王", "second": "李", "comment": "标定", "permit": "P-7"}


async def ask(http: httpx.AsyncClient, action: str, body: dict[str, Any], alarm: str = LEAK) -> httpx.Response:
    return await http.post(f"/api/alarms/{alarm}/{action}", json=body)


def fields(answer: httpx.Response) -> list[str]:
    return sorted(problem["field"] for problem in strict(answer.content)["problems"])


async def test_a_shelved_alarm_stays_in_sight_and_asks_for_nobody(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: TRUE})
    view = (await ask(http, "shelve", SHELVE)).json()
    assert (view["shown"], view["state"], view["annunciated_at"]) == ("shelved", "unacknowledged", None)
    assert (view["shelf"]["by"], view["shelf"]["second"], view["shelf"]["comment"]) == ("王", "李", "探头清洗")
    assert view["shelf"]["until"] == gateway.clock.now() + 10 * MINUTE
    assert view["actions"] == ["acknowledge", "unshelve", "remove_from_service"]
    health = (await http.get("/api/health")).json()
    assert (health["shelved"], health["unacknowledged"]) == (1, 0)
    assert (await http.get("/api/alarms")).json() == [view]


async def test_a_shelving_ends_by_time_and_the_alarm_asks_again(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: TRUE})
    await ask(http, "shelve", SHELVE)
    await gateway.tick({}, after=11 * MINUTE)
    view = next(each for each in (await http.get("/api/alarms")).json() if each["id"] == LEAK)
    assert (view["shown"], view["shelf"]) == ("unacknowledged", None)
    assert view["annunciated_at"] == gateway.clock.now()


async def test_an_alarm_that_never_was_may_be_put_out_of_service_and_comes_back_by_a_person(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    view = (await ask(http, "remove_from_service", REMOVE, HOT)).json()
    assert (view["shown"], view["removal"]["permit"]) == ("out_of_service", "P-7")
    await gateway.tick({1: TRUE}, after=24 * 60 * MINUTE)
    assert [each["shown"] for each in (await http.get("/api/alarms")).json() if each["id"] == HOT] == ["out_of_service"]
    back = await ask(http, "return_to_service", {"by": "王"}, HOT)
    assert (back.json()["shown"], back.json()["removal"]) == ("unacknowledged", None)


@pytest.mark.parametrize(
    ("action", "body", "wrong"),
    [
        ("shelve", {"by": ""}, ["by", "comment", "duration", "second"]),
        ("shelve", SHELVE | {"duration": 31 * MINUTE}, ["duration"]),
        ("shelve", SHELVE | {"second": "王"}, ["second"]),
        ("shelve", SHELVE | {"duration": -1}, ["duration"]),
        ("shelve", SHELVE | {"for_ever": True}, ["for_ever"]),
        ("remove_from_service", {"by": " "}, ["by", "comment", "permit", "second"]),
        ("remove_from_service", REMOVE | {"permit": ""}, ["permit"]),
    ],
)
async def test_a_wish_that_lacks_something_is_refused_with_all_that_it_lacks(
    gateway: Rig, http: httpx.AsyncClient, action: str, body: dict[str, Any], wrong: list[str]
) -> None:
    await gateway.tick({0: TRUE})
    before = (await http.get("/api/events")).json()
    answer = await ask(http, action, body)
    assert (answer.status_code, fields(answer)) == (422, wrong)
    assert (await http.get("/api/events")).json() == before


@pytest.mark.parametrize("action", ["shelve", "unshelve", "remove_from_service", "return_to_service"])
async def test_what_is_not_there_cannot_be_put_aside(http: httpx.AsyncClient, action: str) -> None:
    assert (await ask(http, action, {"by": "王"}, "no@where")).status_code == 404


async def test_what_is_so_already_or_is_not_so_conflicts(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: TRUE})
    assert (await ask(http, "unshelve", {"by": "王"})).status_code == 409
    assert (await ask(http, "return_to_service", {"by": "王"})).status_code == 409
    await ask(http, "shelve", SHELVE)
    await ask(http, "remove_from_service", REMOVE)
    assert (await ask(http, "shelve", SHELVE)).status_code == 409
    assert (await ask(http, "remove_from_service", REMOVE)).status_code == 409
    for action in ("unshelve", "return_to_service"):
        answer = await ask(http, action, {"by": ""})
        assert (answer.status_code, fields(answer)) == (422, ["by"])


async def test_every_suppression_is_in_the_journal_with_its_person_and_reason(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await gateway.tick({0: TRUE})
    await ask(http, "shelve", SHELVE)
    await ask(http, "unshelve", {"by": "赵", "comment": "洗完"})
    await gateway.tick({0: FALSE})
    events = [entry["event"] for entry in (await http.get("/api/events")).json()]
    kept = {each["kind"]: each for each in events if "shelved" in each["kind"]}
    assert (kept["alarm.shelved"]["by"], kept["alarm.shelved"]["comment"]) == ("王", "探头清洗")
    assert (kept["alarm.unshelved"]["by"], kept["alarm.unshelved"]["because"]) == ("赵", "person")
    assert kept["alarm.shelved"]["at"] >= MORNING


async def test_a_duty_check_is_asked_and_answered_by_people(gateway: Rig, http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/duty/checks", json={"by": ""})).status_code == 422
    check = (await http.post("/api/duty/checks", json={"by": "安监局"})).json()
    assert (check["state"], check["because"], check["asked_by"]) == ("asked", "person", "安监局")
    assert (await http.post("/api/duty/checks", json={"by": "安监局"})).status_code == 409
    answer = f"/api/duty/checks/{check['id']}/answer"
    assert (await http.post(answer, json={"by": " "})).status_code == 422
    assert (await http.post("/api/duty/checks/DC-none/answer", json={"by": "王"})).status_code == 404
    await gateway.tick({}, after=6 * MINUTE)
    late = (await http.post(answer, json={"by": "王", "comment": "在岗"})).json()
    assert (late["state"], late["answered_by"], late["escalated"]) == ("answered_late", "王", "shift_leader")
    assert (await http.post(answer, json={"by": "王"})).status_code == 409
    assert [each["id"] for each in (await http.get("/api/duty/checks")).json()] == [check["id"]]
