"""A data directory as a backup, and a backup as a data directory: journal, history, and what lies beside them.

A backup gets its name only once everything in it has been read back and found right; nothing is ever written over.
The journal is copied after the history and everything else after the journal, so that what refers to something is never
newer than it: events that the history lacks are filled in from the journal at the next start.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from gateway.clock import to_datetime
from gateway.errors import StoreFailed
from gateway.sample import Instant
from gateway.stores import journal_offline
from gateway.stores.history_schema import name_directory
from gateway.stores.history_shelf import sync_file
from gateway.stores.history_snapshot import HistoryHeld, inspect
from gateway.stores.journal_chain import Finding
from gateway.stores.place import EXPORTS, HISTORY_FILE, JOURNAL_FILE, SNAPSHOT, sync_directory

STORE = "backup"
SUMS = "SHA256SUMS"
ABOUT = "backup.json"
UNFINISHED = ".part"
_AT_ONCE = 1 << 20

_NOT_TAKEN = (EXPORTS, SNAPSHOT, JOURNAL_FILE, HISTORY_FILE)
"""Beginnings of names in a data directory: what can be made again, and what is taken by its own means."""

Progress = Callable[[int, int], None]
"""Told how many bytes are done, and of how many."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a backup holds."""

    made_at: str
    tocsin: str
    samples: int
    files: int
    size: int
    """Bytes."""
    missing: tuple[str, ...]
    """Files of the history that its source had lost before."""
    entries: int | None
    """Journal entries; None where the journal is kept elsewhere."""
    head: str
    """The journal's head, to be compared with one that was noted."""


def take(
    data: Path, snapshot: Path, place: Path, now: Instant, *, like: Path | None = None, progress: Progress | None = None
) -> Held:
    """Make the backup `place` of a data directory and a snapshot of its history (`history_snapshot.take`).

    Files of an earlier backup `like` that have not changed are not copied again but linked. Raises StoreFailed;
    then there is nothing at `place`.
    """
    if place.exists():
        raise StoreFailed(STORE, f"write {place}", "expected nothing there, got a file; nothing is ever written over")
    if place.absolute().is_relative_to(data.absolute()):
        raise StoreFailed(STORE, f"write {place}", f"expected a place outside of {data}, got one inside")
    part = place.with_name(place.name + UNFINISHED)
    with _building(part, place):
        part.mkdir(parents=True)
        bringing = _Bringing(part, like, {} if like is None else _read_sums(like), _Count(progress, _bytes(data)))
        for file in _files(snapshot):
            bringing.bring(file, file.relative_to(snapshot))
        journal = data / JOURNAL_FILE
        finding = journal_offline.copy(journal, part / JOURNAL_FILE) if journal.exists() else None
        for file in _beside(data):
            bringing.bring(file, file.relative_to(data))
        sums = _sums(part)
        bringing.require(sums)
        held = _held(part, sums, finding, now)
        (part / ABOUT).write_text(json.dumps(asdict(held), indent=2, ensure_ascii=False) + "\n", "utf-8")
        sums[ABOUT] = digest(part / ABOUT)
        (part / SUMS).write_text("".join(f"{sums[name]}  {name}\n" for name in sorted(sums)), "utf-8")
        _sync_tree(part)
        part.rename(place)
        sync_directory(place.absolute().parent)
    return held


def verify(place: Path, progress: Progress | None = None) -> Held:
    """Read every byte of a backup; raises StoreFailed that names the first file that is not what it was."""
    expected = _read_sums(place)
    names = {file.relative_to(place).as_posix() for file in _files(place)} - {SUMS}
    if lost := sorted(set(expected) - names):
        raise StoreFailed(STORE, f"trust {place}", f"expected {lost[0]} in it, got none; take an older backup")
    if strange := sorted(names - set(expected)):
        raise StoreFailed(STORE, f"trust {place}", f"expected no file that {SUMS} does not name, got {strange[0]}")
    found = _sums(place, _Count(progress, _bytes(place)))
    _require_equal(place, expected, found)
    held = _about(place)
    if (place / HISTORY_FILE).exists():
        history = inspect(place / HISTORY_FILE, _segments(found))
        if (history.samples, history.missing) != (held.samples, held.missing):
            expected_history = f"{held.samples} samples, without {held.missing or 'no'} file"
            raise StoreFailed(STORE, f"trust {place}", f"expected {expected_history}, got {history}")
    if (place / JOURNAL_FILE).exists():
        finding = journal_offline.verify(place / JOURNAL_FILE)
        if finding.broken_at is not None:
            cause = f"{finding.reason}; keep it as evidence, and take an older backup"
            raise StoreFailed(STORE, f"trust {place}", cause)
    return held


def put(place: Path, data: Path, progress: Progress | None = None) -> Held:
    """Make a backup the content of a data directory that has no stores; raises StoreFailed, and then changes nothing.

    The journal comes last: a directory without one is no finished restore.
    """
    held = verify(place)
    names = sorted(file.name for file in place.iterdir() if file.name not in (SUMS, ABOUT))
    if taken := [name for name in names if (data / name).exists()]:
        raise StoreFailed(
            STORE, f"restore into {data}", f"expected a directory without {taken[0]}; nothing is ever written over"
        )
    part = data / ("restore" + UNFINISHED)
    with _building(part, data):
        part.mkdir(parents=True)
        expected = {name: sum_ for name, sum_ in _read_sums(place).items() if name != ABOUT}
        bringing = _Bringing(part, None, {}, _Count(progress, held.size))
        for name in expected:
            bringing.bring(place / name, Path(name))
        _require_equal(place, expected, _sums(part))
        _sync_tree(part)
        _move(sorted(names, key=lambda name: name == JOURNAL_FILE), part, data)
    return held


