"""Tables of the history file, and what stands between opening a file and trusting it.

A new file gets its name only when it is whole, so that a kill at the first start leaves nothing broken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from gateway.errors import StoreFailed
from gateway.sample import SECOND
from gateway.stores.place import require_place, sync_directory

STORE = "history"

SCHEMA_VERSION = 2
"""1: one table of samples. 2: generations, segments beside the file, what was let go."""

DEFAULT_HOLD = 10 * SECOND
"""For points of which nobody says how long their value stands."""

_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,  # every caller's own thread: faster for small batches, and a core stays free for the scan
    "memory_limit": "1GB",  # the default is four fifths of the machine
    "autoinstall_known_extensions": False,  # a safety gateway fetches no code
    "autoload_known_extensions": False,
}

_SCHEMA = f"""
    CREATE TABLE meta (schema_version INTEGER NOT NULL);
    INSERT INTO meta VALUES ({SCHEMA_VERSION});
    CREATE TABLE point (key INTEGER PRIMARY KEY, name VARCHAR NOT NULL UNIQUE);
    {{samples}}
    CREATE TABLE event (
        sequence BIGINT PRIMARY KEY,
        "at" BIGINT NOT NULL,
        kind VARCHAR NOT NULL,
        subject VARCHAR NOT NULL,
        equipment VARCHAR NOT NULL,
        body VARCHAR NOT NULL
    );
"""  # noqa: S608 - the only value is a constant of this module

_SAMPLE_TABLE = """
    CREATE TABLE {table} (
        point INTEGER NOT NULL,
        source_time BIGINT NOT NULL,
        receive_time BIGINT NOT NULL,
        value DOUBLE,
        quality UTINYINT NOT NULL,
        reason UTINYINT NOT NULL
    );
"""

_SEGMENTS = f"""
    ALTER TABLE point ADD COLUMN hold BIGINT DEFAULT {DEFAULT_HOLD};
    CREATE TABLE generation (number INTEGER NOT NULL, done BIGINT NOT NULL);
    INSERT INTO generation VALUES (0, 0);
    CREATE SEQUENCE segment_number;
    CREATE TABLE segment (
        name VARCHAR NOT NULL,
        grain UTINYINT NOT NULL,
        level UTINYINT NOT NULL,
        point_class VARCHAR NOT NULL,
        point_low INTEGER NOT NULL,
        point_high INTEGER NOT NULL,
        source_low BIGINT NOT NULL,
        source_high BIGINT NOT NULL,
        receive_low BIGINT NOT NULL,
        receive_high BIGINT NOT NULL,
        samples BIGINT NOT NULL,
        size BIGINT NOT NULL,
        sha256 VARCHAR NOT NULL
    );
    CREATE TABLE retired (name VARCHAR NOT NULL);
    CREATE TABLE removed (
        "at" BIGINT NOT NULL,
        reason VARCHAR NOT NULL,
        grain UTINYINT NOT NULL,
        point_class VARCHAR NOT NULL,
        received_until BIGINT NOT NULL,
        samples BIGINT NOT NULL,
        size BIGINT NOT NULL
    );
