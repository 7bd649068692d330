"""The alarm that an interlock did not do what it must: one rule instance for each interlock of a program.

Makes rule instances only; whether such an alarm stands is the engine's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.identity import identity
from gateway.rule import InterlockInstance, Priority, RuleInstance, TicketGrade
from gateway.sample import SECOND
from gateway.words import (
    INTERLOCK_UNPROVEN,
    INTERLOCK_UNPROVEN_CONSEQUENCE,
    INTERLOCK_UNPROVEN_RESPONSE,
    filled,
)


def proof_rules(rules: Sequence[RuleInstance], interlocks: Sequence[InterlockInstance]) -> list[RuleInstance]:
    """For each interlock, the alarm that it failed or was late: under its own clause and article 14."""
    proofs = []
    for offset, row in enumerate(interlocks):
        causes = [rules[column] for column in row.causes]
        evidence = [point for cause in causes for point in cause.points]
        evidence += [point for effect in row.effects for point in effect.points]
        proofs.append(
            RuleInstance(
                index=len(rules) + offset,
                id=f"interlock.unproven@{row.id.replace('@', '.')}",
                rule="interlock.unproven",
                equipment=row.equipment,
                clauses=tuple(dict.fromkeys((*row.clauses, "14"))),
                title=filled(INTERLOCK_UNPROVEN, row.name.zh, row.name.en),
                consequence=INTERLOCK_UNPROVEN_CONSEQUENCE,
                response=INTERLOCK_UNPROVEN_RESPONSE,
                response_time=60 * SECOND,
                priority=Priority.CRITICAL,
                latch=True,
                ticket=TicketGrade.MAJOR,
                first_out_group=None,
                points=tuple(dict.fromkeys(evidence)),
                hash=identity(row.id, *(cause.hash for cause in causes)),
            )
        )
    return proofs
