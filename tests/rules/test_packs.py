"""Every rule of the packs: a short series in, the transitions of its condition out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

import rules
from gateway.plant.model import Limit
from gateway.rule import EffectMode, TicketGrade
from gateway.sample import SECOND, Quality, Reason
from tests.rules.harness import Bench, equipment, furnace, output, packs, plant, run

FURNACE = {"panel.inlet_flow": 100.0, "panel.outlet_flow": 100.0, "panel.outlet_temperature": 40.0}
CASTER = {
    "c.casting_phase": 2.0,
    "c.platform_position": 1000.0,
    "c.platform_stopped": 0.0,
    "c.mould_inlet_level": 0.0,
    "c.furnace_outlet_level": 0.0,
    "c.mould_water_flow": 110.0,
    "c.mould_water_pressure": 0.12,
    "c.well_water_temperature": 32.0,
}
DRY = {"d.fan_running": 1.0, "d.process_running": 1.0, "d.airlock_running": 1.0, "d.airlock_fault": 0.0}
WET = {"w.fan_running": 1.0, "w.process_running": 1.0, "w.circulation_flow": 20.0, "w.water_level": 500.0}

PLANTS = {
    "panel": plant(furnace()),
    "eaf1": plant(furnace()),
    "co": plant([equipment("co", "co_detector")]),
    "c": plant([equipment("c", "deep_well_caster")]),
    "d": plant([equipment("d", "dry_dust_collector")]),
    "w": plant([equipment("w", "wet_dust_collector")]),
    "gateway": plant([equipment("gateway", "gateway")]),
}
CONSTANTS: Mapping[str, Mapping[str, float]] = {"panel": FURNACE, "c": CASTER, "d": DRY, "w": WET}

SCRIPTS = [
    ("eaf.outlet_temperature_high@panel", "outlet_temperature", "50x3 56x5 53x3 51x9", "false@0 true@5 false@16"),
    ("eaf.outlet_temperature_trip@panel", "outlet_temperature", "50x3 66x5 63x3 61x9", "false@0 true@4 false@16"),
    ("eaf.flow_difference_high@panel", "outlet_flow", "99x3 96.5x2 99x1 96.5x6 99x9", "false@0 true@9 false@17"),
    ("eaf.flow_difference_trip@panel", "outlet_flow", "99x3 94x6 95.5x9 97x9", "false@0 true@6 false@23"),
    ("eaf.inlet_pressure_low@panel", "inlet_pressure", "0.3x3 0.24x5 0.255x3 0.27x9", "false@0 true@5 false@16"),
    ("eaf.inlet_pressure_trip@panel", "inlet_pressure", "0.3x3 0.19x5 0.205x3 0.22x9", "false@0 true@5 false@16"),
    ("eaf.pit_water@eaf1", "pit_water_present", "0x3 1x5 0x40", "false@0 true@5 false@38"),
    ("eaf.shell_temperature_high@eaf1", "shell_temperature", "300x3 360x9 345x9 330x12", "false@0 true@8 false@31"),
    ("eaf.shell_temperature_high_high@eaf1", "shell_temperature", "300x3 460x9 430x12", "false@0 true@8 false@22"),
    ("eaf.interlock_disengaged@eaf1", "interlock_engaged", "1x3 0x5 1x9", "false@0 true@4 false@13"),
    ("gas.co_high@co", "concentration", "0x5 23x5 25x9 22x9 19x12", "false@0 true@13 false@38"),
    ("gas.co_high_high@co", "concentration", "0x60 170x10 _x20 100x15", "false@0 true@62 unknown@70 true@90 false@100"),
    ("gas.co_rising@co", "concentration", "0x70 0>60x60 60x80", "false@0 true@95 false@194"),
    ("gas.detector_fault@co", "fault", "0x3 1x8 0x8", "false@0 true@8 false@16"),
    ("caster.mould_water_flow_low@c", "mould_water_flow", "110x3 85x5 91x3 95x9", "false@0 true@5 false@16"),
    ("caster.mould_water_flow_trip@c", "mould_water_flow", "110x3 70x5 76x3 80x9", "false@0 true@4 false@16"),
    ("caster.mould_water_pressure_low@c", "mould_water_pressure", "0.1x3 0.05x5 0.1x9", "false@0 true@5 false@13"),
    ("caster.mould_water_pressure_trip@c", "mould_water_pressure", "0.1x3 0.03x5 0.1x9", "false@0 true@4 false@13"),
    ("caster.mould_inlet_level_deviation@c", "mould_inlet_level", "0x3 -12x5 9x3 7x9", "false@0 true@4 false@14"),
    ("caster.mould_inlet_level_trip@c", "mould_inlet_level", "0x3 -22x5 17x3 15x9", "false@0 true@4 false@14"),
    ("caster.mould_inlet_level_rate@c", "mould_inlet_level", "0x5 0>-90x6 -90x9", "unknown@0 false@1 true@7 false@14"),
    ("caster.furnace_outlet_level_deviation@c", "furnace_outlet_level", "0x3 16x5 0x9", "false@0 true@4 false@11"),
    ("caster.furnace_outlet_level_trip@c", "furnace_outlet_level", "0x3 31x5 0x9", "false@0 true@4 false@11"),
    ("caster.well_water_temperature_high@c", "well_water_temperature", "40x3 51x5 47x12", "false@0 true@5 false@18"),
    ("caster.well_water_temperature_trip@c", "well_water_temperature", "40x3 61x5 57x12", "false@0 true@4 false@18"),
    (
        "caster.well_water_temperature_rising@c",
        "well_water_temperature",
        "32x15 32>62x30 62x30",
        "unknown@0 false@10 true@19 false@63",
    ),
    ("caster.interlock_disengaged@c", "interlock_engaged", "1x3 0x5 1x9", "false@0 true@4 false@13"),
    ("dust.hopper_temperature_high@d", "hopper_temperature", "40x3 61x6 59x6 57x12", "false@0 true@6 false@25"),
    ("dust.hopper_temperature_trip@d", "hopper_temperature", "40x3 71x6 69x6 67x12", "false@0 true@5 false@25"),
    ("dust.differential_pressure_high@d", "differential_pressure", "900x3 1600x15 1300x15", "false@0 true@13 false@28"),
    ("dust.differential_pressure_low@d", "differential_pressure", "900x3 100x25 900x15", "false@0 true@23 false@38"),
    ("dust.airlock_failed@d", "airlock_running", "1x3 0x5 1x9", "false@0 true@4 false@13"),
    ("dust.airlock_failed@d", "airlock_fault", "0x3 1x5 0x9", "false@0 true@4 false@13"),
    ("dust.fan_stopped@d", "fan_running", "1x3 0x5 1x9", "false@0 true@4 false@13"),
    ("dust.pulse_air_low@d", "pulse_air_pressure", "0.4x3 0.1x15 0.4x15", "false@0 true@13 false@28"),
    ("dust.spark@d", "spark_detected", "0x3 1x1 0x15", "false@0 true@3 false@14"),
    ("dust.sparks_repeated@d", "spark_detected", "0x3 1x1 0x3 1x9 0x3 1x1 0x4", "false@0 true@19"),
    ("dust.sparks_repeated@d", "spark_detected", "0x3 1x1 0x3 1x1 0x700 1x1 0x4", "false@0"),
    ("dust.dry_interlock_disengaged@d", "interlock_engaged", "1x3 0x5 1x9", "false@0 true@4 false@13"),
    ("dust.water_level_low@w", "water_level", "500x3 390x6 410x3 430x12", "false@0 true@6 false@22"),
    ("dust.water_level_trip@w", "water_level", "500x3 290x6 310x3 330x12", "false@0 true@5 false@22"),
    ("dust.circulation_flow_low@w", "circulation_flow", "20x3 15x6 20x12", "false@0 true@6 false@19"),
    ("dust.dry_running@w", "circulation_flow", "20x3 0x6 20x12", "false@0 true@5 false@19"),
    ("dust.wet_fan_stopped@w", "fan_running", "1x3 0x5 1x9", "false@0 true@5 false@13"),
    ("dust.hydrogen_high@w", "hydrogen", "0x3 11x6 9x6 7x12", "false@0 true@6 false@25"),
    ("dust.hydrogen_high_high@w", "hydrogen", "0x3 26x6 24x6 19x12", "false@0 true@5 false@25"),
    ("gateway.journal_failed@gateway", "journal_writable", "1x3 0x3 1x9", "false@0 true@3 false@11"),
    ("gateway.history_failed@gateway", "history_writable", "1x3 0x8 1x9", "false@0 true@8 false@16"),
    ("gateway.samples_dropped@gateway", "dropped_samples", "0x3 5x3", "false@0 true@3"),
]


@pytest.mark.parametrize(("rule", "kind", "script", "expected"), SCRIPTS)
def test_a_rule_turns_at_its_level_after_its_delay(rule: str, kind: str, script: str, expected: str) -> None:
    owner = rule.split("@")[1]
    constants = {k: v for k, v in CONSTANTS.get(owner, {}).items() if k != f"{owner}.{kind}"}
    bench = Bench(PLANTS[owner])
    assert run(bench, rule, {f"{owner}.{kind}": script}, constants=constants) == expected


def test_every_rule_for_an_equipment_class_has_a_script() -> None:
    scripted = {script[0].split("@")[0] for script in SCRIPTS} | {"eaf.leak_into_furnace"}
    written = {rule.model.id for rule in packs().rules() if rule.model.for_each != "point"}
    assert written == scripted


LEAK = {"panel.outlet_flow": "99x40 99>96x60 96x20", "panel.outlet_temperature": "40x40 40>48x60 48x20"}


def test_warmer_and_less_outlet_with_steady_inlet_is_a_leak_into_the_furnace() -> None:
    bench = Bench(PLANTS["panel"])
    outcome = run(bench, "eaf.leak_into_furnace@panel", LEAK, constants={"panel.inlet_flow": 100.0})
    assert outcome.startswith("unknown@0 false@10 true@")
    assert 50 < float(outcome.rsplit("@", 1)[1]) < 100


def test_a_supply_that_fails_is_no_leak_into_the_furnace() -> None:
    bench = Bench(PLANTS["panel"])
    scripts = {**LEAK, "panel.inlet_flow": "100x40 100>97x60 97x20"}
    assert run(bench, "eaf.leak_into_furnace@panel", scripts) == "unknown@0 false@10"


@pytest.mark.parametrize("rule", ["mould_inlet_level_trip", "mould_inlet_level_deviation", "furnace_outlet_level_trip"])
@pytest.mark.parametrize("disarmed", [{"c.casting_phase": 1.0}, {"c.platform_position": 250.0}])
def test_level_rules_are_not_armed_before_steady_casting(rule: str, disarmed: Mapping[str, float]) -> None:
    bench = Bench(PLANTS["c"])
    level = "c.mould_inlet_level" if "mould" in rule else "c.furnace_outlet_level"
    constants = {k: v for k, v in {**CASTER, **disarmed}.items() if k != level}
    assert run(bench, f"caster.{rule}@c", {level: "0x3 40x9"}, constants=constants) == "false@0"


def test_mould_water_is_not_watched_while_the_caster_is_idle() -> None:
    bench = Bench(PLANTS["c"])
    constants = {"c.casting_phase": 0.0}
    assert run(bench, "caster.mould_water_flow_trip@c", {"c.mould_water_flow": "0x9"}, constants=constants) == "false@0"


def test_a_launder_that_empties_after_a_stop_is_no_sudden_change() -> None:
    bench = Bench(PLANTS["c"])
    constants = {k: v for k, v in CASTER.items() if k not in {"c.mould_inlet_level", "c.platform_stopped"}}
    scripts = {"c.mould_inlet_level": "0x5 0>-90x6 -90x9", "c.platform_stopped": "0x4 1x16"}
    assert run(bench, "caster.mould_inlet_level_rate@c", scripts, constants=constants) == "unknown@0 false@1"


def test_a_point_that_never_spoke_is_an_alarm_after_ten_seconds() -> None:
    bench = Bench(PLANTS["co"])
    assert run(bench, "detector.silent@co.concentration", {"co.fault": "0x15"}) == "false@0 true@10"


def test_a_lost_point_is_silent_first_and_failed_after_ten_minutes() -> None:
    script = {"co.concentration": "5x5 _x620 5x70"}
    assert run(Bench(PLANTS["co"]), "detector.silent@co.concentration", script) == "false@0 true@15 false@630"
    assert run(Bench(PLANTS["co"]), "detector.failed@co.concentration", script) == "false@0 true@605 false@685"


def test_a_value_out_of_range_is_told_apart_from_silence() -> None:
    bench = Bench(PLANTS["co"])
    for _ in range(20):
        bench.put("co.concentration", 5000.0, quality=Quality.BAD, reason=Reason.OUT_OF_RANGE)
        bench.step(SECOND)
    assert bench.truth("detector.out_of_range@co.concentration").name == "TRUE"
    assert bench.truth("detector.silent@co.concentration").name == "FALSE"


def test_a_flow_that_never_moves_is_stuck_but_noise_and_idleness_are_not() -> None:
    rule = "detector.stuck@panel.inlet_flow"
    assert run(Bench(PLANTS["panel"]), rule, {"panel.inlet_flow": "99x1 100x700"}) == "false@0 true@601"
    noisy = " ".join("100x1 100.1x1" for _ in range(350))
    assert run(Bench(PLANTS["panel"]), rule, {"panel.inlet_flow": noisy}) == "false@0"
    assert run(Bench(PLANTS["panel"]), rule, {"panel.inlet_flow": "0x700"}) == "false@0"
    assert not [r for r in Bench(PLANTS["co"]).program.rules if r.rule == "detector.stuck"]


def test_calibration_runs_out_at_the_end_of_its_day_in_china() -> None:
    # The bench starts on 2027-01-15 at 08:00 UTC, which is 16:00 in China.
    rule = "detector.calibration_overdue@co.concentration"
    last_day = Bench(plant([equipment("co", "co_detector")], calibration_due=date(2027, 1, 15)))
    assert run(last_day, rule, {"co.concentration": "5x10"}, scan=3600 * SECOND) == "false@0 true@28800"
    day_before = Bench(plant([equipment("co", "co_detector")], calibration_due=date(2027, 1, 14)))
    assert run(day_before, rule, {"co.concentration": "5x1"}) == "true@0"


def test_a_point_without_a_calibration_date_is_listed_as_skipped() -> None:
    skipped = [s for s in Bench(PLANTS["co"]).program.skipped if s.rule == "detector.calibration_overdue"]
    assert [(s.equipment, s.missing) for s in skipped] == [("co.concentration", ("calibration_due",))]


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


def test_every_clause_requirement_can_be_met() -> None:
    everything = [
        *furnace(),
        *(
            equipment(name, name)
            for name in ("co_detector", "deep_well_caster", "dry_dust_collector", "wet_dust_collector", "gateway")
        ),
    ]
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
