"""The live stream: one snapshot, then everything that changes, to any number of clients.

Every message is encoded once for all. A client that does not read is dropped and counted; it never
slows another, nor the loop. No heartbeat goes out while the tick loop stands still: it vouches for it.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from gateway.api.book import NOTHING_CHANGED, Changed, ViewBook
from gateway.api.health import HealthProbe
from gateway.api.health_schema import HealthView
from gateway.api.schema import (
    ChangesMessage,
    HeartbeatMessage,
    PlantView,
    SampleColumns,
    SamplesMessage,
    Snapshot,
)
from gateway.api.views import sample_columns
from gateway.clock import Clock
from gateway.event import Entry
from gateway.runtime.loop import Loop, Tick

MESSAGES_WAITING = 256
"""Messages that one client may be behind: about a minute of a quiet plant."""

CLIENTS = 64
"""Clients at once; a duty room has a handful, and each costs a queue."""

SAMPLES_EVERY = 0.25
"""Seconds between messages of changed samples: quicker than anyone can read."""

FLUSHES_PER_HEARTBEAT = 4

EVENTS_AT_ONCE = 500
"""Events in one message; a journal that was full for an hour must not come as one."""

_log = logging.getLogger(__name__)

_Message = TypeVar("_Message")
_SNAPSHOT = TypeAdapter(Snapshot)
_SAMPLES = TypeAdapter(SamplesMessage)
_CHANGES = TypeAdapter(ChangesMessage)
_HEARTBEAT = TypeAdapter(HeartbeatMessage)


class Subscription:
    """One client's place in the stream: its snapshot, and the messages that continue from exactly there."""

    __slots__ = ("dropped", "queue", "snapshot")

    def __init__(self, snapshot: str) -> None:
        self.snapshot = snapshot
        self.queue: asyncio.Queue[str] = asyncio.Queue(MESSAGES_WAITING)
        self.dropped = asyncio.Event()
        """Set when the client was too far behind; nothing more comes."""


class LiveHub:
    """Implements `gateway.runtime.loop.Listener`; `run` sends samples and heartbeats."""

    def __init__(self, loop: Loop, book: ViewBook, plant_view: PlantView, health: HealthProbe, clock: Clock) -> None:
        self.book = book
        self.plant_view = plant_view
        self.clients_dropped = 0
        """Clients since start that did not read."""
        self._loop = loop
        self._health = health
        self._clock = clock
        self._clients: set[Subscription] = set()
        self._told: int | None = None
        self._ticked = False
        self._fresh, self._sent_quality = _nothing_sent(len(loop.plant.points))

    @property
    def sequence(self) -> int:
        """Journal entries up to here are in the views."""
        return self._loop.sequence if self._told is None else self._told

    @property
    def is_full(self) -> bool:
        return len(self._clients) >= CLIENTS

    def subscribe(self) -> Subscription:
        """The present and a place in the stream, in one step: nothing is lost or doubled between them."""
        subscription = Subscription(_encode(_SNAPSHOT, self._snapshot()))
        self._clients.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        self._clients.discard(subscription)

    def switch(self, book: ViewBook, plant_view: PlantView) -> None:
        """Another plant file or other rules: every client gets a snapshot, and goes on from there."""
        self.book, self.plant_view = book, plant_view
        self._fresh, self._sent_quality = _nothing_sent(len(plant_view.points))
        if self._clients:
            self._send(_encode(_SNAPSHOT, self._snapshot()))

    def health(self) -> HealthView:
        return self._health.view(self.book)

    def samples(self) -> SampleColumns:
        """Every point as of the last tick."""
        latest = self._loop.table.latest
        return sample_columns(latest, np.arange(len(latest.quality)))

    def on_tick(self, tick: Tick) -> None:
        self._ticked = True
        self._fresh |= tick.points
        if tick.entries:
            self._told = tick.entries[-1].sequence
        changed = self.book.apply(tick)
        if not self._clients or not (changed or tick.entries):
            return
        self._send_changes(tick, changed)

    def _send_changes(self, tick: Tick, changed: Changed) -> None:
        # Whole views go with the last of the events, so that no client shows what its sequence does not cover.
        entries = tuple(tick.entries)
        full = max(0, len(entries) - 1) // EVENTS_AT_ONCE * EVENTS_AT_ONCE
        for first in range(0, full, EVENTS_AT_ONCE):
            self._send_events(tick, entries[first : first + EVENTS_AT_ONCE], NOTHING_CHANGED)
        self._send_events(tick, entries[full:], changed)

    def _send_events(self, tick: Tick, events: tuple[Entry, ...], changed: Changed) -> None:
        message = ChangesMessage(
            now=tick.now,
            sequence=events[-1].sequence if events else self.sequence,
            events=events,
            alarms=changed.alarms,
            tickets=changed.tickets,
            demands=changed.demands,
            links=changed.links,
        )
        self._send(_encode(_CHANGES, message))

    async def run(self) -> None:
        """Send changed samples and heartbeats for ever; ends by cancellation."""
        while True:
            for _ in range(FLUSHES_PER_HEARTBEAT):
                await asyncio.sleep(SAMPLES_EVERY)
                self.send_samples()
            self.send_heartbeat()

    def send_samples(self) -> None:
        """What has spoken or changed its quality since the last call; a value that went stale is a change."""
        latest = self._loop.table.latest
        changed = self._fresh | (latest.quality != self._sent_quality)
        self._fresh[:] = False
        self._sent_quality = latest.quality
        rows = np.nonzero(changed)[0]
        if len(rows) and self._clients:
            message = SamplesMessage(now=self._clock.now(), samples=sample_columns(latest, rows))
            self._send(_encode(_SAMPLES, message))

    def send_heartbeat(self) -> None:
        """A sign of life, if the tick loop has given one since the last."""
        now = self._clock.now()
        self._health.mark(now)
        if self._ticked and self._clients:
            message = HeartbeatMessage(now=now, sequence=self.sequence, health=self.health())
            self._send(_encode(_HEARTBEAT, message))
        self._ticked = False

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            sequence=self.sequence,
            now=self._clock.now(),
            plant=self.plant_view,
            samples=self.samples(),
            alarms=tuple(self.book.alarms.values()),
            tickets=self.book.shown_tickets(),
            demands=tuple(self.book.demands.values()),
            links=tuple(self.book.links.values()),
            health=self.health(),
        )

    def _send(self, message: str) -> None:
        for client in list(self._clients):
            try:
                client.queue.put_nowait(message)
            except asyncio.QueueFull:
                self._drop(client)

    def _drop(self, client: Subscription) -> None:
        self._clients.discard(client)
        self.clients_dropped += 1
        client.dropped.set()
        _log.warning("a client of the live stream does not read and was dropped (%d so far)", self.clients_dropped)


def _nothing_sent(points: int) -> tuple[NDArray[np.bool_], NDArray[np.uint8]]:
    return np.zeros(points, dtype=np.bool_), np.full(points, 255, dtype=np.uint8)


def _encode(adapter: TypeAdapter[_Message], message: _Message) -> str:
    return adapter.dump_json(message).decode()
