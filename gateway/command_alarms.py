"""The alarms that the gateway itself has for each output that it may write: a command refused, or not seen to be done.

Makes rule instances only; which of them stand is the output desk's to say.
"""

from __future__ import annotations

from collections.abc import Sequence

from gateway.identity import identity
from gateway.plant.model import Plant
from gateway.rule import InterlockInstance, Priority, RuleInstance
from gateway.sample import SECOND
from gateway.words import (
    COMMAND_CONSEQUENCE,
    COMMAND_REFUSED,
    COMMAND_RESPONSE,
    COMMAND_UNPROVEN,
    filled,
)


def command_rules(first: int, plant: Plant, interlocks: Sequence[InterlockInstance]) -> list[RuleInstance]:
    """For each output that may be written two alarms: an interlock's command was refused; a command is not proven.

    Numbered from `first`, in the order of `OutputDesk.with_alarms`.
    """
    clauses: dict[str, tuple[str, ...]] = {}
    for row in interlocks:
        for effect in row.effects:
            if effect.output is not None:
                clauses[effect.output] = tuple(dict.fromkeys((*clauses.get(effect.output, ()), *row.clauses)))
    index = {point.id: point.index for point in plant.points}
    made: list[RuleInstance] = []
    for output in (each for each in plant.outputs if each.allowed):
        guard = output.guard
        tests = [*guard.permissives, *(each.test for each in (*guard.feedback, *guard.process))]
        points = tuple(dict.fromkeys(index[test.point] for test in tests))
        for rule, words, priority, latch in (
            ("command.refused", COMMAND_REFUSED, Priority.CRITICAL, True),
            ("command.unproven", COMMAND_UNPROVEN, Priority.HIGH, False),
        ):
            made.append(
                RuleInstance(
                    index=first + len(made),
                    id=f"{rule}@{output.id}",
                    rule=rule,
                    equipment=output.equipment,
                    clauses=clauses.get(output.id, ()),
                    title=filled(words, output.name.zh, output.name.en),
                    consequence=COMMAND_CONSEQUENCE,
                    response=COMMAND_RESPONSE,
                    response_time=60 * SECOND,
                    priority=priority,
                    latch=latch,
                    ticket=None,
                    first_out_group=None,
                    points=points,
                    hash=identity(rule, output.id, repr(guard)),
                )
            )
    return made
