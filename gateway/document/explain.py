"""Pydantic's errors in the project's words: what was expected, what came, and the nearest name.

Only speaks; decides nothing about what is valid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from gateway.document.document import Document, Path
from gateway.document.fields import DESCRIBED
from gateway.document.words import one_of, show
from gateway.errors import Problem

_OWN_MESSAGE = re.compile(r"^Value error, expected (?P<expected>.*), got (?P<got>.*)$", re.DOTALL)
_ONE_WORD = {
    "string_type": "text",
    "bool_type": "true or false",
    "float_type": "a number",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "date_type": "a date such as 2027-05-01",
    "date_parsing": "a date such as 2027-05-01",
    "date_from_datetime_parsing": "a date such as 2027-05-01",
    "dict_type": "a mapping (name: value)",
    "model_type": "a mapping (name: value)",
    "model_attributes_type": "a mapping (name: value)",
    "mapping_type": "a mapping (name: value)",
    "list_type": "a list",
    "tuple_type": "a list",
}


def problems_of(
    error: ValidationError,
    document: Document,
    shape: type[BaseModel],
    base: Path = (),
    *,
    beside: Iterable[str] = (),
) -> list[Problem]:
    """The problems of a value that is no `shape` and stands at `base`; `beside` are further fields."""
    known = tuple(beside)
    found = [each for each in error.errors(include_url=False) if not _only_echoes(each)]
    return [_problem_of(each, document, shape, base, known) for each in found]


def _only_echoes(error: ErrorDetails) -> bool:
    """Whether a list is called too short only because entries of it have mistakes of their own."""
    given = error["input"]
    return error["type"] == "too_short" and isinstance(given, list) and len(given) >= error["ctx"]["min_length"]


def _problem_of(
    error: ErrorDetails, document: Document, shape: type[BaseModel], base: Path, beside: Iterable[str]
) -> Problem:
    path = (*base, *_real_steps(error["loc"], document, base))
    kind, got = error["type"], error["input"]
    if kind == "missing":
        return document.problem(path, f"the field {error['loc'][-1]!r}", "nothing")
    if kind == "extra_forbidden":
        known = [*_fields_of(shape, error["loc"][:-1]), *beside]
        name = path[-1]
        comma = got is None and isinstance(name, str) and " " in name
        hint = "; inside {} text that has a comma needs quotes" if comma else ""
        return document.problem(path, one_of(known, name), f"an unknown field {name!r}{hint}", key=True)
    own = _OWN_MESSAGE.match(error["msg"])
    if own is not None:
        return document.problem(path, own["expected"], own["got"])
    written = document.written(path)
    if kind == "string_type" and written is not None:
        return document.problem(path, *_trap(written, got))
    return document.problem(path, _expected(error), show(got))


def _trap(written: str, got: object) -> tuple[str, str]:
    if got is None:
        return "text", "nothing"
    meaning = {bool: "true or false", int: "a number", float: "a number"}.get(type(got), "a date")
    return (
        f'text; put it in quotes: "{written}"',
        f"{written} without quotes, which YAML reads as {meaning}",
    )


def _expected(error: ErrorDetails) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind in _ONE_WORD:
        return _ONE_WORD[kind]
    if kind in {"enum", "literal_error"}:
        return "one of " + str(context["expected"]).replace("'", "").replace(" or ", ", ")
    if kind == "string_pattern_mismatch":
        return DESCRIBED.get(context["pattern"], f"text like {context['pattern']}")
    if kind == "string_too_short":
        least = context["min_length"]
        return "text that is not empty" if least == 1 else f"text of at least {least} characters"
    if kind == "too_short":
        return f"at least {context['min_length']} entries"
    if kind == "too_long":
        return f"at most {context['max_length']} entries"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return message[:1].lower() + message[1:]


def _fields_of(shape: type[BaseModel], location: tuple[int | str, ...] = ()) -> list[str]:
    """Names of the fields at a place within a shape, as the file spells them."""
    inner: Any = shape
    for step in location:
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return []
        by_name = {field.alias or name: field for name, field in inner.model_fields.items()}
        if step not in by_name:
            continue
        inner = _model_in(by_name[str(step)].annotation)
    if isinstance(inner, type) and issubclass(inner, BaseModel):
        return [field.alias or name for name, field in inner.model_fields.items()]
    return []


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def _real_steps(location: tuple[int | str, ...], document: Document, base: Path) -> tuple[int | str, ...]:
    """The error's path without pydantic's own steps (names of union members, `[key]`)."""
    value = document.at(base)
    steps: list[int | str] = []
    for position, step in enumerate(location):
        last = position == len(location) - 1
        if isinstance(value, dict):
            # A mapping's whole-number keys come back as text.
            key = step if step in value else _number_key(step, value)
            if key is not None:
                steps.append(key)
                value = value[key]
            elif last:
                steps.append(step)
        elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
            steps.append(step)
            value = value[step]
    return tuple(steps)


def _number_key(step: int | str, value: Mapping[str | int, object]) -> int | None:
    return int(step) if isinstance(step, str) and step.isdigit() and int(step) in value else None
