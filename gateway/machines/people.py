"""Whether two written names mean one person. Accounts come later; until then a space or a width is no disguise.

Decides nothing.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable


def key(name: str) -> str:
    """The name without spaces, widths and cases; empty for nobody."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def same(one: str, other: str) -> bool:
    """Whether both mean one person; nobody is the same as no one."""
    return bool(key(one)) and key(one) == key(other)


def among(name: str, people: Iterable[str]) -> bool:
    """Whether the name means one of these people."""
    return any(same(name, each) for each in people)
