"""An open recording: its rows, in parts small enough to wait for, read beside the event loop.

Knows files and nothing of points or pace. CSV with the standard library, Parquet with DuckDB.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import AsyncIterator, Generator, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from drivers.replay.address import DeviceSettings
from drivers.replay.codec import Cell, Recorded, Table, fault
from gateway.plant.model import Point

if TYPE_CHECKING:
    from _csv import Reader as CsvReader

PART = 2_000
"""Readings that are read at a time: what is held in memory of a recording of any length."""

Row = tuple[int, Sequence[Cell]]
"""Line of the file (the header is line 1; Parquet counts as if it had one) and its cells."""


def identity(settings: DeviceSettings) -> tuple[int, int] | None:
    """Changes when the file does; None while there is none."""
    try:
        found = Path(settings.file).stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


async def parts(settings: DeviceSettings, points: Sequence[Point]) -> AsyncIterator[list[Recorded]]:
    """The recording from its beginning, part by part. Raises FileFault at the first mistake."""
    rows = readings(settings, points)
    reading = None
    try:
        while True:
            reading = asyncio.ensure_future(asyncio.to_thread(next, rows, None))
            part = await asyncio.shield(reading)
            if part is None:
                return
            yield part
    finally:
        # A read that is still under way ends by itself, and closes the file as it is forgotten.
        if reading is None or reading.done():
            rows.close()


def readings(settings: DeviceSettings, points: Sequence[Point]) -> Generator[list[Recorded], None, None]:
    """The same without an event loop."""
    with closing(_csv(settings) if settings.file.lower().endswith(".csv") else _parquet(settings)) as rows:
        _, header = next(rows)
        table = Table(settings, [str(cell) for cell in header], points)
        part: list[Recorded] = []
        empty = True
        for line, cells in rows:
            part += table.row(line, cells)
            if len(part) >= PART:
                empty = False
                yield part
                part = []
        if part:
            yield part
        elif empty:
            raise fault(settings.file, "at least one value of the points of this device", "none", line=1, column=1)


def _csv(settings: DeviceSettings) -> Generator[Row, None, None]:
    try:
        with Path(settings.file).open("rb") as stream:
            yield from _lines(settings, csv.reader(_whole(settings, stream), strict=True))
    except OSError as error:
        cause = (error.strerror or str(error)).lower()
        raise fault(settings.file, "a recording to read", cause, lost=True) from error


def _whole(settings: DeviceSettings, lines: Iterable[bytes]) -> Generator[str, None, None]:
    """Lines that have an end: half a number at the end of a file that was cut is a number too."""
    for number, line in enumerate(lines, 1):
        try:
            text = line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            cell = line.count(b",", 0, error.start) + 1
            got = f"byte 0x{line[error.start]:02x}"
            raise fault(settings.file, "UTF-8", got, line=number, column=cell) from error
        if not text.endswith("\n"):
            raise fault(settings.file, "a line end after the last row", "a file that was cut", line=number, column=1)
        yield text


def _lines(settings: DeviceSettings, lines: CsvReader) -> Generator[Row, None, None]:
    try:
        for cells in lines:
            if cells:
                yield lines.line_num, cells
        if not lines.line_num:
            raise fault(settings.file, "a header line", "an empty file", line=1, column=1)
    except csv.Error as error:
        raise fault(settings.file, "well-formed CSV", str(error), line=max(1, lines.line_num), column=1) from error


def _parquet(settings: DeviceSettings) -> Generator[Row, None, None]:
    import duckdb  # a plant without recordings, and a command line that only prints a schema, start without it

    with duckdb.connect() as database:
        try:
            found = database.execute("SELECT * FROM read_parquet(?)", [settings.file])
            yield 1, [column[0] for column in found.description]
            line = 1
            while some := found.fetchmany(PART):
                for cells in some:
                    line += 1
                    yield line, cells
        except duckdb.Error as error:
            if identity(settings) is None:
                raise fault(settings.file, "a recording to read", "no such file", lost=True) from error
            raise fault(settings.file, "a Parquet file", str(error).splitlines()[0]) from error
