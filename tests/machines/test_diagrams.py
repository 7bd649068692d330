"""The diagrams are drawn from the tables and never by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.events.interlocks import Verdict
from gateway.events.tickets import TicketAction, TicketState
from gateway.machines import (
    alarm,
    bypass,
    diagrams,
    duty_check,
    escalation,
    finding,
    interlock,
    output,
    proof_test,
    siren,
    suppression,
    ticket,
)
from gateway.machines.alarm import AlarmAction, AlarmStateName
from gateway.machines.interlock import Judgement

DOCS = Path(__file__).parents[2] / "docs" / "machines"


@pytest.mark.parametrize("name", list(diagrams.pages()))
def test_the_page_is_what_the_table_says(name: str) -> None:
    written = (DOCS / f"{name}.md").read_text("utf-8")
    assert written == diagrams.pages()[name], "stale: run python -m gateway.machines.diagrams docs/machines"


def test_no_page_is_left_of_a_machine_that_is_gone() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} == set(diagrams.pages())


TABLES = [
    alarm.TABLE,
    suppression.SHELVING,
    suppression.DESIGN,
    suppression.SERVICE,
    escalation.TABLE,
    duty_check.TABLE,
    siren.TABLE,
    ticket.TABLE,
    ticket.SUPERVISION,
    ticket.PRODUCTION,
    interlock.TABLE,
    bypass.TABLE,
    proof_test.TABLE,
    finding.EFFECT,
    finding.TRIP,
    output.SELECTION,
    output.COMMAND,
]


@pytest.mark.parametrize("table", TABLES)
def test_every_state_and_every_move_is_drawn(table) -> None:
    drawing = table.mermaid().splitlines()
    rows = [f"    {before.value} --> {after.value}: {action.value}" for before, action, after in table.rows()]
    assert [line for line in drawing if ":" in line] == rows
    assert all(any(state.value in line for line in drawing) for state in table.moves)


def test_every_state_and_every_action_has_its_chinese_word() -> None:
    axes = (
        suppression.ShelvingState,
        suppression.ShelvingAction,
        suppression.DesignState,
        suppression.DesignAction,
        suppression.ServiceState,
        suppression.ServiceAction,
        escalation.Told,
        escalation.Climb,
        duty_check.DutyCheckState,
        duty_check.DutyCheckAction,
        siren.SirenState,
        siren.SirenAction,
        ticket.SupervisionState,
        ticket.ProductionState,
        bypass.BypassState,
        bypass.BypassAction,
        proof_test.ProofTestState,
        proof_test.ProofTestAction,
        finding.EffectSight,
        finding.EffectMove,
        finding.TripState,
        finding.TripMove,
        output.SelectionState,
        output.SelectionStep,
        output.CommandStage,
        output.Receiving,
    )
    machines = (*axes, AlarmStateName, AlarmAction, TicketState, TicketAction, Verdict, Judgement)
    assert {word for machine in machines for word in machine} == set(diagrams.CHINESE)
    assert sum(map(len, machines)) == len(diagrams.CHINESE), "expected no two machines to share a word"
