"""Files beside hazard tickets, in the data directory, each under the SHA-256 of its content.

A file is whole and synced before anything speaks of it; what it is, its content says and never its name.
Never changes or removes a file that is stored.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import secrets
import shutil
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

from gateway.errors import StoreFailed, refusal
from gateway.events.tickets import Attachment
from gateway.stores.media import HEAD, OFFICE, Media, document_of, media_of, safe_name
from gateway.stores.place import ATTACHMENTS, ATTACHMENTS_COMING, StoreThreads, sync_directory

LARGEST = 256 * 1024 * 1024
"""Bytes of one file: a minute or two of a telephone's video."""

RESERVE = 1024 * 1024 * 1024
"""Bytes of the disk that no attachment takes: the journal lives there too."""

UPLOADS = 4
"""At the same time; the next one waits."""

PATIENCE = 30.0
"""Seconds without a byte after which an upload is given up."""

_STORE = "attachments"

_Result = TypeVar("_Result")


class AttachmentStore:
    """One data directory's attachments."""

    def __init__(self, data: Path, largest: int, reserve: int) -> None:
        self.largest = largest
        self._reserve = reserve
        self._directory = data / ATTACHMENTS
        self.scratch = data / ATTACHMENTS_COMING
        """Files that are not whole yet; nothing in it outlives a start, and no backup takes it."""
        self._turns = asyncio.Semaphore(UPLOADS)
        self._threads = StoreThreads(_STORE, "writer", UPLOADS, yields=True)

    @classmethod
    async def open(cls, data: Path, *, largest: int = LARGEST, reserve: int = RESERVE) -> AttachmentStore:
        """Make the directory, and let go of uploads that a stop cut short. Raises StoreFailed."""
        store = cls(data, largest, reserve)
        await store._do("open", store._prepare)
        return store

    async def put(self, content: AsyncIterator[bytes], name: str) -> Attachment:
        """Store a file durably, once however often it comes.

        Raises RequestRefused for what is too large, stops coming or is of no accepted kind, StoreFailed for what
        cannot be kept; then nothing of it is left.
        """
        async with self._turns:
            path = self.scratch / secrets.token_hex(16)
            try:
                upload = await self._do("begin a file", lambda: self._begin(path))
                try:
                    async for chunk in _in_time(content):
                        await self._do("write a file", lambda part=chunk: upload.write(part))  # type: ignore[misc]
                    media = await self._do("sync a file", upload.finish)
                finally:
                    await self._do("close a file", upload.close)
                sha256 = upload.sha256
                await self._do("store a file", lambda: self._settle(path, sha256))
                return Attachment(sha256, safe_name(name, media), media.media_type, upload.size)
            finally:
                await self._do("tidy up", lambda: path.unlink(missing_ok=True))

    async def find(self, sha256: str) -> Path:
        """The file of a content. Raises StoreFailed where it is gone."""
        path = self._path(sha256)
        if not await asyncio.to_thread(path.is_file):
            raise StoreFailed(_STORE, "read a file", f"expected {path}, got nothing there; restore it from a backup")
        return path

    async def close(self) -> None:
        """End the store's threads; what was answered is on the disk."""
        await self._threads.close(lambda: None)

    async def _do(self, doing: str, job: Callable[[], _Result]) -> _Result:
        """The job's result, off the loop. Raises StoreFailed for what the file system refuses."""
        try:
            return await self._threads.run(doing, job)
        except OSError as error:
            raise StoreFailed(_STORE, doing, str(error)) from error

    def _path(self, sha256: str) -> Path:
        return self._directory / sha256[:2] / sha256

    def _prepare(self) -> None:
        for directory in (self._directory, self.scratch):
            directory.mkdir(mode=0o750, parents=True, exist_ok=True)
        for left in self.scratch.iterdir():
            left.unlink()
        sync_directory(self._directory.parent)

    def _begin(self, path: Path) -> _Upload:
        free, kept = shutil.disk_usage(self._directory).free, self._reserve + self.largest
        if free < kept:
            raise OSError(errno.ENOSPC, f"expected {kept} bytes to be free, of which the journal may need, got {free}")
        return _Upload(path, self.largest)

    def _settle(self, path: Path, sha256: str) -> None:
        """Give the file its name; a crash leaves it whole under that name or not at all."""
        place = self._path(sha256)
        if not place.parent.exists():
            place.parent.mkdir(mode=0o750)
            sync_directory(self._directory)
        path.chmod(0o440)
        path.rename(place)
        sync_directory(place.parent)


class _Upload:
    """One file on its way to the disk."""

    def __init__(self, path: Path, largest: int) -> None:
        self.size = 0
        self._largest = largest
        self._path = path
        self._file = path.open("xb")
        self._digest = hashlib.sha256()
        self._head = b""
        self._media: Media | None = None

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Raises RequestRefused as soon as it is too large, or known to be nothing that is accepted."""
        self.size += len(chunk)
        if self.size > self._largest:
            raise refusal("file", f"a file of at most {self._largest} bytes", "a larger one")
        if self._media is None:
            self._head += chunk[:HEAD]
            if len(self._head) >= HEAD:
                self._media = media_of(self._head)
        self._digest.update(chunk)
        self._file.write(chunk)

    def finish(self) -> Media:
        """Make it durable, and say what it is. Raises RequestRefused."""
        media = media_of(self._head) if self._media is None else self._media
        self._file.flush()
        os.fsync(self._file.fileno())
        return document_of(self._path) if media is OFFICE else media

    def close(self) -> None:
        self._file.close()


async def _in_time(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The content as long as it keeps coming."""
    chunks = aiter(content)
    while True:
        try:
            async with asyncio.timeout(PATIENCE):
                chunk = await anext(chunks)
        except StopAsyncIteration:
            return
        except TimeoutError:
            expected = f"the next part within {PATIENCE:.0f} s"
            raise refusal("file", expected, "none; send the file again") from None
        if chunk:
            yield chunk
