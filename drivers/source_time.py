"""The times that sources write beside their values, in the forms that sources use.

Sans-IO: never reads a clock. A time that cannot be true is None, and never "now": whoever asks decides
what a value without a time is worth.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from gateway.clock import from_datetime
from gateway.sample import FUTURE_LIMIT, SECOND, Instant

_EARLIEST = Instant(946_684_800 * SECOND)
"""2000-01-01: a clock below this has lost its battery."""
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_AUTO = "auto"
_ISO = "iso8601"
_STEP = 1e11
"""A count since 1970 from here on is not in seconds (that would be the year 5138), and a thousand times
this not in milliseconds, and so on."""
_OFFSET = re.compile(r"([+-])(\d\d):?(\d\d)")


def _format(text: str) -> str:
    if text not in (_AUTO, _ISO, *_PER_SECOND) and "%" not in text:
        raise ValueError(f"expected auto, iso8601, s, ms, us, ns or a pattern such as '%Y%m%d%H%M%S', got {text!r}")
    return text


def _zone(text: str) -> str:
    zone_of(text)
    return text


TimeFormat = Annotated[str, AfterValidator(_format)]
"""`auto` takes ISO 8601 and counts since 1970 by their size; `s`, `ms`, `us`, `ns` say which count; anything
with a `%` is a pattern of strptime."""
Zone = Annotated[str, AfterValidator(_zone)]
"""`+08:00`, or a name such as `Asia/Shanghai`: the zone of times that are written without one."""


@cache
def zone_of(text: str) -> tzinfo:
    """Raises ValueError for what names no zone."""
    if match := _OFFSET.fullmatch(text):
        shift = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(shift if match[1] == "+" else -shift)
    try:
        return ZoneInfo(text)
    except (KeyError, OSError, ValueError) as error:  # ZoneInfo raises any of them for a name that it does not know
        raise ValueError(f"expected a zone such as +08:00 or Asia/Shanghai, got {text!r}") from error


@dataclass(frozen=True, slots=True)
class TimeReader:
    """How one source writes its times."""

    written: str = _AUTO
    zone: str | None = None

    def read(self, time: object) -> Instant | None:
        """The instant, true or not; None where nothing can be made of it."""
        try:
            return self._read(time)
        except (ValueError, OverflowError):
            return None

    def _read(self, time: object) -> Instant | None:
        if isinstance(time, str):
            if self.written in _PER_SECOND or (self.written == _AUTO and _is_count(time)):
                return self._count(float(time) if "." in time else int(time))
            return self._text(time.strip())
        if isinstance(time, (int, float)) and not isinstance(time, bool) and self.written not in (_ISO,):
            if "%" in self.written:
                return self._text(str(time))
            return self._count(time)
        return None

    def _text(self, text: str) -> Instant | None:
        moment = datetime.strptime(text, self.written) if "%" in self.written else datetime.fromisoformat(text)  # noqa: DTZ007 - the zone is added below, or the time is refused
        if moment.tzinfo is None:
            if self.zone is None:
                return None
            moment = moment.replace(tzinfo=zone_of(self.zone))
        return from_datetime(moment.astimezone(UTC))

    def _count(self, count: float) -> Instant | None:
        if isinstance(count, float) and not math.isfinite(count):
            return None
        unit = self.written if self.written in _PER_SECOND else _unit(abs(count))
        if unit is None:
            return None
        if isinstance(count, int):
            return Instant(count * SECOND // _PER_SECOND[unit])
        return Instant(round(count * (SECOND / _PER_SECOND[unit])))


def _is_count(text: str) -> bool:
    return text.strip().replace(".", "", 1).isdecimal() and text.isascii()


def _unit(size: float) -> str | None:
    limit = _STEP
    for unit in _PER_SECOND:
        if size < limit:
            return unit
        limit *= 1_000
    return None


def believable(at: Instant | None, now: Instant) -> Instant | None:
    """The time, or None where it cannot be true: before 2000, or further ahead of us than clocks drift."""
    return at if at is not None and _EARLIEST <= at <= now + FUTURE_LIMIT else None
