"""A YAML text whose every value knows its line and column, read without constructing objects.

Only plain data comes out (mappings, lists, scalars); tags, duplicate keys and anchors to code do not pass.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import yaml
from pydantic import BaseModel, ValidationError

from gateway.errors import Problem

Path = tuple[str | int, ...]
"""Keys and positions from the root to a value."""


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: its data, and where each value stands."""

    file: str
    text: str
    data: object
    root: yaml.Node | None

    def problem(self, path: Path, expected: str, got: str, *, offset: int | None = None) -> Problem:
        """A mistake at the value under `path`, or at a character within that value's text."""
        line, column = self.place(path, offset)
        return Problem(self.file, line, column, field_name(path), expected, got)

    def place(self, path: Path, offset: int | None = None) -> tuple[int, int]:
        """Line and column, 1-based, of the nearest value that exists on the way to `path`."""
        node, complete = self._nearest(path)
        if node is None:
            return 0, 0
        mark = node.start_mark
        if offset is None or not complete or not isinstance(node, yaml.ScalarNode):
            return mark.line + 1, mark.column + 1
        return self._within(node, offset)

    def _nearest(self, path: Path) -> tuple[yaml.Node | None, bool]:
        node = self.root
        for step in path:
            child = _child(node, step)
            if child is None:
                return node, False
            node = child
        return node, True

    def _within(self, node: yaml.ScalarNode, offset: int) -> tuple[int, int]:
        index = node.start_mark.index
        if node.style in {"'", '"'}:
            index += 1
        elif node.style in {"|", ">"}:
            index = self.text.index("\n", index) + 1
            index += len(self.text[index:]) - len(self.text[index:].lstrip(" "))
        for _ in range(offset):
            # A line break with its indentation folds into one character of the value.
            if index < len(self.text) and self.text[index] == "\n":
                index += 1
                while index < len(self.text) and self.text[index] == " ":
                    index += 1
            else:
                index += 1
        before = self.text[:index]
        return before.count("\n") + 1, index - (before.rfind("\n") + 1) + 1


def parse(file: str, text: str) -> tuple[Document, list[Problem]]:
    """The document, with what is wrong with the YAML itself; its data is None where nothing can be read."""
    try:
        root, data = _read(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (0, 0)
        problem = Problem(file, line, column, "", "valid YAML", f"{error.problem or error.context}")
        return Document(file, text, None, None), [problem]
    document = Document(file, text, data, root)
    return document, _duplicate_keys(document, root)


def _read(text: str) -> tuple[yaml.Node | None, object]:
    # The parser in C is ten times as fast, and its safe loader builds the same plain data.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        root = loader.get_single_node()
        return root, loader.construct_document(root) if root is not None else None
    finally:
        loader.dispose()


def validation_problems(document: Document, error: ValidationError, model: type[BaseModel]) -> list[Problem]:
    """Pydantic's findings, each at its place in the file."""
    problems = []
    for item in error.errors():
        path: Path = tuple(item["loc"])
        if item["type"] == "missing":
            problem = document.problem(path, f"the field '{path[-1]}'", "nothing")
        elif item["type"] == "extra_forbidden":
            known = ", ".join(sorted(_field_names(model, path[:-1]))) or "a known field"
            problem = document.problem(path, f"one of [{known}]", f"'{path[-1]}'")
        else:
            problem = document.problem(path, _lower_first(item["msg"]), _shown(item["input"]))
        problems.append(problem)
    return problems


def field_name(path: Path) -> str:
    """`rules[3].when` for ("rules", 3, "when")."""
    name = ""
    for step in path:
        name += f"[{step}]" if isinstance(step, int) else f".{step}" if name else str(step)
    return name


def _child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value == str(step):
                return _as_node(value)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return _as_node(node.value[step])
    return None


def _as_node(value: object) -> yaml.Node | None:
    return value if isinstance(value, yaml.Node) else None


def _duplicate_keys(document: Document, root: yaml.Node | None) -> list[Problem]:
    problems: list[Problem] = []
    waiting: list[yaml.Node] = [root] if root is not None else []
    visited: set[int] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in visited:
            continue
        visited.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting.extend(node.value)
        elif isinstance(node, yaml.MappingNode):
            seen: set[Hashable] = set()
            for key, value in node.value:
                waiting.append(value)
                if key.value in seen:
                    mark = key.start_mark
                    place = (document.file, mark.line + 1, mark.column + 1)
                    problems.append(Problem(*place, str(key.value), "each key once", "a second one"))
                seen.add(key.value)
    return problems


def _field_names(model: type[BaseModel], path: Sequence[str | int]) -> set[str]:
    current: type[BaseModel] = model
    for step in path:
        if isinstance(step, int):
            continue
        field = next((f for n, f in current.model_fields.items() if (f.alias or n) == step), None)
        inner = _model_in(field.annotation) if field is not None else None
        if inner is None:
            return set()
        current = inner
    return {field.alias or name for name, field in current.model_fields.items()}


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_in(argument)
        if found is not None:
            return found
    return None


def _lower_first(message: str) -> str:
    text = message.removeprefix("Value error, ").removeprefix("Input should be ").removeprefix("expected ")
    return text[:1].lower() + text[1:]


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
