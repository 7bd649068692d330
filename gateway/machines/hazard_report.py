"""What files a ticket: a breach that a sensor saw, or a hazard that a person found.

Decides from what it is given; files the same thing once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import IllegalTransition, Problem, RequestRefused, wrong_field
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.tickets import (
    Attachment,
    HazardSource,
    TicketAttached,
    TicketEscalated,
    TicketFiled,
    TicketRecurred,
    TicketReported,
)
from gateway.identity import identity
from gateway.machines import escalation, people
from gateway.machines.ticket import Ticket
from gateway.plant.duty import Rung
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant

MOST_ATTACHMENTS = 100
"""Beside one ticket."""

MAY_BE_ANONYMOUS = frozenset({HazardSource.INTERNAL_REPORT, HazardSource.PUBLIC_REPORT})

INSPECTIONS = frozenset({HazardSource.COUNTY_INSPECTION, HazardSource.CROSS_INSPECTION, HazardSource.CITY_INSPECTION})
"""Somebody from outside inspected, and is named (检查单位)."""


@dataclass(frozen=True, slots=True)
class Filing:
    """What the rule and the plant say of a breach, for its ticket."""

    site: str
    area: str
    grade: TicketGrade
    evidence_points: tuple[str, ...]
    standing: Ticket | None
    previous: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """A hazard as a person files it (排查登记)."""

    source: HazardSource
    by: str
    title: str
    description: str
    grade: TicketGrade
    area: str = ""
    equipment: str = ""
    clauses: tuple[str, ...] = ()
    unit: str = ""
    found_at: Instant | None = None
    """Now, if left out."""
    anonymous: bool = False
    previous: str = ""
    """The closed ticket of the same hazard, where the person knows of it."""


def on_alarm(alarm: AlarmRaised, filing: Filing) -> Event:
    """A breach files one ticket; while that stands, a recurrence adds to it."""
    if filing.standing is not None:
        return TicketRecurred(
            id=identity(filing.standing.id, "recurred", alarm.occurrence),
            at=alarm.at,
            ticket=filing.standing.id,
            occurrence=alarm.occurrence,
            onset=alarm.onset,
            rule_hash=alarm.rule_hash,
        )
    ticket = "HD-" + identity(filing.site, "ticket", alarm.occurrence)[:12]
    return TicketFiled(
        id=identity(ticket, "filed"),
        at=alarm.at,
        ticket=ticket,
        rule=alarm.alarm,
        equipment=alarm.equipment,
        area=filing.area,
        clauses=alarm.clauses,
        grade=filing.grade,
        title=alarm.title,
        occurrence=alarm.occurrence,
        onset=alarm.onset,
        evidence_points=filing.evidence_points,
        previous=filing.previous,
        rule_hash=alarm.rule_hash,
    )


@dataclass(frozen=True, slots=True)
class Places:
    """What a report may be about."""

    site: str
    areas: frozenset[str]
    area_of: Mapping[str, str]
    """Area by equipment."""


def report(places: Places, tickets: Mapping[str, Ticket], of: Report, now: Instant) -> TicketReported:
    """The event of a hazard that a person found.

    Raises RequestRefused with everything that does not hold, IllegalTransition for one that is filed already.
    """
    problems = [*_who(of), *_where(of, places), *_what(of, tickets, now)]
    if problems:
        raise RequestRefused(problems)
    found_at = now if of.found_at is None else of.found_at
    area = of.area or places.area_of[of.equipment]
    said = (of.source, people.key(of.by), area, of.equipment, of.title, of.description, found_at)
    ticket = "HD-" + identity(places.site, "report", *said)[:12]
    if ticket in tickets:
        raise IllegalTransition("hazard", of.title, f"filed already as {ticket}", "report", ())
    return TicketReported(
        id=identity(ticket, "reported"),
        at=now,
        ticket=ticket,
        source=of.source,
        by="" if of.anonymous else of.by,
        anonymous=of.anonymous,
        unit=of.unit,
        area=area,
        equipment=of.equipment,
        clauses=of.clauses,
        grade=of.grade,
        title=Text(of.title, of.title),
        description=of.description,
        found_at=found_at,
        previous=of.previous or _returned(of, area, tickets),
    )


def _returned(of: Report, area: str, tickets: Mapping[str, Ticket]) -> str | None:
    """The latest closed ticket of the same name at the same place."""
    same = [
        each
        for each in tickets.values()
        if not each.standing and (each.area, each.equipment, each.title.zh) == (area, of.equipment, of.title)
    ]
    return max(same, key=lambda each: (each.filed_at, each.id)).id if same else None


def _who(of: Report) -> list[Problem]:
    problems = []
    if of.source in (HazardSource.SENSOR, HazardSource.LEDGER):
        expected = "a person's source; what a sensor saw and what a ledger held the gateway files by itself"
        problems.append(wrong_field("source", expected, of.source))
    if of.anonymous and of.source not in MAY_BE_ANONYMOUS:
        expected = f"a name, unless the source is one of [{', '.join(sorted(MAY_BE_ANONYMOUS))}]"
        problems.append(wrong_field("anonymous", expected, of.source))
    if of.anonymous and people.key(of.by):
        problems.append(wrong_field("by", "no name with an anonymous report", of.by))
    if not of.anonymous and not people.key(of.by):
        problems.append(wrong_field("by", "the name of the person who found it (排查人)", "nothing"))
    if of.source in INSPECTIONS and not of.unit.strip():
        problems.append(wrong_field("unit", "who inspected (检查单位)", "nothing"))
    return problems


def _where(of: Report, places: Places) -> list[Problem]:
    problems = []
    if of.equipment and of.equipment not in places.area_of:
        problems.append(wrong_field("equipment", "equipment of the plant file", of.equipment))
    if of.area and of.area not in places.areas:
        expected = f"an area of the plant file, one of [{', '.join(sorted(places.areas))}]"
        problems.append(wrong_field("area", expected, of.area))
    if not of.area and not of.equipment:
        problems.append(wrong_field("area", "the area or the equipment where it is (所在位置)", "nothing"))
    if not problems and of.area and of.equipment and places.area_of[of.equipment] != of.area:
        problems.append(wrong_field("area", f"{places.area_of[of.equipment]}, where {of.equipment} is", of.area))
    return problems


def _what(of: Report, tickets: Mapping[str, Ticket], now: Instant) -> list[Problem]:
    problems = []
    for name, value, expected in (
        ("title", of.title, "what the hazard is called (隐患名称)"),
        ("description", of.description, "what was found (隐患描述)"),
    ):
        if not value.strip():
            problems.append(wrong_field(name, expected, "nothing"))
    if of.found_at is not None and of.found_at > now:
        problems.append(wrong_field("found_at", "a time that is not in the future", str(of.found_at)))
    if of.previous:
        before = tickets.get(of.previous)
        if before is None or before.standing:
            got = of.previous if before is None else f"{of.previous}, which stands"
            problems.append(wrong_field("previous", "the id of a closed ticket", got))
    return problems


def attach(ticket: Ticket, file: Attachment, by: str, comment: str, now: Instant) -> Event:
    """The event of a stored file beside a ticket.

    Raises IllegalTransition for a ticket that is closed and a file that is there already, RequestRefused for nobody.
    """
    if not ticket.standing:
        raise IllegalTransition("ticket", ticket.id, ticket.words, "attach", ())
    if any(each.file.sha256 == file.sha256 for each in ticket.attachments):
        raise IllegalTransition("attachment", file.sha256, "attached already", "attach", ())
    problems = [] if people.key(by) else [wrong_field("by", "the name of the person who attaches it", "nothing")]
    if len(ticket.attachments) >= MOST_ATTACHMENTS:
        problems.append(wrong_field("file", f"at most {MOST_ATTACHMENTS} files beside a ticket", "one more"))
    if problems:
        raise RequestRefused(problems)
    return TicketAttached(
        id=identity(ticket.id, "attached", file.sha256),
        at=now,
        ticket=ticket.id,
        attachment=file,
        by=by,
        comment=comment,
    )


def overdue(ticket: Ticket, ladder: tuple[Rung, ...], now: Instant) -> list[Event]:
    """Who is told by now of a ticket past its deadline, and was not before; lowest first."""
    if not ticket.standing or now < ticket.deadline:
        return []
    return [
        TicketEscalated(
            id=identity(ticket.id, "escalated", rung.level, ticket.deadline),
            at=now,
            ticket=ticket.id,
            level=rung.level,
            grade=ticket.grade,
            title=ticket.title,
            equipment=ticket.equipment,
            area=ticket.area,
            responsible=ticket.responsible,
            due=ticket.deadline,
            waited=now - ticket.deadline,
        )
        for rung in escalation.due(ticket.id, ladder, ticket.deadline, ticket.told, now)
    ]
