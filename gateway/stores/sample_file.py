"""Samples from a CSV or Parquet file, in order of receipt, for a back-test that needs no gateway's history.

Reads the file once into a database of its own that is gone afterwards; changes nothing in the file.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import closing
from itertools import pairwise
from pathlib import Path
from types import TracebackType

import duckdb
import numpy as np
from duckdb import DuckDBPyConnection

from gateway.errors import ConfigurationError, Problem
from gateway.sample import Instant, Quality, Reason, SampleBatch

WINDOW_ROWS = 500_000
"""Rows that are read at a time."""

_QUALITIES = {quality.name.lower(): int(quality) for quality in Quality}

_TIMES = ("receive_time", "time", "source_time")
"""Columns that can say when, the first that is there being when the gateway had it."""

_PREPARE = """
    CREATE TABLE sample AS
    SELECT point, {receive} AS receive_time, {source} AS source_time,
           CASE WHEN isfinite(value) THEN value END AS value,
           CASE WHEN value IS NULL OR NOT isfinite(value) THEN {bad} ELSE {quality} END AS quality,
           CASE WHEN value IS NULL OR NOT isfinite(value) THEN greatest({reason}, {not_a_number}) ELSE {reason} END
               AS reason
    FROM (SELECT point::VARCHAR AS point, value::DOUBLE AS value, * EXCLUDE (point, value) FROM {rows})
    ORDER BY receive_time
"""

_WINDOW = """
    SELECT sample.*, name.place FROM sample JOIN name ON sample.point = name.name
    WHERE receive_time >= $low AND receive_time < $high ORDER BY receive_time, place
"""


class SampleFile:
    """An open file of samples: `point, time, value` a row, or a column for each point beside the time.

    Times are microseconds since 1970 UTC or timestamps (without a zone: UTC). Optional columns: `source_time`,
    `receive_time`, `quality` (0 to 3 or its word) and `reason`. An empty value in a row for each value is BAD; an
    empty cell in a column for each point is nothing recorded.
    """

    def __init__(self, path: Path) -> None:
        """Raises ConfigurationError that says what the file lacks."""
        self._path = path
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-samples-")
        self._database = duckdb.connect(str(Path(self._folder.name) / "samples.duckdb"), config={"memory_limit": "1GB"})
        try:
            self._read()
        except duckdb.Error as error:
            self.close()
            raise self._problem("", "a CSV or Parquet file of samples", str(error).splitlines()[0]) from error
        except ConfigurationError:
            self.close()
            raise

    def __enter__(self) -> SampleFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._database.close()
        self._folder.cleanup()

    def extent(self) -> tuple[Instant, Instant]:
        """The first and the last time of receipt."""
        row = self._database.execute("SELECT min(receive_time), max(receive_time) FROM sample").fetchone()
        assert row is not None  # noqa: S101 - an aggregate has one row
        if row[0] is None:
            raise self._problem("", "at least one sample", "none")
        return Instant(row[0]), Instant(row[1])

    def names(self) -> frozenset[str]:
        """Every point of the file."""
        return frozenset(name for (name,) in self._database.execute("SELECT DISTINCT point FROM sample").fetchall())

    async def samples(self, names: Sequence[str], start: Instant, end: Instant) -> AsyncIterator[SampleBatch]:
        """Samples of the named points with start <= receive time < end; a batch's point is its place in `names`."""
        with closing(self._database.cursor()) as cursor:
            cursor.execute("CREATE OR REPLACE TEMP TABLE name (name VARCHAR, place INTEGER)")
            cursor.execute(
                "INSERT INTO name SELECT unnest($names), unnest($places)",
                {"names": list(names), "places": list(range(len(names)))},
            )
            for low, high in self._windows(cursor, start, end):
                yield _batch(cursor, low, high)

    def _windows(self, cursor: DuckDBPyConnection, start: Instant, end: Instant) -> list[tuple[int, int]]:
        """Stretches of about `WINDOW_ROWS` rows each."""
        row = cursor.execute(
            "SELECT count(*), min(receive_time), max(receive_time) FROM sample"
            " WHERE receive_time >= ? AND receive_time < ?",
            [start, end],
        ).fetchone()
        if row is None or not row[0]:
            return []
        count, first, last = row
        pieces = -(-count // WINDOW_ROWS)
        bounds = np.linspace(first, last + 1, pieces + 1).astype(np.int64).tolist()
        return [(low, high) for low, high in pairwise(bounds) if low < high]

    def _read(self) -> None:
        reader = "read_csv" if self._path.suffix.lower() == ".csv" else "read_parquet"
        if self._path.suffix.lower() not in (".csv", ".parquet"):
            raise self._problem("", "a file that ends in .csv or .parquet", self._path.name)
        source = f"{reader}('{str(self._path).replace(chr(39), chr(39) * 2)}')"
        described = self._database.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()  # noqa: S608
        types = {str(name): str(kind) for name, kind, *_ in described}
        when = [name for name in _TIMES if name in types]
        if not when:
            raise self._problem("header", f"a column {' or '.join(_TIMES)}", ", ".join(types))
        rows = source
        if not {"point", "value"} <= types.keys():
            if "point" in types or "value" in types:
                raise self._problem("header", "both columns point and value, or neither", ", ".join(types))
            others = ", ".join(f'"{name}"' for name in when)
            rows = f"(UNPIVOT {source} ON COLUMNS(* EXCLUDE ({others})) INTO NAME point VALUE value)"
        statement = _PREPARE.format(
            rows=rows,
            receive=_time(when[0], types),
            source=_time("source_time" if "source_time" in types else when[0], types),
            quality=_quality(types),
            reason="reason::UTINYINT" if "reason" in types else "0::UTINYINT",
            bad=int(Quality.BAD),
            not_a_number=int(Reason.NOT_A_NUMBER),
        )
        self._database.execute(statement)
        unknown = self._database.execute("SELECT count(*) FROM sample WHERE receive_time IS NULL").fetchone()
        if unknown is not None and unknown[0]:
            raise self._problem(when[0], "a time in every row", f"{unknown[0]} rows without one")

    def _problem(self, field: str, expected: str, got: str) -> ConfigurationError:
        return ConfigurationError([Problem(str(self._path), 0, 0, field, expected, got)])


def _time(column: str, types: dict[str, str]) -> str:
    if types[column] in ("BIGINT", "INTEGER", "UBIGINT", "HUGEINT"):
        return f'"{column}"::BIGINT'
    return f'epoch_us("{column}")'


def _quality(types: dict[str, str]) -> str:
    if "quality" not in types:
        return f"{int(Quality.GOOD)}::UTINYINT"
    if types["quality"] == "VARCHAR":
        words = " ".join(f"WHEN '{word}' THEN {number}" for word, number in _QUALITIES.items())
        return f"(CASE lower(quality) {words} ELSE {int(Quality.BAD)} END)::UTINYINT"
    return "quality::UTINYINT"


def _batch(cursor: DuckDBPyConnection, low: int, high: int) -> SampleBatch:
    found = cursor.execute(_WINDOW, {"low": low, "high": high}).fetchnumpy()
    return SampleBatch(
        point=np.asarray(found["place"], dtype=np.int32),
        value=np.ma.filled(found["value"].astype(np.float64), np.nan),
        quality=np.asarray(found["quality"], dtype=np.uint8),
        reason=np.asarray(found["reason"], dtype=np.uint8),
        source_time=np.asarray(found["source_time"], dtype=np.int64),
        receive_time=np.asarray(found["receive_time"], dtype=np.int64),
    )
