"""What a program may take from the past that is stored, and what not: the time in which no gateway looked."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection

import numpy as np

from gateway.clock import ManualClock
from gateway.plant.model import Area, Device, Equipment, Plant, Point, RiskGrade, Site, Text
from gateway.rule import PointColumns, Truth
from gateway.runtime.warm import LONGEST, TOO_LONG, warm
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from rules import CompiledProgram, load_packs
from rules import compile as compiled
from tests.rules.harness import Nothing

MINUTE = 60 * SECOND
NOW = Instant(1_800_000_000 * SECOND)
FAILED = "detector.failed@co1.concentration"


def site() -> Plant:
    """One detector, and the gateway's own sign of life."""

    def point(index: int, equipment: str, kind: str, unit: str) -> Point:
        span = (0.0, 1000.0, SECOND, 10 * SECOND)
        return Point(index, f"{equipment}.{kind}", Text(kind, kind), equipment, kind, unit, *span, "plc", Nothing())

    return Plant(
        file="plant.yaml",
        hash="0",
        site=Site("s", Text("s", "s"), "", "", RiskGrade.D),
        areas=(Area("a", Text("a", "a"), staffed=True),),
        equipment=(
            Equipment("co1", "co_detector", "a", Text("c", "c")),
            Equipment("gateway", "gateway", "a", Text("g", "g")),
        ),
        devices=(Device("plc", "modbus_tcp", Text("d", "d"), Nothing()),),
        points=(point(0, "co1", "concentration", "ppm"), point(1, "gateway", "journal_writable", "")),
        outputs=(),
    )


class Stored:
    """Seconds before now at which a gateway ran, and whether the detector was good then."""

    def __init__(self, *stretches: tuple[int, int, bool]) -> None:
        rows: list[Sample] = []
        for begin, end, good in stretches:
            for ago in range(begin, end, -1):
                at = Instant(NOW - ago * SECOND)
                quality, reason = (Quality.GOOD, Reason.NONE) if good else (Quality.BAD, Reason.TIMEOUT)
                rows.append(Sample(0, 5.0 if good else float("nan"), quality, reason, at, at))
                rows.append(Sample(1, 1.0, Quality.GOOD, Reason.NONE, at, at))
        self.batch = SampleBatch.of(rows)

    async def samples(self, points: Collection[str] | None, start: Instant, end: Instant) -> AsyncIterator[SampleBatch]:
        batch = self.batch
        kept = (batch.receive_time >= start) & (batch.receive_time < end)
        if points is not None:
            kept &= batch.point == 1
        yield batch.renumbered(np.arange(2, dtype=np.int32)).part(0, 0) if not kept.any() else _where(batch, kept)


def _where(batch: SampleBatch, kept: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> SampleBatch:
    return SampleBatch.of(sample for sample, keep in zip(batch.samples(), kept) if keep)


async def warmed(*stretches: tuple[int, int, bool]) -> tuple[CompiledProgram, int]:
    plant = site()
    program = compiled(plant, load_packs())
    stored = [point.id for point in plant.points]
    return program, await warm(plant, program, Stored(*stretches), stored, NOW, ManualClock(NOW))


def truth_at_start(program: CompiledProgram) -> Truth:
    """Of 'the detector has failed for ten minutes', at the first tick: no device has answered yet."""
    never = PointColumns(
        np.full(2, np.nan),
        np.full(2, Quality.BAD, dtype=np.uint8),
        np.full(2, Reason.NEVER_SEEN, dtype=np.uint8),
        np.zeros(2, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
    )
    column = next(rule.index for rule in program.rules if rule.id == FAILED)
    return Truth(int(program.step(never, Instant(NOW + SECOND)).truth[column]))


async def test_an_empty_history_says_nothing_of_the_past() -> None:
    program, seen = await warmed()
    assert seen == 0
    assert truth_at_start(program) is not Truth.TRUE


async def test_a_detector_did_not_fail_while_no_gateway_ran() -> None:
    for stretches in ([(1900, 900, True)], [(1900, 1000, True), (30, 10, True)], [(700, 40, True)]):
        program, _ = await warmed(*stretches)
        assert truth_at_start(program) is not Truth.TRUE


async def test_what_lies_before_a_long_sleep_is_left_out() -> None:
    _, seen = await warmed((1900, 1000, True), (40, 10, True))
    assert seen == 40 * SECOND
    _, seen = await warmed((1900, 900, True))
    assert seen == 0, "the sleep just before now was too long"


async def test_a_short_sleep_is_bridged_without_a_tick_in_it() -> None:
    nap = TOO_LONG // SECOND - 10
    _, seen = await warmed((500, 100 + nap, True), (100, 0, True))
    assert seen == 500 * SECOND


async def test_a_detector_that_had_failed_before_a_restart_goes_on_failing() -> None:
    program, _ = await warmed((1800, 1000, True), (1000, 3, False))
    assert truth_at_start(program) is Truth.TRUE


async def test_warming_that_takes_too_long_is_given_up_and_guesses_nothing() -> None:
    plant = site()
    program = compiled(plant, load_packs())
    stored = [point.id for point in plant.points]
    clock = ManualClock(NOW)

    class Slow(Stored):
        async def samples(
            self, points: Collection[str] | None, start: Instant, end: Instant
        ) -> AsyncIterator[SampleBatch]:
            async for batch in super().samples(points, start, end):
                yield batch
                clock.advance(LONGEST + SECOND)

    assert await warm(plant, program, Slow((1800, 1000, True), (1000, 3, False)), stored, NOW, clock) == 0
    assert program.state() is None
    assert truth_at_start(program) is not Truth.TRUE


async def test_what_is_older_is_gone_through_more_coarsely_and_the_outcome_is_the_same() -> None:
    program, seen = await warmed((1800, 700, True), (700, 3, False))
    assert seen == 1800 * SECOND
    assert truth_at_start(program) is Truth.TRUE
    program, _ = await warmed((1800, 500, True), (500, 3, False))
    assert truth_at_start(program) is not Truth.TRUE
