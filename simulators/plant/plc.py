"""The PLCs' own hard-wired interlocks: they act without the gateway and know nothing of it.

What the demo's gateway may command, the PLC does as well, only later: losing the gateway leaves the plant
protected. A row acts only while its `interlock_out` parameter is 0, and latches until reset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulators.plant.actuator import Actuator, Master
from simulators.plant.caster import Phase
from simulators.plant.signals import Parameters

Readings = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Row:
    """One cause with a hold time, and what it moves after how long (seconds)."""

    cause: Callable[[Readings], bool]
    hold: float
    effects: Mapping[str, float]
    """Delay after the trip, by actuator."""
    bypass: str | None
    """Fault parameter that takes the row out of service."""


class HardwiredInterlocks:
    """Every row of every PLC of the plant."""

    def __init__(self, rows: Sequence[Row], actuators: Mapping[str, Actuator]) -> None:
        self._rows = list(rows)
        self._actuators = actuators
        self._held = [0.0] * len(self._rows)
        self._tripped: list[float | None] = [None] * len(self._rows)

    def step(self, dt: float, readings: Readings, parameters: Parameters) -> None:
        """Advance by `dt` seconds on what the sensors say."""
        for place, row in enumerate(self._rows):
            bypassed = row.bypass is not None and parameters[row.bypass] > 0.0
            causing = not bypassed and row.cause(readings)
            self._held[place] = self._held[place] + dt if causing else 0.0
            since = self._tripped[place]
            if since is None and causing and self._held[place] > row.hold:
                since = 0.0
            if since is None:
                continue
            self._tripped[place] = since + dt
            for name, delay in row.effects.items():
                if since >= delay:
                    self._actuators[name].demand(Master.PLC, 1.0)

    def reset(self) -> None:
        """The reset button: every latch opens."""
        self._held = [0.0] * len(self._rows)
        self._tripped = [None] * len(self._rows)
        for actuator in self._actuators.values():
            actuator.demand(Master.PLC, 0.0)


def furnace_rows(furnace: str, circuit: str) -> list[Row]:
    """Water-cooled element: flow difference, outlet temperature, inlet pressure."""
    effects = {
        f"{furnace}.tilt_inhibit": 0.0,
        f"{furnace}.electrode_lift": 0.0,
        f"{furnace}.electrode_breaker_trip": 5.0,
    }

    def leaking(now: Readings) -> bool:
        inlet, outlet = now[f"{circuit}.inlet_flow"], now[f"{circuit}.outlet_flow"]
        return inlet - outlet > 0.05 * max(inlet, 1.0)

    def hot(now: Readings) -> bool:
        return now[f"{circuit}.outlet_temperature"] > 65.0

    def weak(now: Readings) -> bool:
        return now[f"{circuit}.inlet_pressure"] < 0.20

    bypass = f"{furnace}.interlock_out"
    return [
        Row(leaking, 3.0, effects, bypass),
        Row(hot, 1.0, effects, bypass),
        Row(weak, 2.0, effects, bypass),
    ]


def caster_rows(caster: str) -> list[Row]:
    """Launder levels, mould water; armed in steady casting. Whatever acts, the platform stops after it."""
    effects = {
        f"{caster}.emergency_discharge": 0.0,
        f"{caster}.launder_disconnect": 0.1,
        f"{caster}.tilt_back": 0.1,
        f"{caster}.quick_shutoff": 2.0,
        f"{caster}.platform_stop": 2.0,
    }

    def steady(now: Readings) -> bool:
        return now[f"{caster}.casting_phase"] == Phase.STEADY

    def level(now: Readings) -> bool:
        inlet = abs(now[f"{caster}.mould_inlet_level"]) > 20.0
        return steady(now) and (inlet or abs(now[f"{caster}.furnace_outlet_level"]) > 30.0)

    def water(now: Readings) -> bool:
        flow, pressure = now[f"{caster}.mould_water_flow"], now[f"{caster}.mould_water_pressure"]
        return steady(now) and (flow < 90.0 or pressure < 0.04)

    def acted(now: Readings) -> bool:
        actions = ("quick_shutoff_closed", "emergency_discharge_open", "launder_disconnected", "tilted_back")
        return steady(now) and any(now[f"{caster}.{action}"] for action in actions)

    bypass = f"{caster}.interlock_out"
    return [
        Row(level, 0.3, effects, bypass),
        Row(water, 1.5, effects, bypass),
        Row(acted, 0.0, {f"{caster}.platform_stop": 1.5}, bypass),
    ]


def dry_rows(collector: str) -> list[Row]:
    """Hot hopper, or an air-lock that does not turn while the fan runs."""

    def unsafe(now: Readings) -> bool:
        locked = not now[f"{collector}.airlock_running"] and now[f"{collector}.fan_running"] > 0.0
        return locked or now[f"{collector}.hopper_temperature"] > 70.0

    return [Row(unsafe, 1.0, {f"{collector}.process_stop": 8.0}, f"{collector}.interlock_out")]


def wet_rows(collector: str) -> list[Row]:
    """Dry running, and hydrogen."""

    def dry(now: Readings) -> bool:
        return now[f"{collector}.circulation_flow"] < 18.0 and now[f"{collector}.fan_running"] > 0.0

    def hydrogen(now: Readings) -> bool:
        return now[f"{collector}.hydrogen"] > 25.0

    return [
        Row(dry, 3.0, {f"{collector}.process_stop": 15.0}, None),
        Row(hydrogen, 1.0, {f"{collector}.process_stop": 15.0, f"{collector}.purge_fan_start": 15.0}, None),
    ]
