"""How a duty room handles its alarms: values of the plant file's sections on people, with their defaults.

Priorities are keys by their word (`critical`, `high`, `medium`, `low`). Nothing here checks anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

_SECOND = 1_000_000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE

_V = TypeVar("_V")


def _fixed(values: dict[str, _V]) -> Mapping[str, _V]:
    return MappingProxyType(values)


@dataclass(frozen=True, slots=True)
class AlarmPolicy:
    """What may be put aside and for how long, how far clocks may be apart, what a flood is (plant file: `alarms`)."""

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
    flood_above: int = 10
    """A flood begins with more annunciations than this in ten minutes (EEMUA 191, ISA-18.2; sources differ by one)."""
    flood_below: int = 5
    """It ends with fewer than this in ten minutes."""
    never_collapsed: frozenset[str] = frozenset({"critical"})
    """Priorities that are shown one by one in any flood."""

    operators: int = 1
    """Who share the annunciations: the standards count per operator."""

    def longest_shelving(self, priority: str) -> int:
        """Microseconds; 0 where it is never shelved."""
        return self.shelve_max.get(priority, 0)


class Level(StrEnum):
    """Who is told, in the order in which an unheard alarm climbs."""

    DUTY_OPERATOR = "duty_operator"
    SHIFT_LEADER = "shift_leader"
    SAFETY_MANAGER = "safety_manager"
    COUNTY = "county"


LADDER: tuple[Level, ...] = tuple(Level)


@dataclass(frozen=True, slots=True)
class Rung:
    """One step of the ladder: who is told when nobody has answered for how long (microseconds)."""

    level: Level
    after: int


def _rungs(*minutes: int) -> tuple[Rung, ...]:
    return tuple(Rung(level, each * _MINUTE) for level, each in zip(LADDER, minutes))


@dataclass(frozen=True, slots=True)
class EscalationPolicy:
    """The ladder of each priority, lowest rung first (plant file: `escalation`)."""

    ladders: Mapping[str, tuple[Rung, ...]] = field(
        default_factory=lambda: _fixed(
            {
                "critical": _rungs(1, 5, 15, 30),
                "high": _rungs(3, 5, 15, 30),
                "medium": _rungs(3, 15, 60),
                "low": _rungs(10, 60),
            }
        )
    )

    def ladder(self, priority: str) -> tuple[Rung, ...]:
        return self.ladders.get(priority, ())


@dataclass(frozen=True, slots=True)
class HazardPolicy:
    """Who is told of a hazard ticket past its deadline, by its grade, lowest rung first (plant file: `hazards`)."""

    ladders: Mapping[str, tuple[Rung, ...]] = field(
        default_factory=lambda: _fixed(
            {
                "major": (
                    Rung(Level.SHIFT_LEADER, 0),
                    Rung(Level.SAFETY_MANAGER, _HOUR),
                    Rung(Level.COUNTY, 24 * _HOUR),
                ),
                "ordinary": (Rung(Level.SHIFT_LEADER, 0), Rung(Level.SAFETY_MANAGER, 24 * _HOUR)),
            }
        )
    )

    def ladder(self, grade: str) -> tuple[Rung, ...]:
        return self.ladders.get(grade, ())


@dataclass(frozen=True, slots=True)
class DutyCheckPolicy:
    """When the room is asked whether anybody is there (查岗; plant file: `duty_checks`)."""

    at: tuple[int, ...] = ()
    """Minutes of the day, site time, at which it is asked every day."""
    random_per_day: int = 0
    """How often it is asked at moments that nobody knows beforehand."""
    answer_within: int = 5 * _MINUTE
    """Microseconds until the check counts as missed."""
    priority: str = "high"
    """Whose ladder a missed check climbs."""


@dataclass(frozen=True, slots=True)
class NotifyTarget:
    """Where messages go (plant file: `notify`); the address is a secret and comes from the environment."""

    id: str
    level: Level
    """It is told what climbs to this level and above."""
    url_variable: str
    """Name of the environment variable that holds the Apprise URL."""


@dataclass(frozen=True, slots=True)
class SirenPolicy:
    """A siren or lamp of the site (plant file: `sirens`): an output that follows what asks for a person."""

    output: str
    priorities: frozenset[str]
    """It is on while an alarm of these, or a missed duty check that counts as one, waits for a person."""
    on: float = 1.0
    off: float = 0.0
    silence: int = 3 * _MINUTE
    """How long a person may silence it (microseconds); 0: only acknowledgement ends it, as for a lamp."""


@dataclass(frozen=True, slots=True)
class Duty:
    """Everything that the plant file says of the people in the duty room."""

    alarms: AlarmPolicy = field(default_factory=AlarmPolicy)
    escalation: EscalationPolicy = field(default_factory=EscalationPolicy)
    checks: DutyCheckPolicy = field(default_factory=DutyCheckPolicy)
    hazards: HazardPolicy = field(default_factory=HazardPolicy)
    notify: tuple[NotifyTarget, ...] = ()
    sirens: tuple[SirenPolicy, ...] = ()
