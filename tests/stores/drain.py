"""A backlog on its way to InfluxDB in a process that is killed at random moments, and what both sides hold afterwards.

The process: `python -m tests.stores.drain DIRECTORY BUCKET END`; INFLUXDB_URL and INFLUXDB_TOKEN say where.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from numpy.typing import NDArray

from gateway.clock import ManualClock
from gateway.runtime.copyist import SETTLED, Copyist
from gateway.sample import SECOND, Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory
from gateway.stores.influx_lines import SeriesPoint
from gateway.stores.influxdb import InfluxAddress, InfluxHistory
from gateway.stores.journal_sqlite import SqliteJournal

ROOT = Path(__file__).parents[2]
POINTS = 2_000
NAMES = [f"works.point-{number:04d}" for number in range(POINTS)]

Sums = tuple[NDArray[np.int64], NDArray[np.float64]]
"""How many values each point has, and their sum."""


def address(bucket: str) -> InfluxAddress:
    organisation = os.environ.get("INFLUXDB_ORG", "tocsin")
    return InfluxAddress(os.environ["INFLUXDB_URL"], organisation, bucket, os.environ["INFLUXDB_TOKEN"])


def client_of(where: InfluxAddress) -> InfluxDBClient:
    return InfluxDBClient(url=where.url, token=where.token, org=where.organisation, timeout=600_000)


def target(where: InfluxAddress) -> InfluxHistory:
    return InfluxHistory(where, [SeriesPoint(name, "works") for name in NAMES])


def values(second: int) -> NDArray[np.float64]:
    """Of all points in one second; different everywhere, and exact in binary, so that sums are exact too."""
    return np.arange(POINTS) + (second % 4096) / 4096


def batch(start: int, second: int) -> SampleBatch:
    at = np.full(POINTS, start + second * SECOND, dtype=np.int64)
    zeros = np.zeros(POINTS, dtype=np.uint8)
    return SampleBatch(np.arange(POINTS, dtype=np.int32), values(second), zeros, zeros.copy(), at, at.copy())


async def store_backlog(directory: Path, start: int, seconds: int) -> None:
    history = await DuckdbHistory.open(directory / "history.duckdb", NAMES)
    for low in range(0, seconds, 60):
        some = range(low, min(low + 60, seconds))
        await history.append(SampleBatch.concatenate(batch(start, second) for second in some))
    await history.close()


async def drain(directory: Path, bucket: str, end: int) -> None:
    """Copy everything up to `end`; says when the stores are open and when nothing is left."""
    history = await DuckdbHistory.open(directory / "history.duckdb", NAMES)
    journal = await SqliteJournal.open(directory / "journal.sqlite")
    copy = target(address(bucket))
    copyist = Copyist("influxdb", copy, history, journal, ManualClock(Instant(end + SETTLED)), lambda: None)
    await copyist._begin()
    print("open", flush=True)
    while copyist.complete < end:
        await copyist.turn()
    print("done", flush=True)
    await copy.close()
    await history.close()
    await journal.close()


def drain_with_kills(directory: Path, bucket: str, end: int, kills: int, moments: random.Random) -> tuple[int, bool]:
    """Processes that drain, killed one after another at random moments, then one that is let be.

    How many were killed before they were done, and whether the last one was done.
    """
    command = [sys.executable, "-m", "tests.stores.drain", str(directory), bucket, str(end)]
    killed = 0
    for turn in range(kills + 1):
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as life:
            assert life.stdout is not None
            opened = life.stdout.readline() == "open\n"
            if turn < kills and opened:
                time.sleep(moments.uniform(0.0, 1.0))
                life.send_signal(signal.SIGKILL)
            done = life.stdout.read() == "done\n"
        if done:
            return killed, True
        killed += 1
    return killed, False


def expected(seconds: int) -> Sums:
    total = np.zeros(POINTS)
    for second in range(seconds):
        total += values(second)
    return np.full(POINTS, seconds, dtype=np.int64), total


def held(where: InfluxAddress, start: int, end: int) -> Sums:
    """Count and sum of every point, as the server has them."""
    query = f"""
        data = from(bucket: "{where.bucket}") |> range(start: time(v: {start * 1000}), stop: time(v: {end * 1000}))
          |> filter(fn: (r) => r._measurement == "sample" and r._field == "value")
        data |> count() |> yield(name: "count")
        data |> sum() |> yield(name: "sum")
    """
    counts, sums = np.zeros(POINTS, dtype=np.int64), np.zeros(POINTS)
    with client_of(where) as client:
        for record in client.query_api().query_stream(query):
            into = counts if record["result"] == "count" else sums
            into[NAMES.index(record["point"])] += record.get_value()
    return counts, sums


def digest_held(where: InfluxAddress, start: int, end: int, points: list[int]) -> str:
    """SHA-256 over every time and value of some points, as the server has them."""
    found = hashlib.sha256()
    with client_of(where) as client:
        for point in points:
            query = f"""
                from(bucket: "{where.bucket}") |> range(start: time(v: {start * 1000}), stop: time(v: {end * 1000}))
                  |> filter(fn: (r) => r._field == "value" and r.point == "{NAMES[point]}") |> sort(columns: ["_time"])
            """
            for record in client.query_api().query_stream(query):
                found.update(f"{point} {int(record.get_time().timestamp())} {record.get_value()!r}\n".encode())
    return found.hexdigest()


def digest_expected(start: int, seconds: int, points: list[int]) -> str:
    found = hashlib.sha256()
    for point in points:
        for second in range(seconds):
            found.update(f"{point} {start // SECOND + second} {float(values(second)[point])!r}\n".encode())
    return found.hexdigest()


def remove(where: InfluxAddress) -> None:
    """Tasks first: a server that thins out what is being removed was seen to crash."""
    with client_of(where) as client:
        for task in client.tasks_api().find_tasks():
            if task.name.startswith(where.bucket):
                client.tasks_api().delete_task(task.id)
        for name in (where.bucket, f"{where.bucket}_thinned"):
            bucket = client.buckets_api().find_bucket_by_name(name)
            if bucket is not None:
                client.buckets_api().delete_bucket(bucket)


if __name__ == "__main__":
    asyncio.run(drain(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
