"""What the gateway says of itself, gathered from the parts that know it. Changes none of them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

import numpy as np

from gateway.api.book import ViewBook, is_unacknowledged
from gateway.api.health_schema import ChannelView, CopyView, HealthView
from gateway.api.siren_view import siren_views
from gateway.machines.alarm import Projected
from gateway.runtime.copyist import Copyist
from gateway.runtime.figures import FiguresBook
from gateway.runtime.followers import Follower
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Loop
from gateway.runtime.recorder import SampleRecorder
from gateway.sample import SECOND, Instant, Quality

WINDOW = 5
"""Marks between which the rate of samples is taken: steady enough to read, quick enough to show a loss."""


class HealthProbe:
    """Call `mark` once a second: the rate of samples is that between the kept marks."""

    def __init__(
        self,
        loop: Loop,
        intake: Intake,
        recorders: Sequence[SampleRecorder],
        followers: Sequence[Follower],
        copyists: Sequence[Copyist] = (),
        *,
        channels: Callable[[], Sequence[Follower]] = tuple,
        clock_step: Callable[[], int],
        started_at: Instant,
        figures: FiguresBook,
    ) -> None:
        self._loop = loop
        self._intake = intake
        self._recorders = recorders
        self._followers = followers
        self._copyists = copyists
        self._channels = channels
        self._clock_step = clock_step
        self._figures = figures
        self._now = started_at
        self.started_at = started_at
        self._marks: deque[tuple[Instant, int]] = deque([(started_at, 0)], maxlen=WINDOW + 1)

    def mark(self, now: Instant) -> None:
        self._now = now
        self._marks.append((now, self._intake.received))

    def view(self, book: ViewBook) -> HealthView:
        loop = self._loop
        shown = Counter(alarm.shown for alarm in book.alarms.values())
        waiting = [alarm.raised_at for alarm in book.alarms.values() if is_unacknowledged(alarm)]
        copies = {copyist.name for copyist in self._copyists}
        embedded = [each for each in self._followers if each.name not in copies]
        failures = [*(each.failure for each in self._recorders), *(each.failure for each in embedded)]
        return HealthView(
            started_at=self.started_at,
            samples_per_second=self._rate(),
            dropped_samples=self._intake.dropped + sum(each.dropped for each in self._recorders) + loop.events_lost,
            journal_failure=str(loop.failure) if loop.failure else None,
            history_failure="; ".join(str(failure) for failure in failures if failure) or None,
            history_lag=max(0, loop.sequence - min((each.position for each in embedded), default=loop.sequence)),
            links_up=book.links_up,
            links=len(book.links),
            points_not_good=int(np.count_nonzero(loop.table.latest.quality != Quality.GOOD)),
            unacknowledged=len(waiting),
            oldest_unacknowledged=min(waiting, default=None),
            clock_step=self._clock_step(),
            shelved=shown[Projected.SHELVED],
            suppressed=shown[Projected.SUPPRESSED_BY_DESIGN],
            out_of_service=shown[Projected.OUT_OF_SERVICE],
            flood_since=self._figures.flood_since(self._now),
            last_ten_minutes=self._figures.last_ten_minutes(self._now),
            chattering=self._figures.chattering(self._now),
            never_collapsed=tuple(sorted(self._figures.policy.never_collapsed)),
            bypassed=len(loop.engine.register_desk.bypassed()),
            under_test=len(loop.engine.register_desk.tested()),
            cannot_tell=sum(alarm.unknown for alarm in book.alarms.values()),
            duty_check=loop.engine.duty_desk.open,
            duty_priority=loop.plant.duty.checks.priority,
            copies=tuple(self._copy(each) for each in self._copyists),
            sirens=siren_views(loop.engine.siren_desk, loop.plant, self._now),
            channels=tuple(self._channel(each) for each in self._channels()),
        )

    def _copy(self, copyist: Copyist) -> CopyView:
        follower = next(each for each in self._followers if each.name == copyist.name)
        failure = copyist.failure or follower.failure
        return CopyView(
            name=copyist.name,
            failure=str(failure) if failure else None,
            note=copyist.note,
            behind=copyist.behind,
            backlog=copyist.backlog,
            events_behind=max(0, self._loop.sequence - follower.position),
            refused=copyist.refused + follower.set_aside,
            missing=copyist.missing,
        )

    def _channel(self, follower: Follower) -> ChannelView:
        failure = str(follower.failure) if follower.failure else None
        return ChannelView(follower.name, failure, max(0, self._loop.sequence - follower.position))

    def _rate(self) -> float:
        (first_at, first), (last_at, last) = self._marks[0], self._marks[-1]
        return round((last - first) * SECOND / (last_at - first_at), 1) if last_at > first_at else 0.0
