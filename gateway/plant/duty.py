"""How a duty room handles its alarms: values of the plant file's sections on people, with their defaults.

Priorities are keys by their word (`critical`, `high`, `medium`, `low`). Nothing here checks anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE


def _fixed(values: dict[str, int]) -> Mapping[str, int]:
    return MappingProxyType(values)


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """What may be put aside and for how long, and how far clocks may be apart (plant file: `alarms`)."""

    shelve_max: Mapping[str, int] = field(
        default_factory=lambda: _fixed(
            {"critical": 30 * _MINUTE, "high": 2 * _HOUR, "medium": 8 * _HOUR, "low": 24 * _HOUR}
        )
    )
    """Longest shelving by priority (microseconds); 0: never."""
    two_person: frozenset[str] = frozenset({"critical"})
    """Priorities whose shelving or removal from service needs a second person."""
    clock_error: int = _SECOND // 10
    """How far the clocks of two devices may be apart (microseconds): within it, who was first cannot be told."""

    def longest_shelving(self, priority: str) -> int:
        """Microseconds; 0 where it is never shelved."""
        return self.shelve_max.get(priority, 0)
