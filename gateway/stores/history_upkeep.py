"""The history's housekeeping, one bounded step at a time beside the writer: compact, merge, let go.

A step makes files first and then names them in one transaction, so that a kill at any moment leaves every
committed sample in exactly one place. Never touches the table that is being written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from duckdb import ConnectionException, DuckDBPyConnection

from gateway.sample import SECOND, Instant
from gateway.store import DAY, HistoryPlan
from gateway.stores import history_sql as sql
from gateway.stores.history_retention import Removal, expired, over_budget
from gateway.stores.history_schema import transaction
from gateway.stores.history_shelf import UNFINISHED, Catalog, Generation, Grain, Level, Segment, Shelf, sync_file

COMPACT_ROWS = 4_000_000
"""Samples in one compaction and in one file of a merge: a few seconds and 300 MB at a time."""

COMPACT_AFTER = 30 * SECOND
"""A sealed generation waits this long, so that the next one can say until when its last values stood."""

MERGE_AFTER = 2 * 3600 * SECOND
"""A day is merged this long after its end."""

_FRESH_GROUP = 16_384
_DAY_GROUP = 61_440
"""Rows of a Parquet row group: what a read of one point takes at least."""

_WORD = {Grain.SAMPLE: "samples", Grain.MINUTE: "minutes", Grain.HOUR: "hours"}

_BOUNDS = """
    SELECT min(point), max(point), min(source_time), max(source_time), min(receive_time), max(receive_time), count(*)
    FROM read_parquet(?)
