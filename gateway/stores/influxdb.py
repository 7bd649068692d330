"""InfluxDB 2 as a follower's target: samples, and the alarm, interlock and ticket events beside them.

Never a source of truth: everything in it can be written again from the journal and the history, and writing it again
changes nothing. Never retries: the follower that holds the cursor does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException
from urllib3.exceptions import HTTPError

from gateway.errors import RecordsRefused, StoreFailed
from gateway.event import Entry
from gateway.plant.model import Plant
from gateway.sample import Instant, SampleBatch
from gateway.store import Tally
from gateway.stores.influx_lines import SeriesPoint, event_line, sample_lines, series_of
from gateway.stores.influx_setup import InfluxPlan, set_up
from gateway.stores.place import StoreThreads

Result = TypeVar("Result")

STORE = "influxdb"

_TIMEOUT = 10_000
"""Milliseconds for one request; a server that hangs must not hold the follower for longer."""

_REFUSALS = frozenset({400, 413, 422})
"""Answers to what a request says, not to when it came: the same request would be refused again."""

_REMEDY = {
    401: "check the token; it may have been revoked",
    403: "give the token the right to write to the bucket",
    404: "check organisation and bucket",
    429: "the server asks for less; the follower comes again",
    503: "the server cannot take more now; the follower comes again",
}


@dataclass(frozen=True, slots=True)
class InfluxAddress:
    """Where to write, and as whom."""

    url: str
    organisation: str
    bucket: str
    token: str = field(repr=False)


class InfluxHistory:
    """`gateway.store.Copy`: one compressed request at a time, in the order of the calls."""

    def __init__(self, address: InfluxAddress, points: Sequence[SeriesPoint], plan: InfluxPlan | None = None) -> None:
        self._address, self._plan = address, plan or InfluxPlan()
        self._series = series_of(points)
        self._client = InfluxDBClient(
            url=address.url, token=address.token, org=address.organisation, timeout=_TIMEOUT, enable_gzip=True
        )
        self._api = self._client.write_api(write_options=SYNCHRONOUS)
        self._asking = StoreThreads(STORE, "client", 1)

    async def prepare(self) -> str:
        """Bucket, retention and downsampling as planned, as far as the token may; what it may not, in words.

        Raises StoreFailed where the server cannot be asked.
        """
        return await self._ask("set up", lambda: set_up(self._client, self._address.bucket, self._plan))

    async def append_samples(self, batch: SampleBatch) -> None:
        """Write a batch; the same sample again overwrites itself. Raises StoreFailed, RecordsRefused."""
        await self._append(batch, self._series)

    def bind(self, plant: Plant) -> Callable[[SampleBatch], Awaitable[None]]:
        """What appends batches whose point indices are those of another plant file."""
        series = series_of([SeriesPoint(point.id, point.equipment) for point in plant.points])
        return lambda batch: self._append(batch, series)

    async def append_events(self, entries: Sequence[Entry]) -> None:
        """Write alarm, interlock, command and ticket entries; others are left out. Raises as `append_samples`."""
        lines = [line for entry in entries if (line := event_line(entry))]
        if lines:
            await self._ask("write to", lambda: self._write(lines))

    async def tally(self, start: Instant, end: Instant) -> Tally:
        """How many samples, and how many of them with a number, have a source time in [start, end)."""
        query = f"""
            from(bucket: bucket) |> range(start: time(v: {start * 1000}), stop: time(v: {end * 1000}))
              |> filter(fn: (r) => r._measurement == "sample" and (r._field == "quality" or r._field == "value"))
              |> group(columns: ["_field"]) |> count()
        """
        found = await self._ask("count in", lambda: self._count(query))
        return Tally(found.get("quality", 0), found.get("value", 0))

    async def close(self) -> None:
        """Finish what is under way and close the connection; twice has the effect of once."""
        await self._asking.close(self._client.close)

    async def _append(self, batch: SampleBatch, series: Sequence[str]) -> None:
        if len(batch):
            await self._ask("write to", lambda: self._write(sample_lines(series, batch)))

    def _write(self, lines: list[str]) -> None:
        self._api.write(bucket=self._address.bucket, record=lines)

    def _count(self, query: str) -> dict[str, int]:
        tables = self._client.query_api().query(query, params={"bucket": self._address.bucket})
        return {str(row["_field"]): int(row["_value"]) for table in tables for row in _rows(table)}

    async def _ask(self, doing: str, job: Callable[[], Result]) -> Result:
        def asked() -> Result:
            where = f"{doing} {self._address.url}"
            try:
                return job()
            except ApiException as error:
                told = _told(error)
                if error.status in _REFUSALS:
                    raise RecordsRefused(f"influxdb at {self._address.url}", told) from error
                remedy = _REMEDY.get(error.status or 0, "see the server's log")
                raise StoreFailed(STORE, where, f"expected 204, got {error.status} {told}; {remedy}") from error
            except (HTTPError, OSError) as error:
                raise StoreFailed(STORE, where, f"{error}; check that the server runs and is reachable") from error

        return await self._asking.run(doing, asked)


def _rows(table: Any) -> Any:
    return [record.values for record in table.records]


def _told(error: ApiException) -> str:
    """The server's own words, in one line."""
    message = getattr(error, "message", None) or error.body or error.reason
    return " ".join(str(message).split())[:300]
