"""The shapes of what is kept: history and exports, as they cross the wire.

Times are integers, microseconds since 1970 UTC. A value that is not good travels as null.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class HistoryView:
    """A curve at a resolution: parallel columns, one entry per bucket that holds anything."""

    point: str
    resolution: int
    start: tuple[int, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    mean: tuple[float | None, ...]
    last: tuple[float | None, ...]
    worst_quality: tuple[int, ...]
    count: tuple[int, ...]
    """Samples, of whatever quality."""
    not_good: tuple[int, ...]
    """Microseconds of the bucket that no good value stood for: bad quality and gaps alike."""


@dataclass(frozen=True, slots=True)
class SnapshotView:
    """A history as of one moment, put down beside the running one."""

    directory: str
    """As the gateway sees it: a database, and the folder of its segments."""
    at: int


class ExportFormat(StrEnum):
    PARQUET = "parquet"
    CSV = "csv"


class ExportState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class ExportView:
    """One export, as far as it has come."""

    id: str
    state: ExportState
    format: ExportFormat
    points: int
    start: int
    end: int
    begun_at: int
    progress: float
    """Part of the time range that is written, 0 to 1."""
    samples: int
    size: int
    """Bytes; 0 until it is done."""
    sha256: str
    """Of the whole file; empty until it is done."""
    failure: str
