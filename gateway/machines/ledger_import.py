"""Hazards of a ledger that was kept elsewhere, as tickets: each once, in the state that the ledger gives it.

Decides from what it is given. The ledger's own words stay with the ticket; nothing here changes a ticket that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.clock import to_datetime
from gateway.errors import Problem, RequestRefused, wrong_field
from gateway.events.tickets import HazardSource, LedgerLine, TicketImported
from gateway.identity import identity
from gateway.machines import people
from gateway.machines.ticket import Step, Ticket
from gateway.plant.model import Plant, Text
from gateway.sample import SECOND, Instant


@dataclass(frozen=True, slots=True)
class Entry:
    """A line, and where it stands."""

    line: LedgerLine
    ticket: str
    """The ticket that its remark names; empty where it names none."""
    sheet: str
    row: int


@dataclass(frozen=True, slots=True)
class Import:
    """A whole ledger, and who hands it in."""

    file: str
    entries: Sequence[Entry]
    by: str
    comment: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What an import comes to."""

    events: tuple[TicketImported, ...]
    known: tuple[str, ...]
    """Tickets that were there already; they stay as they are."""


def take_over(plant: Plant, tickets: Mapping[str, Ticket], wanted: Import, now: Instant) -> Taken:
    """A ticket for every line that has none yet. Raises RequestRefused with everything that does not hold."""
    problems: list[Problem] = []
    if not people.key(wanted.by):
        problems.append(wrong_field("by", "导入人姓名 the name of who hands it in", "空 nothing"))
    events: list[TicketImported] = []
    known: list[str] = []
    rows: dict[str, Entry] = {}
    for entry in wanted.entries:
        ticket = entry.ticket or ticket_id(plant.site.id, entry.line)
        first = rows.setdefault(ticket, entry)
        there = tickets.get(ticket)
        if first is not entry:
            got = f"与“{first.sheet}”第 {first.row} 行相同 the same one"
            problems.append(_problem(wanted.file, entry, "每条隐患一次 each hazard once", got))
        elif there is None:
            events.append(_event(plant, ticket, entry, wanted, now))
        elif _is_same(there, entry.line):
            known.append(ticket)
        else:
            expected = f"工单 {ticket} 的隐患 its hazard ({there.title.zh})"
            problems.append(_problem(wanted.file, entry, expected, entry.line.title))
    if problems:
        raise RequestRefused(problems)
    return Taken(tuple(events), tuple(known))


def ticket_id(site: str, line: LedgerLine) -> str:
    """Of what makes a line the same hazard; what was done about it since does not."""
    said = (line.title, line.place, line.description, line.found_by, line.found_at)
    return "HD-" + identity(site, "ledger", *said)[:12]


def evolve(before: Ticket | None, event: TicketImported) -> Ticket:
    """The ticket that the line is; one that is there already stays as it is."""
    if before is not None:
        return before
    line = event.line
    return Ticket(
        id=event.ticket,
        state=line.state,
        grade=line.grade,
        rule="",
        equipment=event.equipment,
        area=event.area,
        clauses=(),
        title=Text(line.title, line.title),
        onset=line.found_at,
        filed_at=line.found_at,
        occurrences=(),
        recurrences=0,
        evidence_points=(),
        previous=None,
        responsible=line.responsible,
        due=line.due,
        # A ledger does not say who rectified; whoever was responsible does not recheck it either.
        rectified_by=line.responsible,
        steps=(Step(event.at, "imported", event.by, event.comment, note=f"{event.file} {event.sheet}!{event.row}"),),
        source=HazardSource.LEDGER,
        found_by=line.found_by,
        description=line.description,
        line=line,
    )


def _event(plant: Plant, ticket: str, entry: Entry, wanted: Import, now: Instant) -> TicketImported:
    area, equipment = _where(plant, entry.line.place)
    return TicketImported(
        id=identity(ticket, "imported"),
        at=now,
        ticket=ticket,
        area=area,
        equipment=equipment,
        line=entry.line,
        file=wanted.file,
        sheet=entry.sheet,
        row=entry.row,
        by=wanted.by,
        comment=wanted.comment,
    )


def _where(plant: Plant, place: str) -> tuple[str, str]:
    """Area and equipment that the place names, the longest name first; empty where it names none."""
    named = [each for each in plant.equipment if each.name.zh in place or each.id == place]
    if named:
        best = max(named, key=lambda each: len(each.name.zh))
        return best.area, best.id
    areas = [each for each in plant.areas if each.name.zh in place or each.id == place]
    return (max(areas, key=lambda each: len(each.name.zh)).id if areas else ""), ""


def _is_same(there: Ticket, line: LedgerLine) -> bool:
    """Whether a ticket that a line names is what the line tells of; a ledger knows seconds at best."""
    moments = {there.filed_at // SECOND, there.onset // SECOND}
    days = {to_datetime(Instant(moment * SECOND)).date() for moment in moments}
    found = line.found_at // SECOND
    return there.title.zh == line.title and (found in moments or to_datetime(line.found_at).date() in days)


def _problem(file: str, entry: Entry, expected: str, got: str) -> Problem:
    return Problem(file, entry.row, 0, f"{entry.sheet}!{entry.row}", expected, got)
