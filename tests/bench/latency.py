"""Breach in a register to the command at the device, and to the alarm at a WebSocket client.

Beside it, turn by turn against the same device: a bare poll-compare-write loop of the same period, and one
that syncs 4 KiB to disk before it writes, as whoever must answer for a command has to.
"""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

from tests.bench.harness import Child, Options, Result, free_ports, gateway, rows, until_good, workspace
from tests.bench.wire import DeviceEnd, LiveEnd

PERIOD = 0.1
LIMIT, QUIET, BREACH = 500, 100, 900
OURS, BARE, SYNCED = 0, 100, 105
"""Register of the breach, and the coil that must follow; the register after it is the feedback."""
PACKS = Path(__file__).parent / "latency_pack"

PLANT = """\
site: {{id: bench, name: {{zh: 基准, en: Bench}}, credit_code: 91000000DEM000006Q, industry: bench, risk_grade: A,
  address: bench, principal: bench, telephone: "0"}}
areas: [{{id: room, name: {{zh: 室, en: Room}}, staffed: true}}]
equipment: [{{id: v1, class: vessel, area: room, name: {{zh: 容器, en: Vessel}}}}]
devices: [{{id: plc, driver: modbus_tcp, name: {{zh: 控制器, en: PLC}}, host: 127.0.0.1, port: {port}, timeout: 1 s}}]
points:
  - {{equipment: v1, kind: pressure, unit: kPa, range: [0, 1000], period: 100 ms, stale_after: 2 s,
      source: {{device: plc, table: holding, address: 0, type: uint16}}}}
  - {{equipment: v1, kind: valve_closed, unit: "", range: [0, 1], period: 100 ms, stale_after: 2 s,
      source: {{device: plc, table: holding, address: 1, type: uint16}}}}
outputs:
  - {{equipment: v1, kind: valve_close, allowed: true, values: [0, 1],
      target: {{device: plc, table: coil, address: 0}}}}
"""


class Times:
    """Milliseconds of every repetition."""

    def __init__(self) -> None:
        self.command: list[float] = []
        self.alarm: list[float] = []
        self.reaction: list[float] = []
        """From the request that brings the breach to the command: the part that does not wait for the scan."""
        self.bare_command: dict[int, list[float]] = {BARE: [], SYNCED: []}
        self.bare_reaction: dict[int, list[float]] = {BARE: [], SYNCED: []}


def run(options: Options) -> Result:
    repetitions = 40 if options.quick else 150
    result = Result(
        "latency",
        "a bare asyncio poll-compare-write loop (pymodbus), same device, same period, turn by turn",
        {"scan_ms": PERIOD * 1000, "repetitions": repetitions, "rule": "no delay; one commanded effect"},
    )
    with workspace() as work:
        times = asyncio.run(_measure(work, repetitions, result))
    result.add_spread("breach to command at the device", times.command, "ms")
    result.add_spread("  the same, bare loop", times.bare_command[BARE], "ms")
    result.add_spread("  the same, bare loop that syncs first", times.bare_command[SYNCED], "ms")
    result.add_ratio("breach to command", times.command, times.bare_command[BARE], "ms")
    result.add_spread("breach to alarm at a WebSocket client", times.alarm, "ms")
    result.add_spread("read of the breach to command", times.reaction, "ms")
    result.add_spread("  the same, bare loop", times.bare_reaction[BARE], "ms")
    result.add_spread("  the same, bare loop that syncs first", times.bare_reaction[SYNCED], "ms")
    result.add_ratio("read to command", times.reaction, times.bare_reaction[BARE], "ms")
    return result


async def _measure(work: Path, repetitions: int, result: Result) -> Times:
    device_port, port = free_ports(2)
    (work / "plant.yaml").write_text(PLANT.format(port=device_port), "utf-8")
    registers = [0] * 110
    registers[OURS] = registers[BARE] = registers[SYNCED] = QUIET
    device = {"port": device_port, "registers": registers, "wander": [0] * len(registers)}

    def bare(address: int, *more: str) -> Child:
        arguments = (str(device_port), str(address), str(LIMIT), str(PERIOD), *more)
        return Child(work / f"bare-{address}.log", "-m", "tests.bench.bare", *arguments)

    times, phase = Times(), random.Random(1)
    async with DeviceEnd.serve(work, [device]) as end:
        with (
            bare(BARE) as loop,
            bare(SYNCED, str(work / "synced")) as synced,
            gateway(work, work / "plant.yaml", port, packs=PACKS) as running,
        ):
            await asyncio.to_thread(until_good, running, port, 2)
            async with LiveEnd.listen(port) as live:
                for _ in range(repetitions):
                    await breach_ours(end, live, times, phase)
                    await breach_bare(end, BARE, times, phase)
                    await breach_bare(end, SYNCED, times, phase)
            for child in (running, loop, synced):
                child.require_alive()
            await asyncio.to_thread(verify, port, repetitions, result)
    return times


async def breach_ours(end: DeviceEnd, live: LiveEnd, times: Times, phase: random.Random) -> None:
    """One breach for the gateway, and back to quiet."""
    breached, read, commanded = await _breach(end, OURS, phase)
    alarmed = await live.until("alarm.raised")
    await live.until("interlock.effect", "command.completed")
    times.command.append((commanded - breached) / 1e6)
    times.reaction.append((commanded - read) / 1e6)
    times.alarm.append((alarmed - breached) / 1e6)
    end.set(OURS, QUIET)
    end.set(OURS + 1, 0)
    await live.until("alarm.cleared", "interlock.ended")


async def breach_bare(end: DeviceEnd, address: int, times: Times, phase: random.Random) -> None:
    """One breach for a bare loop, and back to quiet."""
    breached, read, commanded = await _breach(end, address, phase)
    times.bare_command[address].append((commanded - breached) / 1e6)
    times.bare_reaction[address].append((commanded - read) / 1e6)
    end.set(address, QUIET)
    await end.until("set", address)
    await end.until("read", address)


async def _breach(end: DeviceEnd, address: int, phase: random.Random) -> tuple[int, int, int]:
    """When the register breached, when that was read, and when the command came."""
    await asyncio.sleep(phase.uniform(PERIOD, 2 * PERIOD))
    end.forget()
    end.set(address, BREACH)
    return (
        await end.until("set", address),
        await end.until("read", address),
        await end.until("coil", address),
    )


def verify(port: int, repetitions: int, result: Result) -> None:
    """That the journal tells every breach whole."""
    kinds: dict[str, int] = {}
    passed, after = 0, 0
    while events := rows(port, f"/api/events?after={after}"):
        for entry in events:
            event, after = entry["event"], int(str(entry["sequence"]))
            if isinstance(event, dict):
                kinds[str(event["kind"])] = kinds.get(str(event["kind"]), 0) + 1
                passed += event.get("verdict") == "pass"
    for kind in ("interlock.demanded", "command.completed", "alarm.raised", "alarm.cleared", "interlock.ended"):
        result.require(kinds.get(kind) == repetitions, f"every breach is one {kind} in the journal", kinds)
    result.require(passed == repetitions, "every effect is proven by feedback in its time", f"{passed} passed")
