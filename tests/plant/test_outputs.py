"""An output's guard is read in full, or every mistake in it is told; unknown spellings never pass."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.errors import Problem
from gateway.plant.guard import Comparison, Expectation, Guard, PointTest, Rate
from gateway.plant.model import Plant
from gateway.sample import SECOND

Load = Callable[[str], Plant]
Find = Callable[[str], list[Problem]]

OUTPUT = """\
  - equipment: eaf1
    kind: trip
    target: {device: plc, register: 9}
    allowed: true
    values: [0, 1]
    fail_safe: 1
    rate: {changes: 2, within: 1 min}
    permissives:
      - {point: eaf1.shell, below: 523.15 degC}
      - {point: panel.flow, above: 6 m3/h}
    feedback:
      - {value: 1, point: eaf1.breaker, equals: 1, within: 2 s}
      - {value: 0, point: eaf1.breaker, equals: 0, within: 5 s}
    process:
      - {value: 1, point: panel.flow, falls_by: 3 m3/h, within: 10 s}
      - {value: 0, point: eaf1.shell, steady: 5 K, held: 3 s, within: 20 s}
    people: true
"""


def with_output(good: str, output: str = OUTPUT) -> str:
    return good[: good.index("outputs:\n")] + "outputs:\n" + output


def test_a_guard_is_read_in_the_points_own_units(load: Load, good: str) -> None:
    (output,) = load(with_output(good)).outputs
    assert output.guard == Guard(
        fail_safe=1,
        rate=Rate(2, 60 * SECOND),
        permissives=(
            PointTest("eaf1.shell", Comparison.BELOW, 523.15, "℃"),
            PointTest("panel.flow", Comparison.ABOVE, 100, "L/min"),
        ),
        feedback=(
            Expectation(1, PointTest("eaf1.breaker", Comparison.EQUALS, 1), 2 * SECOND, 0, SECOND // 10),
            Expectation(0, PointTest("eaf1.breaker", Comparison.EQUALS, 0), 5 * SECOND, 0, SECOND // 10),
        ),
        process=(
            Expectation(1, PointTest("panel.flow", Comparison.FALLS_BY, 50, "L/min"), 10 * SECOND, 0, SECOND),
            Expectation(0, PointTest("eaf1.shell", Comparison.STEADY, 5, "℃"), 20 * SECOND, 3 * SECOND, SECOND),
        ),
        people=True,
    )


def test_an_output_without_a_guard_is_refused_to_people_and_never_conditional(load: Load, good: str) -> None:
    (output,) = load(good).outputs
    assert output.guard == Guard()
    assert not output.guard.conditional


MISTAKES = [
    ("fail_safe: 1", "fail_safe: 2", "fail_safe", "one of the values [0, 1]", "2"),
    ("    fail_safe: 1\n", "", "fail_safe", "the value of the safe state", "nothing, beside rate"),
    ("changes: 2", "changes: 0", "rate.changes", "greater than or equal to 1", "0"),
    ("within: 1 min", "within: 60", "rate.within", "a duration such as", "60"),
    ("point: eaf1.shell, below", "point: eaf1.shel, below", "permissives[0].point", "mean 'eaf1.shell'", "'eaf1.shel'"),
    ("below: 523.15 degC", "below: 0.3 MPa", "permissives[0].below", "a temperature", "0.3 MPa"),
    ("below: 523.15 degC", "below: 523", "permissives[0].below", "a temperature", "523 without a unit"),
    ("below: 523.15 degC", "equals: 523", "permissives[0].equals", "above or below for a measurement", "equals 523"),
    ("below: 523.15 degC", "falls_by: 5 K", "permissives[0].falls_by", "one of", "unknown field 'falls_by'"),
    ("below: 523.15 degC", "below: 5 degC, above: 2 degC", "permissives[0]", "exactly one of", "above and below"),
    ("{value: 1, point: eaf1.b", "{value: 3, point: eaf1.b", "feedback[0].value", "one of the values [0, 1]", "3"),
    ("{value: 0, point: eaf1.b", "{value: 1, point: eaf1.b", "feedback[1].value", "each value once in feedback", "1"),
    ("equals: 1, within: 2 s", "equals: 1, within: 400 ms", "feedback[0].within", "5 periods", "400 ms"),
    ("held: 3 s, within: 20 s", "held: 3 s, within: 7 s", "process[1].within", "and held (8 s)", "7 s"),
    ("steady: 5 K, held: 3 s", "steady: 5 K", "process[1]", "steady and held together", "only one"),
    ("falls_by: 3 m3/h", "falls_by: 3 degC", "process[0].falls_by", "such as 3 L/min", "3 degC"),
    ("people: true", "people: 1", "people", "true or false", "1"),
    ("allowed: true", "allowed: false", "people", "`allowed: true`", "allowed: false"),
]


@pytest.mark.parametrize(("old", "new", "field", "expected", "got"), MISTAKES)
def test_a_mistake_is_told_at_its_place(
    problems: Find, good: str, old: str, new: str, field: str, expected: str, got: str
) -> None:
    assert OUTPUT.count(old) == 1
    text = with_output(good, OUTPUT.replace(old, new))
    found = [problem for problem in problems(text) if problem.field == f"outputs[0].{field}"]
    assert len(found) == 1, problems(text)
    assert expected in found[0].expected
    assert got in found[0].got
    assert found[0].line > text[: text.index("outputs:\n")].count("\n")


def test_what_people_may_command_needs_feedback_for_every_value(problems: Find, good: str) -> None:
    without = "\n".join(line for line in OUTPUT.splitlines() if "value: 0, point: eaf1.breaker" not in line)
    (problem,) = problems(with_output(good, without))
    assert (problem.field, problem.got) == ("outputs[0].feedback", "none")


def test_five_mistakes_in_one_section_are_five_errors(problems: Find, good: str) -> None:
    broken = OUTPUT
    for old, new in (
        ("fail_safe: 1", "fail_safe: 7"),
        ("within: 1 min", "within: soon"),
        ("point: eaf1.shell, below", "point: eaf1.shel, below"),
        ("above: 6 m3/h", "above: 6 bar, below: 2 bar"),
        ("equals: 1, within: 2 s", "equals: 1, within: 1 ms"),
    ):
        assert old in broken
        broken = broken.replace(old, new)
    found = problems(with_output(good, broken))
    assert [problem.field.removeprefix("outputs[0].") for problem in found] == [
        "fail_safe", "rate.within", "permissives[0].point", "permissives[1]", "feedback[0].within",
    ]  # fmt: skip


HEARTBEAT = "host: 10.0.0.1, heartbeat: {register: 40, period: 500 ms}"


def test_a_device_may_ask_for_a_heartbeat(load: Load, good: str) -> None:
    plant = load(good.replace("host: 10.0.0.1", HEARTBEAT))
    heartbeat = plant.devices[0].heartbeat
    assert heartbeat is not None
    assert (heartbeat.period, heartbeat.counts) == (SECOND // 2, 32_768)
    assert heartbeat.address.model_dump(by_alias=True)["register"] == 40
    assert plant.devices[1].heartbeat is None


@pytest.mark.parametrize(
    ("new", "field", "got"),
    [
        (HEARTBEAT.replace("register: 40", "register: 9"), "outputs[0].target", "heartbeat of plc is already"),
        (HEARTBEAT.replace("register: 40", "registr: 40"), "devices[0].heartbeat.registr", "'registr'"),
        (HEARTBEAT.replace("500 ms", "often"), "devices[0].heartbeat.period", "'often'"),
        (HEARTBEAT.replace("500 ms", "1 s, counts: 1"), "devices[0].heartbeat.counts", "1"),
    ],
)
def test_a_mistaken_heartbeat_is_told_at_its_place(problems: Find, good: str, new: str, field: str, got: str) -> None:
    found = problems(good.replace("host: 10.0.0.1", new))
    assert any(problem.field == field and got in problem.got for problem in found), found
