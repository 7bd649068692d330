"""Serving the app inside a loop that is already running: no signal handlers, no logging set-up of its own.

Stops within two seconds of being cancelled, whatever its clients do.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections.abc import Iterator
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.errors import ConfigurationError, PortInUse, Problem

GRACE = 0.5
"""Seconds that connections have to end by themselves when the gateway stops."""

ABORT_AFTER = 5.0
"""Seconds after its end in which a WebSocket may still take what is buffered for it."""

LONGEST_CLIENT_MESSAGE = 4_096
"""Bytes; clients have nothing to say on the live stream."""

PING_EVERY = 10.0
"""Seconds; a client that does not answer for as long again is gone."""

CONNECTIONS = 512
"""Connections at once, well below the usual limit of open files."""

BACKLOG = 128


def listen_on(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any free one. Raises PortInUse, or ConfigurationError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _no_address(host, port, error) from error
    try:
        # A gateway that was killed must be able to take its own port again at once.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - socket's signature
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(host, port) from error
        raise _no_address(host, port, error) from error
    return listener


async def serve(app: FastAPI, host: str, port: int) -> None:
    """Serve for ever; ends by cancellation. Raises PortInUse before anything is served."""
    await serve_on(app, listen_on(host, port))


async def serve_on(app: FastAPI, listener: socket.socket) -> None:
    """Serve on a socket of `listen_on`, and close it at the end."""
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws=_LiveProtocol,
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=LONGEST_CLIENT_MESSAGE,
            ws_ping_interval=PING_EVERY,
            ws_ping_timeout=PING_EVERY,
            ws_per_message_deflate=False,
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=2,
        )
    )
    running = asyncio.create_task(server.serve(sockets=[listener]), name="http server")
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        server.should_exit = True
        await running
        raise
    finally:
        listener.close()


def _no_address(host: str, port: int, error: OSError) -> ConfigurationError:
    expected = "an address of this machine that this user may listen on"
    return ConfigurationError([Problem("command line", 0, 0, f"{host}:{port}", expected, str(error))])


class _Server(uvicorn.Server):
    """Leaves signals to the gateway, and ends connections that do not end by themselves."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        asyncio.get_running_loop().call_later(GRACE, self._abort_connections)
        await super().shutdown(sockets)

    def _abort_connections(self) -> None:
        for connection in list(self.server_state.connections):
            connection.transport.abort()


class _LiveProtocol(WebSocketsSansIOProtocol):
    """A WebSocket that ends although its client does not read: the close frame does not wait its turn."""

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            self.writable.set()
        await super().send(message)

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self.loop.call_later(ABORT_AFTER, self.transport.abort)
