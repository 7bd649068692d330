"""The tick loop: take in, decide, make durable, tell. In that order and no other.

The only place that commits events. What the journal could not keep is held, retried and shown as a
failure; a person's action that cannot be kept is refused and changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gateway.clock import Clock
from gateway.driver import LinkStatus
from gateway.engine import Engine
from gateway.errors import StoreFailed
from gateway.event import Entry, Event
from gateway.events.lifecycle import LinkChanged
from gateway.identity import identity
from gateway.plant.model import Plant
from gateway.point_table import PointTable
from gateway.runtime import states
from gateway.runtime.intake import Intake
from gateway.sample import Instant, SampleBatch
from gateway.standing import states_of
from gateway.store import Journal, StateKind

LONGEST_WAIT = 0.1
"""Seconds between ticks when nothing comes: silence must make delays and stale limits run out."""

SHORTEST_WAIT = 0.005
"""Seconds between ticks when much comes: many small batches are decided together."""

EVENTS_HELD = 100_000
"""Events kept in memory while the journal cannot be written."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Tick:
    """What a tick changed; told to listeners after it is durable."""

    now: Instant
    entries: Sequence[Entry]
    touched: Mapping[StateKind, set[str]]
    points: NDArray[np.bool_]
    """By point index: whether a sample came."""
    links: Sequence[LinkStatus]


@dataclass(slots=True)
class StepTimes:
    """How long rules and machines took, tick by tick (microseconds)."""

    count: int = 0
    total: int = 0
    last: int = 0
    longest: int = 0
    """Since start."""

    def add(self, took: int) -> None:
        self.count += 1
        self.total += took
        self.last = took
        self.longest = max(self.longest, took)


class Listener(Protocol):
    """Somebody who follows the ticks; returns at once and never fails."""

    def on_tick(self, tick: Tick) -> None: ...


class Recorder(Protocol):
    """Where samples go to be kept; returns at once and never fails."""

    def offer(self, batch: SampleBatch) -> None: ...


