"""A duty check (查岗): the room is asked whether anybody is there, and a person answers in time, late or never.

The software asks and counts; only a person answers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.errors import IllegalTransition, refusal
from gateway.event import Event
from gateway.events.presence import AskedBecause, DutyCheckAnswered, DutyCheckAsked, DutyCheckEscalated, DutyCheckMissed
from gateway.identity import identity
from gateway.machines import escalation
from gateway.machines.table import Table
from gateway.plant.duty import DutyCheckPolicy, Level, Rung
from gateway.sample import Instant


class DutyCheckState(StrEnum):
    ASKED = "asked"
    ANSWERED = "answered"
    MISSED = "missed"
    ANSWERED_LATE = "answered_late"


class DutyCheckAction(StrEnum):
    ANSWER = "answer"
    MISS = "miss"


_S, _A = DutyCheckState, DutyCheckAction

TABLE: Table[DutyCheckState, DutyCheckAction] = Table(
    machine="duty check",
    initial=_S.ASKED,
    moves={
        _S.ASKED: {_A.ANSWER: _S.ANSWERED, _A.MISS: _S.MISSED},
        _S.MISSED: {_A.ANSWER: _S.ANSWERED_LATE},
        _S.ANSWERED: {},
        _S.ANSWERED_LATE: {},
    },
)


@dataclass(frozen=True, slots=True)
class DutyCheck:
    id: str
    state: DutyCheckState
    because: AskedBecause
    asked_by: str
    asked_at: Instant
    deadline: Instant
    answered_at: Instant | None = None
    answered_by: str | None = None
    comment: str = ""
    escalated: Level | None = None
    """The highest level that was told of the miss."""

    @property
    def standing(self) -> bool:
        """Whether somebody still has to answer."""
        return bool(TABLE.allowed(self.state))


def ask(
    site: str, because: AskedBecause, by: str, policy: DutyCheckPolicy, open_check: DutyCheck | None, now: Instant
) -> Event:
    """Raises IllegalTransition while another check waits for its answer."""
    if open_check is not None:
        raise IllegalTransition(TABLE.machine, open_check.id, open_check.state, "ask", TABLE.allowed(open_check.state))
    check = "DC-" + identity(site, "duty check", now)[:12]
    return DutyCheckAsked(
        id=identity(check, "asked"),
        at=now,
        check=check,
        because=because,
        by=by,
        deadline=Instant(now + policy.answer_within),
    )


def answer(check: DutyCheck, by: str, comment: str, now: Instant) -> Event:
    """Raises IllegalTransition for one that is answered, RequestRefused for nobody."""
    after = TABLE.next(check.id, check.state, _A.ANSWER)
    if not by.strip():
        raise refusal("by", "the name of the person who answers", "nothing")
    return DutyCheckAnswered(
        id=identity(check.id, "answered"),
        at=now,
        check=check.id,
        by=by,
        comment=comment,
        late=after is _S.ANSWERED_LATE or now > check.deadline,
    )


def due(check: DutyCheck, ladder: tuple[Rung, ...], now: Instant) -> list[Event]:
    """What time alone brings: the miss, and whom the ladder tells of it."""
    if not check.standing or now < check.deadline:
        return []
    events: list[Event] = []
    if check.state is _S.ASKED:
        TABLE.next(check.id, check.state, _A.MISS)
        events.append(DutyCheckMissed(id=identity(check.id, "missed"), at=now, check=check.id, asked_at=check.asked_at))
    events += [
        DutyCheckEscalated(
            id=identity(check.id, "escalated", rung.level),
            at=now,
            check=check.id,
            level=rung.level,
            waited=now - check.asked_at,
        )
        for rung in escalation.due(check.id, ladder, check.asked_at, check.escalated, now)
    ]
    return events


def evolve(check: DutyCheck | None, event: Event) -> DutyCheck | None:
    """The check after an event of its own; events of other kinds change nothing."""
    if isinstance(event, DutyCheckAsked):
        return DutyCheck(event.check, TABLE.initial, event.because, event.by, event.at, event.deadline)
    if check is None:
        return None
    match event:
        case DutyCheckAnswered():
            state = _S.ANSWERED_LATE if event.late else _S.ANSWERED
            return replace(check, state=state, answered_at=event.at, answered_by=event.by, comment=event.comment)
        case DutyCheckMissed():
            return replace(check, state=_S.MISSED)
        case DutyCheckEscalated():
            return replace(check, escalated=event.level)
        case _:
            return check
