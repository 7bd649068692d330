"""A backlog copied from the history to a real InfluxDB, beside bare writes of the same lines; nothing may be missing.

Counts and sums of all points and every row of some are compared on both sides, after a drain that is let be and after
one whose process is killed again and again. Needs INFLUXDB_URL and INFLUXDB_TOKEN.
"""

from __future__ import annotations

import asyncio
import os
import random
import time
from pathlib import Path

import numpy as np
from influxdb_client.client.write_api import SYNCHRONOUS

from gateway.clock import ManualClock
from gateway.identity import identity
from gateway.runtime import copyist as module
from gateway.runtime.copyist import SETTLED, Copyist
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.influx_lines import SeriesPoint, sample_lines, series_of
from gateway.stores.influxdb import InfluxAddress
from gateway.stores.journal_sqlite import SqliteJournal
from tests.bench.harness import BenchFailed, Options, Result, workspace
from tests.stores import drain
from tests.stores.drain import NAMES, POINTS

BARE = 20
"""Batches of LIVE_AT_ONCE lines written with the bare client."""

KILLED_SECONDS = 300
"""Backlog of the drain that is killed."""

LOOKED_AT = [0, 1, 777, 1024, POINTS - 1]
"""Points of which every row is compared."""


def run(options: Options) -> Result:
    if "INFLUXDB_URL" not in os.environ:
        raise BenchFailed("influx: needs INFLUXDB_URL and INFLUXDB_TOKEN; no figure")
    seconds, kills = (300, 5) if options.quick else (3600, 20)
    result = Result(
        "influx",
        f"the same lines written by the bare client, {module.LIVE_AT_ONCE} at a time",
        {"points": POINTS, "seconds_of_backlog": seconds, "kills_asked": kills},
    )
    with workspace() as work:
        asyncio.run(_measure(work, seconds, result))
    with workspace() as work:
        _killed(work, kills, result)
    return result


def _bucket() -> InfluxAddress:
    return drain.address(f"bench-{identity('bench', time.time_ns())}")


def _start(seconds: int) -> Instant:
    return Instant((time.time_ns() // 1000 // SECOND - seconds - 60) * SECOND)


async def _measure(work: Path, seconds: int, result: Result) -> None:
    address, start = _bucket(), _start(seconds)
    await drain.store_backlog(work, start, seconds)
    history = await DuckdbHistory.open(work / "history.duckdb", NAMES)
    journal = await SqliteJournal.open(work / "journal.sqlite")
    copy = drain.target(address)
    try:
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
        await asyncio.to_thread(_compare, address, start, seconds, result)
    finally:
        await copy.close()
        await history.close()
        await journal.close()
        drain.remove(address)


def _killed(work: Path, kills: int, result: Result) -> None:
    address, start = _bucket(), _start(KILLED_SECONDS)
    asyncio.run(drain.store_backlog(work, start, KILLED_SECONDS))
    try:
        end = start + KILLED_SECONDS * SECOND
        killed, done = drain.drain_with_kills(work, address.bucket, end, kills, random.Random(13))
        result.require(done, "a drain that was killed is taken up and ends")
        result.require(killed > 0, "it was killed before it was done")
        result.add("SIGKILLs during a drain of 600,000 samples", killed, "")
        _compare(address, start, KILLED_SECONDS, result)
    finally:
        drain.remove(address)


def _compare(address: InfluxAddress, start: int, seconds: int, result: Result) -> None:
    end = start + seconds * SECOND
    counts, sums = drain.held(address, start, end)
    wanted_counts, wanted_sums = drain.expected(seconds)
    result.require(bool(np.array_equal(counts, wanted_counts)), "every point has every sample, once", counts.sum())
    result.require(bool(np.allclose(sums, wanted_sums, rtol=1e-12)), "the sums of all points agree")
    there = drain.digest_held(address, start, end, LOOKED_AT)
    wanted = drain.digest_expected(start, seconds, LOOKED_AT)
    result.require(there == wanted, f"time and value of every row of {len(LOOKED_AT)} points agree (SHA-256)", there)


def _bare(address: InfluxAddress, start: Instant) -> float:
    series = series_of([SeriesPoint(name, "works") for name in NAMES])
    each = module.LIVE_AT_ONCE // POINTS
    with drain.client_of(address) as client:
        writing = client.write_api(write_options=SYNCHRONOUS)
        began = time.monotonic()
        for turn in range(BARE):
            batches = (drain.batch(start, turn * each + second) for second in range(each))
            writing.write(bucket=address.bucket, record=sample_lines(series, SampleBatch.concatenate(batches)))
        return BARE * module.LIVE_AT_ONCE / (time.monotonic() - began)
