"""Builders for tickets: one as a sensor files it, and its way through a person's steps."""

from __future__ import annotations

from gateway.events.alarms import AlarmRaised
from gateway.events.tickets import DismissalCause, RectificationPlan, TicketAction
from gateway.machines import ticket, ticket_step
from gateway.machines.hazard_report import Filing, on_alarm
from gateway.machines.ticket import Ticket
from gateway.machines.ticket_step import Move
from gateway.rule import TicketGrade
from gateway.sample import SECOND, Instant
from gateway.store import DAY
from tests.machines.support import SITE, story

NOW = Instant(100 * SECOND)
PLAN = RectificationPlan("设备部", "更换水冷壁", "12 万元", "漏水应急预案", "降负荷运行，专人值守")


def alarm_raised(script: str = "TRUE") -> AlarmRaised:
    return next(e for e in reversed(story(script).events) if isinstance(e, AlarmRaised))


def filing(standing: Ticket | None = None, previous: str | None = None) -> Filing:
    return Filing(SITE, "melt", TicketGrade.MAJOR, ("furnace.temperature",), standing, previous)


def filed() -> Ticket:
    opened = ticket.evolve(None, on_alarm(alarm_raised(), filing()))
    assert opened is not None
    return opened


def full(action: TicketAction, by: str = "赵", now: Instant = NOW) -> Move:
    """A move that says all that any step asks for."""
    due = Instant(now + DAY) if action is TicketAction.EXTEND else Instant(now + SECOND)
    return Move(
        action,
        by,
        "because",
        "李",
        due,
        PLAN,
        approver="孙",
        grade=TicketGrade.MAJOR,
        cause=DismissalCause.CALIBRATION,
        authority="县应急管理局",
        document="督办〔2026〕1号",
        scope="1# 炉",
    )


def moved(standing: Ticket, *moves: Move, barred: tuple[str, ...] = ()) -> Ticket:
    for wanted in moves:
        after = ticket.evolve(standing, ticket_step.move(standing, wanted, NOW, barred))
        assert after is not None
        standing = after
    return standing


def through(*words: str) -> Ticket:
    """The ticket after these steps; `action:person`, 赵 where no person is named."""
    parts = [word.partition(":") for word in words]
    return moved(filed(), *(full(TicketAction(action), by or "赵") for action, _, by in parts))
