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

EVENT_KINDS = {
    "gateway": Text("网关", "Gateway"),
    "link": Text("通讯", "Link"),
    "condition": Text("条件变化", "Condition changed"),
    "alarm.raised": Text("报警", "Alarm raised"),
    "alarm.acknowledged": Text("报警确认", "Alarm acknowledged"),
    "alarm.cleared": Text("报警恢复", "Alarm cleared"),
    "alarm.reset": Text("报警复位", "Alarm reset"),
    "alarm": Text("报警处置", "Alarm handled"),
    "interlock.demanded": Text("联锁要求动作", "Interlock demanded"),
    "interlock.effect": Text("联锁动作判定", "Interlock effect judged"),
    "interlock.ended": Text("联锁要求解除", "Interlock demand ended"),
    "command.requested": Text("指令下发", "Command requested"),
    "command": Text("指令结果", "Command completed"),
    "ticket.filed": Text("隐患立案（疑似）", "Hazard ticket filed (suspected)"),
    "ticket.reported": Text("隐患登记（人工排查）", "Hazard reported by a person"),
    "ticket.extended": Text("隐患整改延期", "Hazard deadline extended"),
    "ticket.supervised": Text("挂牌督办", "Supervision of a hazard"),
    "ticket.production": Text("停产、复产", "Production stopped or resumed"),
    "ticket.attached": Text("隐患附件", "File put beside a hazard"),
    "ticket.escalated": Text("隐患逾期上报", "Overdue hazard told upward"),
    "ticket.recurred": Text("隐患再次出现", "Hazard recurred"),
    "duty.handover": Text("交接班", "Shift handover"),
    "duty": Text("查岗", "Duty check"),
    "ticket": Text("隐患处置", "Hazard ticket moved on"),
}
"""What an event is called, by its kind or by the first word of it."""

TERMS = {
    "major": Text("重大", "major"),
    "ordinary": Text("一般", "ordinary"),
    "critical": Text("紧急", "critical"),
    "high": Text("高", "high"),
    "medium": Text("中", "medium"),
    "low": Text("低", "low"),
    "suspected": Text("疑似", "suspected"),
    "unacknowledged": Text("未确认", "unacknowledged"),
    "returned_unacknowledged": Text("已恢复 未确认", "returned, unacknowledged"),
    "latched_unacknowledged": Text("自保持 未确认", "latched, unacknowledged"),
    "latched_acknowledged": Text("自保持 待复位", "latched, acknowledged"),
    "acknowledged": Text("已确认", "acknowledged"),
    "normal": Text("正常", "normal"),
}
"""Words of states and grades as reports show them."""


def event_kind(kind: str) -> Text:
    """What an event of this kind is called; the kind itself where nobody has named it."""
    return EVENT_KINDS.get(kind) or EVENT_KINDS.get(kind.partition(".")[0]) or Text(kind, kind)


def term(word: str) -> str:
    """A word of a state or grade in both languages."""
    known = TERMS.get(word)
    return f"{known.zh} {known.en}" if known else word


def filled(words: Text, zh: str, en: str) -> Text:
    """The words with their blank filled."""
    return Text(words.zh.format(zh), words.en.format(en))
