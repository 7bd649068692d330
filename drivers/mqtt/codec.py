"""Payloads to readings and values to payloads.

Sans-IO: never opens a connection, never reads a clock, never raises on what a sensor sent. A value whose
time cannot be true is UNCERTAIN; one that is missing, malformed or disowned by its sensor is BAD.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime

from drivers.mqtt.address import OutputAddress, PointAddress
from gateway.clock import from_datetime
from gateway.sample import SECOND, Instant, Quality, Reason

PAYLOAD_LIMIT = 1 << 20
"""Longest payload that is looked at (bytes)."""
FUTURE_LIMIT = 5 * SECOND
"""How far a source's clock may be ahead of ours before it is not believed."""
_EARLIEST = Instant(946_684_800 * SECOND)
"""2000-01-01: a clock below this has lost its battery."""
_MILLISECONDS_FROM = 1e11
"""An epoch number from here on counts milliseconds: as seconds it would be the year 5138."""
_RANGE_SLACK = 1e-9

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Document:
    """A payload that was JSON."""

    body: Json


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of one point; NaN where BAD."""

    value: float
    quality: Quality
    reason: Reason
    source_time: Instant


@dataclass(frozen=True, slots=True)
class Expected:
    """What a point's reading is judged by."""

    address: PointAddress
    low: float
    high: float


class _Absent:
    """Nothing at that path; not the same as null."""


_ABSENT = _Absent()


def parse(payload: bytes) -> Document | None:
    """The payload's content, or None where it is too long, no UTF-8 or no JSON."""
    if len(payload) > PAYLOAD_LIMIT:
        return None
    try:
        return Document(json.loads(payload.decode("utf-8")))
    except (ValueError, RecursionError):
        return None


def readings(document: Document | None, expected: Expected, *, retained: bool, now: Instant) -> list[Reading]:
    """What the payload says of one point: one reading, or one for each entry where value and time are lists."""
    address = expected.address
    value = _find(document, address.value)
    time = _ABSENT if address.time is None else _find(document, address.time)
    quality = _ABSENT if address.quality is None else _find(document, address.quality)
    if not isinstance(value, list):
        return [_reading(value, time, quality, expected, retained=retained, now=now)]
    if not value or not isinstance(time, list) or len(time) != len(value):
        return [_bad(Reason.MALFORMED, now)]
    verdicts = quality if isinstance(quality, list) else [quality] * len(value)
    if len(verdicts) != len(value):
        return [_bad(Reason.MALFORMED, now)]
    return [
        _reading(one, at, verdict, expected, retained=retained, now=now)
        for one, at, verdict in zip(value, time, verdicts, strict=True)
    ]


def _find(document: Document | None, path: str | None) -> Json | _Absent:
    if document is None:
        return _ABSENT
    here = document.body
    for step in path.split(".") if path else ():
        if isinstance(here, dict) and step in here:
            here = here[step]
        elif isinstance(here, list) and step.isascii() and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        else:
            return _ABSENT
    return here


def _reading(
    value: Json | _Absent,
    time: Json | _Absent,
    quality: Json | _Absent,
    expected: Expected,
    *,
    retained: bool,
    now: Instant,
) -> Reading:
    source_time = _source_time(time, now)
    at = now if source_time is None else source_time
    address = expected.address
    number = _number(value)
    if number is None or (address.quality is not None and not isinstance(quality, (str, bool, int, float))):
        return _bad(Reason.MALFORMED, at)
    if address.quality is not None and _word(quality) not in {_word(good) for good in address.good}:
        return _bad(Reason.SENSOR_FAULT, at)
    if not math.isfinite(number):
        return _bad(Reason.NOT_A_NUMBER, at)
    slack = (expected.high - expected.low) * _RANGE_SLACK if math.isfinite(expected.high - expected.low) else 0.0
    if not expected.low - slack <= number <= expected.high + slack:
        return _bad(Reason.OUT_OF_RANGE, at)
    unknown_age = retained if address.time is None else source_time is None
    if unknown_age:
        return Reading(number, Quality.UNCERTAIN, Reason.SOURCE_CLOCK, at)
    return Reading(number, Quality.GOOD, Reason.NONE, at)


def _bad(reason: Reason, at: Instant) -> Reading:
    return Reading(math.nan, Quality.BAD, reason, at)


def _number(value: Json | _Absent) -> float | None:
    if not isinstance(value, (bool, int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _word(value: object) -> str:
    """Values of a quality field that mean the same become the same word: 192 and 192.0, Good and good."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold()


def _source_time(time: Json | _Absent, now: Instant) -> Instant | None:
    """When the source says it measured, or None where that cannot be true."""
    at: Instant | None = None
    if isinstance(time, str):
        try:
            at = from_datetime(datetime.fromisoformat(time))
        except (ValueError, OverflowError):
            return None
    elif isinstance(time, (int, float)) and not isinstance(time, bool):
        unit = SECOND if abs(time) < _MILLISECONDS_FROM else SECOND // 1000
        if not abs(time) < _MILLISECONDS_FROM * 1000:
            return None
        at = Instant(round(time * unit))
    if at is None or not _EARLIEST <= at <= now + FUTURE_LIMIT:
        return None
    return at


def encode(address: OutputAddress, value: float) -> bytes:
    """The payload that writes the value; raises ValueError for what is no number."""
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    text = str(int(value)) if value == int(value) else repr(value)
    return address.payload.replace("{value}", text).encode()
