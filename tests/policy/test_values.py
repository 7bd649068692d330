"""Values are frozen and slotted: what was decided on is what stays."""

from __future__ import annotations

import ast

import pytest

from tests.policy.source import modules

VALUES = [
    "gateway/driver.py",
    "gateway/errors.py",
    "gateway/event.py",
    "gateway/cause_effect_matrix.py",
    "gateway/kpi.py",
    "gateway/plant/model.py",
    "gateway/rule.py",
    "gateway/sample.py",
    "gateway/store.py",
    *(path for path in modules("gateway") if path.startswith(("gateway/events/", "gateway/machines/"))),
]


@pytest.mark.parametrize("path", VALUES)
def test_every_dataclass_is_frozen_and_slotted(path: str) -> None:
    loose = []
    for node in ast.walk(modules("gateway")[path]):
        if not isinstance(node, ast.ClassDef):
            continue
        for decorator in node.decorator_list:
            called = decorator.func if isinstance(decorator, ast.Call) else decorator
            if not (isinstance(called, ast.Name) and called.id == "dataclass"):
                continue
            keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
            said = {word.arg for word in keywords if isinstance(word.value, ast.Constant) and word.value.value is True}
            if not {"frozen", "slots"} <= said:
                loose.append(f"{path}:{node.lineno} {node.name}")
    assert loose == []


def test_no_public_signature_takes_or_gives_a_loose_mapping() -> None:
    loose = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in modules("gateway", "rules", "drivers").items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        for annotation in (node.returns, *(each.annotation for each in (*node.args.args, *node.args.kwonlyargs)))
        if annotation is not None and "dict[str, Any]" in ast.unparse(annotation)
    ]
    assert loose == []
