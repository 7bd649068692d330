"""When duty checks are asked: at set times of the day, and at moments that nobody knows beforehand.

The scheduler is only the trigger; what a check is, and when it is missed, the machine decides.
"""

from __future__ import annotations

import asyncio
import logging
import random
from datetime import datetime, timedelta, timezone

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger

from gateway.clock import Clock, to_datetime
from gateway.errors import TocsinError
from gateway.events.presence import AskedBecause
from gateway.runtime.loop import Loop

SITE_TIME = timezone(timedelta(hours=8))
"""China keeps one time zone."""

_DAY = 86_400

_log = logging.getLogger(__name__)


def random_moments(count: int, chance: random.Random) -> list[int]:
    """Seconds of a day, one in each of `count` equal parts of it: no part of a day is ever safe from a check."""
    part = _DAY // count if count else 0
    return [chance.randrange(place * part, (place + 1) * part) for place in range(count)]


class DutyCheckScheduler:
    """Asks by the plant file that was in force when it started; one that falls into an open check is left out."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self._loop = loop
        self._clock = clock
        self._policy = loop.plant.duty.checks
        self._chance = random.SystemRandom()
        self._scheduler = AsyncIOScheduler(timezone=SITE_TIME)

    async def run(self) -> None:
        """Ask for ever; ends by cancellation."""
        for minute in self._policy.at:
            at = CronTrigger(hour=minute // 60, minute=minute % 60, timezone=SITE_TIME)
            self._scheduler.add_job(self.ask, at, args=[AskedBecause.SCHEDULED], misfire_grace_time=60)
        if self._policy.random_per_day:
            self._draw()
            self._scheduler.add_job(self._draw, CronTrigger(hour=0, minute=0, timezone=SITE_TIME))
        self._scheduler.start()
        try:
            await asyncio.Event().wait()
        finally:
            self._scheduler.shutdown(wait=False)

    async def ask(self, because: AskedBecause) -> None:
        """Ask now, unless a check waits already."""
        if self._loop.engine.duty.open is not None:
            _log.info("a duty check waits already; this one is left out")
            return
        try:
            await self._loop.act(lambda now: [self._loop.engine.duty.ask(because, "", now)])
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
                self._scheduler.add_job(self.ask, at, args=[AskedBecause.RANDOM], misfire_grace_time=60)
