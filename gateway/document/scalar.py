"""Where a character of a scalar's text stands in the file, whatever the scalar is written as.

Quotes, escapes, indentation and folding move blanks about and leave everything else in order. So the n-th
character of the text that is no blank is the n-th in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from yaml.scanner import Scanner

Place: TypeAlias = tuple[int, int]
"""Line and column, both 1-based."""

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"(?:[&!]\S*|#.*|\s+)*")
"""Anchor and tag; a comment may follow them."""
_MARK = {
    '"': re.compile(r"\\(?:x..|u.{4}|U.{8}|\r\n|[\s\S])|\S"),
    "'": re.compile(r"''|\S"),
}
_PLAIN = re.compile(r"\S")


def place_within(text: str, start: Place, value: str, offset: int) -> Place:
    """Place of character `offset` of the value that begins at `start`; one at its end stands just behind it."""
    if not value.strip():
        return start
    line, column = start
    breaks = [0, *(found.end() for found in _BREAK.finditer(text))]
    index = breaks[line - 1] + column - 1
    if text[index] in "&!":
        index = _PROPERTIES.match(text, index).end()  # type: ignore[union-attr]
    head = value[:offset].rstrip()
    before = sum(not character.isspace() for character in head)
    is_blank = offset >= len(value) or value[offset].isspace()
    # A blank has no place of its own where lines fold: it is reckoned from the mark in front of it.
    wanted = before - 1 if is_blank and before else before
    mark = next(islice(_marks(text, index), wanted, None), None)
    if mark is None:
        return start
    index = mark.start()
    if is_blank and before:
        line_end = _BREAK.search(text, mark.end())
        index = mark.end() + min(offset, len(value)) - len(head)
        index = min(index, line_end.start() if line_end else len(text))
    line = sum(1 for at in breaks if at <= index)
    return line, index - breaks[line - 1] + 1


def _marks(text: str, index: int) -> Iterator[re.Match[str]]:
    """What stands for one character that is no blank, each in turn."""
    style = text[index : index + 1]
    if style in {"|", ">"}:
        header = _BREAK.search(text, index)
        return _PLAIN.finditer(text, header.end() if header else len(text))
    if style in _MARK:
        return (found for found in _MARK[style].finditer(text, index + 1) if not _is_blank(found[0]))
    return _PLAIN.finditer(text, index)


def _is_blank(mark: str) -> bool:
    """Whether an escape stands for a blank, or for nothing as an escaped line break does."""
    if len(mark) == 1 or not mark.startswith("\\"):
        return False
    if mark[1] in "xuU":
        return chr(int(mark[2:], 16)).isspace()
    return _BREAK.match(mark, 1) is not None or Scanner.ESCAPE_REPLACEMENTS.get(mark[1], "?").isspace()
