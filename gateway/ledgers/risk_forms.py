"""The list of risks and the ledger of their control, with the four colours; the risks are the plant file's own."""

from __future__ import annotations

from collections.abc import Sequence

from gateway.ledgers.account import Account
from gateway.ledgers.filling import Filling, columns
from gateway.ledgers.form import Coloured, Column, Form
from gateway.plant.risk import ControlLevel, Risk, RiskColour

LEVELS = {
    RiskColour.RED: "重大风险（红）",
    RiskColour.ORANGE: "较大风险（橙）",
    RiskColour.YELLOW: "一般风险（黄）",
    RiskColour.BLUE: "低风险（蓝）",
}
"""The four levels of 泽应急发〔2026〕58号, worst first."""

_CONTROL = {
    ControlLevel.COMPANY: "企业",
    ControlLevel.WORKSHOP: "车间/工段",
    ControlLevel.TEAM: "班组",
    ControlLevel.POST: "岗位",
}
_FROM_THE_FILE = "风险由企业辨识、分级并写入厂区文件（risks）；隐患数由警钟监测系统根据事件日志生成，误报不计。"


def risk_list(given: Filling) -> Form:
    """安全风险辨识清单 (泽应急发〔2026〕58号): by team, as the teams found them."""
    risks = sorted(given.plant.risks, key=lambda risk: risk.team)
    return Form(
        "risks",
        "安全风险辨识清单",
        (
            Column("序号", 6),
            Column("班组", 14, joined=True),
            *columns(
                ("风险名称", 22), ("所在岗位/环节", 20), ("风险描述", 38), ("可能引发的事故类型", 20), ("风险等级", 16)
            ),
        ),
        tuple(
            (n, r.team, r.name, r.post, r.description, r.accident, Coloured(LEVELS[r.colour], r.colour))
            for n, r in enumerate(risks, 1)
        ),
        above=((f"填报单位：{given.plant.site.name.zh}", f"制表日期：{given.day:%Y-%m-%d}"),),
        remarks=(_FROM_THE_FILE,),
    )  # fmt: skip


def control_ledger(given: Filling) -> Form:
    """风险分级管控台账 (泽应急发〔2026〕58号): the worst first, each with the hazards that were found on it."""
    order = list(RiskColour)
    risks = sorted(given.plant.risks, key=lambda risk: order.index(risk.colour))
    found = [a for a in given.found if not a.is_false_alarm]
    rows = [
        (
            number,
            risk.name,
            risk.post,
            risk.description,
            risk.accident,
            risk.likelihood,
            risk.severity,
            Coloured(LEVELS[risk.colour], risk.colour),
            risk.measures,
            _CONTROL[risk.control],
            risk.responsible,
            risk.frequency,
            len(here := _on(risk, risks, found)),
            sum(not each.mended_by(given.until) for each in here),
        )
        for number, risk in enumerate(risks, 1)
    ]
    return Form(
        "risk-control",
        "风险分级管控台账",
        columns(
            ("序号", 5), ("风险名称", 16), ("所在岗位/环节", 13), ("风险描述", 22), ("可能引发的事故类型", 12),
            ("可能性", 8), ("后果严重程度", 9), ("风险等级", 11), ("管控措施", 26), ("管控层级", 10),
            ("管控责任人", 9), ("管控频次", 10), ("期内隐患(条)", 9), ("其中未销号(条)", 10),
        ),
        tuple(rows),
        above=(given.by_whom_and_of,),
        below=((_mix(risks),),),
        remarks=(_FROM_THE_FILE,),
    )  # fmt: skip


def _on(risk: Risk, risks: Sequence[Risk], found: Sequence[Account]) -> list[Account]:
    """Hazards of the risk's equipment; a risk of a whole area has those that no risk of an equipment has."""
    if risk.equipment is not None:
        return [each for each in found if each.ticket.equipment == risk.equipment]
    named = {other.equipment for other in risks if other.area == risk.area and other.equipment is not None}
    return [each for each in found if each.ticket.area == risk.area and each.ticket.equipment not in named]


def _mix(risks: Sequence[Risk]) -> str:
    counts = (f"{word} {sum(risk.colour is colour for risk in risks)} 项" for colour, word in LEVELS.items())
    return "合计：" + "，".join(counts) + f"，共 {len(risks)} 项。"
