"""Files that a plant file names, such as certificates and recordings: what their names are relative to.

Opens nothing; whether a file is there is for `DriverKind.examine` to find.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

_FOLDER = "folder"


def beside(file: str) -> Mapping[str, PurePath]:
    """The pydantic context in which names are relative to the folder of this plant file."""
    return {_FOLDER: PurePath(file).parent}


def _located(name: str, info: ValidationInfo) -> str:
    folder = info.context.get(_FOLDER) if isinstance(info.context, Mapping) else None
    return str(folder / name) if isinstance(folder, PurePath) else name


FileName = Annotated[str, Field(min_length=1), AfterValidator(_located)]
"""A file, absolute or relative to the plant file's folder; without a plant file, to where the program runs."""
