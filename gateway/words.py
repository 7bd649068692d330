"""The kernel's own words for people, in one place: Chinese first, English beside it."""

from __future__ import annotations

from gateway.plant.model import Text

INTERLOCK_UNPROVEN = Text("联锁未按要求动作：{}", "Interlock did not act as required: {}")
INTERLOCK_UNPROVEN_CONSEQUENCE = Text(
    "联锁失效或迟缓，危险工况可能继续发展", "The interlock failed or is late; the dangerous condition may go on"
)
INTERLOCK_UNPROVEN_RESPONSE = Text(
    "立即现场手动执行联锁动作，撤离人员，查明失效原因前不得恢复生产",
    "Carry out the interlock's action by hand now, clear the area, do not resume before the cause is known",
)

RULE_GONE_AT_START = "启动时发现规则或联锁已不在配置中 / found at start: the rule or interlock is no longer in force"


def filled(words: Text, zh: str, en: str) -> Text:
    """The words with their blank filled."""
    return Text(words.zh.format(zh), words.en.format(en))
