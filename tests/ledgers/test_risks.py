"""The two ledgers that the risks of a plant file fill, and their four colours."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

from openpyxl import load_workbook

from gateway.ledgers.form import Coloured, Form
from gateway.ledgers.forms import filled
from gateway.ledgers.workbook import written
from gateway.machines.ticket import Ticket
from gateway.plant.model import Plant
from gateway.plant.risk import ControlLevel, Risk, RiskColour
from gateway.rule import TicketGrade
from tests.engine.scripted import plant
from tests.ledgers.test_forms import AFTER, MARCH, at, dismissed, ticket

COLOUR = {RiskColour.RED: "FF0000", RiskColour.ORANGE: "FF9900", RiskColour.YELLOW: "FFFF00", RiskColour.BLUE: "0066FF"}


def risk(
    name: str, colour: RiskColour, *, team: str = "甲班", area: str = "melt", equipment: str | None = None
) -> Risk:
    return Risk(
        id=name, name=name, team=team, post="炉前", description="漏水", accident="爆炸", colour=colour,
        measures="点检", control=ControlLevel.TEAM, responsible="张三", frequency="每班", area=area,
        equipment=equipment,
    )  # fmt: skip


RISKS = (
    risk("烫伤", RiskColour.BLUE),
    risk("漏水爆炸", RiskColour.RED, team="乙班", equipment="furnace"),
    risk("粉尘", RiskColour.YELLOW, area="dust"),
    risk("煤气", RiskColour.ORANGE),
)


def with_risks() -> Plant:
    return replace(plant(), risks=RISKS)


def form_of(form: str, *tickets: Ticket) -> Form:
    return filled(form, with_risks(), tickets, MARCH, AFTER)[0]


def test_the_list_goes_by_team_and_the_ledger_by_colour_worst_first() -> None:
    assert [(row[1], row[2]) for row in form_of("risks").rows] == [
        ("乙班", "漏水爆炸"), ("甲班", "烫伤"), ("甲班", "粉尘"), ("甲班", "煤气"),
    ]  # fmt: skip
    assert [row[1] for row in form_of("risk-control").rows] == ["漏水爆炸", "煤气", "粉尘", "烫伤"]
    assert form_of("risk-control").below == (
        ("合计：重大风险（红） 1 项，较大风险（橙） 1 项，一般风险（黄） 1 项，低风险（蓝） 1 项，共 4 项。",),
    )


def test_each_level_is_printed_in_its_own_colour() -> None:
    sheet = load_workbook(BytesIO(written(form_of("risk-control")))).worksheets[0]
    found = {sheet.cell(row, 2).value: sheet.cell(row, 8).fill.fgColor.rgb[-6:] for row in range(4, 8)}
    assert found == {each.name: COLOUR[each.colour] for each in RISKS}
    assert all(isinstance(row[7], Coloured) for row in form_of("risk-control").rows)


def test_a_hazard_counts_on_the_risk_of_its_equipment_or_else_of_its_area_and_a_false_alarm_on_none() -> None:
    tickets = [
        ticket("HD-1", at(2026, 3, 5), steps=5),
        ticket("HD-2", at(2026, 3, 6), steps=1, grade=TicketGrade.ORDINARY),
        ticket("HD-3", at(2026, 4, 6)),
        dismissed("HD-4", at(2026, 3, 7)),
        replace(ticket("HD-5", at(2026, 3, 8)), equipment="other"),
    ]
    counted = {row[1]: (row[12], row[13]) for row in form_of("risk-control", *tickets).rows}
    # The two risks of the whole area share what stands there and on no equipment with a risk of its own.
    assert counted == {"漏水爆炸": (2, 1), "煤气": (1, 1), "烫伤": (1, 1), "粉尘": (0, 0)}


def test_the_teams_cell_is_one_for_all_its_risks() -> None:
    sheet = load_workbook(BytesIO(written(form_of("risks")))).worksheets[0]
    assert "B5:B7" in {str(each) for each in sheet.merged_cells.ranges}
