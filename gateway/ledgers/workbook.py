"""A form as a workbook that a spreadsheet program opens and that looks like the printed form. Adds nothing to it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from unicodedata import east_asian_width

from openpyxl import Workbook
from openpyxl.cell.cell import Cell as Field
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from gateway.ledgers.form import ByHand, Cell, Form

_THIN = Side(style="thin", color="000000")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_BY_HAND = PatternFill("solid", fgColor="FFF7D6")
_WRAPPED = Alignment(wrap_text=True, vertical="center")
_CENTRED = Alignment(wrap_text=True, vertical="center", horizontal="center")
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet program would take for a formula at the beginning of a text."""

_LINE = 15
"""Points."""

_A3 = 8

_LEAST_ROWS = 5
"""Printed lines of a form that has fewer entries."""


def written(form: Form) -> bytes:
    """The bytes of an .xlsx file."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101 - a new workbook has one
    sheet.title = form.title[:31]
    _Writer(sheet, form).write()
    out = BytesIO()
    book.save(out)
    return out.getvalue()


class _Writer:
    def __init__(self, sheet: Worksheet, form: Form) -> None:
        self._sheet, self._form = sheet, form
        self._width = len(form.columns)
        self._row = 1

    def write(self) -> None:
        self._line(self._form.title, Font(name="宋体", size=16, bold=True), _CENTRED, 32)
        for text in self._form.above:
            self._line(text, Font(name="宋体", size=11), _WRAPPED, 20)
        head = self._heads()
        for row in self._form.rows:
            self._entry(row)
        for _ in range(_LEAST_ROWS - len(self._form.rows)):
            self._entry(("",) * self._width)
        for text in self._form.below:
            self._line(text, Font(name="宋体", size=10), _WRAPPED, 20 + 14 * (len(text) // 90))
        self._page(head)

    def _line(self, text: str, font: Font, alignment: Alignment, height: int) -> None:
        """A text across the whole width."""
        self._merged(self._row, 1, self._row, self._width)
        field = self._field(1)
        field.value, field.font, field.alignment = text, font, alignment
        self._sheet.row_dimensions[self._row].height = height
        self._row += 1

    def _heads(self) -> int:
        """Titles of columns, with those of groups above; the last row of them."""
        first, grouped = self._row, any(column.group for column in self._form.columns)
        begin = 1
        for number, column in enumerate(self._form.columns, 1):
            self._sheet.column_dimensions[get_column_letter(number)].width = column.width
            following = self._form.columns[number].group if number < self._width else None
            if grouped and column.group:
                self._head(first + 1, number, column.title)
                if following != column.group:
                    self._head(first, begin, column.group)
                    self._merged(first, begin, first, number)
            else:
                self._head(first, number, column.title)
                if grouped:
                    self._merged(first, number, first + 1, number)
            begin = number + 1 if following != column.group else begin
        self._tall(first + grouped, [column.title for column in self._form.columns])
        self._row = first + 1 + grouped
        return self._row - 1

    def _head(self, row: int, column: int, text: str) -> None:
        field = self._sheet.cell(row, column)
        assert isinstance(field, Field)  # noqa: S101 - nothing is merged yet
        field.value, field.font, field.alignment = text, Font(name="宋体", size=11, bold=True), _CENTRED

    def _entry(self, row: tuple[Cell, ...]) -> None:
        for number, value in enumerate(row, 1):
            field = self._field(number)
            field.border, field.alignment, field.font = _BOX, _WRAPPED, Font(name="宋体", size=10)
            if isinstance(value, ByHand):
                field.fill = _BY_HAND
                value = value.known
            if isinstance(value, datetime):
                field.number_format = "yyyy-mm-dd hh:mm:ss"
            elif isinstance(value, date):
                field.number_format = "yyyy-mm-dd"
            field.value = value
            if isinstance(value, str) and value.startswith(_FORMULA):
                field.data_type = "s"
        self._tall(self._row, [value.known if isinstance(value, ByHand) else value for value in row])
        self._row += 1

    def _tall(self, row: int, values: Sequence[object]) -> None:
        """As many lines as the longest text needs: not every program works that out by itself."""
        texts = [(str(value), column.width) for value, column in zip(values, self._form.columns)]
        lines = max(sum(max(1, -(-_width(line) // width)) for line in text.split("\n")) for text, width in texts)
        self._sheet.row_dimensions[row].height = 6 + _LINE * lines

    def _field(self, column: int) -> Field:
        field = self._sheet.cell(self._row, column)
        assert isinstance(field, Field)  # noqa: S101 - only the first cell of a merged range is asked for
        return field

    def _merged(self, row: int, column: int, last_row: int, last_column: int) -> None:
        if (row, column) != (last_row, last_column):
            self._sheet.merge_cells(start_row=row, start_column=column, end_row=last_row, end_column=last_column)

    def _page(self, head: int) -> None:
        for row in self._sheet.iter_rows(min_row=len(self._form.above) + 2, max_row=head, max_col=self._width):
            for field in row:
                field.border = _BOX
        self._sheet.freeze_panes = f"A{head + 1}"
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.paperSize = _A3
        self._sheet.page_setup.fitToWidth, self._sheet.page_setup.fitToHeight = 1, 0
        self._sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        self._sheet.print_title_rows = f"1:{head}"


def _width(text: str) -> int:
    """In characters of the Latin width; a Chinese one is two."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
