"""One connection to a broker, opened and closed so that a failed attempt leaves nothing behind.

Knows aiomqtt and nothing of points; the driver decides when to try again.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Mapping, Sequence

import aiomqtt

from drivers.mqtt.address import DeviceSettings
from gateway.sample import SECOND

INBOX_LIMIT = 20_000
"""Messages that may wait between broker and driver; beyond it aiomqtt drops the newest, and says so."""
_TOPICS_A_PACKET = 200
_REFUSED = 128
"""SUBACK return codes from here on are refusals (MQTT 3.1.1, 3.9.3)."""


class BrokerLost(Exception):
    """The broker is not there, does not let us in, or went away."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


@contextlib.asynccontextmanager
async def connected(settings: DeviceSettings) -> AsyncIterator[aiomqtt.Client]:
    """A client that is connected. Raises BrokerLost, also for what aiomqtt raises inside the block."""
    client = aiomqtt.Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=_password(settings),
        identifier=settings.client_id,
        keepalive=settings.keepalive // SECOND,
        timeout=settings.timeout / SECOND,
        max_queued_incoming_messages=INBOX_LIMIT,
    )
    try:
        await client.__aenter__()
        yield client
    except (aiomqtt.MqttError, UnicodeError) as error:
        await _hear_out(client)
        place = f"{settings.host}:{settings.port}"
        raise BrokerLost(f"broker {place}: {error}") from error
    finally:
        # aiomqtt leaves the socket of an attempt that failed half-way to the loop; its own exit closes it.
        client.timeout = 0.2
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)


async def _hear_out(client: aiomqtt.Client) -> None:
    """Take the reason of a lost connection, which asyncio would otherwise report as one nobody asked for."""
    with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
        async with asyncio.timeout(0.05):
            await anext(client.messages)


def _password(settings: DeviceSettings) -> str | None:
    if settings.password_env is None:
        return None
    password = os.environ.get(settings.password_env)
    if password is None:
        raise BrokerLost(f"expected the password in environment variable {settings.password_env}, got none")
    return password


async def subscribe(client: aiomqtt.Client, topics: Mapping[str, int]) -> Sequence[str]:
    """Subscribe to exact topics with their QoS; those that the broker refused."""
    refused: list[str] = []
    wanted = list(topics.items())
    for start in range(0, len(wanted), _TOPICS_A_PACKET):
        part = wanted[start : start + _TOPICS_A_PACKET]
        codes = await client.subscribe(part)
        numbers = [code if isinstance(code, int) else code.value for code in codes]
        refused.extend(topic for (topic, _), number in zip(part, numbers, strict=True) if number >= _REFUSED)
    return refused
