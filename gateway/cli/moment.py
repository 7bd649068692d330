"""A moment as people write it on the command line. Without a zone it is China's time, which keeps one."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import click

from gateway.clock import from_datetime
from gateway.sample import Instant

CHINA = timezone(timedelta(hours=8))


class Moment(click.ParamType["Instant"]):
    """`2026-11-25`, `2026-11-25T08:00` or with seconds and a zone; an `Instant`."""

    name = "时间 moment"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> Instant:
        if not isinstance(value, str):
            return Instant(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"expected a moment such as 2026-11-25T08:00 (China's time) or ...Z, got {value!r}", param, ctx)
        return from_datetime(moment if moment.tzinfo else moment.replace(tzinfo=CHINA))
