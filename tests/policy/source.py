"""The project's own source, read once for all policy tests."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("gateway", "rules", "drivers", "simulators")
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
SKIPPED = {"node_modules", "dist", "build", "__pycache__", ".venv"}


@cache
def modules(*rooms: str) -> dict[str, ast.Module]:
    """Every module of these rooms (all four and the tests when none is named), by path from the root."""
    paths = (path for room in rooms or (*ROOMS, "tests") for path in (ROOT / room).rglob("*.py"))
    kept = sorted(path for path in paths if not SKIPPED & set(path.parts))
    return {path.relative_to(ROOT).as_posix(): _parsed(path) for path in kept}


@cache
def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def tracked() -> tuple[str, ...]:
    """Every file in the repository, by path from the root."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return tuple(name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file())


def imported(tree: ast.Module) -> Iterator[str]:
    """Dotted names of everything a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def aliases(tree: ast.Module) -> dict[str, str]:
    """What each imported name of a module stands for."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return names


def uses(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """(line, full dotted name) of every name that is used; one that is not imported begins with a dot."""
    known = aliases(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name) and (dotted := _dotted(node)):
            head, _, rest = dotted.partition(".")
            full = known.get(head, f".{head}")
            yield node.lineno, f"{full}.{rest}" if rest else full


def _dotted(node: ast.expr) -> str | None:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (left := _dotted(node.value)):
        return f"{left}.{node.attr}"
    return None


def functions(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    """(qualified name, node) of every function and class."""

    def inside(node: ast.AST, prefix: str) -> Iterator[tuple[str, Definition]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, Definition):
                yield f"{prefix}{child.name}", child
                yield from inside(child, f"{prefix}{child.name}.")
            else:
                yield from inside(child, prefix)

    return inside(tree, "")