"""  # noqa: S608 - the only value is a constant of this module

_NO_ROOM = ("No space left on device", "Disk quota exceeded", "File too large")

_REMEDIES = (
    (_NO_ROOM, "make room on the disk; the next append tries again"),
    (("Could not set lock",), "another process holds the file: end it, or choose another path"),
    (("not a valid DuckDB",), "expected a history; choose another path"),
    (("newer version",), "start the newer version that wrote it, or choose another path"),
    (
        ("read enough bytes", "checksum", "Corrupt", "corrupt"),
        "keep the damaged file, and restore a copy or choose another path",
    ),
)


def open_database(path: Path) -> DuckDBPyConnection:
    """The file, created where there is none; raises StoreFailed that names it and says what to do."""
    require_place(STORE, path)
    log = path.with_name(path.name + ".wal")
    if log.exists() and not path.exists():
        raise StoreFailed(
            STORE, f"open {path}", f"expected the file that {log} belongs to, got none; restore it or move the log"
        )
    try:
        if not path.exists():
            _create(path)
        database = duckdb.connect(str(path), config=_CONFIG)
        try:
            _require_history(database, path)
            _migrate(database)
        except (duckdb.Error, StoreFailed):
            database.close()
            raise
    except (duckdb.Error, OSError) as error:
        raise StoreFailed(STORE, f"open {path}", cause(error)) from error
    return database


def open_read_only(path: Path) -> tuple[DuckDBPyConnection, int]:
    """A file that is there, held against writers and never written, and the version of its schema.

    Raises StoreFailed that names it and says what to do.
    """
    try:
        database = duckdb.connect(str(path), read_only=True, config=_CONFIG)
        try:
            version = _require_history(database, path)
        except (duckdb.Error, StoreFailed):
            database.close()
            raise
    except (duckdb.Error, OSError) as error:
        raise StoreFailed(STORE, f"open {path}", cause(error)) from error
    return database, version


def point_keys(database: DuckDBPyConnection, names: Sequence[str], holds: Mapping[str, int]) -> dict[str, int]:
    """The key of every point that ever was; names that are new get the next ones, durably, and all their holds."""
    known: dict[str, int] = dict(database.execute("SELECT name, key FROM point").fetchall())
    new = [name for name in dict.fromkeys(names) if name not in known]
    if new:
        first = max(known.values(), default=-1) + 1
        added = {name: first + place for place, name in enumerate(new)}
        database.execute(
            "INSERT INTO point (key, name) SELECT unnest($keys), unnest($names)",
            {"keys": list(added.values()), "names": new},
        )
        known |= added
    told = {name: hold for name, hold in holds.items() if name in known}
    if told:
        database.execute(
            "UPDATE point SET hold = told.hold FROM (SELECT unnest($names) AS name, unnest($holds) AS hold) told "
            "WHERE point.name = told.name AND point.hold <> told.hold",
            {"names": list(told), "holds": list(told.values())},
        )
    return known


def room_may_return(error: Exception) -> bool:
    """Whether the write failed for want of room, so that the same file may be written again."""
    return any(sign in str(error) for sign in _NO_ROOM)


def cause(error: Exception) -> str:
    """What happened and what to do about it."""
    what = str(error).split(". See also")[0].strip()
    for signs, remedy in _REMEDIES:
        if any(sign in what for sign in signs):
            return f"{what}; {remedy}"
    return f"{what}; check the disk and the log, then restart the gateway"


def sample_table(name: str) -> str:
    """Makes a table for samples as they come."""
    return _SAMPLE_TABLE.format(table=name)


def name_directory(path: Path) -> Path:
    """Where the segments of the history at `path` lie."""
    return path.with_name(path.name + ".segments")


def _create(path: Path) -> None:
    unfinished = path.with_name(path.name + ".new")
    for leftover in (unfinished, unfinished.with_name(unfinished.name + ".wal")):
        leftover.unlink(missing_ok=True)
    with duckdb.connect(str(unfinished), config=_CONFIG) as database:
        database.execute(_SCHEMA.format(samples=sample_table("recent_0")))
        database.execute(_SEGMENTS)
        database.checkpoint()
    unfinished.replace(path)
    sync_directory(path.parent)


def _migrate(database: DuckDBPyConnection) -> None:
    """Bring an older file up to this version, whole or not at all; its samples become the first generation."""
    row = database.execute("SELECT max(schema_version) FROM meta").fetchone()
    if row and row[0] == 1:
        with transaction(database):
            database.execute("ALTER TABLE sample RENAME TO recent_0")
            database.execute(_SEGMENTS)
            database.execute("UPDATE meta SET schema_version = ?", [SCHEMA_VERSION])


@contextmanager
def transaction(database: DuckDBPyConnection) -> Iterator[None]:
    """All statements of the block, or none."""
    database.begin()
    try:
        yield
        database.commit()
    except BaseException:
        with suppress(duckdb.Error):
            database.rollback()
        raise


def _require_history(database: DuckDBPyConnection, path: Path) -> int:
    """The version of its schema, which this Tocsin knows."""
    row = database.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'meta'").fetchone()
    if not row or not row[0]:
        raise StoreFailed(
            STORE, f"open {path}", "expected a history, got another program's database; choose another path"
        )
    row = database.execute("SELECT max(schema_version) FROM meta").fetchone()
    version = row[0] if row else None
    if version is None or version > SCHEMA_VERSION:
        raise StoreFailed(
            STORE,
            f"open {path}",
            f"expected schema version {SCHEMA_VERSION} or older, got {version} of a newer Tocsin; "
            f"start that version or choose another path",
        )
    return int(version)
