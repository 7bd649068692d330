"""Ledgers over HTTP: a workbook of the tickets as they stand, or what is wrong with the question."""

from __future__ import annotations

from io import BytesIO
from urllib.parse import unquote

import httpx
from openpyxl import load_workbook

from gateway.ledgers.forms import FORMS
from gateway.rule import Truth
from gateway.sample import SECOND
from tests.api.support import Rig


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
