"""Modbus by every way to reach a device, and several devices on one line: none may blind another."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import termios
import tty
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from drivers.modbus import KINDS
from gateway.driver import Driver, DriverKind, LinkState
from gateway.sample import SECOND, Quality, Reason
from tests.drivers import faulty_server as faults
from tests.drivers.certificates import certificates
from tests.drivers.faulty_server import Asked, Fault, FaultyServer
from tests.drivers.support import MILLISECOND, Kept, because, device, good, output, points, running

TCP, TLS, SERIAL, RTU_OVER_TCP = KINDS
ONE = {"table": "holding", "address": 0}
OTHER = {"table": "holding", "address": 100}


def unit_is(unit: int, fault: Fault) -> Fault:
    """The fault, for one unit of the line only."""
    return lambda server, asked, writer: asked.unit == unit and fault(server, asked, writer)


@contextlib.asynccontextmanager
async def pseudo_line() -> AsyncIterator[tuple[FaultyServer, str]]:
    """A server at one end of a pseudo terminal, and the name of the other end."""
    far, near = os.openpty()
    tty.setraw(far, termios.TCSANOW)
    name = os.ttyname(near)
    server = FaultyServer(serial=True)
    await server.attach(far)
    try:
        yield server, name
    finally:
        await server.stop()
        os.close(near)


@contextlib.asynccontextmanager
async def unit(
    kind: DriverKind, wired: Mapping[str, object], number: int, *addresses: Mapping[str, object], period: int = 30
) -> AsyncIterator[tuple[Kept, Driver]]:
    settings = {"timeout": "150 ms", "bridge_gap": 0, "turnaround": "1 ms", **wired, "unit_id": number}
    some = points(kind, addresses or [ONE], period=period * MILLISECOND)
    async with running(kind, settings, some) as pair:
        yield pair


def rtu_over_tcp(server: FaultyServer) -> dict[str, object]:
    return {"host": "127.0.0.1", "port": server.port}


async def test_serial_registers_coils_and_writes() -> None:
    some = [{"table": "coil", "address": 5}, {"table": "input", "address": 7, "type": "uint32"}]
    async with (
        pseudo_line() as (server, port),
        unit(SERIAL, {"port": port, "baud": 115_200, "parity": "none"}, 7, *some) as (kept, driver),
    ):
        await kept.next(0, good(1))
        await kept.next(1, good((1007 << 16) + 1008))
        for value in (1.0, 0.0):
            receipt = await driver.write(output(SERIAL, {"table": "coil", "address": 9}), value)
            assert receipt.written, receipt.detail
        assert (await driver.write(output(SERIAL, {"table": "holding", "address": 9, "type": "float32"}), 1.0)).written
        assert {asked.unit for asked in server.asked} == {7}
        assert kept.states() == [LinkState.CONNECTING, LinkState.UP]


async def test_a_serial_port_that_is_not_there_is_told_and_taken_up_when_it_comes(tmp_path: Path) -> None:
    async with pseudo_line() as (_, port):
        name = tmp_path / "ttyUSB0"
        async with unit(SERIAL, {"port": str(name), "parity": "none"}, 1) as (kept, _):
            await kept.next(0, because(Reason.DISCONNECTED))
            assert str(name) in kept.links[-1].detail
            name.symlink_to(port)
            await kept.next(0, good(1000))


async def test_a_file_that_is_no_serial_port_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    async with unit(SERIAL, {"port": str(tmp_path / "file")}, 1) as (kept, _):
        await kept.until(lambda: LinkState.DOWN in kept.states())
        assert "file" in kept.links[-1].detail


WRONG: dict[str, tuple[Fault, Reason]] = {
    "hang": (faults.hang, Reason.TIMEOUT),
    "half a frame": (faults.half_a_frame, Reason.TIMEOUT),
    "garbage": (faults.garbage, Reason.MALFORMED),
    "wrong unit": (faults.wrong_unit, Reason.MALFORMED),
    "wrong function": (faults.wrong_function, Reason.MALFORMED),
    "too short": (faults.too_short, Reason.MALFORMED),
    "busy": (faults.exception(6), Reason.DEVICE_EXCEPTION),
}


@pytest.mark.parametrize("name", WRONG)
async def test_serial_frames_that_go_wrong_are_bad_with_a_reason_and_pass(name: str) -> None:
    fault, reason = WRONG[name]
    async with FaultyServer(serial=True) as server, unit(RTU_OVER_TCP, rtu_over_tcp(server), 3) as (kept, _):
        await kept.next(0, good(1000))
        server.fault = fault
        await kept.next(0, because(reason))
        server.fault = None
        await kept.next(0, good(1000))
        assert all(sample.value == 1000 for sample in kept.all(0) if sample.quality is Quality.GOOD)


async def test_a_serial_frame_with_a_bit_turned_is_never_a_value() -> None:
    def turn_a_bit(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        spoilt = bytearray(faults.frame(asked, server.good_reply(asked)))
        spoilt[4] ^= 0x10
        writer.write(bytes(spoilt))
        return True

    async with FaultyServer(serial=True) as server, unit(RTU_OVER_TCP, rtu_over_tcp(server), 3) as (kept, _):
        server.fault = turn_a_bit
        await kept.next(0, because(Reason.MALFORMED))
        assert {s.quality for s in kept.all(0)} == {Quality.BAD}


async def test_devices_of_one_gateway_share_one_connection() -> None:
    async with FaultyServer() as server:
        wired = {"host": "127.0.0.1", "port": server.port}
        async with unit(TCP, wired, 1) as (first, _), unit(TCP, wired, 2) as (second, _):
            for _ in range(3):
                await first.next(0, good(1000))
                await second.next(0, good(1000))
            assert server.connections == 1
            assert {asked.unit for asked in server.asked} == {1, 2}


@pytest.mark.parametrize("serial", [False, True], ids=["tcp", "rtu over tcp"])
async def test_dead_units_cost_the_others_on_the_line_at_most_a_fifth_of_its_time(serial: bool) -> None:
    kind = RTU_OVER_TCP if serial else TCP
    dead = {11, 12, 13}

    def hang_some(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        return asked.unit in dead

    async with FaultyServer(hang_some, serial=serial) as server, contextlib.AsyncExitStack() as stack:
        wired = {"host": "127.0.0.1", "port": server.port, "timeout": "200 ms"}
        for number in dead:
            await stack.enter_async_context(unit(kind, wired, number))
        kept, _ = await stack.enter_async_context(unit(kind, wired, 1))
        await kept.next(0, good(1000))
        await asyncio.sleep(0.5)
        kept.batches.clear()
        before = len(server.asked)
        await asyncio.sleep(1.5)
        asked = [each.unit for each in server.asked[before:] if each.unit in dead]
        assert len(asked) * 0.2 <= 0.2 * 1.5 + 2 * 0.2, "a fifth of the time, and one that was due at either end"
        assert {each.unit for each in server.asked} == dead | {1}, "every dead unit is tried"
        assert {s.quality for s in kept.all(0)} == {Quality.GOOD}


async def test_a_late_serial_answer_of_one_unit_is_neither_taken_for_another_nor_in_its_way() -> None:
    def late(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        reply = faults.frame(asked, server.good_reply(asked))
        server.later(0.2, lambda: [each.write(reply) for each in tuple(server._writers)] and None)
        return True

    async with FaultyServer(unit_is(2, late), serial=True) as server:
        wired = rtu_over_tcp(server)
        async with unit(RTU_OVER_TCP, wired, 1) as (well, _), unit(RTU_OVER_TCP, wired, 2, OTHER) as (slow, _):
            await well.next(0, good(1000))
            await asyncio.sleep(1)
            assert {s.value for s in well.all(0) if s.quality is Quality.GOOD} == {1000.0}
            assert not [s for s in slow.all(0) if s.quality is Quality.GOOD]
            server.fault = None
            await slow.next(0, good(1100))


@pytest.mark.parametrize("code", [10, 11])
async def test_a_gateway_that_cannot_reach_a_unit_says_so_and_the_other_units_go_on(code: int) -> None:
    async with FaultyServer(unit_is(2, faults.exception(code))) as server:
        wired = {"host": "127.0.0.1", "port": server.port}
        async with unit(TCP, wired, 1) as (well, _), unit(TCP, wired, 2) as (gone, _):
            await gone.until(lambda: LinkState.DOWN in gone.states())
            await gone.next(0, because(Reason.DEVICE_EXCEPTION))
            await well.next(0, good(1000))
            assert {s.quality for s in well.all(0)} == {Quality.GOOD}
            assert server.connections == 1
            server.fault = None
            await gone.next(0, good(1000))


async def test_a_device_that_refuses_what_was_only_read_along_is_read_without() -> None:
    def lacks_the_gap(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        holes = set(range(asked.address, asked.address + asked.count)) - {0, 10}
        return bool(holes) and faults.exception(2)(server, asked, writer)

    some = [ONE, {"table": "holding", "address": 10}]
    async with FaultyServer(lacks_the_gap) as server:
        wired = {"host": "127.0.0.1", "port": server.port, "bridge_gap": None}
        async with unit(TCP, wired, 1, *some) as (kept, _):
            await kept.next(0, good(1000))
            await kept.next(1, good(1010))


async def test_tls_is_read_and_a_certificate_of_nobody_we_trust_is_refused(tmp_path: Path) -> None:
    made = certificates()
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(made.ca))
    server_side.load_cert_chain(made.broker, made.broker_key)
    server_side.verify_mode = ssl.CERT_REQUIRED
    async with FaultyServer(tls=server_side) as server:
        wired = {"host": "127.0.0.1", "port": server.port, "timeout": "2 s"}
        mine = {"certificate": str(made.gateway), "key": str(made.gateway_key)}
        async with unit(TLS, wired | mine | {"ca": str(made.ca)}, 1) as (kept, driver):
            await kept.next(0, good(1000))
            assert (await driver.write(output(TLS, {"table": "coil", "address": 9}), 1.0)).written
        for wrong in (
            mine | {"ca": str(made.stranger)},
            {"ca": str(made.ca)},
            {"ca": str(made.ca), "certificate": str(made.stranger), "key": str(made.stranger_key)},
            mine | {"ca": str(made.ca), "server_name": "another"},
            mine | {"ca": str(tmp_path / "absent.pem")},
        ):
            async with unit(TLS, wired | wrong, 1) as (kept, _):
                await kept.until(lambda kept=kept: LinkState.DOWN in kept.states())
                assert {s.quality for s in kept.all(0)} <= {Quality.BAD}


def test_devices_of_one_port_share_its_time_and_others_do_not() -> None:
    def line(kind: DriverKind, **wired: object) -> str | None:
        return kind.line(device(kind, wired))

    assert line(SERIAL, port="/dev/ttyS0", unit_id=1) == line(SERIAL, port="/dev/ttyS0", unit_id=2)
    assert line(TCP, host="a") != line(TCP, host="b")


def test_a_slow_line_takes_its_frames_time() -> None:
    some = points(SERIAL, [{"table": "holding", "address": n} for n in range(100)], period=SECOND)
    load = SERIAL.load(device(SERIAL, {"port": "/dev/ttyS0", "turnaround": "0 ms", "parity": "even"}), some)
    assert load is not None
    # 8 bytes asked and 205 answered, 3.5 characters of silence twice, 11 bits a character.
    assert load.expected == pytest.approx((8 + 205 + 7) * 11 / 9600 * SECOND, rel=0.01)


async def test_devices_that_want_one_line_at_two_speeds_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    async with pseudo_line() as (_, port):
        slow, fast = ({"port": port, "parity": "none", "baud": baud} for baud in (9600, 19_200))
        async with unit(SERIAL, slow, 1) as (kept, _):
            await kept.next(0, good(1000))
            async with unit(SERIAL, fast, 2) as (other, _):
                await other.until(lambda: other.batches)
                assert "expected 9600 baud, parity none, stop bits 1 as the line has it, got 19200 baud" in caplog.text


def test_certificates_that_cannot_be_used_are_found_before_anything_runs(tmp_path: Path) -> None:
    made = certificates()
    good_ones = {"host": "x", "ca": str(made.ca)}
    assert TLS.examine(device(TLS, good_ones), []) == []
    (tmp_path / "empty.pem").write_text("nothing")
    for file in ("missing.pem", "empty.pem"):
        (problem,) = TLS.examine(device(TLS, good_ones | {"ca": str(tmp_path / file)}), [])
        assert file in problem.file
        assert "PEM" in problem.expected


async def test_an_answer_that_comes_late_on_the_new_connection_is_never_taken_for_the_one_that_is_due() -> None:
    """Both requests are equally long, and a device that was reconnected is asked the other one first."""

    async with FaultyServer(faults.late(0.06)) as server:
        wired = {"host": "127.0.0.1", "port": server.port, "timeout": "50 ms", "bridge_gap": 0}
        async with unit(TCP, wired, 1, ONE, {"table": "holding", "address": 10}) as (kept, _):
            await kept.until(lambda: server.connections >= 6)
            assert not [s for point in (0, 1) for s in kept.all(point) if s.quality is Quality.GOOD]
        assert len({asked.transaction for asked in server.asked}) == len(server.asked)
