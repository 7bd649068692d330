"""An existing hazard ledger (隐患排查台账), as a workbook has it, into lines: all of them, or every mistake at once.

Reads values only. Nothing is corrected and nothing is guessed: what cannot be read is told of, with its cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from openpyxl.utils import get_column_letter

from gateway.clock import from_datetime
from gateway.errors import Problem, RequestRefused
from gateway.events.tickets import LedgerLine, TicketState
from gateway.ledgers.form import CHINA, china
from gateway.ledgers.hazard_forms import HAZARD_COLUMNS
from gateway.ledgers.workbook_reader import Range, Sheet, Value
from gateway.machines.ledger_import import Entry
from gateway.rule import TicketGrade
from gateway.sample import Instant

MOST_PROBLEMS = 1_000
"""Mistakes told one by one; of more it is said how many."""

LONGEST_TEXT = 2_000
"""Characters of a cell, as of everything that people write to the gateway."""

_HEAD_WITHIN = 20
"""Rows in which the heads are looked for."""
_HEAD_NAMES = 4
"""So many names of columns in one row make it the heads."""

NUMBER, REMARK = "序号", "备注"
_TITLES = tuple(column.title for column in HAZARD_COLUMNS)
_OPTIONAL = {NUMBER, REMARK}
_ALSO = {
    "隐患级别": "隐患等级", "排查日期": "排查时间", "检查时间": "排查时间", "检查人": "排查人", "整改期限": "整改时限",
    "整改情况": "整改完成情况", "完成情况": "整改完成情况", "销号日期": "销号时间", "位置": "所在位置",
}  # fmt: skip
"""Names that ledgers use for the same column."""

_NEEDED = ("隐患名称", "所在位置", "隐患等级", "排查人", "排查时间")
"""What no line can be without."""

_BASIS = "；判定依据："
_TICKET = re.compile(r"(?:^|；)工单 (HD-[0-9a-f]{12})$")
"""How our own ledgers end a remark."""

_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2}))?)?"
)
_GRADES = {
    "重大": TicketGrade.MAJOR, "重大隐患": TicketGrade.MAJOR, "重大事故隐患": TicketGrade.MAJOR,
    "一般": TicketGrade.ORDINARY, "一般隐患": TicketGrade.ORDINARY, "一般事故隐患": TicketGrade.ORDINARY,
}  # fmt: skip
_SUSPECTED = "疑似"
_ERRORS = {"#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!"}
"""What a formula shows that came to nothing."""
_NOTE = re.compile(r"(说明|备注|注|填表|填报|制表|审核|审批|检查人员|企业负责人)[^，。]{0,8}[：:]")
"""How a line under the table begins: remarks and signatures."""

_OUTCOMES: Sequence[tuple[str, TicketState]] = (
    ("待确认", TicketState.SUSPECTED),
    ("误报", TicketState.DISMISSED),
    ("已登记", TicketState.REGISTERED),
    ("未整改", TicketState.REGISTERED),
    ("待整改", TicketState.REGISTERED),
    ("已评估", TicketState.ASSESSED),
    ("整改中", TicketState.RECTIFYING),
    ("正在整改", TicketState.RECTIFYING),
    ("复查合格", TicketState.RECHECKED),
    ("已销号", TicketState.WRITTEN_OFF),
    ("已整改", TicketState.AWAITING_RECHECK),
    ("整改完成", TicketState.AWAITING_RECHECK),
    ("已完成", TicketState.AWAITING_RECHECK),
)
"""How 整改完成情况 may begin, and what it then says."""
_BEGINNINGS = "开头为 text that begins with " + "、".join(words for words, _ in _OUTCOMES)

_MENDED = {TicketState.AWAITING_RECHECK, TicketState.RECHECKED, TicketState.WRITTEN_OFF}
"""With a date of writing off, these are written off."""


def read_ledger(sheets: Sequence[Sheet], file: str, now: Instant) -> tuple[Entry, ...]:
    """The lines of every sheet that has the heads of a hazard ledger. Raises RequestRefused with every mistake."""
    problems: list[Problem] = []
    entries: list[Entry] = []
    ledgers = [(sheet, head) for sheet in sheets if (head := _head_of(sheet)) is not None]
    if not ledgers:
        found = ", ".join(sheet.name for sheet in sheets) or "no sheet"
        columns = "、".join(title for title in _TITLES if title not in _OPTIONAL)
        expected = f"含下列各列的工作表 a sheet with the columns {columns}"
        raise RequestRefused([Problem(file, 0, 0, file, expected, f"没有 none in {found}")])
    for sheet, head in ledgers:
        entries += _SheetReader(sheet, head, file, now, problems).entries()
    if not entries and not problems:
        expected = "表头下至少一条隐患 at least one hazard under the heads"
        problems.append(Problem(file, 0, 0, ledgers[0][0].name, expected, "没有 none"))
    if problems:
        raise RequestRefused(_shown(problems, file))
    return tuple(entries)


def _shown(problems: Sequence[Problem], file: str) -> list[Problem]:
    beyond = len(problems) - MOST_PROBLEMS
    if beyond <= 0:
        return [*problems]
    more = Problem(file, 0, 0, file, "没有更多错误 no further mistakes", f"还有 {beyond} 处 more")
    return [*problems[:MOST_PROBLEMS], more]


def _name_of(value: Value) -> str:
    """A head without its blanks and line breaks, under the notice's own name."""
    name = re.sub(r"\s", "", str(value)) if value is not None else ""
    return _ALSO.get(name, name)


