"""The semantics of the language once more, one value at a time and as plainly as can be: the judge of the kernels.

Windows are left out: their buckets are an approximation with a test of its own.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from rules.syntax import Binary, Call, Expression, Name, Number, Unary

Number3 = float | None
"""None is an unknown number."""
Truth3 = bool | None
"""None is UNKNOWN."""


@dataclass
class Memory:
    """What a stateful place in an expression remembers."""

    started: int | None = None
    seen: list[tuple[int, Truth3]] = field(default_factory=list)
    previous: object = None


@dataclass
class Oracle:
    """Evaluates expressions over names tick by tick; durations are in seconds."""

    memories: dict[int, Memory] = field(default_factory=lambda: defaultdict(Memory))

    def truth(self, expression: Expression, values: dict[str, Number3], now: int) -> Truth3:
        match expression:
            case Unary(operator="not"):
                inner = self.truth(expression.operand, values, now)
                return None if inner is None else not inner
            case Binary(operator="and"):
                return kleene_and(self.truth(expression.left, values, now), self.truth(expression.right, values, now))
            case Binary(operator="or"):
                return kleene_or(self.truth(expression.left, values, now), self.truth(expression.right, values, now))
            case Binary():
                return self._compare(expression, values)
            case Call(function="good"):
                return self.number(expression.arguments[0], values) is not None
            case Call():
                return self._stateful(expression, values, now)
            case _:
                raise AssertionError(expression)

    def number(self, expression: Expression, values: dict[str, Number3]) -> Number3:
        match expression:
            case Number():
                return expression.value
            case Name():
                return values[expression.text]
            case Call(function="abs"):
                inner = self.number(expression.arguments[0], values)
                return None if inner is None else abs(inner)
            case Binary():
                left, right = self.number(expression.left, values), self.number(expression.right, values)
                if left is None or right is None or (expression.operator == "/" and right == 0):
                    return None
                return {
                    "+": lambda: left + right,
                    "-": lambda: left - right,
                    "*": lambda: left * right,
                    "/": lambda: left / right,
                }[expression.operator]()
            case _:
                raise AssertionError(expression)

    def _compare(self, expression: Binary, values: dict[str, Number3]) -> Truth3:
        left, right = self.number(expression.left, values), self.number(expression.right, values)
        if left is None or right is None:
            return None
        return {
            ">": left > right,
            ">=": left >= right,
            "<": left < right,
            "<=": left <= right,
            "==": left == right,
            "!=": left != right,
        }[expression.operator]

    def _stateful(self, call: Call, values: dict[str, Number3], now: int) -> Truth3:
        memory = self.memories[call.at]
        inner = self.truth(call.arguments[0], values, now)
        if call.function in {"held", "within"}:
            memory.seen.append((now, inner))
            return _window(memory.seen, _seconds(call.arguments[1]), now, sought=call.function == "within")
        assert call.function in {"rises", "falls"}
        turned = inner if call.function == "rises" or inner is None else not inner
        if turned is None:
            return None
        outcome = turned and memory.previous is False
        memory.previous = turned
        return outcome


def _window(seen: list[tuple[int, Truth3]], length: int, now: int, *, sought: bool) -> Truth3:
    """Whether the sought truth was there within a length (else its opposite); before the start is unknown."""
    window = [truth for at, truth in seen if now - at <= length]
    if now - length < seen[0][0]:
        window.append(None)
    if sought in window:
        return sought
    return None if None in window else not sought


def held(memory: Memory, inner: Truth3, length: int, now: int, *, strict: bool = False) -> Truth3:
    """On-delay: an UNKNOWN pauses it, or strictly, starts it anew."""
    if inner is False or (strict and inner is None):
        memory.started = None
    if inner is not True:
        return inner
    if memory.started is None:
        memory.started = now
    return now - memory.started >= length


@dataclass
class ConditionOracle:
    """A rule's condition: set and reset with delays, and the law that the unknown changes nothing."""

    on_delay: int
    off_delay: int
    raised: bool = False
    on: Memory = field(default_factory=Memory)
    off: Memory = field(default_factory=Memory)

    def step(self, when: Truth3, clear: Truth3, now: int) -> Truth3:
        rise = held(self.on, when, self.on_delay, now) if self.on_delay else when
        fall = held(self.off, clear, self.off_delay, now, strict=True) if self.off_delay else clear
        outcome = kleene_or(rise, kleene_and(self.raised, None if fall is None else not fall))
        if outcome is not None:
            self.raised = outcome
        return outcome


def kleene_and(a: Truth3, b: Truth3) -> Truth3:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def kleene_or(a: Truth3, b: Truth3) -> Truth3:
    if a is True or b is True:
        return True
    return None if a is None or b is None else False


def _seconds(expression: Expression) -> int:
    assert isinstance(expression, Number)
    return round(expression.value * 1_000_000)