"""
_ROLLUP_BOUNDS = "SELECT min(point), max(point), min(start), max(start), 0, 0, count(*) FROM read_parquet(?)"


@dataclass(frozen=True, slots=True)
class _Span:
    """What the samples behind a rollup span: the file itself no longer says it."""

    receive_low: int
    receive_high: int
    samples: int

    @classmethod
    def of(cls, segments: Sequence[Segment]) -> _Span:
        return cls(
            min(each.receive_low for each in segments),
            max(each.receive_high for each in segments),
            sum(each.samples for each in segments),
        )


class Upkeep:
    """All steps run on one thread, with a connection of their own."""

    def __init__(
        self, database: DuckDBPyConnection, path: Path, shelf: Shelf, plan: HistoryPlan, keys: Mapping[str, int]
    ) -> None:
        self._database = database
        self._path = path
        self._shelf = shelf
        self.follow(plan, keys)
        self._merging: Iterator[None] | None = None
        self._compacted = False
        """Whether the last piece was a compaction: then a merge comes first, so that neither starves the other."""
        self._unnamed: set[str] = set()
        """Files that are made and that no transaction has named yet."""

    def follow(self, plan: HistoryPlan, keys: Mapping[str, int]) -> None:
        """Keep to this plan from the next piece on."""
        self._plan = plan
        self._class_of = {keys[name]: point_class for name, point_class in plan.class_of.items() if name in keys}

    def step(self, now: Instant, sealed_at: Instant) -> bool:
        """Do the next piece; False when there was nothing to do.

        `sealed_at`: when the writer last went on to a new generation.
        """
        self._sweep()
        if self._let_go(now):
            return True
        if not self._compacted and self._compact(now, sealed_at):
            self._compacted = True
            return True
        self._compacted = False
        return self._merge(now) or self._compact(now, sealed_at)

    def interrupt(self) -> None:
        """Let the step under way end early, undone; from another thread."""
        with suppress(ConnectionException):  # closed already
            self._database.interrupt()

    def _sweep(self) -> None:
        if self._merging is None and self._unnamed:
            self._shelf.remove([name + UNFINISHED for name in self._unnamed])
            self._unnamed.clear()
        names = self._shelf.free()
        if names:
            self._shelf.remove(names)
            self._database.execute("DELETE FROM retired WHERE name IN (SELECT unnest(?))", [names])

    def _compact(self, now: Instant, sealed_at: Instant) -> bool:
        """The oldest sealed generation, or its next rows, into a fresh segment and its minutes."""
        generations = self._shelf.catalog.generations
        if len(generations) < 2 or (len(generations) == 2 and now < sealed_at + COMPACT_AFTER):
            return False
        oldest, following = generations[:2]
        row = self._database.execute(f"SELECT count(*) FROM {oldest.table}").fetchone()  # noqa: S608 - a number
        total = int(row[0]) if row else 0
        until = min(oldest.done + COMPACT_ROWS, total)
        columns = f"SELECT {sql.SAMPLE_COLUMNS} FROM"
        rows = f"{columns} {oldest.table} WHERE rowid >= {oldest.done} AND rowid < {until}"
        after = f"{columns} {oldest.table} WHERE rowid >= {until} AND rowid < {until + COMPACT_ROWS}"
        if until == total:
            after = f"{columns} {following.table}"
        segments: list[Segment] = []
        if until > oldest.done:
            ordered = f"{rows} ORDER BY point, source_time, receive_time"
            samples = self._write(ordered, Grain.SAMPLE, Level.FRESH, "", _FRESH_GROUP)
            span = _Span(samples.receive_low, samples.receive_high, samples.samples)
            minutes = sql.rollup(sql.rows_to_keep(rows, after), Grain.MINUTE)
            segments = [samples, self._write(minutes, Grain.MINUTE, Level.FRESH, "", _FRESH_GROUP, span)]
        staying = generations[1:] if until == total else (replace(oldest, done=until), *generations[1:])
        self._commit(segments, (), generations=staying)
        return True

    def _let_go(self, now: Instant) -> bool:
        catalog = self._shelf.catalog
        removals = expired(catalog, self._plan, now) or over_budget(
            catalog, self._plan, used_by(self._database, self._path, self._shelf)
        )
        if removals:
            self._merging = None  # it may be reading what goes
            self._commit((), [segment for each in removals for segment in each.segments], removals=removals, now=now)
        return bool(removals)

    def _merge(self, now: Instant) -> bool:
        """The next piece of the merge under way, or of one that is due; one that fails is begun anew."""
        merging, self._merging = self._merging or self._due_merge(now), None
        if merging is None:
            return False
        if next(merging, "done") != "done":
            self._merging = merging
        return True

    def _due_merge(self, now: Instant) -> Iterator[None] | None:
        catalog = self._shelf.catalog
        day = _oldest_day(catalog, now)
        if day is not None:
            return self._merge_day(day)
        month = _oldest_month(catalog, now)
        return None if month is None else self._merge_month(*month)

    def _merge_day(self, fresh: Sequence[Segment]) -> Iterator[None]:
        """A day's fresh segments into one set for each class: samples by ranges of points, minutes, hours."""
        samples = [each for each in fresh if each.grain is Grain.SAMPLE]
        minutes = [each for each in fresh if each.grain is Grain.MINUTE]
        counted = self._counted(minutes)
        made: list[Segment] = []
        for point_class in sorted({self._class_of.get(key, "") for key, _ in counted}):
            mine = [(key, count) for key, count in counted if self._class_of.get(key, "") == point_class]
            for keys in _ranges(mine, COMPACT_ROWS):
                query = f"""
                    SELECT {sql.SAMPLE_COLUMNS} FROM {self._files(samples)} WHERE {_among(keys)}
                    ORDER BY point, source_time, receive_time
                """  # noqa: S608
                if samples:
                    made += self._write_some(query, Grain.SAMPLE, Level.DAY, point_class, _DAY_GROUP)
                    yield
            keys = [key for key, _ in mine]
            chosen = f"(SELECT * FROM {self._files(minutes)} WHERE {_among(keys)})"  # noqa: S608
            span = replace(_Span.of(minutes), samples=sum(count for _, count in mine))
            for grain in (Grain.MINUTE, Grain.HOUR):
                made.append(self._write(sql.coarser(chosen, grain), grain, Level.DAY, point_class, _DAY_GROUP, span))
                yield
        self._commit(made, fresh)

    def _merge_month(self, point_class: str, hours: Sequence[Segment]) -> Iterator[None]:
        query = sql.coarser(self._files(hours), Grain.HOUR)
        made = self._write(query, Grain.HOUR, Level.MONTH, point_class, _DAY_GROUP, _Span.of(hours))
        yield
        self._commit([made], hours)

    def _counted(self, minutes: Sequence[Segment]) -> list[tuple[int, int]]:
        query = f"SELECT point, sum(samples)::BIGINT FROM {self._files(minutes)} GROUP BY point ORDER BY point"  # noqa: S608
        return self._database.execute(query).fetchall()

    def _files(self, segments: Sequence[Segment]) -> str:
        return sql.files(self._shelf.directory, segments)

    def _write_some(self, query: str, grain: Grain, level: Level, point_class: str, group: int) -> list[Segment]:
        """The segment, or none where the query has no rows: samples that went before their minutes did."""
        found = self._database.execute(f"SELECT 1 FROM ({query}) LIMIT 1").fetchone()  # noqa: S608
        return [self._write(query, grain, level, point_class, group)] if found else []

    def _write(
        self, query: str, grain: Grain, level: Level, point_class: str, group: int, span: _Span | None = None
    ) -> Segment:
        """A new file, whole on the disk, under a name that counts only once a transaction has named it."""
        row = self._database.execute("SELECT nextval('segment_number')").fetchone()
        number = int(row[0]) if row else 0
        directory = self._shelf.directory
        directory.mkdir(exist_ok=True)
        building = directory / f"building-{number}{UNFINISHED}"
        self._unnamed.add(building.stem)
        target = str(building).replace("'", "''")
        options = f"FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION V2, ROW_GROUP_SIZE {group}"
        self._database.execute(f"COPY ({query}) TO '{target}' ({options})")
        sync_file(building)
        bounds = _BOUNDS if span is None else _ROLLUP_BOUNDS
        found = self._database.execute(bounds, [str(building)]).fetchone()
        assert found is not None  # noqa: S101 - an aggregate has one row
        with building.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        low, high = (span.receive_low, span.receive_high) if span else (found[4], found[5])
        segment = Segment(
            name=f"{_WORD[grain]}-{_day_word(low)}-{number:06d}.parquet",
            grain=grain,
            level=level,
            point_class=point_class,
            point_low=found[0],
            point_high=found[1],
            source_low=found[2],
            source_high=found[3],
            receive_low=low,
            receive_high=high,
            samples=span.samples if span else found[6],
            size=building.stat().st_size,
            sha256=digest,
        )
        building.replace(directory / (segment.name + UNFINISHED))
        self._unnamed.discard(building.stem)
        self._unnamed.add(segment.name)
        return segment

    def _commit(
        self,
        made: Sequence[Segment],
        leaving: Sequence[Segment],
        *,
        generations: tuple[Generation, ...] | None = None,
        removals: Sequence[Removal] = (),
        now: int = 0,
    ) -> None:
        """Everything that a step changes, in one transaction; then the new catalog."""
        catalog, database = self._shelf.catalog, self._database
        gone = {segment.name for segment in leaving}
        staying = catalog.generations if generations is None else generations
        cut = dict(catalog.cut) | {(each.point_class, each.grain): each.until for each in removals}
        with self._shelf.changing():
            with transaction(database):
                for segment in made:
                    database.execute(f"INSERT INTO segment VALUES ({', '.join('?' * 13)})", _row(segment))  # noqa: S608
                for name in gone:
                    database.execute("DELETE FROM segment WHERE name = ?", [name])
                    database.execute("INSERT INTO retired VALUES (?)", [name])
                for each in removals:
                    database.execute(
                        "INSERT INTO removed VALUES (?, ?, ?, ?, ?, ?, ?)",
                        [now, each.why, each.grain, each.point_class, each.until, each.samples, each.size],
                    )
                self._commit_generations(catalog.generations, staying)
            self._shelf.finish([segment.name for segment in made])
            self._unnamed.difference_update(segment.name for segment in made)
            kept = tuple(segment for segment in catalog.segments if segment.name not in gone)
            self._shelf.put(Catalog(self._shelf.directory, staying, (*kept, *made), cut))

    def _commit_generations(self, before: Sequence[Generation], after: Sequence[Generation]) -> None:
        staying = {each.number: each for each in after}
        for each in before:
            if each.number not in staying:
                self._database.execute(f"DROP TABLE {each.table}")
                self._database.execute("DELETE FROM generation WHERE number = ?", [each.number])
            elif staying[each.number] != each:
                done = staying[each.number].done
                self._database.execute("UPDATE generation SET done = ? WHERE number = ?", [done, each.number])


