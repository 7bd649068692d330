"""The alarm system's figures over HTTP, equal to what a person counted from the journal."""

from __future__ import annotations

import httpx

from gateway.episodes import episodes
from gateway.event import Event
from gateway.events.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised
from gateway.events.annunciation import AlarmShelved, AlarmUnshelved, UnshelvedBecause
from gateway.kpi import DAY
from gateway.plant.model import Text
from gateway.rule import Priority
from gateway.sample import SECOND, Instant
from tests.api.support import Rig, strict

MINUTE = 60 * SECOND
START = Instant(1_700_000_000 * SECOND)


def at(minutes: float) -> Instant:
    return Instant(START + round(minutes * MINUTE))


def raised(alarm: str, when: float, priority: Priority = Priority.LOW, *, annunciated: bool = True) -> AlarmRaised:
    occurrence = f"{alarm}/{when}"
    return AlarmRaised(
        id=occurrence + "r", at=at(when), alarm=alarm, occurrence=occurrence, equipment="e", clauses=(),
        title=Text(alarm, alarm), priority=priority, onset=at(when), first_out=False, annunciated=annunciated,
        latching=False, readings=(), rule_hash="h",
    )  # fmt: skip


def cleared(of: AlarmRaised, when: float) -> Event:
    return AlarmCleared(id=of.occurrence + "c", at=at(when), alarm=of.alarm, occurrence=of.occurrence)


def seen(of: AlarmRaised, when: float) -> Event:
    return AlarmAcknowledged(
        id=of.occurrence + "a", at=at(when), alarm=of.alarm, occurrence=of.occurrence, by="王", comment=""
    )


def story() -> list[Event]:
    """An hour that a person can count: one alarm stands from the day before, a burst of twelve, one that chatters."""
    old = raised("old", -25 * 60, Priority.HIGH)
    burst = [raised(f"burst{number:02}", 20 + number / 4, Priority.MEDIUM) for number in range(12)]
    quick = [raised("chatter", 50 + number / 6) for number in range(3)]
    brief = raised("brief", 55)
    hidden = raised("hidden", 30, Priority.CRITICAL, annunciated=False)
    shelved = AlarmShelved(
        id="s", at=at(1), alarm="hidden", occurrence="", by="王", second="李", comment="x", until=at(45), one_shot=False
    )
    back = AlarmUnshelved(
        id="u", at=at(45), alarm="hidden", occurrence=hidden.occurrence,
        because=UnshelvedBecause.EXPIRED, by="", comment="",
    )  # fmt: skip
    events: list[Event] = [old, shelved, *burst, hidden, back, *quick, brief, raised("after", 61)]
    events += [seen(burst[0], 22), seen(burst[1], 24.25), cleared(burst[0], 40)]
    events += [cleared(each, 50 + number / 6 + 0.05) for number, each in enumerate(quick)]
    events.append(cleared(brief, 55.1))
    return sorted(events, key=lambda event: event.at)


async def asked(gateway: Rig, http: httpx.AsyncClient, **period: int) -> dict:
    answer = await http.get("/api/figures", params=period)
    assert answer.status_code == 200
    return strict(answer.content)


async def test_the_figures_are_what_a_person_counts(gateway: Rig, http: httpx.AsyncClient) -> None:
    await gateway.journal.commit(story(), ())
    await gateway.services.figures.catch_up()
    view = await asked(gateway, http, start=at(0), end=at(60))
    found = view["figures"]
    assert found["annunciations"] == 12 + 1 + 3 + 1, "not what stood before, not what was shelved until it was told"
    assert found["priorities"] == {"critical": 1, "high": 0, "medium": 12, "low": 4}
    assert round(view["per_operator_ten_minutes"], 3) == round(17 / 6, 3)
    assert (found["slots"], found["slots_above"], found["busiest_slot"]) == (6, 1, 12)
    (flood,) = found["floods"]
    assert (flood["start"], flood["alarms"], flood["peak"]) == (at(22.5), 12, 12)
    assert flood["end"] == at(31.75), "when the eighth of the twelve leaves the ten minutes"
    assert (found["chattering"], found["fleeting"]) == (1, 1)
    assert (found["stale"], found["standing_at_start"], found["standing_at_end"]) == (1, 1, 13)
    assert (found["acknowledged"], found["longest_to_acknowledge"]) == (2, 4 * MINUTE)
    assert found["median_to_acknowledge"] == 3 * MINUTE
    assert view["complete"]
    assert {each["alarm"] for each in view["names"]} >= {"old", "chatter", "hidden"}


async def test_a_period_that_cannot_be_is_refused(gateway: Rig, http: httpx.AsyncClient) -> None:
    answer = await http.get("/api/figures", params={"start": 10, "end": 5})
    assert answer.status_code == 422
    assert [each["field"] for each in strict(answer.content)["problems"]] == ["end"]
    assert (await http.get("/api/figures", params={"end": -1})).status_code == 422


async def test_without_a_period_it_is_the_last_day(gateway: Rig, http: httpx.AsyncClient) -> None:
    found = (await asked(gateway, http))["figures"]
    assert found["end"] - found["start"] == DAY


async def test_a_flood_is_said_while_it_lasts(gateway: Rig, http: httpx.AsyncClient) -> None:
    figures, now = gateway.services.figures, gateway.clock.now()
    for number in range(11):
        event = raised(f"a{number}", 0)
        figures.feed(AlarmRaised(**{name: getattr(event, name) for name in event.__dataclass_fields__} | {"at": now}))
    health = (await http.get("/api/health")).json()
    assert health["last_ten_minutes"] == 11
    assert health["flood_since"] == now
    assert figures.flood_since(Instant(now + 10 * MINUTE)) is None


def test_what_was_acknowledged_or_gone_before_the_suppression_ended_was_never_told() -> None:
    for end in (seen, cleared):
        hidden = raised("hidden", 30, annunciated=False)
        shelved, back = [each for each in story() if each.kind in ("alarm.shelved", "alarm.unshelved")]
        assert episodes([shelved, hidden, end(hidden, 31), back]) == []
