"""One ticket as ledgers tell of it: who found it and when, what was done, whether it is over."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.events.tickets import TicketAction, TicketState
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


@dataclass(frozen=True, slots=True)
class Account:
    """A ticket beside the plant that it is of."""

    ticket: Ticket
    plant: Plant

    @property
    def area(self) -> str:
        """In the plant file's words; its id where the plant file has it no more."""
        return next((a.name.zh for a in self.plant.areas if a.id == self.ticket.area), self.ticket.area)

    @property
    def equipment(self) -> str:
        """In the plant file's words, like the area."""
        found = (each.name.zh for each in self.plant.equipment if each.id == self.ticket.equipment)
        return next(found, self.ticket.equipment)

    @property
    def place(self) -> str:
        """Area and equipment."""
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
        return OWN_STAGE

    @property
    def source(self) -> str:
        """How it came to be known."""
        return "监测报警"

    @property
    def unit(self) -> str:
        """Who is responsible for the rectification; empty while nobody is."""
        return self.ticket.responsible

    @property
    def evidence(self) -> str:
        """What there is to show for it (现场证据)."""
        return f"监测曲线、报警与联锁记录（证据包：工单 {self.ticket.id}）"

    @property
    def description(self) -> str:
        begun = f"{china(self.ticket.onset):%Y-%m-%d %H:%M:%S} 监测报警：{self.ticket.title.zh}"
        again = f"；其后复发 {self.ticket.recurrences} 次" if self.ticket.recurrences else ""
        before = f"；前次工单 {self.ticket.previous}" if self.ticket.previous else ""
        return begun + again + before

    @property
    def basis(self) -> str:
        return f"{BASIS}第{'、'.join(self.ticket.clauses)}项"

    @property
    def found_by(self) -> str:
        """The system proposes; the person who registered it is named."""
        person = self._step(TicketAction.REGISTER)
        return f"警钟监测系统；登记 {person.by}" if person is not None else "警钟监测系统（待确认）"

    @property
    def measures(self) -> str:
        step = self._step(TicketAction.RECTIFY)
        return step.comment if step is not None else ""

    @property
    def rectified_at(self) -> Instant | None:
        """When it was last reported as rectified, unless a recheck has rejected that since."""
        for step in reversed(self.ticket.steps):
            if step.action in (TicketAction.RECTIFY, TicketAction.REJECT_RECHECK):
                return step.at if step.action == TicketAction.RECTIFY else None
        return None

    def mended_by(self, at: Instant) -> bool:
        """Whether it was written off before that moment: nothing less counts as mended (整改)."""
        return self.written_off_at is not None and self.written_off_at < at

    @property
    def written_off_at(self) -> Instant | None:
        step = self._step(TicketAction.WRITE_OFF)
        return step.at if step is not None else None

    @property
    def outcome(self) -> str:
        """State in words, with what belongs to it."""
        word = _STATE[self.ticket.state]
        if self.is_false_alarm and (step := self._step(TicketAction.DISMISS)) is not None:
            return f"{word}：{step.comment}"
        passed = self._step(TicketAction.PASS_RECHECK)
        return f"{word}（复查 {passed.by}）" if passed is not None else word

    def _step(self, action: TicketAction) -> Step | None:
        """The last step of this kind: after a rejected recheck the second rectification counts."""
        return next((step for step in reversed(self.ticket.steps) if step.action == action.value), None)
