"""What the tests of the history share: stores, names, samples, and a curve as rows.

`STORES` is what the contract's suite runs over: whoever implements `gateway.store.History` adds an opener.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import pytest

from gateway.plant.keeping import Keeping
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch
from gateway.store import Curve, History, HistoryPlan
from gateway.stores import history_duckdb, history_upkeep
from gateway.stores.history_duckdb import DuckdbHistory

NAMES = ["eaf-1.inlet_flow", "eaf-1.outlet_flow", "co-1.concentration"]
FOR_EVER = HistoryPlan(budget=2**62, keeping=Keeping(2**62, 2**62, 2**62))
LATER = Instant(2**60)
"""When every day that a test knows is over."""

Opener = Callable[[Path, Sequence[str]], Awaitable[History]]


class SettledHistory(DuckdbHistory):
    """A history that puts everything in order after every append."""

    async def append(self, batch: SampleBatch) -> None:
        await super().append(batch)
        await settle(self)


async def settle(history: History, now: Instant = LATER) -> int:
    """All housekeeping that is due; how many pieces it took."""
    pieces = 0
    while await history.maintain(now):
        pieces += 1
    return pieces


async def _as_they_came(path: Path, names: Sequence[str]) -> History:
    return await DuckdbHistory.open(path, names, FOR_EVER)


async def _settled(path: Path, names: Sequence[str]) -> History:
    return await SettledHistory.open(path, names, FOR_EVER)


STORES: Mapping[str, Opener] = {
    "embedded, as they came": _as_they_came,
    "embedded, compacted": _settled,
    "embedded, merged": _settled,
}


def prepare(store: str, patch: pytest.MonkeyPatch) -> None:
    """Let housekeeping come at once, and as far as the store's name says."""
    if store.startswith("embedded, "):
        patch.setattr(history_duckdb, "SEAL_ROWS", 1)
        patch.setattr(history_upkeep, "COMPACT_AFTER", 0)
        patch.setattr(history_upkeep, "MERGE_AFTER", 0 if store.endswith("merged") else 2**62)


GOOD, UNCERTAIN, STALE, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.STALE, Quality.BAD


def sample(at: int, value: float, quality: Quality = GOOD, point: int = 0) -> Sample:
    reason = Reason.NONE if quality is GOOD else Reason.TIMEOUT
    return Sample(point, value, quality, reason, Instant(at), Instant(at + 1))


def bad(at: int) -> Sample:
    return sample(at, float("nan"), BAD)


async def curve(history: History, start: int, end: int, buckets: int, name: str = NAMES[0]) -> Curve:
    return await history.read(name, Instant(start), Instant(end), width(start, end, buckets))


def width(start: int, end: int, buckets: int) -> int:
    """The narrowest buckets of which so many are enough."""
    return max(1, -((start - end) // buckets))


def numbers(found: Curve) -> list[tuple[int, float, float, float, float, int]]:
    columns = (found.start, found.low, found.high, found.mean, found.last, found.worst)
    return list(zip(*(column.tolist() for column in columns)))


def fingerprint(directory: Path) -> dict[str, tuple[str, int, int]]:
    """Every name below it, with content and times: reading changes none."""
    return {
        str(file.relative_to(directory)): (
            hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "",
            file.stat().st_mtime_ns,
            file.stat().st_ctime_ns,
        )
        for file in [directory, *sorted(directory.rglob("*"))]
    }
