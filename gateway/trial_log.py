"""What rules on trial would have raised: from TRUE to the next FALSE, as an alarm would have stood.

Pure and incremental. Nobody was told of any of it, and it is in no figure of the alarm system.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from gateway.events.changeover import TrialChanged
from gateway.rule import Truth
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class TrialRaise:
    """One alarm that a rule on trial would have raised."""

    raised_at: Instant
    cleared_at: Instant | None
    """None while the condition stands."""


@dataclass(slots=True)
class TrialRecord:
    """One rule instance in one version."""

    rule_hash: str
    since: Instant
    """Since when it has been on trial in this version."""
    latest: deque[TrialRaise]
    """Oldest first."""
    raised: int = 0
    """All that it would have raised since then."""


@dataclass(slots=True)
class TrialLog:
    """Feed it the trial events of a journal in order."""

    kept: int | None = None
    """Raises kept of each rule; None for all."""
    records: dict[str, TrialRecord] = field(default_factory=dict)
    """By rule instance."""

    def feed(self, event: TrialChanged) -> None:
        """Another version of a rule is another trial."""
        record = self.records.get(event.rule)
        if record is None or record.rule_hash != event.rule_hash:
            record = self.records[event.rule] = TrialRecord(event.rule_hash, event.at, deque(maxlen=self.kept))
        stands = bool(record.latest) and record.latest[-1].cleared_at is None
        if event.truth is Truth.TRUE and not stands:
            record.latest.append(TrialRaise(event.at, None))
            record.raised += 1
        elif event.truth is Truth.FALSE and stands:
            record.latest[-1] = TrialRaise(record.latest[-1].raised_at, event.at)

    def raises(self) -> Iterator[tuple[str, TrialRaise]]:
        """By rule instance, in order of their raise."""
        every = [(rule, each) for rule, record in self.records.items() for each in record.latest]
        return iter(sorted(every, key=lambda pair: pair[1].raised_at))
