"""The alarms that the gateway itself has for each interlock: what it did not do, and what people did with it.

Makes rule instances only; which of them stand is the interlock desk's to say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway import words
from gateway.identity import identity
from gateway.plant.model import Text
from gateway.rule import InterlockInstance, Priority, RuleInstance, TicketGrade
from gateway.sample import SECOND


class InterlockAlarm(StrEnum):
    """The rules that every interlock has, in the order of their columns."""

    UNPROVEN = "interlock.unproven"
    """A demand was not met in time, or nobody can tell."""
    DEMANDED_WHILE_BYPASSED = "interlock.demanded_while_bypassed"
    BYPASSED = "interlock.bypassed"
    BYPASS_NEARLY_OVER = "interlock.bypass_nearly_over"
    BYPASS_OVERSTAYED = "interlock.bypass_overstayed"
    SPURIOUS_EFFECT = "interlock.spurious_effect"
    RESTARTED_WITHOUT_RESET = "interlock.restarted_without_reset"
    PROOF_OVERDUE = "interlock.proof_overdue"


@dataclass(frozen=True, slots=True)
class _Wording:
    title: Text
    consequence: Text
    response: Text


@dataclass(frozen=True, slots=True)
class _Kind:
    """How grave one of these alarms is. A latching one waits for a person; a ticket is filed as suspected."""

    wording: _Wording
    priority: Priority
    latch: bool
    ticket: TicketGrade | None
    response_time: int


_KINDS: Mapping[InterlockAlarm, _Kind] = {
    InterlockAlarm.UNPROVEN: _Kind(
        _Wording(words.INTERLOCK_UNPROVEN, words.INTERLOCK_UNPROVEN_CONSEQUENCE, words.INTERLOCK_UNPROVEN_RESPONSE),
        Priority.CRITICAL,
        latch=True,
        ticket=TicketGrade.MAJOR,
        response_time=60 * SECOND,
    ),
    InterlockAlarm.DEMANDED_WHILE_BYPASSED: _Kind(
        _Wording(
            words.DEMANDED_WHILE_BYPASSED,
            words.DEMANDED_WHILE_BYPASSED_CONSEQUENCE,
            words.DEMANDED_WHILE_BYPASSED_RESPONSE,
        ),
        Priority.CRITICAL,
        latch=True,
        ticket=TicketGrade.MAJOR,
        response_time=60 * SECOND,
    ),
    InterlockAlarm.BYPASSED: _Kind(
        _Wording(words.INTERLOCK_BYPASSED, words.INTERLOCK_BYPASSED_CONSEQUENCE, words.INTERLOCK_BYPASSED_RESPONSE),
        Priority.HIGH,
        latch=False,
        ticket=None,
        response_time=600 * SECOND,
    ),
    InterlockAlarm.BYPASS_NEARLY_OVER: _Kind(
        _Wording(words.BYPASS_NEARLY_OVER, words.INTERLOCK_BYPASSED_CONSEQUENCE, words.BYPASS_NEARLY_OVER_RESPONSE),
        Priority.MEDIUM,
        latch=False,
        ticket=None,
        response_time=600 * SECOND,
    ),
    InterlockAlarm.BYPASS_OVERSTAYED: _Kind(
        _Wording(words.BYPASS_OVERSTAYED, words.BYPASS_OVERSTAYED_CONSEQUENCE, words.BYPASS_OVERSTAYED_RESPONSE),
        Priority.CRITICAL,
        latch=False,
        ticket=TicketGrade.MAJOR,
        response_time=300 * SECOND,
    ),
    InterlockAlarm.SPURIOUS_EFFECT: _Kind(
        _Wording(words.SPURIOUS_EFFECT, words.SPURIOUS_EFFECT_CONSEQUENCE, words.SPURIOUS_EFFECT_RESPONSE),
        Priority.HIGH,
        latch=True,
        ticket=TicketGrade.ORDINARY,
        response_time=600 * SECOND,
    ),
    InterlockAlarm.RESTARTED_WITHOUT_RESET: _Kind(
        _Wording(
            words.RESTARTED_WITHOUT_RESET,
            words.RESTARTED_WITHOUT_RESET_CONSEQUENCE,
            words.RESTARTED_WITHOUT_RESET_RESPONSE,
        ),
        Priority.CRITICAL,
        latch=True,
        ticket=TicketGrade.MAJOR,
        response_time=60 * SECOND,
    ),
    InterlockAlarm.PROOF_OVERDUE: _Kind(
        _Wording(words.PROOF_OVERDUE, words.PROOF_OVERDUE_CONSEQUENCE, words.PROOF_OVERDUE_RESPONSE),
        Priority.MEDIUM,
        latch=False,
        ticket=TicketGrade.ORDINARY,
        response_time=86_400 * SECOND,
    ),
}

ORDER: tuple[InterlockAlarm, ...] = tuple(InterlockAlarm)


def column(alarm: InterlockAlarm, row: int, rows: int) -> int:
    """Which of `interlock_rules` this alarm of the interlock at `row` is."""
    return ORDER.index(alarm) * rows + row


def interlock_rules(rules: Sequence[RuleInstance], interlocks: Sequence[InterlockInstance]) -> list[RuleInstance]:
    """Every alarm of every interlock, alarm by alarm: under the interlock's own clause and article 14."""
    made: list[RuleInstance] = []
    for alarm in ORDER:
        made += [_instance(alarm, row, rules, len(rules) + len(made) + at) for at, row in enumerate(interlocks)]
    return made


def _instance(alarm: InterlockAlarm, row: InterlockInstance, rules: Sequence[RuleInstance], index: int) -> RuleInstance:
    kind = _KINDS[alarm]
    causes = [rules[column] for column in row.causes]
    evidence = [point for cause in causes for point in cause.points]
    evidence += [point for effect in row.effects for point in effect.points]
    return RuleInstance(
        index=index,
        id=alarm_id(alarm, row.id),
        rule=alarm.value,
        equipment=row.equipment,
        clauses=tuple(dict.fromkeys((*row.clauses, "14"))),
        title=words.filled(kind.wording.title, row.name.zh, row.name.en),
        consequence=kind.wording.consequence,
        response=kind.wording.response,
        response_time=kind.response_time,
        priority=kind.priority,
        latch=kind.latch,
        ticket=kind.ticket,
        first_out_group=None,
        points=tuple(dict.fromkeys(evidence)),
        hash=identity(row.id, *(cause.hash for cause in causes)),
    )


def alarm_id(alarm: InterlockAlarm, interlock: str) -> str:
    """The rule instance of one alarm of one interlock."""
    return f"{alarm.value}@{interlock.replace('@', '.')}"
