"""States as journal rows, and back: the projections that a restart begins from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import TypeAdapter

from gateway.machines.alarm import AlarmState
from gateway.machines.duty_check import DutyCheck
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.output import OutputState
from gateway.machines.ticket import Ticket
from gateway.standing import CHECKS_KEPT, Standing
from gateway.store import Journal, StateKind, StateRow

_ALARM = TypeAdapter(AlarmState)
_DEMAND = TypeAdapter(Demand)
_TICKET = TypeAdapter(Ticket)
_CHECK = TypeAdapter(DutyCheck)
_INTERLOCK = TypeAdapter(InterlockRecord)
_OUTPUT = TypeAdapter(OutputState)


def rows(standing: Standing, touched: Mapping[StateKind, set[str]]) -> list[StateRow]:
    """The present states of everything touched."""
    alarms = (standing.alarms[i] for i in touched[StateKind.ALARM] if i in standing.alarms)
    demands = (standing.demands[i] for i in touched[StateKind.DEMAND] if i in standing.demands)
    tickets = (standing.tickets[i] for i in touched[StateKind.TICKET] if i in standing.tickets)
    checks = (standing.checks[i] for i in touched[StateKind.CHECK] if i in standing.checks)
    kept = (standing.interlocks[i] for i in touched[StateKind.INTERLOCK] if i in standing.interlocks)
    outputs = (standing.outputs[i] for i in touched[StateKind.OUTPUT] if i in standing.outputs)
    return [
        *(StateRow(StateKind.OUTPUT, o.output, True, _OUTPUT.dump_json(o).decode()) for o in outputs),  # noqa: FBT003
        *(StateRow(StateKind.INTERLOCK, i.interlock, i.standing, _INTERLOCK.dump_json(i).decode()) for i in kept),
        *(StateRow(StateKind.CHECK, c.id, c.standing, _CHECK.dump_json(c).decode()) for c in checks),
        *(StateRow(StateKind.ALARM, a.alarm, a.standing, _ALARM.dump_json(a).decode()) for a in alarms),
        *(StateRow(StateKind.DEMAND, d.id, d.standing, _DEMAND.dump_json(d).decode()) for d in demands),
        *(StateRow(StateKind.TICKET, t.id, t.standing, _TICKET.dump_json(t).decode()) for t in tickets),
    ]


async def load(journal: Journal) -> Standing:
    """The states that the journal holds. What has ended comes along: the next occurrence follows on from it."""
    alarms = [_ALARM.validate_json(r.body) for r in await journal.states(StateKind.ALARM, standing_only=False)]
    demands = [_DEMAND.validate_json(r.body) for r in await journal.states(StateKind.DEMAND, standing_only=False)]
    tickets = tickets_of(await journal.states(StateKind.TICKET, standing_only=False))
    every = await journal.states(StateKind.CHECK, standing_only=False)
    outputs = [_OUTPUT.validate_json(r.body) for r in await journal.states(StateKind.OUTPUT, standing_only=False)]
    checks = sorted((_CHECK.validate_json(row.body) for row in every), key=lambda check: check.asked_at)
    kept = await journal.states(StateKind.INTERLOCK, standing_only=False)
    return Standing(
        alarms={alarm.alarm: alarm for alarm in alarms},
        demands={demand.id: demand for demand in sorted(demands, key=lambda d: d.demanded_at)},
        tickets={ticket.id: ticket for ticket in sorted(tickets, key=lambda t: t.filed_at)},
        checks={check.id: check for check in checks[-CHECKS_KEPT:]},
        interlocks=interlocks_of(kept),
        outputs={output.output: output for output in outputs},
    )


def tickets_of(rows: Iterable[StateRow]) -> list[Ticket]:
    """Tickets as their rows hold them."""
    return [_TICKET.validate_json(row.body) for row in rows]


def interlocks_of(rows: Iterable[StateRow]) -> dict[str, InterlockRecord]:
    """Interlock records as their rows hold them, by interlock."""
    records = (_INTERLOCK.validate_json(row.body) for row in rows)
    return {record.interlock: record for record in records}
