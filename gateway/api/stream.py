"""The WebSocket at /api/live: hands one client its snapshot and what follows, until it leaves or lags."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from fastapi import APIRouter
from starlette.websockets import WebSocket, WebSocketDisconnect

from gateway.api.live import Subscription
from gateway.api.services import Services

TRY_AGAIN_LATER = 1013
POLICY_VIOLATION = 1008

CLOSE_WITHIN = 1.0
"""Seconds for the farewell to a client that does not read."""

stream = APIRouter()


@stream.websocket("/api/live")
async def live(socket: WebSocket, services: Services) -> None:
    """A snapshot, then every change: the messages are `LiveMessage`. What the client says is ignored."""
    if not _is_own_page(socket):
        await socket.close(POLICY_VIOLATION, "only this gateway's own page may listen in a browser")
        return
    await socket.accept()
    if services.hub.is_full:
        await socket.close(TRY_AGAIN_LATER, "too many clients")
        return
    subscription = services.hub.subscribe()
    try:
        await _serve(socket, subscription)
    finally:
        services.hub.unsubscribe(subscription)


def _is_own_page(socket: WebSocket) -> bool:
    """Browsers name the page that asks; a foreign page must not read the plant over a visitor's shoulder."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")


async def _serve(socket: WebSocket, subscription: Subscription) -> None:
    sending = asyncio.create_task(_send_all(socket, subscription), name="live: send")
    leaving = asyncio.create_task(_until_gone(socket), name="live: listen")
    lagging = asyncio.create_task(subscription.dropped.wait(), name="live: lag")
    tasks = (sending, leaving, lagging)
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled() and (failure := task.exception()) is not None:
            raise failure
    if subscription.dropped.is_set():
        await _farewell(socket)


async def _send_all(socket: WebSocket, subscription: Subscription) -> None:
    try:
        await socket.send_text(subscription.snapshot)
        subscription.snapshot = ""
        while True:
            await socket.send_text(await subscription.queue.get())
    except WebSocketDisconnect:
        return


async def _until_gone(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def _farewell(socket: WebSocket) -> None:
    try:
        async with asyncio.timeout(CLOSE_WITHIN):
            await socket.close(TRY_AGAIN_LATER, "this client does not read as fast as the plant speaks")
    except (TimeoutError, WebSocketDisconnect):
        return
