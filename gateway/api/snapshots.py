"""The history as of one moment, for a backup beside the running gateway; one at a time, and not for long.

Writes only into its own directory: where the copy goes from there is decided by whoever can reach that directory.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from contextlib import suppress
from pathlib import Path

from gateway.api.record_views import SnapshotView
from gateway.clock import Clock
from gateway.errors import StoreFailed, TocsinError
from gateway.store import History
from gateway.stores.place import HISTORY_FILE

KEPT_FOR = 6 * 3600.0
"""Seconds until a snapshot that nobody takes away goes by itself: it keeps files from going that would."""

_log = logging.getLogger(__name__)


class SnapshotRefused(TocsinError):
    """A snapshot while there is another."""

    http_status = 409

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        super().__init__(
            f"snapshot: expected no other backup under way, got one in {directory}; wait for it, or end it with "
            "DELETE /api/history/snapshot"
        )


class Snapshots:
    """The one snapshot of a gateway. What a former run left behind is removed by the first one."""

    def __init__(self, directory: Path, history: History, clock: Clock) -> None:
        self._directory = directory.absolute()
        self._history = history
        self._clock = clock
        self._held = False
        self._end: asyncio.TimerHandle | None = None

    async def take(self, by: str) -> SnapshotView:
        """A new snapshot. Raises SnapshotRefused while there is one, StoreFailed where it cannot be made."""
        if self._held:
            raise SnapshotRefused(self._directory)
        self._held = True
        try:
            await asyncio.to_thread(self._clear)
            await self._history.snapshot(self._directory / HISTORY_FILE)
        except BaseException:
            await self.remove()
            raise
        _log.info("the history was put down for a backup by %s", by)
        self._end = asyncio.get_running_loop().call_later(KEPT_FOR, self._expire)
        return SnapshotView(str(self._directory), self._clock.now())

    async def remove(self) -> SnapshotView:
        """Take it off the disk, and say where it was; twice has the effect of once."""
        if self._end is not None:
            self._end.cancel()
        self._end = None
        with suppress(OSError):
            await asyncio.to_thread(shutil.rmtree, self._directory)
        self._held = False
        return SnapshotView(str(self._directory), self._clock.now())

    def _expire(self) -> None:
        _log.warning("a snapshot of the history was not taken away for %g h and goes", KEPT_FOR / 3600)
        self._removing = asyncio.create_task(self.remove(), name="remove snapshot")

    def _clear(self) -> None:
        try:
            if self._directory.exists():
                shutil.rmtree(self._directory)
            self._directory.mkdir(parents=True)
        except OSError as error:
            raise StoreFailed("history", f"write into {self._directory}", str(error)) from error
