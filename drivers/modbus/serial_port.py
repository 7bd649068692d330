"""A serial port as an asyncio transport, by the operating system's own terminal interface (POSIX).

Exclusive and raw: nobody else may open the port meanwhile, and no byte means anything but itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import termios

_READ_AT_ONCE = 4096
SPEEDS = {
    speed: getattr(termios, f"B{speed}")
    for speed in (1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
    if hasattr(termios, f"B{speed}")
}
"""Speeds (bits a second) that this system knows."""


class SerialTransport(asyncio.Transport):
    """Bytes between a protocol and an open port."""

    def __init__(self, loop: asyncio.AbstractEventLoop, port: int, protocol: asyncio.Protocol) -> None:
        super().__init__()
        self._loop, self._port, self._protocol = loop, port, protocol
        self._unsent = b""
        self._closed = False
        loop.add_reader(port, self._readable)
        protocol.connection_made(self)

    def is_closing(self) -> bool:
        return self._closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """A port that does not take the whole at once takes the rest as it can."""
        if self._closed:
            return
        self._unsent += bytes(data)
        self._writable()

    def close(self) -> None:
        self.abort()

    def abort(self) -> None:
        self._end(None)

    def _readable(self) -> None:
        try:
            data = os.read(self._port, _READ_AT_ONCE)
        except BlockingIOError:
            return
        except OSError as error:
            self._end(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._end(OSError("the port is gone"))

    def _writable(self) -> None:
        try:
            sent = os.write(self._port, self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._end(error)
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._port, self._writable)
        else:
            self._loop.remove_writer(self._port)

    def _end(self, error: Exception | None) -> None:
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self._port)
        self._loop.remove_writer(self._port)
        with contextlib.suppress(OSError, termios.error):
            termios.tcflush(self._port, termios.TCIOFLUSH)
        os.close(self._port)
        self._loop.call_soon(self._protocol.connection_lost, error)


def open_port(path: str, baud: int, parity: str, stop_bits: int) -> int:
    """A file descriptor of the port, set up, empty and ours alone. Raises OSError."""
    port = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(port, termios.TIOCEXCL)
        termios.tcsetattr(port, termios.TCSANOW, _modes(port, baud, parity, stop_bits))
        termios.tcflush(port, termios.TCIOFLUSH)
    except termios.error as error:
        os.close(port)
        raise OSError(f"{path} is no serial port of {baud} baud, parity {parity}: {error}") from error
    except OSError:
        os.close(port)
        raise
    return port


def _modes(port: int, baud: int, parity: str, stop_bits: int) -> list[int | list[bytes | int]]:
    characters = termios.tcgetattr(port)[6]
    control = termios.CS8 | termios.CREAD | termios.CLOCAL
    control |= termios.CSTOPB if stop_bits == 2 else 0
    control |= {"none": 0, "even": termios.PARENB, "odd": termios.PARENB | termios.PARODD}[parity]
    received = 0 if parity == "none" else termios.INPCK
    characters[termios.VMIN], characters[termios.VTIME] = 1, 0
    return [received, 0, control, 0, SPEEDS[baud], SPEEDS[baud], characters]
