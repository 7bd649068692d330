"""Hazards over the API: filed by people, filtered, with files beside them that are what they say, and all refusals."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any
from urllib.parse import quote

import httpx

from gateway.stores.attachments import LARGEST
from tests.api.support import LEAK, Rig, strict
from tests.engine.scripted import FALSE, TRUE
from tests.stores.test_attachments import JPEG, REFUSED, archive

DAY = 86_400_000_000
FOUND: dict[str, Any] = {
    "source": "daily_check",
    "by": "王班长",
    "title": "护栏缺失",
    "description": "炉前平台东侧护栏缺失约 2 m",
    "grade": "ordinary",
    "equipment": "furnace",
    "clauses": ["4(4)"],
}
BYTES = {"content-type": "application/octet-stream"}


def fields(answer: httpx.Response) -> list[str]:
    return [problem["field"] for problem in strict(answer.content)["problems"]]


async def reported(http: httpx.AsyncClient, **other: Any) -> str:
    answer = await http.post("/api/tickets", json={**FOUND, **other})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def step(http: httpx.AsyncClient, ticket: str, action: str, **what: Any) -> httpx.Response:
    return await http.post(f"/api/tickets/{ticket}/actions", json={"by": "赵安全", "action": action, **what})


async def attach(
    http: httpx.AsyncClient, ticket: str, content: bytes = JPEG, name: str = "整改前.jpg"
) -> httpx.Response:
    url = f"/api/tickets/{ticket}/attachments?name={quote(name)}&by={quote('王班长')}&comment={quote('现场')}"
    return await http.post(url, content=content, headers=BYTES)


async def test_a_hazard_that_a_person_found_is_registered_and_says_by_whom(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    view = (await http.post("/api/tickets", json=FOUND)).json()
    assert (view["state"], view["source"], view["found_by"], view["area"]) == (
        "registered", "daily_check", "王班长", "melt",
    )  # fmt: skip
    assert view["deadline"] == view["limit"] > gateway.clock.now()
    assert view["actions"][:2] == ["assess", "assign"], "an ordinary hazard may be assigned at once"
    assert (await http.get("/api/events")).json()[-1]["event"]["kind"] == "ticket.reported"


async def test_an_anonymous_report_keeps_no_name_anywhere(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await reported(http, source="internal_report", by="", anonymous=True)
    assert (await http.get(f"/api/tickets/{ticket}")).json()["found_by"] == ""
    answer = await http.post("/api/tickets", json={**FOUND, "source": "internal_report", "anonymous": True})
    assert fields(answer) == ["by"]


async def test_a_report_hears_of_every_mistake_at_once_and_files_nothing(gateway: Rig, http: httpx.AsyncClient) -> None:
    wrong = {"source": "city_inspection", "grade": "major", "by": "\u3000", "equipment": "rocket"}
    answer = await http.post("/api/tickets", json=wrong)
    assert answer.status_code == 422
    assert fields(answer) == ["by", "unit", "equipment", "title", "description"]
    answer = await http.post("/api/tickets", json={**FOUND, "source": "gossip", "grade": "huge", "colour": 1})
    assert sorted(fields(answer)) == ["colour", "grade", "source"]
    assert fields(await http.post("/api/tickets", json={**FOUND, "clauses": ["4(4)", "99(9)"]})) == ["clauses.1"]
    assert (await http.get("/api/tickets")).json() == []


async def test_the_same_report_twice_is_one_ticket(gateway: Rig, http: httpx.AsyncClient) -> None:
    found_at = gateway.clock.now()
    ticket = await reported(http, found_at=found_at)
    answer = await http.post("/api/tickets", json={**FOUND, "found_at": found_at})
    assert answer.status_code == 409
    assert ticket in answer.json()["message"]
    assert len((await http.get("/api/tickets")).json()) == 1


FILTERS = {
    "": "ABC",
    "standing=true": "ABC",
    "standing=false": "",
    "grade=major": "AC",
    "source=sensor": "A",
    "state=registered": "BC",
    "area=melt&grade=ordinary": "B",
    "equipment=furnace": "ABC",
    "area=nowhere": "",
    "overdue=true": "B",
    "overdue=false&grade=major": "AC",
}


async def test_the_list_shows_what_all_filters_hold_for(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: TRUE})
    (sensor,) = (await http.get("/api/tickets")).json()
    names = {sensor["id"]: "A", await reported(http): "B", await reported(http, grade="major", title="积水"): "C"}
    gateway.clock.advance(40 * DAY)
    answers = {asked: (await http.get(f"/api/tickets?{asked}")).json() for asked in FILTERS}
    assert {asked: "".join(names[view["id"]] for view in answer) for asked, answer in answers.items()} == FILTERS
    assert fields(await http.get("/api/tickets?grade=huge&overdue=perhaps&state=lost")) == ["overdue", "state", "grade"]


async def test_an_overdue_ticket_climbs_and_says_whom_it_has_reached(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await reported(http)
    await gateway.tick(after=40 * DAY)
    view = (await http.get(f"/api/tickets/{ticket}")).json()
    assert view["told"] == "safety_manager"
    assert [each["note"] for each in view["steps"]] == ["", "shift_leader", "safety_manager"]


async def test_an_extension_supervision_and_a_stop_go_over_the_api(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await reported(http, grade="major")
    due = gateway.clock.now() + DAY
    assert fields(await step(http, ticket, "assess")) == ["grade", "comment"]
    await step(http, ticket, "assess", grade="major", comment="第4(4)项")
    assert fields(await step(http, ticket, "assign")) == ["responsible", "measures", "funds", "emergency_plan", "due"]
    five = {"responsible": "李", "measures": "换板", "funds": "1 万元", "emergency_plan": "停炉", "due": due}
    assert (await step(http, ticket, "assign", **five)).status_code == 200
    assert fields(await step(http, ticket, "extend", due=due)) == ["comment", "due", "interim", "approver"]
    more = {"due": due + DAY, "comment": "备件未到", "interim": "专人值守", "approver": "孙总"}
    assert (await step(http, ticket, "extend", **more)).json()["extensions"][0]["approver"] == "孙总"
    assert (await step(http, ticket, "supervise", authority="县应急管理局")).status_code == 200
    view = (await step(http, ticket, "stop_production", scope="1# 炉", comment="不能保证安全")).json()
    assert (view["supervision"]["authority"], view["production"]["scope"]) == ("县应急管理局", "1# 炉")
    await step(http, ticket, "rectify", by="李", comment="已换板")
    assert fields(await step(http, ticket, "pass_recheck", by="李")) == ["by"]
    await step(http, ticket, "pass_recheck")
    refused = await step(http, ticket, "write_off")
    assert refused.status_code == 409
    assert "rechecked, supervised, stopped" in refused.json()["message"]
    await step(http, ticket, "end_supervision", comment="验收文号")
    await step(http, ticket, "resume_production", comment="复查合格", approver="孙总")
    assert (await step(http, ticket, "write_off")).json()["state"] == "written_off"


async def test_a_hazard_that_returns_after_its_write_off_names_the_old_ticket(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    old = await reported(http)
    gone = {"cause": "duplicate", "comment": "已另行登记", "approver": "孙总"}
    assert (await step(http, old, "dismiss", **gone)).status_code == 200
    gateway.clock.advance(DAY)
    new = (await http.get(f"/api/tickets/{await reported(http)}")).json()
    assert new["previous"] == old


async def test_a_file_is_stored_journalled_with_its_hash_listed_and_given_back(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    ticket, sha256 = await reported(http), hashlib.sha256(JPEG).hexdigest()
    answer = await attach(http, ticket)
    assert answer.status_code == 200, answer.text
    (held,) = answer.json()["attachments"]
    assert held["file"] == {"sha256": sha256, "name": "整改前.jpg", "media_type": "image/jpeg", "size": len(JPEG)}
    assert (held["by"], held["comment"]) == ("王班长", "现场")
    event = (await http.get("/api/events")).json()[-1]["event"]
    assert (event["kind"], event["attachment"]["sha256"]) == ("ticket.attached", sha256)
    given = await http.get(f"/api/tickets/{ticket}/attachments/{sha256}")
    assert given.content == JPEG
    assert given.headers["content-type"] == "image/jpeg"
    assert given.headers["content-disposition"].startswith("attachment;")
    assert given.headers["x-content-type-options"] == "nosniff"
    assert (await http.get(f"/api/tickets/{ticket}/attachments/{'0' * 64}")).status_code == 404
    other = await reported(http, title="积水")
    assert (await http.get(f"/api/tickets/{other}/attachments/{sha256}")).status_code == 404


async def test_an_executable_under_another_name_is_refused_and_nothing_of_it_stays(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    ticket = await reported(http)
    for what, content in REFUSED.items():
        answer = await attach(http, ticket, content, "photo.jpg")
        assert (answer.status_code, fields(answer)) == (422, ["file"]), what
        assert what.strip() in answer.json()["problems"][0]["got"]
    assert (await http.get(f"/api/tickets/{ticket}")).json()["attachments"] == []
    scratch = gateway.services.attachments.scratch
    assert [
        each for each in (*scratch.rglob("*"), *scratch.with_name("attachments").rglob("*")) if each.is_file()
    ] == []


async def test_two_gigabytes_are_refused_before_they_are_read(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await reported(http)
    host, _, port = gateway.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /api/tickets/{ticket}/attachments?name=x.mp4&by=W HTTP/1.1\r\nhost: {gateway.address}\r\n"
    writer.write(f"{head}content-type: application/octet-stream\r\ncontent-length: {2 * 1024**3}\r\n\r\n".encode())
    assert (await asyncio.wait_for(reader.readline(), 5)).startswith(b"HTTP/1.1 413")
    writer.close()
    assert LARGEST < 2 * 1024**3


async def test_a_file_that_does_not_say_how_large_it_is_is_refused_once_it_is_too_large(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    ticket = await reported(http)

    async def endless() -> Any:
        for _ in range(200):
            yield JPEG[:1000]

    url = f"/api/tickets/{ticket}/attachments?name=x.jpg&by=W"
    answer = await http.post(url, content=endless(), headers=BYTES)
    assert answer.status_code == 422
    assert "at most 100000 bytes" in answer.json()["message"]


async def test_what_may_not_be_attached_is_refused_before_the_file_is_taken(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    assert (await attach(http, "HD-0")).status_code == 404
    ticket = await reported(http)
    nobody = await http.post(f"/api/tickets/{ticket}/attachments?name=x.jpg&by=%20", content=JPEG, headers=BYTES)
    assert fields(nobody) == ["by"]
    form = await http.post(f"/api/tickets/{ticket}/attachments?name=x.jpg&by=W", content=JPEG)
    assert fields(form) == ["content-type"]
    assert fields(await http.post(f"/api/tickets/{ticket}/attachments", content=JPEG, headers=BYTES)) == ["name", "by"]
    assert (await attach(http, ticket)).status_code == 200
    again = await attach(http, ticket, name="again.jpg")
    assert (again.status_code, "attached already" in again.json()["message"]) == (409, True)
    await step(http, ticket, "dismiss", cause="duplicate", comment="重复", approver="孙总")
    assert (await attach(http, ticket, archive("[Content_Types].xml", "xl/workbook.xml"))).status_code == 409


async def test_a_file_that_the_journal_cannot_name_is_not_attached(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await reported(http)
    gateway.journal.is_full = True
    assert (await attach(http, ticket)).status_code == 503
    gateway.journal.is_full = False
    assert (await http.get(f"/api/tickets/{ticket}")).json()["attachments"] == []
    assert (await attach(http, ticket)).status_code == 200, "the content may be there already, and counts once"


async def test_a_sensors_ticket_takes_files_as_well_and_loses_none_in_a_recurrence(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await gateway.tick({0: TRUE})
    ticket = (await http.get("/api/alarms")).json()[0]["ticket"]
    assert (await attach(http, ticket)).status_code == 200
    await gateway.tick({0: FALSE})
    await gateway.tick({0: TRUE})
    view = (await http.get(f"/api/tickets/{ticket}")).json()
    assert (view["rule"], view["recurrences"], len(view["attachments"])) == (LEAK, 1, 1)
