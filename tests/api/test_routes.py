"""What people ask and do over HTTP, and how they are refused."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from gateway.rule import Truth
from gateway.sample import SECOND, Quality
from tests.api.support import CRITERIA, HOT, LEAK, LIMITS, MORNING, Rig, strict
from tests.engine.scripted import FALSE, TRUE

MINUTE = 60 * SECOND

ASIDE = ["shelve", "remove_from_service"]
"""What may be done with any alarm that is not suppressed."""


async def raised(gateway: Rig, column: int = 0) -> None:
    await gateway.tick({column: TRUE})


def fields(answer: httpx.Response) -> list[str]:
    assert answer.headers["content-type"] == "application/json"
    body = strict(answer.content)
    assert set(body) == {"error", "message", "problems"}
    assert body["message"]
    return [problem["field"] for problem in body["problems"]]


async def filed(gateway: Rig, http: httpx.AsyncClient) -> str:
    await raised(gateway)
    (ticket,) = (await http.get("/api/tickets")).json()
    return str(ticket["id"])


async def step(http: httpx.AsyncClient, ticket: str, **what: Any) -> httpx.Response:
    return await http.post(f"/api/tickets/{ticket}/actions", json=what)


async def test_an_acknowledged_alarm_says_by_whom(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": " 李工 ", "comment": "on my way"})
    assert answer.status_code == 200
    view = answer.json()
    assert (view["state"], view["acknowledged_by"], view["actions"]) == ("acknowledged", "李工", ASIDE)
    assert (await http.get("/api/alarms")).json() == [view]
    assert (await http.get("/api/events")).json()[-1]["event"]["comment"] == "on my way"


async def test_acknowledging_twice_conflicts_and_changes_nothing(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Li"})
    before = (await http.get("/api/events")).json()
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Wang"})
    assert answer.status_code == 409
    assert strict(answer.content)["error"] == "IllegalTransition"
    assert (await http.get("/api/events")).json() == before


async def test_an_alarm_that_goes_with_its_acknowledgement_is_still_answered(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    await raised(gateway)
    await gateway.tick({0: FALSE})
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Li"})
    assert answer.json()["state"] == "normal"
    assert (await http.get("/api/alarms")).json() == []


async def test_a_latched_alarm_is_reset_by_a_person_only(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway, 1)
    assert (await http.post(f"/api/alarms/{HOT}/reset", json={"by": "Li"})).status_code == 409
    await gateway.tick({1: FALSE})
    await http.post(f"/api/alarms/{HOT}/acknowledge", json={"by": "Li"})
    (latched,) = (await http.get("/api/alarms")).json()
    assert (latched["state"], latched["actions"]) == ("latched_acknowledged", ["reset", *ASIDE])
    assert (await http.post(f"/api/alarms/{HOT}/reset", json={"by": "Li"})).json()["state"] == "normal"


@pytest.mark.parametrize("action", ["acknowledge", "reset"])
async def test_an_unknown_alarm_is_not_found(http: httpx.AsyncClient, action: str) -> None:
    answer = await http.post(f"/api/alarms/nothing@nowhere/{action}", json={"by": "Li"})
    assert answer.status_code == 404
    assert strict(answer.content)["error"] == "UnknownSubject"


@pytest.mark.parametrize("action", ["acknowledge", "reset"])
@pytest.mark.parametrize("body", [{}, {"by": ""}, {"by": "  "}, {"by": None}, {"by": "x" * 65}, {"by": "\ud800"}])
async def test_nobody_acknowledges_nothing(
    gateway: Rig, http: httpx.AsyncClient, action: str, body: dict[str, Any]
) -> None:
    await raised(gateway)
    headers = {"content-type": "application/json"}
    answer = await http.post(f"/api/alarms/{LEAK}/{action}", content=json.dumps(body), headers=headers)
    assert answer.status_code == 422
    assert fields(answer) == ["by"]
    assert (await http.get("/api/alarms")).json()[0]["state"] == "unacknowledged"


async def test_all_mistakes_of_a_request_come_at_once(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await filed(gateway, http)
    await step(http, ticket, action="register", by="Li")
    await step(http, ticket, action="assess", by="Li", grade="major", comment="as the criteria say")
    answer = await step(http, ticket, action="assign", by=" ", due=5)
    assert answer.status_code == 422
    assert fields(answer) == ["by", "responsible", "measures", "funds", "emergency_plan", "due"]
    answer = await step(http, ticket, action="burn", by=["Li"], due="tomorrow", colour="red")
    assert answer.status_code == 422
    assert sorted(fields(answer)) == ["action", "by", "colour", "due"]
    assert fields(await step(http, ticket, action="assign", by="Li", responsible="Wang", due=2**70)) == ["due"]


@pytest.mark.parametrize("body", [b"{", b"", b"[]", b"\xff"])
async def test_a_body_that_is_no_request_is_refused(gateway: Rig, http: httpx.AsyncClient, body: bytes) -> None:
    await raised(gateway)
    headers = {"content-type": "application/json"}
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    fields(answer)


async def test_a_body_without_end_is_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Li", "comment": "x" * 100_000})
    assert answer.status_code == 413
    fields(answer)


async def test_a_form_of_a_foreign_page_is_refused(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    answer = await http.post(
        f"/api/alarms/{LEAK}/acknowledge", content=b'{"by": "x"}', headers={"content-type": "text/plain"}
    )
    assert answer.status_code == 422
    assert gateway.hub.book.alarm(LEAK).state == "unacknowledged"


async def test_what_the_journal_cannot_keep_has_not_happened(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    before = (await http.get("/api/alarms")).json()
    gateway.journal.is_full = True
    answer = await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Li"})
    assert answer.status_code == 503
    assert "the disk is full" in strict(answer.content)["message"]
    assert (await http.get("/api/alarms")).json() == before
    gateway.journal.is_full = False
    assert (await http.post(f"/api/alarms/{LEAK}/acknowledge", json={"by": "Li"})).status_code == 200


FIVE = {"measures": "new panel", "funds": "80,000", "emergency_plan": "leak plan"}


async def test_a_ticket_goes_all_the_way_by_people(gateway: Rig, http: httpx.AsyncClient) -> None:
    ticket = await filed(gateway, http)
    assert (await http.get("/api/alarms")).json()[0]["ticket"] == ticket
    due = gateway.clock.now() + MINUTE
    steps: list[dict[str, Any]] = [
        {"action": "register", "by": "Li"},
        {"action": "assess", "by": "Li", "grade": "major", "comment": "as the criteria say"},
        {"action": "assign", "by": "Li", "responsible": "Wang", "due": due, **FIVE},
        {"action": "rectify", "by": "Wang", "comment": "panel replaced"},
        {"action": "pass_recheck", "by": "Zhao"},
        {"action": "write_off", "by": "Li"},
    ]
    for wanted in steps:
        offered = (await http.get(f"/api/tickets/{ticket}")).json()["actions"]
        assert wanted["action"] in offered
        answer = await step(http, ticket, **wanted)
        assert answer.status_code == 200, answer.text
    view = answer.json()
    assert (view["state"], view["responsible"], view["due"], view["actions"]) == ("written_off", "Wang", due, [])
    assert [each["action"] for each in view["steps"]] == ["filed", *(each["action"] for each in steps)]
    assert (await http.get("/api/tickets?standing=true")).json() == []
    assert (await http.get("/api/tickets?standing=false")).json() == [view]
    assert (await step(http, ticket, action="register", by="Li")).status_code == 409


async def test_an_unknown_ticket_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/tickets/HD-0")).status_code == 404
    assert (await http.get("/api/tickets/HD-0/evidence")).status_code == 404
    assert (await step(http, "HD-0", action="register", by="Li")).status_code == 404


async def test_a_demand_shows_every_effect_and_its_verdict(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    (demand,) = (await http.get("/api/demands")).json()
    assert (demand["interlock"], demand["verdict"], demand["area"]) == ("trip@furnace", "pending", "melt")
    await gateway.tick({3: TRUE})
    (demand,) = (await http.get("/api/demands")).json()
    (effect,) = demand["effects"]
    assert (effect["verdict"], effect["delay"], effect["command_written"]) == ("pass", SECOND, None)


async def test_the_matrix_has_a_cell_for_each_cause_and_effect_and_says_when_it_was_proven(
    gateway: Rig, http: httpx.AsyncClient
) -> None:
    (row,) = (await http.get("/api/interlocks")).json()
    (cell,) = row["cells"]
    assert (row["interlock"], cell["cause"], cell["demanded_at"], cell["proven"]) == ("trip@furnace", LEAK, None, None)
    await raised(gateway)
    await gateway.tick({3: TRUE})
    (row,) = (await http.get("/api/interlocks")).json()
    (cell,) = row["cells"]
    assert (cell["verdict"], cell["proven"]["delay"]) == ("pass", SECOND)
    assert cell["proven"]["demand"] == cell["demand"]


async def test_an_unknown_rule_stands_as_lost_protection(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick({0: Truth.UNKNOWN}, after=MINUTE)
    (alarm,) = (await http.get("/api/alarms")).json()
    assert (alarm["id"], alarm["state"], alarm["unknown"]) == (LEAK, "normal", True)
    assert (alarm["occurrence"], alarm["ticket"], alarm["actions"]) == ("", None, ASIDE)
    await gateway.tick({0: FALSE})
    assert (await http.get("/api/alarms")).json() == []


async def test_evidence_is_ten_minutes_either_side_of_the_onset(gateway: Rig, http: httpx.AsyncClient) -> None:
    for _ in range(12):
        await gateway.tick(samples=[gateway.sample(0, 0.25)], after=MINUTE)
    ticket = await filed(gateway, http)
    onset = gateway.clock.now()
    await gateway.tick(samples=[gateway.sample(0, 0.5)], after=3 * MINUTE)
    await gateway.keep()
    early = (await http.get(f"/api/tickets/{ticket}/evidence")).json()
    assert (early["onset"], early["start"], early["end"]) == (onset, onset - 10 * MINUTE, onset + 3 * MINUTE)
    for _ in range(12):
        await gateway.tick({2: TRUE}, [gateway.sample(0, 0.75)], after=MINUTE)
        await gateway.tick({2: FALSE}, after=0)
    await gateway.keep()
    late = (await http.get(f"/api/tickets/{ticket}/evidence")).json()
    assert late["end"] == onset + 10 * MINUTE
    (curve,) = late["curves"]
    assert curve["point"] == "furnace.point_0"
    assert curve["start"][0] >= onset - 10 * MINUTE
    assert curve["start"][-1] < onset + 10 * MINUTE
    assert {0.25, 0.5, 0.75} == set(curve["mean"])
    assert curve["limits"] == [{"name": "high", "title": {"zh": "high", "en": "high"}, "value": 0.8}]
    kinds = [entry["event"]["kind"] for entry in late["events"]]
    assert {"alarm.raised", "interlock.demanded", "ticket.filed"} <= set(kinds)
    sequences = [entry["sequence"] for entry in late["events"]]
    assert sequences == sorted(sequences)
    assert all(late["start"] <= entry["event"]["at"] < late["end"] for entry in late["events"])


async def test_a_trend_keeps_the_peak_and_shows_no_number_for_bad(gateway: Rig, http: httpx.AsyncClient) -> None:
    start = gateway.clock.now() + SECOND
    for value, quality in ((0.1, Quality.GOOD), (0.9, Quality.GOOD), (0.5, Quality.BAD)):
        gateway.clock.advance(SECOND)
        await gateway.tick(samples=[gateway.sample(1, value, quality)], after=0)
    await gateway.recorder.flush()
    url = f"/api/points/furnace.point_1/trend?start={start}&end={start + 4 * SECOND}"
    whole = strict((await http.get(f"{url}&buckets=1")).content)
    assert (whole["low"], whole["high"], whole["worst_quality"]) == ([0.1], [0.9], [int(Quality.BAD)])
    fine = strict((await http.get(f"{url}&buckets=4")).content)
    assert fine["mean"] == [0.1, 0.9, None]


async def test_a_trend_without_a_range_is_the_last_ten_minutes(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick(samples=[gateway.sample(1, 0.1)])
    gateway.clock.advance(9 * MINUTE)
    await gateway.tick(samples=[gateway.sample(1, 0.2)])
    gateway.clock.advance(2 * MINUTE)
    await gateway.recorder.flush()
    trend = (await http.get("/api/points/furnace.point_1/trend")).json()
    assert (trend["last"], trend["bucket"]) == ([0.2], SECOND)


async def test_a_point_that_has_not_spoken_has_an_empty_trend(http: httpx.AsyncClient) -> None:
    trend = (await http.get("/api/points/furnace.point_2/trend")).json()
    assert (trend["start"], trend["mean"]) == ([], [])


async def test_a_trend_of_nothing_is_not_found(http: httpx.AsyncClient) -> None:
    assert (await http.get("/api/points/furnace.nothing/trend")).status_code == 404


@pytest.mark.parametrize(
    ("query", "wrong"),
    [
        (f"start={MORNING}&end={MORNING - 1}", ["start", "end"]),
        (f"start={MORNING}&end={MORNING - 1}&buckets=0", ["start", "end", "buckets"]),
        ("buckets=5001", ["buckets"]),
        ("start=-1", ["start"]),
        (f"end={2**70}", ["end"]),
        ("start=yesterday&buckets=many", ["start", "buckets"]),
    ],
)
async def test_a_trend_that_cannot_be_is_refused_by_field(
    http: httpx.AsyncClient, query: str, wrong: list[str]
) -> None:
    answer = await http.get(f"/api/points/furnace.point_1/trend?{query}")
    assert answer.status_code == 422
    assert fields(answer) == wrong


async def test_points_have_a_number_only_where_it_may_be_read(gateway: Rig, http: httpx.AsyncClient) -> None:
    samples = [gateway.sample(0, 0.5), gateway.sample(1, 0.7, Quality.BAD)]
    await gateway.tick(samples=samples, after=0)
    assert strict((await http.get("/api/points")).content)["value"] == [0.5, None, None]
    await gateway.tick(after=MINUTE)
    columns = strict((await http.get("/api/points")).content)
    assert columns["value"] == [None, None, None]
    assert columns["quality"] == [int(Quality.STALE), int(Quality.BAD), int(Quality.BAD)]


async def test_the_plant_tells_words_and_limits_of_its_points(http: httpx.AsyncClient) -> None:
    plant = (await http.get("/api/plant")).json()
    assert plant["equipment"][0]["class_name"]["en"] == CRITERIA.classes["electric_arc_furnace"].name.en
    assert plant["points"][0]["states"][1] == [1, {"zh": "closed", "en": "closed"}]
    assert plant["points"][0]["limits"][0]["value"] == LIMITS["furnace.point_0"][0].value


async def test_coverage_is_asked_with_the_points_that_fail_now(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.tick(samples=[gateway.sample(0, 0.5), gateway.sample(2, 0.5)], after=0)
    (row,) = (await http.get("/api/coverage")).json()
    assert (row["status"], row["failed_points"]) == ("failed", ["furnace.point_1"])


async def test_events_are_read_on_from_a_sequence(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway)
    every = (await http.get("/api/events")).json()
    assert [entry["sequence"] for entry in every] == list(range(1, len(every) + 1))
    assert (await http.get("/api/events?after=2&limit=1")).json() == every[2:3]
    assert fields(await http.get("/api/events?after=-1&limit=0")) == ["after", "limit"]


async def test_health_counts_what_waits(gateway: Rig, http: httpx.AsyncClient) -> None:
    await raised(gateway, 2)
    since = gateway.clock.now()
    await gateway.tick({1: TRUE}, after=MINUTE)
    gateway.journal.is_full = True
    await gateway.tick({0: TRUE}, [gateway.sample(0, 1.0)], after=0)
    health = (await http.get("/api/health")).json()
    assert (health["unacknowledged"], health["oldest_unacknowledged"]) == (3, since)
    assert (health["points_not_good"], health["links"], health["links_up"]) == (2, 1, 0)
    assert "the disk is full" in health["journal_failure"]
    assert health["history_lag"] == gateway.loop.sequence


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/nothing", "/api/alarms/x/burn"])
async def test_an_unknown_route_is_answered_in_the_same_shape(http: httpx.AsyncClient, path: str) -> None:
    answer = await http.get(path)
    assert answer.status_code == 404
    assert fields(answer) == []


async def test_a_wrong_method_is_answered_in_the_same_shape(http: httpx.AsyncClient) -> None:
    answer = await http.delete("/api/alarms")
    assert answer.status_code == 405
    assert fields(answer) == []
