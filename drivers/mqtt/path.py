"""Paths into JSON: `data.0.co`, `values[id=CO-7].v`, `rows[*].co`. Compiled once, followed for every message.

Sans-IO; what is not there is Absent, and never a default.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
_STEP = re.compile(r"\[\*\]|\[([^\]=]+)=([^\]]*)\]|\[(\d+)\]|([^.\[\]]+)")


class Absent:
    """Nothing at that path; not the same as null."""


ABSENT = Absent()


@dataclass(frozen=True, slots=True)
class Entry:
    """The first entry of a list whose field has this text."""

    field: str
    text: str


class Every:
    """All entries of a list."""


Step = str | Entry | Every
Path = tuple[Step, ...]


@cache
def parse_path(text: str) -> Path:
    """Raises ValueError that says how paths are written."""
    steps: list[Step] = []
    place = 0
    while place < len(text):
        match = _STEP.match(text, place)
        if match is None:
            break
        field, wanted, index, name = match.groups()
        steps.append(Entry(field, wanted) if field else index or name or Every())
        place = match.end()
        if text[place : place + 1] == "." and place + 1 < len(text) and text[place + 1] not in ".[":
            place += 1
        elif text[place : place + 1] not in ("", "["):
            break
    if not steps or place != len(text) or sum(isinstance(step, Every) for step in steps) > 1:
        raise ValueError(f"expected names, indices, [field=text] and at most one [*], with dots between, got {text!r}")
    return tuple(steps)


def follow(body: Json, path: Path) -> Json | Absent | list[Json | Absent]:
    """What stands there; behind `[*]` a list with one entry for each of its entries, found or not."""
    here = body
    for place, step in enumerate(path):
        if isinstance(step, Every):
            if not isinstance(here, list):
                return ABSENT
            rest = path[place + 1 :]
            return [one(follow(each, rest)) for each in here]
        found = _step(here, step)
        if isinstance(found, Absent):
            return ABSENT
        here = found
    return here


def one(found: Json | Absent | list[Json | Absent]) -> Json | Absent:
    """Lists in lists are nobody's value."""
    return ABSENT if isinstance(found, list) else found


def _step(here: Json, step: str | Entry) -> Json | Absent:
    if isinstance(step, Entry):
        if isinstance(here, list):
            for each in here:
                if isinstance(each, dict) and step.field in each and str(each[step.field]) == step.text:
                    return each
        return ABSENT
    if isinstance(here, dict):
        return here.get(step, ABSENT)
    if isinstance(here, list) and step.isascii() and step.isdecimal() and int(step) < len(here):
        return here[int(step)]
    return ABSENT
