"""The one place where a request says who acts. A log-in puts its person here, and no route changes.

Shapes only: that nobody is refused is decided with everything else that an action lacks.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field

LONGEST_NAME = 64


class ByPerson(BaseModel):
    """A request of a person: whatever acts on the plant's record derives from this."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    by: str = Field(max_length=LONGEST_NAME, json_schema_extra={"minLength": 1})
    """Nobody (an empty name) is refused together with whatever else the action lacks."""


ByWhom = Annotated[str, Query(max_length=LONGEST_NAME, description="Who does it.")]
"""The same for a request whose body is a file."""
