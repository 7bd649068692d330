"""When a demand proves that an effect follows its cause, and of which version. Pure; a proof is never assumed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.event import Event
from gateway.events.interlock_register import EffectProven, ProvenBy
from gateway.events.interlocks import EffectJudged, Verdict
from gateway.identity import identity
from gateway.machines.interlock import Demand
from gateway.rule import Effect, InterlockInstance, RuleInstance, Truth

_PROVING = {Verdict.PASS: ProvenBy.DEMAND, Verdict.TEST: ProvenBy.TEST}


def cell_hash(cause: str, effect: str) -> str:
    """The version of a cell of the matrix: `cause` and `effect` are hashes of a rule and of an effect."""
    return identity(cause, effect)


def cell_hashes(row: InterlockInstance, rules: Sequence[RuleInstance]) -> dict[tuple[str, str], str]:
    """The version in force of every cell of a row, by cause and effect."""
    causes = [rules[column] for column in row.causes]
    return {(cause.id, each.id): cell_hash(cause.hash, each.hash) for cause in causes for each in row.effects}


def proofs(row: InterlockInstance, demand: Demand, judged: Iterable[Event]) -> list[Event]:
    """A proof for each verdict that nothing but the interlock explains.

    Of several causes at once it is not known which one did; an effect without delay may have been there before;
    one that came while the interlock was out of service was somebody's hand.
    """
    if len(demand.causes) != 1 or demand.engaged is not Truth.TRUE:
        return []
    effects = {effect.id: effect for effect in row.effects}
    return [
        _proof(demand, effects[event.effect], event)
        for event in judged
        if isinstance(event, EffectJudged) and event.verdict in _PROVING and event.delay
    ]


def _proof(demand: Demand, effect: Effect, judged: EffectJudged) -> Event:
    return EffectProven(
        id=identity(demand.id, effect.id, "proven"),
        at=judged.at,
        interlock=demand.interlock,
        cause=demand.causes[0],
        effect=effect.id,
        demand=demand.id,
        proven_by=_PROVING[judged.verdict],
        demanded_at=demand.demanded_at,
        delay=judged.delay or 0,
        hash=cell_hash(demand.cause_hashes[0] if demand.cause_hashes else "", effect.hash),
    )
