"""InfluxDB 2 as a follower's target: samples, and the alarm, interlock and ticket events beside them.

Never a source of truth: everything in it can be written again from the journal and the history, and
writing it again changes nothing. Never retries: the follower that holds the cursor does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from gateway.errors import StoreFailed
from gateway.event import Entry, encode, subject_of
from gateway.plant.model import Plant
from gateway.sample import SampleBatch
from gateway.stores.place import StoreThreads

STORE = "influxdb"

_MEASUREMENTS = {"alarm": "alarm", "interlock": "interlock", "command": "interlock", "ticket": "ticket"}
"""First word of an event's kind -> where it goes; other kinds are the journal's alone."""

_TELLING = ("equipment", "effect", "output")
"""Fields that become tags: they keep apart what one demand does at one instant."""

_TIMEOUT = 10_000
"""Milliseconds for one write; a server that hangs must not hold the follower for longer."""

_NANOSECONDS = 1000
"""In a microsecond: InfluxDB counts in these."""

_TEXT_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\""})

_TAG_ESCAPES = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where to write, and as whom."""

    url: str
    organisation: str
    bucket: str
    token: str


@dataclass(frozen=True, slots=True)
class SeriesPoint:
    """A plant point as InfluxDB's tags name it, by point index."""

    id: str
    equipment: str


class InfluxHistory:
    """Writes in the order of the calls, one request each; returns once the server has confirmed it."""

    def __init__(self, address: InfluxAddress, points: Sequence[SeriesPoint]) -> None:
        self._address = address
        self._series = _series(points)
        self._client = InfluxDBClient(url=address.url, token=address.token, org=address.organisation, timeout=_TIMEOUT)
        self._api = self._client.write_api(write_options=SYNCHRONOUS)
        self._writing = StoreThreads(STORE, "writer", 1)

    async def append_samples(self, batch: SampleBatch) -> None:
        """Write a batch: fields value (absent where there is no number), quality, reason.

        The same sample again overwrites itself. Raises StoreFailed.
        """
        await self._append(batch, self._series)

    def bind(self, plant: Plant) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches whose indices are those of this plant."""
        series = _series([SeriesPoint(point.id, point.equipment) for point in plant.points])
        return lambda batch: self._append(batch, series)

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Write alarm, interlock, command and ticket entries; others are left out. Raises StoreFailed."""
        lines = [line for entry in entries if (line := _event_line(entry))]
        if lines:
            await self._writing.run("append", lambda: self._write(lines))

    async def close(self) -> None:
        """Finish what is under way and close the connection; twice has the effect of once."""
        await self._writing.close(self._client.close)

    async def _append(self, batch: SampleBatch, series: Sequence[str]) -> None:
        if len(batch):
            await self._writing.run("append", lambda: self._write(_sample_lines(batch, series)))

    def _write(self, lines: list[str]) -> None:
        try:
            self._api.write(bucket=self._address.bucket, record=lines)
        except ApiException as error:
            raise StoreFailed(
                STORE,
                f"write to {self._address.url}",
                f"expected 204, got {error.status} {error.reason}; check bucket, organisation and token",
            ) from error
        except (HTTPError, OSError) as error:
            raise StoreFailed(
                STORE, f"write to {self._address.url}", f"{error}; check that the server runs and is reachable"
            ) from error


def _sample_lines(batch: SampleBatch, series: Sequence[str]) -> list[str]:
    columns = (batch.point, batch.value, batch.quality, batch.reason, batch.source_time)
    return [
        f"{series[point]} {_number(value)}quality={quality}i,reason={reason}i {at * _NANOSECONDS}"
        for point, value, quality, reason, at in zip(*(column.tolist() for column in columns))
    ]


def _series(points: Sequence[SeriesPoint]) -> list[str]:
    return [f"sample{_tag('equipment', point.equipment)}{_tag('point', point.id)}" for point in points]


def _number(value: float) -> str:
    """The value field, or nothing for NaN and infinity, which InfluxDB cannot hold."""
    return f"value={value!r}," if value - value == 0.0 else ""


def _event_line(entry: Entry) -> str:
    event = entry.event
    measurement = _MEASUREMENTS.get(event.kind.partition(".")[0])
    if measurement is None:
        return ""
    told = {"kind": event.kind, "subject": subject_of(event)}
    told |= {name: getattr(event, name) for name in _TELLING if hasattr(event, name)}
    tags = "".join(_tag(name, value) for name, value in told.items())
    fields = f"sequence={entry.sequence}i,id={_text(event.id)},body={_text(encode(event).decode())}"
    return f"{measurement}{tags} {fields} {event.at * _NANOSECONDS}"


def _tag(name: str, value: str) -> str:
    """A tag, or nothing for an empty value, which InfluxDB cannot hold."""
    return f",{name}={value.translate(_TAG_ESCAPES)}" if value else ""


def _text(value: str) -> str:
    return '"' + value.translate(_TEXT_ESCAPES) + '"'