class Loop:
    """Owns the turn: a tick or a person's action, one at a time."""

    def __init__(self, plant: Plant, engine: Engine, journal: Journal, intake: Intake, clock: Clock) -> None:
        self.plant = plant
        self.engine = engine
        self.table = PointTable(plant)
        self.links: dict[str, LinkStatus] = {}
        self.sequence = 0
        self.now = Instant(0)
        """Time of the last tick."""
        self.failure: StoreFailed | None = None
        """Why the journal cannot be written now; None while it can."""
        self.events_lost = 0
        self.steps = StepTimes()
        self._journal = journal
        self._intake = intake
        self._clock = clock
        self._turn = asyncio.Lock()
        self._actions: set[asyncio.Task[Sequence[Entry]]] = set()
        self._held: list[Event] = []
        self._listeners: list[Listener] = []
        self._recorders: list[Recorder] = []

    def listen(self, listener: Listener) -> None:
        self._listeners.append(listener)

    def record_to(self, recorder: Recorder) -> None:
        self._recorders.append(recorder)

    async def run(self) -> None:
        """Tick for ever; ends by cancellation."""
        self.sequence = await self._journal.last_sequence()
        while True:
            await self._intake.wait(LONGEST_WAIT)
            async with self._turn:
                await self.tick()
            await asyncio.sleep(SHORTEST_WAIT)

    async def tick(self) -> None:
        """One tick: everything that has come is taken in, decided, committed and told."""
        batches, links = self._intake.drain()
        now = self.now = self._clock.now()
        touched = np.zeros(len(self.plant.points), dtype=np.bool_)
        self.table.apply(SampleBatch.concatenate(batches))
        for batch in batches:
            touched[batch.point] = True
            for recorder in self._recorders:
                recorder.offer(batch)
        events: list[Event] = [event for status in links for event in self._link_changed(status)]
        began = self._clock.now()
        events += self.engine.tick(self.table, now)
        self.steps.add(self._clock.now() - began)
        self._held += events
        self._drop_beyond_limit()
        entries = await self._commit_held()
        self._tell(now, events, entries, touched, links)

    async def act(
        self, decide: Callable[[Instant], Sequence[Event]], then: Callable[[Instant], None] | None = None
    ) -> Sequence[Entry]:
        """Events that are not a tick's: durable first, then taken; then `then`, before anybody is told.

        Raises what `decide` raises, and StoreFailed; then nothing has changed. An asker that is cancelled
        leaves the action to itself: what is durable is always taken.
        """
        action = asyncio.create_task(self._act(decide, then), name="action")
        self._actions.add(action)
        action.add_done_callback(self._actions.discard)
        return await asyncio.shield(action)

    def switch(self, plant: Plant, engine: Engine, now: Instant) -> None:
        """Another plant file and another engine from the next tick on; for a `then` of `act`.

        Points that are read as before keep their latest value, devices that are still there their link.
        """
        index = np.full(len(self.plant.points), -1, dtype=np.int32)
        index_of = {point.id: point.index for point in plant.points}
        for point in self.plant.points:
            index[point.index] = index_of.get(point.id, -1)
        self._intake.exchange(lambda batch: batch.renumbered(index))
        self.table = self.table.carried(plant, now)
        devices = {device.id for device in plant.devices}
        self.links = {device: status for device, status in self.links.items() if device in devices}
        self.plant, self.engine = plant, engine

    async def _act(
        self, decide: Callable[[Instant], Sequence[Event]], then: Callable[[Instant], None] | None
    ) -> Sequence[Entry]:
        async with self._turn:
            now = self._clock.now()
            events = list(decide(now))
            ahead = states.rows(self.engine.preview(events), states_of(events))
            if kept := await self._commit_held():
                self._tell(now, (), kept, self._no_points(), ())
            if self._held and self.failure is not None:  # what happened earlier comes earlier in the journal
                raise self.failure
            entries = await self._journal.commit(events, ahead)
            self.engine.take(events)
            self._told_up_to(entries)
            if then is not None:
                then(now)
            self._tell(now, events, entries, self._no_points(), ())
            return entries

    def _no_points(self) -> NDArray[np.bool_]:
        return np.zeros(len(self.plant.points), dtype=np.bool_)

    async def _commit_held(self) -> Sequence[Entry]:
        """Make durable what is held; a failure is kept and shown, and the events stay held."""
        if not self._held:
            return ()
        try:
            entries = await self._journal.commit(self._held, states.rows(self.engine.states, states_of(self._held)))
        except StoreFailed as failure:
            if self.failure is None:
                _log.error("events are held in memory: %s", failure)
            self.failure = failure
            return ()
        if self.failure is not None:
            _log.info("the journal is writable again; %d held events are kept", len(self._held))
        self.failure = None
        self._held = []
        self._told_up_to(entries)
        return entries

    def _told_up_to(self, entries: Sequence[Entry]) -> None:
        if entries:
            self.sequence = entries[-1].sequence

    def _drop_beyond_limit(self) -> None:
        beyond = len(self._held) - EVENTS_HELD
        if beyond > 0:
            self.events_lost += beyond
            del self._held[:beyond]

    def _tell(
        self,
        now: Instant,
        events: Sequence[Event],
        entries: Sequence[Entry],
        points: NDArray[np.bool_],
        links: Sequence[LinkStatus],
    ) -> None:
        touched = states_of([*events, *(entry.event for entry in entries)])
        tick = Tick(now, entries, touched, points, links)
        for listener in self._listeners:
            listener.on_tick(tick)

    def _link_changed(self, status: LinkStatus) -> list[Event]:
        """The event of a link that is another than before; news of its clocks alone is for the screens."""
        before = self.links.get(status.device)
        self.links[status.device] = status
        if before is not None and _told_alike(before, status):
            return []
        changed = LinkChanged(
            id=identity(self.plant.site.id, status.device, status.state, status.at),
            at=status.at,
            device=status.device,
            state=status.state,
            reason=status.reason.name.lower(),
            detail=status.detail,
        )
        return [changed]


def _told_alike(one: LinkStatus, other: LinkStatus) -> bool:
    return (one.state, one.reason, one.detail) == (other.state, other.reason, other.detail)
