"""A backlog copied from the history to a real InfluxDB, beside bare writes of the same lines; nothing may be missing.

Needs INFLUXDB_URL and INFLUXDB_TOKEN.
"""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS

from gateway.clock import ManualClock
from gateway.identity import identity
from gateway.runtime import copyist as module
from gateway.runtime.copyist import SETTLED, Copyist
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.influx_lines import SeriesPoint, sample_lines, series_of
from gateway.stores.influxdb import InfluxAddress, InfluxHistory
from gateway.stores.journal_sqlite import SqliteJournal
from tests.bench.harness import BenchFailed, Options, Result, workspace

POINTS = 2_000
NAMES = [f"works.point-{number:04d}" for number in range(POINTS)]
BARE = 20
"""Batches of LIVE_AT_ONCE lines written with the bare client."""


def run(options: Options) -> Result:
    if "INFLUXDB_URL" not in os.environ:
        raise BenchFailed("influx: needs INFLUXDB_URL and INFLUXDB_TOKEN; no figure")
    seconds = 300 if options.quick else 3600
    result = Result(
        "influx",
        f"the same lines written by the bare client, {module.LIVE_AT_ONCE} at a time",
        {"points": POINTS, "seconds_of_backlog": seconds},
    )
    with workspace() as work:
        asyncio.run(_measure(work, seconds, result))
    return result


async def _measure(work: Path, seconds: int, result: Result) -> None:
    address = InfluxAddress(
        os.environ["INFLUXDB_URL"],
        os.environ.get("INFLUXDB_ORG", "tocsin"),
        f"bench-{identity('bench', time.time_ns())}",
        os.environ["INFLUXDB_TOKEN"],
    )
    now = time.time_ns() // 1000
    start = Instant((now // SECOND - seconds - 60) * SECOND)
    history = await DuckdbHistory.open(work / "history.duckdb", NAMES)
    journal = await SqliteJournal.open(work / "journal.sqlite")
    copy = InfluxHistory(address, [SeriesPoint(name, "works") for name in NAMES])
    try:
        for second in range(seconds):
            await history.append(_batch(start, second))
        clock = ManualClock(Instant(start + seconds * SECOND + SETTLED))
        copyist = Copyist("influxdb", copy, history, journal, clock, lambda: None)
        await copyist._begin()
        began = time.monotonic()
        while copyist.complete < clock.now() - SETTLED:
            await copyist.turn()
        taken = time.monotonic() - began
        count = seconds * POINTS
        result.add("samples a second, as fast as it goes", count / taken, "samples/s")
        result.add("the backlog drained in", taken, "s")
        bare = await asyncio.to_thread(_bare, address, start)
        result.add("bare client", bare, "samples/s")
        result.add("ratio to bare", count / taken / bare, "x")
        tally = await copy.tally(start, Instant(start + seconds * SECOND))
        result.require(tally.samples == count and tally.numbers == count, f"all {count} samples are there once", tally)
        sums = await asyncio.to_thread(_sums, address, start, seconds)
        expected = [sum(_values(second)[point] for second in range(seconds)) for point in (0, 1, POINTS - 1)]
        result.require(bool(np.allclose(sums, expected, rtol=1e-12)), "sums of single points agree", (sums, expected))
    finally:
        await copy.close()
        await history.close()
        await journal.close()
        _remove(address)


def _values(second: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.arange(POINTS) + np.round(np.sin(second + np.arange(POINTS)), 3)


def _batch(start: Instant, second: int) -> SampleBatch:
    at = np.full(POINTS, start + second * SECOND, dtype=np.int64)
    zeros = np.zeros(POINTS, dtype=np.uint8)
    return SampleBatch(np.arange(POINTS, dtype=np.int32), _values(second), zeros, zeros.copy(), at, at.copy())


def _bare(address: InfluxAddress, start: Instant) -> float:
    series = series_of([SeriesPoint(name, "works") for name in NAMES])
    each = module.LIVE_AT_ONCE // POINTS
    with InfluxDBClient(url=address.url, token=address.token, org=address.organisation, enable_gzip=True) as client:
        writing = client.write_api(write_options=SYNCHRONOUS)
        began = time.monotonic()
        for turn in range(BARE):
            batch = SampleBatch.concatenate(_batch(start, turn * each + second) for second in range(each))
            writing.write(bucket=address.bucket, record=sample_lines(series, batch))
        return BARE * module.LIVE_AT_ONCE / (time.monotonic() - began)


def _sums(address: InfluxAddress, start: Instant, seconds: int) -> list[float]:
    """Sum of all values of three points, as the server has them."""
    found = []
    with InfluxDBClient(url=address.url, token=address.token, org=address.organisation, timeout=60_000) as client:
        for point in (0, 1, POINTS - 1):
            stop = (start + seconds * SECOND) * 1000
            query = (
                f'from(bucket: "{address.bucket}") |> range(start: time(v: {start * 1000}), stop: time(v: {stop})) '
                f'|> filter(fn: (r) => r.point == "{NAMES[point]}" and r._field == "value") |> sum()'
            )
            tables = client.query_api().query(query)
            found += [float(record.get_value()) for table in tables for record in table.records]
    return found


def _remove(address: InfluxAddress) -> None:
    with InfluxDBClient(url=address.url, token=address.token, org=address.organisation) as client:
        for task in client.tasks_api().find_tasks():
            if task.name.startswith(address.bucket):
                client.tasks_api().delete_task(task.id)
        # After the tasks: a server that thins out what is being removed was seen to crash.
        for name in (address.bucket, f"{address.bucket}_thinned"):
            bucket = client.buckets_api().find_bucket_by_name(name)
            if bucket is not None:
                client.buckets_api().delete_bucket(bucket)
