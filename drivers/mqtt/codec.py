"""Payloads to readings and values to payloads.

Sans-IO: never opens a connection, never reads a clock, never raises on what a sensor sent. A value whose
time cannot be true is UNCERTAIN; one that is missing, malformed or disowned by its sensor is BAD.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass

from drivers.judgement import Judge
from drivers.mqtt.address import OutputAddress, PointAddress
from drivers.mqtt.path import ABSENT, Absent, Json, Path, follow, one, parse_path
from drivers.source_time import TimeReader, believable
from gateway.plant.model import Point
from gateway.sample import Instant, Quality, Reason

PAYLOAD_LIMIT = 1 << 20
"""Longest payload that is looked at (bytes)."""


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
    written_time: Instant | None = None
    """What the source's clock said, true or not; None where it said nothing."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a point's payload is read and judged by; made once, used for every message."""

    address: PointAddress
    judge: Judge
    reader: TimeReader
    value: Path
    time: Path | None
    quality: Path | None

    @classmethod
    def of(cls, address: PointAddress, low: float, high: float) -> Expected:
        """The address with everything in it that can be prepared; the range is the point's."""
        return cls(
            address,
            Judge.of(low, high, address),
            TimeReader(address.time_format, address.time_zone),
            parse_path(address.value) if address.value else (),
            parse_path(address.time) if address.time else None,
            parse_path(address.quality) if address.quality else None,
        )


@dataclass(frozen=True, slots=True)
class Listener:
    """A point that hears a topic."""

    index: int
    expected: Expected

    @classmethod
    def of(cls, point: Point, address: PointAddress) -> Listener:
        return cls(point.index, Expected.of(address, point.low, point.high))


_Found = Json | Absent | list[Json | Absent]


def parse(payload: bytes) -> Document | None:
    """The payload's content, or None where it is too long, no UTF-8 or no JSON."""
    if len(payload) > PAYLOAD_LIMIT:
        return None
    try:
        return Document(json.loads(payload.decode("utf-8")))
    except (ValueError, RecursionError):
        return None


def readings(document: Document | None, expected: Expected, *, retained: bool, now: Instant) -> list[Reading]:
    """What the payload says of one point: one reading, or one for each entry of a list.

    The times of a list are a list of the same length, or one time for its last entry and the spacing.
    """
    value = _find(document, expected.value)
    time = ABSENT if expected.time is None else _find(document, expected.time)
    quality = ABSENT if expected.quality is None else _find(document, expected.quality)
    if not isinstance(value, list):
        at = expected.reader.read(time)
        return [_reading(value, at, one(quality), expected, retained=retained, now=now)]
    times = _times(time, len(value), expected)
    verdicts = quality if isinstance(quality, list) else [quality] * len(value)
    if not value or times is None or len(verdicts) != len(value):
        return [_bad(Reason.MALFORMED, now)]
    return [
        _reading(each, at, verdict, expected, retained=retained, now=now)
        for each, at, verdict in zip(value, times, verdicts, strict=True)
    ]


def _times(time: _Found, count: int, expected: Expected) -> Sequence[Instant | None] | None:
    if isinstance(time, list):
        return [expected.reader.read(each) for each in time] if len(time) == count else None
    spacing, last = expected.address.spacing, expected.reader.read(time)
    if spacing is None:
        return None
    return [None if last is None else Instant(last - spacing * (count - 1 - place)) for place in range(count)]


def _find(document: Document | None, path: Path) -> _Found:
    return ABSENT if document is None else follow(document.body, path)


def _reading(
    value: Json | Absent,
    written: Instant | None,
    verdict: Json | Absent,
    expected: Expected,
    *,
    retained: bool,
    now: Instant,
) -> Reading:
    source_time = believable(written, now)
    at = now if source_time is None else source_time
    number = _number(value, expected.address)
    quality, reason = Quality.BAD, Reason.MALFORMED
    if number is not None:
        number = number * expected.address.scale + expected.address.offset
        quality, reason = expected.judge.number(number)
    if expected.quality is not None:
        if not isinstance(verdict, (str, bool, int, float)):
            quality, reason = Quality.BAD, Reason.MALFORMED
        elif number is not None:
            said = expected.judge.word(verdict)
            quality, reason = said if said[0] >= quality else (quality, reason)
    if quality is Quality.BAD or number is None:
        return Reading(math.nan, Quality.BAD, reason, at, written)
    if quality is Quality.GOOD and source_time is None and (retained or expected.time is not None):
        quality = Quality.UNCERTAIN
        reason = Reason.RETAINED if expected.time is None else Reason.SOURCE_CLOCK
    return Reading(number, quality, reason, at, written)


def _bad(reason: Reason, at: Instant) -> Reading:
    return Reading(math.nan, Quality.BAD, reason, at)


def _number(value: Json | Absent, address: PointAddress) -> float | None:
    if isinstance(value, str):
        return _spelled(value.strip(), address)
    if not isinstance(value, (bool, int, float)):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _spelled(text: str, address: PointAddress) -> float | None:
    if text in address.states:
        return address.states[text]
    if not address.text_numbers or "_" in text:
        return None
    try:
        return float(text)
    except ValueError:
        return None


def encode(address: OutputAddress, value: float) -> bytes:
    """The payload that writes the value; raises ValueError for what is no number."""
    if not math.isfinite(value):
        raise ValueError(f"expected a finite number, got {value}")
    text = str(int(value)) if value == int(value) else repr(value)
    return address.payload.replace("{value}", text).encode()
