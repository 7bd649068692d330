"""Forms with a line for every hazard: the plant's own ledger, and what county and city are sent of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import groupby

from gateway.events.tickets import TicketAction
from gateway.ledgers.account import Account, last_step
from gateway.ledgers.filling import MARKED, Filling, columns, day_or_by_hand, in_words, moment_or_blank
from gateway.ledgers.form import BY_HAND, ByHand, Cell, Form, china

_FIVE_AND_STAGES = (
    "说明：检查环节为企业自查、市县检查、交叉检查、市级督查、群众举报；整改措施需明确整改责任、措施、资金、"
    "时限、预案；已完成整改的需在整改完成情况说明完成时间；本统计表每周五上报，为累计数据。"
)
_ACTION = "冶金工贸行业隐患排查整治专项行动"

HAZARD_COLUMNS = columns(
    ("序号", 5), ("隐患名称", 13), ("所在位置", 12), ("隐患描述", 27), ("隐患等级", 9), ("排查人", 11),
    ("排查时间", 16), ("责任部门", 9), ("责任人", 8), ("整改措施", 18), ("整改时限", 11), ("整改完成情况", 13),
    ("销号时间", 16), ("备注", 13),
)  # fmt: skip
"""What 泽应急发〔2026〕58号 asks the ledger to say; what an import reads."""


def hazard_ledger(given: Filling) -> Form:
    """隐患排查台账 (泽应急发〔2026〕58号): every ticket that was filed in the period, false alarms with their cause."""
    return Form(
        "hazards",
        "隐患排查台账",
        HAZARD_COLUMNS,
        tuple((number, *_hazard(each)) for number, each in enumerate(given.found, 1)),
        above=(given.by_whom_and_of,),
        remarks=(MARKED,),
    )


def _hazard(each: Account) -> tuple[Cell, ...]:
    return (
        each.ticket.title.zh,
        each.place,
        _described(each),
        each.grade,
        each.found_by,
        china(each.found_at),
        each.department or BY_HAND,
        each.ticket.responsible or BY_HAND,
        each.measures or BY_HAND,
        day_or_by_hand(each.ticket.due),
        each.outcome,
        moment_or_blank(each.written_off_at),
        _remark(each),
    )


def _described(each: Account) -> str:
    return f"{each.description}；判定依据：{each.basis}" if each.basis else each.description


def _remark(each: Account) -> str:
    own = each.ticket.line.remark if each.ticket.line else ""
    return "；".join(part for part in (own, f"工单 {each.ticket.id}") if part)


def _inspector(each: Account) -> str:
    """检查单位."""
    return each.ticket.unit or each.plant.site.name.zh


def _supervised_by(each: Account) -> str:
    """挂牌督办单位, also once it has been taken off the list."""
    step = last_step(each.ticket, TicketAction.SUPERVISE)
    return step.note if step is not None else ""


def major_ledger(given: Filling) -> Form:
    """重大事故隐患台账 (忻应急发〔2024〕216号 附件2): cumulative up to the period's end, without false alarms."""
    site = given.plant.site
    rows = [
        (
            number,
            site.name.zh,
            BY_HAND,
            site.industry or BY_HAND,
            each.stage,
            _inspector(each),
            china(each.found_at),
            f"{each.place}：{each.description}（{'；'.join(part for part in (each.basis, each.grade) if part)}）",
            _five(each),
            _supervised_by(each) or BY_HAND,
            _penalty(each),
            _completed(each),
            _remark(each),
        )
        for number, each in enumerate((a for a in given.true if a.is_major), 1)
    ]
    return Form(
        "major",
        f"{_ACTION}重大事故隐患台账",
        columns(
            ("序号", 5), ("企业名称", 14), ("所在市(县、区)", 9), ("行业类别", 9), ("检查环节", 9), ("检查单位", 14),
            ("检查时间", 16), ("重大隐患明细", 30), ("整改措施", 22), ("挂牌督办单位", 9), ("行政处罚情况", 9),
            ("整改完成情况", 16), ("备注", 12),
        ),
        tuple(rows),
        annex="附件 2",
        above=(given.by_whom_and_when,),
        below=(
            (_FIVE_AND_STAGES,),
        ),
        remarks=(MARKED,),
        sheet="重大事故隐患台账",
    )  # fmt: skip


