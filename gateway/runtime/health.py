"""The gateway's own health as points, so that its failures are alarms like any other.

Speaks from inside the process, so it can tell of everything but its own death: that the page, the
supervisor and the heartbeat must notice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping

from gateway.driver import DriverWork, LinkState, LinkStatus, Receipt
from gateway.plant.model import Output
from gateway.sample import Quality, Reason, Sample, SampleBatch

REPORT_EVERY = 1.0
"""Seconds; the period that the implicit gateway points promise."""


class HealthDriver:
    """Implements `gateway.driver.Driver` for the implicit device of the gateway itself."""

    def __init__(self, work: DriverWork, probes: Mapping[str, Callable[[], float]]) -> None:
        self._work = work
        self._probes = [(point.index, probes[point.kind]) for point in work.points if point.kind in probes]

    async def run(self) -> None:
        clock, device = self._work.clock, self._work.device.id
        self._work.receiver.link(LinkStatus(device, LinkState.UP, Reason.NONE, "the gateway itself", clock.now()))
        while True:
            now = clock.now()
            self._work.receiver.samples(
                SampleBatch.of(
                    Sample(index, value, Quality.GOOD, Reason.NONE, now, now)
                    for index, probe in self._probes
                    if not math.isnan(value := probe())  # nobody knows: the point goes stale by itself
                )
            )
            await asyncio.sleep(REPORT_EVERY)

    async def write(self, output: Output, value: float) -> Receipt:  # noqa: ARG002 - the contract's shape
        return Receipt(written=False, detail="the gateway itself has no outputs", at=self._work.clock.now())
