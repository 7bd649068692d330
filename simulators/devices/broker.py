"""An MQTT broker inside the process, so that a first look needs nothing installed.

Anonymous and unencrypted, and therefore on loopback addresses only.
"""

from __future__ import annotations

import ipaddress
import logging

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig, ListenerConfig
from amqtt.errors import BrokerError

from gateway.errors import PortInUse


class LocalBroker:
    """Start and stop at will; what was retained is forgotten in between."""

    def __init__(self, host: str, port: int) -> None:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"expected a loopback address for a broker without passwords, got {host}")
        self.host = host
        self.port = port
        self._broker: Broker | None = None

    async def start(self) -> None:
        """Listen. Raises PortInUse."""
        if self._broker is not None:
            return
        for name in ("amqtt", "transitions"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        listener = ListenerConfig(bind=f"{self.host}:{self.port}")
        plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
        broker = Broker(BrokerConfig(listeners={"default": listener}, plugins=plugins))
        try:
            await broker.start()
        except BrokerError as error:
            raise PortInUse(self.host, self.port) from error
        self._broker = broker

    async def stop(self) -> None:
        """Drop every client and close the port."""
        broker, self._broker = self._broker, None
        if broker is not None:
            await broker.shutdown()
