"""What a plant file may say of a Modbus device, and what it costs."""

from __future__ import annotations

import pytest

from drivers.modbus import KIND
from tests.drivers.modbus_support import FIRST, SECOND, THIRD
from tests.drivers.support import MILLISECOND, device, points


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
