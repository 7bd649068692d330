"""Samples on their way to the history: held through a failure, in order, bounded, every drop counted."""

from __future__ import annotations

import pytest

from gateway.errors import StoreFailed
from gateway.runtime import recorder
from gateway.runtime.recorder import SampleRecorder
from gateway.sample import Instant, Quality, Reason, Sample, SampleBatch


class MemoryHistory:
    """The part of `gateway.store.History` that a recorder uses; refuses while `broken`."""

    def __init__(self) -> None:
        self.kept: list[float] = []
        self.broken = False

    async def append(self, batch: SampleBatch) -> None:
        if self.broken:
            raise StoreFailed("history", "append", "broken by the test")
        self.kept += batch.value.tolist()


def batch(*values: float) -> SampleBatch:
    return SampleBatch.of([Sample(0, value, Quality.GOOD, Reason.NONE, Instant(0), Instant(0)) for value in values])


async def test_what_the_history_cannot_take_is_held_and_kept_once_in_order() -> None:
    history = MemoryHistory()
    kept = SampleRecorder("history", history.append)
    history.broken = True
    kept.offer(batch(1, 2))
    await kept.flush()
    kept.offer(batch(3))
    await kept.flush()
    assert isinstance(kept.failure, StoreFailed)
    history.broken = False
    kept.offer(batch(4))
    await kept.flush()
    await kept.flush()
    assert history.kept == [1, 2, 3, 4]
    assert (kept.failure, kept.dropped) == (None, 0)


async def test_beyond_its_bound_the_oldest_go_and_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "SAMPLES_HELD", 3)
    history = MemoryHistory()
    kept = SampleRecorder("history", history.append)
    history.broken = True
    for value in range(5):
        kept.offer(batch(value))
        await kept.flush()
    history.broken = False
    await kept.flush()
    assert history.kept == [2, 3, 4]
    assert kept.dropped == 2
