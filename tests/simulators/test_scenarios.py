"""Laws of the scenario files, played without sockets and without waiting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from gateway.errors import ConfigurationError, UnknownSubject
from gateway.plant.model import Plant
from gateway.sample import SECOND
from rules import packs
from simulators.plant.plant import PlantModel
from simulators.run import EVERY
from simulators.scenarios.scenario import FOLDER, Player, Scenario, load_scenario, load_scenarios

SCENARIOS = load_scenarios()
STEP = 0.05


def play(plant: Plant, scenario: Scenario, seed: int) -> tuple[PlantModel, list[float | None]]:
    """The model when all is over, and when each reach of the scenario held."""
    model = PlantModel(plant, np.random.default_rng(seed))
    for _ in range(200):
        model.step(STEP)
    player = Player(scenario, model, model.parameters)
    reached: list[float | None] = [None] * len(scenario.expect.reaches)
    elapsed = 0.0
    while not player.over:
        player.advance(elapsed)
        model.step(STEP)
        elapsed += STEP
        for place, reach in enumerate(scenario.expect.reaches):
            if reached[place] is None and reach.holds(model.value(reach.point)):
                reached[place] = elapsed
    return model, reached


def test_the_demo_has_the_accidents_it_promises() -> None:
    assert list(SCENARIOS) == ["EAF-1", "CO-2", "DC-1-good", "DC-1-bad", "DU-2"]


@pytest.mark.parametrize("name", SCENARIOS)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_scenario_reaches_its_thresholds_in_time(plant: Plant, name: str, seed: int) -> None:
    scenario = SCENARIOS[name]
    _, reached = play(plant, scenario, seed)
    for reach, when in zip(scenario.expect.reaches, reached):
        assert when is not None, reach
        assert when <= reach.by / SECOND, reach


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_plant_is_quiet_again_before_the_next_scenario(plant: Plant, name: str) -> None:
    scenario = SCENARIOS[name]
    model, _ = play(plant, scenario, 4)
    for _ in range(round((EVERY - 15 - scenario.duration / SECOND) / STEP)):
        model.step(STEP)
    fresh = PlantModel(plant, np.random.default_rng(5))
    for point in plant.points:
        slack = 0.0 if not point.unit else 0.03 * (point.high - point.low)
        if point.kind not in ("platform_position", "furnace_tilt_angle", "differential_pressure"):
            assert model.value(point.id) == pytest.approx(fresh.value(point.id), abs=slack), point.id


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_speaks_of_things_that_the_plant_has(plant: Plant, name: str) -> None:
    scenario = SCENARIOS[name]
    model = PlantModel(plant, np.random.default_rng(1))
    for step in scenario.steps:
        assert step.at + step.over < scenario.duration
        if step.set or step.ramp:
            assert (step.set or step.ramp) in model.parameters
        if step.stick or step.slow:
            assert (step.stick or step.slow) in model.actuators
    points = plant.points_by_id()
    assert all(reach.point in points for reach in scenario.expect.reaches)
    equipment = plant.equipment_by_id()
    named = [*scenario.expect.alarms, *(one.interlock for one in scenario.expect.interlocks)]
    assert all(one.partition("@")[2] in equipment for one in named)


def test_what_a_scenario_expects_is_named_in_the_packs() -> None:
    documents = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in packs.PACKS.glob("*.yaml")]
    rules = {rule["id"] for document in documents for rule in document.get("rules", [])}
    effects = {
        interlock["id"]: {effect["id"] for effect in interlock["effects"]}
        for document in documents
        for interlock in document.get("interlocks", [])
    }
    for scenario in SCENARIOS.values():
        assert {alarm.partition("@")[0] for alarm in scenario.expect.alarms} <= rules, scenario.id
        for demanded in scenario.expect.interlocks:
            assert set(demanded.verdicts) == effects[demanded.interlock.partition("@")[0]], scenario.id


def test_a_ramp_is_a_straight_line_from_where_the_parameter_stands(plant: Plant) -> None:
    scenario = SCENARIOS["EAF-1"]
    model = PlantModel(plant, np.random.default_rng(1))
    player = Player(scenario, model, model.parameters)
    player.advance(0.0)
    player.advance(1.0)
    player.advance(21.0)
    assert model.parameters["eaf1_panel_a.leak"] == pytest.approx((0.005 + 0.08) / 2)


def test_a_broken_file_is_refused_with_the_field(tmp_path: Path) -> None:
    file = tmp_path / "x.yaml"
    text = (FOLDER / "1-eaf-1.yaml").read_text(encoding="utf-8")
    file.write_text(text.replace("over: 40 s", "over: 40"), encoding="utf-8")
    with pytest.raises(ConfigurationError) as refused:
        load_scenario(file)
    (problem,) = refused.value.problems
    line = 1 + text[: text.index("over: 40 s")].count("\n")
    assert (problem.field, problem.line) == ("steps[1].over", line)


def test_a_parameter_that_no_model_has_is_refused(plant: Plant) -> None:
    scenario = SCENARIOS["EAF-1"]
    steps = [scenario.steps[0].model_copy(update={"set": "eaf9.leak"})]
    model = PlantModel(plant, np.random.default_rng(1))
    with pytest.raises(UnknownSubject):
        Player(scenario.model_copy(update={"steps": steps}), model, model.parameters).advance(0.0)
