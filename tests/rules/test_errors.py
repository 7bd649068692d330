"""Mistakes in packs: each at its line and column, all of them at once, in words that help."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import rules
from gateway.errors import ConfigurationError, Problem, Severity
from gateway.gases import GASES, Basis
from gateway.plant.guard import Comparison, Guard, PointTest, Rate
from gateway.plant.model import Limit, Output
from gateway.sample import SECOND
from rules import syntax
from rules.graph import Graph
from rules.lowering import lower_condition
from rules.packs import PACKS
from rules.scope import EquipmentScope, NamedLimit, NamedPoint
from rules.syntax import ExpressionError
from tests.rules.harness import equipment, furnace, output, packs, plant

SCOPE = EquipmentScope(
    {
        "temperature": NamedPoint(0, "degC"),
        "other_temperature": NamedPoint(1, "degC"),
        "pressure": NamedPoint(2, "MPa"),
        "flow": NamedPoint(3, "m3/h"),
        "gas": NamedPoint(4, "ppm"),
        "running": NamedPoint(5, ""),
        "co": NamedPoint(6, "ppm", Basis(GASES["CO"], 0.0)),
        "unmatched": NamedPoint(7, "mg/m3", Basis(GASES["CO"])),
        "vacuum": NamedPoint(8, "kPa(a)"),
    },
    {"limit.rise": NamedLimit(3.0, "delta_degC")},
)

EXPRESSIONS = [
    ("temperature > 65 degX", 14, "degC"),
    ("temprature > 65 degC", 0, "temperature"),
    ("pressure > 1 bar + 20 degC", 19, "pressure"),
    ("pressure > temperature", 11, "pressure"),
    ("temperature + other_temperature > 3 degC", 14, "temperature difference"),
    ("temperature - other_temperature > 3 degC", 34, "temperature difference"),
    ("temperature > limit.rise", 14, "temperature"),
    ("gas > 30 mg/m3", 6, "ppm"),
    ("gas > 10 %LEL", 6, "ppm"),
    ("co > 10 %LEL", 5, "explosive limit"),
    ("unmatched > 24 ppm", 12, "conversion_temperature"),
    ("co > 24 ppm + 3 %", 14, "by volume"),
    ("vacuum < 10 kPa", 9, "absolute pressure"),
    ("vacuum < pressure", 9, "absolute pressure"),
    ("pressure > 0.2 MPa(a)", 11, "a pressure"),
    ("pressure - vacuum > 1 kPa", 11, "a pressure"),
    ("temperature > 65", 14, "temperature"),
    ("temperature > 0", 14, "temperature"),
    ("2 * temperature > 3 degC", 2, "multiplied"),
    ("flow", 0, "a condition"),
    ("running and flow > 1 m3/h", 0, "a condition"),
    ("(flow > 1 m3/h) + 1 > 0", 6, "a number"),
    ("held(flow > 1 m3/h, 5)", 20, "a duration"),
    ("held(flow > 1 m3/h, 5 mm)", 20, "time"),
    ("held(flow > 1 m3/h, 0 s)", 20, "above zero"),
    ("held(flow > 1 m3/h)", 0, "a condition and a duration"),
    ("slop(flow, 5 s) > 0", 0, "slope"),
    ("age(flow + flow) > 1 s", 9, "the name of a point"),
    ("overdue()", 0, "for_each: point"),
    ("since(running == 1)", 0, "two conditions"),
    ("since(running == 1, flow > 1 m3/h, 5)", 35, "a duration"),
    ("since(running == 1, flow > 1 m3/h, 5 s, 5 s)", 40, "ends later than it begins"),
    ("within(running == 1, 3590 s, 1 h)", 29, "a 64th"),
    ("within(running == 1, 2 s, always)", 26, "a duration"),
    ("held(running == 1, always)", 19, "a duration"),
    ("response(running == 1, flow > 1 m3/h)", 0, "an effect"),
    ("response(running == 1, flow, 3 s)", 23, "a condition"),
    ("vote(2, running == 1)", 16, "a list of conditions"),
    ("vote(2, [running == 1])", 8, "a list of conditions"),
    ("vote(0, [running == 1, flow > 1 m3/h])", 5, "from 1 to 2"),
    ("vote(1.5, [running == 1, flow > 1 m3/h])", 5, "from 1 to 2"),
    ("vote(1, [running == 1, flow])", 23, "a condition"),
    ("vote(1, [running == 1, flow > 1 m3/h], always)", 39, "'safety' or 'availability'"),
    ("count(running == 1, 1 h)", 0, "a comparison of count()"),
    ("count(running == 1, 1 h) + 1 > 2", 0, "a comparison of count()"),
    ("count(running == 1, 1 h) > 1.5", 27, "a whole number"),
    ("count(running == 1, 1 h) > flow", 27, "a whole number"),
    ("count(running == 1, 1 h) >= 0", 28, "fall short of"),
    ("0 > count(running == 1, 1 h)", 0, "fall short of"),
    ("count(running == 1) > 1", 0, "a condition and a duration"),
    ("twa(co, 15 min)", 0, "a comparison of twa()"),
    ("twa(co, 15 min) > 1 bar", 18, "by volume"),
    ("twa(co, 15 min) == 24 ppm", 0, "by > or <"),
    ("twa(running == 1, 15 min) > 1", 12, "a number"),
    ("ttt(flow, 3 mm, 10 s) < 1 min", 10, "volume flow"),
    ("ttt(flow, 3 m3/h, 10 s) < 1 m", 26, "time"),
    ("dev(flow, temperature) > 3 K", 10, "volume flow"),
    ("dev(temperature, other_temperature) > 3 degC", 38, "temperature difference"),
    ("margin(running == 1) > 1", 15, "comparisons by"),
    ("margin(flow > 1 m3/h and temperature > 3 degC) > 1 m3/h", 37, "volume flow"),
    ("margin(held(flow > 1 m3/h, 1 s, 2 s)) > 1 m3/h", 7, "held(e, T)"),
    ("[running == 1]", 0, "a number or a condition"),
    ("flow > always", 7, "a number or a condition"),
    ("flow > 1 m3/h and safety", 18, "a number or a condition"),
    ("flow >", 6, "a name, a number"),
    ("flow > 1 m3/h and", 17, "a name, a number"),
    ("1 m3/h < flow < 2 m3/h", 14, "one comparison at a time"),
    ("(flow > 1 m3/h", 14, "')'"),
    ("flow > 1 m3/h flow", 14, "an operator or the end"),
    ("flow > 1 m3/h; 2", 13, "an operator"),
]


@pytest.mark.parametrize(("text", "at", "expected"), EXPRESSIONS)
def test_a_wrong_expression_is_refused_at_its_character(text: str, at: int, expected: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        lower_condition(syntax.parse(text), SCOPE, Graph())
    assert caught.value.at == at
    assert expected in caught.value.expected
    assert caught.value.got


@pytest.mark.parametrize(
    "text",
    [
        "co > 30 mg/m3 and co > 0.01 %vol",
        "slope(co, 1 min) > 15 mg/m3/min and unmatched > 30 mg/m3",
        "vacuum < 10 kPa(a) + 500 Pa and vacuum - 5 kPa(a) > 1 kPa and vacuum > 0",
        "pressure > 0.2 MPa(g) and spread(vacuum, 1 min) < 2 kPa",
        "temperature - other_temperature > 3 K",
        "temperature > other_temperature + limit.rise",
        "slope(temperature, 10 s) > 0.5 K/min",
        "spread(temperature, 10 s) > limit.rise",
        "pressure > 2.5 bar and flow / flow > 5 %",
        "flow > 100 L/min or -flow < 0",
        "abs(slope(flow, 1 min)) > 2 m3/h/min",
        "not (running == 1) and age(flow) > 2 min",
        "avg(temperature, 1 min) > 150 degF",
        "count(rises(running == 1), 1 h) >= 3 and changed(running) and stuck(flow, 1 min)",
        "count(running == 1, 1 h) == 0 or 2 < count(running == 1, 1 h) or count(running == 1, 1 h) != 3",
        "since(flow > 1 m3/h, running == 1) or since(flow > 1 m3/h, running == 1, 1 s, always)",
        "within(running == 1, 0 s, 3 s) and held(running == 1, 1 min, 2 min)",
        "response(rises(running == 1), flow > 1 m3/h, 5 s)",
        "vote(2, [flow > 1 m3/h, running == 1, temperature > 65 degC], safety)",
        "twa(co, 8 h) > 20 mg/m3 or 30 mg/m3 <= twa(co, 15 min)",
        "ttt(temperature, 150 degF, 10 min) < 3 min and dev(temperature, other_temperature) > 3 K",
        "margin(flow > 1 m3/h and flow < 100 L/min or not held(flow > 2 m3/h, 3 s)) < 1 L/min",
        "dev(co, 30 mg/m3) < 5 ppm and dev(vacuum, 10 kPa(a)) < 1 kPa",
    ],
)
def test_what_fits_is_accepted(text: str) -> None:
    lower_condition(syntax.parse(text), SCOPE, Graph())


GOOD_RULE = """\
  - id: mine.{name}
    clause: "4(6)"
    for_each: co_detector
    title: {{zh: 题, en: title}}
    consequence: {{zh: 果, en: consequence}}
    response: {{zh: 应, en: response}}
    response_time: 1 min
    priority: high
    when: {when}
    off_delay: 1 s
