"""Windows warmed from the history, so that a restart or a new rule does not have to wait for what is stored already.

Bounded in time and memory; what could not be read stays unknown, and the log says so. Decides nothing.
Time in which no gateway ran is no past: nothing is taken to have failed, or to have held, while nobody looked.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Protocol

import numpy as np

from gateway.clock import Clock
from gateway.duration import format_duration
from gateway.errors import StoreFailed
from gateway.plant.model import Plant
from gateway.plant.own import GATEWAY
from gateway.rule import Program
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.trace import RESOLUTION, TraceBuilder

LONGEST = 30 * SECOND
"""What warming may take; a plant must not be without its gateway for longer because of a window of eight hours."""

MOST_CELLS = 200_000_000
"""Rules and points times ticks that are gone through at most: what is older than that is left out from the start."""

ASLEEP = 5 * SECOND
"""A running gateway stores samples of its own every second: where there are none for so long, none ran."""

FINE = 120 * SECOND
"""Of the last so much every tenth of a second is gone through, of what is older every second: a delay of hours may
begin a second late, one of seconds may not."""

TOO_LONG = 60 * SECOND
"""After a sleep longer than this, windows begin anew: what lies in it is unknown to all of them."""

ROWS_AT_ONCE = 500_000

_CELLS_AT_ONCE = 2_000_000

_log = logging.getLogger(__name__)


class Samples(Protocol):
    """The part of `gateway.store.History` that is needed."""

    def samples(self, points: Collection[str] | None, start: Instant, end: Instant) -> AsyncIterator[SampleBatch]: ...


async def warm(
    plant: Plant, program: Program, history: Samples, stored: Sequence[str], end: Instant, clock: Clock
) -> int:
    """Scan the program over what is stored of a little more than its horizon before `end`; how much (microseconds).

    `stored`: the point id of each index in the history's batches. Afterwards the program is as of a tick at or
    before `end`. Never raises for what a store cannot give.
    """
    if not program.horizon:
        return 0
    ticks = MOST_CELLS // (len(program.rules) + len(plant.points))
    # So much more, so that a delay that ran when the gateway ended is seen to begin: its onset is the alarm's.
    span = min(program.horizon + TOO_LONG, ticks * SECOND)
    if span < program.horizon:
        _log.warning(
            "windows are warmed from the last %s of %s; rules that look further back stay unknown for so long",
            format_duration(span),
            format_duration(program.horizon),
        )
    index_of = {point.id: point.index for point in plant.points}
    index = np.array([index_of.get(name, -1) for name in stored], dtype=np.int32)
    began = clock.now()
    try:
        start = await _awake_since(history, plant, Instant(end - span), end)
        if start is None:
            _log.info("no gateway ran in the last %s: windows begin anew", format_duration(TOO_LONG))
            return 0
        scan = _Scan(plant, program, start, Instant(end - FINE), lambda: clock.now() - began > LONGEST)
        async for batch in history.samples(None, start, end):
            await asyncio.to_thread(scan.feed, batch.renumbered(index))
        await asyncio.to_thread(scan.finish, Instant(min(end, scan.latest + ASLEEP)))
    except StoreFailed as failure:
        _log.error("windows are not warm, rules that look back stay unknown until they are: %s", failure)
        program.forget()
        return 0
    except _TookTooLong:
        _log.error("warming took longer than %s and was given up: windows begin anew", format_duration(LONGEST))
        program.forget()
        return 0
    took = (clock.now() - began) / SECOND
    _log.info("windows are warm: %d samples of the last %s in %.1f s", scan.samples, format_duration(span), took)
    return int(end - start)


async def _awake_since(history: Samples, plant: Plant, start: Instant, end: Instant) -> Instant | None:
    """Since when a gateway has run with no sleep that was too long; None if it slept too long just before `end`."""
    own = [point.id for point in plant.points if point.equipment == GATEWAY][:1]
    times = [batch.receive_time async for batch in history.samples(own or None, start, end)]
    seen = np.concatenate([[start - TOO_LONG - 1], *times, [end]])
    sleeps = np.nonzero(np.diff(seen) > TOO_LONG)[0]
    woken = int(seen[sleeps[-1] + 1])
    return Instant(max(start, woken)) if woken < end else None


class _TookTooLong(Exception):
    """Time is over; what was gone through is not what lies just before the start."""


class _Scan:
    """A program on its way through the past."""

    def __init__(
        self, plant: Plant, program: Program, start: Instant, fine: Instant, is_over: Callable[[], bool]
    ) -> None:
        """`fine`: from when on ticks are as close as they come; `is_over`: whether to give up."""
        self._program = program
        self._plant = plant
        self._fine = fine
        self._is_over = is_over
        self._builder = self._from(start)
        self._most = max(64, _CELLS_AT_ONCE // max(1, len(plant.points) + len(program.rules)))
        self._rows = 0
        self._latest = start
        self.samples = 0

    @property
    def latest(self) -> Instant:
        """Receipt of the newest sample."""
        return self._latest

    def feed(self, batch: SampleBatch) -> None:
        """Samples in order of receipt. Raises _TookTooLong."""
        self._require_time()
        if self._latest < self._fine and len(batch) and batch.receive_time[-1] >= self._fine:
            row = int(np.searchsorted(batch.receive_time, self._fine))
            self._feed(batch.part(0, row))
            self.finish(min(self._fine, Instant(self._latest + SECOND)))
            self._builder.refine(RESOLUTION)
            batch = batch.part(row, len(batch))
        self._feed(batch)
        if self._rows >= ROWS_AT_ONCE:
            self.finish(self._latest)

    def _feed(self, batch: SampleBatch) -> None:
        """No tick is taken while the gateway slept, and it wakes knowing no value."""
        begin = 0
        for row in np.nonzero(np.diff(batch.receive_time, prepend=self._latest) > ASLEEP)[0]:
            self._keep(batch.part(begin, int(row)))
            self.finish(Instant(self._latest + SECOND))
            self._latest = Instant(int(batch.receive_time[row]))
            self._builder = self._from(self._latest)
            begin = int(row)
        self._keep(batch.part(begin, len(batch)))

    def finish(self, end: Instant) -> None:
        """Every tick before `end`; raises _TookTooLong."""
        self._rows = 0
        for trace in self._builder.take(end, self._most):
            self._program.catch_up(trace)
            self._require_time()

    def _require_time(self) -> None:
        if self._is_over():
            raise _TookTooLong

    def _keep(self, batch: SampleBatch) -> None:
        if len(batch):
            self._builder.feed(batch)
            self._rows += len(batch)
            self.samples += len(batch)
            self._latest = Instant(int(batch.receive_time[-1]))

    def _from(self, start: Instant) -> TraceBuilder:
        return TraceBuilder(self._plant.points, start, resolution=RESOLUTION if start >= self._fine else SECOND)
