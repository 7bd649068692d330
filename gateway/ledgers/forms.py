"""The forms, columns as the notices print them: the plant's own ledger, and what county and city are sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from gateway.ledgers.account import Account
from gateway.ledgers.form import BY_HAND, ByHand, Cell, Column, Form, Period, china
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant
from gateway.sample import Instant

_MAJOR_NOTE = (
    "说明：检查环节为企业自查、市县检查、交叉检查、市级督查、群众举报；整改措施需明确整改责任、措施、资金、时限、预案；"
    "已完成整改的需在整改完成情况说明完成时间；本统计表每周五上报，为累计数据。"
)
_MARKED = "底色单元格由企业填写；其余由警钟监测系统根据事件日志生成，状态为导出时的状态。"


def hazard_ledger(plant: Plant, accounts: Sequence[Account], period: Period) -> Form:
    """隐患排查台账: every ticket that was filed in the period, false alarms with their cause."""
    rows = [
        (
            number,
            each.ticket.title.zh,
            each.place,
            f"{each.description}；判定依据：{each.basis}",
            each.grade,
            each.found_by,
            china(each.ticket.filed_at),
            BY_HAND,
            each.ticket.responsible or BY_HAND,
            each.measures or BY_HAND,
            _date(each.ticket.due),
            each.outcome,
            china(each.written_off_at) if each.written_off_at is not None else "",
            f"工单 {each.ticket.id}",
        )
        for number, each in enumerate((a for a in accounts if period.holds(a.ticket.filed_at)), 1)
    ]
    return Form(
        "hazards",
        "隐患排查台账",
        _columns(
            ("序号", 6), ("隐患名称", 22), ("所在位置", 20), ("隐患描述", 44), ("隐患等级", 10), ("排查人", 20),
            ("排查时间", 18), ("责任部门", 14), ("责任人", 10), ("整改措施", 30), ("整改时限", 12),
            ("整改完成情况", 22), ("销号时间", 18), ("备注", 20),
        ),
        tuple(rows),
        (f"填报单位：{plant.site.name.zh}", f"统计区间：{period.words}"),
        (_MARKED,),
    )  # fmt: skip


def major_ledger(plant: Plant, accounts: Sequence[Account], period: Period) -> Form:
    """重大事故隐患台账 (忻应急发〔2024〕216号 附件2): cumulative up to the period's end, without false alarms."""
    counted = [a for a in accounts if a.is_major and not a.is_false_alarm and a.ticket.filed_at < period.end]
    rows = [
        (
            number,
            plant.site.name.zh,
            BY_HAND,
            plant.site.industry or BY_HAND,
            "企业自查",
            plant.site.name.zh,
            china(each.ticket.filed_at),
            f"{each.place}：{each.description}（{each.basis}；{each.grade}）",
            _five(each),
            BY_HAND,
            BY_HAND,
            _completed(each),
            f"工单 {each.ticket.id}",
        )
        for number, each in enumerate(counted, 1)
    ]
    return Form(
        "major",
        "冶金工贸行业隐患排查整治专项行动重大事故隐患台账",
        _columns(
            ("序号", 6), ("企业名称", 22), ("所在市(县、区)", 14), ("行业类别", 10), ("检查环节", 10), ("检查单位", 20),
            ("检查时间", 18), ("重大隐患明细", 46), ("整改措施", 34), ("挂牌督办单位", 14), ("行政处罚情况", 14),
            ("整改完成情况", 24), ("备注", 20),
        ),
        tuple(rows),
        (f"填报单位：{plant.site.name.zh}", f"填报时间：{china(Instant(period.end - 1)).date():%Y 年 %m 月 %d 日}"),
        (
            _MAJOR_NOTE,
            _MARKED,
        ),
    )  # fmt: skip


def issue_list(plant: Plant, accounts: Sequence[Account], period: Period) -> Form:
    """检查问题隐患清单 (附件5): what was found in the period."""
    found = [a for a in accounts if period.holds(a.ticket.filed_at) and not a.is_false_alarm]
    rows = [
        (
            number,
            f"{each.place}：{each.description}",
            f"监测曲线、报警与联锁记录（证据包：工单 {each.ticket.id}）",
            each.basis,
            each.grade,
            each.outcome,
        )
        for number, each in enumerate(found, 1)
    ]
    return Form(
        "issues",
        "冶金工贸行业隐患排查整治专项行动检查问题隐患清单",
        _columns(("序号", 6), ("隐患描述", 50), ("现场证据", 36), ("判定依据", 40), ("隐患类型", 12), ("备注", 22)),
        tuple(rows),
        (f"企业名称：{plant.site.name.zh}", f"检查时间：{period.words}"),
        ("检查人员（签字）：", "企业负责人（签字）："),
    )