"""


def directory(tmp_path: Path, pack: str) -> Path:
    shutil.copytree(PACKS / "classes", tmp_path / "classes", dirs_exist_ok=True)
    shutil.copy(PACKS / "clauses.yaml", tmp_path)
    (tmp_path / "mine.yaml").write_text("pack: mine\ntitle: {zh: 我, en: mine}\nrules:\n" + pack, encoding="utf-8")
    return tmp_path


def mistakes(tmp_path: Path, pack: str) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        rules.load_packs(directory(tmp_path, pack))
    return [problem for problem in caught.value.problems if problem.file.endswith("mine.yaml")]


def rule(name: str, when: str = "concentration > 24 ppm") -> str:
    return GOOD_RULE.format(name=name, when=when)


def test_five_mistakes_are_all_reported_at_their_places(tmp_path: Path) -> None:
    pack = (
        rule("unit", "concentration > 24 ppx")
        + rule("kind", "concentratoin > 24 ppm")
        + rule("syntax", "concentration > > 24 ppm")
        + rule("response").replace("    response: {zh: 应, en: response}\n", "")
        + rule("clause").replace("4(6)", "99(9)")
    )
    problems = mistakes(tmp_path, pack)
    found = [(problem.line, problem.column, problem.field) for problem in problems]
    assert found == [
        (12, 27, "rules[0].when"),
        (22, 11, "rules[1].when"),
        (32, 27, "rules[2].when"),
        (34, 5, "rules[3].response"),
        (44, 13, "rules[4].clause"),
    ]
    assert "concentration" in problems[1].expected
    assert problems[3].expected == "the field 'response'"
    assert problems[3].got == "nothing"


def test_a_mistake_in_a_folded_expression_has_its_own_line(tmp_path: Path) -> None:
    when = ">-\n      concentration > 24 ppm\n      and fautl == 1"
    (problem,) = mistakes(tmp_path, rule("folded", when))
    assert (problem.line, problem.column) == (14, 11)
    assert problem.got == "'fautl'"


@pytest.mark.parametrize("before", ["'  ", '"  ', "|\n        ", "|2-\n          "])
def test_blanks_around_an_expression_move_no_column(tmp_path: Path, before: str) -> None:
    end = before[0] if before[0] in "'\"" else ""
    (problem,) = mistakes(tmp_path, rule("blank", f"{before}concentration > 24 ppx{end}"))
    assert (problem.line, problem.column) == ((12, 30) if end else (13, len(before.split("\n")[1]) + 17))


def test_a_field_that_nearly_has_a_known_name_is_told_the_name(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, rule("near").replace("off_delay", "of_delay"))
    assert "(did you mean 'off_delay'?)" in problem.expected
    assert (problem.line, problem.column) == (13, 5)


def test_a_tag_in_a_pack_is_refused_and_not_obeyed(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, rule("tag").replace("high", "!!python/name:os.sep x"))
    assert (problem.field, problem.expected) == ("rules[0].priority", "a value without a tag")


@pytest.mark.parametrize(
    ("before", "after", "field", "expected"),
    [
        ("priority: high", "priority: urgent", "rules[0].priority", "critical"),
        ("response_time: 1 min", "response_time: 60", "rules[0].response_time", "a duration"),
        ("for_each: co_detector", "for_each: co_detektor", "rules[0].for_each", "co_detector"),
        ("off_delay: 1 s", "of_delay: 1 s", "rules[0].of_delay", "off_delay"),
        ("off_delay: 1 s", "ticket: grave", "rules[0].ticket", "major"),
        ("off_delay: 1 s", "evidence: [faults]", "rules[0].evidence[0]", "the name of a point"),
        ("{zh: 应, en: response}", "{zh: 应, en: ''}", "rules[0].response.en", "text that is not empty"),
        ("off_delay: 1 s", "clear: concentration < 1 bar", "rules[0].clear", "ppm"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, before: str, after: str, field: str, expected: str) -> None:
    (problem,) = mistakes(tmp_path, rule("field").replace(before, after))
    assert problem.field == field
    assert expected in problem.expected
    assert problem.line > 3


def test_a_second_rule_or_key_of_the_same_name_is_refused(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, rule("twice") + rule("twice"))
    assert (problem.field, problem.line) == ("rules[1].id", 14)
    (problem,) = mistakes(tmp_path, rule("key") + "    priority: low\n")
    assert (problem.field, problem.line, problem.got) == (
        "rules[0].priority",
        14,
        "'priority' again (first on line 11)",
    )


def test_broken_yaml_is_a_problem_and_no_traceback(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, rule("fine") + "  - {id: [\n")
    assert problem.expected == "well-formed YAML"
    assert problem.line > 13


def test_an_interlock_must_name_rules_effects_and_outputs_that_exist(tmp_path: Path) -> None:
    pack = rule("cause") + (
        "interlocks:\n"
        "  - id: mine.row\n"
        '    clause: "4(6)"\n'
        "    for_each: co_detector\n"
        "    name: {zh: 行, en: row}\n"
        "    causes: [mine.cause, mine.nobody]\n"
        "    engaged: fault == nothing\n"
        "    effects:\n"
        "      - {id: one, name: {zh: 一, en: one}, expression: fault == 0, within: 2 s, output: horn}\n"
    )
    fields = {problem.field for problem in mistakes(tmp_path, pack)}
    assert fields == {"interlocks[0].engaged", "interlocks[0].effects[0].output", "interlocks[0].causes[1]"}


def test_any_point_cannot_be_compared_with_a_number(tmp_path: Path) -> None:
    pack = rule("any", "value > 5").replace("co_detector", "point")
    (problem,) = mistakes(tmp_path, pack)
    assert "'of'" in problem.expected


def test_a_clause_that_asks_for_what_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules.load_packs(directory(tmp_path, rule("only")))
    assert all(problem.file.endswith("clauses.yaml") for problem in caught.value.problems)
    assert any(problem.got == "gas.co_high" for problem in caught.value.problems)


def test_lint_finds_slow_and_chattering_rules(tmp_path: Path) -> None:
    for path in PACKS.glob("*.yaml"):
        shutil.copy(path, tmp_path)
    pack = rule("slow").replace("off_delay: 1 s", "on_delay: 7 s\n    off_delay: 1 s")
    pack += rule("chatter").replace("    off_delay: 1 s\n", "")
    pack += rule("nested", "held(concentration > 24 ppm, 7 s)")
    found = rules.lint(rules.load_packs(directory(tmp_path, pack)))
    assert [problem.field for problem in found if problem.severity is Severity.WARNING] == [
        "rules[0].on_delay",
        "rules[1].when",
        "rules[2].on_delay",
    ]
    untested = [problem for problem in found if problem.severity is Severity.ERROR]
    assert [(problem.field, problem.got) for problem in untested] == [(f"rules[{at}]", "none") for at in range(3)]


def test_limits_of_the_plant_file_are_checked() -> None:
    wrong = [
        Limit("concentration_high", 30.0, "MPa", "a person"),
        Limit("concentration_hihg", 30.0, "ppm", "a person"),
    ]
    with pytest.raises(ConfigurationError) as caught:
        rules.compile(plant([equipment("co", "co_detector", limits=wrong)]), packs())
    assert [problem.field for problem in caught.value.problems] == [
        "equipment co.limits.concentration_high",
        "equipment co.limits.concentration_hihg",
    ]


def test_a_points_unit_must_be_of_its_kinds_dimension() -> None:
    with pytest.raises(ConfigurationError) as caught:
        rules.compile(plant(furnace(), units={"panel.inlet_pressure": "degC"}), packs())
    assert [problem.field for problem in caught.value.problems] == ["points panel.inlet_pressure.unit"]


def test_an_output_that_may_not_take_the_commanded_value_is_refused() -> None:
    narrow: Output = replace(output("eaf1", "electrode_lift", allowed=True), values=(0.0,))
    with pytest.raises(ConfigurationError, match=r"electrode_lift\.values"):
        rules.compile(plant(furnace(), outputs=[narrow]), packs())


def test_a_scan_that_eats_the_response_time_is_a_warning() -> None:
    slow = rules.compile(plant([equipment("c", "deep_well_caster")], period=1_000_000), packs())
    fields = {warning.field for warning in slow.warnings}
    assert "caster.mould_inlet_level_trip@c" in fields
    assert "caster.trip/quick_shutoff@c" in fields


def test_a_limit_in_milligrams_stands_for_a_detector_in_ppm() -> None:
    own = Limit("concentration_high", 30.0, "mg/m3", "GB 6222")
    program = rules.compile(plant([equipment("co", "co_detector", limits=[own])]), packs())
    (drawn,) = (limit for limit in program.point_limits[0] if limit.kind.name == "concentration_high")
    assert drawn.unit == "ppm"
    assert drawn.value == pytest.approx(24.0, rel=1e-3)


READY = PointTest("eaf1.interlock_engaged", Comparison.EQUALS, 1)


@pytest.mark.parametrize("guard", [Guard(rate=Rate(1, SECOND), fail_safe=0.0), Guard(permissives=(READY,))])
def test_an_interlock_commands_only_what_no_rate_and_no_permissive_may_refuse(guard: Guard) -> None:
    guarded = replace(output("eaf1", "electrode_lift", allowed=True), guard=guard)
    with pytest.raises(ConfigurationError) as refused:
        rules.compile(plant(furnace(), outputs=[guarded]), packs())
    assert {problem.field for problem in refused.value.problems} == {"outputs eaf1.electrode_lift.fail_safe"}
    rules.compile(plant(furnace(), outputs=[replace(guarded, guard=replace(guard, fail_safe=1.0))]), packs())
