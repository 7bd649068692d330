"""Rules written in a test: a few lines of YAML into packs, against the classes that Tocsin ships."""

from __future__ import annotations

from gateway.document import read_yaml
from gateway.plant.model import Text
from rules import Packs
from rules.compiler import compile as compile_rules
from rules.reader import Reader
from rules.schema import RuleModel
from rules.sources import Pack
from tests.rules.harness import Bench, equipment, packs, plant, run

HEAD = """\
id: mine.rule
clause: "14"
title: {zh: 题, en: title}
consequence: {zh: 果, en: consequence}
response: {zh: 应, en: response}
response_time: 10 min
priority: high
"""


def written(fields: str, *, for_each: str) -> Packs:
    """Packs of one rule `mine.rule`; the test fails with every mistake in it."""
    document = read_yaml(f"{HEAD}for_each: {for_each}\n{fields}", "mine.yaml")
    assert not document.problems, document.problems
    reader = Reader(document, packs().criteria)
    rule = reader.rule(RuleModel.model_validate(document.value), ())
    assert rule is not None, [str(problem) for problem in reader.problems]
    return Packs(packs().criteria, (Pack("mine", Text("我", "mine"), (rule,), ()),))


def bench(fields: str, *, for_each: str = "deep_well_caster") -> Bench:
    """The rule at work on one equipment `it` with every point of its class."""
    site = plant([equipment("it", for_each)])
    return Bench(site, compile_rules(site, written(fields, for_each=for_each)))


def transitions(fields: str, scripts: dict[str, str], *, for_each: str = "deep_well_caster", rule: str = "") -> str:
    """What becomes of the rule (or of `rule`) while points of `it` show these series, one sample a second."""
    series = {f"it.{name}": script for name, script in scripts.items()}
    return run(bench(fields, for_each=for_each), rule or "mine.rule@it", series)
