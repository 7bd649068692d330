"""One connection to an MQTT broker, opened and closed so that a failed attempt leaves nothing behind.

Knows aiomqtt and nothing of points; the driver decides when to try again. Nothing that arrives is dropped
uncounted, and nothing that blocks (names, keys, handshakes) runs on the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import ssl
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Annotated, Any, Literal, cast

import aiomqtt
import paho.mqtt.client as paho
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, model_validator

from gateway.clock import Clock
from gateway.duration import Duration, format_duration
from gateway.plant.files import FileName
from gateway.sample import SECOND, Instant

BATCH_LIMIT = 1_000
"""Messages that are dealt with in one turn, so that a flood holds up neither its first message nor another device."""
_TOPICS_A_PACKET = 200
_REFUSED = 128
"""SUBACK codes from here on are refusals (MQTT 3.1.1, 3.9.3; MQTT 5, 3.9.3)."""
_TLS_PORT = 8883
_wire = logging.getLogger("drivers.broker.wire")
_wire.setLevel(logging.CRITICAL)  # a line for every failed attempt is noise: the link's changes are told


class BrokerLost(Exception):
    """The broker is not there, does not let us in, or went away."""

    def __init__(self, detail: str) -> None:
        self.detail = detail
        super().__init__(detail)


def _whole_seconds(duration: int) -> int:
    if not SECOND <= duration <= 65_535 * SECOND or duration % SECOND:
        raise ValueError(f"expected whole seconds from 1 s to 65535 s, got {format_duration(duration)}")
    return duration


class Frozen(BaseModel):
    """Base of what a plant file says: frozen, and unknown fields are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Tls(Frozen):
    """Encryption, and who is who. An empty one trusts what the operating system trusts."""

    ca: FileName | None = None
    """File with the certificates to trust (PEM), in place of the system's."""
    certificate: FileName | None = None
    """File with our own certificate (PEM), for brokers that ask for one."""
    key: FileName | None = None
    """File with its key (PEM); left out, it stands in `certificate`."""
    key_password_env: str | None = Field(default=None, min_length=1)
    """Name of the environment variable that holds the key's password."""


class BrokerSettings(Frozen):
    """How a broker is reached."""

    host: str = Field(min_length=1)
    """Host name or IP address of the broker."""
    port: int = Field(default=1883, ge=1, le=65_535)
    """TCP port; left out, 1883, or 8883 with `tls`."""
    version: Literal["3.1.1", "5"] = "3.1.1"
    """Version of MQTT."""
    tls: Tls | None = None
    """Left out, nothing is encrypted."""
    client_id: str | None = Field(default=None, min_length=1)
    """Unique at the broker; left out, one is chosen at every connection."""
    username: str | None = None
    """Left out, the broker is asked to let anybody in."""
    password_env: str | None = Field(default=None, min_length=1)
    """Name of the environment variable that holds the password; never the password itself."""
    keepalive: Annotated[Duration, AfterValidator(_whole_seconds)] = Field(default="30 s", validate_default=True)
    """Longest silence between gateway and broker; a broker that is silent for longer is lost."""
    timeout: Duration = Field(default="5 s", validate_default=True)
    """Longest wait for the broker to accept a connection or to confirm a write."""
    session: Annotated[Duration, AfterValidator(_whole_seconds)] | None = None
    """How long the broker keeps for us what comes while we are away (with 3.1.1: as long as it likes).
    Needs a `client_id`, and a source time at every point; left out, it keeps nothing."""
    inbox: int = Field(default=20_000, ge=1, le=1_000_000)
    """Messages that may wait to be read; beyond it the oldest are dropped, counted, and an alarm."""

    @model_validator(mode="before")
    @classmethod
    def _port_of_tls(cls, given: JsonValue) -> JsonValue:
        if isinstance(given, dict) and given.get("tls") is not None and "port" not in given:
            return {**given, "port": _TLS_PORT}
        return given

    @model_validator(mode="after")
    def _session_needs_a_name(self) -> BrokerSettings:
        if self.session is not None and self.client_id is None:
            raise ValueError("expected a client_id by which the broker knows the session again, got none")
        return self

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


