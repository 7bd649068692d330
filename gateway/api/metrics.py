"""What the gateway measures of itself, in Prometheus' text format: read at each scrape, kept nowhere.

Names end in their unit; label values are ids of the plant file, so that their number is bounded by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric, SummaryMetricFamily
from prometheus_client.registry import Collector

from gateway.admission import Irregularity
from gateway.api.live import LiveHub
from gateway.clock import Clock
from gateway.runtime.followers import Follower
from gateway.runtime.intake import Intake
from gateway.runtime.loop import Loop
from gateway.runtime.recorder import SampleRecorder
from gateway.runtime.scans import ScanTimes
from gateway.runtime.upkeep import Housekeeper
from gateway.sample import SECOND, Quality, Reason

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Measured:
    """The parts that know the numbers."""

    loop: Loop
    intake: Intake
    scans: ScanTimes
    recorders: Sequence[SampleRecorder]
    followers: Sequence[Follower]
    housekeeper: Housekeeper
    hub: LiveHub
    clock: Clock
    channels: Callable[[], Sequence[Follower]] = tuple
    """Followers that a reload exchanges."""


def exposition(parts: Measured) -> Callable[[], bytes]:
    """What makes one scrape's answer."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Gateway(parts))
    return partial(generate_latest, registry)


class _Gateway(Collector):
    def __init__(self, parts: Measured) -> None:
        self._parts = parts

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from _scans(self._parts)
        yield from _points(self._parts)
        yield from _drops(self._parts)
        yield from _stores(self._parts)
        yield from _history(self._parts)
        yield from _people(self._parts)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tocsin_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"tocsin_{name}", text, value=value)


def _scans(parts: Measured) -> Iterator[Metric]:
    name, by = "tocsin_scan_period", ["device"]
    period = SummaryMetricFamily(f"{name}_seconds", "Time between two answers of a device.", labels=by)
    longest = GaugeMetricFamily(f"{name}_longest_seconds", "Longest such time since start.", labels=by)
    promised = GaugeMetricFamily(f"{name}_promised_seconds", "Shortest that the plant file gives.", labels=by)
    for device, scan in parts.scans.scans.items():
        period.add_metric([device], scan.count, scan.total / SECOND)
        longest.add_metric([device], scan.longest / SECOND)
    periods: dict[str, int] = {}
    for point in parts.loop.plant.points:
        periods[point.device] = min(periods.get(point.device, point.period), point.period)
    for device, shortest in periods.items():
        promised.add_metric([device], shortest / SECOND)
    steps = parts.loop.steps
    yield from (period, longest, promised)
    yield SummaryMetricFamily(
        "tocsin_rule_step_seconds",
        "Rules, alarms, interlocks and tickets decided, tick by tick.",
        count_value=steps.count,
        sum_value=steps.total / SECOND,
    )
    yield _gauge("rule_step_longest_seconds", "Longest such step since start.", steps.longest / SECOND)


def _points(parts: Measured) -> Iterator[Metric]:
    latest = parts.loop.table.latest
    now = parts.clock.now()
    spoken = latest.reason != Reason.NEVER_SEEN
    age = GaugeMetricFamily("tocsin_sample_age_seconds", "Age of a device's oldest latest value.", labels=["device"])
    oldest: dict[str, float] = {}
    for point in parts.loop.plant.points:
        if spoken[point.index]:
            seconds = (now - int(latest.source_time[point.index])) / SECOND
            oldest[point.device] = max(oldest.get(point.device, seconds), seconds)
    for device, seconds in oldest.items():
        age.add_metric([device], seconds)
    yield age
    quality = GaugeMetricFamily("tocsin_points", "Points by the quality of their latest value.", labels=["quality"])
    for each in Quality:
        quality.add_metric([each.name.lower()], int(np.count_nonzero(latest.quality == each)))
    yield quality


