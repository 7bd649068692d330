"""What a change of rules or plant file is journalled as, and what a rule on trial finds.

Records only, parts of `gateway.event.Event`: what they mean is decided by the machines and the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from gateway.rule import Truth
from gateway.sample import Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialChanged:
    """A rule on trial (`shadow: true`) took another truth. Nobody is told and nothing follows."""

    kind: Literal["trial.changed"] = "trial.changed"
    id: str
    at: Instant
    rule: str
    """Id of the rule instance."""
    equipment: str
    truth: Truth
    since: Instant
    rule_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmWithdrawn:
    """The alarm's rule is no longer in force, so nothing could ever return it to normal. Its ticket stays."""

    kind: Literal["alarm.withdrawn"] = "alarm.withdrawn"
    id: str
    at: Instant
    alarm: str
    occurrence: str
    was_active: bool
    """Whether the condition stood when the rule was taken away."""
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InterlockWithdrawn:
    """The demand's interlock is no longer in force: what was not proven by now never will be."""

    kind: Literal["interlock.withdrawn"] = "interlock.withdrawn"
    id: str
    at: Instant
    demand: str
    interlock: str
    by: str
    comment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationReloaded:
    """Other rules or another plant file took force without a restart. The ids are of rule instances."""

    kind: Literal["configuration.reloaded"] = "configuration.reloaded"
    id: str
    at: Instant
    by: str
    comment: str
    plant_hash_before: str
    plant_hash_after: str
    rules_hash_before: str
    rules_hash_after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    """Rule instances whose hash is another now."""
    devices_restarted: tuple[str, ...]
    """Devices whose driver was started, stopped, or started anew; every other one read on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigurationRefused:
    """A reload whose files do not hold; nothing has changed."""

    kind: Literal["configuration.refused"] = "configuration.refused"
    id: str
    at: Instant
    by: str
    comment: str
    mistakes: int
    problems: tuple[str, ...]
    """The first of them, one a line, with file, line and field."""
