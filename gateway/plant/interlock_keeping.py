"""How a plant keeps its interlocks: values of the plant file's section `interlocks`, with their defaults.

Nothing here checks anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from gateway.sample import SECOND, Instant

HOUR = 3_600 * SECOND
SHIFT = 8 * HOUR


class ProofScope(StrEnum):
    """What has to be proven before an interlock counts as proven."""

    EVERY_EFFECT = "every_effect"
    """Each effect, by any cause."""
    EVERY_CELL = "every_cell"
    """Each effect by each cause."""


@dataclass(frozen=True, slots=True)
class InterlockKeeping:
    """How one interlock is kept."""

    bypass_max: int = SHIFT
    """Longest bypass (microseconds); 0: never. A shift, so that every shift approves anew."""
    test_max: int = SHIFT
    """Longest declared proof test (microseconds)."""
    proof_test_every: int | None = None
    """How often it must be proven (microseconds); None: the plant has no calendar for it."""
    proven_on: Instant | None = None
    """The last proof on paper, from before the gateway watched."""
    scope: ProofScope = ProofScope.EVERY_EFFECT
    withhold_start: bool = False
    """Whether its equipment may not start while its proof is overdue."""


@dataclass(frozen=True, slots=True)
class InterlockPolicy:
    """What the plant file says of all interlocks, and of single ones by `<interlock>@<equipment>`."""

    every: InterlockKeeping = field(default_factory=InterlockKeeping)
    own: Mapping[str, InterlockKeeping] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, interlock: str) -> InterlockKeeping:
        return self.own.get(interlock, self.every)
