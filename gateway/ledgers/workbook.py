"""Forms as a workbook that a spreadsheet program opens and that looks like the printed form. Adds nothing to them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from unicodedata import east_asian_width

from openpyxl import Workbook
from openpyxl.cell.cell import ERROR_CODES, ILLEGAL_CHARACTERS_RE
from openpyxl.cell.cell import Cell as Field
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from gateway.ledgers.form import ByHand, Cell, Coloured, Form, Line, Share
from gateway.plant.risk import RiskColour

_THIN = Side(style="thin", color="000000")
_BOX = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_BY_HAND = PatternFill("solid", fgColor="FFF7D6")
_COLOURS = {
    RiskColour.RED: (PatternFill("solid", fgColor="FF0000"), "FFFFFF"),
    RiskColour.ORANGE: (PatternFill("solid", fgColor="FF9900"), "000000"),
    RiskColour.YELLOW: (PatternFill("solid", fgColor="FFFF00"), "000000"),
    RiskColour.BLUE: (PatternFill("solid", fgColor="0066FF"), "FFFFFF"),
}
"""Fill, and the colour of the text on it."""

_WRAPPED = Alignment(wrap_text=True, vertical="center")
_CENTRED = Alignment(wrap_text=True, vertical="center", horizontal="center")
_FORMULA = ("=", "+", "-", "@")
"""What a spreadsheet program would take for a formula at the beginning of a text."""

_FACE = "宋体"
_HEAD_FACE = "黑体"
_LINE = 13
"""Points of a line of text in the table."""

_A4 = 9
_MARGIN, _HEADER = 0.4, 0.3
"""Inches; a table on A4 needs the width."""

_LEAST_ROWS = 5
"""Printed lines of a form that has fewer entries."""

_SHORT = 14
"""Characters; a column with nothing longer is centred, as on the printed forms."""


def written(*forms: Form) -> bytes:
    """The bytes of an .xlsx file, a sheet a form."""
    book = Workbook()
    assert book.active is not None  # noqa: S101 - a new workbook has one
    book.remove(book.active)
    for form in forms:
        sheet = book.create_sheet((form.sheet or form.title)[:31])
        assert isinstance(sheet, Worksheet)  # noqa: S101 - the workbook is not write-only
        _Writer(sheet, form).write()
    out = BytesIO()
    book.save(out)
    return out.getvalue()


class _Writer:
    def __init__(self, sheet: Worksheet, form: Form) -> None:
        self._sheet, self._form = sheet, form
        self._width = len(form.columns)
        self._row = 1
        self._centred = [all(_is_short(row[at]) for row in form.rows) for at in range(self._width)]

    def write(self) -> None:
        if self._form.annex:
            self._line((self._form.annex,), Font(name=_HEAD_FACE, size=12), 20)
        self._line((self._form.title,), Font(name=_HEAD_FACE, size=16, bold=True), 32, _CENTRED)
        for parts in self._form.above:
            self._line(parts, Font(name=_FACE, size=11), 20)
        top = self._row
        first = self._heads()
        for row in self._form.rows:
            self._entry(row)
        for _ in range(_LEAST_ROWS - len(self._form.rows)):
            self._entry(("",) * self._width)
        self._joined(first)
        for parts in self._form.below:
            self._line(parts, Font(name=_FACE, size=10), self._lines_of(parts) * _LINE + 6)
        self._page(top, first - 1, self._row - 1)
        self._row += 1
        for text in self._form.remarks:
            self._line((text,), Font(name=_FACE, size=9, color="808080"), self._lines_of((text,)) * _LINE + 4)

    def _line(self, parts: Line, font: Font, height: int, alignment: Alignment = _WRAPPED) -> None:
        """Texts beside each other across the whole width."""
        for column, last, text in self._spread(parts):
            self._merged(self._row, column, self._row, last)
            field = self._field(self._row, column)
            field.value, field.font, field.alignment = _shown(text), font, alignment
        self._sheet.row_dimensions[self._row].height = height
        self._row += 1

    def _spread(self, parts: Line) -> list[tuple[int, int, str]]:
        """First and last column of each part, so that their widths are about equal."""
        total = sum(column.width for column in self._form.columns)
        placed: list[tuple[int, int, str]] = []
        begin, sofar = 1, 0
        for number, column in enumerate(self._form.columns, 1):
            sofar += column.width
            share = total * (len(placed) + 1) / len(parts)
            if number == self._width or (sofar >= share - column.width / 2 and len(placed) < len(parts) - 1):
                placed.append((begin, number, parts[len(placed)]))
                begin = number + 1
        return placed

    def _lines_of(self, parts: Line) -> int:
        """Lines that the longest of the parts takes."""
        widths = [sum(self._form.columns[n - 1].width for n in range(a, b + 1)) for a, b, _ in self._spread(parts)]
        return max(_lines(text, width) for text, width in zip(parts, widths))

    def _heads(self) -> int:
        """Titles of columns, with those of groups above; the first row under them."""
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
        if grouped:
            self._sheet.row_dimensions[first].height = 6 + _LINE
        self._tall(first + grouped, [column.title for column in self._form.columns])
        self._row = first + 1 + grouped
        return self._row

    def _head(self, row: int, column: int, text: str) -> None:
        field = self._field(row, column)
        field.value, field.font, field.alignment = text, Font(name=_HEAD_FACE, size=10), _CENTRED

    def _entry(self, row: tuple[Cell, ...]) -> None:
        for number, value in enumerate(row, 1):
            field = self._field(self._row, number)
            field.border, field.font = _BOX, Font(name=_FACE, size=10)
            if isinstance(value, ByHand):
                field.fill = _BY_HAND
            elif isinstance(value, Coloured):
                field.fill, colour = _COLOURS[value.colour]
                field.font = Font(name=_FACE, size=10, bold=True, color=colour)
            shown = _shown(value)
            centred = self._centred[number - 1] or isinstance(value, Coloured)
            field.alignment = _CENTRED if centred else _WRAPPED
            if isinstance(shown, datetime):
                field.number_format = "yyyy-mm-dd hh:mm"
            elif isinstance(shown, date):
                field.number_format = "yyyy-mm-dd"
            elif isinstance(shown, float):
                field.number_format = "0.0%"
            field.value = shown
            if isinstance(shown, str) and (shown.startswith(_FORMULA) or shown in ERROR_CODES):
                field.data_type = "s"
        self._tall(self._row, [_shown(value) for value in row])
        self._row += 1

    def _joined(self, first: int) -> None:
        """One cell for the same text in neighbouring rows, in columns that ask for it."""
        for number, column in enumerate(self._form.columns, 1):
            if not column.joined:
                continue
            texts = [row[number - 1] for row in self._form.rows]
            begin = 0
            for at in range(1, len(texts) + 1):
                if at == len(texts) or texts[at] != texts[begin]:
                    self._merged(first + begin, number, first + at - 1, number)
                    begin = at

    def _tall(self, row: int, values: Sequence[object]) -> None:
        """As many lines as the longest text needs: not every program works that out by itself."""
        texts = [
            (value if isinstance(value, str) and not column.joined else "", column.width)
            for value, column in zip(values, self._form.columns)
        ]
        self._sheet.row_dimensions[row].height = 6 + _LINE * max(_lines(text, width) for text, width in texts)

    def _field(self, row: int, column: int) -> Field:
        field = self._sheet.cell(row, column)
        assert isinstance(field, Field)  # noqa: S101 - only the first cell of a merged range is asked for
        return field

    def _merged(self, row: int, column: int, last_row: int, last_column: int) -> None:
        if (row, column) != (last_row, last_column):
            self._sheet.merge_cells(start_row=row, start_column=column, end_row=last_row, end_column=last_column)

    def _page(self, top: int, head: int, last: int) -> None:
        """Rows `top` to `head` are the heads, which stand on every page; the form ends with row `last`."""
        for row in self._sheet.iter_rows(min_row=top, max_row=head, max_col=self._width):
            for field in row:
                field.border = _BOX
        self._sheet.freeze_panes = f"A{head + 1}"
        self._sheet.page_setup.orientation = "landscape"
        self._sheet.page_setup.paperSize = _A4
        self._sheet.page_setup.fitToWidth, self._sheet.page_setup.fitToHeight = 1, 0
        self._sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
        self._sheet.page_margins.left = self._sheet.page_margins.right = _MARGIN
        self._sheet.page_margins.top = self._sheet.page_margins.bottom = _MARGIN + _HEADER
        self._sheet.page_margins.header = self._sheet.page_margins.footer = _HEADER
        self._sheet.print_options.horizontalCentered = True
        footer = self._sheet.oddFooter
        if footer is not None and footer.center is not None:
            footer.center.text = "第 &P 页 共 &N 页"
        self._sheet.print_title_rows = f"1:{head}"
        self._sheet.print_area = f"A1:{get_column_letter(self._width)}{last}"


def _shown(value: Cell) -> str | int | float | date | datetime:
    """What the cell holds; control characters that no workbook can hold show as a replacement mark."""
    match value:
        case ByHand(known=text) | Coloured(text=text) | str(text):
            return ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text)
        case Share():
            ratio = value.ratio
            return "—" if ratio is None else ratio
        case _:
            return value


def _is_short(value: Cell) -> bool:
    shown = _shown(value)
    return not isinstance(shown, str) or ("\n" not in shown and _width(shown) <= _SHORT)


def _lines(text: str, width: int) -> int:
    """Lines of a text in a column; the margins of a cell take about a character."""
    return sum(max(1, -(-_width(line) // max(1, width - 1))) for line in text.split("\n"))


def _width(text: str) -> int:
    """In characters of the Latin width; a Chinese one is two."""
    return sum(2 if east_asian_width(each) in "WF" else 1 for each in text)
