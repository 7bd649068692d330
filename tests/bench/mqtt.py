"""Messages a second through the MQTT driver, at QoS 0 and 1 and with batch payloads, beside bare subscribers in turn.

Every run has a broker of its own, and the same frames poured into its socket; the clock runs from the first
message that a subscriber sees to the last. A run that loses one message is no figure.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import threading
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import aiomqtt
import numpy as np
import paho.mqtt.client as paho

from drivers.mqtt import KIND
from gateway.clock import SystemClock
from gateway.driver import DriverWork, LinkState, LinkStatus
from gateway.plant.model import Device, Point, Text
from gateway.sample import SampleBatch
from tests.bench.harness import PATIENCE, BenchFailed, Options, Result, free_ports, workspace

BATCH = 100
"""Values in a batch payload."""
TOPIC = "plant/co"
_WORDS = Text("", "")
Subscriber = Callable[[int, int, int], Awaitable[float]]
"""Port, QoS and messages to the seconds that they took."""


class Counted:
    """Implements `gateway.driver.Receiver`: counts, and nothing else."""

    waiting = 0

    def __init__(self, wanted: int) -> None:
        self.wanted, self.good, self.dropped = wanted, 0, 0
        self.up, self.done = asyncio.Event(), asyncio.Event()
        self.began = 0.0

    def samples(self, batch: SampleBatch) -> None:
        self.began = self.began or time.perf_counter()
        self.good += int(np.count_nonzero(batch.quality == 0))
        if self.good >= self.wanted:
            self.done.set()

    def link(self, status: LinkStatus) -> None:
        if status.state is LinkState.UP:
            self.up.set()

    def lost(self, device: str, count: int) -> None:
        self.dropped += count


def run(options: Options) -> Result:
    messages = 10_000 if options.quick else 40_000
    result = Result(
        "mqtt",
        "aiomqtt alone (a loop over its messages, counting) and paho alone (a callback, counting), turn by turn",
        {"messages": messages, "values_in_a_batch": BATCH},
    )
    program = shutil.which("mosquitto") or shutil.which("/usr/sbin/mosquitto")
    if program is None:
        raise BenchFailed("mqtt: expected mosquitto to be installed")
    with workspace() as work:
        asyncio.run(_measure(program, work, messages, result))
    return result


async def _measure(program: str, work: Path, messages: int, result: Result) -> None:
    single = [b"%.1f" % (n % 900 / 10) for n in range(messages)]
    for qos in (0, 1):
        rates = {}
        for name, subscriber in (("driver", _driver(1)), ("aiomqtt", _aiomqtt), ("paho", _paho)):
            seconds = await _one(program, work, single, qos, subscriber)
            rates[name] = messages / seconds
            result.add(f"single values at QoS {qos}: {name}", rates[name], "messages/s")
        result.add(f"single values at QoS {qos}: driver to aiomqtt alone", rates["driver"] / rates["aiomqtt"], "x")
        result.add(f"single values at QoS {qos}: driver to paho alone", rates["driver"] / rates["paho"], "x")
    batches = messages // 20
    base = time.time()
    payload = [
        json.dumps({"v": [n % 90] * BATCH, "t": [round(base + n / 1000, 3)] * BATCH}).encode() for n in range(batches)
    ]
    rates = {}
    for name, subscriber in (("driver", _driver(BATCH)), ("aiomqtt", _aiomqtt)):
        rates[name] = batches * BATCH / await _one(program, work, payload, 1, subscriber)
        result.add(f"batches of {BATCH} with a time each: {name}", rates[name], "samples/s")
    result.add(f"batches of {BATCH}: driver to aiomqtt alone, unread", rates["driver"] / rates["aiomqtt"], "x")
    result.verified.append("every message that was sent came up GOOD, and none was dropped")


async def _one(program: str, work: Path, payloads: list[bytes], qos: int, subscriber: Subscriber) -> float:
    (port,) = free_ports(1)
    config = work / f"{port}.conf"
    config.write_text(f"user root\nlistener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
    with (work / "mosquitto.log").open("ab") as log:
        broker = await asyncio.create_subprocess_exec(program, "-c", str(config), stdout=log, stderr=log)
    try:
        await _reachable(port)
        counting = asyncio.ensure_future(subscriber(port, qos, len(payloads)))
        await asyncio.sleep(0.5)
        # In a process of its own: a sensor shares no interpreter with who hears it.
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, _pour, port, payloads, qos)
        async with asyncio.timeout(PATIENCE):
            return await counting
    finally:
        broker.terminate()
        await broker.wait()


async def _reachable(port: int) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


def _pour(port: int, payloads: list[bytes], qos: int) -> None:
    """A sensor that sends as fast as paho can, and waits for what QoS promises."""
    sensor = paho.Client(paho.CallbackAPIVersion.VERSION2, client_id="sensor")
    sensor.max_inflight_messages_set(1000)
    sensor.max_queued_messages_set(0)
    sensor.connect("127.0.0.1", port)
    sensor.loop_start()
    sent = [sensor.publish(TOPIC, payload, qos) for payload in payloads]
    for each in sent[-1000:]:
        each.wait_for_publish(PATIENCE)
    sensor.disconnect()
    sensor.loop_stop()


def _driver(values: int) -> Subscriber:
    async def count(port: int, qos: int, messages: int) -> float:
        address = {"topic": TOPIC, "qos": qos} | ({"value": "v", "time": "t"} if values > 1 else {})
        settings = KIND.device_settings.model_validate({"host": "127.0.0.1", "port": port, "inbox": 1_000_000})
        device = Device("device", KIND.name, _WORDS, settings)
        where = KIND.point_address.model_validate(address)
        point = Point(0, "a.b", _WORDS, "a", "b", "", 0, 1000, 1_000_000, 10_000_000, "device", where)
        counted = Counted(messages * values)
        task = asyncio.create_task(KIND.open(DriverWork(device, [point], (), counted, SystemClock())).run())
        try:
            await counted.done.wait()
            seconds = time.perf_counter() - counted.began
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        if counted.dropped or counted.good != messages * values:
            raise BenchFailed(f"mqtt: expected {counted.wanted} samples, got {counted.good}, {counted.dropped} dropped")
        return seconds

    return count


async def _aiomqtt(port: int, qos: int, messages: int) -> float:
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(TOPIC, qos)
        seen, began = 0, 0.0
        async for _ in client.messages:
            began = began or time.perf_counter()
            seen += 1
            if seen == messages:
                break
        return time.perf_counter() - began


async def _paho(port: int, qos: int, messages: int) -> float:
    done, times = threading.Event(), [0.0, 0.0]
    seen = 0

    def heard(_client: paho.Client, _data: object, _message: paho.MQTTMessage) -> None:
        nonlocal seen
        times[0] = times[0] or time.perf_counter()
        seen += 1
        if seen == messages:
            times[1] = time.perf_counter()
            done.set()

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_message = heard
    client.connect("127.0.0.1", port)
    client.subscribe(TOPIC, qos)
    client.loop_start()
    try:
        if not await asyncio.to_thread(done.wait, PATIENCE):
            raise BenchFailed(f"mqtt: expected {messages} messages at paho, got {seen}")
    finally:
        client.disconnect()
        client.loop_stop()
    return times[1] - times[0]
