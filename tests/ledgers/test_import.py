"""An existing ledger taken over from its workbook: all of it once, or every mistake with its cell and nothing filed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from io import BytesIO

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from gateway.errors import RequestRefused
from gateway.events.tickets import HazardSource, TicketAction, TicketImported, TicketState
from gateway.ledgers.form import Cell, Period
from gateway.ledgers.forms import filled
from gateway.ledgers.hazard_reader import read_ledger
from gateway.ledgers.workbook import written
from gateway.ledgers.workbook_reader import read_workbook
from gateway.machines.ledger_import import Import, Taken, take_over
from gateway.machines.ticket import Ticket
from gateway.machines.ticket_step import Move
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import Instant
from gateway.standing import Standing, fold
from tests.engine.scripted import plant
from tests.ledgers.test_forms import AFTER, DAY, HOUR, at, dismissed, local, stepped, ticket

HEADS = (
    "序号", "隐患名称", "所在位置", "隐患描述", "隐患等级", "排查人", "排查时间", "责任部门", "责任人", "整改措施",
    "整改时限", "整改完成情况", "销号时间", "备注",
)  # fmt: skip
DONE: tuple[object, ...] = (
    1, "护栏缺失", "melt furnace", "操作平台护栏缺一段", "一般", "王班长", local(3, 9), "设备部", "张三", "补焊护栏",
    date(2026, 3, 10), "已销号（复查 赵安全）", local(9, 15), "",
)  # fmt: skip
OPEN: tuple[object, ...] = (
    2, "煤气管道锈蚀", "煤气管廊", "3号支架处锈蚀", "重大", "李安全", date(2026, 3, 4), "", "", "", "", "", "",
    "厂家来看过",
)  # fmt: skip
YEARS = Period(at(2020, 1, 1, 0), at(2030, 1, 1, 0))


def book(
    *lines: Sequence[object], heads: Sequence[str] = HEADS, shape: Callable[[Worksheet], None] | None = None
) -> bytes:
    """A ledger as people keep one: a title, the heads in the third row, lines under them."""
    made = Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.title = "2026年"
    sheet["A1"] = "隐患排查台账"
    sheet.merge_cells("A1:N1")
    for row, values in enumerate((heads, *lines), 3):
        for column, value in enumerate(values, 1):
            sheet.cell(row, column).value = value  # type: ignore[assignment]
    if shape is not None:
        shape(sheet)
    out = BytesIO()
    made.save(out)
    return out.getvalue()


def taken(data: bytes, standing: Standing | None = None, *, by: str = "王安全", now: Instant = AFTER) -> Taken:
    tickets = {} if standing is None else standing.tickets
    entries = read_ledger(read_workbook(data, "旧台账.xlsx"), "旧台账.xlsx", now)
    return take_over(plant(), tickets, Import("旧台账.xlsx", entries, by, "接管旧台账"), now)


def imported(data: bytes, standing: Standing | None = None) -> Standing:
    after = Standing() if standing is None else standing
    for event in taken(data, after).events:
        fold(after, event)
    return after


def mistakes(data: bytes, **others: str) -> list[tuple[str, str, str]]:
    with pytest.raises(RequestRefused) as refused:
        taken(data, **others)  # type: ignore[arg-type]
    return [(each.field, each.expected, each.got) for each in refused.value.problems]


def rows_of(tickets: Sequence[Ticket]) -> tuple[tuple[Cell, ...], ...]:
    return filled("hazards", plant(), tickets, YEARS, AFTER)[0].rows


def exported(tickets: Sequence[Ticket]) -> bytes:
    return written(*filled("hazards", plant(), tickets, YEARS, AFTER))


def test_what_was_written_off_elsewhere_is_written_off_here_and_says_so_in_its_own_words() -> None:
    (found,) = imported(book(DONE)).tickets.values()
    assert (found.state, found.grade) == (TicketState.WRITTEN_OFF, TicketGrade.ORDINARY)
    assert found.source is HazardSource.LEDGER
    assert (found.area, found.equipment) == ("melt", "furnace")
    assert rows_of([found])[0] == (*DONE[:-1], f"工单 {found.id}")


def test_what_still_stands_goes_on_here_from_where_it_stood() -> None:
    (found,) = imported(book(OPEN)).tickets.values()
    assert (found.state, found.area, found.due) == (TicketState.REGISTERED, "", None)
    assessed = stepped(found, Move(TicketAction.ASSIGN, "王安全", "", "张三", at(2026, 4, 1)), at(2026, 3, 20))
    done = stepped(assessed, Move(TicketAction.RECTIFY, "李师傅", "换管"), at(2026, 3, 21))
    told = rows_of([done])[0]
    assert (told[9], told[11], told[13]) == ("换管", "已整改，待复查", f"厂家来看过；工单 {found.id}")


def test_a_deadline_that_is_a_day_holds_until_that_day_is_over() -> None:
    (found,) = imported(book(DONE)).tickets.values()
    assert found.due == at(2026, 3, 11, 0) - 1_000_000


def test_the_person_who_was_responsible_does_not_recheck() -> None:
    waiting = (*DONE[:11], "已整改", None, "")
    (found,) = imported(book(waiting)).tickets.values()
    with pytest.raises(RequestRefused, match="another person"):
        stepped(found, Move(TicketAction.PASS_RECHECK, "张三"), at(2026, 3, 20))


def test_the_same_file_twice_files_nothing_twice() -> None:
    standing = imported(book(DONE, OPEN))
    again = taken(book(DONE, OPEN), standing)
    assert (again.events, sorted(again.known)) == ((), sorted(standing.tickets))
    for event in taken(book(DONE, OPEN)).events:  # a second import that began before the first was done
        fold(standing, event)
    assert len(standing.tickets) == 2


def test_a_line_that_has_moved_on_since_changes_nothing_of_what_is_there() -> None:
    standing = imported(book(OPEN))
    before = dict(standing.tickets)
    later = (*OPEN[:11], "已销号", date(2026, 3, 20), "")
    assert taken(book(later), standing).events == ()
    assert standing.tickets == before


STATES = st.sampled_from(range(6))
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    lambda text: not text.startswith(("#", "说明", "备注", "注", "填", "制表", "审", "检查人员", "企业负责人"))
)


MADE = st.tuples(st.integers(0, 60), STATES, st.sampled_from(list(TicketGrade)), NAMES, st.booleans())


@settings(max_examples=10, deadline=None, phases=(Phase.explicit, Phase.generate))
@given(st.lists(MADE, min_size=1, max_size=8))
def test_exported_imported_and_exported_again_the_rows_are_the_same(
    made: list[tuple[int, int, TicketGrade, str, bool]],
) -> None:
    tickets = [
        replace(
            dismissed(f"HD-{n:012x}", Instant(at(2026, 1, 1) + day * DAY))
            if wrong
            else ticket(f"HD-{n:012x}", Instant(at(2026, 1, 1) + day * DAY + n), steps, grade),
            title=Text(name, name),
        )
        for n, (day, steps, grade, name, wrong) in enumerate(made)
    ]
    once = imported(exported(tickets))
    assert rows_of(list(once.tickets.values())) == rows_of(tickets)
    assert taken(exported(tickets), once).events == ()
    twice = imported(exported(list(once.tickets.values())))
    assert twice.tickets == once.tickets or rows_of(list(twice.tickets.values())) == rows_of(tickets)


def test_an_export_of_this_gateways_own_tickets_finds_them_there() -> None:
    own = Standing(tickets={each.id: each for each in (ticket("HD-0123456789ab", at(2026, 3, 5), steps=2),)})
    assert taken(exported(list(own.tickets.values())), own) == Taken((), ("HD-0123456789ab",))


def test_all_mistakes_are_told_at_once_each_with_its_cell() -> None:
    wrong: list[tuple[object, ...]] = [
        (1, "", "炉前", "漏水", "很大", "王班长", "三月初", "", "", "", "", "", "", ""),
        (1, "漏水", "炉前", "漏水", "重大", "", date(2026, 3, 5), "", "", "", 46086, "整改中", date(2026, 3, 9), ""),
        (3, "漏水", "炉前", "漏水", "疑似重大", "王班长", date(2027, 3, 5), "", "", "", "", "已销号", "", ""),
        (4, "漏油", "炉前", "", "一般", "王班长", date(2026, 3, 5), "", "#REF!", "", date(2026, 3, 1), "在办", "", ""),
        (5, "漏气", "炉前", "漏气", "一般", "王班长", date(2026, 3, 5), "", "", "", "", "已销号", "", ""),
    ]
    assert mistakes(book(*wrong)) == [
        ("2026年!B4 隐患名称", "填写 a value", "空 nothing"),
        ("2026年!G4 排查时间", "日期或时间 a date or time, 如 2026-03-05 08:30", "'三月初'"),
        ("2026年!E4 隐患等级", "重大、一般、疑似重大或疑似一般 one of these", "'很大'"),
        ("2026年!A5 序号", "序号不重复 each number once", "1，第 4 行已有 again"),
        ("2026年!F5 排查人", "填写 a value", "空 nothing"),
        ("2026年!K5 整改时限", "日期 a date, 如 2026-03-05", "数字 the number 46086"),
        ("2026年!M5 销号时间", "“整改中”没有销号时间 no date for it", "2026-03-09"),
        ("2026年!L6 整改完成情况", "疑似隐患写“待确认” for what is suspected, nothing else", "'已销号'"),
        ("2026年!G6 排查时间", "不晚于现在 a time that is not in the future", "2027-03-05 00:00"),
        ("2026年!I7 责任人", "文字 text", "公式错误 the error #REF!"),
        ("2026年!L7 整改完成情况", mistakes(book(wrong[3]))[1][1], "'在办'"),
        ("2026年!K7 整改时限", "不早于排查日 not before the finding on 2026-03-05", "2026-03-01"),
        ("2026年!M8 销号时间", "已销号的须有销号时间 the date of the writing off", "空 nothing"),
    ]


def test_missing_columns_are_each_told_and_hide_no_other_mistake() -> None:
    heads = [head for head in HEADS if head not in ("整改措施", "销号时间", "备注")]
    line = [value for head, value in zip(HEADS, OPEN) if head in heads]
    line[6] = "昨天"
    assert [(field, got) for field, _, got in mistakes(book(line, heads=heads))] == [
        ("2026年!3 整改措施", "没有 no such column"),
        ("2026年!3 销号时间", "没有 no such column"),
        ("2026年!G4 排查时间", "'昨天'"),
    ]


def test_merged_cells_among_the_lines_are_refused_and_those_of_titles_and_notes_are_not() -> None:
    def notes(sheet: Worksheet) -> None:
        sheet["A8"] = "说明：本台账每月更新"
        sheet.merge_cells("A8:N8")
        sheet["A9"] = "填表人：　　审核人："

    def merge(sheet: Worksheet) -> None:
        notes(sheet)
        sheet.merge_cells("C4:C5")

    assert mistakes(book(DONE, OPEN, shape=merge)) == [
        ("2026年!C4 所在位置", "每条隐患各有单元格 a cell of its own for every hazard", "C4:C5 合并 merged")
    ]
    assert len(taken(book(DONE, OPEN, (3,), (4,), shape=notes)).events) == 2


def test_heads_in_two_rows_and_under_other_names_are_found() -> None:
    made = Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    for column, head in enumerate(HEADS, 1):
        grouped = 7 < column < 12
        sheet.cell(3 if grouped else 2, column).value = {"整改时限": "整改\n期限"}.get(head, head)
        if not grouped:
            sheet.merge_cells(start_row=2, end_row=3, start_column=column, end_column=column)
        sheet.cell(4, column).value = DONE[column - 1]  # type: ignore[assignment]
    sheet["H2"] = "整改"
    sheet.merge_cells("H2:K2")
    out = BytesIO()
    made.save(out)
    assert [event.line.due is not None for event in taken(out.getvalue()).events] == [True]


def test_a_column_that_the_notice_does_not_name_goes_to_the_remark_and_is_not_lost() -> None:
    (event,) = taken(book((*OPEN, "张工"), heads=(*HEADS, "跟踪人"))).events
    assert event.line.remark == "厂家来看过；跟踪人：张工"


def test_dates_that_are_written_out_are_read() -> None:
    for text in ("2026-03-04", "2026/3/4", "2026.3.4", "2026年3月4日", "2026-03-04 00:00"):
        (event,) = taken(book((*OPEN[:6], text, *OPEN[7:]))).events
        assert event.line.found_at == at(2026, 3, 4, 0)
    assert [got for _, _, got in mistakes(book((*OPEN[:6], "2026-02-30", *OPEN[7:])))] == ["'2026-02-30'"]


def test_the_same_hazard_twice_in_one_file_is_a_mistake_and_so_is_a_number_that_belongs_to_another() -> None:
    assert mistakes(book(OPEN, (7, *OPEN[1:]))) == [
        ("2026年!5", "每条隐患一次 each hazard once", "与“2026年”第 4 行相同 the same one")
    ]
    there = Standing(tickets={"HD-0123456789ab": ticket("HD-0123456789ab", at(2026, 3, 5))})
    with pytest.raises(RequestRefused, match=r"its hazard \(进出水流量差过大\), got 煤气管道锈蚀"):
        taken(book((*OPEN[:13], "工单 HD-0123456789ab")), there)


def test_nobody_hands_in_a_ledger() -> None:
    assert mistakes(book(OPEN), by=" ") == [("by", "导入人姓名 the name of who hands it in", "空 nothing")]


def test_a_workbook_without_a_ledger_in_it_says_what_was_looked_for() -> None:
    ((field, expected, got),) = mistakes(book(heads=("姓名", "电话")))
    assert (field, got) == ("旧台账.xlsx", "没有 none in 2026年")
    assert expected.startswith("含下列各列的工作表 a sheet with the columns 隐患名称、所在位置、隐患描述")
    assert mistakes(book()) == [("2026年", "表头下至少一条隐患 at least one hazard under the heads", "没有 none")]


def test_more_mistakes_than_anybody_reads_are_counted() -> None:
    wrong = [(n, "漏水", "炉前", "", "一般", "王", "昨天", "", "", "", "", "", "", "") for n in range(1, 1501)]
    found = mistakes(book(*wrong))
    assert (len(found), found[-1]) == (1001, ("旧台账.xlsx", "没有更多错误 no further mistakes", "还有 500 处 more"))


def test_the_event_says_who_and_from_which_file_and_row() -> None:
    first, second = taken(book(DONE, OPEN)).events
    assert isinstance(first, TicketImported)
    assert (first.by, first.file, first.sheet, first.row, second.row) == ("王安全", "旧台账.xlsx", "2026年", 4, 5)
    (step,) = imported(book(OPEN)).tickets[second.ticket].steps
    assert (step.action, step.by, step.note) == ("imported", "王安全", "旧台账.xlsx 2026年!4")


def test_control_characters_in_a_comment_do_not_break_the_workbook() -> None:
    standing = ticket("HD-0123456789ab", at(2026, 3, 5), steps=2)
    strange = stepped(standing, Move(TicketAction.RECTIFY, "李", "换\x07泵"), at(2026, 3, 6))
    assert load_workbook(BytesIO(exported([strange]))).worksheets[0]["J4"].value == "换\N{REPLACEMENT CHARACTER}泵"


def test_a_moment_survives_the_workbook_to_the_second() -> None:
    when = Instant(at(2026, 3, 5) + 12 * HOUR + 34_567_890)
    (event,) = taken(exported([ticket("HD-0123456789ab", when)])).events
    assert event.line.found_at == when - 567_890
    assert isinstance(rows_of([ticket("HD-0123456789ab", when)])[0][6], datetime)
