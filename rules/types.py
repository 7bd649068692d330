"""What an expression is made of once names and units are known: typed nodes, and the scope that names live in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.gases import Basis
from gateway.sample import PointIndex
from rules.graph import Graph, NodeId


@dataclass(frozen=True, slots=True)
class Typed:
    """A node and what it is: a number in a unit, or a condition (`unit` is None)."""

    node: NodeId
    unit: str | None
    basis: Basis | None = None
    """What a gas concentration converts by; written numbers and limits have none and take that of the other side."""


@dataclass(frozen=True, slots=True)
class Quantity(Typed):
    """A `Typed` that is a number."""

    unit: str


class Scope(Protocol):
    """What names mean where an expression is compiled."""

    calibration_due: int | None
    """Instant at which the calibration of the rule's point runs out; None where there is none."""

    def quantity(self, name: str, graph: Graph) -> Typed | None:
        """The number that a name stands for."""
        ...

    def point(self, name: str) -> PointIndex | None:
        """The point that a name stands for, if it is one."""
        ...

    def names(self) -> Sequence[str]:
        """Every name there is, for suggestions."""
        ...
