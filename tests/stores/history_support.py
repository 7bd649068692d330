"""What the tests of the history share: names, samples, and a curve as rows."""

from __future__ import annotations

from gateway.sample import Instant, Quality, Reason, Sample
from gateway.store import Curve
from gateway.stores.history_duckdb import DuckdbHistory

NAMES = ["eaf-1.inlet_flow", "eaf-1.outlet_flow", "co-1.concentration"]
GOOD, UNCERTAIN, STALE, BAD = Quality.GOOD, Quality.UNCERTAIN, Quality.STALE, Quality.BAD


def sample(at: int, value: float, quality: Quality = GOOD, point: int = 0) -> Sample:
    reason = Reason.NONE if quality is GOOD else Reason.TIMEOUT
    return Sample(point, value, quality, reason, Instant(at), Instant(at + 1))


def bad(at: int) -> Sample:
    return sample(at, float("nan"), BAD)


async def curve(history: DuckdbHistory, start: int, end: int, buckets: int, name: str = NAMES[0]) -> Curve:
    return await history.read(name, Instant(start), Instant(end), buckets)


def numbers(found: Curve) -> list[tuple[int, float, float, float, float, int]]:
    columns = (found.start, found.low, found.high, found.mean, found.last, found.worst)
    return list(zip(*(column.tolist() for column in columns)))
