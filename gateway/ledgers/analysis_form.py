"""The analysis as a sheet: one table, a block for each dimension. Counts nothing itself."""

from __future__ import annotations

from gateway.ledgers.analysis import Dimension, Tally, analysed
from gateway.ledgers.filling import Filling, columns
from gateway.ledgers.form import Cell, Column, Form

TITLES = {
    Dimension.AREA: "按区域",
    Dimension.EQUIPMENT: "按设备",
    Dimension.RULE: "按隐患名称",
    Dimension.UNIT: "按责任单位",
    Dimension.SOURCE: "按来源",
    Dimension.CLAUSE: "按判定标准条款",
    Dimension.GRADE: "按等级",
    Dimension.MONTH: "按月份",
}

_COUNTED = (
    "按区间内登记的隐患计，误报单列、不计入其余各栏；整改率为已销号占发现之比；到期应改为已整改或已过整改时限的，"
    "按期整改率为其中不晚于最后商定的整改时限报告整改完成的比例。一条隐患涉及多个条款时在各条款下分别计数。"
)


def analysis_sheet(given: Filling) -> Form:
    """隐患统计分析: the whole first, then its parts."""
    found = analysed(given)
    rows: list[tuple[Cell, ...]] = [("合计", *_row(found.total))]
    rows += [(TITLES[dimension], *_row(part)) for dimension, parts in found.parts.items() for part in parts]
    return Form(
        "analysis",
        "隐患统计分析",
        (
            Column("分类", 14, joined=True),
            *columns(
                ("项目", 30), ("发现(条)", 9), ("其中重大(条)", 9), ("误报(条)", 9), ("已销号(条)", 9), ("整改率", 9),
                ("到期应改(条)", 9), ("按期(条)", 9), ("按期整改率", 9), ("逾期未改(条)", 9), ("复发(次)", 9),
                ("销号后再现(条)", 9), ("平均整改(天)", 9),
            ),
        ),
        tuple(rows),
        above=(given.by_whom_and_of,),
        remarks=(_COUNTED,),
    )  # fmt: skip


def _row(tally: Tally) -> tuple[Cell, ...]:
    return (
        tally.name,
        tally.found,
        tally.major,
        tally.false_alarms,
        tally.mended,
        tally.mended_share,
        tally.due,
        tally.on_time,
        tally.on_time_share,
        tally.overdue,
        tally.recurrences,
        tally.returned,
        f"{tally.days:.1f}" if tally.days is not None else "—",
    )
