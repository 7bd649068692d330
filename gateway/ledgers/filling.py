"""What a form is filled from: the plant, its tickets, a period, and the moment that it is filled in. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from gateway.ledgers.account import Account
from gateway.ledgers.form import BY_HAND, Cell, Column, Line, Period, china
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant
from gateway.proof_calendar import ProofStanding
from gateway.rule import InterlockInstance
from gateway.sample import SECOND, Instant

MARKED = "底色单元格由企业填写；其余由警钟监测系统根据事件日志生成，状态为导出时的状态。"
"""Under every form that leaves cells to a person."""


SOON = 30
"""Days before a date is called due."""


@dataclass(frozen=True, slots=True)
class Proven:
    """One interlock: what is kept of it, and how far it is proven."""

    row: InterlockInstance
    record: InterlockRecord
    standing: ProofStanding


@dataclass(frozen=True, slots=True)
class Filling:
    """Everything that the forms know."""

    plant: Plant
    accounts: Sequence[Account]
    """In the order of their finding, by the second: finer than that no ledger tells."""
    period: Period
    now: Instant
    proven: Sequence[Proven] = ()

    @classmethod
    def of(
        cls, plant: Plant, tickets: Iterable[Ticket], period: Period, now: Instant, proven: Sequence[Proven] = ()
    ) -> Filling:
        accounts = [Account(ticket, plant) for ticket in tickets]
        return cls(plant, sorted(accounts, key=lambda a: (a.found_at // SECOND, a.ticket.id)), period, now, proven)

    @property
    def until(self) -> Instant:
        """The first moment of which the forms say nothing: the period's end, or the one after now."""
        return Instant(min(self.period.end, self.now + 1))

    @property
    def day(self) -> date:
        """The day that the form is of: the last of the period, or today within it."""
        return china(Instant(self.until - 1)).date()

    @property
    def found(self) -> Sequence[Account]:
        """What was found in the period, false alarms with it."""
        return [each for each in self.accounts if self.period.holds(each.found_at)]

    @property
    def true(self) -> Sequence[Account]:
        """What was found before the period's end and was no false alarm."""
        return [a for a in self.accounts if not a.is_false_alarm and a.found_at < self.period.end]

    @property
    def by_whom_and_when(self) -> Line:
        """The line over the tables of the notices."""
        return f"填报单位：{self.plant.site.name.zh}", f"填报时间：{in_words(self.day)}"

    @property
    def by_whom_and_of(self) -> Line:
        return f"填报单位：{self.plant.site.name.zh}", f"统计区间：{self.period.words}"


def standing_of(due: date | None, today: date) -> str:
    """In one word, for a date of calibration, inspection or test."""
    if due is None:
        return "未登记"
    if due < today:
        return "已过期"
    return "即将到期" if (due - today).days <= SOON else "有效"


def in_words(day: date) -> str:
    """As the printed forms have it: ` 年 月 日`, filled in."""
    return f"{day:%Y} 年 {day.month} 月 {day.day} 日"


def columns(*titles: tuple[str, int]) -> tuple[Column, ...]:
    return tuple(Column(title, width) for title, width in titles)


def moment_or_blank(at: Instant | None) -> Cell:
    return china(at) if at is not None else ""


def day_or_by_hand(at: Instant | None) -> Cell:
    return china(at).date() if at is not None else BY_HAND
