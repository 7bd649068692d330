"""Durations as people write them: `100 ms`, `2.5 s`, `10 min`, `8 h`, `30 d`.

Always a number and a unit; a bare number is refused, so that nobody has to guess.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

_UNITS = {
    "us": 1,
    "ms": 1_000,
    "s": 1_000_000,
    "min": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_PATTERN = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(us|ms|s|min|h|d)\s*$")


def parse_duration(text: object) -> int:
    """Microseconds; raises ValueError for anything that is not a number with a unit of time."""
    match = _PATTERN.match(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"expected a duration such as '500 ms', '10 s' or '5 min', got {text!r}")
    return round(float(match.group(1)) * _UNITS[match.group(2)])


def format_duration(microseconds: int) -> str:
    """The duration in the largest unit that keeps the number at one or above."""
    for unit in ("d", "h", "min", "s", "ms"):
        if abs(microseconds) >= _UNITS[unit]:
            return f"{microseconds / _UNITS[unit]:g} {unit}"
    return f"{microseconds} us"


Duration = Annotated[
    int,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": _PATTERN.pattern, "examples": ["100 ms", "10 s", "5 min"]}),
]
"""A pydantic field that reads a written duration into microseconds."""
