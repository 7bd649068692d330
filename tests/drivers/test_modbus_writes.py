"""What the Modbus driver writes, and what it says of it."""

from __future__ import annotations

import asyncio
import dataclasses

import pytest

from drivers.modbus import KIND
from gateway.driver import LinkState
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Fault, FaultyServer
from tests.drivers.modbus_support import FIRST, reading
from tests.drivers.support import MILLISECOND, good, output, points, running


async def test_off_is_written_as_hard_as_on() -> None:
    coil = output(KIND, {"table": "coil", "address": 9})
    register = output(KIND, {"table": "holding", "address": 9, "type": "uint16"})
    double = output(KIND, {"table": "holding", "address": 9, "type": "float32"})
    async with FaultyServer() as server, reading(FIRST, server=server) as (kept, driver):
        await kept.next(0, good(1000))
        sent = []
        for target in (coil, register, double):
            for value in (1.0, 0.0):
                receipt = await driver.write(target, value)
                assert receipt.written, receipt.detail
                sent.append(next(a.body.hex() for a in reversed(server.asked) if a.function in (5, 6, 16)))
        assert sent == [
            "050009ff00",
            "0500090000",
            "0600090001",
            "0600090000",
            "1000090002043f800000",
            "10000900020400000000",
        ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (faults.hang, "no answer"),
        (faults.reset, "connection lost"),
        (faults.another_echo, "expected"),
        (faults.wrong_unit, "unit"),
        (faults.exception(6), "busy"),
    ],
)
async def test_a_write_that_is_not_confirmed_is_a_receipt_that_says_so(fault: Fault, said: str) -> None:
    coil = output(KIND, {"table": "coil", "address": 9})
    async with FaultyServer(faults.only(9, fault)) as server, reading(FIRST, server=server) as (kept, driver):
        await kept.next(0, good(1000))
        receipt = await driver.write(coil, 1.0)
        assert not receipt.written
        assert said in receipt.detail


async def test_a_write_to_a_device_that_is_not_there_fails_at_once() -> None:
    async with FaultyServer() as server:
        await server.stop()
        async with reading(FIRST, server=server, timeout="30 s") as (kept, driver):
            await kept.until(lambda: LinkState.DOWN in kept.states())
            receipt = await driver.write(output(KIND, {"table": "coil", "address": 9}), 1.0)
            assert not receipt.written


async def test_a_value_that_does_not_fit_is_refused_before_it_is_sent() -> None:
    async with FaultyServer() as server, reading(FIRST, server=server) as (kept, driver):
        await kept.next(0, good(1000))
        receipt = await driver.write(output(KIND, {"table": "holding", "address": 9}), 70_000.0)
        assert not receipt.written
        assert all(asked.function == 3 for asked in server.asked)


async def test_a_write_goes_before_the_reads_that_wait() -> None:
    def slowly(server: FaultyServer, asked: faults.Asked, writer: asyncio.StreamWriter) -> bool:
        server.later(0.03, lambda: writer.write(faults.frame(asked, server.good_reply(asked))))
        return True

    # Points of ten periods: ten reads wait for the line at any time.
    many = points(KIND, [{"table": "holding", "address": 100 * n} for n in range(10)])
    many = [dataclasses.replace(point, period=(10 + n) * MILLISECOND) for n, point in enumerate(many)]
    async with FaultyServer(slowly) as server:
        wired = {"host": "127.0.0.1", "port": server.port, "timeout": "5 s"}
        async with running(KIND, wired, many) as (kept, driver):
            await kept.until(lambda: len(kept.batches) >= 10)
            before = len(server.asked)
            assert (await driver.write(output(KIND, {"table": "coil", "address": 9}), 1.0)).written
            functions = [asked.function for asked in server.asked[before:]]
            assert functions.index(5) <= 1
