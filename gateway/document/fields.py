"""Spellings that every file of ours shares: ids, words, units and quantities, as pydantic types.

A shape of one file belongs to that file's reader.
"""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, JsonValue, StringConstraints, WithJsonSchema

from gateway import units

_ID = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"
_WORD = r"^[a-z][a-z0-9_]*$"
_DOTTED = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+$"
_QUANTITY = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(\S.*?)?\s*$")
_QUANTITY_SCHEMA: dict[str, JsonValue] = {
    "anyOf": [{"type": "string", "pattern": r"^\s*[-+]?[.\d]"}, {"type": "number"}],
    "examples": ["60 degC", "0.3 MPa", "24 ppm"],
}

DESCRIBED = {
    _ID: "an id of letters, digits, hyphens and underscores (1 to 64)",
    _WORD: "a name of small letters, digits and underscores",
    _DOTTED: "two or more names of small letters, digits and underscores, with dots between",
}
"""What a pattern asks for, in words."""


def parse_quantity(written: object) -> tuple[float, str]:
    """`60 degC` or a bare number as (value, unit); raises ValueError."""
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        return float(written), ""
    match = _QUANTITY.match(written) if isinstance(written, str) else None
    if match is None:
        raise ValueError(f"expected a number with its unit such as '60 degC', got {written!r}")
    unit = match[2] or ""
    units.check_unit(unit)
    return float(match[1]), unit


def parse_conversion_temperature(written: object) -> float:
    """`20 degC` as degrees Celsius, the temperature of a gas conversion; raises ValueError."""
    value, unit = parse_quantity(written)
    if not units.convertible(unit, "degC"):
        raise ValueError(f"expected a temperature such as '0 degC' or '20 degC', got {written!r}")
    celsius = units.convert(value, unit, "degC")
    if not -20 <= celsius <= 50:
        raise ValueError(f"expected a temperature of air such as '0 degC' or '20 degC', got {written!r}")
    return celsius


def _unit(text: object) -> object:
    if isinstance(text, str):
        units.check_unit(text)
    return text


Id = Annotated[str, StringConstraints(pattern=_ID)]
Word = Annotated[str, StringConstraints(pattern=_WORD)]
DottedWord = Annotated[str, StringConstraints(pattern=_DOTTED)]
Words = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Unit = Annotated[str, BeforeValidator(_unit), Field(examples=["", *units.known_spellings()])]
Quantity = Annotated[tuple[float, str], BeforeValidator(parse_quantity), WithJsonSchema(_QUANTITY_SCHEMA)]
