"""The register of one site's interlocks: bypasses and proof tests, begun and ended by people, watched by the clock.

Decides from the records that it is given; every event is somebody else's to take. Does no I/O and owns no clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.events.interlocks import Verdict
from gateway.machines import bypass, proof_test
from gateway.machines.bypass import Bypass, Bypassable, BypassWish
from gateway.machines.interlock import Demand
from gateway.machines.interlock_record import InterlockRecord
from gateway.machines.proof_test import ProofTest, ProofTestWish, Provable
from gateway.plant.model import Plant
from gateway.proof_calendar import proof_standing
from gateway.rule import InterlockInstance, RuleInstance
from gateway.sample import Instant

_NEVER = Instant(2**62)
_AT_ONCE = Instant(0)


class RegisterDesk:
    """Call `note` for every record that has moved. Raises UnknownSubject for an interlock that is not there."""

    def __init__(
        self,
        plant: Plant,
        interlocks: Sequence[InterlockInstance],
        rules: Sequence[RuleInstance],
        records: Mapping[str, InterlockRecord],
        demands: Mapping[str, Demand],
    ) -> None:
        self._site = plant.site.id
        self._policy = plant.interlocks
        self._rows = {row.id: row for row in interlocks}
        self._rules = tuple(rules)
        self._records = records
        self._demands = demands
        self._due: dict[str, Instant] = {}
        self._proof_due: dict[str, Instant | None] = {}
        """When the next proof is due, for interlocks with a calendar whose proof is not overdue; None: at once."""
        self.overdue: dict[str, Instant] = {}
        """Interlocks whose proof is overdue, and since when."""
        self._parents = {each.id: each.parent for each in plant.equipment}
        for row in interlocks:
            self.note(self._record(row.id))

    def note(self, record: InterlockRecord) -> None:
        """Take over where a record stands now."""
        times = [] if record.bypass is None else [record.bypass.next_due]
        times += [] if record.test is None else [record.test.until]
        due = min((at for at in times if at is not None), default=None)
        if due is None:
            self._due.pop(record.interlock, None)
        else:
            self._due[record.interlock] = due
        self._note_proof(record)

    def _note_proof(self, record: InterlockRecord) -> None:
        """When the interlock must be proven next; a new proof ends what was overdue."""
        row, keeping = self._rows.get(record.interlock), self._policy.of(record.interlock)
        if row is None or keeping.proof_test_every is None:
            return
        due = proof_standing(row, self._rules, record, keeping).due_at
        since = self.overdue.get(row.id)
        if since is not None and (due is None or due <= since):
            return
        self.overdue.pop(row.id, None)
        self._proof_due[row.id] = due

    def withheld(self, equipment: str) -> tuple[str, ...]:
        """Interlocks of the equipment, or of what belongs to it, whose overdue proof keeps it from starting."""
        return tuple(
            row.id
            for row in (self._rows[each] for each in self.overdue)
            if self._policy.of(row.id).withhold_start and equipment in self._line(row.equipment)
        )

    def _line(self, equipment: str) -> list[str]:
        line, above = [equipment], self._parents.get(equipment)
        while above is not None and above not in line:
            line.append(above)
            above = self._parents.get(above)
        return line

    @property
    def next_due(self) -> Instant:
        """Before this moment `due` brings nothing, unless a record moves."""
        proofs = (_AT_ONCE if due is None else due for due in self._proof_due.values())
        return min((*self._due.values(), *proofs), default=_NEVER)

    def bypassed(self) -> list[tuple[InterlockInstance, Bypass]]:
        """The interlocks that are bypassed, in their time or past it."""
        held = ((row, self._record(row.id).bypass) for row in self._rows.values())
        return [(row, line) for row, line in held if line is not None]

    def bypassers(self, equipment: Collection[str], column: int | None, since: Instant) -> list[str]:
        """Who had an interlock bypassed at that time or later: one of this equipment, or one that this cause trips."""
        rows = (row for row in self._rows.values() if row.equipment in equipment or column in row.causes)
        people = (each for row in rows for each in self._record(row.id).bypassers)
        return [each.name for each in people if each.ended is None or each.ended >= since]

    def tested(self) -> list[tuple[InterlockInstance, ProofTest]]:
        """The interlocks that a test is declared for."""
        held = ((row, self._record(row.id).test) for row in self._rows.values())
        return [(row, test) for row, test in held if test is not None]

    def bypass(self, interlock: str, wish: BypassWish, now: Instant) -> Event:
        """The registration of a bypass (旁路登记). Raises IllegalTransition, RequestRefused."""
        row, record = self._row(interlock), self._record(interlock)
        standing = next((d.id for d in self._demands.values() if d.interlock == interlock and d.standing), "")
        longest = self._policy.of(interlock).bypass_max
        of = Bypassable(self._site, interlock, row.equipment, longest, record.bypass, standing)
        return bypass.register(of, wish, now)

    def remove_bypass(self, interlock: str, by: str, comment: str, now: Instant) -> Event:
        """The end of a bypass (解除旁路). Raises IllegalTransition, RequestRefused."""
        self._row(interlock)
        return bypass.remove(interlock, self._record(interlock).bypass, by, comment, now)

    def declare_test(self, interlock: str, wish: ProofTestWish, now: Instant) -> Event:
        """The beginning of a proof test (联锁试验). Raises IllegalTransition, RequestRefused."""
        row, record = self._row(interlock), self._record(interlock)
        standing = "" if record.bypass is None else record.bypass.id
        longest = self._policy.of(interlock).test_max
        of = Provable(self._site, interlock, row.equipment, longest, record.test, standing)
        return proof_test.declare(of, wish, now)

    def end_test(self, interlock: str, by: str, comment: str, now: Instant) -> Event:
        """The end of a proof test, with what was found. Raises IllegalTransition, RequestRefused."""
        self._row(interlock)
        record = self._record(interlock)
        return proof_test.end(interlock, record.test, self._verdicts(record), by, comment, now)

    def due(self, now: Instant) -> list[Event]:
        """What time alone brings: bypasses that are nearly over or past their time, tests whose time is over."""
        if now < self.next_due:
            return []
        for interlock, at in [(each, at) for each, at in self._proof_due.items() if at is None or at <= now]:
            del self._proof_due[interlock]
            self.overdue[interlock] = now if at is None else at
        events: list[Event] = []
        for interlock in [each for each, at in self._due.items() if at <= now]:
            record = self._record(interlock)
            brought = (
                bypass.due(interlock, record.bypass, now),
                proof_test.due(interlock, record.test, self._verdicts(record), now),
            )
            events += [event for event in brought if event is not None]
        return events

    def withdrawals(self, by: str, comment: str, now: Instant) -> list[Event]:
        """What closes every bypass and test of an interlock that is no longer in force; not yet taken."""
        events: list[Event] = []
        for record in self._records.values():
            if record.interlock in self._rows:
                continue
            if record.bypass is not None:
                events.append(bypass.remove(record.interlock, record.bypass, by, comment, now))
            if record.test is not None:
                events.append(proof_test.withdraw(record.interlock, record.test, by, comment, now))
        return events

    def _row(self, interlock: str) -> InterlockInstance:
        if interlock not in self._rows:
            raise UnknownSubject("interlock", interlock)
        return self._rows[interlock]

    def _record(self, interlock: str) -> InterlockRecord:
        return self._records.get(interlock, InterlockRecord(interlock))

    def _verdicts(self, record: InterlockRecord) -> list[Verdict]:
        """Of every effect that was demanded in the test that is under way."""
        test = record.test
        if test is None:
            return []
        tested = (demand for demand in self._demands.values() if demand.test == test.id)
        return [state.verdict for demand in tested for state in demand.effects]
