"""What one shift tells the next (交接班): a pack of everything that is not as it should be. Pure; changes nothing."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from enum import StrEnum

from gateway.api.report import local_time
from gateway.api.schema import AlarmView, LinkView, TicketView
from gateway.driver import LinkState
from gateway.events.presence import HandoverLine
from gateway.interlock_alarms import InterlockAlarm
from gateway.machines.alarm import AlarmStateName
from gateway.machines.bypass import Bypass
from gateway.machines.duty_check import DutyCheck
from gateway.plant.model import Text
from gateway.rule import InterlockInstance
from gateway.sample import Instant
from gateway.words import term

MOST_LINES = 1_000
"""In one pack; the sections come in the order of their weight, and what is beyond is counted."""

_DISENGAGED = ".interlock_disengaged"
"""Rules of this name find an interlock that is bypassed or out of service."""

_OF_BYPASSES = (InterlockAlarm.BYPASSED, InterlockAlarm.BYPASS_NEARLY_OVER, InterlockAlarm.BYPASS_OVERSTAYED)


class HandoverSection(StrEnum):
    """In the order in which people must hear of it."""

    STANDING = "standing"
    BYPASSED = "bypassed"
    OUT_OF_SERVICE = "out_of_service"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    CANNOT_TELL = "cannot_tell"
    SILENT = "silent"
    OVERDUE = "overdue"
    UNANSWERED = "unanswered"


SECTIONS: Mapping[HandoverSection, Text] = {
    HandoverSection.STANDING: Text("当前报警", "Standing alarms"),
    HandoverSection.BYPASSED: Text("联锁旁路或未投入", "Interlocks bypassed or out of service"),
    HandoverSection.OUT_OF_SERVICE: Text("停用的报警", "Alarms out of service"),
    HandoverSection.SHELVED: Text("搁置的报警", "Shelved alarms"),
    HandoverSection.SUPPRESSED: Text("设计抑制的报警", "Alarms suppressed by design"),
    HandoverSection.CANNOT_TELL: Text("无法判断的报警", "Alarms that cannot be evaluated"),
    HandoverSection.SILENT: Text("无应答的设备", "Silent devices"),
    HandoverSection.OVERDUE: Text("超期隐患", "Overdue hazard tickets"),
    HandoverSection.UNANSWERED: Text("未应答的查岗", "Unanswered duty checks"),
}


@dataclass(frozen=True, slots=True)
class SectionCount:
    """A section of a pack, named even where nothing is in it: silence about it would say nothing."""

    section: HandoverSection
    title: Text
    lines: int


@dataclass(frozen=True, slots=True)
class HandoverPack:
    """What the next shift has to know of, as of one moment."""

    site: Text
    at: Instant
    sections: tuple[SectionCount, ...]
    lines: tuple[HandoverLine, ...]
    left_out: int
    """Lines beyond what one pack holds."""
    digest: str
    """SHA-256 of the lines: both persons sign the same."""


def pack(
    site: Text,
    alarms: Sequence[AlarmView],
    tickets: Sequence[TicketView],
    links: Sequence[LinkView],
    checks: Sequence[DutyCheck],
    bypasses: Sequence[tuple[InterlockInstance, Bypass]],
    now: Instant,
) -> HandoverPack:
    """Everything that the next shift has to know of, by section, the oldest first in each."""
    found = [*_alarms(alarms), *_silent(links), *_overdue(tickets, now), *_unanswered(checks), *_bypassed(bypasses)]
    order = {section.value: place for place, section in enumerate(HandoverSection)}
    found.sort(key=lambda line: (order[line.section], line.since, line.subject))
    lines = tuple(found[:MOST_LINES])
    left_out = len(found) - len(lines)
    return HandoverPack(site, now, counted(lines), lines, left_out, digest_of(lines, left_out))


def counted(lines: Sequence[HandoverLine]) -> tuple[SectionCount, ...]:
    """Every section in its order, with how many of these lines are in it."""
    found = Counter(line.section for line in lines)
    return tuple(SectionCount(section, title, found[section.value]) for section, title in SECTIONS.items())


def digest_of(lines: Sequence[HandoverLine], left_out: int) -> str:
    """SHA-256 of the lines in canonical JSON."""
    content = [[astuple(line) for line in lines], left_out]
    return hashlib.sha256(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def _alarms(alarms: Sequence[AlarmView]) -> Iterator[HandoverLine]:
    for alarm in alarms:
        if alarm.state is not AlarmStateName.NORMAL:
            bypass = alarm.rule.endswith(_DISENGAGED) or alarm.rule in _OF_BYPASSES
            section = HandoverSection.BYPASSED if bypass else HandoverSection.STANDING
            heard = f"确认 {alarm.acknowledged_by}" if alarm.acknowledged_by else ""
            state = _joined(term(alarm.priority.value), term(alarm.state.value), heard)
            yield HandoverLine(section, alarm.id, alarm.title, Instant(alarm.raised_at or 0), state)
        if (held := alarm.removal) is not None:
            note = _joined(held.permit, held.comment, held.by, held.second)
            yield HandoverLine(HandoverSection.OUT_OF_SERVICE, alarm.id, alarm.title, held.since, note)
        if (shelf := alarm.shelf) is not None:
            note = _joined(shelf.comment, shelf.by, shelf.second, f"至 {local_time(shelf.until, precise=False)}")
            yield HandoverLine(HandoverSection.SHELVED, alarm.id, alarm.title, shelf.since, note)
        if (since := alarm.suppressed_since) is not None:
            yield HandoverLine(HandoverSection.SUPPRESSED, alarm.id, alarm.title, Instant(since), "")
        if alarm.unknown:
            note = term(alarm.priority.value)
            yield HandoverLine(HandoverSection.CANNOT_TELL, alarm.id, alarm.title, Instant(alarm.onset or 0), note)


def _bypassed(bypasses: Sequence[tuple[InterlockInstance, Bypass]]) -> Iterator[HandoverLine]:
    for row, bypass in bypasses:
        until = f"至 {local_time(bypass.until, precise=False)}"
        note = _joined(
            bypass.permit, bypass.comment, f"补偿措施 {bypass.measure}", bypass.by, f"批准 {bypass.approved_by}", until
        )
        yield HandoverLine(HandoverSection.BYPASSED, row.id, row.name, bypass.since, note)


def _silent(links: Sequence[LinkView]) -> Iterator[HandoverLine]:
    for link in links:
        if link.state is not LinkState.UP:
            note = _joined(link.reason, link.detail)
            yield HandoverLine(HandoverSection.SILENT, link.device, link.name, Instant(link.since), note)


def _overdue(tickets: Sequence[TicketView], now: Instant) -> Iterator[HandoverLine]:
    for ticket in tickets:
        if ticket.actions and ticket.deadline < now:
            due = f"期限 {local_time(ticket.deadline, precise=False)}"
            note = _joined(term(ticket.grade.value), ticket.responsible, due)
            yield HandoverLine(HandoverSection.OVERDUE, ticket.id, ticket.title, Instant(ticket.deadline), note)


def _unanswered(checks: Sequence[DutyCheck]) -> Iterator[HandoverLine]:
    for check in checks:
        if check.standing:
            title, note = Text("查岗", "Duty check"), f"期限 {local_time(check.deadline, precise=False)}"
            yield HandoverLine(HandoverSection.UNANSWERED, check.id, title, check.asked_at, note)


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
