"""Forms of the plant itself: the enterprise's profile (一企一档), its equipment and its instruments."""

from __future__ import annotations

from collections import Counter
from datetime import date

from gateway.ledgers.filling import MARKED, SOON, Filling, columns, standing_of
from gateway.ledgers.form import BY_HAND, Cell, Coloured, Column, Form, Share, china
from gateway.ledgers.risk_forms import LEVELS
from gateway.plant.model import Equipment, Point, RiskGrade
from gateway.plant.own import GATEWAY
from gateway.plant.risk import RiskColour

_GRADES = {
    RiskGrade.A: Coloured("A 级（红）", RiskColour.RED),
    RiskGrade.B: Coloured("B 级（橙）", RiskColour.ORANGE),
    RiskGrade.C: Coloured("C 级（黄）", RiskColour.YELLOW),
    RiskGrade.D: Coloured("D 级（蓝）", RiskColour.BLUE),
}
"""Colours of 泽应急发〔2026〕56号, A the worst; other notices give the same letters another order."""


def profile(given: Filling) -> Form:
    """企业安全生产基本信息（一企一档） (泽应急发〔2026〕56号): what the notice asks to be known of an enterprise."""
    site = given.plant.site
    own = [each for each in given.plant.equipment if each.id != GATEWAY]
    rows: list[tuple[Cell, ...]] = [
        ("企业基本信息", "企业名称", site.name.zh),
        ("企业基本信息", "统一社会信用代码", site.credit_code),
        ("企业基本信息", "地址", site.address or BY_HAND),
        ("企业基本信息", "行业类别", site.industry or BY_HAND),
        ("企业基本信息", "主要负责人", site.principal or BY_HAND),
        ("企业基本信息", "联系电话", site.telephone or BY_HAND),
        ("企业基本信息", "监管层级（县级/乡镇级）", BY_HAND),
        ("企业基本信息", "生产状态（正常/停产/关停/搬迁）", BY_HAND),
        ("分级分类", "风险等级", _GRADES[site.risk_grade]),
        ("分级分类", "安全生产标准化等级", BY_HAND),
        ("工艺设备", "区域", "、".join(area.name.zh for area in given.plant.areas)),
        ("工艺设备", "主要设备", "、".join(each.name.zh for each in own)),
        ("工艺设备", "设备数（台/套）", len(own)),
        ("工艺设备", "监测点数", sum(point.equipment != GATEWAY for point in given.plant.points)),
        *_risks(given),
        ("建设项目", "安全设施“三同时”", BY_HAND),
        ("安全管理", "安全管理机构与专职人员", BY_HAND),
        ("安全管理", "全员安全生产责任制", BY_HAND),
        ("安全管理", "24小时有人值守场所", "、".join(a.name.zh for a in given.plant.areas if a.staffed)),
        *_hazards(given),
    ]
    return Form(
        "profile",
        "企业安全生产基本信息档案（一企一档）",
        (Column("类别", 18, joined=True), *columns(("项目", 32), ("内容", 82))),
        tuple(rows),
        above=((given.by_whom_and_when[0], f"统计区间：{given.period.words}"),),
        remarks=(MARKED,),
        sheet="一企一档",
    )


def _risks(given: Filling) -> list[tuple[Cell, ...]]:
    counts = Counter(risk.colour for risk in given.plant.risks)
    return [("风险点位", word, Coloured(f"{counts[colour]} 项", colour)) for colour, word in LEVELS.items()]


def _hazards(given: Filling) -> list[tuple[Cell, ...]]:
    found = [each for each in given.found if not each.is_false_alarm]
    mended = [each for each in found if each.mended_by(given.until)]
    return [
        ("隐患治理", "期内发现隐患（条）", len(found)),
        ("隐患治理", "其中重大（条）", sum(each.is_major for each in found)),
        ("隐患治理", "已销号（条）", len(mended)),
        ("隐患治理", "整改率", Share(len(mended), len(found))),
    ]


