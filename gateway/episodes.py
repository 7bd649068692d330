"""From events to episodes: what was annunciated to people, from when to when, and when somebody took note.

Pure and incremental. What a suppression kept from people begins as an episode when the suppression ends, if it
still stands then; system rows and acknowledgements are never episodes of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.event import Event
from gateway.events.alarms import AlarmAcknowledged, AlarmCleared, AlarmRaised
from gateway.events.changeover import AlarmWithdrawn
from gateway.machines import suppression
from gateway.machines.suppression import NOT_SUPPRESSED, Suppression
from gateway.rule import Priority
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class Episode:
    """One annunciation, from its raise to its return; it may have begun before the stretch that is judged."""

    alarm: str
    priority: Priority
    raised_at: Instant
    """When it was told to people."""
    cleared_at: Instant | None
    """None while the condition stands."""
    acknowledged_at: Instant | None = None


class EpisodeLog:
    """Feed it events in order; it keeps the latest `most` episodes that have ended and all that have not."""

    def __init__(self, most: int | None = None) -> None:
        self._ended: deque[Episode] = deque(maxlen=most)
        self._open: dict[str, Episode] = {}
        """By occurrence: neither returned and acknowledged, nor withdrawn."""
        self._hidden: dict[str, AlarmRaised] = {}
        """By alarm: raised under a suppression and neither returned nor acknowledged since."""
        self._held: dict[str, Suppression] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._ended) + len(self._open)

    def all(self) -> list[Episode]:
        """Episodes in order of their raise."""
        return sorted([*self._ended, *self._open.values()], key=lambda episode: episode.raised_at)

    def feed(self, event: Event) -> Episode | None:
        """Take an event in; the episode that began with it, if one did."""
        match event:
            case AlarmRaised():
                if not event.annunciated:
                    self._hidden[event.alarm] = event
                    return None
                return self._begin(event, event.at)
            case AlarmCleared():
                self._end(event.occurrence, event.at)
                self._forget(event.alarm, event.occurrence)
            case AlarmAcknowledged():
                self._acknowledge(event.occurrence, event.at)
                self._forget(event.alarm, event.occurrence)
            case AlarmWithdrawn():
                self._end(event.occurrence, event.at)
                self._close(event.occurrence)
                self._hidden.pop(event.alarm, None)
                self._held.pop(event.alarm, None)
            case _:
                return self._suppressed(event)
        return None

    def _suppressed(self, event: Event) -> Episode | None:
        alarm = getattr(event, "alarm", None)
        if not isinstance(alarm, str):
            return None
        before = self._held.get(alarm, NOT_SUPPRESSED)
        after = suppression.evolve(before, event)
        if after is before:
            return None
        if after:
            self._held[alarm] = after
            return None
        self._held.pop(alarm, None)
        raised = self._hidden.pop(alarm, None)
        return None if raised is None else self._begin(raised, event.at)

    def _begin(self, raised: AlarmRaised, at: Instant) -> Episode:
        begun = self._open[raised.occurrence] = Episode(raised.alarm, raised.priority, at, None)
        return begun

    def _end(self, occurrence: str, at: Instant) -> None:
        begun = self._open.get(occurrence)
        if begun is not None and begun.cleared_at is None:
            self._open[occurrence] = replace(begun, cleared_at=at)
            if begun.acknowledged_at is not None:
                self._close(occurrence)

    def _acknowledge(self, occurrence: str, at: Instant) -> None:
        begun = self._open.get(occurrence)
        if begun is not None and begun.acknowledged_at is None:
            self._open[occurrence] = replace(begun, acknowledged_at=at)
            if begun.cleared_at is not None:
                self._close(occurrence)

    def _close(self, occurrence: str) -> None:
        begun = self._open.pop(occurrence, None)
        if begun is not None:
            self.dropped += len(self._ended) == self._ended.maxlen
            self._ended.append(begun)

    def _forget(self, alarm: str, occurrence: str) -> None:
        hidden = self._hidden.get(alarm)
        if hidden is not None and hidden.occurrence == occurrence:
            del self._hidden[alarm]


def episodes(events: Iterable[Event]) -> Sequence[Episode]:
    """Episodes in order of their raise, from events in order; a return without a raise is of an earlier time."""
    log = EpisodeLog()
    for event in events:
        log.feed(event)
    return log.all()