def _move(names: Sequence[str], part: Path, data: Path) -> None:
    """All of them, in this order, or none."""
    moved: list[str] = []
    try:
        for name in names:
            (part / name).rename(data / name)
            moved.append(name)
        sync_directory(data)
    except OSError:
        for name in reversed(moved):
            (data / name).rename(part / name)
        raise


@contextmanager
def _building(part: Path, place: Path) -> Iterator[None]:
    """Whatever happens, nothing unfinished stays."""
    try:
        _remove(part)
        yield
    except OSError as error:
        raise StoreFailed(STORE, f"write {place}", f"{error}; make room or choose another place") from error
    finally:
        _remove(part)


class _Bringing:
    """Files on their way into an unfinished directory, and what they were when they were read."""

    def __init__(self, part: Path, like: Path | None, before: Mapping[str, str], count: _Count) -> None:
        self._part, self._like, self._before, self._count = part, like, before, count
        self._read: dict[str, str] = {}

    def bring(self, source: Path, name: Path) -> None:
        """Copy a file, or link the same file of the backup before."""
        word, target = name.as_posix(), self._part / name
        target.parent.mkdir(parents=True, exist_ok=True)
        older = self._before.get(word)
        if self._like is not None and older is not None and _size(self._like / name) == _size(source):
            self._read[word] = digest(source)
            if self._read[word] == older:
                target.hardlink_to(self._like / name)
                self._count.add(_size(source))
                return
        self._read[word] = _copy(source, target, self._count)

    def require(self, found: Mapping[str, str]) -> None:
        """Raises StoreFailed where a file does not read as it was read."""
        _require_equal(self._part, self._read, found)


class _Count:
    def __init__(self, progress: Progress | None, total: int) -> None:
        self._progress, self._done, self._total = progress, 0, total

    def add(self, size: int) -> None:
        self._done += size
        if self._progress is not None:
            self._progress(self._done, max(self._total, self._done))


def _held(part: Path, sums: Mapping[str, str], finding: Finding | None, now: Instant) -> Held:
    database = part / HISTORY_FILE
    history = inspect(database, _segments(sums)) if database.exists() else HistoryHeld(0, ())
    return Held(
        made_at=to_datetime(now).isoformat(timespec="seconds"),
        tocsin=version("tocsin"),
        samples=history.samples,
        files=len(sums),
        size=_bytes(part),
        missing=history.missing,
        entries=None if finding is None else finding.entries,
        head="" if finding is None else str(finding.head),
    )


def _segments(sums: Mapping[str, str]) -> dict[str, str]:
    folder = name_directory(Path(HISTORY_FILE)).name + "/"
    return {name.removeprefix(folder): sum_ for name, sum_ in sums.items() if name.startswith(folder)}


def _copy(source: Path, target: Path, count: _Count) -> str:
    """Copy a file durably; the checksum of what was read."""
    read = hashlib.sha256()
    with source.open("rb") as content, target.open("xb") as sink:
        while part := content.read(_AT_ONCE):
            sink.write(part)
            read.update(part)
            count.add(len(part))
        sink.flush()
        os.fsync(sink.fileno())
    return read.hexdigest()


def _beside(data: Path) -> Iterator[Path]:
    """Everything of a data directory that is neither a store nor can be made again."""
    for entry in sorted(data.iterdir()):
        if not entry.name.startswith(_NOT_TAKEN) and not entry.name.endswith(UNFINISHED):
            yield from _files(entry) if entry.is_dir() else [entry]


def _files(directory: Path) -> Iterator[Path]:
    return (file for file in sorted(directory.rglob("*")) if file.is_file())


def _size(file: Path) -> int:
    return file.stat().st_size if file.is_file() else -1


def _bytes(directory: Path) -> int:
    return sum(_size(file) for file in _files(directory))


def _sums(directory: Path, count: _Count | None = None) -> dict[str, str]:
    """The checksum of every file but the list of them, by name."""
    found = {}
    for file in _files(directory):
        if file != directory / SUMS:
            found[file.relative_to(directory).as_posix()] = digest(file)
            if count is not None:
                count.add(_size(file))
    return found


def digest(file: Path) -> str:
    """SHA-256 of a file, as its hexadecimal digits."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _require_equal(place: Path, expected: Mapping[str, str], found: Mapping[str, str]) -> None:
    for name, sum_ in expected.items():
        if found[name] != sum_:
            raise StoreFailed(STORE, f"trust {place / name}", f"expected the checksum {sum_}, got {found[name]}")


def _read_sums(place: Path) -> dict[str, str]:
    file = place / SUMS
    if not file.is_file():
        raise StoreFailed(STORE, f"read {place}", f"expected a backup with a file {SUMS}, got none")
    sums = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        sum_, _, name = line.partition("  ")
        if len(sum_) != 64 or not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise StoreFailed(STORE, f"read {file}:{number}", f"expected a checksum and a name, got {line[:80]!r}")
        sums[name] = sum_
    return sums


def _about(place: Path) -> Held:
    try:
        told = json.loads((place / ABOUT).read_text("utf-8"))
        return Held(**{**told, "missing": tuple(told["missing"])})
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StoreFailed(STORE, f"read {place / ABOUT}", f"expected what a backup says of itself: {error}") from error


def _sync_tree(directory: Path) -> None:
    """Every file and every name in a directory, durably."""
    for entry in [directory, *sorted(directory.rglob("*"))]:
        if entry.is_dir():
            sync_directory(entry)
        else:
            sync_file(entry)


def _remove(directory: Path) -> None:
    if directory.exists():
        shutil.rmtree(directory)
