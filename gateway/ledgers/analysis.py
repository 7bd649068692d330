"""Where hazards gather and whether they are mended in time: by area, equipment, rule, unit, source, clause and month.

Pure, over the tickets as they are folded. What a share is of stands beside it; of nothing there is no share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.ledgers.account import Account
from gateway.ledgers.filling import Filling
from gateway.ledgers.form import Share, china
from gateway.sample import SECOND, Instant

DAY = 86_400 * SECOND
NOBODY = "未指定"
"""Unit of a hazard that nobody has been made responsible for."""


class Dimension(StrEnum):
    """By what hazards are counted."""

    AREA = "area"
    EQUIPMENT = "equipment"
    RULE = "rule"
    """What found it: the rule of the sensor's, the name of a person's."""
    UNIT = "unit"
    """Who is responsible for the rectification."""
    SOURCE = "source"
    CLAUSE = "clause"
    GRADE = "grade"
    MONTH = "month"
    """Of its filing."""


@dataclass(frozen=True, slots=True)
class Tally:
    """The hazards of one kind that were filed in the period, as they stand at its end or now."""

    name: str
    found: int
    """Without false alarms; so is everything below but `false_alarms`."""
    major: int
    false_alarms: int
    mended: int
    """Written off."""
    due: int
    """Those whose deadline has decided: rectified, or past it."""
    on_time: int
    """Of those, rectified no later than the deadline that was agreed at last, or else than the notices allow."""
    overdue: int
    """Past the deadline and not rectified."""
    recurrences: int
    """Times that the condition came back while the ticket stood."""
    returned: int
    """Hazards that had been written off once already."""
    days: float | None
    """Mean days from filing to rectification; None where none was rectified."""

    @property
    def mended_share(self) -> Share:
        """整改率."""
        return Share(self.mended, self.found)

    @property
    def on_time_share(self) -> Share:
        """按期整改率."""
        return Share(self.on_time, self.due)


@dataclass(frozen=True, slots=True)
class Analysis:
    """The whole, and its parts by each dimension, what was found most first; months in their order."""

    total: Tally
    parts: Mapping[Dimension, tuple[Tally, ...]]


def analysed(given: Filling) -> Analysis:
    """Count the tickets that were filed in the period."""
    found = [each for each in given.found if each.found_at < given.until]
    parts = {dimension: _parts(found, names, dimension, given.until) for dimension, names in _NAMES.items()}
    return Analysis(_tally("合计", found, given.until), parts)


def _parts(
    found: Sequence[Account], names: Callable[[Account], Iterable[str]], dimension: Dimension, until: Instant
) -> tuple[Tally, ...]:
    groups: dict[str, list[Account]] = {}
    for each in found:
        for name in names(each):
            groups.setdefault(name, []).append(each)
    tallies = [_tally(name, group, until) for name, group in groups.items()]
    if dimension is Dimension.MONTH:
        return tuple(sorted(tallies, key=lambda tally: tally.name))
    return tuple(sorted(tallies, key=lambda tally: (-tally.found, -tally.false_alarms, tally.name)))


def _tally(name: str, group: Sequence[Account], until: Instant) -> Tally:
    true = [each for each in group if not each.is_false_alarm]
    rectified = [(each, at) for each in true if (at := each.rectified_at) is not None and at < until]
    done = {each.ticket.id for each, _ in rectified}
    on_time = sum(at <= each.ticket.deadline for each, at in rectified)
    overdue = sum(each.ticket.deadline < until and each.ticket.id not in done for each in true)
    days = [(at - each.found_at) / DAY for each, at in rectified]
    return Tally(
        name=name,
        found=len(true),
        major=sum(each.is_major for each in true),
        false_alarms=len(group) - len(true),
        mended=sum(each.mended_by(until) for each in true),
        due=len(rectified) + overdue,
        on_time=on_time,
        overdue=overdue,
        recurrences=sum(each.ticket.recurrences for each in true),
        returned=sum(each.ticket.previous is not None for each in true),
        days=sum(days) / len(days) if days else None,
    )


_NAMES: Mapping[Dimension, Callable[[Account], Iterable[str]]] = {
    Dimension.AREA: lambda each: (each.area,),
    Dimension.EQUIPMENT: lambda each: (each.equipment or "—",),
    Dimension.RULE: lambda each: (each.ticket.title.zh,),
    Dimension.UNIT: lambda each: (each.unit or NOBODY,),
    Dimension.SOURCE: lambda each: (each.source,),
    Dimension.CLAUSE: lambda each: each.ticket.clauses or ("—",),
    Dimension.GRADE: lambda each: ("重大" if each.is_major else "一般",),
    Dimension.MONTH: lambda each: (f"{china(each.found_at):%Y-%m}",),
}
"""What a hazard is counted under; one of several clauses counts under each."""
