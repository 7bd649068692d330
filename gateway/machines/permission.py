"""Whether an output may be written now: default deny, and every refusal with its reason.

Pure. The safe state is never refused for the state of the plant: a rate that kept a valve from closing, or a
lost sensor that kept it open, would be the accident that the gate was built against (decision 14).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.duration import format_duration
from gateway.errors import OutputRefused
from gateway.plant.guard import PointTest, Rate
from gateway.plant.model import Output
from gateway.rule import Truth
from gateway.sample import Instant


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants written."""

    output: str
    value: float
    by_person: bool


@dataclass(frozen=True, slots=True)
class Permissive:
    """One condition of an output, as it is now."""

    test: PointTest
    truth: Truth
    seen: str
    """The value with its quality, in words."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What bears on a write at this moment."""

    now: Instant
    permissives: Sequence[Permissive] = ()
    held: float | None = None
    """What was last written; None where the gateway never wrote, or the last write was not confirmed."""
    changes: Sequence[Instant] = ()
    """When a write last changed the value, or may have, oldest first."""
    demanded: frozenset[float] = frozenset()
    """Values that standing demands of interlocks command on it."""
    withheld: Sequence[str] = ()
    """Interlocks whose overdue proof withholds the start of its equipment."""


def permitted(output: Output | None, wish: Wish, seen: Circumstances) -> Output:
    """The output, if this value may be written on it now; raises OutputRefused otherwise."""
    if output is None:
        raise OutputRefused(wish.output, "an output of the plant file", "none of that name")
    if not output.allowed:
        raise OutputRefused(output.id, "`allowed: true` in the plant file", "allowed: false")
    if wish.value not in output.values:
        raise OutputRefused(output.id, f"one of {list(output.values)}", f"{wish.value:g}")
    if wish.by_person and not output.guard.people:
        raise OutputRefused(output.id, "`people: true` in the plant file", "a person's command")
    if wish.value == output.guard.fail_safe:
        return output
    others = seen.demanded - {wish.value}
    if others:
        got = f"{wish.value:g} while an interlock demands {', '.join(f'{value:g}' for value in sorted(others))}"
        raise OutputRefused(output.id, "no value against a standing demand", got)
    if output.guard.starts and seen.withheld:
        expected = "a start with every interlock of the equipment proven in time"
        raise OutputRefused(output.id, expected, f"proof overdue: {', '.join(seen.withheld)}")
    for each in seen.permissives:
        if each.truth is not Truth.TRUE:
            raise OutputRefused(output.id, each.test.words, each.seen)
    if output.guard.rate is not None and wish.value != seen.held:
        _within_rate(output.id, output.guard.rate, seen)
    return output


def _within_rate(output: str, rate: Rate, seen: Circumstances) -> None:
    recent = [at for at in seen.changes if at > seen.now - rate.within]
    if len(recent) >= rate.changes:
        expected = f"at most {rate.changes} changes within {format_duration(rate.within)}"
        again = format_duration(max(1, -(-(recent[-rate.changes] + rate.within - seen.now) // 1_000_000)) * 1_000_000)
        raise OutputRefused(output, expected, f"one more; the next is possible in {again}")
