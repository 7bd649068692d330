"""A million damaged inputs for every decoder of the outside world: no crash, no hang, nothing forged is believed.

Without sockets, so that the inputs are many. A crash ends the bench; how an input is made and judged stands in
tests/drivers/fuzz.py.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable

from tests.bench.harness import Options, Result
from tests.drivers import fuzz
from tests.drivers.fuzz import Outcome

INPUTS = 1_000_000
QUICK = 50_000


_Found = tuple[Counter[Outcome], float]
"""What came of the inputs, and how long it took (seconds)."""


def run(options: Options) -> Result:
    inputs = QUICK if options.quick else INPUTS
    seed = time.time_ns()
    result = Result("fuzz", "nothing: what must be nought is nought", {"inputs_each": inputs, "seed": str(seed)})
    _judge("Modbus answers, TCP and RTU", asyncio.run(_modbus(inputs, random.Random(seed))), result)
    _judge("JSON payloads of MQTT", _each(fuzz.mqtt, inputs, random.Random(seed)), result)
    _judge("Sparkplug payloads", _each(fuzz.sparkplug, inputs, random.Random(seed)), result)
    return result


async def _modbus(inputs: int, chance: random.Random) -> _Found:
    outcomes: Counter[Outcome] = Counter()
    began = time.perf_counter()
    for _ in range(inputs):
        outcomes[await fuzz.modbus(chance)] += 1
    return outcomes, time.perf_counter() - began


def _each(one: Callable[[random.Random], Outcome], inputs: int, chance: random.Random) -> _Found:
    outcomes: Counter[Outcome] = Counter()
    began = time.perf_counter()
    for _ in range(inputs):
        outcomes[one(chance)] += 1
    return outcomes, time.perf_counter() - began


def _judge(name: str, found: _Found, result: Result) -> None:
    outcomes, seconds = found
    result.add(f"{name}: inputs", outcomes.total(), "")
    result.add(f"{name}: a second, made and judged", outcomes.total() / seconds, "1/s")
    for outcome in (Outcome.TAKEN, Outcome.REFUSED):
        result.add(f"{name}: {outcome}", outcomes[outcome], "")
        result.require(outcomes[outcome] > 0, f"{name}: some are {outcome}", outcomes)
    result.require(outcomes[Outcome.FORGED] == 0, f"{name}: no value is believed that was not sent", outcomes)
    result.require(outcomes[Outcome.HANGS] == 0, f"{name}: no input hangs", outcomes)
