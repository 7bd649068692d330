"""One shift hands over to the next: everything that is not as it should be, read by both and signed by both."""

from __future__ import annotations

from io import BytesIO

import httpx
from openpyxl import load_workbook

from gateway.api.handover_pack import SECTIONS
from gateway.driver import LinkState
from gateway.event import Entry
from gateway.events.presence import HandoverSigned
from gateway.sample import SECOND
from tests.api.support import HOT, LEAK, NOTED, Rig
from tests.engine.scripted import FALSE, TRUE

MINUTE = 60 * SECOND
AGREED = {"by": "李", "second": "王", "comment": "仪表校验"}


async def troubled(gateway: Rig, http: httpx.AsyncClient) -> None:
    """Three alarms, two of them put aside; a silent device; an overdue ticket; a duty check that nobody answers."""
    await gateway.tick({0: TRUE, 1: TRUE, 2: TRUE})
    shelved = await http.post(f"/api/alarms/{HOT}/shelve", json={**AGREED, "duration": 20 * MINUTE})
    removed = await http.post(f"/api/alarms/{NOTED}/remove_from_service", json={**AGREED, "permit": "DH-7"})
    (ticket,) = (await http.get("/api/tickets")).json()
    move, due = f"/api/tickets/{ticket['id']}/actions", int(gateway.clock.now()) + MINUTE
    registered = await http.post(move, json={"by": "李", "action": "register"})
    await http.post(move, json={"by": "李", "action": "assess", "grade": "major", "comment": "评估"})
    five = {"responsible": "张", "due": due, "measures": "换板", "funds": "无", "emergency_plan": "停炉"}
    assigned = await http.post(move, json={"by": "李", "action": "assign", **five})
    asked = await http.post("/api/duty/checks", json={"by": "安监局"})
    assert {each.status_code for each in (shelved, removed, registered, assigned, asked)} == {200}
    gateway.link(LinkState.DOWN)
    await gateway.tick({}, after=2 * MINUTE)


async def test_the_pack_holds_everything_that_is_not_as_it_should_be(gateway: Rig, http: httpx.AsyncClient) -> None:
    await troubled(gateway, http)
    pack = (await http.get("/api/handover")).json()
    found = {(line["section"], line["subject"].partition("-")[0]) for line in pack["lines"]}
    (ticket,) = [line["subject"] for line in pack["lines"] if line["section"] == "overdue"]
    assert found == {
        ("standing", LEAK),
        ("standing", HOT),
        ("standing", NOTED),
        ("shelved", HOT),
        ("out_of_service", NOTED),
        ("silent", "plc"),
        ("standing", "interlock.unproven@trip.furnace"),
        ("overdue", ticket.partition("-")[0]),
        ("unanswered", "DC"),
    }
    assert pack["left_out"] == 0
    counts = {each["section"]: each["lines"] for each in pack["sections"]}
    assert sum(counts.values()) == len(pack["lines"])
    assert counts["suppressed"] == 0, "an empty section is named as well"
    notes = {line["section"]: line["note"] for line in pack["lines"]}
    assert "DH-7 · 仪表校验 · 李 · 王" in notes["out_of_service"]
    assert "张" in notes["overdue"]


async def test_both_sign_what_both_have_read_and_the_journal_keeps_it(gateway: Rig, http: httpx.AsyncClient) -> None:
    await troubled(gateway, http)
    pack = (await http.get("/api/handover")).json()
    wanted = {"by": "李", "to": "赵", "comment": "一切已说明", "digest": pack["digest"]}
    signed = (await http.post("/api/handover", json=wanted)).json()
    assert (signed["by"], signed["to"], signed["digest"]) == ("李", "赵", pack["digest"])
    assert signed["lines"] == pack["lines"]
    kept = [entry.event for entry in await gateway.journal.read(0, 1000) if isinstance(entry, Entry)]
    (event,) = [each for each in kept if isinstance(each, HandoverSigned)]
    assert (event.handover, len(event.lines)) == (signed["handover"], len(pack["lines"]))
    await gateway.services.figures.catch_up()
    assert [each["handover"] for each in (await http.get("/api/handovers")).json()] == [signed["handover"]]
    (listed,) = (await http.get("/api/handovers")).json()
    assert sum(each["lines"] for each in listed["sections"]) == len(pack["lines"])
    page = await http.get(f"/api/handovers/{signed['handover']}/page")
    assert "赵" in page.text
    assert "一切已说明" in page.text
    assert (await http.get("/api/handovers/HO-none/page")).status_code == 404


async def test_the_workbook_has_every_line_and_both_names(gateway: Rig, http: httpx.AsyncClient) -> None:
    await troubled(gateway, http)
    signed = (await http.post("/api/handover", json={"by": "李", "to": "=赵"})).json()
    await gateway.services.figures.catch_up()
    for address, names in (("handover", "交班人："), (f"handovers/{signed['handover']}", "交班人：李")):
        answer = await http.get(f"/api/{address}.xlsx")
        cells = [str(cell) for row in load_workbook(BytesIO(answer.content)).active.values for cell in row]
        assert all(line["subject"] in cells for line in signed["lines"])
        assert any(cell.startswith(names) for cell in cells)
    assert (await http.get("/api/handovers/HO-none.xlsx")).status_code == 404


async def test_nobody_hands_over_to_themselves_or_to_nobody(gateway: Rig, http: httpx.AsyncClient) -> None:
    before = await gateway.journal.last_sequence()
    same = await http.post("/api/handover", json={"by": "李", "to": " 李 "})
    assert same.status_code == 422
    assert [each["field"] for each in same.json()["problems"]] == ["to"]
    nobody = await http.post("/api/handover", json={"by": " ", "to": ""})
    assert nobody.status_code == 422
    assert [each["field"] for each in nobody.json()["problems"]] == ["by", "to"]
    assert await gateway.journal.last_sequence() == before


async def test_a_pack_that_has_changed_since_it_was_read_is_not_signed(gateway: Rig, http: httpx.AsyncClient) -> None:
    read = (await http.get("/api/handover")).json()
    await gateway.tick({0: TRUE})
    refused = await http.post("/api/handover", json={"by": "李", "to": "赵", "digest": read["digest"]})
    assert refused.status_code == 409
    assert "read it again" in refused.json()["message"]


async def test_the_printed_page_names_every_section_and_escapes_what_people_wrote(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await gateway.tick({1: TRUE})
    wish = {"by": "<b>李</b>", "second": "王", "comment": "<script>", "duration": MINUTE}
    assert (await http.post(f"/api/alarms/{HOT}/shelve", json=wish)).status_code == 200
    page = await http.get("/api/handover/page")
    assert page.headers["content-type"].startswith("text/html")
    assert all(section.zh in page.text for section in SECTIONS.values())
    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
    assert (await http.get("/api/handover.css")).headers["content-type"].startswith("text/css")


async def test_health_shows_the_duty_check_that_waits(gateway: Rig, http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/health")).json()["duty_check"] is None
    check = (await http.post("/api/duty/checks", json={"by": "安监局"})).json()
    assert (await http.get("/api/health")).json()["duty_check"] == check
    await gateway.tick({0: FALSE}, after=6 * MINUTE)
    assert (await http.get("/api/health")).json()["duty_check"]["state"] == "missed"
    await http.post(f"/api/duty/checks/{check['id']}/answer", json={"by": "李"})
    assert (await http.get("/api/health")).json()["duty_check"] is None
