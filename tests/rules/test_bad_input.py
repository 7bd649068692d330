"""Bad input of packs and classes: every kind of mistake, all of them in one report, each where it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import rules
from gateway import app
from gateway.document import read_yaml
from gateway.errors import ConfigurationError, Problem
from gateway.plant.keeping import DAY
from gateway.plant.model import Plant
from rules.criteria import read_classes
from tests.rules.test_errors import directory, rule

CLASS = """\
classes:
  - id: thing
    name: {zh: 物, en: Thing}
    kinds:
      - {id: flow, name: {zh: 流, en: Flow}, unit: m3/h}
"""


def problems(directory_: Path) -> list[Problem]:
    with pytest.raises(ConfigurationError) as caught:
        rules.load_packs(directory_)
    return [problem for problem in caught.value.problems if not problem.file.endswith("clauses.yaml")]


def class_problems(text: str) -> list[Problem]:
    document = read_yaml(text, "classes.yaml")
    assert not document.problems
    return read_classes([document])[1]


def test_every_mistake_that_a_pack_can_hold_is_in_one_report(tmp_path: Path) -> None:
    where = directory(
        tmp_path,
        rule("divided", "concentration / fault > 24 ppm")
        + rule("long", "avg(concentration, 200 d) > 24 ppm")
        + rule("point", "consentration > 24 ppm")
        + rule("unit", "concentration > 24 ppx")
        + rule("function", "heldd(fault == 1, 3 s)")
        + rule("argument", "held(fault == 1)")
        + rule("twice")
        + rule("words").replace("en: title", "en: no"),
    )
    (where / "other.yaml").write_text(
        "pack: other\ntitle: {zh: 他, en: other}\nrules:\n" + rule("twice"), encoding="utf-8"
    )
    found = problems(where)
    assert [(Path(problem.file).name, problem.line, problem.column, problem.field) for problem in found] == [
        ("mine.yaml", 12, 27, "rules[0].when"),
        ("mine.yaml", 22, 30, "rules[1].when"),
        ("mine.yaml", 32, 11, "rules[2].when"),
        ("mine.yaml", 42, 27, "rules[3].when"),
        ("mine.yaml", 52, 11, "rules[4].when"),
        ("mine.yaml", 62, 11, "rules[5].when"),
        ("mine.yaml", 77, 24, "rules[7].title.en"),
        ("other.yaml", 4, 9, "rules[0].id"),
    ]
    texts = [f"expected {problem.expected}, got {problem.got}" for problem in found]
    for text, part in zip(
        texts,
        ["a divisor", "180 d", "concentration", "'ppx'", "held", "1 argument", "no", "mine.yaml:64"],
        strict=True,
    ):
        assert part in text


def test_a_broken_field_hides_no_mistake_of_the_same_rule(tmp_path: Path) -> None:
    broken = rule("broken", "concentration > 1 MPa and conc > 3 or fault / fault > 1").replace("1 min", "60")
    interlock = (
        "interlocks:\n"
        "  - {id: mine.row, for_each: co_detector, causes: [mine.brokn], engaged: fualt == 1,\n"
        "     effects: [{id: one, expression: fualt == 0}]}\n"
    )
    found = [(problem.field, problem.column) for problem in problems(directory(tmp_path, broken + interlock))]
    assert found == [
        ("rules[0].response_time", 20),
        ("rules[0].when", 27),
        ("rules[0].when", 37),
        ("rules[0].when", 57),
        ("interlocks[0].clause", 5),
        ("interlocks[0].name", 5),
        ("interlocks[0].causes[0]", 52),
        ("interlocks[0].engaged", 74),
        ("interlocks[0].effects[0].name", 16),
        ("interlocks[0].effects[0].within", 16),
        ("interlocks[0].effects[0].expression", 38),
    ]


def test_a_name_that_is_the_beginning_of_one_is_told_it(tmp_path: Path) -> None:
    (problem,) = problems(directory(tmp_path, rule("short", "conc > 24 ppm")))
    assert problem.expected == "one of [concentration]"


def test_classes_that_are_inside_each_other_are_a_mistake_at_each_of_them() -> None:
    text = CLASS + CLASS.removeprefix("classes:\n").replace("thing", "other")
    circular = text.replace("id: thing\n", "id: thing\n    parent_class: other\n")
    circular = circular.replace("id: other\n", "id: other\n    parent_class: thing\n")
    found = class_problems(circular)
    assert [(problem.field, problem.got) for problem in found] == [
        ("classes[0].parent_class", "thing in other in thing"),
        ("classes[1].parent_class", "other in thing in other"),
    ]
    (own,) = class_problems(CLASS.replace("id: thing\n", "id: thing\n    parent_class: thing\n"))
    assert own.got == "thing in thing"


def test_an_unknown_parent_class_is_told_the_nearest() -> None:
    (problem,) = class_problems(CLASS.replace("id: thing\n", "id: thing\n    parent_class: thign\n"))
    assert "thing" in problem.expected


@pytest.mark.parametrize(
    ("before", "after", "field", "expected"),
    [
        ("id: flow", "id: always", "classes[0].kinds[0].id", "no word of the rule language"),
        ("unit: m3/h}", "unit: m3/h, gas: CO}", "classes[0].kinds[0].gas", "a concentration"),
        ("unit: m3/h}", "unit: ppm, gas: XY}", "classes[0].kinds[0].gas", "CO"),
        ("unit: m3/h}", "unit: ppm, gas: CO, conversion_temperature: 20}", "classes[0].kinds[0]", "a temperature"),
        ("unit: m3/h}", "unit: ppm, gas: CO, conversion_temperature: 20 K}", "classes[0].kinds[0]", "a temperature"),
        ("unit: m3/h}", "unit: ppm, gas: CO, conversion_temperature: 293 degC}", "classes[0].kinds[0]", "of air"),
    ],
)
def test_a_mistake_in_a_class_is_placed(before: str, after: str, field: str, expected: str) -> None:
    (problem,) = class_problems(CLASS.replace(before, after))
    assert problem.field.startswith(field)
    assert expected in problem.expected


def test_a_kind_that_stands_twice_in_a_class_is_a_mistake() -> None:
    (problem,) = class_problems(CLASS + "      - {id: flow, name: {zh: 流, en: Flow}, unit: mm}\n")
    assert (problem.field, problem.got) == ("classes[0].kinds[1].id", "flow")


def test_a_rule_is_not_blamed_for_a_class_that_could_not_be_read(tmp_path: Path) -> None:
    where = directory(tmp_path, rule("fine"))
    (path,) = [path for path in (where / "classes").glob("*.yaml") if "id: co_detector" in path.read_text("utf-8")]
    path.write_text(path.read_text("utf-8").replace("unit: ppm", "unit: pmp", 1), encoding="utf-8")
    assert {Path(problem.file).parent.name for problem in problems(where)} == {"classes"}


def test_an_anchor_that_contains_itself_is_a_mistake_and_no_loop(tmp_path: Path) -> None:
    where = directory(tmp_path, rule("fine") + "    evidence: &loop [*loop]\n")
    (problem,) = problems(where)
    assert problem.got == "an anchor that contains itself"
    assert problem.line > 13


def test_a_window_that_is_longer_than_the_plant_keeps_samples_is_a_mistake() -> None:
    """After a restart it could never be warm."""
    plant, packs = demo(samples=7 * DAY), rules.load_packs()
    assert rules.compile(plant, packs).horizon < 7 * DAY
    with pytest.raises(ConfigurationError) as caught:
        rules.compile(demo(samples=DAY // 100), packs)
    found = [problem for problem in caught.value.problems if problem.field.startswith("gas.co_dose_8_hours")]
    assert found
    assert "as long as the plant file keeps samples of co_detector" in found[0].expected


def demo(samples: int) -> Plant:
    plant, _ = app.load(Path(__file__).parents[2] / "simulators" / "demo" / "plant.yaml")
    return replace(plant, history=replace(plant.history, keeping=replace(plant.history.keeping, samples=samples)))
