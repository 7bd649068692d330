"""One ticket as ledgers tell of it: who found it and when, what was done, whether it is over."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.events.tickets import DismissalCause, HazardSource, TicketAction, TicketState
from gateway.ledgers.form import china
from gateway.machines.ticket import Step, Ticket
from gateway.plant.model import Plant
from gateway.rule import TicketGrade
from gateway.sample import Instant

_STATE = {
    TicketState.SUSPECTED: "待确认",
    TicketState.REGISTERED: "已登记，待整改",
    TicketState.ASSESSED: "已评估，待整改",
    TicketState.RECTIFYING: "整改中",
    TicketState.AWAITING_RECHECK: "已整改，待复查",
    TicketState.RECHECKED: "复查合格，待销号",
    TicketState.WRITTEN_OFF: "已销号",
    TicketState.DISMISSED: "误报关闭",
}
OWN_STAGE = "企业自查"
"""The stage (检查环节) of what the plant found by itself."""

BASIS = "《工贸企业重大事故隐患判定标准》（应急管理部令第10号）"


_STAGE = {
    HazardSource.COUNTY_INSPECTION: "市县检查",
    HazardSource.CROSS_INSPECTION: "交叉检查",
    HazardSource.CITY_INSPECTION: "市级督查",
    HazardSource.PUBLIC_REPORT: "群众举报",
}
"""检查环节 by source; everything else the plant found by itself."""

_SOURCE = {
    HazardSource.SENSOR: "监测报警",
    HazardSource.DAILY_CHECK: "日常排查",
    HazardSource.WEEKLY_CHECK: "周查",
    HazardSource.MONTHLY_CHECK: "月查",
    HazardSource.SPECIAL_CHECK: "专项排查",
    HazardSource.COMPREHENSIVE_CHECK: "综合排查",
    HazardSource.INTERNAL_REPORT: "内部报告",
    HazardSource.COUNTY_INSPECTION: "市县检查",
    HazardSource.CROSS_INSPECTION: "交叉检查",
    HazardSource.CITY_INSPECTION: "市级督查",
    HazardSource.PUBLIC_REPORT: "群众举报",
    HazardSource.LEDGER: "台账导入",
}
_CAUSE = {
    DismissalCause.INSTRUMENT_FAULT: "仪表故障",
    DismissalCause.CALIBRATION: "标定",
    DismissalCause.MAINTENANCE: "检修",
    DismissalCause.COMMUNICATION: "通信",
    DismissalCause.PROCESS_SWING: "工况波动",
    DismissalCause.UNFIT_RULE: "规则或限值不适用",
    DismissalCause.NOT_A_HAZARD: "不构成隐患",
    DismissalCause.DUPLICATE: "重复登记",
}
_STAGE_ACTIONS = frozenset(TicketAction) - {
    TicketAction.EXTEND,
    TicketAction.SUPERVISE,
    TicketAction.END_SUPERVISION,
    TicketAction.STOP_PRODUCTION,
    TicketAction.RESUME_PRODUCTION,
}
"""What moves a ticket from stage to stage."""


@dataclass(frozen=True, slots=True)
class Account:
    """A ticket beside the plant that it is of.

    What came with a ledger is told in that ledger's words, until a step here has taken their place.
    """

    ticket: Ticket
    plant: Plant

    @property
    def found_at(self) -> Instant:
        """排查时间: when a person found it, or when the gateway filed what a sensor saw."""
        return self.ticket.filed_at if self.ticket.source is HazardSource.SENSOR else self.ticket.onset

    @property
    def area(self) -> str:
        """In the plant file's words; its id where the plant file has it no more."""
        named = next((a.name.zh for a in self.plant.areas if a.id == self.ticket.area), self.ticket.area)
        return named or (self.ticket.line.place if self.ticket.line else "")

    @property
    def equipment(self) -> str:
        """In the plant file's words, like the area."""
        found = (each.name.zh for each in self.plant.equipment if each.id == self.ticket.equipment)
        return next(found, self.ticket.equipment)

    @property
    def place(self) -> str:
        """Area and equipment."""
        if self.ticket.line is not None:
            return self.ticket.line.place
        return " ".join(name for name in (self.area, self.equipment) if name)

    @property
    def grade(self) -> str:
        """A sensor's ticket is suspected until a person has confirmed it."""
        word = "重大" if self.is_major else "一般"
        return f"疑似{word}" if self.ticket.state is TicketState.SUSPECTED else word

    @property
    def is_major(self) -> bool:
        return self.ticket.grade is TicketGrade.MAJOR

    @property
    def is_false_alarm(self) -> bool:
        return self.ticket.state is TicketState.DISMISSED

    @property
    def stage(self) -> str:
        """At which stage it was found (检查环节), as the notices name the stages."""
        return _STAGE.get(self.ticket.source, OWN_STAGE)

    @property
    def source(self) -> str:
        """How it came to be known."""
        return _SOURCE[self.ticket.source]

    @property
    def department(self) -> str:
        """责任部门."""
        return self.ticket.plan.department or (self.ticket.line.department if self.ticket.line else "")

    @property
    def unit(self) -> str:
        """Who is responsible for the rectification: a department, or else a person; empty while nobody is."""
        return self.department or self.ticket.responsible

    @property
    def evidence(self) -> str:
        """What there is to show for it (现场证据)."""
        shown = [f"监测曲线、报警与联锁记录（证据包：工单 {self.ticket.id}）"] if self.ticket.occurrences else []
        return "；".join([*shown, *(each.file.name for each in self.ticket.attachments)])

    @property
    def description(self) -> str:
        if self.ticket.line is not None:
            return self.ticket.line.description
        if self.ticket.source is HazardSource.SENSOR:
            begun = f"{china(self.ticket.onset):%Y-%m-%d %H:%M:%S} 监测报警：{self.ticket.title.zh}"
        else:
            begun = self.ticket.description
        again = f"；其后复发 {self.ticket.recurrences} 次" if self.ticket.recurrences else ""
        before = f"；前次工单 {self.ticket.previous}" if self.ticket.previous else ""
        return begun + again + before

    @property
    def basis(self) -> str:
        """判定依据; empty where no clause is named."""
        if self.ticket.line is not None:
            return self.ticket.line.basis
        return f"{BASIS}第{'、'.join(self.ticket.clauses)}项" if self.ticket.clauses else ""

    @property
    def found_by(self) -> str:
        """排查人. Of what a sensor saw, the person who registered it is named: the system proposes only."""
        if self.ticket.line is not None:
            return self.ticket.line.found_by
        if self.ticket.source is not HazardSource.SENSOR:
            return " ".join(part for part in (self.ticket.unit, self.ticket.found_by or "匿名") if part)
        person = last_step(self.ticket, TicketAction.REGISTER)
        return f"警钟监测系统；登记 {person.by}" if person is not None else "警钟监测系统（待确认）"

    @property
    def measures(self) -> str:
        """What was done; until then, what was promised."""
        step = last_step(self.ticket, TicketAction.RECTIFY)
        if step is not None:
            return step.comment
        return self.ticket.plan.measures or (self.ticket.line.measures if self.ticket.line else "")

    @property
    def rectified_at(self) -> Instant | None:
        """When it was last reported as rectified, unless a recheck has rejected that since.

        A ledger does not say when; what came as written off was rectified by then.
        """
        for step in reversed(self.ticket.steps):
            if step.action in (TicketAction.RECTIFY, TicketAction.REJECT_RECHECK):
                return step.at if step.action == TicketAction.RECTIFY else None
        return self.written_off_at

    @property
    def written_off_at(self) -> Instant | None:
        step = last_step(self.ticket, TicketAction.WRITE_OFF)
        if step is not None:
            return step.at
        return self.ticket.line.written_off_at if self.ticket.line else None

    def mended_by(self, at: Instant) -> bool:
        """Whether it was written off before that moment: nothing less counts as mended (整改)."""
        return self.written_off_at is not None and self.written_off_at < at

    @property
    def outcome(self) -> str:
        """State in words, with what belongs to it."""
        word = _STATE[self.ticket.state]
        if self.ticket.line is not None and not any(step.action in _STAGE_ACTIONS for step in self.ticket.steps):
            return self.ticket.line.outcome or word
        if self.is_false_alarm and (step := last_step(self.ticket, TicketAction.DISMISS)) is not None:
            cause = [_CAUSE[step.cause]] if step.cause is not None else []
            return f"{word}：{'，'.join(part for part in (*cause, step.comment) if part)}"
        passed = last_step(self.ticket, TicketAction.PASS_RECHECK)
        rechecked = self.ticket.state in (TicketState.RECHECKED, TicketState.WRITTEN_OFF)
        return f"{word}（复查 {passed.by}）" if passed is not None and rechecked else word


def last_step(ticket: Ticket, action: TicketAction) -> Step | None:
    """The last step of a kind: after a rejected recheck the second rectification counts."""
    return next((step for step in reversed(ticket.steps) if step.action == action.value), None)
