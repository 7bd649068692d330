"""One open connection: a request out, its answer in, and nothing else ever believed.

Whatever is not exactly the answer to the one open request ends the connection, and so do bytes that come
when nothing was asked. A late reply can therefore never be taken for another's.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Set
from functools import partial

from drivers.modbus import serial_port
from drivers.modbus.framing import Framing, RtuFraming, TcpFraming, Unmatched
from drivers.modbus.settings import DeviceSettings, RtuOverTcpSettings, SerialSettings, TcpSettings, TlsSettings
from gateway.clock import Clock
from gateway.sample import SECOND, Reason


class WireError(Exception):
    """The exchange failed; the wire is closed."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class Wire(asyncio.Protocol):
    """Not reentrant: one exchange at a time."""

    def __init__(self, framing: Framing, clock: Clock) -> None:
        self._framing, self._clock = framing, clock
        self._transport: asyncio.Transport | None = None
        self._held = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._unit = 0
        self._overdue: Set[int] = frozenset()
        self._loop = asyncio.get_running_loop()
        self.last_byte = clock.now() / SECOND
        """When something was last sent or heard (seconds)."""

    @property
    def is_open(self) -> bool:
        return self._transport is not None

    def close(self) -> None:
        """At once, so that nothing that still arrives can be read."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def exchange(self, unit: int, pdu: bytes, seconds: float, overdue: Set[int] = frozenset()) -> bytes:
        """The PDU of the answer; raises WireError, TimeoutError.

        `overdue` are other units that still owe an answer: what they send is dropped, and the wait goes on.
        """
        if self._transport is None:
            raise WireError(Reason.DISCONNECTED, "connection lost")
        self._unit, self._overdue = unit, overdue
        self._answer = self._loop.create_future()
        limit = self._loop.call_later(seconds, self._fail, TimeoutError())
        try:
            self._transport.write(self._framing.pack(unit, pdu))
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            limit.cancel()
            self._answer = None
            self.last_byte = self._clock.now() / SECOND

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - what streams are made of
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        why = f": {exc}" if exc is not None else " by the other end"
        self._fail(WireError(Reason.DISCONNECTED, f"connection lost{why}"))

    def data_received(self, data: bytes) -> None:
        self.last_byte = self._clock.now() / SECOND
        if self._answer is None or self._answer.done():
            self.close()
            return
        self._held += data
        try:
            self._take()
        except Unmatched as error:
            self._fail(WireError(Reason.MALFORMED, str(error)))

    def _take(self) -> None:
        while (frame := self._framing.cut(self._held)) is not None:
            del self._held[: frame.size]
            if frame.unit == self._unit:
                if self._held:
                    raise Unmatched(f"expected one answer, got {len(self._held)} bytes more")
                if self._answer is not None:
                    self._answer.set_result(frame.pdu)
                return
            if frame.unit not in self._overdue:
                raise Unmatched(f"expected the answer of unit {self._unit}, got one of unit {frame.unit}")

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


def framing_of(settings: DeviceSettings) -> Framing:
    """The frames of this way to reach a device; one for all connections after another to the same place.

    Transaction ids go on over a reconnect: a gateway may send a late answer on the new connection.
    """
    return RtuFraming() if isinstance(settings, SerialSettings | RtuOverTcpSettings) else TcpFraming()


async def open_wire(settings: DeviceSettings, framing: Framing, clock: Clock) -> Wire:
    """Raises OSError and UnicodeError; ssl.SSLError is an OSError."""
    loop = asyncio.get_running_loop()
    if isinstance(settings, SerialSettings):
        wire = Wire(framing, clock)
        port = serial_port.open_port(settings.port, settings.baud, settings.parity, settings.stop_bits)
        serial_port.SerialTransport(loop, port, wire)
        return wire
    if not isinstance(settings, TcpSettings):
        raise TypeError(f"expected settings of a known transport, got {type(settings).__name__}")
    make = partial(Wire, framing, clock)
    secure = secure_context(settings) if isinstance(settings, TlsSettings) else None
    name = settings.server_name or settings.host if isinstance(settings, TlsSettings) else None
    _, wire = await loop.create_connection(make, settings.host, settings.port, ssl=secure, server_hostname=name)
    return wire


def secure_context(settings: TlsSettings) -> ssl.SSLContext:
    """Modbus/TCP Security asks for TLS 1.2 or above. Raises OSError where a file is not what it should be."""
    context = ssl.create_default_context(cafile=settings.ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if settings.certificate is not None:
        context.load_cert_chain(settings.certificate, settings.key)
    return context
