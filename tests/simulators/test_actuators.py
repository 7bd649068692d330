"""Laws of actuators and of the PLCs' own interlocks."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.plant.model import Plant
from simulators.plant.actuator import Actuator, Master
from simulators.plant.plant import PlantModel

STEP = 0.05


def seconds_until_done(actuator: Actuator, patience: float = 60.0) -> float | None:
    elapsed = 0.0
    while elapsed < patience:
        if actuator.done:
            return elapsed
        actuator.step(STEP)
        elapsed += STEP
    return None


def test_feedback_comes_after_dead_time_and_travel() -> None:
    actuator = Actuator(dead_time=0.3, travel=6.0)
    actuator.demand(Master.GATEWAY, 1.0)
    assert seconds_until_done(actuator) == pytest.approx(6.3, abs=0.15)


def test_a_slow_actuator_takes_that_much_longer() -> None:
    actuator = Actuator(dead_time=0.3, travel=6.0)
    actuator.slowness = 3.0
    actuator.demand(Master.PLC, 1.0)
    assert seconds_until_done(actuator) == pytest.approx(18.9, abs=0.2)


def test_a_stuck_actuator_neither_goes_nor_comes_back() -> None:
    actuator = Actuator(dead_time=0.1, travel=1.0)
    actuator.stuck = True
    actuator.demand(Master.GATEWAY, 1.0)
    assert seconds_until_done(actuator) is None
    actuator.stuck = False
    assert seconds_until_done(actuator) is not None
    actuator.stuck = True
    actuator.demand(Master.GATEWAY, 0.0)
    actuator.step(10.0)
    assert actuator.done


def test_it_goes_home_only_when_neither_master_demands() -> None:
    actuator = Actuator(dead_time=0.0, travel=0.5)
    actuator.demand(Master.GATEWAY, 1.0)
    actuator.demand(Master.PLC, 1.0)
    seconds_until_done(actuator)
    actuator.demand(Master.GATEWAY, 0.0)
    actuator.step(1.0)
    assert actuator.done
    actuator.demand(Master.PLC, 0.0)
    actuator.step(1.0)
    assert actuator.position == 0.0


def run(model: PlantModel, seconds: float) -> None:
    for _ in range(round(seconds / STEP)):
        model.step(STEP)


def leaking(plant: Plant, **parameters: float) -> PlantModel:
    model = PlantModel(plant, np.random.default_rng(3))
    model.set("eaf1_panel_a.leak", 0.08)
    for name, value in parameters.items():
        model.set(f"eaf1.{name}", value)
    return model


def test_the_plc_trips_without_any_gateway(plant: Plant) -> None:
    model = leaking(plant)
    run(model, 20)
    assert model.value("eaf1.tilt_inhibited") == 1
    assert model.value("eaf1.electrode_raised") == 1
    assert model.value("eaf1.electrode_breaker_closed") == 0


def test_what_the_gateway_may_command_the_plc_leaves_to_it_for_five_seconds(plant: Plant) -> None:
    model = leaking(plant)
    run(model, 6)
    assert model.value("eaf1.tilt_inhibited") == 1
    assert model.value("eaf1.electrode_breaker_closed") == 1


def test_a_plc_whose_interlock_is_out_of_service_does_nothing(plant: Plant) -> None:
    model = leaking(plant, interlock_out=1.0)
    run(model, 30)
    assert model.value("eaf1.interlock_engaged") == 0
    assert model.value("eaf1.tilt_inhibited") == 0
    assert model.value("eaf1.electrode_breaker_closed") == 1


def test_after_restore_every_actuator_is_home_and_no_trip_returns(plant: Plant) -> None:
    model = leaking(plant)
    model.set("caster1.metal_loss", 40.0)
    model.set("dust_dry1.airlock_trip", 1.0)
    model.stick("caster1.quick_shutoff")
    model.command("eaf1.electrode_breaker_trip", 1.0)
    run(model, 20)
    assert any(actuator.position > 0 for actuator in model.actuators.values())
    model.restore()
    run(model, 50)
    assert {name for name, actuator in model.actuators.items() if actuator.position > 0} == set()
    assert model.commanded("eaf1.electrode_breaker_trip") == 0
    assert model.value("caster1.casting_phase") == 2
    assert abs(model.value("caster1.mould_inlet_level")) < 10
