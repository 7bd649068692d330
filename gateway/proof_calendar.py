"""When an interlock was last proven as a whole, and when it must be again. Pure; what nobody saw is not proven."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.machines.interlock_record import InterlockRecord
from gateway.plant.interlock_keeping import InterlockKeeping, ProofScope
from gateway.proving import cell_hashes
from gateway.rule import InterlockInstance, RuleInstance
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class ProofStanding:
    """How far one interlock is proven."""

    proven_at: Instant | None
    """Since when nothing of it that must be proven is older; None while something was never proven, or no longer is."""
    every: int | None
    """How often it must be proven (microseconds); None: the plant file has no calendar for it."""
    due_at: Instant | None
    """When the next proof is due; None without a calendar, and where it is due at once."""
    cells: int
    proven: int
    """Cells of cause and effect whose proof is of the version in force."""
    lapsed: int
    """Cells whose proof is of an earlier version."""

    def overdue(self, now: Instant) -> bool:
        return self.every is not None and (self.due_at is None or self.due_at <= now)


def proof_standing(
    row: InterlockInstance, rules: Sequence[RuleInstance], record: InterlockRecord, keeping: InterlockKeeping
) -> ProofStanding:
    """From the record and the rules in force; a proof on paper counts where the gateway has seen none."""
    proven: dict[tuple[str, str], Instant | None] = {}
    current = lapsed = 0
    for (cause, effect), version in cell_hashes(row, rules).items():
        proof = record.proof(cause, effect)
        if proof is None:
            proven[cause, effect] = keeping.proven_on
        elif proof.hash == version:
            proven[cause, effect] = proof.at
            current += 1
        else:
            proven[cause, effect] = None
            lapsed += 1
    at = _as_a_whole(row, proven, keeping.scope)
    every = keeping.proof_test_every
    due = None if every is None or at is None else Instant(at + every)
    return ProofStanding(at, every, due, len(proven), current, lapsed)


def _as_a_whole(
    row: InterlockInstance, proven: dict[tuple[str, str], Instant | None], scope: ProofScope
) -> Instant | None:
    """The oldest of everything that must be proven; None if anything of it is not."""
    if scope is ProofScope.EVERY_CELL:
        parts = list(proven.values())
    else:
        parts = [
            max((at for (_, name), at in proven.items() if name == effect.id and at is not None), default=None)
            for effect in row.effects
        ]
    known = [at for at in parts if at is not None]
    return min(known) if known and len(known) == len(parts) else None
