"""Writes the outputs of one Modbus device, and reads each back: an echo only says that the request was understood.

One more request a write, in the turn of a write and with the same timeout; never a second attempt, never raises.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel

from drivers.link import own
from drivers.modbus.address import OutputAddress
from drivers.modbus.client import Client
from drivers.modbus.codec import Form, decode, encode, output_form
from drivers.modbus.planner import Request
from drivers.modbus.query import (
    DeviceRefused,
    LinkLost,
    Query,
    read_query,
    write_coil_query,
    write_registers_query,
)
from drivers.modbus.settings import DeviceSettings, Table
from gateway.clock import Clock
from gateway.driver import Receipt
from gateway.plant.model import Device, Output


class OutputWriter:
    """The outputs of one device, by its client."""

    def __init__(self, client: Client, settings: DeviceSettings, clock: Clock) -> None:
        self._client, self._settings, self._clock = client, settings, clock
        self._latest: dict[tuple[Table, int], object] = {}
        """By place: the write that began last."""

    async def write(self, output: Output, value: float) -> Receipt:
        """Written means that the device holds the value, or confirmed it where the output is not read back."""
        written, detail = await self._written(output, value)
        return Receipt(written=written, detail=detail, at=self._clock.now())

    async def _written(self, output: Output, value: float) -> tuple[bool, str]:
        try:
            address = own(OutputAddress, output.address, output.id)
            form = output_form(address, self._settings)
            words = encode(form, value)
        except (TypeError, ValueError) as error:
            return False, str(error)
        table = Table(address.table)
        mine = self._latest[table, address.address] = object()
        try:
            await self._client.ask_at_once(_write_query(table, address.address, words))
        except DeviceRefused as error:
            return False, error.detail
        except LinkLost as error:
            return False, f"not confirmed: {error.detail}"
        if not output.read_back:
            return True, "confirmed by the device, not read back"
        try:
            found = await self._found(Request(table, address.address, len(words)))
        except (DeviceRefused, LinkLost) as error:
            return False, f"confirmed by the device, but not read back: {error.detail}"
        if found == words:
            return True, "confirmed by the device and read back"
        if self._latest[table, address.address] is not mine:
            return False, "confirmed by the device, but overtaken by another write before it was read back"
        expected, got = _shown(form, words), _shown(form, found)
        return False, f"confirmed by the device, but not held: expected {expected}, got {got}"

    async def _found(self, request: Request) -> tuple[int, ...]:
        pdu = await self._client.ask_at_once(read_query(request))
        if request.table.holds_bits:
            return (pdu[2] & 1,)
        return tuple(int.from_bytes(pdu[place : place + 2], "big") for place in range(2, len(pdu), 2))


def check_read_back(device: Device, address: BaseModel) -> None:
    """Raises ValueError where what is written there must never be read."""
    settings, place = own(DeviceSettings, device.settings, device.id), own(OutputAddress, address, "a Modbus output")
    for forbidden in settings.never_read:
        if forbidden.touches(Table(place.table), place.address, place.registers):
            raise ValueError(
                f"expected an address outside never_read of {device.id} ({forbidden.table} {forbidden.first} to "
                f"{forbidden.last}), or read_back: false, got {place.table} {place.address}"
            )


def _write_query(table: Table, address: int, words: tuple[int, ...]) -> Query:
    if table is Table.COIL:
        return write_coil_query(address, on=bool(words[0]))
    return write_registers_query(address, words)


def _shown(form: Form, words: Sequence[int]) -> str:
    """The value and its words as they lie there, because it is mostly an order of words that is wrong."""
    raw = " ".join(f"{word:04x}" for word in words)
    return f"{decode(form, words).value:g} ({raw})"
