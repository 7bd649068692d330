"""How well the alarm system serves its people: the shapes of its figures on the wire."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.kpi import Figures
from gateway.plant.model import Text


@dataclass(frozen=True, slots=True)
class NamedAlarm:
    alarm: str
    title: Text


@dataclass(frozen=True, slots=True)
class FiguresView:
    """The figures of a period; see ISA-18.2 and EEMUA 191 for what they should be."""

    figures: Figures
    operators: int
    per_operator_ten_minutes: float
    complete: bool
    """Whether everything that the journal holds of the period is counted."""
    holds_from: int | None
    """Before this moment episodes are no longer kept; null where none went."""
    names: tuple[NamedAlarm, ...]
    """Titles of the alarms in `figures`."""
