"""An error that nobody expected is nobody's to swallow."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.policy.allowed import BROAD_EXCEPTS
from tests.policy.source import ROOMS, functions, modules

BROAD = {"Exception", "BaseException"}


def _broad(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    parts = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(isinstance(part, ast.Name) and part.id in BROAD for part in parts)


def _catches(node: ast.AST) -> bool:
    """Whether the node swallows everything: a broad `except` that does not raise on, or `suppress(Exception)`."""
    if isinstance(node, ast.ExceptHandler):
        last = node.body[-1]
        return _broad(node.type) and not (isinstance(last, ast.Raise) and last.exc is None)
    if isinstance(node, ast.Call):
        called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        return called == "suppress" and any(_broad(argument) for argument in node.args)
    return False


def broad_excepts() -> Iterator[str]:
    """`file:function` of every place that catches everything; the innermost function is named."""
    for path, tree in modules(*ROOMS).items():
        places = [(name, node) for name, node in functions(tree) if not isinstance(node, ast.ClassDef)]
        for node in ast.walk(tree):
            if _catches(node):
                line = getattr(node, "lineno", 0)
                holders = [name for name, of in places if of.lineno <= line <= (of.end_lineno or 0)]
                yield f"{path}:{holders[-1] if holders else '<module>'}"


def test_everything_is_caught_only_at_the_supervision_points() -> None:
    assert set(broad_excepts()) - BROAD_EXCEPTS == set()


def test_the_list_of_supervision_points_only_shrinks() -> None:
    assert BROAD_EXCEPTS - set(broad_excepts()) == set()


def test_no_error_is_passed_over_without_a_word() -> None:
    silent = [
        f"{path}:{node.lineno}"
        for path, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and all(isinstance(step, ast.Pass) for step in node.body)
    ]
    assert silent == []
