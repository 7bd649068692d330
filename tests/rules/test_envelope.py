"""The fields around an expression: arming, suppression, early warning, permissives, lost data, trials, credit."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.plant.model import Text
from gateway.rule import Priority, Truth
from gateway.sample import SECOND, Quality
from rules.compiler import compile as compile_rules
from rules.program import Skipped
from tests.rules.harness import Bench, equipment, plant
from tests.rules.test_errors import mistakes, rule
from tests.rules.written import bench, transitions, written

LEVEL = "when: abs(mould_inlet_level) > 20 mm\n"
ARMED = LEVEL + "armed_when: platform_position > 300 mm\n"


def test_an_unarmed_rule_is_false_whatever_its_condition() -> None:
    assert transitions(ARMED, {"mould_inlet_level": "25x9", "platform_position": "100x4 400x3 100x2"}) == (
        "false@0 true@4 false@7"
    )


def test_a_latch_resets_when_the_rule_is_no_longer_armed_even_if_nothing_else_clears_it() -> None:
    fields = ARMED + "clear: mould_inlet_level < -90 mm\noff_delay: 30 s\n"
    assert transitions(fields, {"mould_inlet_level": "25x9", "platform_position": "400x5 0x4"}) == "true@0 false@5"


def test_the_on_delay_counts_from_the_arming() -> None:
    fields = ARMED + "on_delay: 3 s\n"
    assert transitions(fields, {"mould_inlet_level": "25x12", "platform_position": "0x5 400x7"}) == "false@0 true@8"


def test_not_knowing_whether_it_is_armed_is_not_knowing_whether_it_trips() -> None:
    scripts = {"mould_inlet_level": "25x4 0x2", "platform_position": "_x6"}
    assert transitions(ARMED, scripts) == "unknown@0 false@4"


def test_lost_data_trip_a_rule_that_says_so_after_its_on_delay() -> None:
    fields = LEVEL + "on_delay: 2 s\noff_delay: 2 s\nbad_quality: trip\n"
    assert transitions(fields, {"mould_inlet_level": "0x3 _x4 0x5"}) == "false@0 true@5 false@9"
    assert transitions(LEVEL, {"mould_inlet_level": "0x3 _x4 0x2"}) == "false@0 unknown@3 false@7"


@pytest.mark.parametrize(("field", "truth"), [("", Truth.TRUE), ("uncertain: unknown\n", Truth.UNKNOWN)])
def test_an_uncertain_value_counts_unless_the_rule_says_otherwise(field: str, truth: Truth) -> None:
    standing = bench(LEVEL + field)
    standing.put("it.mould_inlet_level", 25.0, quality=Quality.UNCERTAIN)
    standing.step()
    assert standing.truth("mine.rule@it") is truth


def test_what_suppresses_is_a_column_of_its_own_behind_the_rules() -> None:
    standing = bench(LEVEL + "suppress_when: casting_phase == 0\nearly: {when: abs(mould_inlet_level) > 10 mm}\n")
    main, early = standing.program.rules
    assert (main.index, early.index, main.suppress, early.suppress) == (0, 1, 2, 2)
    standing.put("it.mould_inlet_level", 25.0)
    for phase, truth in ((0.0, Truth.TRUE), (1.0, Truth.FALSE), (None, Truth.UNKNOWN)):
        standing.put("it.casting_phase", phase)
        conditions = standing.step()
        assert Truth(int(conditions.truth[2])) is truth
        assert standing.truth("mine.rule@it") is Truth.TRUE


def test_an_early_warning_is_a_rule_beside_the_rule() -> None:
    fields = (
        LEVEL
        + "latch: true\nticket: major\nre_alarm: 5 min\nfirst_out: level\n"
        + "early: {when: abs(mould_inlet_level) > 10 mm, clear: abs(mould_inlet_level) < 8 mm, off_delay: 2 s}\n"
    )
    main, early = bench(fields).program.rules
    assert (main.id, early.id, early.rule) == ("mine.rule@it", "mine.rule.early@it", "mine.rule.early")
    assert (main.priority, early.priority) == (Priority.HIGH, Priority.MEDIUM)
    assert (early.latch, early.ticket, early.first_out_group, early.re_alarm) == (False, None, None, None)
    assert main.re_alarm == 5 * 60 * SECOND
    assert early.title == Text("题（预警）", "title, early")
    assert early.response_time == main.response_time
    assert transitions(fields, {"mould_inlet_level": "0x2 12x3 5x4"}, rule=early.id) == "false@0 true@2 false@7"


@pytest.mark.parametrize(
    ("written_", "priority", "title"),
    [("priority: low", Priority.LOW, "title, early"), ("title: {zh: 早, en: soon}", Priority.MEDIUM, "soon")],
)
def test_an_early_warning_may_say_its_priority_and_title(written_: str, priority: Priority, title: str) -> None:
    _, early = bench(LEVEL + f"early:\n  when: mould_inlet_level > 10 mm\n  {written_}\n").program.rules
    assert (early.priority, early.title.en) == (priority, title)


PERMISSIVE = """\
for_each: dry_dust_collector
start_permissive:
  start: process_running == 1
  requires: fan_running == 1
  held: 5 s
