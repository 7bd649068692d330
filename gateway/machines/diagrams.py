"""The state machines as pages for people: a Mermaid diagram and a table of moves, drawn from the tables.

`pages` only returns text. `python -m gateway.machines.diagrams docs/machines` writes it.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path

from gateway.events.interlocks import Verdict
from gateway.events.tickets import TicketAction, TicketState
from gateway.machines import (
    alarm,
    bypass,
    duty_check,
    escalation,
    finding,
    interlock,
    output,
    proof_test,
    siren,
    suppression,
    ticket,
)
from gateway.machines.table import Action, State, Table
from gateway.plant.model import Text

HEADINGS: Mapping[str, Text] = {
    "alarm": Text("报警的状态（ISA-18.2 / IEC 62682）", "The states of an alarm (ISA-18.2 / IEC 62682)"),
    "suppression": Text("报警的抑制：搁置、设计抑制、停用", "What keeps an alarm from being annunciated"),
    "escalation": Text("逐级上报", "The ladder that an unheard alarm climbs"),
    "duty_check": Text("查岗", "A duty check"),
    "siren": Text("声光报警器", "A siren or a lamp"),
    "ticket": Text("隐患闭环：排查、登记、评估、整改、复查、销号", "A hazard from suspicion to write-off"),
    "output": Text("输出指令：选择、执行、写入", "A command of an output: select, operate, write"),
    "interlock": Text("联锁动作的判定", "The verdict on one effect of an interlock demand"),
    "bypass": Text("联锁旁路", "The bypass of an interlock"),
    "proof_test": Text("联锁试验", "A proof test of an interlock"),
    "finding": Text("联锁异常：误动作、未复位恢复", "Findings: effects that nothing demanded, trips undone too early"),
}

NOTES: Mapping[str, Text] = {
    "alarm": Text(
        "条件未知时，报警保持原状；未知绝不使报警恢复。",
        "A condition that is unknown moves no alarm; unknown never clears one.",
    ),
    "suppression": Text(
        "三条轴互相独立，也独立于报警状态：抑制期间照常判断、照常记入日志；解除后，已确认的同一次报警仍为已确认。"
        "搁置到时自动解除，停用只能由人恢复，未知绝不抑制。",
        "Three axes, independent of each other and of the alarm's state: evaluation and journalling go on under each, "
        "and an occurrence that was acknowledged is so afterwards. A shelving ends by itself, a removal from "
        "service by a person only, and unknown never suppresses.",
    ),
    "escalation": Text(
        "报警无人确认、查岗无人应答，按级别的时限逐级上报；途中每一级都告知，重启不从头计时。",
        "Whoever has not been heard is told to the next level in the time of its priority; nobody on the way up is "
        "left out, and a restart does not start the time anew.",
    ),
    "duty_check": Text(
        "定时或随机查岗；只有人能应答，迟到的应答记为迟到。",
        "Asked at set times and at random ones; only a person answers, and a late answer is called late.",
    ),
    "siren": Text(
        "消音不是确认：只在一段时间内停止已听到的声音；新的报警立即再响，时限一到、仍无人确认的也再响，重启之后亦然。",
        "Silence is not acknowledgement: it stops for a while what is already heard. A new alarm sounds at once, what "
        "nobody has acknowledged sounds again when the time is over, and after a restart.",
    ),
    "ticket": Text(
        "软件只能提出疑似隐患，每一步都由具名人员完成；整改人不得复查自己的整改，旁路过联锁的人不得关闭其隐患单。"
        "重大隐患先评估，落实责任、措施、资金、时限、预案后才能整改。挂牌督办、停产是另外两条轴：未摘牌、未复产不得销号。",
        "The software files suspicions only; every step is a named person's, nobody rechecks their own work, and "
        "nobody who bypassed an interlock closes its ticket. A major hazard is assessed first, and its five fields are "
        "there before the work begins. Supervision and production are two more axes: what is listed or stopped is "
        "not written off.",
    ),
    "output": Text(
        "人的指令分两步：选择（写明原因），再执行；换人、换值、超时、条件不再成立，一律拒绝。联锁指令只需一步，并解除任何选择。",
        "A person's command takes two steps: select, with a reason, then operate. Another person, another value, too "
        "late, or a permissive lost between: refused. An interlock's command takes one step and ends any selection.",
    ),
    "interlock": Text(
        "“已下令”不等于“已动作”：判定只依据反馈；无法判定时记为不确定，绝不记为合格。",
        "Commanded is not done: feedback alone gives the verdict, and one that cannot be known is never a pass.",
    ),
    "bypass": Text(
        "旁路须有原因、补偿措施和另一人批准，时长不得超过规定；时间到了不会自动解除，只会成为异常，解除只能由人完成。",
        "A bypass has a reason, a compensating measure, another person's approval and an end that the plant file "
        "bounds. Its time does not end it, it makes a finding of it; only a person removes it.",
    ),
    "proof_test": Text(
        "试验由人申报和结束；试验中的动作照常判定，合格记为“试验”，不合格与真实失效同等对待。",
        "A person declares and ends a test; a demand in it is judged as any other: a pass is called a test, and "
        "anything else is the failure that it would be in earnest.",
    ),
    "finding": Text(
        "无动作要求而动作为误动作；原因仍在或锁存报警未复位时动作被解除，为未复位恢复。旁路、试验和未投入期间不判定。",
        "An effect that nothing demanded is spurious; a trip that goes while its cause stands, or before its latched "
        "alarm is reset, was undone too early. Under a bypass, in a test and out of service nothing is found.",
    ),
}

CHINESE: Mapping[str, str] = {
    alarm.AlarmStateName.NORMAL: "正常",
    alarm.AlarmStateName.UNACKNOWLEDGED: "报警未确认",
    alarm.AlarmStateName.ACKNOWLEDGED: "报警已确认",
    alarm.AlarmStateName.RETURNED_UNACKNOWLEDGED: "已恢复未确认",
    alarm.AlarmStateName.LATCHED_UNACKNOWLEDGED: "锁存未确认",
    alarm.AlarmStateName.LATCHED_ACKNOWLEDGED: "锁存已确认",
    alarm.AlarmAction.RAISE: "触发",
    alarm.AlarmAction.CLEAR: "恢复",
    alarm.AlarmAction.CLEAR_LATCHING: "恢复（锁存）",
    alarm.AlarmAction.ACKNOWLEDGE: "确认",
    alarm.AlarmAction.RESET: "复位",
    alarm.AlarmAction.WITHDRAW: "规则撤除",
    alarm.AlarmAction.RE_ALARM: "再次报警",
    escalation.Told.NOBODY: "尚未上报",
    escalation.Told.DUTY_OPERATOR: "值班员",
    escalation.Told.SHIFT_LEADER: "班组长",
    escalation.Told.SAFETY_MANAGER: "安全负责人",
    escalation.Told.COUNTY: "县级监管",
    escalation.Climb.TELL_DUTY_OPERATOR: "再次提醒值班员",
    escalation.Climb.TELL_SHIFT_LEADER: "上报班组长",
    escalation.Climb.TELL_SAFETY_MANAGER: "上报安全负责人",
    escalation.Climb.TELL_COUNTY: "上报县级监管",
    escalation.Climb.HEARD: "有人确认",
    duty_check.DutyCheckState.ASKED: "待应答",
    duty_check.DutyCheckState.ANSWERED: "已应答",
    duty_check.DutyCheckState.MISSED: "无人应答",
    duty_check.DutyCheckState.ANSWERED_LATE: "迟到应答",
    duty_check.DutyCheckAction.ANSWER: "应答",
    duty_check.DutyCheckAction.MISS: "超时",
    siren.SirenState.QUIET: "静默",
    siren.SirenState.SOUNDING: "鸣响",
    siren.SirenState.SILENCED: "已消音",
    siren.SirenAction.ALARM: "新报警",
    siren.SirenAction.ALL_HEARD: "全部确认",
    siren.SirenAction.SILENCE: "消音",
    siren.SirenAction.OVER: "消音到时",
    suppression.ShelvingState.UNSHELVED: "未搁置",
    suppression.ShelvingState.SHELVED: "已搁置",
    suppression.ShelvingState.SHELVED_ONE_SHOT: "单次搁置",
    suppression.ShelvingAction.SHELVE: "搁置",
    suppression.ShelvingAction.SHELVE_ONE_SHOT: "搁置至本次恢复",
    suppression.ShelvingAction.UNSHELVE: "取消搁置",
    suppression.ShelvingAction.EXPIRE: "到时",
    suppression.ShelvingAction.CONDITION_GONE: "本次报警恢复",
    suppression.DesignState.ANNUNCIATED: "正常报出",
    suppression.DesignState.SUPPRESSED_BY_DESIGN: "设计抑制",
    suppression.DesignAction.SUPPRESS: "抑制条件成立",
    suppression.DesignAction.RELEASE: "抑制条件不成立或未知",
    suppression.ServiceState.IN_SERVICE: "在用",
    suppression.ServiceState.OUT_OF_SERVICE: "停用",
    suppression.ServiceAction.REMOVE_FROM_SERVICE: "凭票停用",
    suppression.ServiceAction.RETURN_TO_SERVICE: "恢复使用",
    TicketState.SUSPECTED: "疑似",
    TicketState.REGISTERED: "已登记",
    TicketState.ASSESSED: "已评估",
    TicketState.RECTIFYING: "整改中",
    TicketState.AWAITING_RECHECK: "待复查",
    TicketState.RECHECKED: "已复查",
    TicketState.WRITTEN_OFF: "已销号",
    TicketState.DISMISSED: "误报排除",
    TicketAction.REGISTER: "登记",
    TicketAction.DISMISS: "排除误报",
    TicketAction.ASSESS: "评估定级",
    TicketAction.ASSIGN: "指派责任人与时限",
    TicketAction.EXTEND: "延期",
    TicketAction.RECTIFY: "完成整改",
    TicketAction.PASS_RECHECK: "复查通过",
    TicketAction.REJECT_RECHECK: "复查驳回",
    TicketAction.WRITE_OFF: "销号",
    TicketAction.SUPERVISE: "挂牌督办",
    TicketAction.END_SUPERVISION: "摘牌",
    TicketAction.STOP_PRODUCTION: "停产整改",
    TicketAction.RESUME_PRODUCTION: "复产",
    ticket.SupervisionState.NOT_SUPERVISED: "未挂牌",
    ticket.SupervisionState.SUPERVISED: "挂牌督办中",
    ticket.ProductionState.PRODUCING: "生产中",
    ticket.ProductionState.STOPPED: "停产中",
    output.SelectionState.FREE: "未选择",
    output.SelectionState.SELECTED: "已选择",
    output.SelectionStep.SELECT: "选择",
    output.SelectionStep.OPERATE: "执行",
    output.SelectionStep.CANCEL: "取消",
    output.SelectionStep.EXPIRE: "超时",
    output.SelectionStep.REFUSE: "执行被拒绝",
    output.SelectionStep.PREEMPT: "联锁下令",
    output.CommandStage.REQUESTED: "已记入日志，待写入",
    output.CommandStage.WRITTEN: "设备已确认",
    output.CommandStage.REFUSED: "网关拒绝，未发送",
    output.CommandStage.UNCONFIRMED: "已发送，设备未确认",
    output.Receiving.CONFIRM: "确认",
    output.Receiving.REFUSE: "拒绝",
    output.Receiving.FAIL: "无确认",
    Verdict.PENDING: "待判定",
    Verdict.PASS: "合格",
    Verdict.LATE: "迟动作",
    Verdict.FAIL: "未动作",
    Verdict.INCONCLUSIVE: "无法判定",
    Verdict.BYPASSED: "旁路中",
    Verdict.TEST: "试验合格",
    interlock.Judgement.IN_TIME: "按时反馈",
    interlock.Judgement.IN_TIME_BUT_TOO_COARSE: "按时反馈，但扫描过慢",
    interlock.Judgement.AFTER_TIME: "超时后反馈",
    interlock.Judgement.ABSENT_AT_DEADLINE: "到期无反馈",
    interlock.Judgement.UNKNOWN_AT_DEADLINE: "到期反馈未知",
    interlock.Judgement.NO_LONGER_WATCHED: "联锁撤除",
    interlock.Judgement.UNDER_BYPASS: "要求动作时已旁路",
    interlock.Judgement.IN_TIME_UNDER_TEST: "试验中按时反馈",
    bypass.BypassState.NOT_BYPASSED: "未旁路",
    bypass.BypassState.BYPASS_IN_FORCE: "旁路中",
    bypass.BypassState.BYPASS_NEARLY_OVER: "旁路即将到期",
    bypass.BypassState.BYPASS_OVERSTAYED: "旁路超期",
    bypass.BypassAction.BYPASS: "登记旁路（经批准）",
    bypass.BypassAction.FOUR_FIFTHS_GONE: "已过五分之四时间",
    bypass.BypassAction.BYPASS_TIME_OVER: "时间已到",
    bypass.BypassAction.REMOVE_BYPASS: "解除旁路",
    finding.EffectSight.EXPLAINED: "有据",
    finding.EffectSight.UNEXPLAINED: "待解释",
    finding.EffectSight.SPURIOUS: "误动作",
    finding.EffectMove.CAME_UNDEMANDED: "无要求而动作",
    finding.EffectMove.DEMAND_FOLLOWED: "随后出现要求",
    finding.EffectMove.NO_DEMAND_FOLLOWED: "始终无要求",
    finding.EffectMove.EFFECT_GONE: "动作消失",
    finding.TripState.TRIP_HELD: "动作保持",
    finding.TripState.RESTARTED_WITHOUT_RESET: "未复位恢复",
    finding.TripMove.UNDONE_TOO_EARLY: "过早解除",
    finding.TripMove.RESET_OR_TRIPPED_AGAIN: "复位或再次动作",
    proof_test.ProofTestState.NO_TEST: "无试验",
    proof_test.ProofTestState.UNDER_TEST: "试验中",
    proof_test.ProofTestAction.DECLARE_TEST: "申报试验",
    proof_test.ProofTestAction.END_TEST: "结束试验",
    proof_test.ProofTestAction.TEST_TIME_OVER: "试验时间已到",
}


def pages() -> Mapping[str, str]:
    """Markdown by page name, without suffix."""
    axes = [_drawn(suppression.SHELVING), _drawn(suppression.DESIGN), _drawn(suppression.SERVICE)]
    return {
        "alarm": _page("alarm", [_drawn(alarm.TABLE)]),
        "suppression": _page("suppression", axes),
        "escalation": _page("escalation", [_drawn(escalation.TABLE)]),
        "duty_check": _page("duty_check", [_drawn(duty_check.TABLE)]),
        "siren": _page("siren", [_drawn(siren.TABLE)]),
        "ticket": _page("ticket", [_drawn(ticket.TABLE), _drawn(ticket.SUPERVISION), _drawn(ticket.PRODUCTION)]),
        "output": _page("output", [_drawn(output.SELECTION), _drawn(output.COMMAND)]),
        "interlock": _page("interlock", [_drawn(interlock.TABLE)]),
        "bypass": _page("bypass", [_drawn(bypass.TABLE)]),
        "proof_test": _page("proof_test", [_drawn(proof_test.TABLE)]),
        "finding": _page("finding", [_drawn(finding.EFFECT), _drawn(finding.TRIP)]),
    }


def _page(name: str, drawings: Sequence[str]) -> str:
    heading, note = HEADINGS[name], NOTES[name]
    return "\n".join(
        [
            f"# {heading.zh} · {heading.en}",
            "",
            f"<!-- Drawn from gateway/machines/{name}.py by `python -m gateway.machines.diagrams docs/machines`. -->",
            "",
            note.zh,
            "",
            note.en,
            "",
            *drawings,
        ]
    )


def _drawn(table: Table[State, Action]) -> str:
    moves = [f"| {_both(before)} | {_both(action)} | {_both(after)} |" for before, action, after in table.rows()]
    return "\n".join(
        [
            "```mermaid",
            table.mermaid().rstrip("\n"),
            "```",
            "",
            "下表未列出的组合一律拒绝。 Every pair that is not listed is refused.",
            "",
            "| 状态 state | 动作 action | 之后 next |",
            "|---|---|---|",
            *moves,
            "",
        ]
    )


def _both(word: StrEnum) -> str:
    return f"{CHINESE[word]} `{word.value}`"


def write(folder: Path) -> None:
    """Write every page into the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in pages().items():
        (folder / f"{name}.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/machines"))
