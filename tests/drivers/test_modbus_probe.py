"""What `tocsin probe` finds out about a device, and what it makes of addresses that are none."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import pytest

from drivers.modbus.probe import Found, Outcome, Probe, Span, target_of
from drivers.modbus.settings import SerialSettings, Table, TlsSettings
from gateway.clock import SystemClock
from tests.drivers import faulty_server as faults
from tests.drivers.faulty_server import Asked, FaultyServer

ROOT = Path(__file__).parents[2]


def lacks(*missing: int, code: int = 2) -> faults.Fault:
    """Refuses whatever touches one of these addresses."""

    def fault(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        touched = any(asked.address <= each < asked.address + asked.count for each in missing)
        return touched and faults.exception(code)(server, asked, writer)

    return fault


async def probed(
    server: FaultyServer,
    *tables: Table,
    last: int = 20,
    most: int = 200,
    scheme: str = "modbus",
    within: str = "60 ms",
) -> Found:
    settings, units = target_of(f"{scheme}://127.0.0.1:{server.port}/1?timeout={within}")
    probe = Probe(settings, SystemClock(), most)
    try:
        return await probe.unit(units[0], tables, 0, last)
    finally:
        probe.close()


def outline(found: Found) -> list[tuple[int, int, Outcome]]:
    return [(span.first, span.last, span.outcome) for span in found.spans]


@pytest.mark.parametrize("scheme", ["modbus", "rtu+tcp"])
async def test_a_whole_table_is_found_in_one_request_and_nothing_is_written(scheme: str) -> None:
    async with FaultyServer(serial=scheme == "rtu+tcp") as server:
        found = await probed(server, *Table, scheme=scheme)
    assert [(span.table, span.first, span.last, span.outcome) for span in found.spans] == [
        (table, 0, 20, Outcome.ANSWERED) for table in Table
    ]
    assert found.requests == len(found.latencies) == 4
    assert {asked.function for asked in server.asked} == {1, 2, 3, 4}
    words = {span.table: span.words for span in found.spans}
    assert words[Table.HOLDING] == (1000, 1001, 1002, 1003, 1004, 1005, 1006, 1007)
    assert words[Table.COIL] == (0, 1, 0, 1, 0, 1, 0, 1)


async def test_the_addresses_that_a_device_lacks_are_found_one_by_one() -> None:
    async with FaultyServer(lacks(7, 8, 20)) as server:
        found = await probed(server, Table.HOLDING)
    assert outline(found) == [
        (0, 6, Outcome.ANSWERED),
        (7, 8, Outcome.REFUSED),
        (9, 19, Outcome.ANSWERED),
        (20, 20, Outcome.REFUSED),
    ]
    assert found.spans[1].detail == "exception 2 (illegal data address)"
    assert found.spans[0].words == (1000, 1001, 1002, 1003, 1004, 1005, 1006)
    assert found.spans[2].words[0] == 1009


async def test_a_function_that_a_device_lacks_is_asked_once() -> None:
    async with FaultyServer(faults.exception(1)) as server:
        found = await probed(server, Table.HOLDING, last=400)
    assert outline(found) == [(0, 124, Outcome.REFUSED), (125, 400, Outcome.UNASKED)]
    assert found.requests == 1


async def test_a_device_that_answers_few_at_once_says_how_many() -> None:
    def at_most_ten(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        return asked.count > 10 and faults.exception(3)(server, asked, writer)

    async with FaultyServer(at_most_ten) as server:
        found = await probed(server, Table.INPUT, last=39)
    assert outline(found) == [(0, 39, Outcome.ANSWERED)]
    assert found.longest == {Table.INPUT: 10}


async def test_the_bound_on_requests_holds_and_what_was_not_asked_is_said() -> None:
    async with FaultyServer(lacks(*range(21))) as server:
        found = await probed(server, Table.HOLDING, Table.INPUT, most=5)
    assert len(server.asked) == found.requests == 5
    assert found.spans[-1] == Span(Table.INPUT, 0, 20, Outcome.UNASKED, "no requests left")
    assert sum(span.last - span.first + 1 for span in found.spans) == 42, "every address is accounted for"


async def test_a_unit_that_is_silent_is_given_up() -> None:
    async with FaultyServer(faults.hang) as server:
        found = await probed(server, *Table)
    assert not found.answers
    assert found.requests == 3
    assert {span.outcome for span in found.spans} == {Outcome.SILENT, Outcome.UNASKED}


@pytest.mark.parametrize("fault", [faults.garbage, faults.reset, faults.wrong_unit, faults.too_short])
async def test_what_is_no_answer_is_never_shown_as_a_value(fault: faults.Fault) -> None:
    async with FaultyServer(fault) as server:
        found = await probed(server, Table.HOLDING, last=3)
    assert not found.answers
    assert Outcome.ANSWERED not in {span.outcome for span in found.spans}
    assert Outcome.BROKEN in {span.outcome for span in found.spans}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nonsense", "modbus://"),
        ("http://host/1", "modbus://"),
        ("modbus:///1", "host"),
        ("modbus://host/300", "unit"),
        ("modbus://host/5-2", "unit"),
        ("modbus://host/1?unit=2", "once"),
        ("modbus://host/1?timeout=soon", "timeout"),
        ("modbus://host/1?colour=red", "colour"),
        ("modbus://host:99999/1", "ort"),
        ("modbus://me@host/1", "user"),
        ("tls://host/1", "ca"),
        ("rtu://ttyS0", "rtu:///dev/ttyS0"),
        ("rtu:///dev/ttyS0?baud=9601", "baud"),
        ("modbus://host/1?x", "x"),
    ],
)
def test_a_wrong_address_says_what_was_expected(url: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        target_of(url)


def test_an_address_carries_the_settings_of_a_plant_file() -> None:
    settings, units = target_of("rtu:///dev/ttyUSB0?unit=1-8&baud=19200&parity=none&stop_bits=2&timeout=300 ms")
    assert isinstance(settings, SerialSettings)
    assert (settings.port, settings.baud, settings.parity, settings.timeout) == (
        "/dev/ttyUSB0",
        19_200,
        "none",
        300_000,
    )
    assert list(units) == list(range(1, 9))
    secure, _ = target_of("tls://plc.example/3?ca=ca.pem")
    assert isinstance(secure, TlsSettings)
    assert (secure.port, secure.unit_id) == (802, 3)


async def tocsin_probe(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway.cli", "probe", *arguments, cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_shows_a_table_or_json() -> None:
    async with FaultyServer(lambda server, asked, writer: asked.unit == 2) as server:
        url = f"modbus://127.0.0.1:{server.port}/1-2?timeout=100 ms"
        shown, printed = await asyncio.gather(
            tocsin_probe(url, "--last", "9", "--table", "holding"),
            tocsin_probe(url, "--last", "9", "--table", "holding", "--json"),
        )
    code, out, _ = shown
    assert code == 0
    assert "0-9" in out
    assert "1000 1001" in out
    assert out.rstrip().endswith("units that do not answer: 2")
    code, out, _ = printed
    one, two = json.loads(out)
    assert (code, one["unit"], one["spans"][0]["outcome"], two["latencies"]) == (0, 1, "answered", [])


async def test_nonsense_and_nobody_there_end_with_exit_code_2() -> None:
    async with FaultyServer() as server:
        gone = server.port
    for arguments in (
        ["nonsense"],
        [f"modbus://127.0.0.1:{gone}/1"],
        ["modbus://127.0.0.1/1", "--first", "9", "--last", "3"],
    ):
        code, out, err = await tocsin_probe(*arguments)
        assert (code, out) == (2, ""), err
        assert "expected" in err
        assert "Traceback" not in err
