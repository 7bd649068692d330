"""MQTT as plants have it, with a real Mosquitto: certificates, sessions, shared work, floods, a dying broker."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise

import aiomqtt
import pytest

from drivers.broker import Inbox
from drivers.mqtt import KIND
from drivers.mqtt.address import locate
from gateway import app
from gateway.clock import ManualClock
from gateway.driver import Driver, DriverWork, LinkState
from gateway.errors import ConfigurationError
from gateway.plant.loader import parse_plant
from gateway.plant.model import Plant, Point
from gateway.sample import SECOND, Instant, Quality, Reason
from tests.drivers.certificates import certificates
from tests.drivers.conftest import Broker
from tests.drivers.faulty_broker import publish_frame
from tests.drivers.support import Kept, device, output, points, running
from tests.policy.source import ROOT

pytestmark = pytest.mark.broker
DATED = {"topic": "plant/co", "value": "v", "time": "t"}
PLAIN = {"topic": "plant/plain"}


def parsed(text: str) -> Plant:
    return parse_plant(text, "plant.yaml", app.DRIVERS, app.load_criteria())


def located(settings: dict[str, object], *addresses: dict[str, object]) -> list[Point]:
    """Points as the loader makes them: with defaults and names filled in."""
    from dataclasses import replace

    unit = device(KIND, settings)
    return [
        replace(point, address=locate(unit, point.address, point.equipment, point.kind))
        for point in points(KIND, addresses)
    ]


@contextlib.asynccontextmanager
async def hearing(port: int, *addresses: dict[str, object], **extra: object) -> AsyncIterator[tuple[Kept, Driver]]:
    wired = {"host": "127.0.0.1", "port": port, "timeout": "5 s", **extra}
    async with running(KIND, wired, located(wired, *addresses)) as (kept, driver):
        yield kept, driver


async def up(kept: Kept) -> None:
    await kept.until(lambda: kept.states()[-1:] == [LinkState.UP], 40)


def dated(value: float, at: float | None = None) -> bytes:
    return json.dumps({"v": value, "t": time.time() if at is None else at}).encode()


async def pour(port: int, frames: bytes) -> None:
    """Straight into the broker's socket, as fast as it takes it."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"\x10\x11\x00\x04MQTT\x04\x02\x00\x00\x00\x05pouro")
    assert await reader.readexactly(4) == b"\x20\x02\x00\x00"
    writer.write(frames + b"\xe0\x00")
    await writer.drain()
    await reader.read()
    writer.close()


# A handshake that fails leaves paho's socket to the garbage collector, which closes it.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_certificates_are_checked_on_both_sides(broker: Broker) -> None:
    made = certificates()
    await broker.stop()
    broker.extra = (
        f"allow_anonymous true\nrequire_certificate true\ncafile {made.ca}\n"
        f"certfile {made.broker}\nkeyfile {made.broker_key}"
    )
    await broker.start()
    ours = {"ca": str(made.ca), "certificate": str(made.gateway), "key": str(made.gateway_key)}
    refused: list[dict[str, str]] = [
        {},
        {"ca": str(made.ca)},
        {**ours, "certificate": str(made.stranger), "key": str(made.stranger_key)},
        {**ours, "ca": str(made.stranger)},
        {**ours, "key": "nowhere.pem"},
    ]
    for tls in refused:
        async with hearing(broker.port, PLAIN, tls=tls, timeout="1 s") as (kept, _):
            await kept.until(lambda: kept.states()[-1:] == [LinkState.DOWN])
            assert LinkState.UP not in kept.states()
    assert "expected a certificate in" in kept.links[-1].detail
    assert "nowhere.pem" in kept.links[-1].detail
    async with hearing(broker.port, PLAIN, tls=ours) as (kept, driver):
        await up(kept)
        receipt = await driver.write(output(KIND, {"topic": "plant/plain"}), 1.0)
        assert receipt.written, receipt.detail
        await kept.until(lambda: kept.all(0))


@pytest.mark.parametrize("version", ["3.1.1", "5"])
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_every_quality_of_service_in_both_versions(broker: Broker, version: str, qos: int) -> None:
    async with hearing(broker.port, {**PLAIN, "qos": qos}, version=version) as (kept, driver):
        await up(kept)
        target = output(KIND, {"topic": "plant/plain", "qos": max(1, qos)})
        for value in (1.0, 0.0):
            assert (await driver.write(target, value)).written
        await kept.until(lambda: len(kept.all(0)) == 2)
        assert [s.value for s in kept.all(0)] == [1, 0]


