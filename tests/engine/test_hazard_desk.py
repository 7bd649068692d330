"""Hazard tickets through the engine: people's beside sensors', who may close one, and who is told of a late one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.errors import RequestRefused
from gateway.events.tickets import HazardSource, TicketAction, TicketEscalated
from gateway.machines.bypass import BypassWish
from gateway.machines.hazard_report import Report
from gateway.machines.interlock_record import LINES_KEPT
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from gateway.store import DAY
from tests.engine.scripted import FALSE, TRUE, Bench, folded, interlock
from tests.machines.support import rule
from tests.machines.tickets import full

TRIP = "trip@furnace"
WISH = BypassWish("王", "李", "更换断路器", "专人看守", 3600 * SECOND)
FOUND = Report(HazardSource.DAILY_CHECK, "张", "护栏缺失", "东侧", TicketGrade.ORDINARY, "melt", "furnace")


def bench() -> Bench:
    made = Bench(rule("hot@furnace"), interlocks=[interlock(causes=(0,), feedback=1)])
    made.tick({0: FALSE, 1: TRUE})
    return made


def bypassed(made: Bench, wish: BypassWish = WISH) -> None:
    made.now = Instant(made.now + 1)
    made.act(made.engine.register_desk.bypass(TRIP, wish, made.now))
    made.now = Instant(made.now + SECOND)
    made.act(made.engine.register_desk.remove_bypass(TRIP, wish.by, "换好", made.now))


def hot(made: Bench) -> str:
    """The ticket of the rule that trips the interlock."""
    made.tick({0: TRUE})
    return next(each.id for each in made.engine.states.tickets.values() if each.rule == "hot@furnace")


def refused(made: Bench, ticket: str, by: str, approver: str = "孙") -> list[str]:
    wanted = replace(full(TicketAction.DISMISS, by, made.now), approver=approver)
    try:
        made.engine.hazard_desk.move(ticket, wanted, made.now)
    except RequestRefused as error:
        return [problem.field for problem in error.problems]
    return []


@pytest.mark.parametrize("restart", [False, True])
def test_nobody_who_bypassed_an_interlock_closes_its_ticket_however_often_it_is_bypassed_afterwards(
    restart: bool,
) -> None:
    made = bench()
    ticket = hot(made)
    bypassed(made)
    for number in range(LINES_KEPT + 2):
        bypassed(made, replace(WISH, by=f"person {number}", approved_by=f"chief {number}"))
    made = made.restarted() if restart else made
    assert refused(made, ticket, " 王 ") == ["by"]
    assert refused(made, ticket, "李") == ["by"], "who approved is no better"
    assert refused(made, ticket, "person 3") == ["by"]
    assert refused(made, ticket, "赵") == []
    assert folded(made.journal) == made.engine.states


def test_a_bypass_that_was_over_before_the_hazard_set_in_bars_nobody() -> None:
    made = bench()
    bypassed(made)
    made.tick({0: FALSE}, after=DAY)
    assert refused(made, hot(made), "王") == []


def test_a_persons_ticket_of_the_same_equipment_is_barred_as_well_and_one_of_the_area_is_not() -> None:
    made = bench()
    for of in (FOUND, replace(FOUND, equipment="", title="积水")):
        made.act(made.engine.hazard_desk.report(of, made.now))
    bypassed(made)
    at_furnace, in_area = made.engine.states.tickets
    assert refused(made, at_furnace, "王") == ["by"]
    assert refused(made, in_area, "王") == []


def test_a_persons_ticket_takes_no_recurrence_of_a_sensor_and_does_not_hide_its_ticket() -> None:
    made = bench()
    made.act(made.engine.hazard_desk.report(FOUND, made.now))
    ticket = hot(made)
    made.tick({0: FALSE})
    made.tick({0: TRUE})
    persons, sensors = made.engine.states.tickets.values()
    assert (persons.recurrences, sensors.id, sensors.recurrences, sensors.previous) == (0, ticket, 1, None)


@pytest.mark.parametrize("restart", [False, True])
def test_a_late_ticket_climbs_by_the_clock_alone_and_a_restart_tells_nobody_twice(restart: bool) -> None:
    made = bench()
    made.act(made.engine.hazard_desk.report(FOUND, made.now))
    (found,) = made.engine.states.tickets.values()
    assert made.engine.next_due <= found.limit
    made.tick({}, after=found.limit - made.now - 1)
    told = [event.level for event in made.journal if isinstance(event, TicketEscalated)]
    made.tick({}, after=1)
    made = made.restarted() if restart else made
    made.tick({}, after=DAY)
    made.tick({}, after=90 * DAY)
    told += [event.level for event in made.journal if isinstance(event, TicketEscalated)]
    assert [level.value for level in told] == ["shift_leader", "safety_manager"]