def used_by(database: DuckDBPyConnection, path: Path, shelf: Shelf) -> int:
    """Bytes on the disk that hold something: blocks of the database, its log, and the files beside it."""
    row = database.execute(
        "SELECT used_blocks * block_size FROM pragma_database_size() WHERE database_name = current_database()"
    ).fetchone()
    log = path.with_name(path.name + ".wal")
    return (int(row[0]) if row else 0) + (log.stat().st_size if log.exists() else 0) + shelf.bytes()


def load_catalog(database: DuckDBPyConnection, directory: Path) -> tuple[Catalog, list[str]]:
    """What the file says there is, and the names of files that may go."""
    generations = database.execute("SELECT number, done FROM generation ORDER BY number").fetchall()
    segments = database.execute("SELECT * FROM segment ORDER BY name").fetchall()
    cut = database.execute(
        "SELECT point_class, grain, max(received_until) FROM removed GROUP BY point_class, grain"
    ).fetchall()
    catalog = Catalog(
        directory,
        tuple(Generation(*row) for row in generations),
        tuple(Segment(row[0], Grain(row[1]), Level(row[2]), *row[3:]) for row in segments),
        {(row[0], Grain(row[1])): row[2] for row in cut},
    )
    return catalog, [row[0] for row in database.execute("SELECT name FROM retired").fetchall()]


