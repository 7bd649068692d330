"""Several rule sets over one reading of the samples. Pure: told the batches, it tells how far it has come."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.backtest.run import Outcome, Run
from gateway.plant.model import Plant
from gateway.rule import Program
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.trace import HEARTBEAT, RESOLUTION

ROWS_AT_ONCE = 1_000_000
"""Samples that are gathered before the rules look at them: 34 MB."""

LEAD = 600 * SECOND
"""Time before the start that is run through at least: an alarm that stood at the start was not raised by it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One rule set and the plant that it is compiled for."""

    name: str
    plant: Plant
    program: Program


@dataclass(frozen=True, slots=True)
class Stretch:
    """What is judged, and how finely time is cut."""

    start: Instant
    end: Instant
    resolution: int = RESOLUTION
    heartbeat: int = HEARTBEAT

    def begin(self, subjects: Sequence[Subject]) -> Instant:
        """When reading starts, so that at the start windows are warm and what stands already stands."""
        return Instant(max(0, self.start - max(LEAD, *(subject.program.horizon for subject in subjects))))


def point_names(subjects: Sequence[Subject]) -> list[str]:
    """Every point that any of the plants has: what the batches' indices count in."""
    return list(dict.fromkeys(point.id for subject in subjects for point in subject.plant.points))


async def run_all(
    subjects: Sequence[Subject],
    batches: AsyncIterator[SampleBatch],
    stretch: Stretch,
    tell: Callable[[Instant, int], None],
) -> tuple[list[Outcome], int]:
    """The outcome of each, in order, and how many samples were read; `tell` is called with both as they grow."""
    names = {name: place for place, name in enumerate(point_names(subjects))}
    begin = stretch.begin(subjects)
    work = []
    for subject in subjects:
        own = {point.id: point.index for point in subject.plant.points}
        index = np.array([own.get(name, -1) for name in names], dtype=np.int32)
        run = Run(
            subject.plant,
            subject.program,
            begin,
            stretch.start,
            resolution=stretch.resolution,
            heartbeat=stretch.heartbeat,
        )
        work.append((run, index))
    rows = total = 0
    async for batch in batches:
        for run, index in work:
            run.feed(batch.renumbered(index))
        rows, total = rows + len(batch), total + len(batch)
        if rows >= ROWS_AT_ONCE:
            rows = 0
            seen = Instant(int(batch.receive_time[-1]) // stretch.resolution * stretch.resolution)
            for run, _ in work:
                run.advance(seen)
            tell(seen, total)
    for run, _ in work:
        run.advance(stretch.end)
    tell(stretch.end, total)
    return [run.outcome(stretch.end) for run, _ in work], total
