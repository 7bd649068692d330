"""A write counts when the device holds it: an echo proves that the request was understood, and no more."""

from __future__ import annotations

import asyncio
import dataclasses
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.modbus import KIND
from drivers.modbus.address import NumberType
from drivers.modbus.settings import Order, TcpSettings
from gateway import app
from gateway.errors import ConfigurationError
from gateway.plant.loader import parse_plant
from simulators.devices.modbus import DeviceFault
from simulators.run import Simulation
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Asked, Fault, FaultyServer
from tests.drivers.modbus_support import FIRST, reading
from tests.drivers.support import device, good, output, running
from tests.policy.source import ROOT
from tests.simulators.conftest import load_demo

COIL = {"table": "coil", "address": 9}
NUMBERS = [each for each in NumberType if each is not NumberType.STRING]


async def test_what_is_held_is_read_back_in_a_request_of_its_own_before_the_reads_that_wait() -> None:
    register = output(KIND, {"table": "holding", "address": 9, "type": "float32"})
    async with FaultyServer() as server, reading(FIRST, server=server) as (kept, driver):
        await kept.next(0, good(1000))
        for target in (output(KIND, COIL), register):
            receipt = await driver.write(target, 1.0)
            assert receipt.written, receipt.detail
            assert "read back" in receipt.detail
        asked = [(each.function, each.address, each.count) for each in server.asked]
    assert asked[asked.index((5, 9, 0xFF00)) + 1] == (1, 9, 1)
    assert asked[asked.index((16, 9, 2)) + 1] == (3, 9, 2)


@given(
    kind=st.sampled_from(NUMBERS),
    byte_order=st.sampled_from(Order),
    word_order=st.sampled_from(Order),
    value=st.integers(0, 1) | st.integers(2, 20_000),
    fault=st.sampled_from([None, faults.forgets, faults.distorts]),
)
@settings(max_examples=60, deadline=None)
def test_a_write_counts_exactly_when_the_device_holds_it(
    kind: NumberType, byte_order: Order, word_order: Order, value: int, fault: Fault | None
) -> None:
    value = value % 2 if kind is NumberType.BOOL else value
    target = output(KIND, {"table": "holding", "address": 40_000, "type": kind})

    async def write() -> None:
        async with FaultyServer(fault, base=20_321) as server:
            wired = {"host": "127.0.0.1", "port": server.port, "byte_order": byte_order, "word_order": word_order}
            async with running(KIND, wired, ()) as (_, driver):
                receipt = await driver.write(target, float(value))
                functions = [each.function for each in server.asked]
        assert functions == [6 if kind.registers == 1 else 16, 3]
        assert receipt.written is (fault is None), receipt.detail
        if fault is not None:
            assert f"not held: expected {value:g} (" in receipt.detail
            assert ", got " in receipt.detail

    asyncio.run(write())


@pytest.mark.parametrize("value", [0.0, 1.0])
async def test_a_coil_that_is_confirmed_and_not_set_says_what_was_expected_and_what_came(value: float) -> None:
    async with FaultyServer(faults.distorts) as server, running(KIND, wired_to(server), ()) as (_, driver):
        receipt = await driver.write(output(KIND, COIL), value)
    assert not receipt.written
    expected, got = int(value), 1 - int(value)
    assert f"expected {expected} (000{expected}), got {got} (000{got})" in receipt.detail


@pytest.mark.parametrize(
    ("fault", "said"),
    [(faults.hang, "no answer"), (faults.exception(2), "illegal data address"), (faults.reset, "connection lost")],
)
async def test_what_cannot_be_read_back_does_not_count_and_costs_no_more_than_one_request(
    fault: Fault, said: str
) -> None:
    async with FaultyServer(faults.unread(fault)) as server, running(KIND, wired_to(server), ()) as (_, driver):
        began = time.monotonic()
        receipt = await driver.write(output(KIND, COIL), 1.0)
        assert time.monotonic() - began < 2.0
        assert [each.function for each in server.asked] == [5, 1]
    assert not receipt.written
    assert "not read back" in receipt.detail
    assert said in receipt.detail


async def test_an_output_that_is_not_read_back_counts_once_the_device_confirms_it() -> None:
    pulse = dataclasses.replace(output(KIND, COIL), read_back=False)
    async with FaultyServer(faults.forgets) as server, running(KIND, wired_to(server), ()) as (_, driver):
        receipt = await driver.write(pulse, 1.0)
        assert receipt.written
        assert [each.function for each in server.asked] == [5]
    assert "not read back" in receipt.detail


