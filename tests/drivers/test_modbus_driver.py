"""The Modbus driver against a server that does everything wrong that devices do wrong."""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.modbus import KIND
from drivers.modbus.driver import ModbusDriver, _Poll
from gateway.driver import LinkState
from gateway.sample import Quality, Reason, Sample, SampleBatch
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Fault, FaultyServer
from tests.drivers.modbus_support import FIRST, SECOND, THIRD, reading
from tests.drivers.support import MILLISECOND, because, good, points, running


async def test_good_values_come_from_every_table() -> None:
    some = [{"table": table, "address": 5} for table in ("coil", "discrete", "input", "holding")]
    async with FaultyServer() as server, reading(*some, server=server) as (kept, _):
        await kept.next(3, good(1005))
        assert [sample.value for sample in kept.batches[-1].samples()] == [1, 1, 1005, 1005]
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP]
        assert {asked.unit for asked in server.asked} == {7}


WRONG: dict[str, tuple[Fault, Reason]] = {
    "hang": (faults.hang, Reason.TIMEOUT),
    "slow drip": (faults.slow_drip, Reason.TIMEOUT),
    "half a frame": (faults.half_a_frame, Reason.TIMEOUT),
    "half a frame, then close": (faults.half_a_frame_then_close, Reason.DISCONNECTED),
    "reset": (faults.reset, Reason.DISCONNECTED),
    "garbage": (faults.garbage, Reason.MALFORMED),
    "wrong unit": (faults.wrong_unit, Reason.MALFORMED),
    "wrong transaction": (faults.wrong_transaction, Reason.MALFORMED),
    "transaction zero": (faults.transaction_zero, Reason.MALFORMED),
    "wrong function": (faults.wrong_function, Reason.MALFORMED),
    "too short": (faults.too_short, Reason.MALFORMED),
    "too long": (faults.too_long, Reason.MALFORMED),
    "byte count lies": (faults.byte_count_lies, Reason.MALFORMED),
}


@pytest.mark.parametrize("name", WRONG)
async def test_a_device_that_goes_wrong_is_bad_with_its_reason_and_recovers_by_itself(name: str) -> None:
    fault, reason = WRONG[name]
    async with FaultyServer() as server, reading(FIRST, server=server) as (kept, _):
        await kept.next(0, good(1000))
        server.fault = fault
        await kept.next(0, because(reason))
        await kept.until(lambda: kept.states()[-1] is LinkState.DOWN)
        server.fault = None
        await kept.next(0, good(1000))
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP, LinkState.DOWN, LinkState.UP]
        assert all(sample.value == 1000 for sample in kept.all(0) if sample.quality is Quality.GOOD)


@pytest.mark.parametrize("name", WRONG)
async def test_a_request_that_goes_wrong_spoils_no_other_request_of_the_device(name: str) -> None:
    fault, reason = WRONG[name]
    async with (
        FaultyServer(faults.only(100, fault)) as server,
        reading(FIRST, SECOND, THIRD, server=server) as (kept, _),
    ):
        for _ in range(3):
            await kept.next(1, because(reason))
        await kept.next(0, good(1000))
        await kept.next(2, good(1200))
        spoilt = [s for point in (0, 2) for s in kept.all(point) if s.quality is not Quality.GOOD]
        assert spoilt == []


@pytest.mark.parametrize("code", range(1, 12))
async def test_a_busy_device_is_never_zero(code: int) -> None:
    refuse = faults.only(100, faults.exception(code))
    async with FaultyServer(refuse) as server, reading(FIRST, SECOND, server=server) as (kept, _):
        await kept.next(1, because(Reason.DEVICE_EXCEPTION))
        await kept.next(0, good(1000))
        assert all(np.isnan(sample.value) for sample in kept.all(1))
        assert all(sample.quality is Quality.GOOD for sample in kept.all(0))
        assert server.connections == 1, "an exception reply is an answer, not a reason to reconnect"


async def test_a_late_reply_is_never_taken_for_another() -> None:
    # Both answers arrive after their time, on whatever connection is open by then.
    async with FaultyServer() as server, reading(FIRST, SECOND, server=server) as (kept, _):
        await kept.next(1, good(1100))
        for _ in range(5):
            server.fault = faults.late(0.18)
            await kept.next(0, lambda s: s.quality is Quality.BAD)
            server.fault = None
            await kept.next(0, good(1000))
            await kept.next(1, good(1100))
        seen = {(s.point, s.value) for b in kept.batches for s in b.samples() if s.quality is Quality.GOOD}
        assert seen == {(0, 1000.0), (1, 1100.0)}


