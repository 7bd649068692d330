"""Frames around a Modbus request and its answer: the TCP header, and RTU's address and checksum.

Sans-IO. Nothing here is lenient: a frame that cannot be the answer is Unmatched, and whoever hears that
closes the connection.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Protocol

from pymodbus.framer import FramerRTU

LONGEST_PDU = 253
"""Modbus Application Protocol V1.1b3, 4.1."""
EXCEPTION_BIT = 0x80
_HEADER = struct.Struct(">HHHB")
"""MBAP: transaction id, protocol id, length of what follows the length field, unit id."""
_CHECKSUM = struct.Struct(">H")
"""pymodbus gives the checksum with its two bytes in the order of the wire."""
_COUNTED = frozenset({1, 2, 3, 4})
"""Functions whose answer says its own length."""
_ECHOED = frozenset({5, 6, 15, 16})
"""Functions whose answer is four bytes long."""


class Unmatched(Exception):
    """What arrived is not the answer to the one open request."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One whole answer, and how many bytes it took."""

    unit: int
    pdu: bytes
    size: int


class Framing(Protocol):
    """One connection's frames, one request at a time."""

    overhead: int
    """Bytes that a frame adds to its PDU."""

    def pack(self, unit: int, pdu: bytes) -> bytes:
        """The frame to send; from now on its answer is expected."""
        ...

    def cut(self, held: bytes | bytearray) -> Frame | None:
        """The first frame of what has arrived; None until it is whole. Raises Unmatched."""
        ...


class TcpFraming:
    """Transaction ids run from 1 to 65535: 0 is what a device says that does not know."""

    overhead = 7

    def __init__(self) -> None:
        self._transaction = 0

    def pack(self, unit: int, pdu: bytes) -> bytes:
        self._transaction = self._transaction % 0xFFFF + 1
        return _HEADER.pack(self._transaction, 0, len(pdu) + 1, unit) + pdu

    def cut(self, held: bytes | bytearray) -> Frame | None:
        if len(held) < _HEADER.size:
            return None
        transaction, protocol, length, unit = _HEADER.unpack_from(held)
        if protocol != 0 or not 3 <= length <= LONGEST_PDU + 1:
            raise Unmatched("expected a Modbus header, got something else")
        if transaction != self._transaction:
            raise Unmatched(f"expected the answer to transaction {self._transaction}, got one to {transaction}")
        size = 6 + length
        return Frame(unit, bytes(held[_HEADER.size : size]), size) if len(held) >= size else None


class RtuFraming:
    """RTU frames carry no id of the request: whoever sends the next one must know that no answer is still due."""

    overhead = 3

    def pack(self, unit: int, pdu: bytes) -> bytes:
        frame = bytes((unit,)) + pdu
        return frame + checksum(frame)

    def cut(self, held: bytes | bytearray) -> Frame | None:
        size = _rtu_size(held)
        if size is None or len(held) < size:
            return None
        body, sum_ = bytes(held[: size - 2]), bytes(held[size - 2 : size])
        if checksum(body) != sum_:
            raise Unmatched(f"expected the checksum {checksum(body).hex()}, got {sum_.hex()}")
        return Frame(body[0], body[1:], size)


def checksum(frame: bytes) -> bytes:
    """CRC-16/MODBUS as it stands on the wire (Modbus over Serial Line V1.02, 6.2.2)."""
    return _CHECKSUM.pack(FramerRTU.compute_CRC(frame))


def _rtu_size(held: bytes | bytearray) -> int | None:
    """Bytes of the frame that begins here; None while that cannot be told."""
    if len(held) < 2:
        return None
    function = held[1]
    if function & EXCEPTION_BIT and function & ~EXCEPTION_BIT in _COUNTED | _ECHOED:
        return 5
    if function in _ECHOED:
        return 8
    if function not in _COUNTED:
        raise Unmatched(f"expected the answer to a function of ours, got function {function}")
    return 5 + held[2] if len(held) > 2 else None