async def test_a_write_that_another_overtook_is_not_told_as_a_device_that_holds_another_value() -> None:
    def slowly(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        reply = faults.frame(asked, server.good_reply(asked))
        server.later(0.05, lambda: writer.write(reply))
        return True

    async with FaultyServer(slowly) as server, running(KIND, wired_to(server, "2 s"), ()) as (_, driver):
        first, second = await asyncio.gather(
            driver.write(output(KIND, COIL), 0.0), driver.write(output(KIND, COIL), 1.0)
        )
    assert second.written, second.detail
    assert not first.written
    assert "overtaken" in first.detail


def device_of(simulation: Simulation, name: str) -> dict[str, object]:
    (found,) = [each.settings for each in simulation.plant.devices if each.id == name]
    assert isinstance(found, TcpSettings)
    return {"host": found.host, "port": found.port, "unit_id": found.unit_id}


def wired_to(server: FaultyServer, timeout: str = "150 ms") -> dict[str, object]:
    return {"host": "127.0.0.1", "port": server.port, "timeout": timeout}


@pytest.mark.parametrize(
    ("fault", "written"), [(None, True), (DeviceFault.FORGETFUL, False), (DeviceFault.DISTORTING, False)]
)
async def test_the_simulated_plc_is_believed_by_what_it_holds(fault: DeviceFault | None, written: bool) -> None:
    async with Simulation(load_demo(own_ports=True), seed=7) as simulation:
        await simulation.fault("plc_eaf", fault)
        wired = device_of(simulation, "plc_eaf")
        trip = simulation.plant.outputs_by_id()["eaf1.electrode_breaker_trip"]
        async with running(KIND, wired, ()) as (_, driver):
            receipt = await driver.write(trip, 1.0)
        assert receipt.written is written, receipt.detail
        assert ("not held: expected 1 (0001), got 0 (0000)" in receipt.detail) is not written
        assert (simulation.model.commanded(trip.id) == 1.0) is written


@pytest.mark.parametrize(
    ("address", "touches"),
    [
        ({"table": "holding", "address": 8}, False),
        ({"table": "holding", "address": 8, "type": "float32"}, True),
        ({"table": "holding", "address": 9}, True),
        (COIL, False),
    ],
)
def test_an_output_where_nothing_may_be_read_must_say_so(address: dict[str, object], touches: bool) -> None:
    assert KIND.check_read_back is not None
    careful = device(KIND, {"host": "x", "never_read": [{"table": "holding", "first": 9, "last": 9}]})
    parsed = KIND.output_address.model_validate(address)
    if touches:
        with pytest.raises(ValueError, match=r"outside never_read of device .*or read_back: false, got holding"):
            KIND.check_read_back(careful, parsed)
    else:
        KIND.check_read_back(careful, parsed)


TRIP = "target: {device: plc_eaf, table: coil, address: 0, type: bool}, allowed: true"


def test_the_plant_file_says_which_outputs_are_not_read_back_and_is_refused_where_that_means_nothing() -> None:
    text = (ROOT / "simulators/demo/plant.yaml").read_text("utf-8")

    def outputs(trip: str) -> dict[str, bool]:
        plant = parse_plant(text.replace(TRIP, trip), "plant.yaml", app.DRIVERS, app.load_criteria())
        return {each.id: each.read_back for each in plant.outputs}

    assert set(outputs(TRIP).values()) == {True}
    assert not outputs(f"{TRIP}, read_back: false")["eaf1.electrode_breaker_trip"]
    for trip, expected, got in (
        ("target: {device: mqtt_site, topic: eaf/stop}, allowed: true, read_back: true", "read_back", "mqtt"),
        (f"{TRIP}, read_back: perhaps", "true or false", "perhaps"),
    ):
        with pytest.raises(ConfigurationError) as told:
            outputs(trip)
        (problem,) = told.value.problems
        assert expected in problem.expected
        assert got in f"{problem.expected} {problem.got}"


def test_a_register_that_changes_when_it_is_read_is_told_at_its_output_unless_it_is_not_read_back() -> None:
    text = (ROOT / "simulators/demo/plant.yaml").read_text("utf-8")
    forbidden = "  - id: plc_eaf\n    never_read: [{table: coil, first: 0, last: 0}]\n"
    careful = text.replace("  - id: plc_eaf\n", forbidden)
    with pytest.raises(ConfigurationError) as told:
        parse_plant(careful, "plant.yaml", app.DRIVERS, app.load_criteria())
    (problem,) = told.value.problems
    assert "never_read" in problem.expected
    assert problem.line == 1 + next(at for at, each in enumerate(careful.splitlines()) if TRIP in each)
    parse_plant(careful.replace(TRIP, f"{TRIP}, read_back: false"), "plant.yaml", app.DRIVERS, app.load_criteria())
