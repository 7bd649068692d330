"""One TCP connection to one Modbus device, and the care that keeps it honest.

pymodbus writes the requests. Replies are checked here, because its client lets through what must not
pass: transaction id 0, another function's reply, a reply of the wrong length. Whatever is not exactly the
answer to the one open request closes the connection, so that no late reply is ever taken for another's.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.link import FIRST_DELAY, LinkReporter, retry_delay
from drivers.modbus.address import DeviceSettings, Table
from drivers.modbus.planner import Request
from gateway.duration import format_duration
from gateway.sample import SECOND, Reason

WRITE_RANK = 0
"""Writes go before every read."""
_HEADER = struct.Struct(">HHHB")
"""MBAP: transaction id, protocol id, length of what follows the length field, unit id."""
_LONGEST_PDU = 253
_EXCEPTION_BIT = 0x80
_READS: dict[Table, type[ModbusPDU]] = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.INPUT: ReadInputRegistersRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
}
_EXCEPTION_NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "server device failure",
    5: "acknowledge",
    6: "server device busy",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "gateway target device failed to respond",
}


class LinkLost(Exception):
    """The connection is not there, or had to be closed; the request has no answer."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class DeviceRefused(Exception):
    """The device answered, with an exception code; the connection is sound."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.detail = f"device exception {code} ({_EXCEPTION_NAMES.get(code, 'vendor specific')})"
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Query:
    """A request as bytes, and what its answer has to look like."""

    pdu: bytes
    reply_start: bytes
    """What the reply's PDU has to begin with."""
    reply_length: int


def read_query(request: Request) -> Query:
    """Read one span of one table."""
    pdu = _pdu(_READS[request.table](address=request.address, count=request.count))
    size = (request.count + 7) // 8 if request.table.holds_bits else request.count * 2
    return Query(pdu, bytes((pdu[0], size)), 2 + size)


def write_coil_query(address: int, *, on: bool) -> Query:
    pdu = _pdu(WriteSingleCoilRequest(address=address, bits=[on]))
    return Query(pdu, pdu, len(pdu))


def write_registers_query(address: int, words: tuple[int, ...]) -> Query:
    """One register by function 6, which every device has; several by function 16, in one piece."""
    if len(words) == 1:
        pdu = _pdu(WriteSingleRegisterRequest(address=address, registers=list(words)))
        return Query(pdu, pdu, len(pdu))
    pdu = _pdu(WriteMultipleRegistersRequest(address=address, registers=list(words)))
    return Query(pdu, pdu[:5], 5)


def _pdu(request: ModbusPDU) -> bytes:
    return bytes((request.function_code,)) + request.encode()


