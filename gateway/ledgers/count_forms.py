"""Forms that count: the county's monthly list and the city's weekly table, from the plant's own finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from gateway.ledgers.account import OWN_STAGE, Account
from gateway.ledgers.filling import MARKED, Filling, columns, in_words
from gateway.ledgers.form import BY_HAND, ByHand, Cell, Column, Form, Period, china
from gateway.sample import Instant

_LEADERS = (
    "2.相关负责同志分别现场督导检查：县级要填写常委包联督导情况和政府班子成员深入一线督导检查情况，"
    "县直部门填主要领导深入一线督导检查情况。"
)
_CUMULATIVE = (
    "说明：按照工作部署，周调度表每周五汇总。其中，调度事项中需要概述工作简要情况的，按每周实际工作情况填写；"
    "其余信息，填报自专项行动部署以来的累计数据，逐周累加更新。"
)
_GOVERNMENT, _OWN, _DEPARTMENT = "党委政府带队检查情况", "企业自查自纠情况", "部门督导检查情况"


def monthly_summary(given: Filling) -> Form:
    """泽州县安全风险大排查大整治工作清单 (泽州县安委会 附件2): the plant's own columns by month, and their sum."""
    months = list(_months(given.period))
    own = [_found_and_mended(given.accounts, given.period, month) for month in months]
    of_one_year = len({month.year for month in months}) == 1
    rows = [
        _monthly(f"{month.month}月" if of_one_year else f"{month:%Y年}{month.month}月", counts)
        for month, counts in zip(months, own)
    ]
    rows.append(_monthly("合计", [sum(column) for column in zip(*own)] or [0] * 4))
    groups = (
        *((title, 11, _GOVERNMENT) for title in ("相关负责同志分别现场督导检查(次)", "发现问题隐患(个)")),
        *(
            (title, 9, _OWN)
            for title in ("自查(家次)", "发现问题隐患(个)", "整改(个)", "其中重大隐患(个)", "整改(个)")
        ),
        *(
            (title, 10, _DEPARTMENT)
            for title in (
                "部门检查经营单位(家次)", "发现问题隐患(个)", "整改(个)", "其中重大隐患(个)", "整改(个)",
                "责令停产整顿/关闭取缔(家)", "曝光、约谈、联合惩戒企业(家)", "责任倒查/追究问责(人)",
            )
        ),
    )  # fmt: skip
    return Form(
        "monthly",
        "泽州县安全风险大排查大整治工作清单",
        (Column("日期", 10), *(Column(*each) for each in groups)),
        tuple(rows),
        annex="附件2",
        above=((f"填报单位：{given.plant.site.name.zh}", f"填报日期：{in_words(given.day)}"),),
        below=(
            ("填表联系人：", "职务：", "电话："),
            ("备注：",),
            ("1.调度表自2月份开始上报，每月末报当月各项工作情况。",),
            (_LEADERS,),
        ),
        remarks=("发现数按登记时间、整改数按销号时间计入当月，误报不计。", MARKED),
        sheet="风险大排查大整治工作清单",
    )


def weekly_table(given: Filling) -> Form:
    """周调度统计表 (忻应急发〔2024〕216号 附件1): from the period's first day on, in the form's own words."""
    return Form(
        "weekly",
        "冶金工贸行业隐患排查整治专项行动周调度统计表",
        columns(("序号", 6), ("类别", 16), ("要点", 86), ("备注", 28)),
        tuple((number, *row) for number, row in enumerate(_weekly_rows(given), 1)),
        annex="附件 1",
        above=(given.by_whom_and_when,),
        below=((_CUMULATIVE,),),
        remarks=(
            f"累计区间：{given.period.words}；条数由警钟监测系统计算，已整改以销号为准，误报不计；“**”及文字由填报人补充。",
        ),
        sheet="周调度统计表",
    )


def _weekly_rows(given: Filling) -> tuple[tuple[str, ByHand, str], ...]:
    """类别, 要点, 备注 as they are printed."""
    return (
        (
            "部署推进",
            ByHand(
                "1. xx个县（区）是否制定了实施方案（通知）。\n2. 县级层面召开动员部署、执法检查等简要情况。\n"
                "3. 县级工作推进中，具有特点、特色措施办法摘要。\n4. 县级层面定期调度、通报、约谈、提醒、警示等情况。"
            ),
            "各地情况不同，按实际进展填写即可，每周汇总。",
        ),
        (
            "企业自查自改",
            ByHand(
                f"**家企业制定了自查自改工作方案，{_counted(given, OWN_STAGE)}（其中确定标杆企业**家，帮扶企业**家，"
                f"发现一般问题隐患**条，已整改**条；重大事故隐患**条，已整改**条）。"
            ),
            "",
        ),
        (
            "市县联合检查",
            ByHand(
                f"市本级检查**家企业，{_counted(given, '市级督查')}。"
                f"县级共检查**家企业，{_counted(given, '市县检查')}。"
            ),
            "",
        ),
        (
            "县级交叉检查",
            ByHand(f"对**县开展了交叉检查，**县的**家企业，{_counted(given, '交叉检查')}。"),
            "工作开展后填写。",
        ),
        (
            "行政处罚",
            ByHand(
                "处罚企业**家，合计处罚**万元，处罚企业主要负责人**人，合计处罚**万元；限期整改**家，停产整改**家，"
                "取缔关闭**家。"
            ),
            "",
        ),
        ("宣传曝光", ByHand("县级在主流媒体报道动员培训、工作推进，报道典型经验做法，曝光典型案例情况。"), ""),
        ("存在问题", ByHand("本地区专项行动工作中存在的问题、薄弱环节。"), ""),
        ("意见建议", ByHand("对专项行动及工贸安全监管工作的建议。"), ""),
    )


def _counted(given: Filling, stage: str) -> str:
    """The form's sentence: found from the period's first day on, and of these mended.

    What others found and nobody has entered here is not known: the form's own asterisks stay.
    """
    found = [a for a in given.true if a.stage == stage and given.period.holds(a.found_at)]
    if not found and stage != OWN_STAGE:
        return "发现一般问题隐患**条，已整改**条；重大事故隐患**条，已整改**条"
    mended = [each for each in found if each.mended_by(given.until)]
    major, major_mended = (sum(each.is_major for each in some) for some in (found, mended))
    return (
        f"发现一般问题隐患{len(found) - major}条，已整改{len(mended) - major_mended}条；"
        f"重大事故隐患{major}条，已整改{major_mended}条"
    )


def _months(period: Period) -> Iterable[date]:
    month, last = china(period.start).date().replace(day=1), china(Instant(period.end - 1)).date()
    while month <= last:
        yield month
        month = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)


def _found_and_mended(accounts: Sequence[Account], period: Period, month: date) -> list[int]:
    """Found, mended, of these major: found, mended; within the month and the period, without false alarms."""

    def within(at: Instant | None) -> bool:
        return period.holds(at) and at is not None and china(at).date().replace(day=1) == month

    true = [each for each in accounts if not each.is_false_alarm]
    found = [each for each in true if within(each.found_at)]
    mended = [each for each in true if within(each.written_off_at)]
    return [len(found), len(mended), sum(a.is_major for a in found), sum(a.is_major for a in mended)]


def _monthly(label: str, own: Sequence[int]) -> tuple[Cell, ...]:
    return (label, *([BY_HAND] * 2), BY_HAND, *own, *([BY_HAND] * 8))
