"""Views of what the plant file no longer has: shown, and shown as grave."""

from __future__ import annotations

from gateway.api.views import alarm_view, demand_view
from gateway.events.interlocks import Verdict
from gateway.machines import ticket as ticket_machine
from gateway.machines.alarm import AlarmState
from gateway.machines.interlock import Demand, EffectState
from gateway.plant.duty import AlarmPolicy
from gateway.rule import EffectMode, Priority, TicketGrade, Truth
from gateway.sample import Instant
from tests.api.support import RULES, text

POLICY = AlarmPolicy()
STATE = AlarmState("leak@furnace", active=True, acknowledged=False, occurrence="first", onset=Instant(5))
TICKET = ticket_machine.Ticket(
    id="HD-1",
    state=ticket_machine.TABLE.initial,
    grade=TicketGrade.ORDINARY,
    rule="leak@furnace",
    equipment="furnace",
    area="melt",
    clauses=("4(4)",),
    title=text("leak"),
    onset=Instant(5),
    filed_at=Instant(6),
    occurrences=("first",),
    recurrences=0,
    evidence_points=(),
    previous=None,
)


def test_an_alarm_without_its_rule_is_still_shown_as_grave_as_can_be() -> None:
    view = alarm_view(STATE, None, None, {}, POLICY)
    assert (view.title, view.area, view.rule, view.points) == (text("leak@furnace"), "", "leak", ())
    assert (view.priority, view.actions) == (Priority.CRITICAL, ("acknowledge", "shelve", "remove_from_service"))


def test_an_alarm_without_its_rule_keeps_what_its_ticket_knows() -> None:
    view = alarm_view(STATE, None, TICKET, {}, POLICY)
    assert (view.title, view.equipment, view.area, view.clauses) == (text("leak"), "furnace", "", ("4(4)",))
    assert (view.priority, view.ticket) == (Priority.HIGH, "HD-1")


def test_an_alarm_names_no_ticket_of_an_earlier_occurrence() -> None:
    later = AlarmState("leak@furnace", active=True, occurrence="second")
    assert alarm_view(later, RULES[0], TICKET, {"furnace": "melt"}, POLICY).ticket is None


def test_a_demand_without_its_interlock_is_still_shown() -> None:
    effects = (EffectState("power_off", EffectMode.COMMAND, Verdict.FAIL, written=False),)
    demand = Demand("d", "trip@gone", "gone", ("leak@gone",), Instant(1), Instant(2), Truth.TRUE, effects)
    view = demand_view(demand, None, {})
    assert (view.name, view.area, view.verdict) == (text("trip@gone"), "", Verdict.FAIL)
    assert (view.effects[0].name, view.effects[0].command_written) == (text("power_off"), False)
