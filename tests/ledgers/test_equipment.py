"""The ledgers of equipment, instruments and interlock proofs: what is due, overdue, soon due or was never said."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.ledgers.filling import Proven, standing_of
from gateway.ledgers.form import Form
from gateway.ledgers.forms import filled
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.proof_test import ProofTest
from gateway.plant.model import Plant, Text
from gateway.proof_calendar import ProofStanding
from gateway.rule import InterlockInstance
from gateway.sample import Instant
from tests.engine.scripted import plant
from tests.ledgers.test_forms import DAY, HOUR, MARCH, at, local, ticket

NOW = at(2026, 3, 20)


def interlock(name: str, *, every: int | None = 90, due: Instant | None = None, **kept: object) -> Proven:
    row = InterlockInstance(0, f"{name}@furnace", name, "furnace", ("4(4)",), Text(name, name), (), None, ())
    span = None if every is None else every * DAY
    proven_at = None if due is None or span is None else Instant(due - span)
    record = InterlockRecord(row.id, **kept)  # type: ignore[arg-type]
    return Proven(row, record, ProofStanding(proven_at, span, due, 4, 3, 1))


def dated(**fields: object) -> Plant:
    own = plant()
    return replace(own, equipment=tuple(replace(each, **fields) for each in own.equipment))


def sheets(site: Plant, *interlocks: Proven) -> tuple[Form, ...]:
    return filled("equipment", site, [ticket("HD-1", at(2026, 3, 5), steps=5)], MARCH, NOW, interlocks)


@pytest.mark.parametrize(
    ("due", "word"),
    [
        (None, "未登记"),
        (date(2026, 3, 19), "已过期"),
        (date(2026, 3, 20), "即将到期"),
        (date(2026, 4, 19), "即将到期"),
        (date(2026, 4, 20), "有效"),
    ],
)
def test_a_date_is_overdue_the_day_after_and_soon_due_thirty_days_before(due: date | None, word: str) -> None:
    assert standing_of(due, date(2026, 3, 20)) == word


def row_of(form: Form, *titles: str) -> list[object]:
    at_of = {column.title: place for place, column in enumerate(form.columns)}
    line = next(line for line in form.rows if "furnace" in line)
    return [line[at_of[title]] for title in titles]


def test_the_equipment_ledger_says_what_is_due_and_what_was_found() -> None:
    form = sheets(dated(inspection_due=date(2026, 3, 1)), interlock("trip", due=at(2026, 4, 1)))[0]
    told = row_of(form, "检验状态", "联锁试验到期最早", "联锁试验状态", "期内隐患(条)", "未销号(条)")
    assert told == ["已过期", date(2026, 4, 1), "即将到期", 1, 0]


def test_an_interlock_that_was_never_proven_comes_before_one_that_is_due() -> None:
    form = sheets(plant(), interlock("trip", due=at(2026, 4, 1)), interlock("lift"))[0]
    assert row_of(form, "联锁试验到期最早", "联锁试验状态") == ["", "未证明"]


def test_the_proof_ledger_has_every_interlock_what_is_due_first_and_its_last_test() -> None:
    test = ProofTest("PT-1", at(2026, 1, 1), at(2026, 1, 1, 16), "王电工", "季度试验", result="动作正常")
    lines = sheets(
        plant(),
        interlock("late", due=at(2026, 3, 1), tests=(test,)),
        interlock("free", every=None),
        interlock("never"),
        interlock("sound", due=Instant(at(2026, 6, 1) + HOUR)),
    )[2].rows
    assert [(line[1], line[8]) for line in lines] == [
        ("never", "未证明"), ("late", "已过期"), ("sound", "有效"), ("free", "无周期"),
    ]  # fmt: skip
    assert lines[1][4:13] == (
        "3 / 4", "90 天", date(2025, 12, 1), date(2026, 3, 1), "已过期", local(1, 8, month=1), "王电工", "动作正常", "",
    )  # fmt: skip
