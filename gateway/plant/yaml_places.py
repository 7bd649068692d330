"""YAML text to plain values, with the line and column of every key and value.

Never raises for what a person wrote: every mistake of form (syntax, a key given twice, a tag, a
loop of anchors) becomes a problem with its place. Numbers follow YAML 1.2, so that `010` is no
octal, `1:30` no ninety and `1e3` a thousand; booleans follow 1.1, so that a bare `on` is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import yaml

from gateway.errors import Problem

Path: TypeAlias = tuple[str | int, ...]
Value: TypeAlias = "bool | int | float | str | date | list[Value] | dict[str | int, Value] | None"
Place: TypeAlias = tuple[int, int]
"""Line and column, both 1-based."""

_MOST_NODES = 300_000
"""Anchors can make a small file unfold without end; no plant has more values than this."""

_PREFIX = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML file as values, and where each of them stands."""

    file: str
    value: Value
    problems: Sequence[Problem]
    _values: Mapping[Path, Place] = field(repr=False)
    _keys: Mapping[Path, Place] = field(repr=False)
    _written: Mapping[Path, str] = field(repr=False)

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Where the value (or its key) stands; the nearest thing around it if it is not there."""
        table = self._keys if key else self._values
        if path in table:
            return table[path]
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

    def problem(self, path: Path, expected: str, got: str, *, key: bool = False) -> Problem:
        """A problem at the place of the path."""
        line, column = self.place(path, key=key)
        return Problem(self.file, line, column, field_path(path), expected, got)


def field_path(path: Path) -> str:
    """The path as people write it: `points[3].unit`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += f".{step}" if text else step
    return text


def read_yaml(text: str, file: str) -> Document:
    """The document in the text; where it cannot be read at all, `value` is None and says why."""
    reader = _Reader(file)
    value: Value = None
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        reader.problems.append(_syntax_problem(file, error))
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        reader.problems.append(Problem(file, line, 0, "", "well-formed YAML", str(error).splitlines()[0]))
    else:
        if node is not None:
            value = reader.read(node, ())
    return Document(file, value, tuple(reader.problems), reader.values, reader.keys, reader.written)


def _syntax_problem(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    got = error.problem or str(error)
    if error.context:
        got = f"{got} ({error.context})"
    if "\\t" in got:
        got += "; indent with spaces"
    return Problem(file, line, column, "", "well-formed YAML", f"a mistake of form: {got}")


# The C parser is ten times as fast; wheels bring it, a build from source may not.
_FastestLoader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader


class _Loader(_FastestLoader):  # type: ignore[misc, valid-type]
    """Resolves scalars as the head of this module says; constructs nothing."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _tag, _pattern, _first in (
    ("bool", r"^(?:yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF)$", "yYnNtTfFoO"),
    ("int", r"^(?:[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+)$", "-+0123456789"),
    (
        "float",
        (
            r"^(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?[0-9]+[eE][-+]?[0-9]+"
            r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        "-+0123456789.",
    ),
    ("timestamp", r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "0123456789"),
    ("null", r"^(?:~|null|Null|NULL|)$", "~nN\0"),
    ("merge", r"^<<$", "<"),
):
    _Loader.add_implicit_resolver(_PREFIX + _tag, re.compile(_pattern), [c if c != "\0" else "" for c in _first])


@dataclass
class _Reader:
    """Walks a node tree once, keeping values, places and problems."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    written: dict[Path, str] = field(default_factory=dict)
    _open: list[yaml.Node] = field(default_factory=list)

    def read(self, node: yaml.Node, path: Path) -> Value:
        place = _place(node)
        self.values[path] = place
        if any(node is parent for parent in self._open):
            self._add(place, path, "a value", "an anchor that contains itself")
            return None
        if len(self.values) > _MOST_NODES:
            if len(self.values) == _MOST_NODES + 1:
                self._add(place, path, f"at most {_MOST_NODES} values", "more, through repeated anchors")
            return None
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        self._open.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                self._expect_tag(node, "seq", path)
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            self._expect_tag(node, "map", path)
            return self._mapping(node, path)
        finally:
            self._open.pop()

    def _mapping(self, node: yaml.Node, path: Path) -> Value:
        result: dict[str | int, Value] = {}
        own: dict[str | int, Place] = {}
        for key_node, value_node in node.value:
            place = _place(key_node)
            if key_node.tag == _PREFIX + "merge":
                self._merge(result, own, value_node, path)
                continue
            key = self._key(key_node, path)
            if key is None:
                continue
            if key in own:
                first_line, _ = own[key]
                self._add(place, (*path, key), "each key once", f"{key!r} again (first on line {first_line})")
                continue
            own[key] = self.keys[(*path, key)] = place
            result[key] = self.read(value_node, (*path, key))
        return result

    def _merge(
        self, result: dict[str | int, Value], own: Mapping[str | int, Place], node: yaml.Node, path: Path
    ) -> None:
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for source in sources:
            if not isinstance(source, yaml.MappingNode):
                self._add(_place(source), path, "a mapping after <<", "something else")
                continue
            merged = self.read(source, path)
            if isinstance(merged, dict):
                for key, value in merged.items():
                    if key not in own:
                        result.setdefault(key, value)

    def _key(self, node: yaml.Node, path: Path) -> str | int | None:
        if isinstance(node, yaml.ScalarNode):
            try:
                key = self._construct(node)
            except ValueError:
                key = None
            if isinstance(key, (str, int)) and not isinstance(key, bool):
                return key
            if isinstance(key, (bool, float)):
                return str(node.value)
        self._add(_place(node), path, "a word as key", node.tag.replace(_PREFIX, "!!"))
        return None

    def _scalar(self, node: yaml.ScalarNode, path: Path) -> Value:
        try:
            value = self._construct(node)
        except ValueError:
            is_date = node.tag == _PREFIX + "timestamp"
            expected = "a date such as 2027-05-01" if is_date else "a value without a tag"
            self._add(_place(node), path, expected, repr(node.value))
            return None
        if not isinstance(value, str):
            self.written[path] = node.value
        return value

    def _construct(self, node: yaml.ScalarNode) -> Value:
        text = str(node.value)
        match node.tag.removeprefix(_PREFIX):
            case "str":
                return text
            case "bool":
                return text.lower() in {"yes", "true", "on"}
            case "int":
                return int(text, 16) if text.startswith("0x") else int(text)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
            case "timestamp":
                return date.fromisoformat(text)
            case "null":
                return None
            case "merge":
                return text
        raise ValueError(node.tag)

    def _expect_tag(self, node: yaml.Node, tag: str, path: Path) -> None:
        if node.tag != _PREFIX + tag:
            self._add(_place(node), path, "a value without a tag", node.tag.replace(_PREFIX, "!!"))

    def _add(self, place: Place, path: Path, expected: str, got: str) -> None:
        self.problems.append(Problem(self.file, *place, field_path(path), expected, got))


def _place(node: yaml.Node) -> Place:
    return (node.start_mark.line + 1, node.start_mark.column + 1)
