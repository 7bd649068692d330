"""The simulated devices over real sockets, asked by independent clients as a gateway would."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiomqtt
import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from drivers.modbus.address import PointAddress
from drivers.modbus.codec import decode, form_of
from drivers.modbus.settings import DeviceSettings, Table
from drivers.mqtt.address import DeviceSettings as BrokerSettings
from drivers.mqtt.address import PointAddress as TopicAddress
from gateway.errors import PortInUse
from gateway.plant.model import Device, Plant, Point
from gateway.sample import Reason
from simulators.devices.broker import LocalBroker
from simulators.devices.modbus import DeviceFault
from simulators.run import Simulation
from tests.simulators.conftest import load_demo

MODBUS = ["plc_eaf", "plc_gas", "plc_caster", "plc_dust"]
ILLEGAL_ADDRESS = 2
DEVICE_FAILURE = 4


def device_of(simulation: Simulation, name: str) -> Device:
    return next(device for device in simulation.plant.devices if device.id == name)


def settings_of(simulation: Simulation, name: str) -> DeviceSettings:
    settings = device_of(simulation, name).settings
    assert isinstance(settings, DeviceSettings)
    return settings


@asynccontextmanager
async def client_of(simulation: Simulation, name: str, patience: float = 2.0) -> AsyncIterator[AsyncModbusTcpClient]:
    settings = settings_of(simulation, name)
    client = AsyncModbusTcpClient(settings.host, port=settings.port, timeout=patience, retries=0, reconnect_delay=0)
    await client.connect()
    try:
        yield client
    finally:
        client.close()


async def words_at(client: AsyncModbusTcpClient, unit: int, address: PointAddress) -> list[int]:
    count = address.type.registers
    match address.table:
        case Table.HOLDING:
            return (await client.read_holding_registers(address.address, count=count, device_id=unit)).registers
        case Table.INPUT:
            return (await client.read_input_registers(address.address, count=count, device_id=unit)).registers
        case Table.DISCRETE:
            bits = (await client.read_discrete_inputs(address.address, count=1, device_id=unit)).bits
        case Table.COIL:
            bits = (await client.read_coils(address.address, count=1, device_id=unit)).bits
    return [int(bits[0])]


def points_on(plant: Plant, device: str) -> list[Point]:
    return [point for point in plant.points if point.device == device]


async def until(holds: Callable[[], bool], patience: float = 20.0) -> None:
    async with asyncio.timeout(patience):
        while not holds():  # noqa: ASYNC110 - the model has no events
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("name", MODBUS)
async def test_every_register_decodes_to_what_the_model_says(simulation: Simulation, name: str) -> None:
    settings = settings_of(simulation, name)
    points = points_on(simulation.plant, name)
    assert points
    wanted = {point.id: round(point.low + 0.7 * (point.high - point.low)) for point in points}
    for point, value in wanted.items():
        simulation.force(point, value)
    async with client_of(simulation, name) as client:
        for point in points:
            address = point.address
            assert isinstance(address, PointAddress)
            words = await words_at(client, settings.unit_id, address)
            got = decode(form_of(address, settings), words, point.low, point.high)
            assert got.reason is Reason.NONE, point.id
            assert got.value == pytest.approx(wanted[point.id], abs=abs(address.scale)), point.id


async def test_a_detector_that_reports_a_fault_shows_its_fault_code(simulation: Simulation) -> None:
    settings = settings_of(simulation, "plc_gas")
    simulation.set("co_01.fault", 1.0)
    simulation.set("co_04.fault", 1.0)
    await until(lambda: simulation.model.value("co_01.fault") == 1)
    points = simulation.plant.points_by_id()
    async with client_of(simulation, "plc_gas") as client:
        for name in ("co_01.concentration", "co_04.concentration"):
            address = points[name].address
            assert isinstance(address, PointAddress)
            words = await words_at(client, settings.unit_id, address)
            assert decode(form_of(address, settings), words).reason is Reason.SENSOR_FAULT


@pytest.mark.parametrize("name", MODBUS)
async def test_an_address_that_nothing_maps_is_refused(simulation: Simulation, name: str) -> None:
    unit = settings_of(simulation, name).unit_id
    async with client_of(simulation, name) as client:
        for read in (
            client.read_holding_registers,
            client.read_input_registers,
            client.read_coils,
            client.read_discrete_inputs,
        ):
            answer = await read(40_000, count=1, device_id=unit)
            assert answer.isError()
            assert answer.exception_code == ILLEGAL_ADDRESS
        assert (await client.write_register(40_000, 1, device_id=unit)).exception_code == ILLEGAL_ADDRESS


async def test_another_unit_does_not_answer(simulation: Simulation) -> None:
    async with client_of(simulation, "plc_eaf", patience=0.3) as client:
        with pytest.raises(ModbusException):
            await client.read_holding_registers(0, count=1, device_id=9)


async def test_a_written_coil_moves_its_actuator_and_reads_back(simulation: Simulation) -> None:
    async with client_of(simulation, "plc_eaf") as client:
        assert not (await client.write_coil(0, True, device_id=1)).isError()
        assert (await client.read_coils(0, count=3, device_id=1)).bits[:3] == [True, False, False]
    await until(lambda: simulation.model.value("eaf1.electrode_breaker_closed") == 0)
    command = simulation.commands[0]
    assert (command.output, command.value) == ("eaf1.electrode_breaker_trip", 1.0)


async def test_a_written_register_moves_its_actuator(simulation: Simulation) -> None:
    async with client_of(simulation, "plc_dust") as client:
        assert not (await client.write_registers(100, [1], device_id=11)).isError()
        assert (await client.read_holding_registers(100, count=1, device_id=11)).registers == [1]
    await until(lambda: simulation.model.value("dust_dry1.process_running") == 0)


async def test_a_written_point_is_refused(simulation: Simulation) -> None:
    async with client_of(simulation, "plc_eaf") as client:
        answer = await client.write_registers(0, [0, 0], device_id=1)
    assert answer.exception_code == ILLEGAL_ADDRESS
    assert not simulation.commands


async def test_a_stuck_actuator_takes_the_command_and_does_nothing(simulation: Simulation) -> None:
    simulation.stick("eaf1.electrode_breaker_trip")
    async with client_of(simulation, "plc_eaf") as client:
        await client.write_coil(0, True, device_id=1)
    began = simulation.model.elapsed
    await until(lambda: simulation.model.elapsed > began + 1.0)
    assert simulation.model.value("eaf1.electrode_breaker_closed") == 1


async def fails_to_answer(client: AsyncModbusTcpClient) -> bool:
    try:
        answer = await client.read_holding_registers(0, count=2, device_id=1)
    except ModbusException:
        return True
    return answer.isError()


@pytest.mark.parametrize("kind", [DeviceFault.HANG, DeviceFault.GARBAGE, DeviceFault.EXCEPTION])
async def test_a_faulted_device_fails_alone_and_comes_back(simulation: Simulation, kind: DeviceFault) -> None:
    await simulation.fault("plc_eaf", kind)
    async with client_of(simulation, "plc_eaf", patience=0.3) as client:
        assert await fails_to_answer(client)
    async with client_of(simulation, "plc_caster") as other:
        assert not (await other.read_holding_registers(202, count=2, device_id=3)).isError()
    await simulation.fault("plc_eaf", None)
    async with client_of(simulation, "plc_eaf") as client:
        assert not await fails_to_answer(client)


async def test_an_exception_names_the_device_failure(simulation: Simulation) -> None:
    await simulation.fault("plc_eaf", DeviceFault.EXCEPTION)
    async with client_of(simulation, "plc_eaf") as client:
        answer = await client.read_holding_registers(0, count=2, device_id=1)
    assert answer.exception_code == DEVICE_FAILURE


async def test_a_dead_device_refuses_drops_its_clients_and_comes_back(simulation: Simulation) -> None:
    async with client_of(simulation, "plc_eaf", patience=0.3) as client:
        assert not await fails_to_answer(client)
        await simulation.fault("plc_eaf", DeviceFault.DEAD)
        assert await fails_to_answer(client)
    async with client_of(simulation, "plc_eaf", patience=0.3) as client:
        assert not client.connected
    await simulation.fault("plc_eaf", None)
    async with client_of(simulation, "plc_eaf") as client:
        assert not await fails_to_answer(client)


async def test_a_slow_device_is_late_but_right(simulation: Simulation) -> None:
    await simulation.fault("plc_eaf", DeviceFault.SLOW)
    loop = asyncio.get_running_loop()
    async with client_of(simulation, "plc_eaf", patience=10.0) as client:
        began = loop.time()
        assert not await fails_to_answer(client)
        assert loop.time() - began >= 0.35


@asynccontextmanager
async def subscriber(simulation: Simulation) -> AsyncIterator[aiomqtt.Client]:
    settings = device_of(simulation, "mqtt_site").settings
    assert isinstance(settings, BrokerSettings)
    async with aiomqtt.Client(settings.host, settings.port) as client:
        yield client


async def messages(simulation: Simulation, topic: str, wanted: Callable[[bytes], bool]) -> bytes:
    async with asyncio.timeout(20), subscriber(simulation) as client:
        await client.subscribe(topic)
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            if wanted(message.payload):
                return message.payload
    raise AssertionError("the broker closed the stream")


def at(document: object, path: str) -> object:
    for part in path.split("."):
        assert isinstance(document, dict)
        document = document[part]
    return document


async def test_mqtt_sensors_say_value_time_and_quality_where_the_plant_file_wants_them(
    simulation: Simulation,
) -> None:
    for point in points_on(simulation.plant, "mqtt_site"):
        address = point.address
        assert isinstance(address, TopicAddress)
        simulation.force(point.id, 1.0)
        payload = json.loads(
            await messages(
                simulation,
                address.topic,
                lambda body, path=address.value: at(json.loads(body), path) == 1.0,
            )
        )
        assert address.time
        stamp = at(payload, address.time)
        told = datetime.fromisoformat(stamp) if isinstance(stamp, str) else datetime.fromtimestamp(stamp / 1000, UTC)
        assert abs((datetime.now(UTC) - told).total_seconds()) < 60
        if address.quality:
            assert at(payload, address.quality) in address.good


async def test_a_broken_mqtt_sensor_says_that_its_value_is_bad(simulation: Simulation) -> None:
    simulation.set("co_05.fault", 1.0)
    body = await messages(simulation, "demo/gas/co_05", lambda body: json.loads(body)["quality"] != "good")
    document = json.loads(body)
    assert document["reading"] == {"value": None, "fault": 1.0}


@pytest.mark.parametrize("kind", ["process_stop", "purge_fan_start"])
async def test_an_mqtt_command_moves_its_actuator(simulation: Simulation, kind: str) -> None:
    state, wanted = {"process_stop": ("process_running", 0), "purge_fan_start": ("purge_fan_running", 1)}[kind]
    async with subscriber(simulation) as client:
        await messages(simulation, "demo/dust/dust_wet1", lambda _: True)
        await client.publish(f"demo/dust/dust_wet1/command/{kind}", b"1", qos=1)
        await until(lambda: simulation.model.value(f"dust_wet1.{state}") == wanted)
    assert [command.output for command in simulation.commands] == [f"dust_wet1.{kind}"]


async def test_a_command_that_is_no_number_is_ignored(simulation: Simulation) -> None:
    async with subscriber(simulation) as client:
        await messages(simulation, "demo/dust/dust_wet1", lambda _: True)
        await client.publish("demo/dust/dust_wet1/command/process_stop", b"stop!", qos=1)
        await client.publish("demo/dust/dust_wet1/command/purge_fan_start", b"1", qos=1)
        await until(lambda: len(simulation.commands) > 0)
    assert [command.output for command in simulation.commands] == ["dust_wet1.purge_fan_start"]


async def test_a_dead_mqtt_site_takes_its_broker_with_it_and_comes_back(simulation: Simulation) -> None:
    await messages(simulation, "demo/gas/co_05", lambda _: True)
    await simulation.fault("mqtt_site", DeviceFault.DEAD)
    with pytest.raises(aiomqtt.MqttError):
        async with subscriber(simulation):
            pass
    await simulation.fault("mqtt_site", None)
    assert await messages(simulation, "demo/gas/co_05", lambda _: True)


async def test_a_port_in_use_is_named() -> None:
    plant = load_demo(own_ports=True)
    async with Simulation(plant):
        with pytest.raises(PortInUse):
            async with Simulation(plant):
                pass


async def test_after_the_end_every_port_is_free_again() -> None:
    plant = load_demo(own_ports=True)
    for _ in range(2):
        async with Simulation(plant) as simulation:
            await messages(simulation, "demo/gas/co_05", lambda _: True)


async def test_the_brokers_door_is_open_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        LocalBroker("192.0.2.1", 18883)


async def test_a_scenario_plays_in_real_time_to_its_end(simulation: Simulation) -> None:
    short = simulation.scenarios["DC-1-good"].model_copy(update={"duration": 8_000_000})
    simulation.scenarios["short"] = short
    playing: Awaitable[None] = asyncio.ensure_future(simulation.play("short"))
    await until(lambda: simulation.model.value("caster1.mould_inlet_level") < -5)
    async with asyncio.timeout(30):
        await playing
    assert simulation.model.parameters["caster1.metal_loss"] == 0.0
