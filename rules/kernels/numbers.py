"""Numbers: what points say, and arithmetic. A number is known or not; what is not finite is not known."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from gateway.rule import PointColumns
from gateway.sample import Floats, Instant, Instants, Quality, Reason
from rules.graph import Op
from rules.kernels.frame import Booleans, Frame, Inputs, Nodes, StatelessNumber

NOT_SOON = 1e9
"""Seconds until a limit is reached that a value does not move towards."""


class Points(StatelessNumber):
    """Points as numbers: known if the quality is GOOD or UNCERTAIN and the value is one."""

    reads_points = True
    worst: ClassVar = Quality.UNCERTAIN

    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        columns, points = inputs.columns, inputs.points
        value = columns.value[points]
        known = np.isfinite(value)
        known &= columns.quality[points] <= self.worst
        return value, known, np.minimum(columns.source_time[points], inputs.now)


class CertainPoints(Points):
    """Points as numbers, known only if the quality is GOOD: for rules that would rather not know."""

    worst = Quality.GOOD


class Ages(StatelessNumber):
    """Seconds since a point's source time; unknown for a point that never spoke."""

    reads_points = True

    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        columns, points = inputs.columns, inputs.points
        age = np.maximum(inputs.now - columns.source_time[points], 0) / 1e6
        return age, columns.reason[points] != Reason.NEVER_SEEN, inputs.now


class Constants(StatelessNumber):
    """Their time is before everything, so that it never is the newest of two."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._written = False

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        if not self._written:
            super().step(frame, columns, now)
            self._written = True

    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        value = inputs.parameters[0]
        return value, np.ones(value.shape, dtype=np.bool_), np.zeros(value.shape, dtype=np.int64)


class Arithmetic(StatelessNumber):
    """One operation on one or two numbers."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._op = op

    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        first = inputs.numbers[0]
        if self._op is Op.AFFINE:
            value = first.value * inputs.parameters[0]
            value += inputs.parameters[1]
        else:
            value = _UFUNCS[self._op](*(number.value for number in inputs.numbers))
        known = np.isfinite(value)
        known &= first.known
        time = first.time()
        for other in inputs.numbers[1:]:
            known &= other.known
            time = np.maximum(time, other.time())
        return value, known, time


_UFUNCS: dict[Op, Callable[..., Floats]] = {
    Op.ADD: np.add,
    Op.SUB: np.subtract,
    Op.MUL: np.multiply,
    Op.DIV: np.divide,
    Op.ABS: np.abs,
    Op.LESSER: np.minimum,
    Op.GREATER: np.maximum,
}


class TimesToLimit(StatelessNumber):
    """Seconds until a number reaches a limit at its present slope; `NOT_SOON` if it does not move towards it."""

    def compute(self, inputs: Inputs) -> tuple[Floats, Booleans, Instants]:
        number, limit, slope = inputs.numbers
        seconds = (limit.value - number.value) / slope.value
        # A comparison with NaN is false, so that standing on the limit without moving is 0 / 0 and not soon.
        seconds = np.where((seconds >= 0) & (seconds < NOT_SOON), seconds, NOT_SOON)
        known = number.known & limit.known & slope.known
        return seconds, known, np.maximum(number.time(), limit.time())
