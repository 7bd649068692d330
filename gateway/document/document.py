"""A file as plain values, each with its line and column: what readers of plant files and packs hold on to.

Made by `gateway.document.reader`; never changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

from gateway.document.scalar import Place, place_within
from gateway.errors import Problem, Severity

Path: TypeAlias = tuple[str | int, ...]
"""Keys and positions from the root to a value."""
Value: TypeAlias = "bool | int | float | str | date | list[Value] | dict[str | int, Value] | None"


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as values, and where each of them stands."""

    file: str
    text: str = field(repr=False)
    value: Value
    problems: Sequence[Problem]
    """What is wrong with the YAML itself; `value` is None where nothing could be read."""
    _values: Mapping[Path, Place] = field(repr=False, default_factory=dict)
    _keys: Mapping[Path, Place] = field(repr=False, default_factory=dict)
    _written: Mapping[Path, str] = field(repr=False, default_factory=dict)

    def place(self, path: Path, *, key: bool = False, offset: int | None = None) -> Place:
        """Where the value (its key, a character of its text) stands; the nearest thing around it if it is not there."""
        table = self._keys if key else self._values
        if path in table:
            value = self.at(path)
            if offset is None or key or not isinstance(value, str):
                return table[path]
            return place_within(self.text, table[path], value, offset)
        for length in range(len(path), -1, -1):
            if path[:length] in self._values:
                return self._values[path[:length]]
        return (0, 0)

    def at(self, path: Path) -> Value:
        """The value under the path; None if there is none."""
        value = self.value
        for step in path:
            if isinstance(value, dict):
                value = value.get(step)
            else:
                inside = isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value)
                value = value[step] if inside else None  # type: ignore[index]
        return value

    def written(self, path: Path) -> str | None:
        """The unquoted text of a scalar that YAML reads as something other than text."""
        return self._written.get(path)

    def problem(
        self,
        path: Path,
        expected: str,
        got: str,
        *,
        key: bool = False,
        offset: int | None = None,
        severity: Severity = Severity.ERROR,
    ) -> Problem:
        """A problem at the value under the path, at its key, or at a character of its text (0-based)."""
        line, column = self.place(path, key=key, offset=offset)
        return Problem(self.file, line, column, field_path(path), expected, got, severity)

    def without_echoes(self, problems: Iterable[Problem]) -> list[Problem]:
        """The problems, each once; a value that could not even be read is not blamed for its shape as well."""
        unread = {problem.field for problem in self.problems}
        if self.value is None and unread:
            return []
        return list(dict.fromkeys(problem for problem in problems if problem.field not in unread))


def field_path(path: Path) -> str:
    """The path as people write it: `points[3].unit`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text
