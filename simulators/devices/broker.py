"""An MQTT broker inside the process, so that a first look needs nothing installed.

Anonymous and unencrypted, and therefore on loopback addresses only.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

from gateway.errors import PortInUse

_GRACE = 2.0
"""Seconds for connections to end by themselves when the broker stops."""


class _Broker(Broker):  # type: ignore[misc]
    """amqtt's broker, which knows its connections so that none outlives it."""

    def __init__(self, config: BrokerConfig) -> None:
        super().__init__(config)
        self.connections: dict[asyncio.Task[object], asyncio.StreamWriter] = {}

    async def stream_connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, listener_name: str
    ) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - asyncio serves every connection in a task
        self.connections[task] = writer
        try:
            await super().stream_connected(reader, writer, listener_name)
        finally:
            del self.connections[task]
            writer.close()

    async def drop_all(self) -> None:
        """End every connection that is still there."""
        for task, writer in list(self.connections.items()):
            writer.close()
            task.cancel()
        if self.connections:
            await asyncio.wait(list(self.connections), timeout=_GRACE)
        await asyncio.sleep(0)


class LocalBroker:
    """Start and stop at will; what was retained is forgotten in between."""

    def __init__(self, host: str, port: int) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"expected a loopback address for a broker without passwords, got {host}")
        self.host = host
        self.port = port
        self._broker: _Broker | None = None

    async def start(self) -> None:
        """Listen. Raises PortInUse."""
        if self._broker is not None:
            return
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        listener = ListenerConfig(bind=f"{self.host}:{self.port}")
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        broker = _Broker(BrokerConfig(listeners={"default": listener}, plugins=plugins))
        try:
            await broker.start()
        except BrokerError as error:
            raise PortInUse(self.host, self.port, "in the plant file") from error
        self._broker = broker

    async def stop(self) -> None:
        """Drop every client and close the port."""
        broker, self._broker = self._broker, None
        if broker is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await broker.shutdown()
            await broker.drop_all()
