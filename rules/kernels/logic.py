"""Truths of one tick: comparisons, Kleene's logic and votes. UNKNOWN is never FALSE."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gateway.sample import Bytes, Instants
from rules.graph import Op, VoteMode
from rules.kernels.frame import (
    FALSE,
    TRUE,
    UNKNOWN,
    Booleans,
    Candidate,
    Inputs,
    Nodes,
    Places,
    StatelessTruth,
    T,
    Truths,
    either,
)

_LATEST = np.iinfo(np.int64).max


def kleene_not(a: Bytes) -> Bytes:
    outcome: Bytes = a ^ (a < UNKNOWN).view(np.uint8)
    return outcome


def kleene_and(a: Bytes, b: Bytes) -> Bytes:
    outcome: Bytes = np.maximum(a, b) * (np.minimum(a, b) != FALSE).view(np.uint8)
    return outcome


def kleene_or(a: Bytes, b: Bytes) -> Bytes:
    certain = ((a == TRUE) | (b == TRUE)).view(np.uint8)
    outcome: Bytes = np.maximum(a, b) * (certain ^ np.uint8(1)) + certain
    return outcome


class Compare(StatelessTruth):
    """A comparison of two numbers; UNKNOWN unless both are known."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._compare = _COMPARE[op]

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        left, right = inputs.numbers
        outcome = self._compare(left.value, right.value)
        unknown = ~(left.known & right.known)
        return either(outcome, unknown), lambda places: np.maximum(left.time_at(places), right.time_at(places))


_COMPARE: dict[Op, Callable[..., Booleans]] = {
    Op.GT: np.greater,
    Op.GE: np.greater_equal,
    Op.LT: np.less,
    Op.LE: np.less_equal,
    Op.EQ: np.equal,
    Op.NE: np.not_equal,
}


class Known(StatelessTruth):
    """Whether a number can be used; itself always known. Its loss sets in when it is noticed."""

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        (number,) = inputs.numbers
        known = number.known

        def candidate(places: Places) -> Instants:
            return np.where(_at(known, places), number.time_at(places), inputs.now_at(places))

        return known.view(np.uint8), candidate


class Reasons(StatelessTruth):
    """Whether a point is not good for one given reason; itself always known."""

    reads_points = True

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        columns, points = inputs.columns, inputs.points
        truth = columns.reason[points] == inputs.parameters[1].astype(np.uint8)
        return truth.view(np.uint8), lambda places: _at(np.minimum(columns.source_time[points], inputs.now), places)


class Overdue(StatelessTruth):
    """Whether an instant has passed; itself always known."""

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        due = inputs.parameters[0].astype(np.int64)
        return (due <= inputs.now).view(np.uint8), lambda places: _at(np.minimum(due, inputs.now), places)


class Not(StatelessTruth):
    """Kleene's not; the onset is that of its argument."""

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        (argument,) = inputs.truths
        return kleene_not(argument.truth), argument.onset_at


class BadIs(StatelessTruth):
    """An UNKNOWN as what the parameter says; it sets in at the tick that noticed it."""

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        (argument,) = inputs.truths
        unknown = argument.truth == UNKNOWN
        truth = np.where(unknown, inputs.parameters[0].astype(np.uint8), argument.truth)

        def candidate(places: Places) -> Instants:
            return np.where(_at(unknown, places), inputs.now_at(places), argument.onset_at(places))

        return truth, candidate


class Logic(StatelessTruth):
    """Kleene's and/or. What all must bring about sets in with the last, what one can, with the first."""

    def __init__(self, nodes: Nodes, op: Op) -> None:
        super().__init__(nodes)
        self._join = kleene_and if op is Op.AND else kleene_or
        self._single = FALSE if op is Op.AND else TRUE
        """The truth that one argument is enough for."""

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        left, right = inputs.truths
        truth = self._join(left.truth, right.truth)

        def candidate(places: Places) -> Instants:
            first, second = left.onset_at(places), right.onset_at(places)
            a, b = _at(left.truth, places), _at(right.truth, places)
            earliest = np.where(
                a != self._single, second, np.where(b != self._single, first, np.minimum(first, second))
            )
            single = _at(truth, places) == self._single
            return np.where(single, earliest, np.maximum(first, second))

        return truth, candidate


class Vote(StatelessTruth):
    """TRUE if at least k of n are; the mode says what becomes of those that are not known.

    The outcome sets in with the vote that decided it, the k-th of those that are TRUE.
    """

    passes = 16

    def compute(self, inputs: Inputs) -> tuple[Bytes, Candidate]:
        votes, count = inputs.truths, len(inputs.truths)
        yes = sum((vote.truth == TRUE).astype(np.int64) for vote in votes)
        lost = sum((vote.truth == UNKNOWN).astype(np.int64) for vote in votes)
        k, mode = inputs.parameters[0].astype(np.int64), inputs.parameters[1]
        need = np.where(mode == VoteMode.SAFETY, np.maximum(1, k - lost), k)
        need = np.where(mode == VoteMode.AVAILABILITY, np.minimum(k, count - lost), need)
        maybe = np.where(mode == VoteMode.PLAIN, yes + lost, yes)
        nobody = lost == count
        truth = either((yes >= need) & ~nobody, ((yes < need) & (maybe >= need)) | nobody)

        def candidate(places: Places) -> Instants:
            true = _at(truth, places) == TRUE
            needed = np.broadcast_to(_at(need, places), true.shape)
            against = np.where(mode == VoteMode.PLAIN, count, count - lost)
            needed = np.where(true, needed, _at(against, places) - needed + 1)
            return _nth_onset(votes, places, np.where(true, TRUE, FALSE), needed)

        return truth, candidate


def _nth_onset(votes: tuple[Truths, ...], places: Places, which: Bytes, nth: Instants) -> Instants:
    """The n-th earliest onset among the votes that are `which`."""
    onsets = np.array([np.where(_at(vote.truth, places) == which, vote.onset_at(places), _LATEST) for vote in votes])
    onsets.sort(axis=0)
    chosen: Instants = onsets[np.maximum(nth, 1) - 1, np.arange(len(places))]
    return chosen


def _at(column: NDArray[T], places: Places) -> NDArray[T]:
    """Of a column that may be one value for all."""
    return column if len(column) == 1 else column[places]