_GOVERNMENT, _OWN, _DEPARTMENT = "党委政府带队检查情况", "企业自查自纠情况", "部门督导检查情况"


def monthly_summary(plant: Plant, accounts: Sequence[Account], period: Period) -> Form:
    """安全风险大排查大整治工作清单 (泽州县安委会 附件2): the plant's own columns by month, and their sum."""
    months = list(_months(period))
    own = [_found_and_mended(accounts, period, month) for month in months]
    rows = [_monthly(f"{month:%Y年}{month.month}月", counts) for month, counts in zip(months, own)]
    rows.append(_monthly("合计", [sum(column) for column in zip(*own)] or [0] * 4))
    groups = (
        *((title, 14, _GOVERNMENT) for title in ("相关负责同志分别现场督导检查(次)", "发现问题隐患(个)")),
        *(
            (title, 12, _OWN)
            for title in ("自查(家次)", "发现问题隐患(个)", "整改(个)", "其中重大隐患(个)", "整改(个)")
        ),
        *(
            (title, 14, _DEPARTMENT)
            for title in (
                "部门检查经营单位(家次)", "发现问题隐患(个)", "整改(个)", "其中重大隐患(个)", "整改(个)",
                "责令停产整顿/关闭取缔(家)", "曝光、约谈、联合惩戒企业(家)", "责任倒查/追究问责(人)",
            )
        ),
    )  # fmt: skip
    return Form(
        "monthly",
        "安全风险大排查大整治工作清单",
        (Column("日期", 12), *(Column(*each) for each in groups)),
        tuple(rows),
        (f"填报单位：{plant.site.name.zh}", f"填报日期：{china(Instant(period.end - 1)).date():%Y 年 %m 月 %d 日}"),
        ("填表联系人：", "职务：", "电话：", _MARKED),
    )


FORMS: dict[str, tuple[str, Callable[[Plant, Sequence[Account], Period], Form]]] = {
    "hazards": ("隐患排查台账 Hazard ledger", hazard_ledger),
    "major": ("重大事故隐患台账 Ledger of major hazards", major_ledger),
    "issues": ("检查问题隐患清单 List of issues found", issue_list),
    "monthly": ("月度排查整治清单 Monthly summary", monthly_summary),
}
"""Forms by id: their names, and what fills them."""


def filled(form: str, plant: Plant, tickets: Iterable[Ticket], period: Period) -> Form:
    """A form of the tickets, in the order of their filing. Raises KeyError for a form that is none."""
    ordered = sorted(tickets, key=lambda ticket: (ticket.filed_at, ticket.id))
    return FORMS[form][1](plant, [Account(ticket, plant) for ticket in ordered], period)


def _columns(*titles: tuple[str, int]) -> tuple[Column, ...]:
    return tuple(Column(title, width) for title, width in titles)


def _date(at: Instant | None) -> Cell:
    return china(at).date() if at is not None else BY_HAND


def _five(each: Account) -> ByHand:
    """责任、措施、资金、时限、预案: what is known of the five that a major hazard needs."""
    due = f"{china(each.ticket.due).date():%Y-%m-%d}" if each.ticket.due is not None else ""
    return ByHand(f"责任：{each.ticket.responsible}\n措施：{each.measures}\n资金：\n时限：{due}\n预案：")


def _completed(each: Account) -> str:
    done = each.written_off_at or each.rectified_at
    return f"{each.outcome}，{china(done):%Y-%m-%d %H:%M}" if done is not None else each.outcome


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
    found = [each for each in true if within(each.ticket.filed_at)]
    mended = [each for each in true if within(each.written_off_at)]
    return [len(found), len(mended), sum(a.is_major for a in found), sum(a.is_major for a in mended)]


def _monthly(label: str, own: Sequence[int]) -> tuple[Cell, ...]:
    return (label, *([BY_HAND] * 2), BY_HAND, *own, *([BY_HAND] * 8))
