"""A device is read and written only as the device that the plant file means."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable

from drivers.modbus import KIND
from gateway.driver import LinkState
from gateway.sample import Quality, Reason
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Asked, Fault, FaultyServer
from tests.drivers.modbus_support import FIRST, SECOND, reading
from tests.drivers.support import because, good, output

IDENTITY = [{"address": 500, "length": 4, "text": "GD-200"}, {"table": "input", "address": 500, "length": 4}]
COIL = {"table": "coil", "address": 9}


def calls_itself(name: Callable[[], str]) -> Fault:
    """Answers reads of register 500 with a text."""

    def answer(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if asked.address != 500:
            return False
        text = (name() if asked.function == 3 else "SN7").encode().ljust(2 * asked.count, b"\0")
        writer.write(faults.frame(asked, struct.pack(">BB", asked.function, len(text)) + text))
        return True

    return answer


async def test_what_a_device_says_of_itself_is_shown_and_asked_once_a_connection() -> None:
    async with (
        FaultyServer(calls_itself(lambda: "GD-200 ")) as server,
        reading(FIRST, SECOND, server=server, identity=IDENTITY) as (kept, driver),
    ):
        await kept.next(0, good(1000))
        assert kept.links[-1].detail.endswith("answers: GD-200, SN7")
        for _ in range(5):
            await kept.next(1, good(1100))
        assert len([asked for asked in server.asked if asked.address == 500]) == 2
        assert (await driver.write(output(KIND, COIL), 1.0)).written
        server.drop_all()  # between two scans, so that no request is lost
        await kept.until(lambda: len([asked for asked in server.asked if asked.address == 500]) == 4)
        await kept.next(0, good(1000))


async def test_a_device_that_was_exchanged_is_neither_read_nor_written() -> None:
    name = "GD-200"
    async with (
        FaultyServer(calls_itself(lambda: name)) as server,
        reading(FIRST, SECOND, server=server, identity=IDENTITY) as (kept, driver),
    ):
        await kept.next(0, good(1000))
        name = "GD-100"
        server.base = 5000
        server.drop_all()
        await kept.next(0, because(Reason.WRONG_DEVICE))
        await kept.next(1, because(Reason.WRONG_DEVICE))
        assert kept.links[-1].state is LinkState.DOWN
        assert kept.links[-1].detail == "expected 'GD-200' in holding 500, got 'GD-100'"
        written = len([asked for asked in server.asked if asked.function == 5])
        receipt = await driver.write(output(KIND, COIL), 1.0)
        assert not receipt.written
        assert "GD-100" in receipt.detail
        assert len([asked for asked in server.asked if asked.function == 5]) == written
        name = "GD-200"
        await kept.next(0, good(5000))
        assert (await driver.write(output(KIND, COIL), 1.0)).written
        usable = {s.value for point in (0, 1) for s in kept.all(point) if s.quality is Quality.GOOD}
        assert usable == {1000, 1100, 5000, 5100} & usable


async def test_another_device_from_the_start_or_one_that_will_not_say_has_no_value() -> None:
    for fault, reason in (
        (calls_itself(lambda: "X\x07"), Reason.WRONG_DEVICE),
        (faults.only(500, faults.exception(2)), Reason.DEVICE_EXCEPTION),
        (faults.only(500, faults.hang), Reason.TIMEOUT),
    ):
        async with FaultyServer(fault) as server, reading(FIRST, server=server, identity=IDENTITY) as (kept, driver):
            await kept.next(0, because(reason))
            await kept.until(lambda kept=kept: kept.states()[-1] is LinkState.DOWN)
            await kept.until(lambda kept=kept: len(kept.all(0)) > 20)
            assert {s.quality for s in kept.all(0)} == {Quality.BAD}
            assert LinkState.UP not in kept.states()
            assert not (await driver.write(output(KIND, COIL), 1.0)).written
            assert not [asked for asked in server.asked if asked.function == 5]
