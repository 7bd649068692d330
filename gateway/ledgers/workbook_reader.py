"""A workbook that somebody hands in, as plain values: bounded before anything in it is unpacked or believed.

Takes bytes and does nothing with what it reads. Formulas count as what they showed when the file was saved.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from io import BytesIO
from posixpath import join, normpath
from typing import TypeAlias
from xml.etree import ElementTree  # a document with a DTD is refused before it is parsed
from zipfile import BadZipFile, ZipFile

from openpyxl import load_workbook
from openpyxl.utils import get_column_letter
from openpyxl.utils.cell import range_boundaries

from gateway.errors import Problem, RequestRefused

LARGEST_FILE = 8 * 2**20
"""Bytes; a ledger of some thousand hazards has less than one million."""

LARGEST_UNPACKED = 32 * 2**20
"""Bytes of all parts together: a compressed file of some kilobytes can hold gigabytes of nothing."""

MOST_PARTS = 500
MOST_SHEETS = 60
MOST_ROWS = 5_000
"""Rows of a sheet. Whatever stands below is told of, never left out."""

MOST_COLUMNS = 100
"""A sheet can claim 16,384."""

MOST_MERGED = 5_000
"""Merged ranges of a sheet."""

_CHUNK = 2**16
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_OLE = bytes.fromhex("D0CF11E0A1B11AE1")
"""How a workbook of before 2007 begins, and one with a password."""

_DTD = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_BROKEN = (
    BadZipFile, ElementTree.ParseError, KeyError, ValueError, TypeError, AttributeError, IndexError, OSError, EOFError,
    OverflowError, NotImplementedError, zlib.error,
)  # fmt: skip
"""What the parts of a damaged or foreign file make their readers raise."""

Value: TypeAlias = str | int | float | bool | datetime | date | time | timedelta | None


@dataclass(frozen=True, slots=True)
class Range:
    """Merged cells; all four ends belong to it, 1-based."""

    top: int
    left: int
    bottom: int
    right: int

    def holds(self, row: int, column: int) -> bool:
        return self.top <= row <= self.bottom and self.left <= column <= self.right

    def __str__(self) -> str:
        return f"{get_column_letter(self.left)}{self.top}:{get_column_letter(self.right)}{self.bottom}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its rows from the first, as wide as the widest of them that holds anything."""

    name: str
    rows: Sequence[tuple[Value, ...]]
    merged: Sequence[Range]

    def at(self, row: int, column: int) -> Value:
        """1-based; None where nothing stands."""
        values = self.rows[row - 1] if 0 < row <= len(self.rows) else ()
        return values[column - 1] if 0 < column <= len(values) else None


def read_workbook(data: bytes, name: str) -> tuple[Sheet, ...]:
    """The sheets of an .xlsx file in their order; raises RequestRefused for what is none, or is out of bounds."""
    _bounded(len(data), LARGEST_FILE, name, "bytes")
    if data[: len(_OLE)] == _OLE:
        raise _refused(name, "an .xlsx workbook", "one of before 2007 (.xls), or one with a password")
    try:
        with ZipFile(BytesIO(data)) as archive:
            _check_parts(archive, name)
            places = _sheet_parts(archive)
            _bounded(len(places), MOST_SHEETS, name, "sheets")
            outlines = {sheet: _outline(archive, part, f"{name}!{sheet}") for sheet, part in places.items()}
        return tuple(_sheets(data, outlines))
    except _BROKEN as error:
        got = f"a file that cannot be read as one ({type(error).__name__}: {str(error)[:100]})"
        raise _refused(name, "an .xlsx workbook", got) from error


def _check_parts(archive: ZipFile, name: str) -> None:
    """Unpack every part once, without keeping it: what the file says of its own sizes is not believed."""
    parts = archive.infolist()
    _bounded(len(parts), MOST_PARTS, name, "parts")
    _bounded(sum(part.file_size for part in parts), LARGEST_UNPACKED, name, "bytes when unpacked")
    if any(part.flag_bits & 1 for part in parts):
        raise _refused(name, "a workbook without a password", "an encrypted one")
    total = 0
    for part in parts:
        with archive.open(part) as stream:
            tail = b""
            while chunk := stream.read(_CHUNK):
                total += len(chunk)
                _bounded(total, LARGEST_UNPACKED, name, "bytes when unpacked")
                # A text of two bytes a character has zeros between them.
                if _DTD.search((tail + chunk).replace(b"\0", b"")):
                    raise _refused(name, "parts without a document type", f"one in {part.filename}")
                tail = chunk[-32:]


def _sheet_parts(archive: ZipFile) -> dict[str, str]:
    """Part by sheet name, in the workbook's order."""
    relations = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - bounded, no DTD
    targets = {each.get("Id", ""): each.get("Target", "") for each in relations}
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
    found = {}
    for sheet in book.iter(f"{_MAIN}sheet"):
        target = targets[sheet.get(_RELATION, "")]
        part = target.lstrip("/") if target.startswith("/") else normpath(join("xl", target))
        if "worksheets/" in part:
            found[sheet.get("name", "")] = part
    return found


@dataclass(frozen=True, slots=True)
class _Outline:
    """How far a sheet reaches, and what is merged in it."""

    rows: int
    columns: int
    merged: tuple[Range, ...]


def _outline(archive: ZipFile, part: str, name: str) -> _Outline:
    """Walk the sheet's part; what is only formatted counts for nothing."""
    rows = columns = row = column = 0
    merged: list[Range] = []
    with archive.open(part) as stream:
        for event, element in ElementTree.iterparse(stream, ("start", "end")):  # noqa: S314
            tag = element.tag
            if event == "start":
                if tag == f"{_MAIN}row":
                    row, column = int(element.get("r") or row + 1), 0
                continue
            if tag == f"{_MAIN}c":
                place = element.get("r")
                column = int(range_boundaries(place)[0] or 0) if place else column + 1
                if len(element):
                    rows, columns = max(rows, row), max(columns, column)
            elif tag == f"{_MAIN}mergeCell":
                left, top, right, bottom = (int(each or 0) for each in range_boundaries(element.get("ref", "")))
                merged.append(Range(top, left, bottom, right))
                _bounded(len(merged), MOST_MERGED, name, "merged ranges")
            if tag not in (f"{_MAIN}v", f"{_MAIN}is"):
                element.clear()
    _bounded(rows, MOST_ROWS, name, "rows")
    _bounded(columns, MOST_COLUMNS, name, "columns")
    return _Outline(rows, columns, tuple(merged))


def _sheets(data: bytes, outlines: dict[str, _Outline]) -> Iterator[Sheet]:
    book = load_workbook(BytesIO(data), read_only=True, data_only=True, keep_links=False)
    try:
        for name, outline in outlines.items():
            rows: list[tuple[Value, ...]] = []
            if outline.rows and outline.columns:
                rows = list(
                    book[name].iter_rows(max_row=outline.rows, max_col=outline.columns, values_only=True)  # type: ignore[arg-type]
                )
            yield Sheet(name, rows, outline.merged)
    finally:
        book.close()


def _bounded(size: int, most: int, name: str, what: str) -> None:
    if size > most:
        raise _refused(name, f"at most {most:,} {what}", f"{size:,}")


def _refused(name: str, expected: str, got: str) -> RequestRefused:
    return RequestRefused([Problem(name, 0, 0, name, expected, got)])
