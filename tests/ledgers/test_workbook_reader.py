"""Workbooks that are none, or that would fill the memory: refused within bounds, and never half read."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from gateway.errors import RequestRefused
from gateway.ledgers import workbook_reader
from gateway.ledgers.workbook_reader import Range, read_workbook

MEGABYTE = 2**20
SHEET = "xl/worksheets/sheet1.xml"


def made(fill: Callable[[Worksheet], None] = lambda _: None) -> bytes:
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)
    sheet["A1"] = "值"
    fill(sheet)
    out = BytesIO()
    book.save(out)
    return out.getvalue()


def with_part(name: str, content: bytes, *, data: bytes | None = None) -> bytes:
    """A sound workbook with one part exchanged or added."""
    out = BytesIO()
    with ZipFile(BytesIO(data or made())) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        new.writestr(name, content)
    return out.getvalue()


def refusal(data: bytes) -> tuple[str, str]:
    with pytest.raises(RequestRefused) as refused:
        read_workbook(data, "x.xlsx")
    (problem,) = refused.value.problems
    return problem.expected, problem.got


def test_values_and_merged_ranges_come_as_they_stand() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["C2"] = 5
        sheet.merge_cells("A4:B5")

    (sheet,) = read_workbook(made(fill), "x.xlsx")
    assert (sheet.at(1, 1), sheet.at(2, 3), sheet.at(9, 9), sheet.merged) == ("值", 5, None, (Range(4, 1, 5, 2),))


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (b"", "BadZipFile"),
        (b"name,place\n1,2\n", "BadZipFile"),
        (bytes.fromhex("D0CF11E0A1B11AE1") + bytes(600), "one of before 2007 (.xls), or one with a password"),
        (made()[:700], "BadZipFile"),
        (with_part("xl/workbook.xml", b"<not closed"), "ParseError"),
        (with_part("xl/_rels/workbook.xml.rels", b"<Relationships/>"), "KeyError"),
        (with_part(SHEET, b"\x00\x01\x02"), "ParseError"),
        (with_part(SHEET, b"<worksheet><row r='x'/></worksheet>"), None),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(data: bytes, got: str | None) -> None:
    if got is None:
        assert [sheet.rows for sheet in read_workbook(data, "x.xlsx")] == [[]]
        return
    expected, found = refusal(data)
    assert expected == "an .xlsx workbook"
    assert got in found


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = with_part("xl/media/bomb.bin", bytes(200 * MEGABYTE))
    assert len(bomb) < MEGABYTE
    tracemalloc.start()
    expected, got = refusal(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (expected, int(got.replace(",", "")) > 200 * MEGABYTE) == ("at most 33,554,432 bytes when unpacked", True)
    assert peak < 8 * MEGABYTE


def test_a_part_that_lies_about_its_size_is_refused_as_well() -> None:
    bomb = bytearray(with_part("xl/media/bomb.bin", bytes(64 * MEGABYTE)))
    size = (64 * MEGABYTE).to_bytes(4, "little")
    while (at := bomb.find(size)) >= 0:
        bomb[at : at + 4] = (10).to_bytes(4, "little")
    expected, got = refusal(bytes(bomb))
    assert expected == "an .xlsx workbook"
    assert "CRC" in got


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>', "parts without a document type"),
        ('<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>'.encode("utf-16"), "parts without a document type"),
        (b" " * (2**16 - 4) + b"<!DOCTYPE x><worksheet/>", "parts without a document type"),
    ],
)
def test_a_document_type_is_refused_wherever_it_stands(content: bytes, expected: str) -> None:
    assert refusal(with_part(SHEET, content))[0] == expected


@pytest.mark.parametrize(
    ("place", "expected", "got"),
    [
        ("A1048576", "at most 5,000 rows", "1,048,576"),
        ("XFD1", "at most 100 columns", "16,384"),
    ],
)
def test_a_cell_at_the_end_of_the_world_is_told_of_and_not_left_out(place: str, expected: str, got: str) -> None:
    def fill(sheet: Worksheet) -> None:
        sheet[place] = "weit draussen"

    assert refusal(made(fill)) == (expected, got)


def test_cells_that_are_only_formatted_and_ranges_that_only_claim_to_be_large_do_no_harm() -> None:
    def fill(sheet: Worksheet) -> None:
        sheet["B1048576"].number_format = "0.00"

    (sheet,) = read_workbook(made(fill), "x.xlsx")
    assert len(sheet.rows) == 1
    content = (
        b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><dimension ref="A1:XFD1048576"/>'
        b'<sheetData><row r="1"><c r="A1"><v>1</v></c></row></sheetData>'
        b'<mergeCells count="1"><mergeCell ref="A2:XFD1048576"/></mergeCells></worksheet>'
    )
    (sheet,) = read_workbook(with_part(SHEET, content), "x.xlsx")
    assert (sheet.rows, sheet.merged) == ([(1,)], (Range(2, 1, 1_048_576, 16_384),))


def test_too_large_a_file_and_too_many_sheets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert refusal(bytes(workbook_reader.LARGEST_FILE + 1))[0] == "at most 8,388,608 bytes"
    book = Workbook()
    for _ in range(workbook_reader.MOST_SHEETS):
        book.create_sheet()
    out = BytesIO()
    book.save(out)
    assert refusal(out.getvalue()) == ("at most 60 sheets", "61")
