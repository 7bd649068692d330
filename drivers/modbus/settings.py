"""What a plant file says of a Modbus device: how it is reached, and what it can stand.

One class for each way to reach a device. Pure data: nothing here opens a connection or reads a file.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.duration import Duration, format_duration
from gateway.plant.files import FileName

REGISTER_LIMIT = 125
"""Registers in one read (Modbus Application Protocol V1.1b3, 6.3 and 6.4)."""
BIT_LIMIT = 2000
"""Coils or discrete inputs in one read (6.1 and 6.2)."""
LAST_ADDRESS = 65_535


class Order(StrEnum):
    BIG = "big"
    LITTLE = "little"


class Parity(StrEnum):
    NONE = "none"
    EVEN = "even"
    ODD = "odd"


class Table(StrEnum):
    """The four address spaces of a device."""

    COIL = "coil"
    DISCRETE = "discrete"
    INPUT = "input"
    HOLDING = "holding"

    @property
    def holds_bits(self) -> bool:
        return self in (Table.COIL, Table.DISCRETE)


Address = Annotated[
    int, Field(ge=0, le=LAST_ADDRESS, description="Protocol address of the first register or bit, from 0.")
]


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Forbidden(Frozen):
    """Addresses that must never be read, such as a register whose reading clears a counter."""

    table: Table
    first: Address
    last: Address

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"expected last at or above first ({self.first}), got {self.last}")
        return self

    def touches(self, table: Table, address: int, count: int) -> bool:
        """Whether a read of so many from there on would touch it."""
        return self.table is table and self.first < address + count and address <= self.last


class Identity(Frozen):
    """Registers in which a device says as text what it is: a model, a serial number."""

    table: Literal[Table.INPUT, Table.HOLDING] = Table.HOLDING
    address: Address
    length: int = Field(ge=1, le=REGISTER_LIMIT)
    """Registers that the text takes."""
    text: str | None = Field(default=None, min_length=1)
    """What must stand there, or the device is not read at all; left out, the text is only shown."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.address + self.length - 1 > LAST_ADDRESS:
            raise ValueError(f"expected a text to end at {LAST_ADDRESS} or below, got {self.length} registers")
        if self.text is not None and (self.text != self.text.strip(" ") or len(self.text.encode()) > 2 * self.length):
            raise ValueError(f"expected at most {2 * self.length} bytes without blanks around them, got {self.text!r}")
        return self


class DeviceSettings(Frozen):
    """What every Modbus device has, however it is reached."""

    unit_id: int = Field(default=1, ge=0, le=255)
    """Unit identifier (slave address)."""
    timeout: Duration = Field(default="1 s", validate_default=True, gt=0)
    """Longest wait for a connection or an answer; the connection is opened anew after it."""
    turnaround: Duration = Field(default="10 ms", validate_default=True)
    """How long the device takes to answer, as far as planning goes: most PLCs answer once a cycle."""
    byte_order: Order = Order.BIG
    """Order of the two bytes in a register; `big` is what the standard asks for."""
    word_order: Order = Order.BIG
    """Order of the registers of a longer number; `big` means high word first."""
    max_registers: int = Field(default=REGISTER_LIMIT, ge=4, le=REGISTER_LIMIT)
    """Most registers that the device answers in one read."""
    max_bits: int = Field(default=BIT_LIMIT, ge=1, le=BIT_LIMIT)
    """Most coils or discrete inputs that the device answers in one read."""
    bridge_gap: int | None = Field(default=None, ge=0, le=REGISTER_LIMIT)
    """Most unused registers that are read along to save a request; 0 if the device refuses addresses it lacks.

    Left out: as many as cost less time than a request of their own.
    """
    never_read: tuple[Forbidden, ...] = ()
    """Addresses that no request may touch, not even to bridge a gap."""
    pause_after_connect: Duration = Field(default="0 ms", validate_default=True)
    """Wait after connecting, for devices that are not ready at once."""
    pause_between_requests: Duration = Field(default="0 ms", validate_default=True)
    """Silence before every request, for devices and lines that need it."""
    identity: tuple[Identity, ...] = ()
    """Texts by which the device is told from another, read anew whenever it was lost or reconnected."""

    @model_validator(mode="after")
    def _can_be_identified(self) -> Self:
        for each in self.identity:
            if each.length > self.max_registers:
                raise ValueError(f"expected at most max_registers ({self.max_registers}), got {each.length}")
            if any(forbidden.touches(each.table, each.address, each.length) for forbidden in self.never_read):
                raise ValueError(f"expected an identity outside never_read, got {each.table} {each.address}")
        return self


class TcpSettings(DeviceSettings):
    """A Modbus TCP device, or one unit behind a Modbus gateway."""

    host: str = Field(min_length=1)
    """Host name or IP address."""
    port: int = Field(default=502, ge=1, le=65_535)
    """TCP port. Devices of one host and port share one connection, and take turns on it."""

    line_baud: int | None = Field(default=None, ge=300)
    """Speed (bits a second) of the serial line behind a gateway; only the plan and the load depend on it."""


class RtuOverTcpSettings(TcpSettings):
    """One unit behind a converter that passes serial frames through a TCP connection as they are."""

    line_baud: int | None = Field(default=9600, ge=300)
    """Speed (bits a second) of the serial line behind the converter; only the plan and the load depend on it."""


class TlsSettings(TcpSettings):
    """Modbus/TCP Security: the device shows a certificate, and the gateway its own where it has one."""

    port: int = Field(default=802, ge=1, le=65_535)
    """TCP port. Devices of one host and port share one connection, and take turns on it."""
    ca: FileName
    """File of the certificates (PEM) by which the device's certificate must be signed."""
    certificate: FileName | None = None
    """File of the gateway's own certificate (PEM), for devices that ask for one."""
    key: FileName | None = None
    """File of the key to `certificate` (PEM)."""
    server_name: str | None = None
    """Name in the device's certificate where it is not `host`."""

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("expected certificate and key together, got only one of them")
        return self


class SerialSettings(DeviceSettings):
    """One unit on a serial line (Modbus RTU)."""

    port: str = Field(min_length=1)
    """The port's device file, such as `/dev/ttyS0`. Devices of one port take turns on it."""
    baud: int = 9600
    """Speed (bits a second)."""
    parity: Parity = Parity.EVEN
    """`even` is what the standard asks for."""
    stop_bits: int = Field(default=1, ge=1, le=2)
    """1, or 2 where there is no parity."""
    turnaround: Duration = Field(default="20 ms", validate_default=True)
    """How long the device takes to answer, as far as planning goes."""

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        if self.baud not in BAUDS:
            raise ValueError(f"expected a baud of {', '.join(map(str, BAUDS))}, got {self.baud}")
        if self.unit_id > 247:
            raise ValueError(f"expected a unit_id up to 247 on a serial line, got {self.unit_id}")
        if self.timeout <= self.turnaround:
            raise ValueError(
                f"expected a timeout above the turnaround ({format_duration(self.turnaround)}), "
                f"got {format_duration(self.timeout)}"
            )
        return self


BAUDS = (1200, 2400, 4800, 9600, 19_200, 38_400, 57_600, 115_200, 230_400, 460_800, 921_600)
