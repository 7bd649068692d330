"""What a duty room answers for, live: episodes of alarms, whether a flood is on now, the latest handovers, trials.

Reads on from the journal like any follower, from its beginning at every start, and keeps a bounded number of
episodes; decides nothing about any alarm.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence

from gateway.episodes import Episode, EpisodeLog
from gateway.errors import StoreFailed
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.events.changeover import TrialChanged
from gateway.events.presence import HandoverSigned
from gateway.kpi import SLOT, Figures, Limits, figures
from gateway.plant.duty import AlarmPolicy
from gateway.plant.model import Plant, Text
from gateway.runtime.followers import AT_ONCE, RETRY_AFTER
from gateway.runtime.loop import Tick
from gateway.sample import Instant
from gateway.store import Journal
from gateway.trial_log import TrialLog

EPISODES_KEPT = 200_000
"""Four months at the rate that the standards allow; beyond it the oldest go, and the answer says from when it holds."""

_CHATTER_LOOKBACK = 4
"""Episodes of one alarm among which chatter is looked for."""

HANDOVERS_KEPT = 30
"""Ten days of three shifts; the journal keeps all."""

TRIAL_RAISES_KEPT = 10
"""Of each rule on trial; the journal keeps all."""

_log = logging.getLogger(__name__)


class FiguresBook:
    """Implements `gateway.runtime.loop.Listener`; `run` follows the journal."""

    def __init__(self, journal: Journal, policy: AlarmPolicy) -> None:
        self.policy = policy
        self.limits = _limits(policy)
        self.position = 0
        self._journal = journal
        self._wake = asyncio.Event()
        self._log = EpisodeLog(EPISODES_KEPT)
        self._recent: deque[Instant] = deque()
        """Annunciations of the last ten minutes."""
        self._flood_since: Instant | None = None
        self._latest: dict[str, deque[Instant]] = {}
        self.titles: dict[str, Text] = {}
        self.handovers: deque[HandoverSigned] = deque(maxlen=HANDOVERS_KEPT)
        self.trials = TrialLog(TRIAL_RAISES_KEPT)

    def on_tick(self, tick: Tick) -> None:
        if tick.entries:
            self._wake.set()

    def switch(self, plant: Plant) -> None:
        """Judge by another plant file; a flood that is on ends by its limits."""
        self.policy = plant.duty.alarms
        self.limits = _limits(self.policy)

    async def run(self) -> None:
        """Follow for ever; ends by cancellation."""
        while True:
            try:
                await self.catch_up()
            except StoreFailed as failure:
                _log.error("the alarm figures wait: %s", failure)
                await asyncio.sleep(RETRY_AFTER)
            else:
                await self._wake.wait()
                self._wake.clear()

    async def catch_up(self) -> None:
        """Read on to the journal's end. Raises StoreFailed; what was read until then counts."""
        while entries := await self._journal.read(self.position, AT_ONCE):
            for entry in entries:
                self.feed(entry.event)
                self.position = entry.sequence

    def feed(self, event: Event) -> None:
        """Take one event in, in the journal's order."""
        if isinstance(event, AlarmRaised):
            self.titles[event.alarm] = event.title
        elif isinstance(event, HandoverSigned):
            self.handovers.append(event)
        elif isinstance(event, TrialChanged):
            self.trials.feed(event)
        begun = self._log.feed(event)
        if begun is None:
            return
        self._recent.append(begun.raised_at)
        self._latest.setdefault(begun.alarm, deque(maxlen=_CHATTER_LOOKBACK)).append(begun.raised_at)
        self._prune(begun.raised_at)
        if self._flood_since is None and len(self._recent) > self.limits.flood_above:
            self._flood_since = begun.raised_at

    def flood_since(self, now: Instant) -> Instant | None:
        """Since when more alarms come than a person can follow; None while they do not."""
        self._prune(now)
        if self._flood_since is not None and len(self._recent) < self.limits.flood_below:
            self._flood_since = None
        return self._flood_since

    def last_ten_minutes(self, now: Instant) -> int:
        self._prune(now)
        return len(self._recent)

    def chattering(self, now: Instant) -> tuple[str, ...]:
        """Alarms that were told to people again and again within the last minute."""
        cycles, within = self.limits.chatter_cycles, self.limits.chatter_within
        return tuple(
            sorted(
                alarm
                for alarm, times in self._latest.items()
                if len(times) >= cycles and now - times[-cycles] <= within
            )
        )

    def episodes(self) -> Sequence[Episode]:
        return self._log.all()

    def figures(self, start: Instant, end: Instant) -> Figures:
        """The figures of start <= time < end; raises ValueError for a stretch that is empty."""
        return figures(self._log.all(), start, end, self.limits)

    @property
    def holds_from(self) -> Instant | None:
        """Before this moment episodes are missing; None where none ever went."""
        return min((each.raised_at for each in self._log.all()), default=None) if self._log.dropped else None

    def _prune(self, now: Instant) -> None:
        while self._recent and self._recent[0] <= now - SLOT:
            self._recent.popleft()


def _limits(policy: AlarmPolicy) -> Limits:
    return Limits(flood_above=policy.flood_above, flood_below=policy.flood_below)
