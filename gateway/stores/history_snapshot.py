"""A history as of one moment, put beside it while samples go on: the database copied, the files of segments linked.

Reads only, and never calls a copy good before both sides hold the same rows by count and by content.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from gateway.errors import StoreFailed
from gateway.stores.history_schema import SCHEMA_VERSION, STORE, cause, name_directory, open_read_only
from gateway.stores.history_shelf import Catalog, Grain, sync_file
from gateway.stores.place import sync_directory

_COPY = "copied"
"""What the copy is attached as."""


@dataclass(frozen=True, slots=True)
class HistoryHeld:
    """What a history that nobody writes to holds."""

    samples: int
    missing: tuple[str, ...]
    """Segments that it names and that are not beside it."""


def take(cursor: DuckDBPyConnection, catalog: Catalog, target: Path) -> None:
    """Make a history at `target`, as of now, of the database behind `cursor` and its segments.

    The caller sees to it that no segment comes or goes meanwhile; appends may. Raises StoreFailed.
    """
    try:
        folder = name_directory(target)
        folder.mkdir()
        for segment in catalog.segments:
            _link(catalog.directory / segment.name, folder / segment.name)
        sync_directory(folder)
        _copy_database(cursor, target)
        sync_file(target)
        sync_directory(target.parent)
    except (duckdb.Error, OSError) as error:
        raise StoreFailed(STORE, f"copy to {target}", cause(error)) from error


def inspect(path: Path, digests: Mapping[str, str]) -> HistoryHeld:
    """Read a history that nobody writes to, whose segments have these checksums, by file name.

    Raises StoreFailed for a file that is none, is of another version, or names a segment with another checksum.
    """
    database, version = open_read_only(path)
    with closing(database):
        if version < SCHEMA_VERSION:
            raise StoreFailed(STORE, f"trust {path}", f"expected schema version {SCHEMA_VERSION}, got {version}")
        segments = database.execute("SELECT name, grain, samples, sha256 FROM segment ORDER BY name").fetchall()
        generations = database.execute("SELECT number, done FROM generation").fetchall()
        samples = sum(_rows(database, number) - done for number, done in generations)
    missing = []
    for name, grain, count, expected in segments:
        if name not in digests:
            missing.append(name)
        elif digests[name] != expected:
            raise StoreFailed(STORE, f"trust {name}", f"expected the checksum {expected}, got {digests[name]}")
        elif grain == Grain.SAMPLE:
            samples += count
    return HistoryHeld(samples, tuple(missing))


def _rows(database: DuckDBPyConnection, generation: int) -> int:
    row = database.execute(f"SELECT count(*) FROM recent_{generation}").fetchone()  # noqa: S608 - a number
    return int(row[0]) if row else 0


def is_held(path: Path) -> bool:
    """Whether another process has the file of a history."""
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.IOException as error:
        return "Could not set lock" in str(error)
    except duckdb.Error:
        return False
    return False


def _link(source: Path, target: Path) -> None:
    """The same file under a second name, which costs no room; a copy where the file system has no such thing."""
    try:
        target.hardlink_to(source)
    except FileNotFoundError:
        raise
    except OSError:
        shutil.copyfile(source, target)
        sync_file(target)


def _copy_database(cursor: DuckDBPyConnection, target: Path) -> None:
    name = cursor.execute("SELECT current_database()").fetchone()
    assert name is not None  # noqa: S101 - a function of no table has one row
    here = '"' + str(name[0]).replace('"', '""') + '"'
    cursor.execute(f"ATTACH '{str(target).replace(chr(39), chr(39) * 2)}' AS {_COPY}")
    try:
        cursor.begin()
        cursor.execute(f"COPY FROM DATABASE {here} TO {_COPY}")
        _compare(cursor, here, target)
        cursor.commit()
        cursor.execute(f"CHECKPOINT {_COPY}")
    except BaseException:
        with suppress(duckdb.Error):
            cursor.rollback()
        raise
    finally:
        with suppress(duckdb.Error):
            cursor.execute(f"DETACH {_COPY}")


def _compare(cursor: DuckDBPyConnection, here: str, target: Path) -> None:
    """Both sides of one transaction, table by table."""
    tables = cursor.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() ORDER BY table_name"
    ).fetchall()
    for (table,) in tables:
        ours, copied = (
            cursor.execute(f'SELECT count(*), sum(hash(t)) FROM {side}.main."{table}" t').fetchone()  # noqa: S608
            for side in (here, _COPY)
        )
        if ours != copied:
            raise StoreFailed(STORE, f"copy to {target}", f"expected table {table} as {ours}, got {copied}; try again")
