"""Two outcomes of one stretch side by side: what came or went with the other rules, and how much sooner. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.backtest.run import Outcome
from gateway.kpi import Episode, Figures, Limits, figures
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class Judged:
    """One rule set, what it would have said, and how well that would have served."""

    name: str
    outcome: Outcome
    figures: Figures


@dataclass(frozen=True, slots=True)
class Both:
    """An alarm that both rule sets raise for the same thing."""

    alarm: str
    before: Episode
    after: Episode

    @property
    def gained(self) -> int:
        """Microseconds by which the new rules are earlier; negative if they are later."""
        return self.before.raised_at - self.after.raised_at


@dataclass(frozen=True, slots=True)
class Difference:
    """From the rules that are compared against to the new ones."""

    added: tuple[Episode, ...]
    removed: tuple[Episode, ...]
    both: tuple[Both, ...]
    rules_added: tuple[str, ...]
    rules_removed: tuple[str, ...]
    rules_changed: tuple[str, ...]
    """Rule instances of both whose version (hash) differs."""


def judged(name: str, outcome: Outcome, limits: Limits | None = None) -> Judged:
    """An outcome with its figures."""
    return Judged(name, outcome, figures(outcome.episodes, outcome.start, outcome.end, limits))


def difference(before: Outcome, after: Outcome) -> Difference:
    """Episodes of the same alarm that overlap in time are the same; each is matched once, earliest first."""
    added: list[Episode] = []
    removed: list[Episode] = []
    both: list[Both] = []
    old, new = _by_alarm(before), _by_alarm(after)
    for alarm in sorted(old.keys() | new.keys()):
        matches, only_old, only_new = _matched(old.get(alarm, ()), new.get(alarm, ()), before.end)
        both += [Both(alarm, *pair) for pair in matches]
        removed += only_old
        added += only_new
    hashes = {rule.id: rule.hash for rule in before.rules}, {rule.id: rule.hash for rule in after.rules}
    shared = hashes[0].keys() & hashes[1].keys()
    return Difference(
        added=tuple(sorted(added, key=_when)),
        removed=tuple(sorted(removed, key=_when)),
        both=tuple(sorted(both, key=lambda each: each.after.raised_at)),
        rules_added=tuple(sorted(hashes[1].keys() - shared)),
        rules_removed=tuple(sorted(hashes[0].keys() - shared)),
        rules_changed=tuple(sorted(rule for rule in shared if hashes[0][rule] != hashes[1][rule])),
    )


def _by_alarm(outcome: Outcome) -> dict[str, list[Episode]]:
    found: dict[str, list[Episode]] = defaultdict(list)
    for each in sorted(outcome.episodes, key=_when):
        found[each.alarm].append(each)
    return found


def _matched(
    old: Sequence[Episode], new: Sequence[Episode], end: Instant
) -> tuple[list[tuple[Episode, Episode]], list[Episode], list[Episode]]:
    """Two sorted runs walked side by side: whichever ends first without touching the other has no match."""
    pairs: list[tuple[Episode, Episode]] = []
    only_old: list[Episode] = []
    only_new: list[Episode] = []
    a = b = 0
    while a < len(old) and b < len(new):
        if _end(old[a], end) < new[b].raised_at:
            only_old.append(old[a])
            a += 1
        elif _end(new[b], end) < old[a].raised_at:
            only_new.append(new[b])
            b += 1
        else:
            pairs.append((old[a], new[b]))
            a, b = a + 1, b + 1
    return pairs, [*only_old, *old[a:]], [*only_new, *new[b:]]


def _end(each: Episode, end: Instant) -> Instant:
    return end if each.cleared_at is None else each.cleared_at


def _when(each: Episode) -> tuple[int, str]:
    return each.raised_at, each.alarm
