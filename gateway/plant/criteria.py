"""Contract of the criteria as data: equipment classes, clauses, and what covers them.

The data itself stands in `rules/packs/`; this module only says what shape it has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.gases import GASES, Basis
from gateway.plant.model import Text


@dataclass(frozen=True, slots=True)
class PointKind:
    """A role that points of an equipment class can have."""

    id: str
    name: Text
    unit: str
    """Any unit of the right dimension; empty for a state or count."""
    states: Mapping[int, Text]
    """Words for the values of a state; empty for a measurement."""
    gas: str | None = None
    """Formula of the gas that it measures (`gateway.gases`)."""
    conversion_temperature: float | None = None
    """degC at which ppm and mg/m3 are matched where the plant file does not say."""

    def basis(self, temperature: float | None = None) -> Basis | None:
        """What concentrations of this kind convert by; `temperature` is the point's own."""
        if self.gas is None:
            return None
        return Basis(GASES[self.gas], self.conversion_temperature if temperature is None else temperature)


@dataclass(frozen=True, slots=True)
class OutputKind:
    id: str
    name: Text


@dataclass(frozen=True, slots=True)
class LimitKind:
    """A threshold that rules of this class use and that a plant file may override."""

    name: str
    title: Text
    default: float
    unit: str
    source: str
    certainty: str
    """`standard`, `typical` or `engineering`: how sure we are of the default."""


@dataclass(frozen=True, slots=True)
class EquipmentClass:
    id: str
    name: Text
    kinds: Mapping[str, PointKind]
    outputs: Mapping[str, OutputKind]
    limits: Mapping[str, LimitKind]
    nameplate: tuple[str, ...]
    parent_class: str | None


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a clause asks of every equipment of one class."""

    equipment_class: str
    points: tuple[str, ...]
    rules: tuple[str, ...]
    interlocks: tuple[str, ...]


class ClauseCertainty(StrEnum):
    """How sure we are that a clause says what the criteria here say of it."""

    VERIFIED = "verified"
    """Read in the order's published text."""
    NUMBER_FROM_MEMORY = "number_from_memory"
    """The text was read, the number that it has was not."""
    CONFIRMED = "confirmed"
    """From memory, and a notice of a local bureau says the same."""
    FROM_MEMORY = "from_memory"
    """To be checked against the official gazette before anybody quotes it."""
    UNLISTED = "unlisted"
    """No item of the order: what belongs to an article and no single item names."""


@dataclass(frozen=True, slots=True)
class Clause:
    """One item of 应急管理部令第10号, paraphrased."""

    id: str
    """Such as `4(4)`."""
    title: Text
    requirements: tuple[Requirement, ...]
    ledger: Text | None = None
    """What of it no sensor can watch, and a person checks and writes down."""
    everywhere: bool = False
    """Whether its article concerns every plant, whatever its equipment."""
    certainty: ClauseCertainty = ClauseCertainty.FROM_MEMORY

    @property
    def article(self) -> str:
        """Such as `4` for `4(4)`."""
        return self.id.partition("(")[0]


@dataclass(frozen=True, slots=True)
class Criteria:
    classes: Mapping[str, EquipmentClass]
    clauses: tuple[Clause, ...]
