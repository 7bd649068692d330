"""Samples out of the history as files: Parquet for machines, CSV for people and courts, with a checksum each.

An export is a job: it runs beside everything else, says how far it is, and its file stays for a while. Writes
only into its own directory, and never into the history.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import logging
import shutil
import tempfile
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Protocol

import duckdb
import numpy as np

from gateway.api.record_views import ExportFormat, ExportState
from gateway.clock import Clock, to_datetime
from gateway.errors import StoreFailed, TocsinError, UnknownSubject
from gateway.identity import identity
from gateway.sample import Instant, Quality, Reason, SampleBatch
from gateway.store import History

MOST_JOBS = 16
"""Jobs remembered; the oldest that is over makes room for the next."""

MOST_AT_ONCE = 2
"""Jobs that run; more would only take the processor from the scan."""

CSV_HEAD = ("point", "value", "unit", "quality", "reason", "source_time", "receive_time")

FREE_KEPT = 1_000_000_000
"""Bytes of the disk that an export leaves free: the journal lives there as well."""

_QUALITIES = np.array([each.name.lower() for each in Quality], dtype=object)
_REASONS = np.array([each.name.lower() for each in Reason], dtype=object)

_UTC = "CASE WHEN {0} BETWEEN -62135596800000000 AND 253402300799999999 THEN make_timestamp({0}) END AS {0}"
"""A calendar's years; others stand as numbers alone."""

_log = logging.getLogger(__name__)


class ExportRefused(TocsinError):
    """An export that the gateway will not begin now."""

    http_status = 409

    def __init__(self, expected: str, got: str) -> None:
        self.expected, self.got = expected, got
        super().__init__(f"export: expected {expected}, got {got}")


@dataclass(frozen=True, slots=True)
class ExportAsked:
    """Samples received in a range, of some points."""

    points: tuple[str, ...]
    units: tuple[str, ...]
    """By the same places as `points`."""
    indices: tuple[int, ...]
    """Index of each point in batches of the history."""
    start: Instant
    end: Instant
    format: ExportFormat


@dataclass(slots=True)
class ExportJob:
    """One export, as far as it has come."""

    id: str
    asked: ExportAsked
    begun_at: Instant
    state: ExportState = ExportState.RUNNING
    done: float = 0.0
    """Part of the time range that is written, 0 to 1."""
    samples: int = 0
    size: int = 0
    sha256: str = ""
    """Of the whole file; empty until it is done."""
    failure: str = ""
    file: Path | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    @property
    def is_over(self) -> bool:
        return self.state is not ExportState.RUNNING


class Exports:
    """The jobs of one gateway. What a former run left behind is removed at the start."""

    def __init__(self, directory: Path, history: History, clock: Clock) -> None:
        self._directory = directory
        self._history = history
        self._clock = clock
        self._jobs: dict[str, ExportJob] = {}
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)
        self._count = 0

    def begin(self, asked: ExportAsked) -> ExportJob:
        """A new job, running. Raises ExportRefused while too many run, StoreFailed where no file can be made."""
        self._make_room()
        self._count += 1
        now = self._clock.now()
        job = ExportJob(identity("export", now, self._count)[:16], asked, now)
        try:
            if self._count == 1:
                shutil.rmtree(self._directory, ignore_errors=True)
            self._directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreFailed("export", f"write into {self._directory}", str(error)) from error
        job.file = self._directory / f"{job.id}.{asked.format}"
        job.task = asyncio.create_task(self._run(job), name=f"export {job.id}")
        self._jobs[job.id] = job
        return job

    def job(self, job_id: str) -> ExportJob:
        """Raises UnknownSubject."""
        if job_id not in self._jobs:
            raise UnknownSubject("export", job_id)
        return self._jobs[job_id]

    def jobs(self) -> Sequence[ExportJob]:
        return list(self._jobs.values())

    def cancel(self, job_id: str) -> ExportJob:
        """Stop a job, or forget the file of one that is over. Raises UnknownSubject."""
        job = self.job(job_id)
        if job.task is not None:
            job.task.cancel()
        if job.is_over:
            self._forget(job)
        return job

    def _make_room(self) -> None:
        over = [job for job in self._jobs.values() if job.is_over]
        if len(self._jobs) >= MOST_JOBS and not over:
            raise ExportRefused(f"fewer than {MOST_JOBS} exports under way", f"{len(self._jobs)}; wait or cancel one")
        if len(self._jobs) >= MOST_JOBS:
            self._forget(over[0])

    def _forget(self, job: ExportJob) -> None:
        self._jobs.pop(job.id, None)
        if job.file is not None:
            job.file.unlink(missing_ok=True)

    async def _run(self, job: ExportJob) -> None:
        assert job.file is not None  # noqa: S101 - begin gave it one
        part = job.file.with_name(job.file.name + ".part")
        try:
            async with self._turns:
                await self._write(job, part)
            job.size = part.stat().st_size
            job.sha256 = await asyncio.to_thread(_digest, part)
            part.replace(job.file)
            job.done, job.state = 1.0, ExportState.DONE
        except asyncio.CancelledError:
            job.state = ExportState.CANCELLED
            raise
        except (TocsinError, OSError, duckdb.Error) as error:
            job.state, job.failure = ExportState.FAILED, str(error)
            _log.error("export %s failed: %s", job.id, error)
        finally:
            part.unlink(missing_ok=True)

    async def _write(self, job: ExportJob, part: Path) -> None:
        asked = job.asked
        with _writer(asked, part) as writer:
            async for batch in self._history.samples(asked.points, asked.start, asked.end):
                await asyncio.to_thread(writer.write, batch)
                job.samples += len(batch)
                _require_room(part)
                reached = int(batch.receive_time[-1]) - asked.start
                job.done = min(1.0, reached / max(1, asked.end - asked.start))
            await asyncio.to_thread(writer.finish)