class Inbox(asyncio.Queue[aiomqtt.Message]):
    """Messages with the time of their arrival; bounded, and what does not fit is counted.

    The oldest goes: of two values of a point the newer one protects.
    """

    def __init__(self, limit: int, clock: Clock) -> None:
        super().__init__(limit)
        self._clock = clock
        self._times: deque[Instant] = deque()
        self.at = clock.now()
        """When the message that was taken last had arrived."""
        self._dropped = 0

    def put_nowait(self, item: aiomqtt.Message) -> None:
        """Never fails: a full inbox loses its oldest message."""
        if self.full():
            self.get_nowait()
            self._dropped += 1
        super().put_nowait(item)

    def _put(self, item: aiomqtt.Message) -> None:
        super()._put(item)
        self._times.append(self._clock.now())

    def _get(self) -> aiomqtt.Message:
        self.at = self._times.popleft()
        return super()._get()

    def take(self, most: int = BATCH_LIMIT) -> list[tuple[aiomqtt.Message, Instant]]:
        """What has arrived and waits, with the time of arrival."""
        return [(self.get_nowait(), self.at) for _ in range(min(most, self.qsize()))]

    def dropped(self) -> int:
        """Messages lost since the last call."""
        count, self._dropped = self._dropped, 0
        return count


class _Client(aiomqtt.Client):
    """aiomqtt 2.5.1, which asks the loop to watch sockets that are closed by the time of its turn (EBADF)."""

    abandoned = False
    """Nobody waits for the connection any more: one that comes about after all is closed at once."""

    def hear_out(self) -> None:
        """Take the reason of a lost connection, which asyncio would otherwise report as one nobody asked for."""
        for ended in (self._connected, self._disconnected):
            if ended.done() and not ended.cancelled():
                ended.exception()

    def _on_disconnect(
        self,
        client: paho.Client,
        userdata: Any,
        flags: paho.DisconnectFlags,
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        """Also of a connection whose making was cancelled, which aiomqtt asks for its exception and so raises."""
        if not self._connected.cancelled():
            super()._on_disconnect(client, userdata, flags, reason_code, properties)
        elif not self._disconnected.done():
            self._disconnected.set_result(None)

    def _on_socket_open(self, client: paho.Client, userdata: Any, sock: Any) -> None:
        if self.abandoned:
            raise ConnectionAbortedError("nobody waits for this connection any more")
        super()._on_socket_open(client, userdata, sock)

    def _on_socket_register_write(self, client: paho.Client, _userdata: Any, sock: Any) -> None:
        self._loop.call_soon_threadsafe(self._watch_write, client, sock)

    def _watch_write(self, client: paho.Client, sock: Any) -> None:
        if sock.fileno() >= 0:
            self._loop.add_writer(sock.fileno(), self._write, client)

    def _write(self, client: paho.Client) -> None:
        try:
            client.loop_write()
        except OSError as error:
            if not self._disconnected.done():
                self._disconnected.set_exception(error)


@contextlib.asynccontextmanager
async def connected(
    settings: BrokerSettings, inbox: Inbox | None = None, will: aiomqtt.Will | None = None
) -> AsyncIterator[aiomqtt.Client]:
    """A client that is connected. Raises BrokerLost, also for what aiomqtt raises inside the block."""
    heed_cancellation()
    client = _client(settings, inbox, will, await _context(settings))
    try:
        await client.__aenter__()
        heed_cancellation()
        yield client
    except (aiomqtt.MqttError, UnicodeError) as error:
        raise BrokerLost(f"broker {settings.place}: {error}") from error
    finally:
        # aiomqtt leaves the socket of an attempt that failed half-way to the loop; its own exit closes it.
        client.abandoned = True
        client.timeout = 0.2
        with contextlib.suppress(aiomqtt.MqttError, OSError):
            await client.__aexit__(None, None, None)
        client.hear_out()


def heed_cancellation() -> None:
    """Raise the cancellation that `asyncio.wait_for` swallows where its future is done in the same turn.

    aiomqtt waits with it everywhere, and up to Python 3.11 it does so.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _client(
    settings: BrokerSettings, inbox: Inbox | None, will: aiomqtt.Will | None, context: ssl.SSLContext | None
) -> _Client:
    keep = settings.session is not None
    newer = settings.version == "5"
    properties = None
    if newer and settings.session is not None:
        properties = cast("Any", Properties)(PacketTypes.CONNECT)  # paho leaves it without types
        properties.SessionExpiryInterval = settings.session // SECOND
    client = _Client(
        settings.host,
        settings.port,
        username=settings.username,
        password=_secret(settings.password_env),
        identifier=settings.client_id,
        queue_type=None if inbox is None else cast("type[asyncio.Queue[aiomqtt.Message]]", lambda maxsize: inbox),  # noqa: ARG005 - the size is the inbox's own
        protocol=aiomqtt.ProtocolVersion.V5 if newer else aiomqtt.ProtocolVersion.V311,
        will=will,
        clean_session=None if newer else not keep,
        clean_start=not keep if newer else paho.MQTT_CLEAN_START_FIRST_ONLY,
        keepalive=settings.keepalive // SECOND,
        timeout=settings.timeout / SECOND,
        properties=properties,
        logger=_wire,
        max_queued_incoming_messages=settings.inbox,
        tls_context=context,
    )
    client._client.connect_timeout = settings.timeout / SECOND  # noqa: SLF001 - aiomqtt has no way to say it
    return client


async def _context(settings: BrokerSettings) -> ssl.SSLContext | None:
    return None if settings.tls is None else await asyncio.to_thread(tls_context, settings.tls)


def tls_context(tls: Tls) -> ssl.SSLContext:
    """Reads certificate files; raises BrokerLost that names the one that cannot be used."""
    file = tls.ca
    try:
        context = ssl.create_default_context(cafile=tls.ca)
        if tls.certificate is not None:
            file = tls.certificate if tls.key is None else f"{tls.certificate} with {tls.key}"
            context.load_cert_chain(tls.certificate, tls.key, password=_secret(tls.key_password_env))
    except (OSError, ValueError) as error:
        raise BrokerLost(f"expected a certificate in {file}, got {error}") from error
    return context


def _secret(variable: str | None) -> str | None:
    if variable is None:
        return None
    secret = os.environ.get(variable)
    if secret is None:
        raise BrokerLost(f"expected the password in environment variable {variable}, got none")
    return secret


async def subscribe(client: aiomqtt.Client, topics: Mapping[str, int]) -> Sequence[str]:
    """Subscribe to topic filters with their QoS; those that the broker refused."""
    refused: list[str] = []
    wanted = list(topics.items())
    for start in range(0, len(wanted), _TOPICS_A_PACKET):
        part = wanted[start : start + _TOPICS_A_PACKET]
        codes = await client.subscribe(part)
        heed_cancellation()
        numbers = [code if isinstance(code, int) else code.value for code in codes]
        refused.extend(topic for (topic, _), number in zip(part, numbers, strict=True) if number >= _REFUSED)
    return refused


async def arrivals(client: aiomqtt.Client, inbox: Inbox) -> AsyncIterator[Sequence[tuple[aiomqtt.Message, Instant]]]:
    """What comes, in parts, each message with the time of its arrival; ends with aiomqtt.MqttError."""
    async for first in client.messages:
        yield [(first, inbox.at), *inbox.take()]
        await asyncio.sleep(0)
        heed_cancellation()
