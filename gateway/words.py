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

DEMANDED_WHILE_BYPASSED = Text("联锁旁路期间出现动作要求：{}", "Interlock demanded while bypassed: {}")
DEMANDED_WHILE_BYPASSED_CONSEQUENCE = Text(
    "联锁已旁路，不会自动动作，危险工况正在发展", "The interlock is bypassed and will not act; the danger goes on"
)
DEMANDED_WHILE_BYPASSED_RESPONSE = Text(
    "立即按登记的补偿措施手动处置，撤离人员",
    "Carry out the registered compensating measure by hand now, clear the area",
)
INTERLOCK_BYPASSED = Text("联锁已旁路：{}", "Interlock bypassed: {}")
INTERLOCK_BYPASSED_CONSEQUENCE = Text(
    "旁路期间该联锁不起保护作用", "While it is bypassed the interlock protects nobody"
)
INTERLOCK_BYPASSED_RESPONSE = Text(
    "按登记的补偿措施值守，作业完成立即解除旁路",
    "Keep the registered compensating measure up; remove the bypass as soon as the work is done",
)
BYPASS_NEARLY_OVER = Text("联锁旁路即将到期：{}", "Interlock bypass nearly over: {}")
BYPASS_NEARLY_OVER_RESPONSE = Text(
    "结束作业并解除旁路；确需继续，先解除后重新审批",
    "Finish and remove the bypass; to go on, remove it first and have a new one approved",
)
BYPASS_OVERSTAYED = Text("联锁旁路超期未解除：{}", "Interlock bypass past its time: {}")
BYPASS_OVERSTAYED_CONSEQUENCE = Text(
    "联锁在无批准的情况下被旁路，属监测联锁失效",
    "The interlock is bypassed without approval: protection that has failed (article 14)",
)
BYPASS_OVERSTAYED_RESPONSE = Text(
    "立即解除旁路并恢复联锁；不能恢复的，停止作业",
    "Remove the bypass and restore the interlock now; stop the work if that cannot be done",
)
COMMAND_REFUSED = Text("联锁指令被拒绝：{}", "An interlock's command was refused: {}")
COMMAND_UNPROVEN = Text("指令未见执行：{}", "A command is not seen to be done: {}")
COMMAND_CONSEQUENCE = Text(
    "网关的指令未起作用，设备可能仍在原状态", "The gateway's command had no effect; the equipment may be as it was"
)
COMMAND_RESPONSE = Text(
    "现场确认设备状态，必要时手动操作；查看日志中的原因",
    "See the equipment itself and act by hand if need be; the journal has the reason",
)

SPURIOUS_EFFECT = Text("联锁误动作：{}", "Interlock acted without a demand: {}")
SPURIOUS_EFFECT_CONSEQUENCE = Text(
    "无动作要求而动作：可能误动、人为操作，或监测未见到真实原因",
    "It acted though nothing demanded it: a fault, somebody's hand, or a cause that no sensor saw",
)
SPURIOUS_EFFECT_RESPONSE = Text(
    "先按真实动作处置，再查明动作来源，查明前不得复位",
    "Treat it as a real trip first; find what brought it before anything is reset",
)
RESTARTED_WITHOUT_RESET = Text("联锁动作后未复位即恢复运行：{}", "Trip undone without a reset: {}")
RESTARTED_WITHOUT_RESET_CONSEQUENCE = Text(
    "动作原因仍在或未经人员确认复位，危险工况下恢复运行",
    "The cause still stands, or nobody has reset it: the plant runs on into the danger",
)
RESTARTED_WITHOUT_RESET_RESPONSE = Text(
    "立即恢复联锁动作状态，停止运行，查明原因并复位后方可恢复",
    "Bring the trip back and stop now; run again only when the cause is found and reset",
)
PROOF_OVERDUE = Text("联锁试验超期：{}", "Interlock proof test overdue: {}")
PROOF_OVERDUE_CONSEQUENCE = Text("联锁是否有效已无证明", "Nothing proves any more that the interlock would act")
PROOF_OVERDUE_RESPONSE = Text(
    "安排联锁试验，申报后逐项验证原因与动作", "Arrange a proof test, declare it, and try every cause and effect"
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
    "interlock.bypassed": Text("联锁旁路登记", "Interlock bypassed"),
    "interlock.bypass_nearly_over": Text("联锁旁路即将到期", "Interlock bypass nearly over"),
    "interlock.bypass_overstayed": Text("联锁旁路超期", "Interlock bypass past its time"),
    "interlock.bypass_removed": Text("联锁旁路解除", "Interlock bypass removed"),
    "interlock.test_declared": Text("联锁试验开始", "Proof test declared"),
    "interlock.test_ended": Text("联锁试验结束", "Proof test ended"),
    "interlock.proven": Text("联锁动作得到证明", "Interlock effect proven"),
    "interlock.finding": Text("联锁异常", "Interlock finding"),
    "interlock.finding_ended": Text("联锁异常消失", "Interlock finding ended"),
    "command.requested": Text("指令下发", "Command requested"),
    "command.refused": Text("指令被拒绝", "Command refused"),
    "command.judged": Text("指令效果判定", "Command judged"),
    "command": Text("指令结果", "Command completed"),
    "output.selected": Text("选择输出（待执行）", "Output selected, to be operated"),
    "output": Text("选择解除", "Selection ended"),
    "heartbeat": Text("网关心跳", "Heartbeat of the gateway"),
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
