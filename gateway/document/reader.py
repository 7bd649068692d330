"""YAML text to plain values, with the line and column of every key and value.

Never raises for what a person wrote: every mistake of form (syntax, a key given twice, a tag, a
loop of anchors) becomes a problem with its place. Numbers follow YAML 1.2, so that `010` is no
octal, `1:30` no ninety and `1e3` a thousand; booleans follow 1.1, so that a bare `on` is noticed.
"""

from __future__ import annotations

import pathlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import yaml

from gateway.document.document import Document, Path, Value, field_path
from gateway.document.scalar import Place
from gateway.document.words import show
from gateway.errors import Problem

_MOST_NODES = 300_000
"""Anchors can make a small file unfold without end; no plant has more values than this."""
_DEEPEST = 100
"""Levels inside one another; the parser takes stack for each and has no limit of its own."""

_PREFIX = "tag:yaml.org,2002:"
_FORBIDDEN = re.compile("[^\t\n\r -~\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
"""Characters that may not stand in YAML (1.2.2, 5.1); a byte order mark inside the text is one as well."""


def read_file(path: pathlib.Path, expected: str) -> Document:
    """The document in the file; a file that cannot be read is its only problem. `expected` says what it should be."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        got = f"bytes that are not UTF-8 at offset {error.start}"
        return Document(str(path), "", None, (Problem(str(path), 0, 0, "", "a text file in UTF-8", got),))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        return Document(str(path), "", None, (Problem(str(path), 0, 0, "", expected, reason),))
    return read_yaml(text, str(path))


def read_yaml(text: str, file: str) -> Document:
    """The document in the text; where it cannot be read at all, `value` is None and says why."""
    text = text.removeprefix("\ufeff")
    wrong = _FORBIDDEN.search(text)
    if wrong is not None:
        before = text[: wrong.start()]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        got = f"the character U+{ord(wrong[0]):04X}"
        return Document(file, text, None, (Problem(file, line, column, "", "text that can be printed", got),))
    reader = _Reader(file)
    value: Value = None
    try:
        deep = _too_deep(text)
        node = yaml.compose(text, Loader=_Loader) if deep is None else None
    except yaml.MarkedYAMLError as error:
        reader.problems.append(_syntax_problem(file, error))
    else:
        if deep is not None:
            expected = f"at most {_DEEPEST} levels inside one another"
            reader.problems.append(Problem(file, *deep, "", expected, "more"))
        elif node is not None:
            value = reader.read(node, ())
    return Document(file, text, value, tuple(reader.problems), reader.values, reader.keys, reader.written)


def _too_deep(text: str) -> Place | None:
    """Where the text goes deeper than the composer, which recurses, may be let."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                return _place(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
    return None


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
    _read: int = 0
    _refused: bool = False

    def read(self, node: yaml.Node, path: Path) -> Value:
        place = _place(node)
        self.values[path] = place
        if any(node is parent for parent in self._open):
            self._add(place, path, "a value", "an anchor that contains itself")
            return None
        self._read += 1
        if self._read > _MOST_NODES or len(self._open) >= _DEEPEST:
            self._unfolds(place, path)
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

    def _unfolds(self, place: Place, path: Path) -> None:
        if not self._refused:
            expected = f"at most {_MOST_NODES} values, {_DEEPEST} levels deep"
            self._add(place, path, expected, "more, through repeated anchors")
        self._refused = True

    def _mapping(self, node: yaml.Node, path: Path) -> Value:
        # What is merged goes first, so that the mapping's own keys take its place.
        merged = [value for key, value in node.value if key.tag == _PREFIX + "merge"]
        result = self._merged(merged, path)
        own: dict[str | int, Place] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path) if key_node.tag != _PREFIX + "merge" else None
            if key is None:
                continue
            place = _place(key_node)
            if key in own:
                first_line, _ = own[key]
                self._add(place, (*path, key), "each key once", f"{key!r} again (first on line {first_line})")
                continue
            own[key] = self.keys[(*path, key)] = place
            result[key] = self.read(value_node, (*path, key))
        return result

    def _merged(self, nodes: Sequence[yaml.Node], path: Path) -> dict[str | int, Value]:
        result: dict[str | int, Value] = {}
        here = self.values[path]
        sources = [source for node in nodes for source in (node.value if _is_list(node) else [node])]
        # The first of several counts most, so it is read last.
        for source in reversed(sources):
            if not isinstance(source, yaml.MappingNode):
                self._add(_place(source), path, "a mapping after <<", "something else")
                continue
            merged = self.read(source, path)
            result |= merged if isinstance(merged, dict) else {}
        self.values[path] = here
        return result

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
            self._add(_place(node), path, expected, show(node.value))
            return None
        if isinstance(value, str):
            self.written.pop(path, None)  # a merged value may have stood here before
        else:
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


def _is_list(node: yaml.Node) -> bool:
    return isinstance(node, yaml.SequenceNode)


def _place(node: yaml.Node | yaml.Event) -> Place:
    mark = node.start_mark
    return (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
