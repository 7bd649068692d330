"""The Modbus driver against pymodbus' own server and its own idea of how numbers lie in registers."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from drivers.modbus import KIND
from gateway.sample import Quality, Reason
from tests.drivers.support import because, good, output, points, running

UNIT = 17


@contextlib.asynccontextmanager
async def pymodbus_server() -> AsyncIterator[int]:
    """Coils 0-15, discrete inputs 0-15, holding registers with one number of every type, input registers 0-124."""
    holding = [
        SimData(0, values=-1234, datatype=DataType.INT16),
        SimData(1, values=54_321, datatype=DataType.UINT16),
        SimData(2, values=-123_456_789, datatype=DataType.INT32),
        SimData(4, values=4_000_000_000, datatype=DataType.UINT32),
        SimData(6, values=-(2**40), datatype=DataType.INT64),
        SimData(10, values=2**40, datatype=DataType.UINT64),
        SimData(14, values=1.5, datatype=DataType.FLOAT32),
        SimData(16, values=-2.25, datatype=DataType.FLOAT64),
        SimData(20, values=0b100, datatype=DataType.REGISTERS),
        SimData(30, count=4, values=0, datatype=DataType.REGISTERS),
    ]
    bits = [SimData(0, values=[n % 3 == 0 for n in range(16)], datatype=DataType.BITS)]
    more = [SimData(0, values=[n % 2 == 0 for n in range(16)], datatype=DataType.BITS)]
    inputs = [SimData(0, values=list(range(125)), datatype=DataType.REGISTERS)]
    device = SimDevice(UNIT, simdata=(bits, more, holding, inputs))
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.listen()
    assert server.transport is not None
    try:
        yield server.transport.sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


NUMBERS = {
    0: ("int16", -1234.0),
    1: ("uint16", 54_321.0),
    2: ("int32", -123_456_789.0),
    4: ("uint32", 4_000_000_000.0),
    6: ("int64", -(2.0**40)),
    10: ("uint64", 2.0**40),
    14: ("float32", 1.5),
    16: ("float64", -2.25),
}


async def test_every_type_is_read_as_pymodbus_wrote_it() -> None:
    some = [{"table": "holding", "address": at, "type": name} for at, (name, _) in NUMBERS.items()]
    some.append({"table": "holding", "address": 20, "bit": 2})
    some.append({"table": "holding", "address": 20, "bit": 3})
    async with pymodbus_server() as port:
        wired = {"host": "127.0.0.1", "port": port, "unit_id": UNIT}
        async with running(KIND, wired, points(KIND, some, low=-1e15, high=1e15)) as (kept, _):
            await kept.next(9, lambda s: s.quality is Quality.GOOD)
            assert list(kept.batches[-1].value) == [value for _, value in NUMBERS.values()] + [1.0, 0.0]


async def test_all_four_tables_and_full_requests_are_read() -> None:
    some = [{"table": "input", "address": n} for n in range(125)]
    some += [{"table": "coil", "address": n} for n in range(16)]
    some += [{"table": "discrete", "address": n} for n in range(16)]
    async with pymodbus_server() as port:
        wired = {"host": "127.0.0.1", "port": port, "unit_id": UNIT}
        async with running(KIND, wired, points(KIND, some)) as (kept, _):
            await kept.next(124, good(124))
            values = {s.point: s.value for s in kept.batches[-1].samples()}
            assert [values[n] for n in range(125)] == list(range(125))
            assert [values[125 + n] for n in range(16)] == [float(n % 3 == 0) for n in range(16)]
            assert [values[141 + n] for n in range(16)] == [float(n % 2 == 0) for n in range(16)]


async def test_an_address_that_the_device_lacks_is_an_exception_for_its_points_only() -> None:
    some = [{"table": "holding", "address": 0, "type": "int16"}, {"table": "holding", "address": 5000}]
    async with pymodbus_server() as port:
        wired = {"host": "127.0.0.1", "port": port, "unit_id": UNIT}
        async with running(KIND, wired, points(KIND, some)) as (kept, _):
            await kept.next(1, because(Reason.DEVICE_EXCEPTION))
            assert {s.quality for s in kept.all(0)} == {Quality.GOOD}


async def test_what_is_written_is_read_back_on_and_off() -> None:
    some = [
        {"table": "coil", "address": 1},
        {"table": "holding", "address": 30},
        {"table": "holding", "address": 32, "type": "float32"},
    ]
    async with pymodbus_server() as port:
        wired = {"host": "127.0.0.1", "port": port, "unit_id": UNIT}
        async with running(KIND, wired, points(KIND, some)) as (kept, driver):
            for value in (1.0, 0.0, 1.0):
                for index, address in enumerate(some):
                    receipt = await driver.write(output(KIND, address), value)
                    assert receipt.written, receipt.detail
                    await kept.next(index, good(value))
