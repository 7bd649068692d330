"""The semantics of every operation once more, from its definition over all ticks seen: the judge of the kernels.

Slow and plain: no state but the list of ticks. Truths are True, False or None; unknown numbers are None.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

from gateway.rule import Trace
from gateway.sample import Quality, Reason
from rules.graph import ALWAYS, Op, VoteMode, slice_width
from tests.rules.formulas import Formula

Value = float | bool | None


@dataclass
class Judge:
    """Evaluates formulas at every tick of a trace."""

    trace: Trace
    _known: dict[Formula, list[Value]] = field(default_factory=dict)

    def values(self, formula: Formula) -> list[Value]:
        if formula not in self._known:
            arguments = [self.values(argument) for argument in formula.arguments]
            ticks = range(len(self.trace.now))
            self._known[formula] = [self._at(formula, arguments, tick) for tick in ticks]
        return self._known[formula]

    def _at(self, formula: Formula, arguments: list[list[Value]], tick: int) -> Value:
        op, parameters = formula.op, formula.parameters
        if op in _LEAVES:
            return _LEAVES[op](self.trace, tick, parameters)
        if op in _INSTANT:
            return _INSTANT[op]([column[tick] for column in arguments], parameters)
        seen = [column[: tick + 1] for column in arguments]
        return _LOOKING_BACK[op](seen, parameters, [int(now) for now in self.trace.now[: tick + 1]])


def _point(trace: Trace, tick: int, parameters: tuple[float, ...]) -> Value:
    index = int(parameters[0])
    value = float(trace.value[index, tick])
    return value if trace.quality[index, tick] <= Quality.UNCERTAIN and math.isfinite(value) else None


def _age(trace: Trace, tick: int, parameters: tuple[float, ...]) -> Value:
    index = int(parameters[0])
    if trace.reason[index, tick] == Reason.NEVER_SEEN:
        return None
    return max(0, int(trace.now[tick] - trace.source_time[index, tick])) / 1e6


_LEAVES: dict[Op, Callable[[Trace, int, tuple[float, ...]], Value]] = {
    Op.POINT: _point,
    Op.AGE: _age,
    Op.CONST: lambda trace, tick, p: p[0],
    Op.REASON: lambda trace, tick, p: bool(trace.reason[int(p[0]), tick] == p[1]),
    Op.OVERDUE: lambda trace, tick, p: bool(trace.now[tick] >= p[0]),
}


def _number(compute: Callable[..., float]) -> Callable[[list[Value], tuple[float, ...]], Value]:
    def at(arguments: list[Value], parameters: tuple[float, ...]) -> Value:
        if None in arguments:
            return None
        try:
            value = compute(*arguments, *parameters)
        except (ZeroDivisionError, OverflowError):
            return None
        return value if math.isfinite(value) else None

    return at


def _compare(compare: Callable[[float, float], bool]) -> Callable[[list[Value], tuple[float, ...]], Value]:
    return lambda arguments, parameters: None if None in arguments else compare(*arguments)  # type: ignore[arg-type]


def _not(truth: Value) -> Value:
    return None if truth is None else not truth


def _vote(votes: list[Value], parameters: tuple[float, ...]) -> Value:
    k, mode = parameters
    yes, lost = votes.count(True), votes.count(None)
    if lost == len(votes):
        return None
    if mode == VoteMode.SAFETY:
        return yes >= max(1, k - lost)
    if mode == VoteMode.AVAILABILITY:
        return yes >= min(k, len(votes) - lost)
    return True if yes >= k else None if yes + lost >= k else False


def _time_to(number: float, limit: float, slope: float) -> float:
    seconds = (limit - number) / slope if slope else (1e9 if limit == number else math.copysign(1e9, -1))
    return seconds if 0 <= seconds < 1e9 else 1e9


_INSTANT: dict[Op, Callable[[list[Value], tuple[float, ...]], Value]] = {
    Op.ADD: _number(lambda a, b: a + b),
    Op.SUB: _number(lambda a, b: a - b),
    Op.MUL: _number(lambda a, b: a * b),
    Op.DIV: _number(lambda a, b: a / b),
    Op.ABS: _number(abs),
    Op.AFFINE: _number(lambda a, factor, offset: a * factor + offset),
    Op.LESSER: _number(min),
    Op.GREATER: _number(max),
    Op.TTT: _number(_time_to),
    Op.GT: _compare(lambda a, b: a > b),
    Op.GE: _compare(lambda a, b: a >= b),
    Op.LT: _compare(lambda a, b: a < b),
    Op.LE: _compare(lambda a, b: a <= b),
    Op.EQ: _compare(lambda a, b: a == b),
    Op.NE: _compare(lambda a, b: a != b),
    Op.KNOWN: lambda arguments, parameters: arguments[0] is not None,
    Op.NOT: lambda arguments, parameters: _not(arguments[0]),
    Op.AND: lambda e, parameters: False if False in e else None if None in e else True,
    Op.OR: lambda e, parameters: True if True in e else None if None in e else False,
    Op.VOTE: _vote,
    Op.BAD_IS: lambda e, parameters: bool(parameters[0]) if e[0] is None else e[0],
}

Seen = list[list[Value]]
Times = list[int]


def _on_delay(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    if seen[0][-1] is not True:
        return seen[0][-1]
    start = len(now) - 1
    for tick in reversed(range(len(now))):
        if seen[0][tick] is False:
            break
        start = tick if seen[0][tick] else start
    return now[-1] - now[start] >= parameters[0]


def _off_delay(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    return _on_delay([[False if truth is None else truth for truth in seen[0][:-1]] + seen[0][-1:]], parameters, now)


def _since(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    """By definition: the best of all ticks in the window, each as good as the worst since."""
    until, event = seen if len(seen) == 2 else ([True] * len(now), seen[0])
    a, b = parameters
    # Between what was before the start and the first tick nothing is known of either.
    holds, maybe = True, True
    best: Value = False
    for tick in reversed(range(len(now))):
        if a <= now[-1] - now[tick] <= b:
            if holds and event[tick] is True:
                return True
            if maybe and event[tick] is not False:
                best = None
        holds, maybe = holds and until[tick] is True, maybe and until[tick] is not False
    if maybe and (b >= ALWAYS or now[-1] - b < now[0]):
        best = None
    return best


def _count(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    window = [truth for truth, at in zip(seen[0], now) if now[-1] - at <= parameters[1]]
    if window.count(True) >= parameters[0]:
        return True
    return None if None in window or now[-1] - parameters[1] < now[0] else False


def _rises(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    if seen[0][-1] is None:
        return None
    before = [truth for truth in seen[0][:-1] if truth is not None]
    return bool(seen[0][-1] and before and before[-1] is False)


def _changed(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    if seen[0][-1] is None:
        return None
    before = [value for value in seen[0][:-1] if value is not None]
    return bool(before and before[-1] != seen[0][-1])


def _stuck(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    value, start = seen[0][-1], len(now) - 1
    if value is None:
        return None
    while start > 0 and seen[0][start - 1] == value:
        start -= 1
    if now[-1] - now[start] >= parameters[0]:
        return True
    return False if start > 0 and seen[0][start - 1] is not None else None


def _latch(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    memory, outcome = False, None
    for raised, cleared in zip(*seen):
        stays = False if not memory or cleared is True else None if cleared is None else True
        outcome = True if raised or stays else None if raised is None or stays is None else False
        memory = memory if outcome is None else bool(outcome)
    return outcome


@dataclass(frozen=True)
class Window:
    """The ticks of a number window: those in its slices, since it was last empty."""

    value: list[Value]
    now: Times
    length: float
    slices: int
    width: int

    def within(self, tick: int) -> bool:
        return self.now[-1] // self.width - self.now[tick] // self.width <= self.slices

    def ticks(self) -> list[int]:
        return [tick for tick in range(len(self.now)) if self.within(tick) and self.value[tick] is not None]

    def stretches(self) -> list[tuple[Value, int]]:
        """What the number was up to each tick of the window from the one before, and for how long."""
        result = []
        for tick in range(1, len(self.now)):
            gap = self.now[tick] // self.width - self.now[tick - 1] // self.width > self.slices
            if self.within(tick) and not gap:
                result.append((self.value[tick - 1], self.now[tick] - self.now[tick - 1]))
        return result

    def full(self) -> bool:
        known = [tick for tick in range(len(self.now)) if self.value[tick] is not None]
        first = known[-1]
        for earlier, later in zip(reversed(known[:-1]), reversed(known)):
            if self.now[later] // self.width - self.now[earlier] // self.width > self.slices:
                break
            first = earlier
        return self.now[-1] - self.now[first] >= self.length


def _window(compute: Callable[[Window], float]) -> Callable[[Seen, tuple[float, ...], Times], Value]:
    def at(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
        window = Window(seen[0], now, parameters[0], *slice_width(parameters))
        if seen[0][-1] is None or not window.full():
            return None
        return _number(lambda: compute(window))([], ())

    return at


def _average(window: Window) -> float:
    known = [(value, time) for value, time in window.stretches() if value is not None]
    return sum(value * time for value, time in known) / sum(time for _, time in known)


def _slope(window: Window) -> float:
    points = [(window.now[tick] / 1e6 - window.now[-1] / 1e6, window.value[tick] or 0.0) for tick in window.ticks()]
    time, value = (sum(column) / len(points) for column in zip(*points))
    return sum((t - time) * (v - value) for t, v in points) / sum((t - time) ** 2 for t, _ in points)


def _dose(seen: Seen, parameters: tuple[float, ...], now: Times) -> Value:
    limit = seen[1][-1]
    if limit is None:
        return None
    window = Window(seen[0], now, parameters[0], *slice_width(parameters))
    stretches = window.stretches()
    length = max(parameters[0], sum(time for _, time in stretches))
    known = sum(time for value, time in stretches if value is not None)
    dose = sum(max(value, 0.0) * time for value, time in stretches if value is not None)
    if dose / length > limit:
        return True
    latest = [value for value in seen[0] if value is not None]
    most = (dose + (length - known) * max(limit, *latest[-1:])) / length if latest else limit
    below = most < limit if length > known else most <= limit
    return False if below and seen[0][-1] is not None else None


def _extreme(choose: Callable[[list[float]], float]) -> Callable[[Window], float]:
    return lambda window: choose([float(window.value[tick] or 0.0) for tick in window.ticks()])


_LOOKING_BACK: dict[Op, Callable[[Seen, tuple[float, ...], Times], Value]] = {
    Op.ON_DELAY: _on_delay,
    Op.OFF_DELAY: _off_delay,
    Op.ONCE: _since,
    Op.SINCE: _since,
    Op.COUNT_AT_LEAST: _count,
    Op.RISES: _rises,
    Op.CHANGED: _changed,
    Op.STUCK: _stuck,
    Op.LATCH: _latch,
    Op.DOSE: _dose,
    Op.MIN: _window(_extreme(min)),
    Op.MAX: _window(_extreme(max)),
    Op.SPREAD: _window(lambda window: _extreme(max)(window) - _extreme(min)(window)),
    Op.AVG: _window(_average),
    Op.SLOPE: _window(_slope),
}
