"""What a form is: a title, lines above and below, columns as they are printed, and rows. Knows no workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from gateway.clock import to_datetime
from gateway.plant.risk import RiskColour
from gateway.sample import Instant

CHINA = timezone(timedelta(hours=8))
"""Forms carry China's time, which keeps one zone."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """A cell that a person fills in, with what the system can say already."""

    known: str = ""


@dataclass(frozen=True, slots=True)
class Coloured:
    """A cell in one of the four colours."""

    text: str
    colour: RiskColour


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many; of none at all there is no share."""

    part: int
    whole: int

    @property
    def ratio(self) -> float | None:
        return self.part / self.whole if self.whole else None


Cell = str | int | date | datetime | ByHand | Coloured | Share
BY_HAND = ByHand()
Line = tuple[str, ...]
"""Texts beside each other, over the whole width."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int
    """Characters of the Latin width."""
    group: str = ""
    """Title over neighbouring columns of the same group."""
    joined: bool = False
    """Whether the same text in neighbouring rows is one cell."""


@dataclass(frozen=True, slots=True)
class Form:
    """One filled form."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    annex: str = ""
    """Which attachment of its notice it is, printed over the title."""
    above: tuple[Line, ...] = ()
    below: tuple[Line, ...] = ()
    """Printed, as the notice has it."""
    remarks: tuple[str, ...] = ()
    """To whoever fills the form in; under the form, and not printed."""
    sheet: str = ""
    """Name of the sheet; the title where there is none."""


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to `end`, which is not in it."""

    start: Instant
    end: Instant

    def holds(self, at: Instant | None) -> bool:
        return at is not None and self.start <= at < self.end

    @property
    def words(self) -> str:
        """As people write it, the last day included."""
        last = china(Instant(self.end - 1)).date()
        return f"{china(self.start).date():%Y年%m月%d日} 至 {last:%Y年%m月%d日}"


def china(at: Instant) -> datetime:
    """The moment in China, without a zone: workbooks know none."""
    return to_datetime(at).astimezone(CHINA).replace(tzinfo=None, microsecond=0)
