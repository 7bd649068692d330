"""The plant file's risks: what they mean, and every mistake in them at once."""

from __future__ import annotations

from collections.abc import Callable

from gateway.errors import Problem
from gateway.plant.model import Plant
from gateway.plant.risk import ControlLevel, Risk, RiskColour

# ruff: noqa: E501 - a plant file is read in lines

ONE = """
risks:
  - {id: one, name: 漏水, team: 甲班, post: 炉前, description: 水进熔池, accident: 爆炸, colour: red, measures: 点检, control: company, responsible: 张三, frequency: 每月, area: hall, equipment: eaf1}
"""

BAD = """
risks:
  - {id: one, name: 漏水, team: 甲班, post: 炉前, description: 漏水, accident: 爆炸, colour: purple, measures: 点检,
     control: boss, responsible: 张三, frequency: 每班, area: nowhere}
  - {id: one, name: "", team: 甲班, post: 炉前, accident: 爆炸, colour: red, measures: 点检, control: team,
     responsible: 张三, frequency: 每班, area: hall, equipment: no_such, extra: 1}
  - {id: two, name: 漏水, team: 甲班, post: 炉前, description: 漏水, accident: 爆炸, colour: blue, measures: 点检,
     control: post, responsible: 张三, frequency: 每班, area: room, equipment: eaf1}
"""


def test_a_risk_is_read_as_it_stands(good: str, load: Callable[[str], Plant]) -> None:
    assert load(good + ONE).risks == (
        Risk(
            id="one", name="漏水", team="甲班", post="炉前", description="水进熔池", accident="爆炸",
            colour=RiskColour.RED, measures="点检", control=ControlLevel.COMPANY, responsible="张三",
            frequency="每月", area="hall", equipment="eaf1",
        ),
    )  # fmt: skip
    assert load(good).risks == ()


def test_every_mistake_of_the_risks_is_told_at_once(good: str, problems: Callable[[str], list[Problem]]) -> None:
    told = {problem.field: (problem.expected, problem.got) for problem in problems(good + BAD)}
    expected, got = told.pop("risks[1].extra")
    assert expected.startswith("one of accident, area, colour")
    assert got == "an unknown field 'extra'"
    assert told == {
        "risks[0].colour": ("one of red, orange, yellow, blue", "'purple'"),
        "risks[0].control": ("one of company, workshop, team, post", "'boss'"),
        "risks[0].area": ("one of hall, room", "'nowhere'"),
        "risks[1].id": ("an id that no other risk has", "'one' again (first on line 29)"),
        "risks[1].name": ("text that is not empty", "''"),
        "risks[1].description": ("the field 'description'", "nothing"),
        "risks[1].equipment": ("one of eaf1, panel", "'no_such'"),
        "risks[2].equipment": ("equipment of the area room", "'eaf1', which is in hall"),
    }