def _row(segment: Segment) -> list[object]:
    return [getattr(segment, name) for name in Segment.__slots__]


def _oldest_day(catalog: Catalog, now: int) -> list[Segment] | None:
    """The fresh segments of the first day that is over; None while there is no such day."""
    fresh = [each for each in catalog.segments if each.level is Level.FRESH]
    over = [each.receive_low // DAY for each in fresh if (each.receive_low // DAY + 1) * DAY + MERGE_AFTER <= now]
    return [each for each in fresh if each.receive_low // DAY == min(over)] if over else None


def _oldest_month(catalog: Catalog, now: int) -> tuple[str, list[Segment]] | None:
    """The hours of the first month and class that lie in several files, once the month is over."""
    by_month: dict[tuple[str, str], list[Segment]] = {}
    for each in catalog.of(Grain.HOUR):
        by_month.setdefault((_day_word(each.receive_low)[:7], each.point_class), []).append(each)
    present = _day_word(now - 2 * DAY)[:7]
    for (month, point_class), segments in sorted(by_month.items()):
        if month < present and len(segments) > 1:
            return point_class, segments
    return None


def _ranges(counted: Sequence[tuple[int, int]], most: int) -> Iterator[list[int]]:
    """Points in runs that hold about `most` samples; a point is never split."""
    run: list[int] = []
    total = 0
    for key, count in counted:
        if run and total + count > most:
            yield run
            run, total = [], 0
        run.append(key)
        total += count
    if run:
        yield run


def _among(keys: Sequence[int]) -> str:
    """A condition for these keys; the bounds let row groups be passed over."""
    bounds = f"point BETWEEN {keys[0]} AND {keys[-1]}"
    if len(keys) == keys[-1] - keys[0] + 1:
        return bounds
    return f"{bounds} AND point IN ({', '.join(map(str, keys))})"


def _day_word(at: int) -> str:
    """The UTC day, for names; days that no calendar has are those at its ends."""
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    days = min(max(at // DAY, (first - epoch).days), (last - epoch).days)
    return (epoch + timedelta(days=days)).strftime("%Y-%m-%d")
