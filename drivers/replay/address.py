"""What a plant file says of a recording: the file, its columns, and how it is played.

Pure data: nothing here opens the file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from drivers.judgement import Verdicts
from drivers.source_time import TimeFormat, Zone
from gateway.plant.files import FileName

SUFFIXES = (".csv", ".parquet")


def _known(file: str) -> str:
    if not file.lower().endswith(SUFFIXES):
        raise ValueError(f"expected a file that ends in {' or '.join(SUFFIXES)}, got {file!r}")
    return file


class Times(StrEnum):
    """What becomes of the recorded times."""

    SHIFTED = "shifted"
    """Moved so that the recording happens now."""
    ORIGINAL = "original"
    """As recorded: the values are as old as they are, and count as stale accordingly."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class DeviceSettings(_Frozen):
    """A recording that is played as if it were a device."""

    file: Annotated[FileName, AfterValidator(_known)]
    """CSV with a header line, in UTF-8, or Parquet; relative to the plant file."""
    time: str = Field(default="time", min_length=1)
    """Column of the times; they never go back from one row to the next."""
    time_format: TimeFormat = "auto"
    """How the times are written."""
    time_zone: Zone | None = None
    """Zone of times that are written without one."""
    names: str | None = Field(default=None, min_length=1)
    """Column that names the point, in a table with a row for each value. Left out: a column for each point."""
    values: str = Field(default="value", min_length=1)
    """Column of the values, in a table with a row for each value."""
    qualities: str | None = Field(default=None, min_length=1)
    """Column of the quality words, in a table with a row for each value."""
    speed: Annotated[float, Field(gt=0, le=1e6, allow_inf_nan=False)] | Literal["max"] = 1.0
    """1 as recorded, 60 a minute in a second, `max` as fast as the gateway takes it."""
    times: Times = Times.SHIFTED
    repeat: bool = False
    """Whether to begin again at the end. Left out, the points are disconnected from then on."""


class PointAddress(Verdicts):
    """Where a point stands in the recording."""

    column: str = Field(min_length=1)
    """Name of its column; where the table has a row for each value, its name in the column of names."""
    quality: str | None = Field(default=None, min_length=1)
    """Column of the quality words, where the table has a column for each point."""


class OutputAddress(_Frozen):
    """A recording takes no commands: every write is refused with a receipt that says so."""
