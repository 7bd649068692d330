"""The packs as tables for people: for each clause what watches it, at which thresholds, and how sure we are of them.

Drawn from the files and never written by hand. `python -m rules.tables docs` writes the pages; a test holds them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from gateway.duration import format_duration
from gateway.plant.criteria import Clause, ClauseCertainty, LimitKind
from gateway.plant.model import Text
from rules import syntax
from rules.packs import Packs, load_packs
from rules.sources import InterlockSource, RuleSource

CHINESE, ENGLISH = "zh", "en"
PAGES = {CHINESE: "packs.zh.md", ENGLISH: "packs.md"}

_WORDS = {
    "title": Text("规则包", "The packs"),
    "intro": Text(
        "由 `rules/packs/` 生成，不手工修改。条款为转述，阈值为缺省值：以设计文件为准，"
        "在厂站文件的 `limits` 中按设备覆盖。"
        "把握程度：`standard` 见于标准文本，`typical` 行业惯用，`engineering` 工程估计。",
        "Generated from `rules/packs/`, never edited. Clauses are paraphrased. Thresholds are defaults: "
        "the design file decides, through `limits` of the equipment in the plant file. Certainty: `standard` is from "
        "a standard's text, `typical` a habitual figure of the trade, `engineering` our estimate.",
    ),
    "rule": Text("规则", "rule"),
    "class": Text("设备", "equipment"),
    "condition": Text("条件", "condition"),
    "delay": Text("延时", "delay"),
    "priority": Text("等级", "priority"),
    "limits": Text("阈值（缺省 · 把握 · 来源）", "thresholds (default · certainty · source)"),
    "interlock": Text("联锁", "interlock"),
    "causes": Text("原因", "causes"),
    "effects": Text("动作与时限", "effects, and within what time"),
    "ledger": Text("台账核查", "By ledger"),
    "clear": Text("恢复", "clears"),
    "early": Text("预警", "early"),
    "armed": Text("投入", "armed"),
    "start": Text("启动", "start"),
    "requires": Text("须满足", "requires"),
    "every": Text("每个测点", "every point"),
    "certainty": Text("条款把握程度", "How sure we are of the clause"),
}

_CERTAINTY = {
    ClauseCertainty.VERIFIED: Text("已对照公布文本", "read in the published text"),
    ClauseCertainty.NUMBER_FROM_MEMORY: Text(
        "内容已对照公布文本，条款号凭记忆", "read in a published text; its number is from memory"
    ),
    ClauseCertainty.CONFIRMED: Text(
        "凭记忆，地方通知可印证；引用前须核对公报原文",
        "from memory, and a local notice says the same; check the official gazette before quoting it",
    ),
    ClauseCertainty.FROM_MEMORY: Text(
        "凭记忆，引用前须核对公报原文", "from memory; check the official gazette before quoting it"
    ),
    ClauseCertainty.UNLISTED: Text("非单列条款，为本系统归集", "no item of the order; gathered by us"),
}


def pages(packs: Packs) -> dict[str, str]:
    """File names and their contents."""
    return {name: "\n".join(_page(packs, language)) + "\n" for language, name in PAGES.items()}


def _page(packs: Packs, language: str) -> Iterator[str]:
    yield f"# {_word('title', language)}"
    yield ""
    yield _word("intro", language)
    for clause in packs.criteria.clauses:
        rules = [rule for rule in packs.rules() if clause.id in rule.model.clause]
        interlocks = [row for row in packs.interlocks() if clause.id in row.model.clause]
        yield from _clause(packs, clause, rules, interlocks, language)


def _clause(
    packs: Packs,
    clause: Clause,
    rules: Sequence[RuleSource],
    interlocks: Sequence[InterlockSource],
    language: str,
) -> Iterator[str]:
    yield ""
    yield f"## {clause.id} {_of(clause.title, language)}"
    yield ""
    yield f"{_word('certainty', language)}: `{clause.certainty}` · {_of(_CERTAINTY[clause.certainty], language)}"
    if clause.ledger is not None:
        yield ""
        yield f"{_word('ledger', language)}: {_of(clause.ledger, language)}"
    if rules:
        yield ""
        yield from _table(("rule", "class", "condition", "delay", "priority", "limits"), language)
        for rule in rules:
            yield _row(_rule(packs, rule, language))
    if interlocks:
        yield ""
        yield from _table(("interlock", "class", "causes", "effects"), language)
        for interlock in interlocks:
            yield _row(_interlock(packs, interlock, language))


def _rule(packs: Packs, rule: RuleSource, language: str) -> Sequence[str]:
    model = rule.model
    delays = [format_duration(model.on_delay)] if model.on_delay else []
    return (
        f"**{_of(model.title.text(), language)}**<br>`{model.id}`",
        _class(packs, model.for_each, language),
        "<br>".join(_conditions(rule, language)),
        " ".join(delays),
        model.priority.value,
        "<br>".join(_limits(packs, rule, language)),
    )


def _conditions(rule: RuleSource, language: str) -> Iterator[str]:
    model = rule.model
    if model.when is not None:
        yield _code(model.when)
    if model.start_permissive is not None:
        yield f"{_word('start', language)}: {_code(model.start_permissive.start)}"
        yield f"{_word('requires', language)}: {_code(model.start_permissive.requires)}"
    for name, text in (("armed", model.armed_when), ("clear", model.clear)):
        if text is not None:
            yield f"{_word(name, language)}: {_code(text)}"
    if model.early is not None:
        yield f"{_word('early', language)}: {_code(model.early.when)}"


def _limits(packs: Packs, rule: RuleSource, language: str) -> Iterator[str]:
    owner = packs.criteria.classes.get(rule.model.for_each)
    expressions = [rule.when, rule.clear, *((rule.early.when,) if rule.early is not None else ())]
    names = dict.fromkeys(name for each in expressions if each is not None for name in syntax.names(each))
    for name in names:
        if owner is not None and name.startswith("limit.") and name.removeprefix("limit.") in owner.limits:
            yield _limit(owner.limits[name.removeprefix("limit.")], language)


def _limit(limit: LimitKind, language: str) -> str:
    default = f"{limit.default:g} {limit.unit}".strip()
    return f"{_of(limit.title, language)}: **{default}** · {limit.certainty} · {limit.source}"


def _interlock(packs: Packs, row: InterlockSource, language: str) -> Sequence[str]:
    model = row.model
    effects = (f"{_of(each.name.text(), language)} ({format_duration(each.within)})" for each in model.effects)
    return (
        f"**{_of(model.name.text(), language)}**<br>`{model.id}`",
        _class(packs, model.for_each, language),
        "<br>".join(f"`{cause}`" for cause in model.causes),
        "<br>".join(effects),
    )


def _class(packs: Packs, name: str, language: str) -> str:
    owner = packs.criteria.classes.get(name)
    return _word("every", language) if owner is None else _of(owner.name, language)


def _table(columns: Sequence[str], language: str) -> Iterator[str]:
    yield _row([_word(column, language) for column in columns])
    yield "|" + "---|" * len(columns)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _code(expression: str) -> str:
    return f"`{' '.join(expression.split())}`"


def _word(name: str, language: str) -> str:
    return _of(_WORDS[name], language)


def _of(text: Text, language: str) -> str:
    """Text in a cell of a table, in one language."""
    return (text.zh if language == CHINESE else text.en).replace("|", "\\|")


def main(folder: Path) -> None:
    """Write the pages."""
    for name, content in pages(load_packs()).items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
