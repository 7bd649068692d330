"""The packs that Tocsin ships: every rule does what its own tests say, and stands where it should."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

import rules
from gateway.plant.model import Equipment, Limit
from gateway.rule import EffectMode, TicketGrade, Truth
from rules import trials
from rules.series import Series, parse_series
from rules.trials import Trial, read_trials
from tests.rules.harness import Bench, equipment, furnace, output, packs, plant, run

PLANTS = {
    "panel": plant(furnace()),
    "eaf1": plant(furnace()),
    "co": plant([equipment("co", "co_detector")]),
    "c": plant([equipment("c", "deep_well_caster")]),
    "d": plant([equipment("d", "dry_dust_collector")]),
    "w": plant([equipment("w", "wet_dust_collector")]),
    "gateway": plant([equipment("gateway", "gateway")]),
}


@pytest.mark.parametrize("trial", read_trials(packs()), ids=lambda trial: trial.id)
def test_a_rule_does_what_its_pack_says(trial: Trial) -> None:
    outcome = trials.run(trial, packs().criteria)
    assert outcome.passed, f"expected {[*map(str, trial.expected)]}, got {[*map(str, outcome.got)]}"


def test_every_rule_is_seen_to_raise_and_not_to_raise() -> None:
    raised, quiet = set(), set()
    for trial in read_trials(packs()):
        becomes = {change.truth for change in trial.expected}
        (raised if Truth.TRUE in becomes else quiet).add(trial.rule.model.id)
    written = {rule.model.id for rule in packs().rules()}
    assert written - raised == set()
    assert written - quiet == set()


LOST = parse_series("_")
OF_A_CLASS = [trial for trial in read_trials(packs()) if trial.rule.model.for_each != "point"]


@pytest.mark.parametrize("trial", [t for t in OF_A_CLASS if t.number == 0], ids=lambda trial: trial.rule.model.id)
def test_a_rule_that_sees_nothing_never_says_that_all_is_well(trial: Trial) -> None:
    outcome = trials.run(replace(trial, series=dict.fromkeys(trial.series, LOST)), packs().criteria)
    if trial.rule.model.bad_quality == "trip":
        assert outcome.truths[-1] is Truth.TRUE
    else:
        assert set(outcome.truths) == {Truth.UNKNOWN}


@pytest.mark.parametrize("trial", OF_A_CLASS, ids=lambda trial: trial.id)
def test_an_alarm_never_returns_to_normal_because_its_signals_are_lost(trial: Trial) -> None:
    truths = trials.run(trial, packs().criteria).truths
    if Truth.TRUE not in truths:
        return
    raised = truths.index(Truth.TRUE)
    cut = {name: cut_off(series, raised, trial.ticks) for name, series in trial.series.items()}
    after = trials.run(replace(trial, series=cut), packs().criteria).truths[raised:]
    assert after[0] is Truth.TRUE
    assert Truth.FALSE not in after


def cut_off(series: Series, tick: int, ticks: int) -> Series:
    """The series up to a tick and including it, lost ever after."""
    shown = tuple(series.at(at) for at in range(tick + 1)) + LOST.shown * (ticks - tick + 60)
    return Series(shown, constant=False)


def test_a_point_without_a_calibration_date_is_listed_as_skipped() -> None:
    skipped = [s for s in Bench(PLANTS["co"]).program.skipped if s.rule == "detector.calibration_overdue"]
    assert ("co.concentration", ("calibration_due",)) in [(s.equipment, s.missing) for s in skipped]
    assert "co.fault" not in [s.equipment for s in skipped], "a state has nothing to calibrate"


def test_an_effect_is_commanded_only_where_the_plant_file_allows_it() -> None:
    outputs = [
        output("eaf1", "electrode_breaker_trip", allowed=True),
        output("eaf1", "electrode_lift", allowed=False),
    ]
    program = Bench(plant(furnace(), outputs=outputs)).program
    (interlock,) = program.interlocks
    assert [(e.id, e.mode, e.output) for e in interlock.effects] == [
        ("electrode_power_off", EffectMode.COMMAND, "eaf1.electrode_breaker_trip"),
        ("electrode_lift", EffectMode.OBSERVE, None),
        ("tilt_inhibit", EffectMode.OBSERVE, None),
    ]
    assert {program.rules[c].rule for c in interlock.causes} == {
        "eaf.flow_difference_trip",
        "eaf.outlet_temperature_trip",
        "eaf.inlet_pressure_trip",
    }


def test_effect_conditions_follow_the_parents_feedback() -> None:
    bench = Bench(plant(furnace()))
    (interlock,) = bench.program.interlocks
    for closed, expected in ((1.0, 0), (0.0, 1), (None, 2)):
        bench.put("eaf1.electrode_breaker_closed", closed)
        assert bench.step().truth[interlock.effects[0].condition] == expected


def test_a_rule_whose_points_are_missing_is_skipped_and_says_what_is_missing() -> None:
    bare = plant([equipment("d", "dry_dust_collector")], without=["d.airlock_running", "d.airlock_fault"])
    program = rules.compile(bare, packs())
    skipped = {s.rule: s.missing for s in program.skipped if s.equipment == "d"}
    assert skipped["dust.airlock_failed"] == ("airlock_fault", "airlock_running")
    assert skipped["dust.dry_stop"] == ("dust.airlock_failed",)
    assert "dust.airlock_failed@d" not in {rule.id for rule in program.rules}
    assert "dust.dry_stop@d" in {interlock.id for interlock in program.interlocks}


def test_a_limit_of_the_plant_file_takes_the_place_of_the_default_in_any_unit() -> None:
    own = Limit("inlet_pressure_alarm", 3.0, "bar", "design file")
    items = [furnace()[0], equipment("panel", "water_cooled_circuit", parent="eaf1", limits=[own])]
    bench = Bench(plant(items, units={"panel.inlet_pressure": "kPa"}))
    script = {"panel.inlet_pressure": "310x3 290x5"}
    assert run(bench, "eaf.inlet_pressure_low@panel", script) == "false@0 true@5"
    limit = next(x for x in bench.program.limits if x.kind.name == "inlet_pressure_alarm")
    assert (limit.value, limit.unit, limit.source, limit.overridden) == (3.0, "bar", "design file", True)
    drawn = bench.program.point_limits[bench.index["panel.inlet_pressure"]]
    assert [(x.kind.name, x.value, x.unit) for x in drawn] == [
        ("inlet_pressure_alarm", 300.0, "kPa"),
        ("inlet_pressure_trip", 200.0, "kPa"),
    ]


def test_a_deviation_limit_is_drawn_on_both_sides() -> None:
    bench = Bench(PLANTS["c"])
    drawn = bench.program.point_limits[bench.index["c.mould_inlet_level"]]
    assert {x.value for x in drawn if x.kind.name == "mould_inlet_level_trip"} == {20.0, -20.0}


def test_another_limit_gives_the_rule_another_hash() -> None:
    own = Limit("concentration_high", 20.0, "ppm", "strict profile")
    hashes = [
        {r.rule: r.hash for r in Bench(plant([equipment("co", "co_detector", limits=limits)])).program.rules}
        for limits in ((), (own,))
    ]
    assert hashes[0]["gas.co_high"] != hashes[1]["gas.co_high"]
    assert hashes[0]["gas.detector_fault"] == hashes[1]["gas.detector_fault"]


def test_the_shipped_packs_have_no_lint() -> None:
    assert [str(problem) for problem in rules.lint(packs())] == []


def one_of_each_class() -> list[Equipment]:
    """An equipment of every class, each under a parent of its own class if it has one; parents first."""
    classes = packs().criteria.classes
    parents = {item.parent_class for item in classes.values() if item.parent_class is not None}
    ordered = sorted(classes, key=lambda name: name not in parents)
    return [equipment(name, name, parent=classes[name].parent_class) for name in ordered]


def test_every_clause_requirement_can_be_met() -> None:
    everything = one_of_each_class()
    program = rules.compile(plant(everything, calibration_due=date(2030, 1, 1)), packs())
    classes = {item.id: item.equipment_class for item in everything}
    there = {(classes[r.equipment], r.rule) for r in program.rules}
    there |= {(classes[i.equipment], i.interlock) for i in program.interlocks}
    for clause in packs().criteria.clauses:
        for requirement in clause.requirements:
            for name in (*requirement.rules, *requirement.interlocks):
                assert (requirement.equipment_class, name) in there
    assert not program.skipped
    assert not program.warnings


def test_first_level_alarms_propose_no_major_hazard() -> None:
    grades = {rule.model.id: rule.model.ticket for rule in packs().rules()}
    assert grades["gas.co_high"] == grades["eaf.flow_difference_high"] == "none"
    assert grades["gas.co_high_high"] == grades["eaf.flow_difference_trip"] == TicketGrade.MAJOR


def test_instances_stand_in_their_own_column() -> None:
    program = Bench(PLANTS["panel"]).program
    assert [rule.index for rule in program.rules] == list(range(len(program.rules)))
    effects = [effect.condition for interlock in program.interlocks for effect in interlock.effects]
    assert min(effects) >= len(program.rules)


@pytest.mark.parametrize(
    "action", ["quick_shutoff_closed", "emergency_discharge_open", "launder_disconnected", "tilted_back"]
)
def test_whatever_acts_at_a_caster_demands_that_its_platform_stops(action: str) -> None:
    bench = Bench(plant([equipment("c", "deep_well_caster")]))
    (follows,) = [row for row in bench.program.interlocks if row.id == "caster.platform_follows@c"]
    bench.put("c.casting_phase", 2.0)
    for other in ("quick_shutoff_closed", "emergency_discharge_open", "launder_disconnected", "tilted_back"):
        bench.put(f"c.{other}", 0.0)
    assert bench.step().truth[follows.causes[0]] == Truth.FALSE
    bench.put(f"c.{action}", 1.0)
    assert bench.step().truth[follows.causes[0]] == Truth.TRUE
    assert [effect.id for effect in follows.effects] == ["platform_stop"]
