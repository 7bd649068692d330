"""The forms as the notices print them, filled from tickets in every state."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from io import BytesIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from gateway.clock import from_datetime
from gateway.event import Event
from gateway.events.tickets import DismissalCause, TicketAction, TicketFiled, TicketState
from gateway.ledgers.form import CHINA, Form, Period
from gateway.ledgers.forms import FORMS, filled
from gateway.ledgers.workbook import written
from gateway.machines import ticket as machine
from gateway.machines.ticket import Ticket
from gateway.machines.ticket_step import Move, move
from gateway.plant.model import Text
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from tests.engine.scripted import plant
from tests.machines.tickets import PLAN

HOUR, DAY = 3600 * SECOND, 86_400 * SECOND


def at(year: int, month: int, day: int, hour: int = 8) -> Instant:
    """A moment in China."""
    return from_datetime(datetime(year, month, day, hour, tzinfo=CHINA))


def local(day: int, hour: int = 0, *, month: int = 3) -> datetime:
    """As a workbook has it: China's time without a zone."""
    return datetime(2026, month, day, hour, tzinfo=CHINA).replace(tzinfo=None)


MARCH = Period(at(2026, 3, 1, 0), at(2026, 4, 1, 0))

STORY = (
    (TicketAction.REGISTER, "王班长", ""),
    (TicketAction.ASSIGN, "王班长", ""),
    (TicketAction.RECTIFY, "李师傅", "更换水冷壁"),
    (TicketAction.PASS_RECHECK, "赵安全", ""),
    (TicketAction.WRITE_OFF, "赵安全", ""),
)


def filed(name: str, when: Instant, grade: TicketGrade = TicketGrade.MAJOR) -> Event:
    return TicketFiled(
        id=name, at=when, ticket=name, rule="eaf.flow_difference_trip@furnace", equipment="furnace", area="melt",
        clauses=("4(4)",), grade=grade, title=Text("进出水流量差过大", "Flow difference"), occurrence="o",
        onset=Instant(when - 5 * SECOND), evidence_points=(), previous=None,
    )  # fmt: skip


def ticket(name: str, when: Instant, steps: int = 0, grade: TicketGrade = TicketGrade.MAJOR) -> Ticket:
    """A ticket that has gone so many steps, an hour apart."""
    found = machine.evolve(None, filed(name, when, grade))
    for number, (action, by, comment) in enumerate(STORY[:steps], 1):
        assert found is not None
        found = stepped(
            found, Move(action, by, comment, "张三", Instant(when + 30 * DAY)), Instant(when + number * HOUR)
        )
    assert found is not None
    return found


def stepped(found: Ticket, wanted: Move, now: Instant) -> Ticket:
    """The ticket after a step that says all that it needs; a major hazard is assessed before it is assigned."""
    moves = [replace(wanted, plan=PLAN, approver="孙总", cause=DismissalCause.CALIBRATION)]
    if wanted.action is TicketAction.ASSIGN and found.grade is TicketGrade.MAJOR:
        moves.insert(0, Move(TicketAction.ASSESS, wanted.by, "评估", grade=found.grade))
    for each in moves:
        after = machine.evolve(found, move(found, each, now))
        assert after is not None
        found = after
    return found


def dismissed(name: str, when: Instant) -> Ticket:
    return stepped(ticket(name, when), Move(TicketAction.DISMISS, "王班长", "流量计标定"), Instant(when + HOUR))


AFTER = at(2026, 12, 31)


def form_of(form: str, *tickets: Ticket, period: Period = MARCH, now: Instant = AFTER) -> Form:
    return filled(form, plant(), tickets, period, now)[0]


def sheet_of(form: str, *tickets: Ticket, period: Period = MARCH) -> Worksheet:
    sheet = load_workbook(BytesIO(written(*filled(form, plant(), tickets, period, AFTER)))).worksheets[0]
    assert isinstance(sheet, Worksheet)
    return sheet


def row(sheet: Worksheet, number: int) -> list[object]:
    return [cell.value for cell in sheet[number]]


def test_a_hazard_that_was_written_off_is_told_from_its_finding_to_its_end() -> None:
    sheet = sheet_of("hazards", ticket("HD-1", at(2026, 3, 5), steps=5))
    assert sheet["A1"].value == "隐患排查台账"
    assert row(sheet, 3)[:5] == ["序号", "隐患名称", "所在位置", "隐患描述", "隐患等级"]
    told = row(sheet, 4)
    assert told[:3] == [1, "进出水流量差过大", "melt furnace"]
    assert told[3] == (
        "2026-03-05 07:59:55 监测报警：进出水流量差过大；"
        "判定依据：《工贸企业重大事故隐患判定标准》（应急管理部令第10号）第4(4)项"
    )
    assert told[4:7] == ["重大", "警钟监测系统；登记 王班长", local(5, 8)]
    assert told[8:] == [
        "张三", "更换水冷壁", local(4, month=4), "已销号（复查 赵安全）", local(5, 13), "工单 HD-1",
    ]  # fmt: skip


def test_what_nobody_has_said_yet_stays_empty_and_is_marked_to_be_filled_by_hand() -> None:
    sheet = sheet_of("hazards", ticket("HD-1", at(2026, 3, 5)))
    assert sheet["E4"].value == "疑似重大"
    assert sheet["L4"].value == "待确认"
    for column in "HIJK":
        assert sheet[f"{column}4"].value in (None, "")
        assert sheet[f"{column}4"].fill.fgColor.rgb == "00FFF7D6"
    assert sheet["B4"].fill.fgColor.rgb != "00FFF7D6"


