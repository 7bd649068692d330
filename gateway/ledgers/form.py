"""What a form is: a title, lines above and below, columns as they are printed, and rows. Knows no workbook."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from gateway.clock import to_datetime
from gateway.sample import Instant

CHINA = timezone(timedelta(hours=8))
"""Forms carry China's time, which keeps one zone."""


@dataclass(frozen=True, slots=True)
class ByHand:
    """A cell that a person fills in, with what the system can say already."""

    known: str = ""


Cell = str | int | date | datetime | ByHand
BY_HAND = ByHand()


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    width: int
    """Characters."""
    group: str = ""
    """Title over neighbouring columns of the same group."""


@dataclass(frozen=True, slots=True)
class Form:
    """One filled form."""

    id: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()


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
