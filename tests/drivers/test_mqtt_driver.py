"""The MQTT driver with a real Mosquitto, and with brokers that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import aiomqtt
import pytest

from drivers.mqtt import KIND
from gateway.driver import Driver, LinkState
from gateway.sample import Quality, Reason
from tests.drivers.conftest import Broker
from tests.drivers.support import Kept, because, device, output, points, running

PLAIN = {"topic": "plant/plain"}
CO = {"topic": "plant/co", "value": "co", "time": "time", "quality": "status"}
FAULT = {"topic": "plant/co", "value": "fault"}


@contextlib.asynccontextmanager
async def hearing(port: int, *addresses: dict[str, object], **extra: object) -> AsyncIterator[tuple[Kept, Driver]]:
    wired = {"host": "127.0.0.1", "port": port, "timeout": "2 s", **extra}
    async with running(KIND, wired, points(KIND, addresses)) as pair:
        yield pair


async def up(kept: Kept) -> None:
    await kept.until(lambda: kept.states()[-1:] == [LinkState.UP])


def reading(co: object, **more: object) -> bytes:
    return json.dumps({"co": co, "fault": 0, "time": time.time(), "status": "good", **more}).encode()


@pytest.mark.broker
async def test_several_points_are_heard_in_one_topic(broker: Broker) -> None:
    async with hearing(broker.port, PLAIN, CO, FAULT) as (kept, _):
        await up(kept)
        await broker.publish(("plant/plain", b"7.5"), ("plant/co", reading(24)))
        await kept.until(lambda: kept.all(0) and kept.all(1) and kept.all(2))
        assert (kept.all(0)[0].value, kept.all(1)[0].value, kept.all(2)[0].value) == (7.5, 24, 0)
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP]


@pytest.mark.broker
@pytest.mark.parametrize("payload", [b"{", b"\xff\xff", b"", b"[]", b" " * (1 << 20) + b"1"], ids=range(5))
async def test_a_broken_payload_spoils_its_own_topic_and_no_other(broker: Broker, payload: bytes) -> None:
    async with hearing(broker.port, PLAIN, CO, FAULT) as (kept, _):
        await up(kept)
        await broker.publish(("plant/co", payload), ("plant/plain", b"1"), ("plant/co", reading(3)))
        await kept.until(lambda: len(kept.all(1)) == 2)
        assert [s.reason for s in kept.all(1)] == [Reason.MALFORMED, Reason.NONE]
        assert [s.reason for s in kept.all(2)] == [Reason.MALFORMED, Reason.NONE]
        assert [s.reason for s in kept.all(0)] == [Reason.NONE]


@pytest.mark.broker
async def test_a_retained_value_keeps_its_own_time_and_is_uncertain_without_one(broker: Broker) -> None:
    hour_ago = time.time() - 3600
    await broker.publish(("plant/plain", b"7.5"), ("plant/co", reading(24, time=hour_ago)), retain=True)
    async with hearing(broker.port, PLAIN, CO) as (kept, _):
        await kept.until(lambda: kept.all(0) and kept.all(1))
        plain, dated = kept.all(0)[0], kept.all(1)[0]
        assert (plain.quality, plain.reason) == (Quality.UNCERTAIN, Reason.RETAINED)
        assert dated.quality is Quality.GOOD
        assert dated.source_time == pytest.approx(hour_ago * 1e6, abs=10)
        assert dated.receive_time - dated.source_time > 3500e6


@pytest.mark.broker
async def test_a_restart_of_the_broker_is_bad_until_it_is_over(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "drivers")
    async with hearing(broker.port, PLAIN, CO) as (kept, driver):
        await up(kept)
        await broker.publish(("plant/plain", b"1"))
        await kept.until(lambda: kept.all(0))
        await broker.stop()
        await kept.until(lambda: len(kept.all(1)) >= 2, 30)
        assert {s.reason for s in kept.all(1)} == {Reason.DISCONNECTED}
        receipt = await driver.write(output(KIND, {"topic": "plant/stop"}), 1.0)
        assert not receipt.written
        await broker.start()
        await up(kept)
        await broker.publish(("plant/plain", b"2"))
        await kept.until(lambda: kept.all(0)[-1].value == 2)
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP, LinkState.DOWN, LinkState.UP]
        assert len([r for r in caplog.records if r.name.startswith("drivers")]) == 4


async def test_a_broker_that_is_not_there_is_bad_from_the_start(
    unused_port: Callable[[], int],
) -> None:
    async with hearing(unused_port(), PLAIN) as (kept, _):
        await kept.until(lambda: len(kept.all(0)) >= 3, 30)
        assert {s.reason for s in kept.all(0)} == {Reason.DISCONNECTED}
        assert kept.states() == [LinkState.CONNECTING, LinkState.DOWN]


@pytest.mark.broker
async def test_the_order_of_starting_does_not_matter(broker: Broker) -> None:
    await broker.stop()
    async with hearing(broker.port, PLAIN) as (kept, _):
        await kept.until(lambda: kept.all(0))
        await broker.start()
        await up(kept)
        await broker.publish(("plant/plain", b"5"))
        await kept.until(lambda: kept.all(0)[-1].value == 5)


@pytest.mark.broker
async def test_a_write_is_confirmed_by_the_broker_and_off_as_well_as_on(broker: Broker) -> None:
    target = output(KIND, {"topic": "plant/stop", "payload": '{"stop": {value}}'})
    async with (
        aiomqtt.Client("127.0.0.1", broker.port) as actuator,
        hearing(broker.port, PLAIN) as (kept, driver),
    ):
        await actuator.subscribe("plant/stop", qos=1)
        await up(kept)
        for value, payload in ((1.0, b'{"stop": 1}'), (0.0, b'{"stop": 0}')):
            receipt = await driver.write(target, value)
            assert receipt.written, receipt.detail
            message = await asyncio.wait_for(anext(actuator.messages), 20)
            assert message.payload == payload
            assert not message.retain


@pytest.mark.broker
async def test_messages_of_one_turn_go_up_together(broker: Broker) -> None:
    async with hearing(broker.port, PLAIN) as (kept, _):
        await up(kept)
        await broker.publish(*[("plant/plain", str(n).encode()) for n in range(200)])
        await kept.until(lambda: len(kept.all(0)) == 200)
        assert [s.value for s in kept.all(0)] == list(range(200))


@pytest.mark.broker
async def test_a_password_comes_from_the_environment_only(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    await broker.stop()
    passwords = broker.folder / "passwords"
    tool = await asyncio.create_subprocess_exec("mosquitto_passwd", "-b", "-c", str(passwords), "gate", "secret")
    assert await tool.wait() == 0
    broker.extra = f"allow_anonymous false\npassword_file {passwords}"
    await broker.start()
    settings = {"username": "gate", "password_env": "TOCSIN_TEST_PASSWORD"}
    monkeypatch.delenv("TOCSIN_TEST_PASSWORD", raising=False)
    async with hearing(broker.port, PLAIN, **settings) as (kept, _):
        await kept.until(lambda: LinkState.DOWN in kept.states())
        assert "TOCSIN_TEST_PASSWORD" in kept.links[-1].detail
        monkeypatch.setenv("TOCSIN_TEST_PASSWORD", "wrong")
        await kept.next(0, because(Reason.DISCONNECTED))
        monkeypatch.setenv("TOCSIN_TEST_PASSWORD", "secret")
        await up(kept)


@pytest.mark.broker
async def test_one_dead_broker_disturbs_no_other(broker: Broker) -> None:
    async with misbehaving(b"") as hung, hearing(hung.port, PLAIN), hearing(broker.port, PLAIN) as (kept, _):
        await up(kept)
        for n in range(5):
            await broker.publish(("plant/plain", str(n).encode()))
        await kept.until(lambda: len(kept.all(0)) == 5)
        assert all(s.quality is Quality.GOOD for s in kept.all(0))


class Misbehaving:
    """Answers CONNECT with some bytes and every packet after it with others."""

    def __init__(self, hello: bytes, after: bytes) -> None:
        self.hello, self.after, self.port, self.connections = hello, after, 0, 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._connected = asyncio.Event()

    async def reached(self, connections: int) -> None:
        async with asyncio.timeout(30):
            while self.connections < connections:
                self._connected.clear()
                await self._connected.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._connected.set()
        self._writers.add(writer)
        with contextlib.suppress(OSError):
            answer = self.hello
            while await reader.read(4096):
                writer.write(answer)
                answer = self.after
        writer.close()

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()


@contextlib.asynccontextmanager
async def misbehaving(hello: bytes, after: bytes = b"") -> AsyncIterator[Misbehaving]:
    it = Misbehaving(hello, after)
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    it.port = server.sockets[0].getsockname()[1]
    try:
        yield it
    finally:
        server.close()
        it.close()
        await asyncio.sleep(0)


WELCOME = bytes.fromhex("20020000")
NOT_AUTHORISED = bytes.fromhex("20020005")
SUBSCRIPTION_GRANTED = bytes.fromhex("9003000101")
SUBSCRIPTION_REFUSED = bytes.fromhex("9003000180")


@pytest.mark.parametrize(
    ("hello", "after"),
    [
        (b"", b""),
        (NOT_AUTHORISED, b""),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", b""),
        (WELCOME, b""),
        (WELCOME, b"\xff" * 50),
    ],
    ids=["silent", "not authorised", "garbage", "never subscribes", "garbage later"],
)
async def test_a_broker_that_goes_wrong_is_bad_and_is_tried_for_ever(hello: bytes, after: bytes) -> None:
    async with misbehaving(hello, after) as it, hearing(it.port, PLAIN, timeout="200 ms") as (kept, _):
        await kept.until(lambda: it.connections >= 4)
        await kept.until(lambda: len(kept.all(0)) >= 2)
        assert {s.reason for s in kept.all(0)} == {Reason.DISCONNECTED}
        assert kept.states() == [LinkState.CONNECTING, LinkState.DOWN]


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_failed_attempts_leave_no_socket_behind() -> None:
    async with misbehaving(b"") as it, hearing(it.port, PLAIN, timeout="100 ms"):
        counts = []
        for wanted in (2, 6):
            await it.reached(wanted)
            counts.append(open_files())
        assert counts[1] <= counts[0] + 3


async def test_a_topic_that_the_broker_refuses_is_bad_and_not_silent() -> None:
    async with misbehaving(WELCOME, SUBSCRIPTION_REFUSED) as it, hearing(it.port, PLAIN) as (kept, _):
        await kept.until(lambda: len(kept.all(0)) >= 2)
        assert {s.reason for s in kept.all(0)} == {Reason.DEVICE_EXCEPTION}
        assert kept.states()[-1] is LinkState.UP


async def test_a_write_that_is_not_confirmed_says_so() -> None:
    async with (
        misbehaving(WELCOME, SUBSCRIPTION_GRANTED) as it,
        hearing(it.port, PLAIN, timeout="300 ms") as (kept, driver),
    ):
        await up(kept)
        receipt = await driver.write(output(KIND, {"topic": "plant/stop"}), 1.0)
        assert not receipt.written
        assert "not confirmed" in receipt.detail


def test_points_share_a_topic_but_not_a_value_in_it() -> None:
    unit = device(KIND, {"host": "x"})

    def places(**address: object) -> set[object]:
        return set(KIND.occupies(unit, KIND.point_address.model_validate(address)))

    assert places(topic="t", value="a") == places(topic="t", value="a", time="x")
    assert not places(topic="t", value="a") & places(topic="t", value="b")
    assert KIND.load(unit, points(KIND, [PLAIN])) is None