class Connection:
    """One socket. Not reentrant: one request at a time."""

    def __init__(self, settings: DeviceSettings) -> None:
        self._settings = settings
        self._timeout = settings.timeout / SECOND
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._transaction = 0

    @property
    def is_open(self) -> bool:
        return self._streams is not None

    async def open(self) -> None:
        """Raises LinkLost."""
        place = f"{self._settings.host}:{self._settings.port}"
        try:
            async with asyncio.timeout(self._timeout):
                self._streams = await asyncio.open_connection(self._settings.host, self._settings.port)
        except TimeoutError as error:
            limit = format_duration(self._settings.timeout)
            raise LinkLost(Reason.TIMEOUT, f"no connection to {place} within {limit}") from error
        except (OSError, UnicodeError) as error:
            raise LinkLost(Reason.DISCONNECTED, f"no connection to {place}: {error}") from error

    def drop(self) -> None:
        """Close at once, so that nothing that still arrives can be read."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def ask(self, query: Query) -> bytes:
        """The PDU of the answer. Raises DeviceRefused, or LinkLost once the socket is dropped."""
        if self._streams is None:
            raise LinkLost(Reason.DISCONNECTED, "not connected")
        sound = False
        try:
            async with asyncio.timeout(self._timeout):
                pdu = await self._exchange(*self._streams, query.pdu)
            _check_reply(query, pdu)
            sound = True
        except DeviceRefused:
            sound = True
            raise
        except TimeoutError as error:
            limit = format_duration(self._settings.timeout)
            raise LinkLost(Reason.TIMEOUT, f"no answer within {limit}") from error
        except (OSError, asyncio.IncompleteReadError) as error:
            raise LinkLost(Reason.DISCONNECTED, f"connection lost: {error}") from error
        finally:
            if not sound:
                self.drop()
        return pdu

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
        self._transaction = self._transaction % 0xFFFF + 1
        unit = self._settings.unit_id
        writer.write(_HEADER.pack(self._transaction, 0, len(request) + 1, unit) + request)
        transaction, protocol, length, from_unit = _HEADER.unpack(await reader.readexactly(_HEADER.size))
        if protocol != 0 or not 3 <= length <= _LONGEST_PDU + 1:
            raise LinkLost(Reason.MALFORMED, "expected a Modbus header, got something else")
        if (transaction, from_unit) != (self._transaction, unit):
            raise LinkLost(
                Reason.MALFORMED,
                f"expected the answer to transaction {self._transaction} of unit {unit}, "
                f"got transaction {transaction} of unit {from_unit}",
            )
        return await reader.readexactly(length - 1)


def _check_reply(query: Query, pdu: bytes) -> None:
    if pdu[0] == query.pdu[0] | _EXCEPTION_BIT and len(pdu) == 2:
        raise DeviceRefused(pdu[1])
    if not pdu.startswith(query.reply_start) or len(pdu) != query.reply_length:
        raise LinkLost(
            Reason.MALFORMED,
            f"expected {query.reply_length} bytes that start with {query.reply_start.hex()}, "
            f"got {len(pdu)} bytes that start with {pdu[:5].hex()}",
        )


class Turns:
    """Lets one at a time pass; the lowest rank first, then the first come."""

    def __init__(self) -> None:
        self._busy = False
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = 0

    @contextlib.asynccontextmanager
    async def turn(self, rank: int) -> AsyncIterator[None]:
        """Hold the line; whoever waits with a lower rank goes next."""
        if self._busy:
            await self._wait(rank)
        self._busy = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, rank: int) -> None:
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals += 1
        heapq.heappush(self._waiting, (rank, self._arrivals, mine))
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled():
                self._pass_on()
            raise

    def _pass_on(self) -> None:
        while self._waiting:
            _, _, following = heapq.heappop(self._waiting)
            if not following.done():
                following.set_result(None)
                return
        self._busy = False


class Client:
    """Keeps one device connected for ever, and lets the driver ask.

    A device counts as connected once it has answered, not once it has accepted: one that hangs is down.
    """

    def __init__(self, settings: DeviceSettings, probes: tuple[Query, ...], reporter: LinkReporter) -> None:
        self._settings, self._probes, self._reporter = settings, probes, reporter
        self._connection = Connection(settings)
        self._turns = Turns()
        self._patience = (2 * settings.timeout + settings.pause_after_connect) / SECOND + 2 * FIRST_DELAY
        self._ready = False
        self._lost = asyncio.Event()
        self._settled = asyncio.Event()
        self._next_probe = 0
        self._answered: Query | None = None

    @property
    def ready(self) -> bool:
        return self._ready

    async def settled(self) -> None:
        """Wait until the first attempt to connect after the start or a loss has ended, well or not."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await self._settled.wait()

    async def ask(self, query: Query, rank: int) -> bytes:
        """Raises DeviceRefused or LinkLost; at once while the device is down."""
        async with self._turns.turn(rank):
            if not self._ready:
                raise LinkLost(self._reporter.reason, self._reporter.detail)
            try:
                reply = await self._paced(query)
            except LinkLost as error:
                self._reporter.note(error.reason, error.detail)
                raise
            finally:
                self._notice_loss()
            if rank != WRITE_RANK:
                self._answered = query
            return reply

    async def _paced(self, query: Query) -> bytes:
        if self._settings.pause_between_requests:
            await asyncio.sleep(self._settings.pause_between_requests / SECOND)
        return await self._connection.ask(query)

    def _notice_loss(self) -> None:
        if not self._connection.is_open:
            self._ready = False
            self._settled.clear()
            self._lost.set()

    async def maintain(self) -> None:
        """Connect, wait for a loss, connect again; ends only by cancellation."""
        attempt = 0
        try:
            while True:
                try:
                    await self._connect()
                except LinkLost as error:
                    self._connection.drop()
                    self._reporter.down(error.reason, error.detail)
                    self._settled.set()
                    await asyncio.sleep(retry_delay(attempt))
                    attempt += 1
                    continue
                attempt = 0
                self._reporter.up(f"{self._settings.host}:{self._settings.port} answers")
                self._lost.clear()
                self._ready = True
                self._settled.set()
                await self._lost.wait()
                await asyncio.sleep(retry_delay(0))
        finally:
            self._connection.drop()

    async def _connect(self) -> None:
        await self._connection.open()
        if self._settings.pause_after_connect:
            await asyncio.sleep(self._settings.pause_after_connect / SECOND)
        if not self._probes:
            return
        # What was answered last, then another each time: one address that the device leaves unanswered
        # must not keep the whole of it down.
        probe, self._answered = self._answered, None
        if probe is None:
            probe = self._probes[self._next_probe]
            self._next_probe = (self._next_probe + 1) % len(self._probes)
        with contextlib.suppress(DeviceRefused):
            await self._connection.ask(probe)
        self._answered = probe
