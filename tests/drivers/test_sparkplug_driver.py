"""The Sparkplug host with a real Mosquitto and edge nodes that are born, die and lose messages."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
from collections.abc import AsyncIterator

import aiomqtt
import pytest

from drivers.sparkplug import KIND
from drivers.sparkplug import driver as driver_module
from drivers.sparkplug.codec import DataType
from gateway.clock import SystemClock
from gateway.driver import Driver, LinkState
from gateway.sample import SECOND, Quality, Reason, Sample
from simulators.devices.sparkplug import EdgeNode, Held
from tests.drivers.conftest import Broker
from tests.drivers.support import Kept, because, good, output, points, running

pytestmark = pytest.mark.broker
NODE = {"group": "plant", "node": "edge"}
CO = {**NODE, "metric": "co/ppm"}
LEVEL = {**NODE, "unit": "caster", "metric": "level"}
PUMP = {**NODE, "unit": "caster", "metric": "pump"}


def edge(broker: Broker, **extra: object) -> EdgeNode:
    units = {
        None: {"co/ppm": Held(12.5)},
        "caster": {
            "level": Held(80.0, DataType.FLOAT),
            "pump": Held(0.0, DataType.BOOLEAN),
            "t": Held(-40, DataType.INT16),
        },
    }
    node = EdgeNode("127.0.0.1", broker.port, "plant", "edge", units, SystemClock())
    for name, value in extra.items():
        setattr(node, name, value)
    return node


@contextlib.asynccontextmanager
async def hosting(broker: Broker, *addresses: dict[str, object], **extra: object) -> AsyncIterator[tuple[Kept, Driver]]:
    wired = {"host": "127.0.0.1", "port": broker.port, "timeout": "3 s", **extra}
    async with running(KIND, wired, points(KIND, addresses or (CO, LEVEL), period=100_000)) as pair:
        yield pair


def is_bad(sample: Sample) -> bool:
    return sample.quality is Quality.BAD


@pytest.mark.parametrize("first", ["host", "node"])
async def test_whoever_comes_first_the_values_are_there(broker: Broker, first: str) -> None:
    node = edge(broker)
    if first == "node":
        await node.start()
    async with hosting(broker) as (kept, _):
        if first == "host":
            await kept.until(lambda: LinkState.UP in kept.states())
            await node.start()
        await kept.next(0, good(12.5))
        await kept.until(lambda: kept.all(1) and kept.all(1)[-1].value == 80)
        await node.report("caster", {"level": Held(81.5, DataType.FLOAT)})
        await kept.next(1, good(81.5))
        await node.stop()


async def test_a_value_is_repeated_while_its_session_lives_and_not_a_moment_longer(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    async with hosting(broker) as (kept, _):
        await kept.until(lambda: len([s for s in kept.all(1) if s.value == 80]) >= 5)
        await node.stop(in_silence=True)
        lost = await kept.next(1, is_bad)
        assert lost.reason is Reason.DISCONNECTED
        start = len(kept.all(1))
        await kept.until(lambda: len(kept.all(1)) >= start + 2)
        assert all(is_bad(s) for s in kept.all(1)[start:])


async def test_a_node_that_says_goodbye_and_a_device_that_dies_are_bad_at_once(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    async with hosting(broker) as (kept, _):
        await kept.next(1, good(80))
        await kept.next(0, good(12.5))
        await node.unit_dies("caster")
        assert (await kept.next(1, is_bad)).reason is Reason.DISCONNECTED
        await kept.next(0, good(12.5))
        await node.stop()
        assert (await kept.next(0, is_bad)).reason is Reason.DISCONNECTED
        await kept.until(lambda: "no session with plant/edge" in kept.links[-1].detail)


async def test_a_missed_message_makes_everything_stale_until_the_rebirth_that_is_asked_for(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "ASK_AGAIN", SECOND // 10)
    node = edge(broker)
    await node.start()
    async with hosting(broker) as (kept, _):
        await kept.next(1, good(80))
        births = node.births
        node.units["caster"]["level"] = Held(95.0, DataType.FLOAT)
        node.skip()
        start = len(kept.all(1))
        await node.report(None, {"co/ppm": Held(13.0)})
        await kept.until(lambda: any(s.value == 95 for s in kept.all(1)))
        assert node.births == births + 1
        told = [(s.value, s.quality) for s in kept.all(1)[start:]]
        assert (80, Quality.STALE) in told
        assert told.index((80, Quality.STALE)) < told.index((95, Quality.GOOD))
        assert not any(math.isnan(value) for value, _ in told), "a rebirth is no loss"
        await node.stop()


async def test_null_bad_and_stale_qualities_and_the_past_are_what_they_are(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    async with hosting(broker, by_exception=False) as (kept, _):
        await kept.next(1, good(80))
        await node.report("caster", {"level": Held(82.0, DataType.FLOAT, quality=500)})
        assert (await kept.next(1, because(Reason.TOO_OLD))).quality is Quality.STALE
        await node.report("caster", {"level": Held(83.0, DataType.FLOAT, quality=0)})
        assert (await kept.next(1, because(Reason.SENSOR_FAULT))).quality is Quality.BAD
        await node.report("caster", {"level": Held(None, DataType.FLOAT)})
        assert (await kept.next(1, because(Reason.NOT_A_NUMBER))).quality is Quality.BAD
        await node.report("caster", {"level": Held(84.0, DataType.FLOAT)})
        await kept.next(1, good(84))
        await node.report("caster", {"level": Held(20.0, DataType.FLOAT)}, historical=True)
        past = await kept.next(1, good(20))
        assert past.receive_time - past.source_time > 3500 * SECOND
        assert kept.all(1)[-1].value == 84, "the past does not stand in for the present"
        await node.stop()


async def test_a_broker_that_restarts_takes_every_session_with_it_and_gives_them_back(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    async with hosting(broker) as (kept, _):
        await kept.next(0, good(12.5))
        await broker.stop()
        assert (await kept.next(0, is_bad)).reason is Reason.DISCONNECTED
        await node.stop(in_silence=True)
        await broker.start()
        await kept.until(lambda: LinkState.UP in kept.states()[3:], 40)
        start = len(kept.all(0))
        await asyncio.sleep(0.3)
        assert all(is_bad(s) for s in kept.all(0)[start:]), "nothing is good before the node is born again"
        again = edge(broker, bd_seq=1)
        await again.start()
        await kept.next(0, good(12.5))
        await again.stop()


async def test_a_command_is_written_once_the_node_reports_it_back(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    target = output(KIND, {**PUMP, "type": "boolean"})
    async with hosting(broker, LEVEL, timeout="1 s") as (kept, driver):
        await kept.next(0, good(80))
        for value in (1.0, 0.0):
            receipt = await driver.write(target, value)
            assert receipt.written, receipt.detail
        assert node.obeyed == [("caster", "pump", 1.0), ("caster", "pump", 0.0)]
        node.deaf = True
        receipt = await driver.write(target, 1.0)
        assert not receipt.written
        assert "did not report" in receipt.detail
        await node.stop()
        await kept.next(0, is_bad)
        receipt = await driver.write(target, 1.0)
        assert not receipt.written
        assert "no session with edge/caster" in receipt.detail
        assert not (await driver.write(target, 0.5)).written


async def test_the_state_of_the_host_is_told_kept_and_corrected(broker: Broker) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port) as witness:
        await witness.subscribe("spBv1.0/STATE/tocsin", qos=1)

        async def next_state() -> tuple[bool, int, bool]:
            message = await asyncio.wait_for(anext(witness.messages), 20)
            said = json.loads(message.payload)
            return said["online"], said["timestamp"], message.retain

        async with hosting(broker, host_id="tocsin") as (kept, _):
            online, at, _ = await next_state()
            assert online
            assert at > 1_700_000_000_000
            await kept.until(lambda: LinkState.UP in kept.states())
            await witness.publish(
                "spBv1.0/STATE/tocsin", json.dumps({"online": False, "timestamp": at}), 1, retain=True
            )
            assert (await next_state())[0] is False
            assert (await next_state())[0] is True, "a will of ours that came late is corrected"
        assert (await next_state())[0] is False, "a host that stops says so"
    async with aiomqtt.Client("127.0.0.1", broker.port) as witness:
        await witness.subscribe("spBv1.0/STATE/tocsin", qos=1)
        kept_state = await asyncio.wait_for(anext(witness.messages), 20)
        assert kept_state.retain
        assert json.loads(kept_state.payload)["online"] is False


async def test_noise_on_a_node_s_topic_is_bad_and_asks_for_a_rebirth(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(driver_module, "ASK_AGAIN", SECOND // 10)
    node = edge(broker)
    await node.start()
    async with hosting(broker) as (kept, _):
        await kept.next(0, good(12.5))
        await asyncio.sleep(0.15)
        births, start = node.births, len(kept.all(0))
        await broker.publish(("spBv1.0/plant/NDATA/edge", b"\xff" * 40))
        await kept.until(lambda: any(s.reason is Reason.MALFORMED for s in kept.all(0)[start:]))
        await kept.until(lambda: kept.all(0)[-1].value == 12.5)
        assert node.births > births
        await node.stop()


async def test_a_metric_that_is_not_in_the_birth_is_bad_and_not_silent(broker: Broker) -> None:
    node = edge(broker)
    await node.start()
    async with hosting(broker, LEVEL, {**NODE, "unit": "caster", "metric": "levle"}) as (kept, _):
        await kept.next(0, good(80))
        await kept.next(1, is_bad)
        assert {s.quality for s in kept.all(1)} == {Quality.BAD}
        await node.stop()
