"""Requests as bytes, and what their answers have to look like.

Sans-IO. pymodbus writes the requests; answers are checked here, because its client lets through what must
not pass: another function's reply, a reply of the wrong length.
"""

from __future__ import annotations

from dataclasses import dataclass

from pymodbus.pdu import ModbusPDU
from pymodbus.pdu.bit_message import ReadCoilsRequest, ReadDiscreteInputsRequest, WriteSingleCoilRequest
from pymodbus.pdu.register_message import (
    ReadHoldingRegistersRequest,
    ReadInputRegistersRequest,
    WriteMultipleRegistersRequest,
    WriteSingleRegisterRequest,
)

from drivers.modbus.framing import EXCEPTION_BIT
from drivers.modbus.planner import Request
from drivers.modbus.settings import Table
from gateway.sample import Reason

GATEWAY_CODES = frozenset({10, 11})
"""Exceptions by which a gateway says that the unit behind it does not answer (7)."""
_READS: dict[Table, type[ModbusPDU]] = {
    Table.COIL: ReadCoilsRequest,
    Table.DISCRETE: ReadDiscreteInputsRequest,
    Table.INPUT: ReadInputRegistersRequest,
    Table.HOLDING: ReadHoldingRegistersRequest,
}
EXCEPTION_NAMES = {
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
    """The request has no answer; the connection is not there, or had to be closed."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason, self.detail = reason, detail
        super().__init__(detail)


class NoLine(LinkLost):
    """There is no connection to ask by: none of the devices on the line can be reached."""


class DeviceRefused(Exception):
    """The device answered, with an exception code; the connection is sound."""

    def __init__(self, code: int) -> None:
        self.code = code
        self.detail = f"device exception {code} ({EXCEPTION_NAMES.get(code, 'vendor specific')})"
        super().__init__(self.detail)


@dataclass(frozen=True, slots=True)
class Query:
    """A request's PDU, and what its answer has to look like."""

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


def check_reply(query: Query, pdu: bytes) -> None:
    """Raises DeviceRefused for an exception reply, LinkLost for what is not the answer."""
    if pdu[0] == query.pdu[0] | EXCEPTION_BIT and len(pdu) == 2:
        raise DeviceRefused(pdu[1])
    if not pdu.startswith(query.reply_start) or len(pdu) != query.reply_length:
        raise LinkLost(
            Reason.MALFORMED,
            f"expected {query.reply_length} bytes that start with {query.reply_start.hex()}, "
            f"got {len(pdu)} bytes that start with {pdu[:5].hex()}",
        )