def test_a_false_alarm_stays_in_the_plants_own_ledger_with_its_cause_and_goes_to_no_authority() -> None:
    wrong = dismissed("HD-2", at(2026, 3, 6))
    assert row(sheet_of("hazards", wrong), 4)[11] == "误报关闭：标定，流量计标定"
    for form in ("major", "issues"):
        assert form_of(form, wrong).rows == ()
    assert form_of("monthly", wrong).rows[-1][4:8] == (0, 0, 0, 0)


def test_the_ledger_of_major_hazards_is_cumulative_and_holds_no_ordinary_one() -> None:
    tickets = [
        ticket("HD-1", at(2025, 12, 30), steps=5),
        ticket("HD-2", at(2026, 3, 5), steps=3),
        ticket("HD-3", at(2026, 3, 6), grade=TicketGrade.ORDINARY),
        ticket("HD-4", at(2026, 4, 1, 0)),
    ]
    form = form_of("major", *tickets)
    assert [each.title for each in form.columns] == [
        "序号", "企业名称", "所在市(县、区)", "行业类别", "检查环节", "检查单位", "检查时间", "重大隐患明细",
        "整改措施", "挂牌督办单位", "行政处罚情况", "整改完成情况", "备注",
    ]  # fmt: skip
    assert [line[-1] for line in form.rows] == ["工单 HD-1", "工单 HD-2"]
    assert form.rows[0][11] == "已销号（复查 赵安全），2025-12-30 13:00"
    assert form.rows[1][11] == "已整改，待复查，2026-03-05 11:00"
    assert form.rows[1][8] == "责任：设备部 张三\n措施：更换水冷壁\n资金：12 万元\n时限：2026-04-04\n预案：漏水应急预案"
    assert form.above == (("填报单位：demo", "填报时间：2026 年 3 月 31 日"),)


def test_the_monthly_summary_counts_by_month_of_finding_and_of_writing_off_and_adds_up() -> None:
    period = Period(at(2026, 2, 1, 0), at(2026, 5, 1, 0))
    tickets = [
        ticket("HD-1", at(2026, 2, 28, 20), steps=5),
        ticket("HD-2", at(2026, 3, 5), steps=5, grade=TicketGrade.ORDINARY),
        ticket("HD-3", at(2026, 4, 30, 23), steps=5),
        ticket("HD-4", at(2026, 1, 31, 23), steps=1),
    ]
    form = form_of("monthly", *tickets, period=period)
    # HD-1 is found in February and written off five hours later, on the first of March; HD-3 is written off in May.
    assert [(line[0], *line[4:8]) for line in form.rows] == [
        ("2月", 1, 0, 1, 0),
        ("3月", 1, 2, 0, 1),
        ("4月", 1, 0, 1, 0),
        ("合计", 3, 2, 2, 1),
    ]
    sheet = sheet_of("monthly", *tickets, period=period)
    assert (sheet["B4"].value, sheet["D4"].value, sheet["I4"].value) == (
        "党委政府带队检查情况", "企业自查自纠情况", "部门督导检查情况",
    )  # fmt: skip
    assert {str(each) for each in sheet.merged_cells.ranges} >= {"A2:P2", "A4:A5", "B4:C4", "D4:H4", "I4:P4"}


def test_a_text_that_looks_like_a_formula_stays_a_text() -> None:
    strange = machine.evolve(None, filed("HD-1", at(2026, 3, 5)))
    assert strange is not None
    for action, by, comment in (*STORY[:2], (TicketAction.RECTIFY, "李师傅", "=cmd|' /C calc'!A0")):
        strange = stepped(strange, Move(action, by, comment, "张三", at(2026, 4, 1)), at(2026, 3, 6))
    cell = sheet_of("hazards", strange)["J4"]
    assert (cell.value, cell.data_type) == ("=cmd|' /C calc'!A0", "s")


def test_a_form_with_nothing_in_it_has_its_printed_lines() -> None:
    for form in FORMS:
        sheet = sheet_of(form)
        assert sheet.max_row >= 8
        assert sheet["A1"].value
        assert (sheet.page_setup.orientation, sheet.page_setup.paperSize) == ("landscape", 9)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(-60, 90), st.integers(0, 5), st.sampled_from(list(TicketGrade))), max_size=12))
def test_every_ticket_of_the_period_is_a_row_once(made: list[tuple[int, int, TicketGrade]]) -> None:
    tickets = [
        ticket(f"HD-{n}", Instant(MARCH.start + day * DAY), steps, grade) for n, (day, steps, grade) in enumerate(made)
    ]
    inside = {each.id for each in tickets if MARCH.holds(each.filed_at)}
    rows = form_of("hazards", *tickets).rows
    assert sorted(str(line[-1]).removeprefix("工单 ") for line in rows) == sorted(inside)
    assert [line[0] for line in rows] == list(range(1, len(rows) + 1))
    assert len(form_of("issues", *tickets).rows) == len(inside)


@pytest.mark.parametrize("state", list(TicketState))
def test_every_state_has_its_words(state: TicketState) -> None:
    from dataclasses import replace

    told = form_of("hazards", replace(ticket("HD-1", at(2026, 3, 5)), state=state)).rows[0][11]
    assert isinstance(told, str)
    assert told


def test_a_date_is_a_date() -> None:
    due = form_of("hazards", ticket("HD-1", at(2026, 3, 5), steps=2)).rows[0][10]
    assert due == date(2026, 4, 4)
