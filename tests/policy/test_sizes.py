"""Budgets on the largest: what one person can hold in mind."""

from __future__ import annotations

import ast

from tests.policy.allowed import LONGER
from tests.policy.source import ROOT, functions, modules

FILE, FUNCTION, CLASS, METHODS = 400, 50, 300, 20


def breaches() -> dict[str, int]:
    """Everything beyond its budget, with its size."""
    found: dict[str, int] = {}
    for path, tree in modules().items():
        lines = len((ROOT / path).read_text("utf-8").splitlines())
        if lines > FILE:
            found[path] = lines
        for name, node in functions(tree):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > (CLASS if isinstance(node, ast.ClassDef) else FUNCTION):
                found[f"{path}:{name}"] = size
            if isinstance(node, ast.ClassDef) and len(_public_methods(node)) > METHODS:
                found[f"{path}:{name} methods"] = len(_public_methods(node))
    return found


def _public_methods(node: ast.ClassDef) -> list[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return [item.name for item in node.body if isinstance(item, kinds) and not item.name.startswith("_")]


def test_nothing_is_beyond_its_budget() -> None:
    assert {what: size for what, size in breaches().items() if size > LONGER.get(what, 0)} == {}


def test_the_list_of_what_may_be_longer_only_shrinks() -> None:
    found = breaches()
    assert {what: size for what, size in LONGER.items() if found.get(what, 0) < size} == {}
