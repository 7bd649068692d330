"""What every module says of itself, and what no file may say."""

from __future__ import annotations

import ast
import json
import re
from itertools import pairwise

import pytest

from tests.policy.source import ROOMS, ROOT, imported, modules, tracked

HOSTS = ("pypi." + "org", "files.python" + "hosted.org", "registry.npm" + "js.org", "npm" + "mirror.com")
PLACES = ("/wo" + "rk/", "/ro" + "ot/")


def texts() -> dict[str, str]:
    """Every tracked text file."""
    found: dict[str, str] = {}
    for name in tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            found[name] = content.decode("utf-8")
    return found


def test_every_module_says_what_it_is_in_at_most_twelve_lines() -> None:
    heads = {path: ast.get_docstring(tree) for path, tree in modules().items() if tree.body}
    assert [path for path, head in heads.items() if not head] == []
    assert [path for path, head in heads.items() if head and len(head.splitlines()) > 12] == []


@pytest.mark.parametrize("word", [*HOSTS, *PLACES])
def test_no_file_names_a_registry_or_a_place_on_one_machine(word: str) -> None:
    assert [name for name, text in texts().items() if word in text] == []


@pytest.mark.parametrize("name", ["requirements/run.txt", "requirements/test.txt"])
def test_requirements_are_pinned_with_hashes_and_name_no_index(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text("utf-8").splitlines() if line.strip()]
    pinned = [line for line in lines if not line.lstrip().startswith(("#", "--"))]
    assert [line for line in pinned if not re.fullmatch(r"[A-Za-z0-9_.\-\[\]]+==\S+( ; .*)? \\", line)] == []
    options = [line for line in lines if line.startswith("-")]
    assert options == []
    following = [after for line, after in pairwise(lines) if line in pinned]
    assert all(after.lstrip().startswith("--hash=sha256:") for after in following)


def test_the_page_s_lock_file_says_what_and_not_where_from() -> None:
    lock = ROOT / "dashboards/web/package-lock.json"
    if not lock.exists():
        pytest.skip("no page yet")
    packages = json.loads(lock.read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_nobody_mocks() -> None:
    assert [path for path, tree in modules().items() if any("mock" in name for name in imported(tree))] == []


def test_every_silenced_type_error_is_named() -> None:
    bare = re.compile(r"type:\s*ignore(?!\[)")
    sources = {path: (ROOT / path).read_text("utf-8") for path in modules(*ROOMS, "tests")}
    own = "tests/policy/test_words.py"
    assert [path for path, text in sources.items() if path != own and bare.search(text)] == []


def test_the_readme_speaks_both_languages_and_each_names_the_other() -> None:
    english, chinese = (ROOT / name for name in ("README.md", "README.zh-CN.md"))
    assert "README.zh-CN.md" in english.read_text("utf-8")
    assert "README.md" in chinese.read_text("utf-8")
