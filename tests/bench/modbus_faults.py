"""Modbus devices that misbehave at random: what gets through (nothing may), and whether memory grows.

A driver on real connections at full rate for `--minutes`: exceptions, garbage, silence, reconnects; its memory watched.
"""

from __future__ import annotations

import json
import time
from typing import IO

import numpy as np
import psutil

from tests.bench.harness import BenchFailed, Child, Options, Result, processors, waited_seconds, workspace

DEVICES = 40
SETTLED = 0.3
"""Share of the watch after which memory is looked at: buffers and caches have their size by then."""
STARVED = 0.5
"""Seconds: who waited longer for its processor in one second is not judged for what it did not scan in it."""


def run(options: Options) -> Result:
    seconds = options.minutes * 60
    result = Result(
        "modbus_faults",
        "nothing: what must be nought is nought",
        {"minutes": options.minutes, "devices": DEVICES},
    )
    _soak(seconds, result)
    return result


def _soak(seconds: float, result: Result) -> None:
    ours, _ = processors()
    with workspace() as work:
        module = ("-m", "tests.bench.modbus_soak")
        with Child(work / "serve.log", *module, "serve", str(DEVICES), talks=True) as served:
            ports = _told(served)["ports"]
            if not isinstance(ports, list):
                raise BenchFailed(f"modbus_faults: expected ports, got {ports}")
            with Child(work / "poll.log", *module, "poll", str(ours), *map(str, ports), talks=True) as polling:
                _watch(polling, seconds, result)
                served.require_alive()


def _watch(polling: Child, seconds: float, result: Result) -> None:
    process = psutil.Process(polling.pid)
    times, resident, still, judged = [], [], 0, 0
    began = time.monotonic()
    told: dict[str, object] = {}
    waited = waited_seconds(polling.pid)
    while (now := time.monotonic() - began) < seconds:
        told = _told(polling)
        waited, before = waited_seconds(polling.pid), waited
        times.append(now)
        resident.append(process.memory_info().rss / 1024)
        if now > SETTLED * seconds and waited - before < STARVED:
            still, judged = max(still, int(str(told["still"]))), judged + 1
    settled = [index for index, at in enumerate(times) if at >= SETTLED * seconds]
    slope = np.polyfit([times[index] / 60 for index in settled], [resident[index] for index in settled], 1)[0]
    for name, unit in (("scans", ""), ("good", "samples"), ("bad", "samples"), ("down", "lost links")):
        result.add(f"soak: {name}", float(str(told.get(name, 0))), unit)
    result.add("soak: memory at the end", resident[-1] / 1024, "MiB")
    result.add("soak: memory grows by", float(slope), "KiB/min")
    result.add("soak: seconds judged for scans", judged, f"of {len(settled)}")
    result.require(told["ended"] == 0, "no driver ends by itself", told)
    result.require(told["wrong"] == 0, "no value comes up that was not sent", told)
    if judged:
        result.require(still == 0, "every device is scanned in every second in which there was a processor", still)
    else:
        result.verified.append("whether every device is scanned is NOT judged: other programs had the processor")
    result.require(int(str(told["good"])) > 0 < int(str(told["bad"])), "both good and bad come up", told)


def _told(child: Child) -> dict[str, object]:
    stream: IO[bytes] | None = child.stdout
    line = stream.readline() if stream is not None else b""
    if not line:
        child.require_alive()
        raise BenchFailed("expected a process of the soak to tell how it goes")
    found = json.loads(line)
    if not isinstance(found, dict):
        raise BenchFailed(f"expected an object, got {found}")
    return found
