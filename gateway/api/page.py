"""The duty-room page as files: small on the wire, never stale, and nothing loaded from elsewhere.

Serves only files inside its directory.
"""

from __future__ import annotations

import asyncio
import gzip
import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

FOR_EVER = "public, max-age=31536000, immutable"
"""For files whose name changes with their content."""

ASK_EACH_TIME = "no-cache"

WORTH_PACKING = 1_024
"""Bytes below which gzip gains nothing."""

_PACKED_TYPES = ("text/", "application/javascript", "application/json", "image/svg+xml")

_NOT_BUILT = """\
值班室页面尚未构建。请在源码目录执行：make web
The duty-room page is not built. In the source directory, run: make web

接口说明 The API is described at: /docs
"""

_SECURITY = {
    "content-security-policy": (
        "default-src 'self'; img-src 'self' data:; media-src 'self' data:; object-src 'none'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class _File:
    tag: str
    media_type: str
    body: bytes
    packed: bytes | None


class Page:
    """An ASGI app that serves the built page; each file is read and packed once, off the event loop."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._files: dict[str, _File] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        response = await self._respond(Request(scope))
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        path = request.url.path.lstrip("/") or "index.html"
        if path == "api" or path.startswith("api/"):
            raise HTTPException(404)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"allow": "GET, HEAD"})
        file = await asyncio.to_thread(self._load, path)
        if file is None and path == "index.html":
            return PlainTextResponse(_NOT_BUILT, 503, {"cache-control": "no-store"})
        if file is None:
            raise HTTPException(404)
        return _answer(file, path, request.headers)

    def _load(self, path: str) -> _File | None:
        try:
            place = (self._directory / path).resolve()
            if not place.is_relative_to(self._directory) or not place.is_file():
                return None
        except (OSError, ValueError):  # no file has such a name
            return None
        stat = place.stat()
        tag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
        known = self._files.get(path)
        if known is None or known.tag != tag:
            media_type = mimetypes.guess_type(place.name)[0] or "application/octet-stream"
            body = place.read_bytes()
            worth = len(body) >= WORTH_PACKING and media_type.startswith(_PACKED_TYPES)
            known = _File(tag, media_type, body, gzip.compress(body, mtime=0) if worth else None)
            self._files[path] = known
        return known


def _answer(file: _File, path: str, asked: Headers) -> Response:
    headers = {
        "cache-control": FOR_EVER if path.startswith("assets/") else ASK_EACH_TIME,
        "etag": file.tag,
        "vary": "accept-encoding",
    }
    if file.tag in asked.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    body = file.body
    if file.packed is not None and "gzip" in asked.get("accept-encoding", ""):
        body = file.packed
        headers["content-encoding"] = "gzip"
    return Response(body, headers=headers, media_type=file.media_type)


class SecurityHeaders:
    """Adds to every answer what keeps a browser from loading, framing or guessing anything foreign."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)
