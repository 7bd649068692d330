"""The cause-and-effect matrix: a cell is proven by what nothing else explains, and by nothing less."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cause_effect_matrix import MatrixCell, Proof, matrix
from gateway.events.interlocks import Verdict
from gateway.machines.interlock import Demand, EffectState
from gateway.rule import EffectMode, Truth
from gateway.sample import SECOND, Instant
from tests.api.support import HOT, LEAK, RULES
from tests.engine.scripted import interlock

ROW = interlock(causes=(0, 1), feedback=3, mode=EffectMode.OBSERVE)
EFFECT = ROW.effects[0].id


def demand(
    at: int, verdict: Verdict, delay: int | None, *causes: str, engaged: Truth = Truth.TRUE, row: str = ROW.id
) -> Demand:
    effects = (EffectState(EFFECT, EffectMode.OBSERVE, verdict, delay),)
    when = Instant(at * SECOND)
    return Demand(f"d{at}", row, "furnace", causes or (LEAK,), when, when, engaged, effects)


def cells(*demands: Demand) -> dict[str, MatrixCell]:
    (row,) = matrix([ROW], RULES, demands)
    return {cell.cause: cell for cell in row.cells}


def test_every_pair_of_cause_and_effect_has_a_cell_and_one_never_demanded_is_not_proven() -> None:
    assert cells() == {LEAK: MatrixCell(LEAK, EFFECT), HOT: MatrixCell(HOT, EFFECT)}


def test_a_demand_in_time_proves_the_cell_of_its_cause_and_no_other() -> None:
    found = cells(demand(10, Verdict.PASS, SECOND))
    assert found[LEAK].proven == Proof("d10", 10 * SECOND, SECOND)
    assert found[HOT].proven is None


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict is not Verdict.PASS])
def test_nothing_but_a_pass_proves(verdict: Verdict) -> None:
    cell = cells(demand(10, verdict, SECOND))[LEAK]
    assert (cell.verdict, cell.proven) == (verdict, None)


@pytest.mark.parametrize(
    "explained",
    [
        demand(10, Verdict.PASS, SECOND, LEAK, HOT),
        demand(10, Verdict.PASS, 0),
        demand(10, Verdict.PASS, None),
        demand(10, Verdict.PASS, SECOND, engaged=Truth.FALSE),
        demand(10, Verdict.PASS, SECOND, engaged=Truth.UNKNOWN),
    ],
    ids=["two causes", "there before", "no delay", "out of service", "service unknown"],
)
def test_an_effect_that_something_else_explains_proves_nothing(explained: Demand) -> None:
    cell = cells(explained)[LEAK]
    assert (cell.demand, cell.verdict, cell.proven) == ("d10", Verdict.PASS, None)


def test_a_later_failure_is_shown_beside_the_earlier_proof_in_whatever_order_they_come() -> None:
    failed, passed = demand(20, Verdict.FAIL, None), demand(10, Verdict.PASS, SECOND)
    assert cells(failed, passed) == cells(passed, failed)
    cell = cells(failed, passed)[LEAK]
    assert (cell.demand, cell.verdict, cell.proven) == ("d20", Verdict.FAIL, Proof("d10", 10 * SECOND, SECOND))


def test_a_demand_of_an_interlock_that_is_gone_changes_nothing() -> None:
    assert cells(demand(10, Verdict.PASS, SECOND, row="other@furnace")) == cells()


DEMANDS = st.builds(
    demand,
    st.integers(0, 50),
    st.sampled_from(Verdict),
    st.none() | st.integers(0, 9),
    st.sampled_from([LEAK, HOT]),
    engaged=st.sampled_from(Truth),
)


@given(st.lists(DEMANDS, max_size=12))
def test_the_latest_proof_is_never_later_than_the_latest_demand(demands: list[Demand]) -> None:
    unique = {each.demanded_at: each for each in demands}
    for cell in cells(*unique.values()).values():
        if cell.proven is not None:
            assert cell.demanded_at is not None
            assert cell.proven.at <= cell.demanded_at
            proof = unique[Instant(cell.proven.at)]
            assert (proof.causes, proof.engaged, proof.verdict) == ((cell.cause,), Truth.TRUE, Verdict.PASS)


def test_an_effect_that_the_demand_did_not_have_leaves_its_cell_unexercised() -> None:
    assert cells(replace(demand(10, Verdict.PASS, SECOND), effects=())) == cells()
