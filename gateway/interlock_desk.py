"""The interlocks of one site: which of them move, what they demand, and whether they did what they must.

Decides from the conditions and demands that it is given; every event is somebody else's to take. Does no I/O and
owns no clock.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from gateway.event import Event
from gateway.events.interlock_register import Finding
from gateway.interlock_alarms import ORDER, InterlockAlarm, column
from gateway.machines import interlock
from gateway.machines.bypass import BypassState
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import InterlockRecord
from gateway.point_table import PointTable
from gateway.proving import proofs
from gateway.rule import Conditions, InterlockInstance, RuleInstance, Truth
from gateway.sample import Instant

_ALARM_OF: Mapping[Finding, InterlockAlarm] = {
    Finding.SPURIOUS_EFFECT: InterlockAlarm.SPURIOUS_EFFECT,
    Finding.RESTARTED_WITHOUT_RESET: InterlockAlarm.RESTARTED_WITHOUT_RESET,
}


class InterlockDesk:
    """Call `note` for every demand that has moved, `note_record` for every record.

    `rules`: the program's, which causes and feedback are columns of. `overdue`: whose proof is overdue, and since when.
    """

    def __init__(
        self,
        site: str,
        interlocks: Sequence[InterlockInstance],
        rules: Sequence[RuleInstance],
        demands: Mapping[str, Demand],
        records: Mapping[str, InterlockRecord],
        overdue: Mapping[str, Instant],
    ) -> None:
        self._site = site
        self._rows = tuple(interlocks)
        self._rules = tuple(rules)
        self._demands = demands
        self._at = {row.id: position for position, row in enumerate(self._rows)}
        causes = [(column, at) for at, row in enumerate(self._rows) for column in row.causes]
        self._records = records
        self._overdue = overdue
        self._kept: dict[str, InterlockRecord] = {}
        for record in records.values():
            self.note_record(record)
        self._conditions: Conditions | None = None
        self._cause_column, self._cause_of = np.array(causes, dtype=np.intp).reshape(-1, 2).T
        self._open = {demand.interlock: demand for demand in demands.values() if demand.standing}

    def note(self, demand: Demand) -> None:
        """Take over where a demand stands now."""
        if demand.standing:
            self._open[demand.interlock] = demand
        elif self._open.get(demand.interlock, demand).id == demand.id:
            self._open.pop(demand.interlock, None)

    def note_record(self, record: InterlockRecord) -> None:
        """Take over where a record stands now."""
        if record.standing:
            self._kept[record.interlock] = record
        else:
            self._kept.pop(record.interlock, None)

    def engaged(self, row: InterlockInstance) -> Truth | None:
        """Whether it is in service as of the last tick; None where the plant has no such point."""
        if row.engaged is None:
            return None
        return Truth.UNKNOWN if self._conditions is None else Truth(int(self._conditions.truth[row.engaged]))

    @property
    def timing(self) -> bool:
        """An effect has a deadline that time alone may bring."""
        return any(demand.pending for demand in self._open.values())

    def moving(self, conditions: Conditions) -> list[InterlockInstance]:
        """Interlocks with a cause or an open demand, in the program's order; nothing follows from any other."""
        self._conditions = conditions
        caused = self._cause_of[conditions.truth[self._cause_column] == np.uint8(Truth.TRUE)]
        demanded = (self._at[each] for each in self._open if each in self._at)
        return [self._rows[at] for at in sorted({*caused.tolist(), *demanded})]

    def observe(self, row: InterlockInstance, conditions: Conditions, table: PointTable, now: Instant) -> list[Event]:
        """What this interlock's causes and effects bring now."""
        truth, since = conditions.truth, conditions.since
        causes = sorted(
            (
                interlock.Cause(self._rules[column].id, Instant(int(since[column])), self._rules[column].hash)
                for column in row.causes
                if truth[column] == Truth.TRUE
            ),
            key=lambda cause: cause.onset,
        )
        demand = self._open.get(row.id)
        if demand is None and not causes:
            return []
        record = self._records.get(row.id, InterlockRecord(row.id))
        bypass, test = record.bypass, record.test
        seen = interlock.Circumstances(
            causes=tuple(causes),
            cause_unknown=any(truth[column] == Truth.UNKNOWN for column in row.causes),
            engaged=Truth.TRUE if row.engaged is None else Truth(int(truth[row.engaged])),
            feedback=tuple(
                interlock.Feedback(Truth(int(truth[effect.condition])), Instant(int(since[effect.condition])))
                for effect in row.effects
            ),
            now=now,
            readings=table.readings(point for column in row.causes for point in self._rules[column].points),
            earlier=self._demands,
            bypass=bypass.id if bypass is not None and bypass.covers(now) else "",
            test=test.id if test is not None and test.covers(now) else "",
            withhold=bypass is not None,
        )
        events = interlock.observe(self._site, row, demand, seen)
        return events if demand is None else [*events, *proofs(row, demand, events)]

    def with_alarms(
        self, conditions: Conditions, now: Instant
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Rule truths and onsets, each followed by those of the alarms that every interlock has (`interlock_rules`)."""
        rules, rows = len(self._rules), len(self._rows)
        truth = np.full(rows * len(ORDER), Truth.FALSE, dtype=np.uint8)
        since = np.full(rows * len(ORDER), now, dtype=np.int64)
        for interlock_id, alarm, at in self._standing():
            row = self._at.get(interlock_id)
            if row is not None:
                truth[column(alarm, row, rows)] = Truth.TRUE
                since[column(alarm, row, rows)] = at
        return (
            np.concatenate([conditions.truth[:rules], truth]),
            np.concatenate([conditions.since[:rules], since]),
        )

    def _standing(self) -> Iterator[tuple[str, InterlockAlarm, Instant]]:
        """The interlocks' own alarms that stand, each with its interlock and onset."""
        for demand in self._open.values():
            if demand.broken:
                yield demand.interlock, InterlockAlarm.UNPROVEN, demand.demanded_at
            if demand.bypass:
                yield demand.interlock, InterlockAlarm.DEMANDED_WHILE_BYPASSED, demand.demanded_at
        for record in self._kept.values():
            for found in record.findings:
                yield record.interlock, _ALARM_OF[found.finding], found.since
            bypass = record.bypass
            if bypass is None:
                continue
            yield record.interlock, InterlockAlarm.BYPASSED, bypass.since
            if bypass.state is BypassState.BYPASS_NEARLY_OVER:
                yield record.interlock, InterlockAlarm.BYPASS_NEARLY_OVER, bypass.warn_at
            if bypass.state is BypassState.BYPASS_OVERSTAYED:
                yield record.interlock, InterlockAlarm.BYPASS_OVERSTAYED, bypass.until
        for interlock_id, since in self._overdue.items():
            yield interlock_id, InterlockAlarm.PROOF_OVERDUE, since

    def withdrawals(self, by: str, comment: str, now: Instant) -> list[Event]:
        """What closes every demand whose interlock is no longer in force; not yet taken."""
        orphans = [demand for demand in self._open.values() if demand.interlock not in self._at]
        return [event for demand in orphans for event in interlock.withdraw(demand, by, comment, now)]