def cross_check(given: Filling) -> Form:
    """县级交叉检查隐患情况汇总表 (附件4): one line for each cross-check of the plant in the period."""
    site = given.plant.site
    checked = [a for a in given.true if a.stage == "交叉检查" and given.period.holds(a.found_at)]
    rows = [
        (
            number,
            site.name.zh,
            BY_HAND,
            site.industry or BY_HAND,
            inspector,
            day,
            sum(not each.is_major for each in inspected),
            sum(each.is_major for each in inspected),
            BY_HAND,
            BY_HAND,
            _done_of(inspected),
            "",
        )
        for number, ((day, inspector), inspected) in enumerate(_inspections(checked), 1)
    ]
    return Form(
        "cross-check",
        f"{_ACTION}县级交叉检查隐患情况汇总表",
        columns(
            ("序号", 6), ("企业名称", 20), ("所在县(市、区)", 11), ("行业", 12), ("检查单位", 16), ("检查时间", 12),
            ("一般隐患(条)", 10), ("重大事故隐患(条)", 10), ("采取的行政处罚措施", 14), ("行政情况", 12),
            ("整改完成情况", 18), ("备注", 12),
        ),
        tuple(rows),
        annex="附件 4",
        above=(given.by_whom_and_when,),
        below=(("说明：本表由受检县填报",),),
        remarks=(MARKED,),
        sheet="交叉检查隐患情况汇总表",
    )  # fmt: skip


def _inspections(checked: Sequence[Account]) -> list[tuple[tuple[date, str], list[Account]]]:
    """Hazards of each day and inspector."""

    def of(each: Account) -> tuple[date, str]:
        return china(each.found_at).date(), _inspector(each)

    return [(key, list(group)) for key, group in groupby(sorted(checked, key=of), of)]


def _done_of(inspected: Sequence[Account]) -> str:
    done = sum(each.written_off_at is not None for each in inspected)
    return f"已整改 {done} 条，未整改 {len(inspected) - done} 条"


def issue_list(given: Filling) -> Form:
    """检查问题隐患清单 (附件5): what was found in the period."""
    rows = [
        (
            number,
            f"{each.place}：{each.description}",
            each.evidence or BY_HAND,
            each.basis or BY_HAND,
            each.grade,
            each.outcome,
        )
        for number, each in enumerate((a for a in given.found if not a.is_false_alarm), 1)
    ]
    return Form(
        "issues",
        f"{_ACTION}检查问题隐患清单",
        columns(("序号", 6), ("隐患描述", 44), ("现场证据", 30), ("判定依据", 32), ("隐患类型", 12), ("备注", 20)),
        tuple(rows),
        annex="附件 5",
        above=((f"企业名称：{given.plant.site.name.zh}", f"检查时间：{in_words(given.day)}"),),
        below=(("检查人员（签字）：", "企业负责人（签字）："),),
        remarks=(f"统计区间：{given.period.words}。", MARKED),
        sheet="检查问题隐患清单",
    )


def _five(each: Account) -> str | ByHand:
    """责任、措施、资金、时限、预案: what is known of the five that a major hazard needs."""
    five = {
        "责任": " ".join(part for part in (each.department, each.ticket.responsible) if part),
        "措施": each.measures,
        "资金": each.ticket.plan.funds,
        "时限": f"{china(each.ticket.due).date():%Y-%m-%d}" if each.ticket.due is not None else "",
        "预案": each.ticket.plan.emergency_plan,
    }
    text = "\n".join(f"{name}：{value}" for name, value in five.items())
    return text if all(five.values()) else ByHand(text)


def _penalty(each: Account) -> ByHand:
    """Penalties are not the system's to know; that production stands still is."""
    return ByHand(f"停产：{each.ticket.production.scope}" if each.ticket.production is not None else "")


def _completed(each: Account) -> str:
    done = each.written_off_at or each.rectified_at
    return f"{each.outcome}，{china(done):%Y-%m-%d %H:%M}" if done is not None else each.outcome
