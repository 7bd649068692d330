"""An MQTT 3.1.1 broker that misbehaves on demand. Shares no code with the driver, nor with a real broker.

It keeps saying the same payload on every subscribed topic, so that a fault shows as a stream that breaks.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

EVERY = 0.02
"""Seconds between two sayings of the same."""
_CONNECT, _PUBLISH, _PUBACK, _SUBSCRIBE, _PINGREQ = 1, 3, 4, 8, 12


class Mood(Enum):
    """How the broker behaves from now on."""

    SOUND = auto()
    TURNS_AWAY = auto()
    """Accepts a connection and closes it."""
    SILENT = auto()
    """Never says a word again, not even to new connections."""
    HALF = auto()
    """Half a message, then silence."""
    GARBAGE = auto()
    DRIPS = auto()
    """One byte at a time."""
    MIXES_UP = auto()
    """Confirms what was not sent, and says what nobody asked for."""
    REFUSES_TOPICS = auto()


@dataclass(eq=False)
class _Guest:
    writer: asyncio.StreamWriter
    topics: list[str] = field(default_factory=list)
    muted: bool = False
    newer: bool = False
    """Speaks MQTT 5: packets have properties, of which this broker has none."""


@dataclass
class FaultyBroker:
    says: Callable[[str], Sequence[tuple[str, bytes]]]
    """Topics and payloads that are said to whoever subscribed to a filter."""
    mood: Mood = Mood.SOUND
    port: int = 0
    context: ssl.SSLContext | None = None
    """Encrypts where there is one."""
    visits: int = 0
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    """What was published to it."""
    _server: asyncio.Server | None = None
    _guests: set[_Guest] = field(default_factory=set)
    _speaker: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.context)
        self.port = self._server.sockets[0].getsockname()[1]
        self._speaker = asyncio.create_task(self._speak())

    async def stop(self) -> None:
        """Nobody listens on the port from now on, and what is open is reset."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._speaker is not None:
            self._speaker.cancel()
        self.drop_all()
        await asyncio.sleep(0)

    def drop_all(self) -> None:
        for guest in self._guests:
            guest.writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        guest = _Guest(writer)
        self._guests.add(guest)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while self.mood is not Mood.TURNS_AWAY:
                kind = (await reader.readexactly(1))[0]
                self._answer(guest, kind, await reader.readexactly(await _length(reader)))
        self._guests.discard(guest)
        writer.transport.abort()

    def _answer(self, guest: _Guest, kind: int, body: bytes) -> None:
        if self.mood in (Mood.SILENT, Mood.HALF):
            return
        if kind >> 4 == _CONNECT:
            guest.newer = body[6] == 5
            guest.writer.write(b"\x20\x03\x00\x00\x00" if guest.newer else b"\x20\x02\x00\x00")
        elif kind >> 4 == _SUBSCRIBE:
            topics = _subscribed(body, 3 if guest.newer else 2)
            refused = self.mood is Mood.REFUSES_TOPICS
            codes = bytes([0x80 if refused else 0] * len(topics))
            head = body[:2] + (b"\0" if guest.newer else b"")
            guest.writer.write(bytes((0x90, len(head) + len(codes))) + head + codes)
            guest.topics += [] if refused else topics
        elif kind >> 4 == _PINGREQ:
            guest.writer.write(b"\xd0\x00")
        elif kind >> 4 == _PUBLISH:
            size = struct.unpack_from(">H", body)[0]
            topic, number = body[2 : 2 + size].decode(), body[2 + size : 4 + size]
            confirmed = bool(kind & 0x06)
            self.heard.append((topic, body[2 + size + 2 * confirmed + guest.newer :]))
            if not confirmed:
                return
            if self.mood is Mood.MIXES_UP:
                number = struct.pack(">H", struct.unpack(">H", number)[0] ^ 0x55)
            guest.writer.write(b"\x40\x02" + number)

    async def _speak(self) -> None:
        while True:
            for guest in tuple(self._guests):
                for topic, payload in [one for each in guest.topics for one in self.says(each)]:
                    if not guest.muted:
                        await self._say(guest, topic, payload)
            await asyncio.sleep(EVERY)

    async def _say(self, guest: _Guest, topic: str, payload: bytes) -> None:
        payload = b"\0" + payload if guest.newer else payload
        frame = publish_frame(topic, payload)
        if self.mood is Mood.SOUND:
            guest.writer.write(frame)
        elif self.mood is Mood.HALF:
            guest.writer.write(frame[: len(frame) // 2])
            guest.muted = True
        elif self.mood is Mood.GARBAGE:
            guest.writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3)
            guest.muted = True
        elif self.mood is Mood.DRIPS:
            for byte in frame:
                guest.writer.write(bytes((byte,)))
                await asyncio.sleep(0.005)
        elif self.mood is Mood.MIXES_UP:
            guest.writer.write(publish_frame(f"another/{topic}", payload))


def publish_frame(topic: str, payload: bytes) -> bytes:
    """A PUBLISH at QoS 0."""
    name = topic.encode()
    size = 2 + len(name) + len(payload)
    digits = bytearray()
    while True:
        size, digit = divmod(size, 128)
        digits.append(digit | (0x80 if size else 0))
        if not size:
            return b"\x30" + bytes(digits) + struct.pack(">H", len(name)) + name + payload


async def _length(reader: asyncio.StreamReader) -> int:
    total = shift = 0
    while True:
        digit = (await reader.readexactly(1))[0]
        total |= (digit & 0x7F) << shift
        shift += 7
        if not digit & 0x80:
            return total


def _subscribed(body: bytes, place: int) -> list[str]:
    topics = []
    while place < len(body):
        size = struct.unpack_from(">H", body, place)[0]
        topics.append(body[place + 2 : place + 2 + size].decode())
        place += 2 + size + 1
    return topics
