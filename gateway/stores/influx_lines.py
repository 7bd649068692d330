"""Samples and events as InfluxDB's line protocol. Pure; what it cannot say (NaN, an empty tag) it leaves out.

Tags are what the plant file and the packs name, and so are few; what grows without end (tickets, demands, occurrences)
is a field. Writing the same record again gives the same line, and so overwrites itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.event import Entry, Event, encode, subject_of
from gateway.sample import SampleBatch

MEASUREMENTS = {"alarm": "alarm", "interlock": "interlock", "command": "interlock", "ticket": "ticket"}
"""First word of an event's kind -> where it goes; other kinds are the journal's alone."""

_TAGS = ("equipment", "effect", "output", "rule", "interlock", "alarm", "grade", "priority", "verdict", "action")
"""Attributes of events that become tags: each from a list that a file holds."""

_TEXTS = ("ticket", "demand", "occurrence", "by", "after")
_NUMBERS = ("delay", "onset")
"""Attributes that become fields of their own, beside the whole body."""

_NANOSECONDS = 1000
"""In a microsecond: InfluxDB counts in these."""

_TEXT_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})

_TAG_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ ", "\n": r"\ ", "\r": r"\ "})


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A plant point as InfluxDB's tags name it, by point index."""

    id: str
    equipment: str


def series_of(points: Sequence[SeriesPoint]) -> tuple[str, ...]:
    """Measurement and tags of every point, by point index."""
    return tuple(f"sample{_tag('equipment', point.equipment)}{_tag('point', point.id)}" for point in points)


def sample_lines(series: Sequence[str], batch: SampleBatch) -> list[str]:
    """Fields value (absent where there is no number), quality, reason; stamped with the source's time."""
    columns = (batch.point, batch.value, batch.quality, batch.reason, batch.source_time)
    return [
        f"{series[point]} {_number(value)}quality={quality}i,reason={reason}i {at * _NANOSECONDS}"
        for point, value, quality, reason, at in zip(*(column.tolist() for column in columns))
    ]


def event_line(entry: Entry) -> str:
    """An alarm, interlock, command or ticket entry; empty for any other.

    The journal's sequence keeps two events of one microsecond apart, in the digits below it.
    """
    event = entry.event
    measurement = MEASUREMENTS.get(event.kind.partition(".")[0])
    if measurement is None:
        return ""
    tags = "".join(_tag(name, value) for name, value in _told(event, _TAGS).items())
    fields = {name: _text(value) for name, value in _told(event, _TEXTS).items()}
    fields |= {name: f"{value}i" for name in _NUMBERS if isinstance(value := getattr(event, name, None), int)}
    fields |= {"subject": _text(subject_of(event)), "id": _text(event.id), "body": _text(encode(event).decode())}
    told = ",".join(f"{name}={value}" for name, value in fields.items())
    at = event.at * _NANOSECONDS + entry.sequence % _NANOSECONDS
    return f"{measurement},kind={event.kind}{tags} sequence={entry.sequence}i,{told} {at}"


def _told(event: Event, names: Sequence[str]) -> dict[str, str]:
    found = {name: getattr(event, name, None) for name in names}
    return {name: str(value) for name, value in found.items() if isinstance(value, str) and value}


def _number(value: float) -> str:
    """The value field, or nothing for NaN and infinity, which InfluxDB cannot hold."""
    return f"value={value!r}," if value - value == 0.0 else ""


def _tag(name: str, value: str) -> str:
    """A tag, or nothing for an empty value, which InfluxDB cannot hold; nor can it a backslash at the end."""
    value = value.rstrip("\\")
    return f",{name}={value.translate(_TAG_ESCAPES)}" if value else ""


def _text(value: str) -> str:
    return '"' + value.translate(_TEXT_ESCAPES) + '"'
