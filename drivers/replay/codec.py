"""Rows of a recording to readings. Sans-IO: told the header and the cells, knows no file and no clock.

An empty cell is nothing recorded: no reading, and the point grows old by itself. What is no number and no
time is a mistake in the file, told with line and column, and never a value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from drivers.judgement import Judge
from drivers.link import own
from drivers.replay.address import DeviceSettings, PointAddress
from drivers.source_time import TimeReader
from gateway.errors import Problem
from gateway.plant.model import Point
from gateway.sample import Instant, Quality, Reason

Cell = object
"""Text from CSV; whatever the column holds from Parquet; None or blank for nothing."""
_NUMBERS = {"true": 1.0, "false": 0.0}


class FileFault(Exception):
    """A mistake in the recording, at the place where it can be mended."""

    def __init__(self, problem: Problem, reason: Reason) -> None:
        self.problem = problem
        self.reason = reason
        """What the points carry because of it."""
        super().__init__(str(problem))


def fault(
    file: str, expected: str, got: str, *, line: int = 0, column: int = 0, field: str = "", lost: bool = False
) -> FileFault:
    """A mistake at a line and a cell, both counted from 1; `lost` where there is no file at all."""
    reason = Reason.DISCONNECTED if lost else Reason.MALFORMED
    return FileFault(Problem(file, line, column, field, expected, got), reason)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One reading in the recording; NaN where BAD."""

    time: Instant
    point: int
    value: float
    quality: Quality
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Source:
    point: int
    judge: Judge
    value: int
    """Place of its column."""
    quality: int | None


class Table:
    """The columns of one recording, found once; `row` for each row, in order."""

    def __init__(self, settings: DeviceSettings, header: Sequence[str], points: Sequence[Point]) -> None:
        """Raises FileFault for a column that is not there, naming those that are."""
        self._file = settings.file
        self._header = list(header)
        self._time = self._place(settings.time)
        self._reader = TimeReader(settings.time_format, settings.time_zone)
        self._names = None if settings.names is None else self._place(settings.names)
        self._wide: list[_Source] = []
        self._long: dict[str, list[_Source]] = {}
        self._last = Instant(0)
        for point in points:
            address = own(PointAddress, point.address, point.id)
            judge = Judge.of(point.low, point.high, address)
            if self._names is None:
                quality = None if address.quality is None else self._place(address.quality)
                self._wide.append(_Source(point.index, judge, self._place(address.column), quality))
            else:
                quality = None if settings.qualities is None else self._place(settings.qualities)
                source = _Source(point.index, judge, self._place(settings.values), quality)
                self._long.setdefault(address.column, []).append(source)

    def _place(self, column: str) -> int:
        if column not in self._header:
            known = ", ".join(self._header[:20])
            raise fault(self._file, f"a column {column!r}", f"only {known}", line=1, column=1)
        return self._header.index(column)

    def _wrong(self, line: int, place: int, expected: str, cell: Cell) -> FileFault:
        return fault(self._file, expected, repr(cell), line=line, column=place + 1, field=self._header[place])

    def row(self, line: int, cells: Sequence[Cell]) -> list[Recorded]:
        """What one row says. Raises FileFault."""
        if len(cells) != len(self._header):
            expected = f"{len(self._header)} cells as in the header"
            raise fault(self._file, expected, str(len(cells)), line=line, column=min(len(cells), len(self._header)))
        time = self._at(line, cells[self._time])
        if self._names is None:
            sources: Sequence[_Source] = self._wide
        else:
            sources = self._long.get(str(cells[self._names]), ())
        found = []
        for source in sources:
            cell = cells[source.value]
            if cell is None or (isinstance(cell, str) and not cell.strip()):
                continue
            found.append(self._recorded(line, time, source, cell, cells))
        return found

    def _at(self, line: int, cell: Cell) -> Instant:
        time = self._reader.read(cell.isoformat() if isinstance(cell, datetime) else cell)
        if time is None:
            raise self._wrong(line, self._time, "a time (with a zone, or set time_zone)", cell)
        if time < self._last:
            raise self._wrong(line, self._time, "a time not before that of the row above", cell)
        self._last = time
        return time

    def _recorded(self, line: int, time: Instant, source: _Source, cell: Cell, cells: Sequence[Cell]) -> Recorded:
        number = _number(cell)
        if number is None:
            raise self._wrong(line, source.value, "a number or nothing", cell)
        quality, reason = source.judge.number(number)
        if source.quality is not None:
            word = cells[source.quality]
            said = source.judge.word(word if isinstance(word, (str, bool, int, float)) else "")
            quality, reason = max((quality, reason), said, key=lambda pair: pair[0])
        return Recorded(time, source.point, number if quality < Quality.BAD else float("nan"), quality, reason)


def _number(cell: Cell) -> float | None:
    if isinstance(cell, (bool, int, float)):
        return float(cell)
    text = str(cell).strip()
    if text.casefold() in _NUMBERS:
        return _NUMBERS[text.casefold()]
    try:
        return float(text) if "_" not in text else None
    except ValueError:
        return None
