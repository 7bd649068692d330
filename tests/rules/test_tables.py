"""The tables of the packs are drawn from the packs and never by hand, and leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules import tables
from rules.packs import load_packs

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", list(tables.PAGES.values()))
def test_the_page_is_what_the_packs_say(name: str) -> None:
    written = (DOCS / name).read_text("utf-8")
    assert written == tables.pages(load_packs())[name], "stale: run python -m rules.tables docs"


@pytest.mark.parametrize("name", list(tables.PAGES.values()))
def test_every_clause_rule_interlock_and_limit_in_use_is_on_the_page(name: str) -> None:
    packs, page = load_packs(), (DOCS / name).read_text("utf-8")
    ids = [rule.model.id for rule in packs.rules()] + [row.model.id for row in packs.interlocks()]
    assert [each for each in ids if f"`{each}`" not in page] == []
    assert [clause.id for clause in packs.criteria.clauses if f"## {clause.id} " not in page] == []
    assert page.count("engineering") > 20


def test_a_row_of_a_table_has_as_many_cells_as_its_head() -> None:
    for page in tables.pages(load_packs()).values():
        width = 0
        for line in page.splitlines():
            if line.startswith("|---"):
                width = line.count("---|")
            elif line.startswith("| ") and width:
                assert line.replace("\\|", "").count(" | ") == width - 1, line
            elif not line.startswith("|"):
                width = 0
