"""What both embedded stores need of the file system and of threads, whatever engine they stand on.

Never touches the content of a store file.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from gateway.errors import StoreFailed

Result = TypeVar("Result")

JOURNAL_FILE = "journal.sqlite"
HISTORY_FILE = "history.duckdb"
"""Names of the embedded stores in a data directory."""

ATTACHMENTS = "attachments"
ATTACHMENTS_COMING = "attachments.part"
EXPORTS = "exports"
"""Files that people asked for; they can be asked for again."""

SNAPSHOT = "snapshot"
"""The history as of one moment, on its way into a backup."""


def require_place(store: str, path: Path) -> None:
    """Raises StoreFailed, with what to do, where no store file can live at `path`."""
    try:
        _require_place(store, path)
    except PermissionError as error:
        raise _not_permitted(store, path, path.parent) from error


def _require_place(store: str, path: Path) -> None:
    parent = path.parent
    if not parent.is_dir():
        what = "a file" if parent.exists() else "nothing there"
        raise StoreFailed(
            store,
            f"open {path}",
            f"expected a directory at {parent}, got {what}; create the directory or choose another path",
        )
    if path.is_dir():
        raise StoreFailed(
            store, f"open {path}", "expected a file, got a directory; choose the path of a file inside it"
        )
    blocked = next((place for place in (parent, path) if place.exists() and not os.access(place, os.W_OK)), None)
    if blocked is not None:
        raise _not_permitted(store, path, blocked)


def _not_permitted(store: str, path: Path, blocked: Path) -> StoreFailed:
    return StoreFailed(
        store,
        f"open {path}",
        f"expected to be allowed to write to {blocked}, got no permission or a read-only file system; "
        f"give the gateway's user write permission there or choose another path",
    )


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable: a synced file whose name is lost is lost."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _step_back() -> None:
    """Linux gives each thread a priority of its own; elsewhere the thread stays as it is."""
    with suppress(AttributeError, OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 15)


class StoreThreads:
    """Threads that one store owns. A job that has begun is finished even if its caller is cancelled."""

    def __init__(self, store: str, name: str, count: int, *, yields: bool = False) -> None:
        """`yields`: let these threads run only when no other wants the processor."""
        self._store = store
        self._pool = ThreadPoolExecutor(
            count, thread_name_prefix=f"{store}-{name}", initializer=_step_back if yields else None
        )
        self._closed = False

    async def run(self, doing: str, job: Callable[[], Result]) -> Result:
        """The job's result; raises StoreFailed once the store is closed."""
        if self._closed:
            raise StoreFailed(self._store, doing, "expected an open store, got one that has been closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, job)

    async def close(self, last: Callable[[], None]) -> None:
        """Run `last` behind everything that is queued, then end the threads; once."""
        if self._closed:
            return
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(self._pool, last)
        await asyncio.to_thread(self._pool.shutdown)
