"""The ledger of interlock proof tests (联锁试验台账): what is proven, by which test, and when it must be again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway.ledgers.filling import SOON, Filling, Proven, columns, standing_of
from gateway.ledgers.form import BY_HAND, Cell, Form, china
from gateway.machines.interlock_record import InterlockRecord
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.proof_calendar import proof_standing
from gateway.rule import InterlockInstance, RuleInstance
from gateway.sample import SECOND

_DAY = 86_400 * SECOND


def proven(
    interlocks: Sequence[InterlockInstance],
    rules: Sequence[RuleInstance],
    records: Mapping[str, InterlockRecord],
    policy: InterlockPolicy,
) -> tuple[Proven, ...]:
    """Every interlock with its record and how far it is proven."""
    found = []
    for row in interlocks:
        record = records.get(row.id, InterlockRecord(row.id))
        found.append(Proven(row, record, proof_standing(row, rules, record, policy.of(row.id))))
    return tuple(found)


def proof_ledger(given: Filling) -> Form:
    """What is due first on top; what has no calendar last."""
    names = {each.id: each.name.zh for each in given.plant.equipment}
    order = sorted(given.proven, key=lambda each: (each.standing.every is None, each.standing.due_at or 0, each.row.id))
    rows = [
        (
            number,
            each.row.name.zh,
            names.get(each.row.equipment, each.row.equipment),
            "、".join(each.row.clauses),
            f"{each.standing.proven} / {each.standing.cells}",
            f"{each.standing.every / _DAY:g} 天" if each.standing.every is not None else BY_HAND,
            china(each.standing.proven_at).date() if each.standing.proven_at is not None else "",
            china(each.standing.due_at).date() if each.standing.due_at is not None else "",
            proof_word(each, given),
            *_last_test(each),
            _bypassed(each),
        )
        for number, each in enumerate(order, 1)
    ]
    return Form(
        "proofs",
        "联锁试验台账",
        columns(
            ("序号", 6), ("联锁", 24), ("所属设备", 20), ("条款", 12), ("已证明/应证明", 10), ("试验周期", 11),
            ("上次证明", 12), ("下次到期", 12), ("状态", 11), ("最近试验", 16), ("试验人", 10), ("试验结果", 24),
            ("旁路", 20),
        ),
        tuple(rows),
        above=((f"填报单位：{given.plant.site.name.zh}", f"制表日期：{given.day:%Y-%m-%d}"),),
        remarks=(f"已证明为每个原因与动作组合中现行版本已得到验证的数；{SOON} 天内到期为“即将到期”。",),
    )  # fmt: skip


def proof_word(each: Proven, given: Filling) -> str:
    """In one word; without a calendar there is nothing to be late for."""
    if each.standing.every is None:
        return "无周期"
    if each.standing.due_at is None:
        return "未证明"
    return standing_of(china(each.standing.due_at).date(), given.day)


def _last_test(each: Proven) -> tuple[Cell, Cell, Cell]:
    if not each.record.tests:
        return "", "", ""
    last = each.record.tests[-1]
    return china(last.since), last.by, last.result


def _bypassed(each: Proven) -> str:
    bypass = each.record.bypass
    return "" if bypass is None else f"旁路中，自 {china(bypass.since):%Y-%m-%d %H:%M}"