async def test_one_dead_device_disturbs_no_other() -> None:
    async with (
        FaultyServer(faults.hang) as hung,
        FaultyServer(faults.slow_drip) as slow,
        FaultyServer() as healthy,
        reading(FIRST, server=hung, timeout="2 s"),
        reading(FIRST, server=slow, timeout="2 s"),
        reading(FIRST, server=healthy) as (kept, _),
    ):
        await kept.until(lambda: len(kept.batches) >= 20)
        assert all(sample.quality is Quality.GOOD for sample in kept.all(0))


async def test_silence_is_data_a_dead_device_is_bad_every_period() -> None:
    async with FaultyServer() as server:
        await server.stop()
        async with reading(FIRST, SECOND, server=server) as (kept, _):
            await kept.until(lambda: len(kept.batches) >= 10)
            assert all(len(batch) == 2 for batch in kept.batches)
            assert {s.reason for s in kept.all(0) + kept.all(1)} == {Reason.DISCONNECTED}
            assert kept.states() == [LinkState.CONNECTING, LinkState.DOWN]


async def test_a_device_that_accepts_and_never_answers_is_down_not_up() -> None:
    async with FaultyServer(faults.hang) as server, reading(FIRST, server=server) as (kept, _):
        await kept.until(lambda: len(kept.batches) >= 10)
        assert kept.states() == [LinkState.CONNECTING, LinkState.DOWN]
        assert {s.reason for s in kept.all(0)} == {Reason.TIMEOUT}


async def test_a_restart_is_told_once_as_lost_and_once_as_back(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with FaultyServer() as server, reading(FIRST, server=server) as (kept, _):
        await kept.next(0, good(1000))
        await server.stop()
        await kept.until(lambda: kept.states()[-1] is LinkState.DOWN)
        for _ in range(5):
            await kept.next(0, because(Reason.DISCONNECTED))
        server.base = 2000
        await server.start()
        await kept.next(0, good(2000))
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP, LinkState.DOWN, LinkState.UP]
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("drivers")]
        assert len(lines) == 4


async def test_fault_codes_ranges_and_bits_are_judged_on_the_way_up() -> None:
    some = [
        {"table": "holding", "address": 0, "faults": {1000: "warming_up"}},
        {"table": "holding", "address": 1, "bit": 0},
        {"table": "holding", "address": 2, "type": "int16", "scale": 0.1},
        {"table": "holding", "address": 3, "scale": 1e10},
    ]
    async with FaultyServer() as server, reading(*some, server=server) as (kept, _):
        await kept.next(1, good(1))
        assert [s.reason for s in kept.batches[-1].samples()] == [
            Reason.WARMING_UP,
            Reason.NONE,
            Reason.NONE,
            Reason.OUT_OF_RANGE,
        ]
        assert kept.batches[-1].value[2] == pytest.approx(100.2)
        assert len({asked.address for asked in server.asked}) == 1, "four neighbours are one request"


async def test_a_status_in_another_register_says_what_a_value_is_worth() -> None:
    words: dict[str, object] = {"faults": {1002: "sensor_fault", 2002: "warming_up"}, "uncertain": [3002]}
    some = [
        {"table": "holding", "address": 0, "status": {"address": 2, **words}},
        {"table": "holding", "address": 0, "bits": [0, 3]},
        {"table": "holding", "address": 1, "status": {"table": "input", "address": 5, "good": [4005]}},
    ]
    async with FaultyServer() as server, reading(*some, server=server) as (kept, _):
        for base, first, last in (
            (1000, Reason.SENSOR_FAULT, Reason.SENSOR_FAULT),
            (2000, Reason.WARMING_UP, Reason.SENSOR_FAULT),
            (3000, Reason.SOURCE_DOUBT, Reason.SENSOR_FAULT),
            (4000, Reason.NONE, Reason.NONE),
        ):
            server.base = base
            field = await kept.next(1, good(base & 15))
            assert field.quality is Quality.GOOD, "no status of its own"
            await kept.next(0, because(first))
            await kept.next(2, because(last))
        server.fault = faults.only(5, faults.exception(4))
        unsure = await kept.next(2, because(Reason.DEVICE_EXCEPTION))
        assert math.isnan(unsure.value), "a value whose status could not be read"
        assert (await kept.next(0, good(4000))).reason is Reason.NONE


