"""A few thousand damaged inputs for every decoder of the outside world; `make bench` runs a million of each."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from tests.drivers import fuzz
from tests.drivers.fuzz import Outcome

INPUTS = 3000


def judged(outcomes: Counter[Outcome]) -> None:
    """Nothing forged, nothing that hangs, and both right and wrong inputs among them."""
    assert outcomes[Outcome.FORGED] == 0
    assert outcomes[Outcome.HANGS] == 0
    assert min(outcomes[Outcome.TAKEN], outcomes[Outcome.REFUSED]) > INPUTS // 20


async def test_no_frame_is_taken_for_an_answer_that_was_not_given() -> None:
    chance = random.Random(2)
    judged(Counter([await fuzz.modbus(chance) for _ in range(INPUTS)]))


@pytest.mark.parametrize("seed", [3, 4])
def test_no_value_comes_out_of_a_json_payload_that_does_not_stand_in_it(seed: int) -> None:
    chance = random.Random(seed)
    judged(Counter(fuzz.mqtt(chance) for _ in range(INPUTS)))


@pytest.mark.parametrize("seed", [5, 6])
def test_no_number_comes_out_of_a_sparkplug_payload_that_does_not_stand_in_it(seed: int) -> None:
    chance = random.Random(seed)
    judged(Counter(fuzz.sparkplug(chance) for _ in range(INPUTS)))
