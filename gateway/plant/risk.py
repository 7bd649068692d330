"""Safety risks (安全风险) as the plant has found and graded them, and who keeps each in hand. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class RiskColour(StrEnum):
    """The four colours of the notices, worst first."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    BLUE = "blue"


class ControlLevel(StrEnum):
    """Who keeps a risk in hand (管控层级), highest first."""

    COMPANY = "company"
    WORKSHOP = "workshop"
    TEAM = "team"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Risk:
    """One line of the list of risks (安全风险辨识清单) and of the ledger of their control (风险分级管控台账)."""

    id: str
    name: str
    team: str
    """The smallest unit that looked for it (班组)."""
    post: str
    """Post or step (岗位/环节)."""
    description: str
    accident: str
    """What it may lead to."""
    colour: RiskColour
    measures: str
    control: ControlLevel
    responsible: str
    frequency: str
    """How often the measures are looked at."""
    area: str
    equipment: str | None = None
    likelihood: str = ""
    severity: str = ""