def _head_of(sheet: Sheet) -> int | None:
    """The row of the heads; of several, the one with most of them."""
    counts = {
        row: sum(_name_of(value) in _TITLES for value in values)
        for row, values in enumerate(sheet.rows[:_HEAD_WITHIN], 1)
    }
    best = max(counts, key=lambda row: counts[row], default=0)
    return best if counts.get(best, 0) >= _HEAD_NAMES else None


@dataclass
class _SheetReader:
    """One sheet. Collects problems and never raises; a cell that is wrong hides no other."""

    sheet: Sheet
    head: int
    file: str
    now: Instant
    problems: list[Problem]
    _columns: dict[str, int] = field(default_factory=dict)
    _further: dict[str, int] = field(default_factory=dict)
    """Columns that the notice does not name: their texts go to the remark."""

    def entries(self) -> Iterator[Entry]:
        self._read_heads()
        merged = self._merged_rows()
        numbers: dict[str, int] = {}
        for row in range(self._heads().stop, len(self.sheet.rows) + 1):
            values = {name: self.sheet.at(row, column) for name, column in self._columns.items()}
            if row in merged or self._is_note(row):
                continue
            self._number_once(row, values.get(NUMBER), numbers)
            before = len(self.problems)
            line, ticket = self._line(row, values)
            if line is not None and len(self.problems) == before:
                yield Entry(line, ticket, self.sheet.name, row)

    def _add(self, row: int, name: str, expected: str, got: str) -> None:
        column = self._columns.get(name) or self._further.get(name, 0)
        cell = f"{get_column_letter(column)}{row}" if column else f"{row}"
        self.problems.append(
            Problem(self.file, row, column, f"{self.sheet.name}!{cell} {name}".strip(), expected, got[:200])
        )

    def _heads(self) -> range:
        """The rows of the heads, with those that they are merged with."""
        here = [each for each in self.sheet.merged if each.top <= self.head <= each.bottom]
        return range(min([self.head, *(e.top for e in here)]), max([self.head, *(e.bottom for e in here)]) + 1)

    def _title(self, column: int) -> str:
        """The head of a column: the lowest one that the notice knows, or else the lowest."""
        names = [name for row in reversed(self._heads()) if (name := _name_of(self.sheet.at(row, column)))]
        return next((name for name in names if name in _TITLES), names[0] if names else "")

    def _read_heads(self) -> None:
        for column in range(1, max(len(values) for values in self.sheet.rows) + 1):
            name = self._title(column)
            if name in self._columns or name in self._further:
                self._add(self.head, name, "每列一次 each column once", f"在 {get_column_letter(column)} 列重复 again")
            elif name in _TITLES:
                self._columns[name] = column
            elif name:
                self._further[name] = column
        for name in _TITLES:
            if name not in self._columns and name not in _OPTIONAL:
                self._add(self.head, name, f"有“{name}”列 the column {name}", "没有 no such column")

    def _merged_rows(self) -> set[int]:
        """Rows that are told of as merged; a note across the table is none of them."""
        told: set[int] = set()
        for each in self.sheet.merged:
            rows = range(max(each.top, self._heads().stop), min(each.bottom, len(self.sheet.rows)) + 1)
            lines = [row for row in rows if not self._is_note(row)]
            if not lines:
                continue
            told.update(lines)
            name = next((n for n, c in self._columns.items() if each.left <= c <= each.right), "")
            self._add(each.top, name, "每条隐患各有单元格 a cell of its own for every hazard", f"{each} 合并 merged")
        return told

    def _is_note(self, row: int) -> bool:
        """Whether a row is blank, a number printed beforehand, or a line of text under the table."""
        filled = [column for column in range(1, len(self.sheet.rows[row - 1]) + 1) if self._text(row, column)]
        if not filled or filled == [self._columns.get(NUMBER)]:
            return True
        wide = any(_across(each, row, len(self._columns)) for each in self.sheet.merged)
        return wide or _NOTE.match(self._text(row, filled[0])) is not None

    def _text(self, row: int, column: int) -> str:
        value = self.sheet.at(row, column)
        return _as_text(value) if value is not None else ""

    def _number_once(self, row: int, value: Value, numbers: dict[str, int]) -> None:
        number = _as_text(value) if value is not None else ""
        if number and number in numbers:
            self._add(row, NUMBER, "序号不重复 each number once", f"{number}，第 {numbers[number]} 行已有 again")
        numbers.setdefault(number, row)

    def _line(self, row: int, values: Mapping[str, Value]) -> tuple[LedgerLine | None, str]:
        texts = {name: self._checked(row, name, value) for name, value in values.items() if name not in _DATES}
        for name in _NEEDED:
            if name in self._columns and values.get(name) in (None, ""):
                self._add(row, name, "填写 a value", "空 nothing")
        found_at = self._moment(row, "排查时间", values)
        due = self._moment(row, "整改时限", values, end_of_day=True)
        closed = self._moment(row, "销号时间", values)
        grade, suspected = self._grade(row, texts.get("隐患等级", ""))
        state = self._state(row, texts.get("整改完成情况", ""), closed, suspected=suspected)
        self._in_order(row, found_at, due, closed)
        if found_at is None or grade is None or state is None:
            return None, ""
        remark, ticket = self._remark(row, texts.get(REMARK, ""))
        description, basis = _split(texts.get("隐患描述", ""))
        return LedgerLine(
            title=texts.get("隐患名称", ""),
            place=texts.get("所在位置", ""),
            description=description,
            basis=basis,
            grade=grade,
            found_by=texts.get("排查人", ""),
            found_at=found_at,
            department=texts.get("责任部门", ""),
            responsible=texts.get("责任人", ""),
            measures=texts.get("整改措施", ""),
            due=due,
            outcome=texts.get("整改完成情况", ""),
            state=state,
            written_off_at=closed,
            remark=remark,
        ), ticket

    def _checked(self, row: int, name: str, value: Value) -> str:
        text = _as_text(value) if value is not None else ""
        if text in _ERRORS:
            self._add(row, name, "文字 text", f"公式错误 the error {text}")
        if len(text) > LONGEST_TEXT:
            self._add(row, name, f"不超过 {LONGEST_TEXT:,} 字 characters", f"{len(text):,}")
        return text

    def _moment(self, row: int, name: str, values: Mapping[str, Value], *, end_of_day: bool = False) -> Instant | None:
        """A date, or a moment, in China's time; a deadline that is a date holds until the day's end."""
        value = values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        moment = _as_moment(value)
        if moment is None or not 1990 <= moment.year < 2100:
            expected = "日期 a date, 如 2026-03-05" if end_of_day else "日期或时间 a date or time, 如 2026-03-05 08:30"
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            self._add(row, name, expected, f"数字 the number {value}" if number else repr(_as_text(value)))
            return None
        if end_of_day and moment.time() == time():
            moment = moment.replace(hour=23, minute=59, second=59)
        return from_datetime(moment.replace(tzinfo=CHINA))

    def _grade(self, row: int, text: str) -> tuple[TicketGrade | None, bool]:
        suspected = text.startswith(_SUSPECTED)
        grade = _GRADES.get(text.removeprefix(_SUSPECTED))
        if grade is None and text:
            self._add(row, "隐患等级", "重大、一般、疑似重大或疑似一般 one of these", repr(text))
        return grade, suspected

    def _state(self, row: int, outcome: str, closed: Instant | None, *, suspected: bool) -> TicketState | None:
        name = "整改完成情况"
        if not outcome:
            written_off = TicketState.REGISTERED if closed is None else TicketState.WRITTEN_OFF
            if suspected and closed is not None:
                self._add(row, "销号时间", "疑似隐患不填 no date for what is suspected", f"{china(closed):%Y-%m-%d}")
            return TicketState.SUSPECTED if suspected else written_off
        state = next((state for words, state in _OUTCOMES if outcome.startswith(words)), None)
        if state is None:
            self._add(row, name, _BEGINNINGS, repr(outcome))
        elif suspected != (state is TicketState.SUSPECTED):
            self._add(row, name, "疑似隐患写“待确认” for what is suspected, nothing else", repr(outcome))
        elif closed is None and state is TicketState.WRITTEN_OFF:
            self._add(row, "销号时间", "已销号的须有销号时间 the date of the writing off", "空 nothing")
        elif closed is not None and state not in _MENDED:
            self._add(row, "销号时间", f"“{outcome[:20]}”没有销号时间 no date for it", f"{china(closed):%Y-%m-%d}")
        return TicketState.WRITTEN_OFF if closed is not None and state in _MENDED else state

    def _in_order(self, row: int, found: Instant | None, due: Instant | None, closed: Instant | None) -> None:
        for name, at in (("排查时间", found), ("销号时间", closed)):
            if at is not None and at > self.now:
                self._add(row, name, "不晚于现在 a time that is not in the future", f"{china(at):%Y-%m-%d %H:%M}")
        for name, at in (("整改时限", due), ("销号时间", closed)):
            if found is not None and at is not None and china(at).date() < china(found).date():
                expected = f"不早于排查日 not before the finding on {china(found):%Y-%m-%d}"
                self._add(row, name, expected, f"{china(at):%Y-%m-%d}")

    def _remark(self, row: int, text: str) -> tuple[str, str]:
        """The remark, with what stands in further columns, and the ticket that it names."""
        named = _TICKET.search(text)
        own = text[: named.start()] if named else text
        further = [f"{name}：{text}" for name, column in self._further.items() if (text := self._text(row, column))]
        return "；".join(part for part in (own, *further) if part), named[1] if named else ""


_DATES = {"排查时间", "整改时限", "销号时间"}


def _across(merged: Range, row: int, columns: int) -> bool:
    """Whether the row is one merged cell over most of the table."""
    return merged.top == merged.bottom == row and merged.right - merged.left + 1 > columns / 2


def _as_text(value: Value) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _as_moment(value: Value) -> datetime | None:
    if isinstance(value, datetime):  # a workbook keeps parts of days, which are not exact to the microsecond
        return (value + timedelta(microseconds=500_000)).replace(microsecond=0, tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time())
    found = _DATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        return None
    try:
        return datetime(*(int(part) for part in found.groups(default="0")))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def _split(text: str) -> tuple[str, str]:
    description, _, basis = text.partition(_BASIS)
    return description, basis
