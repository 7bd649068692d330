"""The cause-and-effect matrix of a plant: for each cause and effect, when it last was demanded and last was proven.

Reads states and decides nothing. Of each interlock it says as well who bypasses or tests it, and when its proof is due.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from gateway.events.interlock_register import ProvenBy
from gateway.events.interlocks import Verdict
from gateway.machines import bypass, proof_test
from gateway.machines.bypass import Bypass
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import CellProof, Found, InterlockRecord
from gateway.machines.proof_test import ProofTest
from gateway.plant.interlock_keeping import InterlockKeeping, InterlockPolicy
from gateway.plant.model import Text
from gateway.proof_calendar import ProofStanding, proof_standing
from gateway.proving import cell_hashes
from gateway.rule import EffectMode, InterlockInstance, RuleInstance, Truth
from gateway.sample import Instant

_BYPASSING = (bypass.BypassAction.BYPASS, bypass.BypassAction.REMOVE_BYPASS)
_TESTING = (proof_test.ProofTestAction.DECLARE_TEST, proof_test.ProofTestAction.END_TEST)


@dataclass(frozen=True, slots=True)
class Proof:
    """A demand that showed an effect to follow its cause in time, and that nothing else explains."""

    demand: str
    proven_by: ProvenBy
    at: int
    delay: int
    """Microseconds from the demand to the effect."""
    lapsed: bool
    """It is of an earlier version of the rule or the effect: the one in force is not proven."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One effect of one cause."""

    cause: str
    effect: str
    demanded_at: int | None = None
    """The latest demand with this cause among those that are kept; None is never to be read as proven."""
    demand: str | None = None
    verdict: Verdict | None = None
    """Of that demand."""
    delay: int | None = None
    engaged: Truth | None = None
    """Whether the interlock was in service at that demand."""
    proven: Proof | None = None


@dataclass(frozen=True, slots=True)
class MatrixCause:
    rule: str
    title: Text


@dataclass(frozen=True, slots=True)
class MatrixEffect:
    id: str
    name: Text
    within: int
    """Microseconds."""
    mode: EffectMode


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """One interlock of one equipment: its causes, its effects and a cell for each pair, causes first."""

    interlock: str
    name: Text
    equipment: str
    clauses: tuple[str, ...]
    causes: tuple[MatrixCause, ...]
    effects: tuple[MatrixEffect, ...]
    cells: tuple[MatrixCell, ...]
    engaged: Truth | None
    """Whether it is in service now; None where the plant has no such point."""
    bypass: Bypass | None
    test: ProofTest | None
    findings: tuple[Found, ...]
    proof: ProofStanding
    overdue: bool
    withholds_start: bool
    """Whether its overdue proof keeps its equipment from starting."""
    bypass_max: int
    """Longest bypass (microseconds); 0: never."""
    test_max: int
    actions: tuple[str, ...]
    """What a person may do with it now: each is a route of this name under the interlock."""
    bypasses: tuple[Bypass, ...]
    """The latest that have ended, oldest first."""
    tests: tuple[ProofTest, ...]


@dataclass(frozen=True, slots=True)
class Known:
    """Everything that the matrix is drawn from."""

    rules: Sequence[RuleInstance]
    demands: Iterable[Demand]
    records: Mapping[str, InterlockRecord]
    policy: InterlockPolicy
    engaged: Callable[[InterlockInstance], Truth | None]
    now: Instant


def matrix(interlocks: Sequence[InterlockInstance], known: Known) -> tuple[MatrixRow, ...]:
    """The rows of all interlocks, in their order; demands may come in any order."""
    of: dict[str, list[Demand]] = {row.id: [] for row in interlocks}
    for demand in sorted(known.demands, key=lambda each: each.demanded_at):
        if demand.interlock in of:
            of[demand.interlock].append(demand)
    return tuple(_row(row, known, of[row.id]) for row in interlocks)


def _row(row: InterlockInstance, known: Known, demands: Sequence[Demand]) -> MatrixRow:
    record = known.records.get(row.id, InterlockRecord(row.id))
    keeping = known.policy.of(row.id)
    proof = proof_standing(row, known.rules, record, keeping)
    versions = cell_hashes(row, known.rules)
    return MatrixRow(
        interlock=row.id,
        name=row.name,
        equipment=row.equipment,
        clauses=row.clauses,
        causes=tuple(MatrixCause(known.rules[column].id, known.rules[column].title) for column in row.causes),
        effects=tuple(MatrixEffect(each.id, each.name, each.within, each.mode) for each in row.effects),
        cells=tuple(_cell(*cell, demands, _proof(record.proof(*cell), hash_)) for cell, hash_ in versions.items()),
        engaged=known.engaged(row),
        bypass=record.bypass,
        test=record.test,
        findings=record.findings,
        proof=proof,
        overdue=proof.overdue(known.now),
        withholds_start=keeping.withhold_start and proof.overdue(known.now),
        bypass_max=keeping.bypass_max,
        test_max=keeping.test_max,
        actions=_actions(record, keeping),
        bypasses=record.bypasses,
        tests=record.tests,
    )


def _actions(record: InterlockRecord, keeping: InterlockKeeping) -> tuple[str, ...]:
    """What the tables allow a person; what is never bypassed is not offered for it, nor a test of what is bypassed."""
    bypassing = bypass.TABLE.allowed(bypass.state_of(record.bypass))
    testing = proof_test.TABLE.allowed(proof_test.state_of(record.test))
    may_bypass = record.bypass is not None or keeping.bypass_max > 0
    may_test = record.test is not None or record.bypass is None
    return (
        *(action.value for action in _BYPASSING if action in bypassing and may_bypass),
        *(action.value for action in _TESTING if action in testing and may_test),
    )


def _proof(proof: CellProof | None, version: str) -> Proof | None:
    if proof is None:
        return None
    return Proof(proof.demand, proof.proven_by, proof.at, proof.delay, lapsed=proof.hash != version)


def _cell(cause: str, effect: str, demands: Sequence[Demand], proven: Proof | None) -> MatrixCell:
    """The cell with the latest of the demands, which come oldest first."""
    for demand in reversed(demands):
        state = next((each for each in demand.effects if each.effect == effect), None)
        if cause in demand.causes and state is not None:
            return MatrixCell(
                cause=cause,
                effect=effect,
                demanded_at=demand.demanded_at,
                demand=demand.id,
                verdict=state.verdict,
                delay=state.delay,
                engaged=demand.engaged,
                proven=proven,
            )
    return MatrixCell(cause, effect, proven=proven)
