"""What people send: every action has a name, and where it matters a reason.

Shapes only. What a name, a reason or a time must be is decided with the state that it is about.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.person import ByPerson
from gateway.api.record_views import ExportFormat
from gateway.events.tickets import DismissalCause, HazardSource, RectificationPlan, TicketAction
from gateway.machines.hazard_report import Report
from gateway.machines.ticket_step import Move
from gateway.rule import TicketGrade
from gateway.sample import Instant


class PersonAction(ByPerson):
    """Who does it, and why."""

    comment: str = Field(default="", max_length=2000)


class ShelveRequest(PersonAction):
    """Put an alarm aside (搁置). The comment is the reason and is required."""

    duration: int = Field(default=0, ge=0, le=2**53 - 1)
    """Microseconds."""
    one_shot: bool = False
    """End with the present occurrence as well, if that is earlier."""
    second: str = Field(default="", max_length=64)
    """The person who agrees, where the alarm asks for one."""


class RemovalRequest(PersonAction):
    """Take an alarm out of service (停用). The comment is the reason and is required."""

    permit: str = Field(default="", max_length=64)
    """Number of the work permit (作业票号)."""
    second: str = Field(default="", max_length=64)


class BypassRequest(PersonAction):
    """Register the bypass of an interlock (旁路登记). The comment is the reason and is required."""

    approved_by: str = Field(default="", max_length=64)
    """Another person (批准人)."""
    measure: str = Field(default="", max_length=2000)
    """The compensating measure (补偿措施): who watches what while the interlock does not act."""
    duration: int = Field(default=0, ge=0, le=2**53 - 1)
    """Microseconds."""
    permit: str = Field(default="", max_length=64)
    """Number of the work permit (作业票号), if there is one."""


class ProofTestRequest(PersonAction):
    """Declare a proof test (联锁试验). The comment names the procedure and is required."""

    duration: int = Field(default=0, ge=0, le=2**53 - 1)
    """Microseconds."""


class HandoverRequest(PersonAction):
    """Hand a shift over (交接班): `by` leaves, `to` takes over."""

    to: str = Field(default="", max_length=64)
    digest: str = Field(default="", max_length=64)
    """Digest of the pack that both have read; refused if the pack is another by now. Empty: the pack as it is."""


class SnapshotRequest(ByPerson):
    """A history as of one moment, for a backup."""

    by: str = Field(max_length=64, min_length=1)
    """Who makes the backup, for the log."""


class ExportRequest(BaseModel):
    """Samples received in a range, as a file."""

    model_config = ConfigDict(extra="forbid")

    points: list[str] = Field(default_factory=list)
    """Ids; none means every point of the plant file."""
    start: int
    end: int
    format: ExportFormat = ExportFormat.CSV


_LATEST = 2**53 - 1


class TicketRequest(PersonAction):
    """One step of a ticket. What each step needs is refused all at once where it is missing."""

    action: TicketAction
    responsible: str = Field(default="", max_length=64)
    """责任人, for `assign`."""
    due: int | None = Field(default=None, ge=0, le=_LATEST)
    """整改时限, for `assign` and `extend`: microseconds since 1970 UTC."""
    department: str = Field(default="", max_length=64)
    """责任部门."""
    measures: str = Field(default="", max_length=2000)
    """整改措施, for `assign` of a major hazard."""
    funds: str = Field(default="", max_length=200)
    """整改资金, likewise."""
    emergency_plan: str = Field(default="", max_length=2000)
    """应急预案, likewise."""
    interim: str = Field(default="", max_length=2000)
    """防范措施 until it is done, for `extend` and for a deadline beyond the limit."""
    approver: str = Field(default="", max_length=64)
    """批准人: the second person, where the step needs one."""
    grade: TicketGrade | None = None
    """For `assess`; for `register` if it is another than was proposed."""
    cause: DismissalCause | None = None
    """误报原因, for `dismiss`."""
    authority: str = Field(default="", max_length=200)
    """挂牌督办单位, for `supervise`."""
    document: str = Field(default="", max_length=200)
    """文号."""
    scope: str = Field(default="", max_length=200)
    """停产范围, for `stop_production`."""

    def move(self) -> Move:
        return Move(
            action=self.action,
            by=self.by,
            comment=self.comment,
            responsible=self.responsible,
            due=None if self.due is None else Instant(self.due),
            plan=RectificationPlan(self.department, self.measures, self.funds, self.emergency_plan, self.interim),
            approver=self.approver,
            grade=self.grade,
            cause=self.cause,
            authority=self.authority,
            document=self.document,
            scope=self.scope,
        )


class ReportRequest(ByPerson):
    """A hazard that a person found (排查登记)."""

    source: HazardSource
    by: str = Field(default="", max_length=64)
    """排查人; empty only where `anonymous` is set."""
    anonymous: bool = False
    """For an employee's or the public's report: no name is kept anywhere."""
    title: str = Field(default="", max_length=120)
    """隐患名称."""
    description: str = Field(default="", max_length=2000)
    """隐患描述."""
    grade: TicketGrade
    area: str = Field(default="", max_length=120)
    """Id of the area; that of the equipment if left out."""
    equipment: str = Field(default="", max_length=120)
    clauses: list[str] = Field(default_factory=list, max_length=10)
    """判定依据: clauses of the criteria."""
    unit: str = Field(default="", max_length=120)
    """检查单位, for an inspection."""
    found_at: int | None = Field(default=None, ge=0, le=_LATEST)
    """Microseconds since 1970 UTC; now if left out. With the words, it is what makes the report the same one."""
    previous: str = Field(default="", max_length=64)
    """The closed ticket of the same hazard; looked for by name and place if left out."""

    def report(self) -> Report:
        return Report(
            source=self.source,
            by=self.by,
            title=self.title,
            description=self.description,
            grade=self.grade,
            area=self.area,
            equipment=self.equipment,
            clauses=tuple(dict.fromkeys(self.clauses)),
            unit=self.unit,
            found_at=None if self.found_at is None else Instant(self.found_at),
            anonymous=self.anonymous,
            previous=self.previous,
        )