def equipment_ledger(given: Filling) -> Form:
    """主要设备设施台账 (泽应急发〔2026〕56号 13): every equipment, when it is due, and what was found on it."""
    areas = {area.id: area.name.zh for area in given.plant.areas}
    names = {each.id: each.name.zh for each in given.plant.equipment}
    own = [each for each in given.plant.equipment if each.id != GATEWAY]
    rows = [
        (
            number,
            each.name.zh,
            each.id,
            names.get(each.parent or "", ""),
            areas.get(each.area, each.area),
            "；".join(f"{name} {value}" for name, value in each.nameplate.items()) or BY_HAND,
            each.commissioned or BY_HAND,
            each.inspection_due or BY_HAND,
            standing_of(each.inspection_due, given.day),
            *_instruments(each, given),
            *_proof(each, given),
            *_found_on(each, given),
            BY_HAND,
        )
        for number, each in enumerate(own, 1)
    ]
    return Form(
        "equipment",
        "主要设备设施全生命周期安全管理台账",
        columns(
            ("序号", 5), ("设备名称", 18), ("设备编号", 13), ("上级设备", 13), ("所在区域", 13), ("主要参数", 22),
            ("投用日期", 11), ("检定检验有效期至", 11), ("检验状态", 9), ("监测点(个)", 9), ("校准到期最早", 11),
            ("校准状态", 9), ("联锁试验到期最早", 11), ("联锁试验状态", 9),
            ("期内隐患(条)", 9), ("未销号(条)", 9), ("维护保养、定修技改、报废", 18),
        ),
        tuple(rows),
        above=(given.by_whom_and_of,),
        remarks=(f"状态按 {given.day:%Y-%m-%d} 计，{SOON} 天内到期为“即将到期”。", MARKED),
        sheet="设备台账",
    )  # fmt: skip


def _instruments(equipment: Equipment, given: Filling) -> tuple[Cell, Cell, Cell]:
    points = [point for point in given.plant.points if point.equipment == equipment.id]
    dates = [point.calibration_due for point in points if point.calibration_due is not None]
    earliest = min(dates, default=None)
    return len(points), earliest or "", standing_of(earliest, given.day) if dates else ""


def _proof(equipment: Equipment, given: Filling) -> tuple[Cell, Cell]:
    """Of its interlocks, the one that must be proven first; one that was never proven comes before all."""
    own = [each for each in given.proven if each.row.equipment == equipment.id and each.standing.every is not None]
    if not own:
        return "", ""
    first = min(own, key=lambda each: each.standing.due_at or 0)
    if first.standing.due_at is None:
        return "", "未证明"
    due = china(first.standing.due_at).date()
    return due, standing_of(due, given.day)


def _found_on(equipment: Equipment, given: Filling) -> tuple[Cell, Cell]:
    here = [a for a in given.found if a.ticket.equipment == equipment.id and not a.is_false_alarm]
    return len(here), sum(not each.mended_by(given.until) for each in here)


def instrument_ledger(given: Filling) -> Form:
    """监测仪表校准台账: every measuring point with its calibration, what is due first on top."""
    names = {each.id: each.name.zh for each in given.plant.equipment}
    measured = [point for point in given.plant.points if point.equipment != GATEWAY and point.unit]
    rows = [
        (
            number,
            point.name.zh,
            point.id,
            names.get(point.equipment, point.equipment),
            f"{point.low:g} ~ {point.high:g}",
            point.unit,
            point.calibration_due or BY_HAND,
            (point.calibration_due - given.day).days if point.calibration_due else "",
            standing_of(point.calibration_due, given.day),
        )
        for number, point in enumerate(sorted(measured, key=_due_first), 1)
    ]
    return Form(
        "instruments",
        "监测仪表校准台账",
        columns(
            ("序号", 6), ("仪表", 26), ("测点编号", 34), ("所属设备", 26), ("量程", 16), ("单位", 10),
            ("校准有效期至", 14), ("剩余(天)", 10), ("状态", 12),
        ),
        tuple(rows),
        above=((f"填报单位：{given.plant.site.name.zh}", f"制表日期：{given.day:%Y-%m-%d}"),),
        remarks=(f"{SOON} 天内到期为“即将到期”。",),
    )  # fmt: skip


def _due_first(point: Point) -> tuple[bool, date, str]:
    return point.calibration_due is None, point.calibration_due or date.max, point.id
