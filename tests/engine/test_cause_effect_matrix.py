"""The cause-and-effect matrix: a cell is proven by what nothing else explains, of the version in force, and no less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cause_effect_matrix import Known, MatrixCell, MatrixRow, matrix
from gateway.events.interlock_register import EffectProven, ProvenBy
from gateway.events.interlocks import EffectJudged, Verdict
from gateway.machines import interlock_record
from gateway.machines.interlock import Demand, EffectState
from gateway.machines.interlock_record import InterlockRecord
from gateway.plant.interlock_keeping import InterlockPolicy
from gateway.proving import proofs
from gateway.rule import EffectMode, InterlockInstance, RuleInstance, Truth
from gateway.sample import SECOND, Instant
from tests.api.support import HOT, LEAK, RULES
from tests.engine.scripted import interlock

ROW = interlock(causes=(0, 1), feedback=3, mode=EffectMode.OBSERVE)
EFFECT = ROW.effects[0].id
HASH = {rule.id: rule.hash for rule in RULES}


def demand(
    at: int, verdict: Verdict, delay: int | None, *causes: str, engaged: Truth = Truth.TRUE, row: str = ROW.id
) -> Demand:
    causes = causes or (LEAK,)
    effects = (EffectState(EFFECT, EffectMode.OBSERVE, verdict, delay),)
    when, hashes = Instant(at * SECOND), tuple(HASH[cause] for cause in causes)
    return Demand(f"d{at}", row, "furnace", causes, when, when, engaged, effects, cause_hashes=hashes)


def proven(of: Demand) -> list[EffectProven]:
    """The proofs of a demand, judged as its effects say."""
    judged = [
        EffectJudged(
            id=f"{of.id} {each.effect}",
            at=of.demanded_at,
            demand=of.id,
            interlock=of.interlock,
            effect=each.effect,
            mode=each.mode,
            verdict=each.verdict,
            delay=each.delay,
        )
        for each in of.effects
    ]
    return [event for event in proofs(ROW, of, judged) if isinstance(event, EffectProven)]


def drawn(
    *demands: Demand, row: InterlockInstance = ROW, rules: Sequence[RuleInstance] = RULES, kept: int = 99
) -> MatrixRow:
    """The row after these demands, oldest first, of which the latest `kept` are still there."""
    record = InterlockRecord(ROW.id)
    for each in demands:
        for event in proven(each) if each.interlock == ROW.id else ():
            record = interlock_record.evolve(record, event)
    left = demands[len(demands) - min(kept, len(demands)) :]
    known = Known(rules, left, {ROW.id: record}, InterlockPolicy(), lambda _: None, Instant(0))
    (drawn_row,) = matrix([row], known)
    return drawn_row


def cells(*demands: Demand) -> dict[str, MatrixCell]:
    return {cell.cause: cell for cell in drawn(*demands).cells}


def test_every_pair_of_cause_and_effect_has_a_cell_and_one_never_demanded_is_not_proven() -> None:
    assert cells() == {LEAK: MatrixCell(LEAK, EFFECT), HOT: MatrixCell(HOT, EFFECT)}


@pytest.mark.parametrize(("verdict", "by"), [(Verdict.PASS, "demand"), (Verdict.TEST, "test")])
def test_a_demand_in_time_proves_the_cell_of_its_cause_and_no_other(verdict: Verdict, by: str) -> None:
    found = cells(demand(10, verdict, SECOND))
    proof = found[LEAK].proven
    assert proof is not None
    assert (proof.demand, proof.at, proof.delay, proof.proven_by) == ("d10", 10 * SECOND, SECOND, ProvenBy(by))
    assert found[HOT].proven is None


@pytest.mark.parametrize("verdict", [verdict for verdict in Verdict if verdict not in (Verdict.PASS, Verdict.TEST)])
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


def test_a_later_failure_is_shown_beside_the_earlier_proof() -> None:
    cell = cells(demand(10, Verdict.PASS, SECOND), demand(20, Verdict.FAIL, None))[LEAK]
    assert (cell.demand, cell.verdict) == ("d20", Verdict.FAIL)
    assert cell.proven is not None
    assert cell.proven.demand == "d10"


def test_a_proof_outlives_the_demand_that_gave_it() -> None:
    (first, _) = drawn(demand(10, Verdict.PASS, SECOND), kept=0).cells
    assert (first.demand, first.verdict) == (None, None)
    assert first.proven is not None


def test_a_rule_that_has_changed_asks_for_another_proof_and_the_other_cause_does_not() -> None:
    both = (demand(10, Verdict.PASS, SECOND), demand(20, Verdict.PASS, SECOND, HOT))
    changed = [replace(RULES[0], hash="another limit"), *RULES[1:]]
    row = drawn(*both, rules=changed)
    lapsed = {cell.cause: cell.proven.lapsed for cell in row.cells if cell.proven}
    assert lapsed == {LEAK: True, HOT: False}
    assert (row.proof.cells, row.proof.proven, row.proof.lapsed) == (2, 1, 1)


def test_an_effect_that_has_changed_asks_for_another_proof_of_every_cause() -> None:
    changed = replace(ROW, effects=(replace(ROW.effects[0], hash="another time"),))
    row = drawn(demand(10, Verdict.PASS, SECOND), demand(20, Verdict.PASS, SECOND, HOT), row=changed)
    assert (row.proof.proven, row.proof.lapsed, row.proof.proven_at) == (0, 2, None)


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
    unique = {each.demanded_at: each for each in sorted(demands, key=lambda each: each.demanded_at)}
    for cell in cells(*unique.values()).values():
        if cell.proven is not None:
            assert cell.demanded_at is not None
            assert cell.proven.at <= cell.demanded_at
            proof = unique[Instant(cell.proven.at)]
            assert (proof.causes, proof.engaged) == ((cell.cause,), Truth.TRUE)
            assert proof.verdict in (Verdict.PASS, Verdict.TEST)


def test_an_effect_that_the_demand_did_not_have_leaves_its_cell_unexercised() -> None:
    assert cells(replace(demand(10, Verdict.PASS, SECOND), effects=())) == cells()
