"""Ledgers over HTTP: a workbook of the tickets as they stand, or what is wrong with the question."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from urllib.parse import unquote

import httpx
from openpyxl import load_workbook

from gateway.api.answers import IMPORT_PATH, LARGEST_WORKBOOK
from gateway.api.workbooks import WORKBOOK
from gateway.clock import from_datetime
from gateway.ledgers.forms import FORMS
from gateway.rule import Truth
from gateway.sample import SECOND
from tests.api.support import Rig
from tests.ledgers.test_import import DONE, OPEN, book


async def test_every_form_comes_as_a_workbook_that_holds_the_leak(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: Truth.TRUE})
    (ticket,) = gateway.loop.engine.states.tickets
    now = gateway.clock.now()
    listed = (await http.get("/api/ledgers")).json()
    assert [each["id"] for each in listed] == list(FORMS)
    for form in FORMS:
        period = {"start": now - 86_400 * SECOND, "end": now + SECOND}
        answer = await http.get(f"/api/ledgers/{form}.xlsx", params=period)
        assert answer.status_code == 200
        sheet = load_workbook(BytesIO(answer.content)).worksheets[0]
        name = unquote(answer.headers["Content-Disposition"].partition("UTF-8''")[2])
        assert name.removesuffix(".xlsx") in (sheet["A1"].value, sheet["A2"].value)
        told = " ".join(str(cell.value) for row in sheet.iter_rows() for cell in row)
        assert ticket in told or form not in ("hazards", "major", "issues")


async def test_a_form_that_is_none_is_404_and_a_range_that_ends_before_it_starts_422(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    none = await http.get("/api/ledgers/nonsense.xlsx", params={"start": 0, "end": SECOND})
    assert none.status_code == 404
    assert "hazards, major, weekly" in none.text
    backwards = await http.get("/api/ledgers/major.xlsx", params={"start": SECOND, "end": 0})
    assert backwards.status_code == 422
    assert (await http.get("/api/ledgers/major.xlsx")).status_code == 422


async def test_the_analysis_counts_the_leak_by_its_area_and_its_rule(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: Truth.TRUE})
    now = gateway.clock.now()
    period = {"start": now - 86_400 * SECOND, "end": now + SECOND}
    found = (await http.get("/api/ledgers/analysis", params=period)).json()
    assert (found["total"]["found"], found["total"]["mended_rate"], found["total"]["on_time_rate"]) == (1, 0.0, None)
    assert set(found["parts"]) == {"area", "equipment", "rule", "unit", "source", "clause", "grade", "month"}
    assert [part["found"] for part in found["parts"]["area"]] == [1]
    earlier = {"start": 0, "end": now - 86_400 * SECOND}
    assert (await http.get("/api/ledgers/analysis", params=earlier)).json()["total"]["found"] == 0
    assert (await http.get("/api/ledgers/analysis", params={"start": 5, "end": 4})).status_code == 422


async def sent(http: httpx.AsyncClient, data: bytes, **query: object) -> httpx.Response:
    asked = {"by": "王安全", "comment": "接管旧台账", "file": "旧台账.xlsx", **query}
    return await http.post(IMPORT_PATH, content=data, headers={"content-type": WORKBOOK}, params=asked)


async def test_a_ledger_is_looked_through_then_taken_over_and_once_only(gateway: Rig, http: httpx.AsyncClient) -> None:
    gateway.clock.at = from_datetime(datetime(2026, 4, 1, tzinfo=UTC))
    before = await gateway.journal.last_sequence()
    looked = (await sent(http, book(DONE, OPEN), check=True)).json()
    assert (len(looked["filed"]), looked["known"], looked["checked_only"]) == (2, [], True)
    assert await gateway.journal.last_sequence() == before
    done = (await sent(http, book(DONE, OPEN))).json()
    assert (done["filed"], done["checked_only"]) == (looked["filed"], False)
    assert await gateway.journal.last_sequence() == before + 2
    again = (await sent(http, book(DONE, OPEN))).json()
    assert (again["filed"], sorted(again["known"])) == ([], sorted(done["filed"]))
    assert await gateway.journal.last_sequence() == before + 2
    ticket = (await http.get(f"/api/tickets/{done['filed'][1]}")).json()
    assert (ticket["source"], ticket["state"], ticket["title"]["zh"]) == ("ledger", "registered", "煤气管道锈蚀")


async def test_a_ledger_with_mistakes_is_refused_with_every_cell_and_files_nothing(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    gateway.clock.at = from_datetime(datetime(2026, 4, 1, tzinfo=UTC))
    before = await gateway.journal.last_sequence()
    wrong = (*OPEN[:4], "很大", OPEN[5], "昨天", *OPEN[7:])
    answer = await sent(http, book(DONE, wrong))
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["problems"]] == ["2026年!G5 排查时间", "2026年!E5 隐患等级"]
    assert [each["field"] for each in (await sent(http, book(DONE), by=" ")).json()["problems"]] == ["by"]
    assert (await sent(http, b"no workbook")).status_code == 422
    assert (await sent(http, b"")).status_code == 422
    assert (await sent(http, bytes(LARGEST_WORKBOOK + 1))).status_code == 413
    assert await gateway.journal.last_sequence() == before


async def test_any_other_request_is_still_bounded_as_before(gateway: Rig, http: httpx.AsyncClient) -> None:
    assert (await http.post("/api/reload", content=bytes(70_000))).status_code == 413
