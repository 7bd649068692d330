"""The interlocks of one site: which of them move, what they demand, and whether they did what they must.

Decides from the conditions and demands that it is given; every event is somebody else's to take. Does no I/O and
owns no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from gateway.event import Event
from gateway.machines import interlock
from gateway.machines.interlock import Demand
from gateway.point_table import PointTable
from gateway.rule import Conditions, InterlockInstance, RuleInstance, Truth
from gateway.sample import Instant


class InterlockDesk:
    """Call `note` for every demand that has moved. `rules`: the program's, which causes and feedback are columns of."""

    def __init__(
        self,
        site: str,
        interlocks: Sequence[InterlockInstance],
        rules: Sequence[RuleInstance],
        demands: Mapping[str, Demand],
    ) -> None:
        self._site = site
        self._rows = tuple(interlocks)
        self._rules = tuple(rules)
        self._demands = demands
        self._at = {row.id: position for position, row in enumerate(self._rows)}
        causes = [(column, at) for at, row in enumerate(self._rows) for column in row.causes]
        self._cause_column, self._cause_of = np.array(causes, dtype=np.intp).reshape(-1, 2).T
        self._open = {demand.interlock: demand for demand in demands.values() if demand.standing}

    def note(self, demand: Demand) -> None:
        """Take over where a demand stands now."""
        if demand.standing:
            self._open[demand.interlock] = demand
        elif self._open.get(demand.interlock, demand).id == demand.id:
            self._open.pop(demand.interlock, None)

    @property
    def timing(self) -> bool:
        """An effect has a deadline that time alone may bring."""
        return any(demand.pending for demand in self._open.values())

    def moving(self, conditions: Conditions) -> list[InterlockInstance]:
        """Interlocks with a cause or an open demand, in the program's order; nothing follows from any other."""
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
        )
        return interlock.observe(self._site, row, demand, seen)

    def with_proofs(
        self, conditions: Conditions, now: Instant
    ) -> tuple[np.ndarray[tuple[int], np.dtype[np.uint8]], np.ndarray[tuple[int], np.dtype[np.int64]]]:
        """Rule truths and onsets, each followed by those of 'this interlock did not do what it must'."""
        rules, interlocks = len(self._rules), len(self._rows)
        truth = np.full(interlocks, Truth.FALSE, dtype=np.uint8)
        since = np.full(interlocks, now, dtype=np.int64)
        for demand in self._open.values():
            at = self._at.get(demand.interlock)
            if at is not None:
                truth[at] = Truth.TRUE if demand.broken else Truth.FALSE
                since[at] = demand.demanded_at
        return (
            np.concatenate([conditions.truth[:rules], truth]),
            np.concatenate([conditions.since[:rules], since]),
        )

    def withdrawals(self, by: str, comment: str, now: Instant) -> list[Event]:
        """What closes every demand whose interlock is no longer in force; not yet taken."""
        orphans = [demand for demand in self._open.values() if demand.interlock not in self._at]
        return [event for demand in orphans for event in interlock.withdraw(demand, by, comment, now)]
