"""A back-test says what the live gateway would have said: the same machines, the same bits."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

import rules
from gateway.backtest.compare import difference, judged
from gateway.backtest.run import Outcome, Run
from gateway.engine import Engine
from gateway.event import Event
from gateway.events.alarms import AlarmRaised
from gateway.kpi import episodes
from gateway.plant.model import Limit, Plant
from gateway.point_table import PointTable
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.standing import Standing
from gateway.trace import TraceBuilder
from tests.rules.harness import START, equipment, furnace, packs, plant

MINUTES = 6
END = Instant(START + MINUTES * 60 * SECOND)
LEAKS = (0.0, 0.035, 0.0, 0.07, 0.0, 0.15)
"""Half a minute each."""

TRIP = "eaf.flow_difference_trip@panel"


def water(seed: int) -> SampleBatch:
    """A panel that leaks now and then, a signal that is lost now and then."""
    chance, samples = random.Random(seed), []
    site = plant(furnace())
    for second in range(MINUTES * 60):
        leak = LEAKS[second // 30 % len(LEAKS)]
        moment = Instant(START + second * SECOND + chance.randrange(SECOND // 2))
        for point in site.points:
            if chance.random() < 0.02:
                continue
            at = Instant(moment + chance.randrange(2) * SECOND // 10)
            value = 100.0 * (1 - leak) if point.kind == "outlet_flow" else 100.0 if point.kind == "inlet_flow" else 1.0
            bad = chance.random() < 0.01
            quality, reason = (Quality.BAD, Reason.TIMEOUT) if bad else (Quality.GOOD, Reason.NONE)
            samples.append(Sample(point.index, float("nan") if bad else value, quality, reason, at, at))
    samples.sort(key=lambda sample: sample.receive_time)
    return SampleBatch.of(samples)


def back_tested(site: Plant, batch: SampleBatch, *, cuts: Sequence[int] = (), start: Instant = START) -> Run:
    run = Run(site, rules.compile(site, packs()), START, start)
    rows, done = batch.samples(), 0
    for cut in [*(Instant(START + cut * SECOND) for cut in cuts), END]:
        until = next((at for at, row in enumerate(rows) if row.receive_time >= cut), len(rows))
        run.feed(SampleBatch.of(rows[done:until]))
        done = until
        run.advance(cut)
    return run


def live(site: Plant, batch: SampleBatch) -> list[Event]:
    """The engine at every tick, as the loop runs it."""
    program = rules.compile(site, packs())
    engine, table = Engine(site, program, Standing(), START), PointTable(site)
    builder = TraceBuilder(site.points, START)
    builder.feed(batch)
    rows, done, events = batch.samples(), 0, []
    for trace in builder.take(END):
        for now in trace.now.tolist():
            until = done
            while until < len(rows) and rows[until].receive_time <= now:
                until += 1
            table.apply(SampleBatch.of(rows[done:until]))
            done = until
            events += engine.tick(table, Instant(now))
    return events


@pytest.mark.parametrize("seed", [1])
def test_it_decides_what_the_live_engine_decides_event_by_event(seed: int) -> None:
    site, batch = plant(furnace()), water(seed)
    run = back_tested(site, batch, cuts=(61, 62, 200))
    expected = live(site, batch)
    assert any(isinstance(event, AlarmRaised) for event in expected)
    assert run._events == expected
    outcome = run.outcome(END)
    assert list(outcome.episodes) == episodes(expected)


def test_time_in_which_nobody_could_have_known_is_counted_to_the_microsecond() -> None:
    site = plant(furnace())
    rows = [
        Sample(point.index, 100.0, Quality.GOOD, Reason.NONE, at, at)
        for second in range(300)
        for at in [Instant(START + second * SECOND)]
        for point in site.points
        if not 100 <= second < 160
    ]
    outcome = back_tested(site, SampleBatch.of(rows)).outcome(END)
    # Stale ten seconds after the last sample (seen at the next heartbeat), until the first one after the gap; and
    # again from the end of the samples to the end of the stretch.
    expected = (160 - 110) * SECOND + (MINUTES * 60 - 310) * SECOND
    assert outcome.unknown[TRIP] == expected


def outcome_of(limit: float | None, seed: int = 1) -> Outcome:
    parts = furnace()
    if limit is not None:
        own = Limit("flow_difference_trip", limit, "%", "test")
        parts[1] = equipment("panel", "water_cooled_circuit", parent="eaf1", limits=[own])
    site = plant(parts)
    return back_tested(site, water(seed)).outcome(END)


def test_other_rules_show_what_is_added_removed_and_sooner() -> None:
    same = difference(outcome_of(None), outcome_of(None))
    assert (same.added, same.removed, same.rules_changed) == ((), (), ())
    assert same.both
    assert {each.gained for each in same.both} == {0}
    tighter = difference(outcome_of(None), outcome_of(2.0))
    assert TRIP in {each.alarm for each in tighter.added}
    assert tighter.removed == ()
    assert TRIP in tighter.rules_changed
    looser = difference(outcome_of(2.0), outcome_of(None))
    assert [each.alarm for each in looser.removed] == [each.alarm for each in tighter.added]


def test_what_began_before_the_stretch_is_no_annunciation_of_it() -> None:
    site, batch = plant(furnace()), water(1)
    whole = judged("whole", back_tested(site, batch).outcome(END))
    middle = Instant(START + MINUTES * 30 * SECOND)
    half = judged("half", back_tested(site, batch, start=middle).outcome(END))
    expected = [each for each in whole.outcome.episodes if each.cleared_at is None or each.cleared_at >= middle]
    assert list(half.outcome.episodes) == expected
    assert half.figures.annunciations == sum(each.raised_at >= middle for each in expected)
