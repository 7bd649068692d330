"""Decisions are pure, time is an argument, and only one module reads a clock."""

from __future__ import annotations

import pytest

from tests.policy.source import imported, modules, uses

IMPURE = {"asyncio", "logging", "random", "socket", "sqlite3", "threading", "time"}

PURE_PACKAGES = ("gateway/backtest/", "gateway/document/", "gateway/events/", "gateway/machines/", "gateway/plant/")

PURE = [
    "drivers/judgement.py",
    "drivers/modbus/codec.py",
    "drivers/modbus/layout.py",
    "drivers/modbus/cost.py",
    "drivers/modbus/current.py",
    "drivers/modbus/framing.py",
    "drivers/modbus/planner.py",
    "drivers/mqtt/codec.py",
    "drivers/replay/codec.py",
    "drivers/clocks.py",
    "drivers/mqtt/path.py",
    "drivers/source_time.py",
    "drivers/sparkplug/codec.py",
    "drivers/sparkplug/points.py",
    "drivers/sparkplug/session.py",
    "gateway/admission.py",
    "gateway/alarm_desk.py",
    "gateway/duty_desk.py",
    "gateway/hazard_desk.py",
    "gateway/interlock_desk.py",
    "gateway/output_desk.py",
    "gateway/duration.py",
    "gateway/engine.py",
    "gateway/errors.py",
    "gateway/event.py",
    "gateway/gases.py",
    "gateway/identity.py",
    "gateway/cause_effect_matrix.py",
    "gateway/kpi.py",
    "gateway/point_table.py",
    "gateway/command_alarms.py",
    "gateway/finding_watch.py",
    "gateway/interlock_alarms.py",
    "gateway/interlock_desk.py",
    "gateway/proof_calendar.py",
    "gateway/proving.py",
    "gateway/register_desk.py",
    "gateway/rule.py",
    "gateway/sample.py",
    "gateway/unit_tables.py",
    "gateway/standing.py",
    "gateway/trace.py",
    "gateway/units.py",
    *(path for path in modules("gateway") if path.startswith(PURE_PACKAGES)),
    *(path for path in modules("rules")),
]

CLOCKS = {
    *(f"time.{name}" for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    "datetime.date.today",
}


@pytest.mark.parametrize("path", PURE)
def test_a_pure_module_touches_nothing_of_the_world(path: str) -> None:
    tree = modules()[path]
    assert {name.partition(".")[0] for name in imported(tree)} & IMPURE == set()
    assert [(line, name) for line, name in uses(tree) if name in CLOCKS] == []


def clock_reads(*rooms: str) -> list[str]:
    used = ((path, line, name) for path, tree in modules(*rooms).items() for line, name in uses(tree))
    return [f"{path}:{line}: {name}" for path, line, name in used if name in CLOCKS]


def test_only_the_clock_module_reads_a_clock() -> None:
    found = clock_reads("gateway", "rules", "drivers")
    assert found, "expected to see at least the reads of gateway/clock.py; this test sees nothing"
    assert [read for read in found if not read.startswith("gateway/clock.py:")] == []


def test_the_simulated_plant_is_told_the_time_too() -> None:
    allowed = ("simulators/run.py:", "simulators/devices/")
    assert [read for read in clock_reads("simulators") if not read.startswith(allowed)] == []


def test_the_loop_s_clock_paces_and_never_decides() -> None:
    """`loop.time()` is for pacing: not in a pure module, and in simulators only where devices run."""
    reads = [
        f"{path}:{line}"
        for path, tree in modules("gateway", "rules", "drivers", "simulators").items()
        for line, name in uses(tree)
        if name.endswith("loop.time")
    ]
    allowed = ("simulators/run.py:", "simulators/devices/")
    assert [read for read in reads if not read.startswith(allowed)] == []