async def test_points_of_different_period_are_read_at_their_own() -> None:
    some = points(KIND, [FIRST, SECOND])
    some[1] = dataclasses.replace(some[1], period=200 * MILLISECOND)
    async with FaultyServer() as server:
        wired = {"host": "127.0.0.1", "port": server.port}
        async with running(KIND, wired, some) as (kept, _):
            await kept.until(lambda: len(kept.all(1)) >= 4)
            assert len(kept.all(0)) > 2 * len(kept.all(1))


async def test_a_late_scan_skips_and_never_bursts() -> None:
    def pause_once(server: FaultyServer, asked: faults.Asked, writer: asyncio.StreamWriter) -> bool:
        server.fault = None
        server.later(0.5, lambda: writer.write(faults.frame(asked, server.good_reply(asked))))
        return True

    period = 50 * MILLISECOND
    async with FaultyServer() as server, reading(FIRST, server=server, period=period, timeout="5 s") as (kept, _):
        await kept.until(lambda: len(kept.all(0)) >= 3)
        server.fault = pause_once
        start = len(kept.all(0))
        await kept.until(lambda: len(kept.all(0)) >= start + 8)
        times = [sample.receive_time for sample in kept.all(0)]
        gaps = np.diff(times)
        pause = int(np.argmax(gaps))
        assert gaps[pause] > 5 * period
        # After the pause the schedule goes on from there: eleven missed scans are not made up for.
        assert times[pause + 6] - times[pause + 1] > 3 * period


async def test_many_unanswered_addresses_do_not_hold_up_a_scan() -> None:
    def hang_but_first(server: FaultyServer, asked: faults.Asked, writer: asyncio.StreamWriter) -> bool:
        return asked.address != 0

    many = [{"table": "holding", "address": 200 * n} for n in range(10)]
    async with FaultyServer(hang_but_first) as server, reading(*many, server=server, timeout="50 ms") as (kept, _):
        await kept.until(lambda: len(kept.batches) >= 10)
        unanswered = sum(asked.address != 0 for asked in server.asked)
        assert unanswered <= 2 * (len(kept.batches) + 1)
        assert {s.point for b in kept.batches for s in b.samples() if s.quality is Quality.GOOD} == {0}


class MistakenEveryOtherTime(ModbusDriver):
    """Has a mistake of ours in it."""

    scans = 0

    async def _read(self, poll: _Poll, deadline: int) -> SampleBatch:
        self.scans += 1
        if self.scans % 2:
            raise ZeroDivisionError
        return await super()._read(poll, deadline)


async def test_a_mistake_of_ours_is_bad_samples_and_the_polling_goes_on() -> None:
    mistaken = dataclasses.replace(KIND, open=MistakenEveryOtherTime)
    async with FaultyServer() as server:
        wired = {"host": "127.0.0.1", "port": server.port}
        async with running(mistaken, wired, points(KIND, [FIRST, SECOND])) as (kept, _):
            await kept.until(lambda: len(kept.batches) >= 6)
            assert [len(batch) for batch in kept.batches] == [2] * len(kept.batches)
            assert [s.reason for s in kept.all(1)][:4] == [Reason.MALFORMED, Reason.NONE] * 2


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.binary(max_size=300), aligned=st.booleans())
def test_random_bytes_never_end_the_driver_and_are_never_good_unless_well_formed(noise: bytes, aligned: bool) -> None:
    def answer(server: FaultyServer, asked: faults.Asked, writer: asyncio.StreamWriter) -> bool:
        # Aligned noise has a right header, so that it reaches the checks behind it.
        writer.write(faults.frame(asked, noise[:253]) if aligned else noise)
        return True

    async def read_noise() -> list[Sample]:
        async with FaultyServer() as server, reading(FIRST, server=server, timeout="30 ms") as (kept, _):
            await kept.next(0, good(1000))
            start, server.fault = len(kept.batches), answer
            await kept.until(lambda: len(kept.batches) >= start + 2)
            return [s for batch in kept.batches[start + 1 :] for s in batch.samples()]

    well_formed = aligned and len(noise) == 4 and noise[:2] == b"\x03\x02"
    for sample in asyncio.run(read_noise()):
        assert sample.quality is Quality.BAD or well_formed
