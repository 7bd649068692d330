"""The tables of the packs are drawn from the packs and never by hand, and leave nothing out."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import app
from gateway.plant.coverage import coverage
from gateway.plant.criteria import ClauseCertainty
from rules import tables
from rules.packs import CLAUSES, PACKS, load_packs

DEMO = Path(__file__).parents[2] / "simulators" / "demo" / "plant.yaml"
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


def test_every_clause_that_is_shipped_says_how_sure_we_are_of_it() -> None:
    """The evidence of the domain notes; what nobody has read again may not pass for the order's own words."""
    certainty = {clause.id: clause.certainty for clause in load_packs().criteria.clauses}
    sure = ClauseCertainty
    expected = {
        "4(4)": sure.VERIFIED,
        "4(6)": sure.CONFIRMED,
        "4(5)": sure.FROM_MEMORY,
        "5(6)": sure.NUMBER_FROM_MEMORY,
        "6(3)": sure.VERIFIED,
        "7(5)": sure.FROM_MEMORY,
        "11(4)": sure.VERIFIED,
        "14": sure.FROM_MEMORY,
        "12": sure.UNLISTED,
    }
    assert {clause: certainty[clause] for clause in expected} == expected
    text = (PACKS / CLAUSES).read_text(encoding="utf-8")
    assert text.count("    certainty: ") == len(certainty), "none is left to what is assumed"


def test_how_sure_we_are_of_a_clause_stands_in_its_rows_and_in_the_pages() -> None:
    packs = load_packs()
    plant, _ = app.load(DEMO)
    rows = coverage(plant, packs.criteria, [], [], (), {})
    assert {row.clause: row.certainty for row in rows}["4(6)"] is ClauseCertainty.CONFIRMED
    for page, words in (("packs.md", "check the official gazette"), ("packs.zh.md", "引用前须核对公报原文")):
        after = tables.pages(packs)[page].partition("## 4(5) ")[2]
        assert words in after.partition("|")[0]
