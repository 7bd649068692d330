"""Wording that every problem in a file shares: choices with the nearest name, and values as people know them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence


def one_of(names: Iterable[str], got: object = None) -> str:
    """`one of a, b, c`, with the nearest to `got` proposed."""
    choice = sorted(set(names))
    if not choice:
        return "nothing here"
    shown = ", ".join(choice[:12]) + (f" and {len(choice) - 12} more" if len(choice) > 12 else "")
    near = difflib.get_close_matches(str(got), choice, n=1, cutoff=0.6) if got is not None else []
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"one of {shown}{hint}" if len(choice) > 1 else f"{choice[0]}{hint}"


def show(value: object) -> str:
    """The value as a person would recognise it, cut where it is long."""
    if value is None:
        return "nothing"
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "a list of " + str(len(value))
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
