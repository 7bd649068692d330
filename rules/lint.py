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
from rules.syntax import Call, Number

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
    for rule in packs.rules():
        if not rule.model.tests:
            problems.append(untested(rule))
        slow = delays(rule).late(scan=0)
        if slow is not None:
            problems.append(_warning(rule, "on_delay", *slow))
        if _chatters(rule):
            problems.append(_warning(rule, "when", "a 'clear' level or an 'off_delay' beside a measurement", "neither"))
    for interlock in packs.interlocks():
        if interlock.model.id not in named:
            path = (*interlock.path, "id")
            expected, got = "a clause that requires the interlock", interlock.model.id
            problems.append(interlock.document.problem(path, expected, got, severity=Severity.WARNING))
    return sorted(problems)


def untested(rule: RuleSource) -> Problem:
    """A rule without tests of its own is a mistake, and no warning."""
    return rule.document.problem(rule.path, f"'tests' of {rule.model.id}", "none")


@dataclass(frozen=True, slots=True)
class Delays:
    """How long a rule keeps what it knows to itself, and how long a person then has (microseconds)."""

    delay: int
    """Of the longest window that has to be held, and the on-delay."""
    response_time: int

    def late(self, scan: int) -> tuple[str, str] | None:
        """What is expected and what is, where delays and scan eat too much of the response time."""
        delay = self.delay + scan
        if delay * SHARE <= self.response_time:
            return None
        allowed = format_duration(self.response_time // SHARE)
        return f"at most {allowed} of delay and scan, a tenth of the response time", format_duration(delay)


def delays(rule: RuleSource) -> Delays:
    """The delays of a rule, its filter windows included."""
    return Delays(rule.model.on_delay + _longest_held(rule), rule.model.response_time)


def _longest_held(rule: RuleSource) -> int:
    longest = 0
    for node in syntax.walk(rule.when):
        if isinstance(node, Call) and node.function == "held" and isinstance(node.arguments[1], Number):
            duration = node.arguments[1]
            longest = max(longest, round(units.convert(duration.value, duration.unit, "s") * SECOND))
    return longest


def _chatters(rule: RuleSource) -> bool:
    """Whether noise about a level would raise and clear again and again."""
    if rule.clear is not None or rule.model.off_delay or rule.model.latch:
        return False
    return any(isinstance(node, syntax.Binary) and node.operator in _LEVELS for node in syntax.walk(rule.when))


def _warning(rule: RuleSource, field: str, expected: str, got: str) -> Problem:
    return rule.document.problem((*rule.path, field), expected, got, severity=Severity.WARNING)
