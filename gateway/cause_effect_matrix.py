"""The cause-and-effect matrix of a plant: for each cause and effect, when it last was demanded and last was proven.

Reads states and decides nothing. A cell counts as proven only by what nothing else explains.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.events.interlocks import Verdict
from gateway.machines.interlock import Demand, EffectState
from gateway.plant.model import Text
from gateway.rule import EffectMode, InterlockInstance, RuleInstance, Truth


@dataclass(frozen=True, slots=True)
class Proof:
    """A demand that showed an effect to follow its cause in time."""

    demand: str
    at: int
    delay: int
    """Microseconds from the demand to the effect."""


@dataclass(frozen=True, slots=True)
class MatrixCell:
    """One effect of one cause, as far as the demands that are kept tell."""

    cause: str
    effect: str
    demanded_at: int | None = None
    """The latest demand with this cause; None if none is kept: never to be read as proven."""
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


def matrix(
    interlocks: Sequence[InterlockInstance], rules: Sequence[RuleInstance], demands: Iterable[Demand]
) -> tuple[MatrixRow, ...]:
    """The rows of all interlocks, in their order; `demands` may come in any order."""
    of: dict[str, list[Demand]] = {row.id: [] for row in interlocks}
    for demand in sorted(demands, key=lambda each: each.demanded_at):
        if demand.interlock in of:
            of[demand.interlock].append(demand)
    return tuple(_row(row, rules, of[row.id]) for row in interlocks)


def _row(row: InterlockInstance, rules: Sequence[RuleInstance], demands: Sequence[Demand]) -> MatrixRow:
    causes = tuple(MatrixCause(rules[column].id, rules[column].title) for column in row.causes)
    return MatrixRow(
        interlock=row.id,
        name=row.name,
        equipment=row.equipment,
        clauses=row.clauses,
        causes=causes,
        effects=tuple(MatrixEffect(each.id, each.name, each.within, each.mode) for each in row.effects),
        cells=tuple(_cell(cause.rule, effect.id, demands) for cause in causes for effect in row.effects),
    )


def _cell(cause: str, effect: str, demands: Sequence[Demand]) -> MatrixCell:
    cell, proven = MatrixCell(cause, effect), None
    for demand in demands:
        state = next((each for each in demand.effects if each.effect == effect), None)
        if cause not in demand.causes or state is None:
            continue
        proven = _proof(demand, state) or proven
        cell = MatrixCell(
            cause=cause,
            effect=effect,
            demanded_at=demand.demanded_at,
            demand=demand.id,
            verdict=state.verdict,
            delay=state.delay,
            engaged=demand.engaged,
            proven=proven,
        )
    return cell


def _proof(demand: Demand, state: EffectState) -> Proof | None:
    """None wherever something else may have brought the effect.

    Of several causes at once it is not known which one did; an effect without delay may have been there before;
    one that came while the interlock was out of service was somebody's hand.
    """
    if state.verdict is not Verdict.PASS or not state.delay:
        return None
    if len(demand.causes) > 1 or demand.engaged is not Truth.TRUE:
        return None
    return Proof(demand.id, demand.demanded_at, state.delay)
