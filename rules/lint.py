"""What is legal in a pack but unwise or unproven, by rule, at its place in the file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway import units
from gateway.duration import format_duration
from gateway.errors import Problem, Severity
from gateway.sample import SECOND
from rules import syntax
from rules.packs import Packs, RuleSource
from rules.syntax import Binary, Call, Expression, ListOf, Number, Unary

_LEVELS = frozenset({"<", ">", "<=", ">="})
SHARE = 10
"""Delays may take at most this part of the time that a person has to respond."""


def lint(packs: Packs) -> Sequence[Problem]:
    """Every warning about the packs themselves, and every rule without tests, in file order."""
    problems: list[Problem] = []
    named = {
        name
        for clause in packs.criteria.clauses
        for requirement in clause.requirements
        for name in (*requirement.rules, *requirement.interlocks)
    }
    trials = {rule.model.id for rule in packs.rules() if rule.model.shadow}
    for rule in packs.rules():
        if not rule.model.tests:
            problems.append(untested(rule))
        slow = delays(rule).late(scan=0)
        if slow is not None:
            severity = Severity.ERROR if rule.model.credited else Severity.WARNING
            problems.append(rule.document.problem((*rule.path, "on_delay"), *slow, severity=severity))
        if _chatters(rule):
            problems.append(_warning(rule, "when", "a 'clear' level or an 'off_delay' beside a measurement", "neither"))
    for interlock in packs.interlocks():
        if interlock.model.id not in named:
            path = (*interlock.path, "id")
            expected, got = "a clause that requires the interlock", interlock.model.id
            problems.append(interlock.document.problem(path, expected, got, severity=Severity.WARNING))
        for position, cause in enumerate(interlock.model.causes):
            if cause in trials:
                path = (*interlock.path, "causes", position)
                expected = "a rule that is not on trial, for only such a one demands"
                problems.append(interlock.document.problem(path, expected, cause, severity=Severity.WARNING))
    return sorted(problems)


def untested(rule: RuleSource) -> Problem:
    """A rule without tests of its own is a mistake, and no warning."""
    return rule.document.problem(rule.path, f"'tests' of {rule.model.id}", "none")


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a rule keeps what it knows to itself, and how long a person then has (microseconds)."""

    delay: int
    """Of the longest time that has to be held, the on-delay, and for a credited rule what its filters take."""
    response_time: int

    def late(self, scan: int) -> tuple[str, str] | None:
        """What is expected and what is, where delays and scan eat too much of the response time."""
        delay = self.delay + scan
        if delay * SHARE <= self.response_time:
            return None
        allowed = format_duration(self.response_time // SHARE)
        return f"at most {allowed} of delay and scan, a tenth of the response time", format_duration(delay)


def delays(rule: RuleSource) -> Delays:
    """The delays of a rule. A mean or a slope is half a window late: so much lies in the middle of a straight rise."""
    delay = rule.model.on_delay + _longest(rule.when, "held")
    if rule.model.credited:
        delay += max(_longest(rule.when, "avg"), _longest(rule.when, "slope")) // 2
    return Delays(delay, rule.model.response_time)


def _longest(expression: Expression, function: str) -> int:
    """The longest window of a function; what must not have been the case does not wait for it."""
    match expression:
        case Unary(operator="not"):
            return 0
        case Call() if expression.function == function and isinstance(expression.arguments[-1], Number):
            duration = expression.arguments[-1]
            own = round(units.convert(duration.value, duration.unit, "s") * SECOND)
            return max(own, _longest(expression.arguments[0], function))
        case Unary(operand=inner):
            return _longest(inner, function)
        case Binary(left=left, right=right):
            return max(_longest(left, function), _longest(right, function))
        case Call(arguments=several) | ListOf(items=several):
            return max((_longest(each, function) for each in several), default=0)
        case _:
            return 0


def _chatters(rule: RuleSource) -> bool:
    """Whether noise about a level would raise and clear again and again."""
    if rule.clear is not None or rule.model.off_delay or rule.model.latch:
        return False
    return any(isinstance(node, syntax.Binary) and node.operator in _LEVELS for node in syntax.walk(rule.when))


def _warning(rule: RuleSource, field: str, expected: str, got: str) -> Problem:
    return rule.document.problem((*rule.path, field), expected, got, severity=Severity.WARNING)