"""


@pytest.mark.parametrize(
    ("process", "fan", "expected"),
    [
        ("0x10 1x5", "1x15", "false@0"),
        ("0x10 1x9", "0x7 1x12", "false@0 true@10 false@12"),
        ("0x10 1x4 0x3", "0x17", "false@0 true@10 false@14"),
        ("0x20", "0x20", "false@0"),
    ],
)
def test_a_start_without_what_it_requires_is_an_alarm_until_it_ends_or_is_allowed(
    process: str, fan: str, expected: str
) -> None:
    fields = PERMISSIVE.split("\n", 1)[1]
    scripts = {"process_running": process, "fan_running": fan}
    assert transitions(fields, scripts, for_each="dry_dust_collector") == expected


def test_a_rule_goes_without_a_part_whose_points_the_plant_does_not_have() -> None:
    fields = LEVEL + "suppress_when: casting_phase == 0\nearly: {when: platform_speed > 10 mm/min}\n"
    site = plant([equipment("it", "deep_well_caster")], without=["it.casting_phase", "it.platform_speed"])
    program = compile_rules(site, written(fields, for_each="deep_well_caster"))
    assert [(each.id, each.suppress) for each in program.rules] == [("mine.rule@it", None)]
    assert program.skipped == (
        Skipped("mine.rule/suppress_when", "it", ("casting_phase",)),
        Skipped("mine.rule/early", "it", ("platform_speed",)),
    )


def test_a_rule_that_cannot_know_whether_it_is_armed_is_left_out_and_said_so() -> None:
    site = plant([equipment("it", "deep_well_caster")], without=["it.platform_position"])
    program = compile_rules(site, written(ARMED, for_each="deep_well_caster"))
    assert not program.rules
    assert program.skipped == (Skipped("mine.rule", "it", ("platform_position",)),)


@pytest.mark.parametrize(
    "change",
    ["on_delay: 2 s", "armed_when: casting_phase == 2", "bad_quality: trip", "shadow: true", "re_alarm: 1 min"],
)
def test_whatever_decides_is_in_the_hash(change: str) -> None:
    (before,), (after,) = (bench(LEVEL + more).program.rules for more in ("", f"{change}\n"))
    assert before.hash != after.hash


def test_tests_and_defaults_written_out_are_not_in_the_hash() -> None:
    same = "latch: false\ntests: [{given: {mould_inlet_level: 0}, expect: []}]\n"
    assert bench(LEVEL).program.rules[0].hash == bench(LEVEL + same).program.rules[0].hash


def test_instances_of_one_rule_differ_only_in_what_they_read() -> None:
    fields = LEVEL + "armed_when: platform_position > limit.arming_position\non_delay: 2 s\n"
    site = plant([equipment(name, "deep_well_caster") for name in ("one", "two")])
    standing = Bench(site, compile_rules(site, written(fields, for_each="deep_well_caster")))
    for name, level in (("one", 25.0), ("two", 0.0)):
        standing.put(f"{name}.mould_inlet_level", level)
        standing.put(f"{name}.platform_position", 400.0)
    for _ in range(3):
        standing.step(SECOND)
    assert standing.truth("mine.rule@one") is Truth.TRUE
    assert standing.truth("mine.rule@two") is Truth.FALSE


@pytest.mark.parametrize(
    ("after", "field", "expected"),
    [
        ("suppress_when: fault == 2 m", "suppress_when", "count or ratio"),
        ("armed_when: fualt == 0", "armed_when", "fault"),
        ("early: {when: concentration > 10 MPa}", "early.when", "by volume"),
        ("early: {when: concentration > 10 ppm, prio: low}", "early.prio", "priority"),
        ("re_alarm: 0 s", "re_alarm", "than 0"),
        ("re_alarm: 5", "re_alarm", "a duration"),
        ("shadow: maybe", "shadow", "true or false"),
        ("bad_quality: alarm", "bad_quality", "trip"),
        ("start_permissive: {start: fault == 1, requires: fault == 0, held: 5 s}", "start_permissive", "'when' or"),
        ("credited: true", "", "bad_quality: 'trip'"),
        ("credited: true\n    bad_quality: trip\n    shadow: true", "shadow", "no trial"),
        ("credited: true\n    bad_quality: trip\n    suppress_when: fault == 1", "suppress_when", "none"),
    ],
)
def test_a_mistake_in_a_field_is_placed(tmp_path: Path, after: str, field: str, expected: str) -> None:
    (problem,) = mistakes(tmp_path, rule("field").replace("off_delay: 1 s", after))
    assert problem.field == (f"rules[0].{field}" if field else "rules[0]")
    assert expected in problem.expected
    assert problem.line > 3


def test_a_start_is_one_moment_and_has_no_on_delay(tmp_path: Path) -> None:
    permissive = "start_permissive: {start: fault == 1, requires: fualt == 0, held: 5 s}\n    on_delay: 1 s"
    found = mistakes(tmp_path, rule("start").replace("when: concentration > 24 ppm", permissive))
    assert [problem.field for problem in found] == ["rules[0].start_permissive.requires", "rules[0].on_delay"]


def test_a_rule_without_a_condition_is_told_what_it_may_have(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, rule("none").replace("    when: concentration > 24 ppm\n", ""))
    assert (problem.field, problem.expected, problem.got) == ("rules[0]", "'when' or 'start_permissive'", "neither")
