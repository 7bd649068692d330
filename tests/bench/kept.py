"""What a stopped gateway has kept: the samples of its history in a window, as arrays. Changes nothing there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.sample import Instant, SampleBatch
from gateway.stores.history_duckdb import DuckdbHistory


@dataclass(frozen=True, slots=True)
class Kept:
    """Samples in the order in which they were received."""

    point: NDArray[np.int32]
    """Index into the names that were asked for."""
    receive_time: NDArray[np.int64]
    quality: NDArray[np.uint8]


def samples(history: Path, names: Sequence[str], began: int, ended: int) -> Kept:
    """Those of the named points with began <= receive time < ended (microseconds)."""
    batches = asyncio.run(_batches(history, names, began, ended))
    return Kept(
        np.concatenate([np.empty(0, np.int32), *(batch.point for batch in batches)]),
        np.concatenate([np.empty(0, np.int64), *(batch.receive_time for batch in batches)]),
        np.concatenate([np.empty(0, np.uint8), *(batch.quality for batch in batches)]),
    )


async def _batches(history: Path, names: Sequence[str], began: int, ended: int) -> list[SampleBatch]:
    store = await DuckdbHistory.open(history, names)
    try:
        return [batch async for batch in store.samples(names, Instant(began), Instant(ended))]
    finally:
        await store.close()
