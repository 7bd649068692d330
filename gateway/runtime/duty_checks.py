"""When duty checks are asked: at set times of the day, and at moments that nobody knows beforehand.

The scheduler is only the trigger; what a check is, and when it is missed, the machine decides.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger

from gateway.clock import SITE_TIME, Clock, to_datetime
from gateway.errors import TocsinError
from gateway.events.presence import AskedBecause
from gateway.plant.duty import DutyCheckPolicy
from gateway.plant.model import Plant
from gateway.runtime.loop import Loop

_DAY = 86_400

_GRACE = 60
"""Seconds by which a check may be asked late; beyond it, its moment has passed."""

_SET, _RANDOM = "set ", "random "
"""How the names of jobs begin."""

_log = logging.getLogger(__name__)


def random_moments(count: int, chance: random.Random) -> list[int]:
    """Seconds of a day, one in each of `count` equal parts of it: no part of a day is ever safe from a check."""
    part = _DAY // count if count else 0
    return [chance.randrange(place * part, (place + 1) * part) for place in range(count)]


class DutyCheckScheduler:
    """Asks by the plant file that is in force; a check that falls into an open one is left out."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._chance = random.SystemRandom()
        self._scheduler = AsyncIOScheduler(timezone=SITE_TIME)
        self._policy = DutyCheckPolicy()
        self._follow(loop.plant.duty.checks)

    @property
    def moments(self) -> Sequence[datetime]:
        """When it is going to ask next, at each of its set times and moments of today, in order."""
        asking = [job for job in self._scheduler.get_jobs() if job.func == self.ask]
        moments = [getattr(job, "next_run_time", None) for job in asking]  # none before the scheduler runs
        return sorted(moment for moment in moments if moment is not None)

    async def run(self) -> None:
        """Ask for ever; ends by cancellation."""
        self._scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._scheduler.shutdown(wait=False)

    def switch(self, plant: Plant) -> None:
        """Ask by another plant file. Random moments that are drawn stand, unless there are to be more or fewer."""
        self._follow(plant.duty.checks)

    def _follow(self, policy: DutyCheckPolicy) -> None:
        before, self._policy = self._policy, policy
        if policy.at != before.at:
            self._forget(_SET)
            for minute in policy.at:
                at = CronTrigger(hour=minute // 60, minute=minute % 60, timezone=SITE_TIME)
                self._ask_at(at, AskedBecause.SCHEDULED, f"{_SET}{minute}")
        if policy.random_per_day != before.random_per_day:
            self._forget(_RANDOM)
            if policy.random_per_day:
                self._draw()
                midnight = CronTrigger(hour=0, minute=0, timezone=SITE_TIME)
                self._scheduler.add_job(self._draw, midnight, id=f"{_RANDOM}draw")

    def _forget(self, group: str) -> None:
        for job in self._scheduler.get_jobs():
            if job.id.startswith(group):
                job.remove()

    def _ask_at(self, when: BaseTrigger, because: AskedBecause, job: str) -> None:
        self._scheduler.add_job(
            self.ask, when, args=[because], id=job, misfire_grace_time=_GRACE, replace_existing=True
        )

    async def ask(self, because: AskedBecause) -> None:
        """Ask now, unless a check waits already."""
        if self._loop.engine.duty_desk.open is not None:
            _log.info("a duty check waits already; this one is left out")
            return
        try:
            await self._loop.act(lambda now: [self._loop.engine.duty_desk.ask(because, "", now)])
        except TocsinError as refusal:
            _log.error("the duty check was not asked: %s", refusal)

    def _draw(self) -> None:
        """The random moments of what is left of this day."""
        now = to_datetime(self._clock.now()).astimezone(SITE_TIME)
        midnight = datetime(now.year, now.month, now.day, tzinfo=SITE_TIME)
        for second in random_moments(self._policy.random_per_day, self._chance):
            moment = midnight + timedelta(seconds=second)
            if moment > now:
                at = DateTrigger(run_date=moment, timezone=SITE_TIME)
                self._ask_at(at, AskedBecause.RANDOM, f"{_RANDOM}{moment:%j}-{second}")