@pytest.mark.parametrize("version", ["3.1.1", "5"])
async def test_a_session_brings_what_came_while_we_were_away_with_its_own_time(broker: Broker, version: str) -> None:
    lasting = {"client_id": "gate", "session": "1 h", "version": version}
    async with hearing(broker.port, DATED, **lasting) as (kept, _):
        await up(kept)
    then = int(time.time()) - 30
    await broker.publish(*(("plant/co", dated(n, then + n)) for n in range(5)))
    async with hearing(broker.port, DATED, **lasting) as (kept, _):
        await kept.until(lambda: len(kept.all(0)) == 5)
        assert [(s.value, s.source_time // SECOND) for s in kept.all(0)] == [(n, then + n) for n in range(5)]


async def test_a_group_shares_the_work_and_misses_nothing(broker: Broker) -> None:
    async with (
        hearing(broker.port, DATED, share="gates") as (one, _),
        hearing(broker.port, DATED, share="gates") as (
            other,
            _,
        ),
    ):
        await up(one)
        await up(other)
        await broker.publish(*(("plant/co", dated(n)) for n in range(100)))
        await one.until(lambda: len(one.all(0)) >= 50)
        await other.until(lambda: len(one.all(0)) + len(other.all(0)) == 100)
        assert sorted(s.value for kept in (one, other) for s in kept.all(0)) == list(range(100))
        assert one.all(0)
        assert other.all(0)


async def test_a_template_and_one_subscription_serve_every_point(broker: Broker) -> None:
    defaults = {"topic": "plant/{equipment}/{kind}", "value": "v", "time": "t"}
    some = [{}, {}, {"topic": "plant/+/any"}, {"topic": "plant/equipment/kind0", "value": "raw"}]
    async with hearing(broker.port, *some, defaults=defaults, subscribe=["plant/#"]) as (kept, _):
        await up(kept)
        await broker.publish(
            ("plant/equipment/kind0", json.dumps({"v": 1, "raw": 11, "t": time.time()}).encode()),
            ("plant/equipment/kind1", dated(2)),
            ("plant/x/any", dated(3)),
            ("plant/y/any", dated(4)),
            ("plant/nobody/cares", dated(5)),
        )
        await kept.until(lambda: len(kept.all(2)) == 2 and kept.all(3))
        assert [[s.value for s in kept.all(n)] for n in range(4)] == [[1], [2], [3, 4], [11]]


def test_what_a_device_cannot_serve_is_a_mistake_in_the_plant_file() -> None:
    def refused(address: dict[str, object], **settings: object) -> str:
        with pytest.raises(ValueError, match="expected") as told:
            located({"host": "x", **settings}, address)
        return str(told.value)

    assert "a topic here or in the defaults" in refused({})
    assert "a topic under a/#" in refused({"topic": "b/c"}, subscribe=["a/#"])
    assert "a source time" in refused(PLAIN, session="1 h", client_id="gate")
    with pytest.raises(ValueError, match="client_id"):
        KIND.device_settings.model_validate({"host": "x", "session": "1 h"})
    with pytest.raises(ValueError, match="among"):
        KIND.point_address.model_validate({"topic": "a/{area}"})
    assert KIND.device_settings.model_validate({"host": "x", "tls": {}}).model_dump()["port"] == 8883


def test_a_template_in_a_plant_file_is_filled_in_and_a_mistake_in_it_has_its_line() -> None:
    text = (ROOT / "simulators/demo/plant.yaml").read_text("utf-8")
    whole = "topic: demo/gas/co_05, value: reading.value"
    assert whole in text
    filled = parsed(text.replace(whole, "topic: 'demo/gas/{equipment}', value: reading.value"))
    assert "demo/gas/co_05" in {getattr(point.address, "topic", None) for point in filled.points}
    with pytest.raises(ConfigurationError) as told:
        parsed(text.replace(whole, "value: reading.value"))
    (problem,) = told.value.problems
    assert problem.line == 1 + text[: text.index(whole)].count("\n")
    assert problem.expected == "a topic here or in the defaults of the device"


async def test_what_the_inbox_cannot_hold_is_counted_and_the_newest_stays(broker: Broker) -> None:
    async with hearing(broker.port, {**PLAIN, "qos": 0}, inbox=1) as (kept, _):
        await up(kept)
        await pour(broker.port, b"".join(publish_frame("plant/plain", b"%d" % n) for n in range(2000)))
        await kept.until(lambda: kept.dropped and len(kept.all(0)) + kept.dropped == 2000)
        values = [s.value for s in kept.all(0)]
        assert values[-1] == 1999
        assert all(one < other for one, other in pairwise(values))


async def test_a_full_inbox_loses_the_oldest_and_keeps_the_time_of_each() -> None:
    clock = ManualClock(Instant(0))
    inbox = Inbox(3, clock)
    for n in range(5):
        clock.advance(SECOND)
        inbox.put_nowait(aiomqtt.Message("t", b"%d" % n, 0, False, n, None))
    assert [(m.payload, at // SECOND) for m, at in inbox.take()] == [(b"2", 3), (b"3", 4), (b"4", 5)]
    assert (inbox.dropped(), inbox.dropped()) == (2, 0)


async def test_ten_megabytes_are_malformed_and_the_next_message_is_read(broker: Broker) -> None:
    async with hearing(broker.port, PLAIN, DATED) as (kept, _):
        await up(kept)
        await broker.publish(("plant/plain", b"1" * 10_000_000), ("plant/co", dated(2)), ("plant/plain", b"3"))
        await kept.until(lambda: len(kept.all(0)) == 2 and kept.all(1))
        assert [s.reason for s in kept.all(0)] == [Reason.MALFORMED, Reason.NONE]
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP]


async def test_a_hundred_thousand_topics_leave_two_points_right(broker: Broker) -> None:
    await broker.stop()
    broker.extra = "allow_anonymous true\nmax_queued_messages 0"
    await broker.start()
    some = [{"topic": "site/77777/v", "qos": 0}, {"topic": "site/+/w", "qos": 0}]
    async with hearing(broker.port, *some, subscribe=["site/#"]) as (kept, _):
        await up(kept)
        await pour(broker.port, b"".join(publish_frame(f"site/{n}/v", b"%d" % n) for n in range(100_000)))
        await broker.publish(("site/9/w", b"9"))
        await kept.until(lambda: kept.all(1), 100)
        assert [s.value for s in kept.all(0)] == [77777]
        assert kept.dropped == 0


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_broker_that_restarts_in_the_middle_of_qos_1_costs_no_message(broker: Broker, end: str) -> None:
    await broker.stop()
    stored = (
        f"allow_anonymous true\nautosave_interval 1\nautosave_on_changes true\npersistence_location {broker.folder}/"
    )
    broker.extra = f"{stored}\nmax_queued_messages 0"
    broker.persistent = True
    await broker.start()
    sent: list[int] = []

    async def publish() -> None:
        """A sensor that sends each number until the broker has confirmed it."""
        for n in range(400):
            while len(sent) == n:
                with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                    async with aiomqtt.Client("127.0.0.1", broker.port, identifier="sensor", timeout=1) as sensor:
                        while len(sent) < 400:
                            await sensor.publish("plant/co", dated(len(sent)), qos=1)
                            sent.append(len(sent))
                await asyncio.sleep(0.05)

    async with hearing(broker.port, DATED, client_id="gate", session="1 h") as (kept, _):
        await up(kept)
        sensor = asyncio.create_task(publish())
        await kept.until(lambda: len(kept.all(0)) > 50)
        await (broker.stop() if end == "kill" else broker.terminate())
        await kept.until(lambda: kept.states()[-1] is LinkState.DOWN)
        await broker.start()
        await kept.until(lambda: LinkState.UP in kept.states()[3:], 40)
        await sensor
        await kept.until(lambda: 399 in {s.value for s in kept.all(0)}, 40)
        missing = set(range(400)) - {int(s.value) for s in kept.all(0) if s.quality is Quality.GOOD}
        assert missing == set()
        assert kept.dropped == 0


async def test_a_clock_that_runs_ahead_or_behind_is_measured_and_shown(broker: Broker) -> None:
    late = {**DATED, "topic": "plant/late"}
    async with hearing(broker.port, DATED, late) as (kept, _):
        await up(kept)
        for _ in range(3):
            await broker.publish(("plant/co", dated(1, time.time() + 4)), ("plant/late", dated(1, time.time() - 60)))
        await kept.until(lambda: "late" in kept.links[-1].detail)
        assert "the clock of plant/late is 1 min behind ours" in kept.links[-1].detail
        assert (kept.links[-1].clock_source, kept.links[-1].clock_ahead) == ("plant/late", -60 * SECOND)
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP, LinkState.UP]


async def test_stopping_at_any_moment_is_quiet(broker: Broker) -> None:
    complaints: list[object] = []

    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))

    async def stop_in(seconds: float, meanwhile: Callable[[], Awaitable[None]]) -> None:
        work = DriverWork(
            device(KIND, {"host": "127.0.0.1", "port": broker.port, "timeout": "300 ms"}),
            points(KIND, [PLAIN]),
            (),
            Kept(),
            ManualClock(),
        )
        driver = KIND.open(work)
        task = asyncio.create_task(driver.run())
        await asyncio.sleep(seconds)
        writes = [asyncio.create_task(driver.write(output(KIND, {"topic": "plant/plain"}), 1.0)) for _ in range(5)]
        await asyncio.sleep(0)
        await meanwhile()
        task.cancel()
        await asyncio.gather(task, *writes, return_exceptions=True)

    async def nothing() -> None:
        return

    for step in range(12):
        await stop_in(0.004 * step, nothing)
    await stop_in(0.2, broker.stop)
    await broker.start()
    await asyncio.sleep(0.05)
    assert complaints == []


async def test_a_topic_that_is_no_text_costs_the_connection_and_nothing_else() -> None:
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        with contextlib.suppress(OSError):
            await reader.read(4096)
            writer.write(b"\x20\x02\x00\x00")
            packet = await reader.read(4096)
            writer.write(b"\x90\x03" + packet[2:4] + b"\x01")
            bad = struct.pack(">H", 3) + b"\xff\xfe\xfd" + b"7"
            writer.write(publish_frame("plant/plain", b"1") + b"\x30" + bytes((len(bad),)) + bad)
            await reader.read(4096)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, hearing(server.sockets[0].getsockname()[1], PLAIN) as (kept, _):
        await kept.until(lambda: LinkState.DOWN in kept.states() and LinkState.UP in kept.states()[2:])
        assert {s.value for s in kept.all(0) if s.quality is Quality.GOOD} == {1}
    for writer in writers:
        writer.transport.abort()
    await asyncio.sleep(0)
