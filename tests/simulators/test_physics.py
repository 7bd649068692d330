"""Laws of the simulated plant: heat goes where it must, nothing jumps, nothing is left to chance."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.errors import UnknownSubject
from gateway.plant.model import Plant
from rules import packs
from simulators.plant.caster import Caster
from simulators.plant.plant import PlantModel
from simulators.plant.signals import Parameters

LIMITS_ABOVE = {
    "outlet_temperature": "outlet_temperature_alarm",
    "shell_temperature": "shell_temperature_alarm",
    "concentration": "concentration_clear",
    "well_water_temperature": "well_water_temperature_alarm",
    "hopper_temperature": "hopper_temperature_alarm",
    "hydrogen": "hydrogen_alarm",
}
LIMITS_BELOW = {
    "inlet_pressure": "inlet_pressure_alarm",
    "mould_water_flow": "mould_water_flow_alarm",
    "mould_water_pressure": "mould_water_pressure_alarm",
    "pulse_air_pressure": "pulse_air_pressure_low",
    "water_level": "water_level_alarm",
    "circulation_flow": "circulation_flow_alarm",
}
LIMITS_AROUND = {
    "mould_inlet_level": "mould_inlet_level_alarm",
    "furnace_outlet_level": "furnace_outlet_level_alarm",
}
NORMAL_STATES = {
    "electrode_breaker_closed": 1,
    "electrode_raised": 0,
    "tilt_inhibited": 0,
    "interlock_engaged": 1,
    "pit_water_present": 0,
    "fault": 0,
    "casting_phase": 2,
    "airlock_running": 1,
    "airlock_fault": 0,
    "fan_running": 1,
    "spark_detected": 0,
    "process_running": 1,
}


def model_of(plant: Plant, seed: int = 1) -> PlantModel:
    return PlantModel(plant, np.random.default_rng(seed))


def run(model: PlantModel, seconds: float, dt: float = 0.05) -> None:
    for _ in range(round(seconds / dt)):
        model.step(dt)


def mean(model: PlantModel, point: str, seconds: float = 10.0) -> float:
    values = []
    for _ in range(round(seconds / 0.1)):
        model.step(0.1)
        values.append(model.value(point))
    return float(np.mean(values))


def limit(plant: Plant, equipment: str, name: str) -> float:
    one = plant.equipment_by_id()[equipment]
    if name in one.limits:
        return one.limits[name].value
    return packs.load_criteria(packs.PACKS).classes[one.equipment_class].limits[name].default


def test_every_point_of_the_demo_has_physics_behind_it(plant: Plant) -> None:
    model = model_of(plant)
    modelled = model.readings.keys()
    assert {p.id for p in plant.points if p.equipment != "gateway"} <= modelled
    assert {o.id for o in plant.outputs} <= model.actuators.keys()


def test_the_same_seed_gives_the_same_bits(plant: Plant) -> None:
    first, second, other = model_of(plant, 5), model_of(plant, 5), model_of(plant, 6)
    for model in (first, second, other):
        model.set("eaf1_panel_a.leak", 0.03)
        run(model, 20)
    assert first.readings == second.readings
    assert first.readings != other.readings


def test_a_quiet_hour_stays_inside_every_limit_and_range(plant: Plant) -> None:
    model = model_of(plant, 11)
    low: dict[str, float] = {}
    high: dict[str, float] = {}
    difference = 0.0
    for _ in range(14_400):
        model.step(0.25)
        for key, value in model.readings.items():
            low[key] = min(low.get(key, value), value)
            high[key] = max(high.get(key, value), value)
        for circuit in ("eaf1_panel_a", "eaf1_roof"):
            inlet = model.value(f"{circuit}.inlet_flow")
            difference = max(difference, abs(inlet - model.value(f"{circuit}.outlet_flow")) / inlet)
    assert difference < 0.01
    for point in plant.points:
        if point.equipment == "gateway":
            continue
        assert point.low <= low[point.id] <= high[point.id] <= point.high, point.id
        if point.kind in NORMAL_STATES:
            assert low[point.id] == high[point.id] == NORMAL_STATES[point.kind], point.id
        if point.kind in LIMITS_ABOVE:
            assert high[point.id] < 0.95 * limit(plant, point.equipment, LIMITS_ABOVE[point.kind]), point.id
        if point.kind in LIMITS_BELOW:
            assert low[point.id] > 1.05 * limit(plant, point.equipment, LIMITS_BELOW[point.kind]), point.id
        if point.kind in LIMITS_AROUND:
            bound = 0.5 * limit(plant, point.equipment, LIMITS_AROUND[point.kind])
            assert -bound < low[point.id] <= high[point.id] < bound, point.id
    assert low["dust_dry1.differential_pressure"] > 300
    assert high["dust_dry1.differential_pressure"] < 1200


def test_a_measurement_is_never_flat(plant: Plant) -> None:
    model = model_of(plant)
    measured = [point for point in plant.points if point.unit and point.equipment != "gateway"]
    seen: dict[str, set[float]] = {point.id: set() for point in measured}
    for _ in range(200):
        model.step(0.1)
        for point, values in seen.items():
            values.add(model.value(point))
    assert {point for point, values in seen.items() if len(values) < 100} == set()


def test_no_measurement_jumps_even_in_an_accident(plant: Plant) -> None:
    model = model_of(plant)
    before = {p.id: model.value(p.id) for p in plant.points}
    model.set("eaf1_panel_a.leak", 0.08)
    model.set("co_05.leak", 300.0)
    model.set("caster1.metal_loss", 40.0)
    model.set("caster1.water_supply", 0.4)
    model.set("dust_dry1.airlock_trip", 1.0)
    model.set("dust_wet1.pump_trip", 1.0)
    for step in range(2400):
        if step == 1200:
            model.restore()
        model.step(0.05)
        for point in plant.points:
            value = model.value(point.id)
            if point.unit and point.kind != "platform_speed":
                assert abs(value - before[point.id]) <= 0.05 * (point.high - point.low), point.id
            before[point.id] = value


def test_a_leak_takes_water_from_the_outlet_and_heats_the_rest(plant: Plant) -> None:
    model = model_of(plant)
    circuit = "eaf1_panel_a"
    inlet, outlet = mean(model, f"{circuit}.inlet_flow"), mean(model, f"{circuit}.outlet_flow")
    temperature = mean(model, f"{circuit}.outlet_temperature")
    model.set(f"{circuit}.leak", 0.03)
    run(model, 30)
    assert mean(model, f"{circuit}.inlet_flow") == pytest.approx(inlet, rel=0.01)
    assert mean(model, f"{circuit}.outlet_flow") == pytest.approx(0.97 * outlet, rel=0.01)
    assert mean(model, f"{circuit}.outlet_temperature") > temperature + 5
    assert mean(model, "eaf1_roof.outlet_temperature") == pytest.approx(40, abs=1)


def test_outlet_heat_equals_the_arcs_share(plant: Plant) -> None:
    model = model_of(plant)
    run(model, 60)
    flow, warm = mean(model, "eaf1_panel_a.outlet_flow", 60), mean(model, "eaf1_panel_a.outlet_temperature", 60)
    assert 1.163 * flow * (warm - 30.0) == pytest.approx(698, rel=0.03)


def test_less_inlet_water_leaves_hotter(plant: Plant) -> None:
    model = model_of(plant)
    model.set("eaf1.interlock_out", 1.0)
    model.set("eaf1_panel_a.supply", 0.5)
    run(model, 40)
    assert mean(model, "eaf1_panel_a.outlet_temperature") == pytest.approx(50, abs=2)
    assert mean(model, "eaf1_panel_a.inlet_pressure") == pytest.approx(0.10, abs=0.02)


def test_opening_the_breaker_cools_every_circuit(plant: Plant) -> None:
    model = model_of(plant)
    model.command("eaf1.electrode_breaker_trip", 1.0)
    run(model, 40)
    assert model.value("eaf1.electrode_breaker_closed") == 0
    for circuit in ("eaf1_panel_a", "eaf1_roof"):
        assert mean(model, f"{circuit}.outlet_temperature") == pytest.approx(30, abs=1)


def test_tapping_gas_reaches_a_room_only_through_its_gap(plant: Plant) -> None:
    model = model_of(plant)
    model.set("co_05.runner_gap", 0.5)
    run(model, 60)
    assert model.value("co_05.concentration") < 10
    model.set("eaf1.tapping", 1.0)
    run(model, 60)
    assert model.value("co_05.concentration") > 100
    assert 15 < model.value("co_06.concentration") < model.value("co_05.concentration")
    assert model.value("co_01.concentration") < 10


def test_a_broken_detector_has_no_number_and_a_frozen_one_always_the_same(plant: Plant) -> None:
    model = model_of(plant)
    model.set("co_01.fault", 1.0)
    model.set("co_02.frozen", 1.0)
    run(model, 1)
    held = model.value("co_02.concentration")
    run(model, 20)
    assert np.isnan(model.value("co_01.concentration"))
    assert model.value("co_01.fault") == 1
    assert model.value("co_02.concentration") == held


def test_hydrogen_goes_when_the_purge_fan_runs(plant: Plant) -> None:
    model = model_of(plant)
    model.set("dust_wet1.hydrogen_source", 2.0)
    run(model, 30)
    high = mean(model, "dust_wet1.hydrogen")
    model.command("dust_wet1.purge_fan_start", 1.0)
    run(model, 30)
    assert high > 8
    assert mean(model, "dust_wet1.hydrogen") < 0.5 * high


def test_a_whole_cast_ends_and_begins_again_by_itself() -> None:
    caster = Caster("caster1", np.random.default_rng(1))
    parameters = Parameters(caster.normal)
    phases: list[float] = []
    for _ in range(20_000):
        caster.step(0.5, parameters, 1.0)
        phase = caster.readings()["caster1.casting_phase"]
        if not phases or phases[-1] != phase:
            phases.append(phase)
    assert phases[:5] == [2, 3, 0, 1, 2]


def test_a_forced_sensor_shows_what_it_is_told_until_freed(plant: Plant) -> None:
    model = model_of(plant)
    model.force("co_01.concentration", 500.0)
    run(model, 1)
    assert model.value("co_01.concentration") == 500.0
    model.force("co_01.concentration", None)
    assert model.value("co_01.concentration") < 10


@pytest.mark.parametrize("wrong", ["set", "stick", "force"])
def test_a_name_that_nothing_has_is_refused(plant: Plant, wrong: str) -> None:
    model = model_of(plant)
    with pytest.raises(UnknownSubject):
        getattr(model, wrong)("nothing.here", *([1.0] if wrong != "stick" else []))