def _drops(parts: Measured) -> Iterator[Metric]:
    yield _counter("samples_received", "Samples that drivers handed up.", parts.intake.received)
    dropped = CounterMetricFamily("tocsin_samples_dropped", "Samples lost, by where; never silent.", labels=["where"])
    dropped.add_metric(["intake"], parts.intake.dropped)
    for recorder in parts.recorders:
        dropped.add_metric([recorder.name], recorder.dropped)
    yield dropped
    yield _irregular(parts)
    yield _counter("events_lost", "Events that the journal never got.", parts.loop.events_lost)


def _irregular(parts: Measured) -> Metric:
    text = "Samples refused (out_of_order, duplicate) or put right (future, not_a_number), by device."
    irregular = CounterMetricFamily("tocsin_samples_irregular", text, labels=["kind", "device"])
    points, counts = parts.loop.plant.points, parts.loop.table.admission.counts
    for kind in Irregularity:
        by_device: Counter[str] = Counter()
        for point in points:
            by_device[point.device] += int(counts[kind, point.index])
        for device, count in by_device.items():
            irregular.add_metric([kind.name.lower(), device], count)
    return irregular


def _stores(parts: Measured) -> Iterator[Metric]:
    loop = parts.loop
    yield _gauge("journal_writable", "1 while the journal keeps what happens.", float(loop.failure is None))
    yield _gauge("journal_sequence", "Newest entry of the journal.", loop.sequence)
    lag = GaugeMetricFamily("tocsin_follower_lag_entries", "Journal entries still to be read.", labels=["follower"])
    failing = GaugeMetricFamily("tocsin_follower_failing", "1 while its target takes nothing.", labels=["follower"])
    for follower in (*parts.followers, *parts.channels()):
        lag.add_metric([follower.name], max(0, loop.sequence - follower.position))
        failing.add_metric([follower.name], float(follower.failure is not None))
    waiting = GaugeMetricFamily("tocsin_recorder_waiting_samples", "Samples held for a store.", labels=["store"])
    writable = GaugeMetricFamily("tocsin_store_writable", "1 while a store keeps samples.", labels=["store"])
    for recorder in parts.recorders:
        waiting.add_metric([recorder.name], recorder.waiting)
        writable.add_metric([recorder.name], float(recorder.failure is None))
    yield from (lag, failing, waiting, writable)


def _history(parts: Measured) -> Iterator[Metric]:
    keeper = parts.housekeeper
    failing = float(keeper.failure is not None)
    yield _gauge("history_upkeep_failing", "1 while the history cannot be put in order.", failing)
    size = keeper.size
    if size is None:
        return
    yield _gauge("history_size_bytes", "What the history holds on the disk.", size.size)
    yield _gauge("history_budget_bytes", "What it may hold.", size.budget)
    yield _gauge("history_samples", "Samples in it.", size.samples)
    yield _gauge("history_waiting_samples", "Samples in it that are not compacted yet.", size.waiting)
    yield _counter("history_expired_samples", "Samples that went because their time was over.", size.expired)
    yield _counter("history_cut_samples", "Samples that went because the budget was full.", size.cut)
    yield _gauge("history_damaged_files", "Files of it that are missing or damaged.", len(size.damaged))


def _people(parts: Measured) -> Iterator[Metric]:
    book = parts.hub.book
    states = Counter(view.state for view in book.alarms.values())
    alarms = GaugeMetricFamily("tocsin_alarms", "Alarms that stand, by state.", labels=["state"])
    for state, count in sorted(states.items()):
        alarms.add_metric([state], count)
    yield alarms
    tickets = Counter(view.state for view in book.tickets.values())
    filed = GaugeMetricFamily("tocsin_tickets", "Hazard tickets, by state.", labels=["state"])
    for ticket_state, count in sorted(tickets.items()):
        filed.add_metric([ticket_state], count)
    yield filed
    yield _gauge("links_up", "Devices that answer.", book.links_up)
    yield _gauge("links", "Devices.", len(book.links))
