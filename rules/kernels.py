"""What nodes compute, thousands of like nodes at a time: stateless kernels and the frame they share.

Each kernel owns the nodes of one operation at one depth; `step` reads the frame at its arguments and
writes its own slice of it. A step never skips a node: nothing is short-circuited.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.rule import PointColumns, Truth
from gateway.sample import Bytes, Floats, Instant, Instants, Quality, Reason
from rules.graph import Op

Booleans = NDArray[np.bool_]
Slots = NDArray[np.intp]

FALSE, TRUE, UNKNOWN = np.uint8(Truth.FALSE), np.uint8(Truth.TRUE), np.uint8(Truth.UNKNOWN)

AND = np.array([[0, 0, 0], [0, 1, 2], [0, 2, 2]], dtype=np.uint8).ravel()
OR = np.array([[0, 1, 2], [1, 1, 1], [2, 1, 2]], dtype=np.uint8).ravel()
"""Kleene's tables; the outcome for truths a and b stands at 3 a + b."""
NOT = np.array([1, 0, 2], dtype=np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """The outcome of every node: numbers by numeric slot, truths by truth slot."""

    value: Floats
    known: Booleans
    """Whether the value may be used at all."""
    time: Instants
    """Source time of the newest sample in the value, never later than now."""
    truth: Bytes
    onset: Instants
    """Source time at which the last known truth set in."""


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """The nodes of one kernel: where they write, where they read, and their parameters."""

    out: slice
    arguments: tuple[Slots, ...]
    parameters: tuple[Floats, ...]

    @property
    def count(self) -> int:
        return self.out.stop - self.out.start  # type: ignore[no-any-return]


class Kernel(Protocol):
    """All nodes of one operation at one depth."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None: ...

    def memory(self) -> int:
        """Bytes of state and indices; fixed from the start."""
        ...


class Onset:
    """Remembers since when a truth has stood; an UNKNOWN in between changes nothing."""

    def __init__(self, count: int) -> None:
        self.last = np.full(count, UNKNOWN)
        self.since = np.zeros(count, dtype=np.int64)

    def track(self, truth: Bytes, candidate: Callable[[], Instants]) -> Instants:
        """The onsets; `candidate` is asked only when some truth has changed."""
        changed = (truth != UNKNOWN) & (truth != self.last)
        if changed.any():
            np.copyto(self.since, candidate(), where=changed)
            np.copyto(self.last, truth, where=changed)
        return self.since

    def memory(self) -> int:
        return self.last.nbytes + self.since.nbytes


class _Base:
    def __init__(self, nodes: Nodes) -> None:
        self.nodes = nodes

    def memory(self) -> int:
        nodes = self.nodes
        own = sum(a.nbytes for a in (*nodes.arguments, *nodes.parameters))
        state = sum(a.nbytes for a in vars(self).values() if isinstance(a, np.ndarray))
        return own + state + sum(o.memory() for o in vars(self).values() if isinstance(o, Onset))


class PointKernel(_Base):
    """Points as numbers: known if the quality is GOOD or UNCERTAIN and the value is one."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._points = nodes.parameters[0].astype(np.intp)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        value = columns.value[self._points]
        frame.value[self.nodes.out] = value
        frame.known[self.nodes.out] = (columns.quality[self._points] <= Quality.UNCERTAIN) & np.isfinite(value)
        frame.time[self.nodes.out] = np.minimum(columns.source_time[self._points], now)


class AgeKernel(_Base):
    """Seconds since a point's source time; unknown for a point that never spoke."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._points = nodes.parameters[0].astype(np.intp)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        age = np.maximum(now - columns.source_time[self._points], 0)
        frame.value[self.nodes.out] = age / 1e6
        frame.known[self.nodes.out] = columns.reason[self._points] != Reason.NEVER_SEEN
        frame.time[self.nodes.out] = now


class ConstantKernel(_Base):
    """Written once; its time is before everything, so that it never is the newest of two."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        frame.value[self.nodes.out] = self.nodes.parameters[0]
        frame.known[self.nodes.out] = True


class ArithmeticKernel(_Base):
    """One ufunc over one or two numbers; what is not finite is not known."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._op = op

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        out, arguments = self.nodes.out, self.nodes.arguments
        values = [frame.value[a] for a in arguments]
        if self._op is Op.AFFINE:
            value = values[0] * self.nodes.parameters[0] + self.nodes.parameters[1]
        else:
            value = _UFUNCS[self._op](*values)
        known, time = frame.known[arguments[0]], frame.time[arguments[0]]
        if len(arguments) == 2:
            known &= frame.known[arguments[1]]
            time = np.maximum(time, frame.time[arguments[1]])
        frame.value[out] = value
        frame.known[out] = known & np.isfinite(value)
        frame.time[out] = time


_UFUNCS: dict[Op, Callable[..., Floats]] = {
    Op.ADD: np.add,
    Op.SUB: np.subtract,
    Op.MUL: np.multiply,
    Op.DIV: np.divide,
    Op.ABS: np.abs,
}
_COMPARE: dict[Op, Callable[..., Booleans]] = {
    Op.GT: np.greater,
    Op.GE: np.greater_equal,
    Op.LT: np.less,
    Op.LE: np.less_equal,
    Op.EQ: np.equal,
    Op.NE: np.not_equal,
}


class TruthKernel(_Base):
    """Base of kernels whose outcome is a truth with an onset."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self.tracker = Onset(nodes.count)

    def emit(self, frame: Frame, truth: Bytes, candidate: Callable[[], Instants]) -> None:
        frame.truth[self.nodes.out] = truth
        frame.onset[self.nodes.out] = self.tracker.track(truth, candidate)


class CompareKernel(TruthKernel):
    """A comparison of two numbers; UNKNOWN unless both are known."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._compare = _COMPARE[op]

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        left, right = self.nodes.arguments
        outcome = self._compare(frame.value[left], frame.value[right])
        truth = np.where(frame.known[left] & frame.known[right], outcome, UNKNOWN)
        self.emit(frame, truth, lambda: np.maximum(frame.time[left], frame.time[right]))


class KnownKernel(TruthKernel):
    """Whether a number can be used; itself always known. Its loss sets in when it is noticed."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        (argument,) = self.nodes.arguments
        truth = frame.known[argument].astype(np.uint8)
        self.emit(frame, truth, lambda: np.where(truth == TRUE, frame.time[argument], now))


class ReasonKernel(TruthKernel):
    """Whether a point is not good for one given reason; itself always known."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._points = nodes.parameters[0].astype(np.intp)
        self._reasons = nodes.parameters[1].astype(np.uint8)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        truth = (columns.reason[self._points] == self._reasons).astype(np.uint8)
        self.emit(frame, truth, lambda: np.minimum(columns.source_time[self._points], now))


class OverdueKernel(TruthKernel):
    """Whether an instant has passed; itself always known."""

    def __init__(self, nodes: Nodes) -> None:
        super().__init__(nodes)
        self._due = nodes.parameters[0].astype(np.int64)

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns
        self.emit(frame, (self._due <= now).astype(np.uint8), lambda: np.minimum(self._due, now))


class NotKernel(TruthKernel):
    """Kleene's not; the onset is that of its argument."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        (argument,) = self.nodes.arguments
        frame.truth[self.nodes.out] = NOT[frame.truth[argument]]
        frame.onset[self.nodes.out] = frame.onset[argument]


class LogicKernel(TruthKernel):
    """Kleene's and/or. What all must bring about sets in with the last, what one can, with the first."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._table = AND if op is Op.AND else OR
        self._single = FALSE if op is Op.AND else TRUE
        """The truth that one argument is enough for."""

    def step(self, frame: Frame, columns: PointColumns, now: Instant) -> None:
        del columns, now
        left, right = self.nodes.arguments
        a, b = frame.truth[left], frame.truth[right]
        truth = self._table[a * np.uint8(3) + b]

        def candidate() -> Instants:
            first, second = frame.onset[left], frame.onset[right]
            earliest = np.where(
                a != self._single, second, np.where(b != self._single, first, np.minimum(first, second))
            )
            return np.where(truth == self._single, earliest, np.maximum(first, second))

        self.emit(frame, truth, candidate)


def slots(nodes: Sequence[int], slot_of: Sequence[int]) -> Slots:
    """The frame slots of some nodes, as an index array."""
    return np.array([slot_of[node] for node in nodes], dtype=np.intp)
