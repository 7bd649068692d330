"""What people send: every action has a name, and where it matters a reason.

Shapes only. What a name, a reason or a time must be is decided with the state that it is about.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from gateway.api.record_views import ExportFormat
from gateway.events.tickets import TicketAction


class PersonAction(BaseModel):
    """Who does it, and why. Accounts come later; the shape is ready for them."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    by: str = Field(max_length=64, json_schema_extra={"minLength": 1})
    """Nobody (an empty name) is refused together with whatever else the action lacks."""
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


class HandoverRequest(PersonAction):
    """Hand a shift over (交接班): `by` leaves, `to` takes over."""

    to: str = Field(default="", max_length=64)
    digest: str = Field(default="", max_length=64)
    """Digest of the pack that both have read; refused if the pack is another by now. Empty: the pack as it is."""


class SnapshotRequest(BaseModel):
    """A history as of one moment, for a backup."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

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


class TicketRequest(PersonAction):
    """One step of a ticket. `assign` needs `responsible` and `due`."""

    action: TicketAction
    responsible: str = Field(default="", max_length=64)
    due: int | None = Field(default=None, ge=0, le=2**53 - 1)