class _Writer(Protocol):
    def write(self, batch: SampleBatch) -> None: ...

    def finish(self) -> None: ...


@contextmanager
def _writer(asked: ExportAsked, part: Path) -> Iterator[_Writer]:
    if asked.format is ExportFormat.CSV:
        with part.open("w", encoding="utf-8-sig", newline="") as sink:
            yield CsvWriter(sink, asked)
        return
    with duckdb.connect(":memory:", config={"threads": 1, "memory_limit": "256MB"}) as database:
        database.execute(f"SET temp_directory = '{str(part) + '.spill'}'".replace("\\", "/"))
        try:
            yield _ParquetWriter(database, part, asked)
        finally:
            shutil.rmtree(str(part) + ".spill", ignore_errors=True)


class CsvWriter:
    """One line a sample: times as UTC to the microsecond, quality and reason as words; no value, no number."""

    def __init__(self, sink: IO[str], asked: ExportAsked) -> None:
        self._rows = csv.writer(sink, lineterminator="\n")
        self._names = dict(zip(asked.indices, zip(asked.points, asked.units)))
        self._rows.writerow(CSV_HEAD)

    def write(self, batch: SampleBatch) -> None:
        self._rows.writerows(
            (
                self._names[sample.point][0],
                "" if sample.value != sample.value else repr(sample.value),
                self._names[sample.point][1],
                sample.quality.name.lower(),
                sample.reason.name.lower(),
                written_time(sample.source_time),
                written_time(sample.receive_time),
            )
            for sample in batch.samples()
        )

    def finish(self) -> None:
        """Nothing is held back."""


class _ParquetWriter:
    """The same columns with types; gathered in a table that spills to the disk, then written as one file."""

    def __init__(self, database: duckdb.DuckDBPyConnection, part: Path, asked: ExportAsked) -> None:
        self._database, self._part = database, part
        known = max(asked.indices, default=-1) + 1
        names, units = [""] * known, [""] * known
        for index, point, unit in zip(asked.indices, asked.points, asked.units):
            names[index], units[index] = point, unit
        database.execute(
            "CREATE TABLE name AS SELECT unnest(?::INTEGER[]) AS key, unnest(?) AS point, unnest(?) AS unit",
            [list(range(known)), names, units],
        )
        database.execute(
            "CREATE TABLE sample (key INTEGER, value DOUBLE, quality VARCHAR, reason VARCHAR,"
            " source_time BIGINT, receive_time BIGINT)"
        )

    def write(self, batch: SampleBatch) -> None:
        incoming = {
            "key": batch.point,
            "value": batch.value,
            "quality": _QUALITIES[batch.quality],
            "reason": _REASONS[batch.reason],
            "source_time": batch.source_time,
            "receive_time": batch.receive_time,
        }
        self._database.register("incoming", incoming)
        self._database.execute("INSERT INTO sample FROM incoming")
        self._database.unregister("incoming")

    def finish(self) -> None:
        target = str(self._part).replace("'", "''")
        self._database.execute(
            f"""
            COPY (
                SELECT point, value, unit, quality, reason,
                       {_UTC.format("source_time")}, {_UTC.format("receive_time")},
                       source_time AS source_microseconds, receive_time AS receive_microseconds
                FROM sample JOIN name USING (key)
            ) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
            """  # noqa: S608 - our own names
        )


def parquet_of(asked: ExportAsked, batches: Sequence[SampleBatch]) -> bytes:
    """The samples as one Parquet file, for few enough to be in memory."""
    with tempfile.TemporaryDirectory(prefix="tocsin-") as directory:
        part = Path(directory) / "samples.parquet"
        with _writer(replace(asked, format=ExportFormat.PARQUET), part) as writer:
            for batch in batches:
                writer.write(batch)
            writer.finish()
        return part.read_bytes()


def written_time(at: Instant) -> str:
    """UTC to the microsecond where a calendar has the day, the bare number otherwise."""
    try:
        return to_datetime(at).isoformat(timespec="microseconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return str(at)


def indices_of(points: Collection[str], every: Sequence[str]) -> tuple[int, ...]:
    """The index of each point; raises UnknownSubject for one that the plant does not have."""
    place = {name: index for index, name in enumerate(every)}
    for name in points:
        if name not in place:
            raise UnknownSubject("point", name)
    return tuple(place[name] for name in points)


def _require_room(part: Path) -> None:
    free = shutil.disk_usage(part.parent).free
    if free < FREE_KEPT:
        raise StoreFailed(
            "export", f"write {part.name}", f"expected {FREE_KEPT} free bytes to stay on the disk, got {free}"
        )


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
