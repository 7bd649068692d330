"""The plant file's section `interlocks`: its shape, and what it means.

A field that is left out keeps its default; for a single interlock, it keeps what the section says for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, StrictBool

from gateway.document.fields import DottedWord, Id
from gateway.duration import Duration
from gateway.plant.interlock_keeping import InterlockKeeping, InterlockPolicy, ProofScope
from gateway.plant.shape import Shape
from gateway.sample import Instant

_Positive = Annotated[Duration, Field(gt=0)]
_SITE_TIME = timezone(timedelta(hours=8))
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeepingShape(Shape):
    """How an interlock is bypassed, tested and kept proven."""

    bypass_max: Duration | None = None
    """Longest bypass; `0 s` forbids it."""
    test_max: _Positive | None = None
    """Longest declared proof test."""
    proof_test_every: _Positive | None = None
    """How often it must be proven, by a demand or by a test."""
    proof: ProofScope | None = None
    """What has to be proven: `every_effect` by any cause, or `every_cell` of cause and effect."""
    withhold_start: StrictBool | None = None
    """Whether its equipment may not start while its proof is overdue."""

    def keeping(self, base: InterlockKeeping, proven_on: date | None = None) -> InterlockKeeping:
        def own(name: str) -> Any:
            given = getattr(self, name)
            return getattr(base, "scope" if name == "proof" else name) if given is None else given

        return InterlockKeeping(
            bypass_max=own("bypass_max"),
            test_max=own("test_max"),
            proof_test_every=own("proof_test_every"),
            proven_on=None if proven_on is None else _midnight(proven_on),
            scope=own("proof"),
            withhold_start=own("withhold_start"),
        )


class OneInterlockShape(KeepingShape):
    """A single interlock that is kept otherwise."""

    interlock: DottedWord
    equipment: Id
    proven_on: date | None = None
    """Day of the last proof on paper, from before the gateway watched."""


class InterlocksShape(KeepingShape):
    """How interlocks are kept."""

    own: list[OneInterlockShape] = Field(default_factory=list)
    """Interlocks that are kept otherwise."""

    def policy(self) -> InterlockPolicy:
        every = self.keeping(InterlockKeeping())
        own = {f"{each.interlock}@{each.equipment}": each.keeping(every, each.proven_on) for each in self.own}
        return InterlockPolicy(every, MappingProxyType(own))


def repeated(own: Sequence[OneInterlockShape]) -> Iterator[tuple[str, int, int]]:
    """Interlocks that stand there again: (interlock, place of the first, place of this one)."""
    first: dict[str, int] = {}
    for place, each in enumerate(own):
        name = f"{each.interlock}@{each.equipment}"
        if first.setdefault(name, place) != place:
            yield name, first[name], place


def _midnight(day: date) -> Instant:
    """The beginning of the day, site time."""
    start = datetime(day.year, day.month, day.day, tzinfo=_SITE_TIME)
    return Instant((start - _EPOCH) // timedelta(microseconds=1))
