"""Hazards that people find: named or anonymous, in a place of the plant, filed once; and what is put beside them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import IllegalTransition, RequestRefused
from gateway.events.tickets import Attachment, HazardSource, TicketAction, TicketEscalated, TicketReported, TicketState
from gateway.machines import hazard_report, ticket
from gateway.machines.hazard_report import MOST_ATTACHMENTS, Places, Report
from gateway.machines.ticket import Ticket
from gateway.plant.duty import Level, Rung
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from gateway.store import DAY
from tests.machines.tickets import NOW, filed, full, moved, through

PLACES = Places("demo", frozenset({"melt", "gas"}), {"furnace": "melt", "holder": "gas"})
FOUND = Report(
    HazardSource.DAILY_CHECK,
    "王班长",
    "护栏缺失",
    "炉前平台东侧护栏缺失约 2 m",
    TicketGrade.ORDINARY,
    "melt",
    "furnace",
)
PHOTO = Attachment("ab" * 32, "护栏.jpg", "image/jpeg", 1234)
LADDER = (Rung(Level.SHIFT_LEADER, 0), Rung(Level.SAFETY_MANAGER, DAY))


def reported(of: Report = FOUND, tickets: dict[str, Ticket] | None = None, now: Instant = NOW) -> Ticket:
    event = hazard_report.report(PLACES, tickets or {}, of, now)
    opened = ticket.evolve(None, event)
    assert opened is not None
    return opened


def refusals(of: Report, tickets: dict[str, Ticket] | None = None) -> list[str]:
    with pytest.raises(RequestRefused) as refused:
        hazard_report.report(PLACES, tickets or {}, of, NOW)
    return [problem.field for problem in refused.value.problems]


def closed(of: Ticket) -> Ticket:
    return replace(of, state=TicketState.WRITTEN_OFF)


def test_what_a_check_finds_is_registered_by_who_found_it() -> None:
    found = reported()
    assert (found.state, found.found_by, found.area, found.equipment) == (
        TicketState.REGISTERED, "王班长", "melt", "furnace",
    )  # fmt: skip
    assert (found.title.zh, found.rule, found.occurrences) == ("护栏缺失", "", ())
    assert found.steps[0].action == "reported"


@pytest.mark.parametrize("source", list(HazardSource))
def test_only_reports_may_be_anonymous_and_they_are_suspected_until_somebody_confirms(source: HazardSource) -> None:
    nameless = replace(FOUND, source=source, by="", anonymous=True, unit="市局")
    if source not in (HazardSource.INTERNAL_REPORT, HazardSource.PUBLIC_REPORT):
        assert "anonymous" in refusals(nameless)
        return
    found = reported(nameless)
    assert (found.state, found.found_by) == (TicketState.SUSPECTED, "")
    assert refusals(replace(nameless, by="王")) == ["by"], "a name would be kept for ever"
    assert refusals(replace(nameless, anonymous=False)) == ["by"]


def test_nobody_files_in_the_name_of_a_sensor() -> None:
    assert refusals(replace(FOUND, source=HazardSource.SENSOR)) == ["source"]


def test_an_inspection_says_who_inspected() -> None:
    assert refusals(replace(FOUND, source=HazardSource.CROSS_INSPECTION)) == ["unit"]
    assert reported(replace(FOUND, source=HazardSource.CROSS_INSPECTION, unit="定襄县")).unit == "定襄县"


def test_a_report_that_says_too_little_hears_of_everything_at_once() -> None:
    nothing = Report(
        HazardSource.CITY_INSPECTION, " ", "", " ", TicketGrade.MAJOR, found_at=Instant(NOW + 1), previous="HD-0"
    )
    assert refusals(nothing) == ["by", "unit", "area", "title", "description", "found_at", "previous"]


@pytest.mark.parametrize(
    ("area", "equipment", "wrong"),
    [
        ("", "furnace", []),
        ("gas", "", []),
        ("moon", "", ["area"]),
        ("", "rocket", ["equipment"]),
        ("moon", "rocket", ["equipment", "area"]),
        ("gas", "furnace", ["area"]),
    ],
)
def test_a_hazard_is_at_a_place_of_the_plant(area: str, equipment: str, wrong: list[str]) -> None:
    there = replace(FOUND, area=area, equipment=equipment)
    if wrong:
        assert refusals(there) == wrong
    else:
        assert reported(there).area == (area or "melt")


def test_the_same_hazard_is_filed_once_and_the_second_time_names_the_first() -> None:
    first = reported(replace(FOUND, found_at=NOW))
    with pytest.raises(IllegalTransition, match=first.id):
        reported(replace(FOUND, found_at=NOW, by=" 王班长 "), {first.id: first}, Instant(NOW + SECOND))
    assert reported(replace(FOUND, found_at=Instant(NOW - 1)), {first.id: first}).id != first.id


def test_a_hazard_that_returns_after_its_write_off_opens_a_new_ticket_that_names_the_old() -> None:
    first = closed(reported())
    later = Instant(NOW + DAY)
    assert reported(FOUND, {first.id: first}, later).previous == first.id
    assert reported(replace(FOUND, title="积水"), {first.id: first}, later).previous is None
    named = replace(FOUND, title="护栏又缺失", previous=first.id)
    assert reported(named, {first.id: first}, later).previous == first.id
    assert refusals(named, {first.id: reported()}) == ["previous"], "the old one stands"


def test_a_persons_ticket_goes_the_same_way_as_a_sensors() -> None:
    done = moved(reported(), full(TicketAction.ASSIGN))
    assert done.state is TicketState.RECTIFYING


def test_a_file_is_attached_once_to_a_ticket_that_stands_by_a_named_person() -> None:
    standing = filed()
    event = hazard_report.attach(standing, PHOTO, "王", "整改前", NOW)
    held = ticket.evolve(standing, event)
    assert held is not None
    assert [each.file for each in held.attachments] == [PHOTO]
    with pytest.raises(IllegalTransition, match="attached already"):
        hazard_report.attach(held, PHOTO, "赵", "", NOW)
    with pytest.raises(RequestRefused):
        hazard_report.attach(standing, PHOTO, " ", "", NOW)
    full_up = replace(standing, attachments=held.attachments * MOST_ATTACHMENTS)
    with pytest.raises(RequestRefused):
        hazard_report.attach(full_up, replace(PHOTO, sha256="cd" * 32), "王", "", NOW)


@pytest.mark.parametrize("state", list(TicketState))
def test_files_are_put_beside_every_ticket_that_stands_and_no_other(state: TicketState) -> None:
    there = replace(filed(), state=state)
    if there.standing:
        assert hazard_report.attach(there, PHOTO, "王", "", NOW).kind == "ticket.attached"
        return
    with pytest.raises(IllegalTransition):
        hazard_report.attach(there, PHOTO, "王", "", NOW)


def told(standing: Ticket, now: int) -> tuple[list[str], Ticket]:
    levels = []
    for event in hazard_report.overdue(standing, LADDER, Instant(now)):
        assert isinstance(event, TicketEscalated)
        levels.append(event.level.value)
        standing = ticket.evolve(standing, event) or standing
    return levels, standing


def test_an_overdue_ticket_climbs_rung_by_rung_and_tells_each_once() -> None:
    standing = through("register", "assess", "assign")
    assert standing.due is not None
    assert told(standing, standing.due - 1)[0] == []
    levels, standing = told(standing, standing.due or 0)
    assert levels == ["shift_leader"]
    assert told(standing, (standing.due or 0) + DAY - 1)[0] == []
    levels, standing = told(standing, (standing.due or 0) + DAY)
    assert levels == ["safety_manager"]
    assert told(standing, (standing.due or 0) + 90 * DAY)[0] == []


def test_a_ticket_that_nobody_takes_up_is_late_at_its_limit_and_an_extension_begins_the_climb_anew() -> None:
    standing = filed()
    assert told(standing, standing.limit)[0] == ["shift_leader"]
    late = told(through("register", "assess", "assign"), NOW + SECOND)[1]
    later = moved(late, full(TicketAction.EXTEND))
    assert (late.told, later.told) == (Level.SHIFT_LEADER, None)
    assert told(later, NOW + DAY)[0] == ["shift_leader"]


def test_a_closed_ticket_is_never_late() -> None:
    done = closed(through("register", "assess", "assign"))
    assert told(done, NOW + 90 * DAY)[0] == []


def test_what_a_person_reports_keeps_nothing_of_an_anonymous_name() -> None:
    event = hazard_report.report(
        PLACES, {}, replace(FOUND, source=HazardSource.INTERNAL_REPORT, by="", anonymous=True), NOW
    )
    assert isinstance(event, TicketReported)
    assert (event.by, event.anonymous) == ("", True)
