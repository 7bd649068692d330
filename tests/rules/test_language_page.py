"""docs/rule-language.md cannot lie: every example on it runs, every word of the language is on it, in both tongues."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from gateway.document import read_yaml
from gateway.plant.criteria import Criteria
from gateway.plant.model import Text
from rules import Packs, syntax, trials
from rules.checks import mistakes
from rules.criteria import read_classes
from rules.functions import COMPARED, FUNCTIONS
from rules.reader import Reader
from rules.schema import RuleModel
from rules.scope import class_scope
from rules.sources import Pack
from rules.syntax import RESERVED
from rules.trials import read_trials
from tests.rules.written import HEAD

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "rule-language.md", "zh": DOCS / "rule-language.zh.md"}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@cache
def blocks(language: str) -> tuple[tuple[str, str], ...]:
    """Kind and text of every fenced block of a page."""
    return tuple((match[1], match[2]) for match in _BLOCK.finditer(PAGES[language].read_text(encoding="utf-8")))


@cache
def criteria() -> Criteria:
    """The class that the page declares."""
    (declared,) = [text for kind, text in blocks("en") if text.startswith("classes:")]
    classes, problems = read_classes([read_yaml(declared, "rule-language.md")])
    assert not problems, problems
    return Criteria(classes, ())


EXAMPLES = [text for kind, text in blocks("en") if kind == "yaml" and not text.startswith("classes:")]
REFUSED = [
    tuple(pair)
    for kind, text in blocks("en")
    if kind == "text"
    for pair in zip(text.splitlines()[::2], text.splitlines()[1::2])
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda text: re.sub(r"\W+", "_", text.splitlines()[0]))
def test_an_example_does_what_the_page_says(example: str) -> None:
    document = read_yaml(example if example.startswith("id:") else f"{HEAD}for_each: example\n{example}", "example")
    assert not document.problems, document.problems
    reader = Reader(document, criteria())
    rule = reader.rule(RuleModel.model_validate(document.value), ())
    assert rule is not None, [str(problem) for problem in reader.problems]
    several = read_trials(Packs(criteria(), (Pack("page", Text("页", "page"), (rule,), ()),)))
    assert several
    for trial in several:
        outcome = trials.run(trial, criteria())
        assert outcome.passed, f"expected {[*map(str, trial.expected)]}, got {[*map(str, outcome.got)]}"


@pytest.mark.parametrize(("expression", "said"), REFUSED, ids=[pair[0] for pair in REFUSED])
def test_a_mistake_is_said_as_the_page_says(expression: str, said: str) -> None:
    (error,) = mistakes(syntax.parse(expression), class_scope(criteria(), "example"))
    assert f"{' ' * error.at}^ expected {error.expected}, got {error.got}" == said


@pytest.mark.parametrize("language", PAGES)
def test_every_function_word_and_field_is_on_the_page(language: str) -> None:
    text = PAGES[language].read_text(encoding="utf-8")
    code = [text for _, text in blocks(language)] + re.findall(r"`[^`]+`", _BLOCK.sub("", text))
    spelled = set(re.findall(r"[a-z_]+", " ".join(code)))
    wanted = {*FUNCTIONS, *COMPARED, *RESERVED, *RuleModel.model_fields}
    assert wanted - spelled == set()


def test_every_function_has_an_example() -> None:
    run = " ".join(EXAMPLES)
    assert [name for name in (*FUNCTIONS, *COMPARED) if f"{name}(" not in run] == ["overdue"]


def test_both_pages_have_the_same_examples() -> None:
    assert blocks("zh") == blocks("en")
