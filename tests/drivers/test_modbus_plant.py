"""What a plant file may say of a Modbus device, and what it costs."""

from __future__ import annotations

import pytest

from drivers.modbus import KIND
from gateway import app
from gateway.errors import ConfigurationError, Problem
from gateway.plant.loader import parse_plant
from gateway.plant.model import Plant
from tests.drivers.modbus_support import FIRST, SECOND, THIRD
from tests.drivers.support import MILLISECOND, device, points
from tests.policy.source import ROOT


def test_an_address_occupies_its_registers_and_bits() -> None:
    unit = device(KIND, {"host": "x"})

    def places(**address: object) -> set[object]:
        return set(KIND.occupies(unit, KIND.point_address.model_validate(address)))

    number = places(table="holding", address=4, type="float32")
    assert number & places(table="holding", address=5)
    assert number & places(table="holding", address=5, bit=3)
    assert not number & places(table="holding", address=6)
    assert not number & places(table="input", address=4)
    assert not places(table="holding", address=1, bit=2) & places(table="holding", address=1, bit=3)
    field = places(table="holding", address=1, bits=[2, 4])
    assert field & places(table="holding", address=1, bit=4)
    assert not field & places(table="holding", address=1, bits=[5, 15])
    upper = places(table="holding", address=8, type="uint32", bits=[16, 31])
    assert upper == places(table="holding", address=8), "high word first"
    assert upper != places(table="holding", address=8, type="uint32", bits=[16, 31], word_order="little")
    text = places(table="holding", address=20, type="string", length=3, states={"OK": 1})
    assert text == {place for step in range(3) for place in places(table="holding", address=20 + step)}
    assert places(table="coil", address=1) == places(table="coil", address=1)
    assert not places(table="coil", address=1) & places(table="discrete", address=1)


def test_the_load_grows_with_requests_and_pauses() -> None:
    some = points(KIND, [FIRST, SECOND, THIRD], period=100 * MILLISECOND)
    quick = KIND.load(device(KIND, {"host": "x", "bridge_gap": 0}), some)
    slow = KIND.load(device(KIND, {"host": "x", "bridge_gap": 0, "pause_between_requests": "50 ms"}), some)
    assert quick is not None
    assert slow is not None
    assert (quick.requests, quick.period) == (3, 100 * MILLISECOND)
    assert quick.expected < quick.period < slow.expected
    assert KIND.load(device(KIND, {"host": "x"}), []) is None


@pytest.mark.parametrize(
    ("address", "touches"),
    [
        ({"table": "holding", "address": 899}, False),
        ({"table": "holding", "address": 899, "type": "float32"}, True),
        ({"table": "holding", "address": 905, "bit": 3}, True),
        ({"table": "holding", "address": 906}, False),
        ({"table": "input", "address": 902}, False),
    ],
)
def test_a_point_that_must_never_be_read_is_a_mistake_of_the_plant_file(
    address: dict[str, object], touches: bool
) -> None:
    careful = device(KIND, {"host": "x", "never_read": [{"table": "holding", "first": 900, "last": 905}]})
    parsed = KIND.point_address.model_validate(address)
    if touches:
        with pytest.raises(ValueError, match="expected an address outside never_read"):
            KIND.locate(careful, parsed, "equipment", "kind")
    else:
        assert KIND.locate(careful, parsed, "equipment", "kind") is parsed


def test_a_text_longer_than_a_device_answers_at_once_is_a_mistake_of_the_plant_file() -> None:
    short = device(KIND, {"host": "x", "max_registers": 8})
    long = {"table": "holding", "address": 0, "type": "string", "length": 9, "states": {"OK": 1}}
    with pytest.raises(ValueError, match="at most 8 registers"):
        KIND.locate(short, KIND.point_address.model_validate(long), "equipment", "kind")
    for identity in (
        {"address": 0, "length": 9},
        {"address": 65_535, "length": 2},
        {"address": 0, "length": 1, "text": "GD2"},
    ):
        with pytest.raises(ValueError, match="validation error"):
            device(KIND, {"host": "x", "max_registers": 8, "identity": [identity]})


def with_devices(*lines: str, file: str = "plant.yaml") -> Plant:
    """The demonstration plant with some devices more at the top of its list."""
    text = (ROOT / "simulators/demo/plant.yaml").read_text("utf-8")
    more = "".join(f"  - {{name: {{zh: 甲, en: A}}, {line}}}\n" for line in lines)
    return parse_plant(text.replace("devices:\n", f"devices:\n{more}", 1), file, app.DRIVERS, app.load_criteria())


def refused(*lines: str) -> list[Problem]:
    with pytest.raises(ConfigurationError) as told:
        with_devices(*lines)
    return list(told.value.problems)


def test_devices_of_one_line_that_disagree_about_it_are_mistakes_of_the_plant_file_all_of_them() -> None:
    serial = "driver: modbus_rtu, port: /dev/ttyS0"
    problems = refused(
        f"id: a, {serial}, unit_id: 1",
        f"id: b, {serial}, unit_id: 2, baud: 19200",
        f"id: c, {serial}, unit_id: 3, parity: none, stop_bits: 2",
        f"id: d, {serial}, unit_id: 4",
        "id: e, driver: modbus_tcp, host: gate, port: 502",
        "id: f, driver: modbus_rtu_over_tcp, host: gate, port: 502, unit_id: 2",
        "id: g, driver: modbus_tcp, host: gate, port: 503, line_baud: 9600",
    )
    first = (ROOT / "simulators/demo/plant.yaml").read_text("utf-8").splitlines().index("devices:") + 2
    assert [problem.line - first for problem in problems] == [1, 2, 5]
    assert problems[0].expected == "9600 baud, parity even, stop bits 1 on line /dev/ttyS0, as a has it"
    assert [problem.got for problem in problems] == [
        "19200 baud, parity even, stop bits 1",
        "9600 baud, parity none, stop bits 2",
        "RTU over TCP, line_baud 9600",
    ]


def test_files_that_a_plant_file_names_stand_beside_it() -> None:
    plant = with_devices(
        "id: a, driver: modbus_tls, host: x, ca: keys/ca.pem, certificate: /etc/own.pem, key: own.key",
        "id: b, driver: mqtt, host: x, tls: {ca: ca.pem}",
        "id: c, driver: replay, file: year.csv",
        file="/etc/tocsin/plant.yaml",
    )
    found = {each.id: each.settings.model_dump() for each in plant.devices}
    assert [found["a"][name] for name in ("ca", "certificate", "key")] == [
        "/etc/tocsin/keys/ca.pem",
        "/etc/own.pem",
        "/etc/tocsin/own.key",
    ]
    assert found["b"]["tls"]["ca"] == "/etc/tocsin/ca.pem"
    assert found["c"]["file"] == "/etc/tocsin/year.csv"
