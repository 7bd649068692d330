"""A Modbus server that misbehaves on demand, in TCP or serial frames. Shares no code with the driver.

It answers register N with `base + N` and bit N with N odd, so that an answer that belongs to another
request shows in the values; what was written there it answers as it was written.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self


@dataclass(frozen=True)
class Asked:
    transaction: int
    unit: int
    function: int
    address: int
    count: int
    """Of registers or bits; the value for a single write."""
    body: bytes
    serial: bool = False
    """Whether it came in a serial frame."""


WRITES = frozenset({5, 6, 16})
"""Functions by which the driver writes."""

Fault = Callable[["FaultyServer", Asked, asyncio.StreamWriter], bool]
"""Deals with a request in its own way; False leaves it to the server."""


@dataclass
class FaultyServer:
    """Behind one port, or at one end of a serial line (`attach`)."""

    fault: Fault | None = None
    base: int = 1000
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    serial: bool = False
    """Whether it speaks serial frames, which carry no transaction id."""
    tls: ssl.SSLContext | None = None
    bits: dict[int, int] = field(default_factory=dict)
    registers: dict[int, int] = field(default_factory=dict)
    """What was written, by address."""
    _server: asyncio.Server | None = None
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=self.tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def attach(self, port: int) -> None:
        """Serve the far end of a pseudo terminal, open as a file descriptor, until it is closed."""
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        near, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(port, "rb", 0))
        out = os.fdopen(os.dup(port), "wb", 0)
        transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, out)
        writer = asyncio.StreamWriter(transport, protocol, None, loop)
        self._writers.add(writer)
        task = asyncio.create_task(self._serve(reader, writer))
        self.tasks.add(task)
        task.add_done_callback(lambda _: near.close())

    async def stop(self) -> None:
        """Refuse from now on, and reset what is open."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self.tasks:
            task.cancel()
        self.drop_all()
        await asyncio.sleep(0)

    def drop_all(self) -> None:
        for writer in self._writers:
            if not writer.transport.is_closing():
                writer.transport.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        async def run() -> None:
            await asyncio.sleep(seconds)
            action()

        task = asyncio.create_task(run())
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def good_reply(self, asked: Asked) -> bytes:
        """The PDU of the right answer."""
        if asked.function in (1, 2):
            places = range(asked.address, asked.address + asked.count)
            bits = [self.bits.get(place, place % 2) if asked.function == 1 else place % 2 for place in places]
            packed = bytearray((asked.count + 7) // 8)
            for place, bit in enumerate(bits):
                packed[place // 8] |= bit << place % 8
            return bytes((asked.function, len(packed))) + packed
        if asked.function in (3, 4):
            places = range(asked.address, asked.address + asked.count)
            written = self.registers if asked.function == 3 else {}
            words = [written.get(place, (self.base + place) & 0xFFFF) for place in places]
            return bytes((asked.function, 2 * asked.count)) + struct.pack(f">{asked.count}H", *words)
        self._store(asked)
        return asked.body[:5]

    def _store(self, asked: Asked) -> None:
        if asked.function == 5:
            self.bits[asked.address] = int(asked.count == 0xFF00)
        elif asked.function == 6:
            self.registers[asked.address] = asked.count
        elif asked.function == 16:
            for step, word in enumerate(struct.unpack(f">{asked.count}H", asked.body[6:])):
                self.registers[asked.address + step] = word

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while True:
                asked = await (self._serial_request(reader) if self.serial else self._request(reader))
                self.asked.append(asked)
                if self.fault is None or not self.fault(self, asked, writer):
                    writer.write(frame(asked, self.good_reply(asked)))
        self._writers.discard(writer)
        if not writer.transport.is_closing():
            writer.transport.abort()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> Asked:
        transaction, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
        body = await reader.readexactly(length - 1)
        return Asked(transaction, unit, *struct.unpack(">BHH", body[:5]), body)

    @staticmethod
    async def _serial_request(reader: asyncio.StreamReader) -> Asked:
        start = await reader.readexactly(6)
        if start[1] in (15, 16):
            start += await reader.readexactly(1)
            start += await reader.readexactly(start[6])
        assert await reader.readexactly(2) == crc(start)
        return Asked(0, start[0], *struct.unpack(">BHH", start[1:6]), start[1:], serial=True)


def crc(data: bytes) -> bytes:
    """Bit by bit, as the standard's flow chart has it (Modbus over Serial Line V1.02, 6.2.2)."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return struct.pack("<H", value)


def frame(asked: Asked, pdu: bytes, *, transaction: int | None = None, unit: int | None = None) -> bytes:
    if asked.serial:
        whole = bytes((asked.unit if unit is None else unit,)) + pdu
        return whole + crc(whole)
    number = asked.transaction if transaction is None else transaction
    return struct.pack(">HHHB", number, 0, len(pdu) + 1, asked.unit if unit is None else unit) + pdu


def only(address: int, fault: Fault) -> Fault:
    """The fault, for requests that begin at this address only."""
    return lambda server, asked, writer: asked.address == address and fault(server, asked, writer)


def hang(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    return True


def reset(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.transport.abort()
    return True


def half_a_frame(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    whole = frame(asked, server.good_reply(asked))
    writer.write(whole[: len(whole) // 2])
    return True


def half_a_frame_then_close(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    half_a_frame(server, asked, writer)
    writer.close()
    return True


def garbage(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n" * 3)
    return True


def slow_drip(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    for place, byte in enumerate(frame(asked, server.good_reply(asked))):
        server.later(0.2 * place, lambda byte=byte: writer.write(bytes((byte,))))
    return True


def wrong_unit(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.write(frame(asked, server.good_reply(asked), unit=asked.unit + 1))
    return True


def wrong_transaction(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.write(frame(asked, server.good_reply(asked), transaction=asked.transaction - 1))
    return True


def transaction_zero(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.write(frame(asked, server.good_reply(asked), transaction=0))
    return True


def wrong_function(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    pdu = server.good_reply(asked)
    writer.write(frame(asked, bytes((pdu[0] + 1,)) + pdu[1:]))
    return True


def too_short(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    pdu = server.good_reply(asked)
    writer.write(frame(asked, bytes((pdu[0], pdu[1] - 2)) + pdu[2:-2]))
    return True


def too_long(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    writer.write(frame(asked, server.good_reply(asked) + b"\0\0"))
    return True


def byte_count_lies(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    pdu = server.good_reply(asked)
    writer.write(frame(asked, bytes((pdu[0], pdu[1] - 2)) + pdu[2:]))
    return True


def another_echo(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    """Confirms a write of something else."""
    pdu = bytearray(server.good_reply(asked))
    pdu[-1] ^= 0x01
    writer.write(frame(asked, bytes(pdu)))
    return True


def forgets(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    """Confirms a write and stores nothing."""
    if asked.function not in WRITES:
        return False
    writer.write(frame(asked, asked.body[:5]))
    return True


def distorts(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
    """Confirms a write and stores another value: the last bit of all is wrong."""
    if asked.function not in WRITES:
        return False
    writer.write(frame(asked, server.good_reply(asked)))
    if asked.function == 5:
        server.bits[asked.address] ^= 1
    else:
        server.registers[asked.address + (asked.count - 1 if asked.function == 16 else 0)] ^= 1
    return True


def unread(fault: Fault) -> Fault:
    """The fault, for reading what was written before."""

    def answer(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        known = {1: server.bits, 3: server.registers}.get(asked.function, {})
        return asked.address in known and fault(server, asked, writer)

    return answer


def exception(code: int) -> Fault:
    def answer(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(frame(asked, bytes((asked.function | 0x80, code))))
        return True

    return answer


def late(seconds: float) -> Fault:
    """Answers rightly, but after the caller has given up; on the connection that is open by then as well."""

    def answer(server: FaultyServer, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        reply = frame(asked, server.good_reply(asked))

        def send() -> None:
            for each in tuple(server._writers):
                each.write(reply)

        server.later(seconds, send)
        return True

    return answer
