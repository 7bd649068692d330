"""The plant file's section `history`: its shape, and what it means.

A field that is left out keeps its default; in a class, it keeps what the section says for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from gateway.duration import Duration
from gateway.plant.keeping import HistoryPolicy, Keeping
from gateway.plant.shape import Shape

LEAST_BUDGET = 10**9
"""Below it a day of a small plant might not fit, and the newest samples would be the ones that go."""

_BYTES = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(MB|GB|TB)\s*$")


def parse_size(text: object) -> int:
    """`20 GB` in bytes; raises ValueError for anything else, and for less than a history can live in."""
    match = _SIZE.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"expected a size such as '500 GB' or '2 TB', got {text!r}")
    size = round(float(match.group(1)) * _BYTES[match.group(2)])
    if size < LEAST_BUDGET:
        raise ValueError(f"expected at least 1 GB, got {text!r}")
    return size


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": "string", "pattern": _SIZE.pattern, "examples": ["20 GB", "2 TB"]}),
]
Kept = Annotated[Duration, Field(gt=0)]


class KeepingShape(Shape):
    """How long samples, and the minutes and hours made of them, are kept."""

    samples: Kept | None = None
    """Samples as they came."""
    minutes: Kept | None = None
    """Extremes, mean and time not good by the minute; at least as long as samples."""
    hours: Kept | None = None
    """The same by the hour; at least as long as minutes."""

    def keeping(self, base: Keeping) -> Keeping:
        return Keeping(
            samples=base.samples if self.samples is None else self.samples,
            minutes=base.minutes if self.minutes is None else self.minutes,
            hours=base.hours if self.hours is None else self.hours,
        )


class HistoryShape(KeepingShape):
    """What the history keeps, and how large it may become."""

    budget: Size | None = None
    """Bytes on the disk, such as `20 GB`; beyond it the oldest samples go before their time."""
    classes: dict[str, KeepingShape] = Field(default_factory=dict)
    """Kept otherwise, by equipment class."""

    def policy(self) -> HistoryPolicy:
        own = HistoryPolicy()
        keeping = self.keeping(own.keeping)
        return HistoryPolicy(
            budget=own.budget if self.budget is None else self.budget,
            keeping=keeping,
            classes={name: shape.keeping(keeping) for name, shape in self.classes.items()},
        )


def too_short(keeping: Keeping) -> Iterator[tuple[str, str, int, int]]:
    """What is kept for less time than the finer one that it stands in for: (name, finer, finer's time, its own)."""
    if keeping.minutes < keeping.samples:
        yield "minutes", "samples", keeping.samples, keeping.minutes
    if keeping.hours < keeping.minutes:
        yield "hours", "minutes", keeping.minutes, keeping.hours
