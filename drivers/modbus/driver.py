"""Reads one Modbus device on its schedule and writes its outputs.

A scan hands up one batch with a row for every point, whatever happened: what could not be read is BAD
with its reason. Never retries within a period, never catches up in bursts, never raises into the runtime.
"""

from __future__ import annotations

import asyncio
import logging
import zlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from drivers.link import LinkReporter, own
from drivers.modbus.address import OutputAddress, PointAddress
from drivers.modbus.client import Client
from drivers.modbus.codec import form_of, status_form
from drivers.modbus.layout import Layout, Placed, Words
from drivers.modbus.line import place_of, terms_of
from drivers.modbus.manifest import MANIFEST
from drivers.modbus.planner import Place, Scan, Wanted, duration, plan
from drivers.modbus.query import DeviceRefused, LinkLost, Query, read_query
from drivers.modbus.settings import (
    DeviceSettings,
    Order,
    RtuOverTcpSettings,
    SerialSettings,
    Table,
    TcpSettings,
    TlsSettings,
)
from drivers.modbus.wire import secure_context
from drivers.modbus.writer import OutputWriter, check_read_back
from gateway.driver import DriverKind, DriverWork, Receipt, ScanLoad
from gateway.errors import Problem
from gateway.plant.model import Device, Output, Point
from gateway.sample import SECOND, Indices, Instant, Quality, Reason, SampleBatch, failed

_ILLEGAL = frozenset({2, 3})
"""Exceptions by which a device says that it lacks an address of those asked for."""
# Looked up once: up to Python 3.11 a member of an enumeration is found by a search, a dozen times a scan.
_READ, _REFUSED = Reason.NONE, Reason.DEVICE_EXCEPTION
_BEATS = 16
"""Moments in a period at which scans begin."""
_QUALITIES = np.full(256, Quality.BAD, dtype=np.uint8)
_QUALITIES[Reason.NONE], _QUALITIES[Reason.SOURCE_DOUBT] = Quality.GOOD, Quality.UNCERTAIN
"""By reason."""
_log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Poll:
    """One scan, with everything about it that never changes prepared."""

    scan: Scan
    queries: tuple[Query, ...]
    layout: Layout
    points: Indices
    request_of: NDArray[np.intp]
    """By row: which request brings the point."""
    told: NDArray[np.intp]
    """Rows of points whose status stands elsewhere ..."""
    status_request_of: NDArray[np.intp]
    """... and which request brings it."""
    words: int
    """Of the whole scan."""
    next_request: int = 0
    refused_gaps: bool = False
    """Whether the device lacks an address that a request only read along."""


class ModbusDriver:
    """One device; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        self._polls = [_poll(scan, work, self._settings) for scan in plan(_wanted(work.points), self._settings)]
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)
        queries = tuple(query for poll in self._polls for query in poll.queries)
        self._client = Client(self._settings, queries, self._reporter, work.clock)
        self._writer = OutputWriter(self._client, self._settings, work.clock)

    async def run(self) -> None:
        self._reporter.connecting(place_of(self._settings))
        self._client.join()
        try:
            async with asyncio.TaskGroup() as tasks:
                name = f"modbus {self._work.device.id}"
                for poll in self._polls:
                    tasks.create_task(self._repeat(poll), name=f"{name} scan {poll.scan.period}")
                if not self._polls:
                    tasks.create_task(self._client.hold(), name=f"{name} link")
        finally:
            self._client.leave()

    async def _repeat(self, poll: _Poll) -> None:
        clock, period = self._work.clock, poll.scan.period
        # At once, and then on a beat of the device's own: all of them together would wait for one another.
        due, broken = Instant(clock.now() - period + _phase(self._work.device.id, period)), False
        while True:
            try:
                batch = await self._read(poll, due + period)
                broken = False
            except Exception:
                # Supervision point: a mistake in decoding must show as BAD samples, not end the polling.
                if not broken:
                    _log.exception("device %s: scan failed by a mistake of ours", self._work.device.id)
                broken = True
                batch = failed(poll.points, Reason.MALFORMED, clock.now())
            self._work.receiver.samples(batch)
            if poll.refused_gaps:
                poll = self._without_gaps(poll)
            now = clock.now()
            due = Instant(due + period * (max(0, now - due) // period + 1))
            await asyncio.sleep((due - now) / SECOND)

    async def _read(self, poll: _Poll, deadline: int) -> SampleBatch:
        """One batch with a row for every point of the scan."""
        count = len(poll.queries)
        words: Words = np.zeros(poll.words, dtype=">u2")
        reasons = [_READ] * count
        times = [0] * count
        lost = 0
        first = poll.next_request
        for step in range(count):
            index = (first + step) % count
            # Two losses in a row: the device is ill. The next scan begins with what this one leaves out.
            if lost == 2:
                reasons[index] = self._reporter.reason
            else:
                poll.next_request = (index + 1) % count
                reasons[index] = await self._read_one(poll, index, words, deadline)
                lost = 0 if reasons[index] in (_READ, _REFUSED) else lost + 1
            times[index] = self._work.clock.now()
        return _batch(poll, words, reasons, times)

    async def _read_one(self, poll: _Poll, index: int, words: Words, deadline: int) -> Reason:
        try:
            pdu = await self._client.ask(poll.queries[index], deadline)
        except DeviceRefused as error:
            poll.refused_gaps |= poll.scan.bridges and error.code in _ILLEGAL
            return _REFUSED
        except LinkLost as error:
            return error.reason
        request, start = poll.scan.requests[index], poll.scan.starts[index]
        target = words[start : start + request.count]
        if request.table.holds_bits:
            packed = np.frombuffer(pdu, dtype=np.uint8, offset=2)
            target[:] = np.unpackbits(packed, count=request.count, bitorder="little")
        else:
            target[:] = np.frombuffer(pdu, dtype=">u2", offset=2)
        return _READ

    def _without_gaps(self, poll: _Poll) -> _Poll:
        """The same points, and nothing read along: the device refuses an address that nobody wants."""
        _log.warning(
            "device %s refuses a request that reads unused addresses along; from now on without (bridge_gap: 0)",
            self._work.device.id,
        )
        wanted = [number for number in _wanted(self._work.points) if number.period == poll.scan.period]
        (scan,) = plan(wanted, self._settings, bridging=False)
        return _poll(scan, self._work, self._settings)

    async def write(self, output: Output, value: float) -> Receipt:
        """Goes before the next read, and so does reading it back (`OutputWriter`)."""
        return await self._writer.write(output, value)


def _phase(device: str, period: int) -> int:
    """Where in the period a device's scans begin (microseconds, above 0), the same at every start.

    A few devices begin together, so that the gateway need not wake up for each.
    """
    return period * (1 + zlib.crc32(device.encode()) % _BEATS) // _BEATS


def _batch(poll: _Poll, words: Words, reasons: Sequence[Reason], times: Sequence[int]) -> SampleBatch:
    """`reasons` and `times` are those of the requests."""
    unread = None if all(reason is _READ for reason in reasons) else _unread(poll, reasons)
    value, reason = poll.layout.decode(words, None if unread is None else unread != _READ)
    if unread is not None:
        value[unread != _READ] = np.nan
        reason = np.where(unread != _READ, unread, reason)
    count = len(value)
    stamp = np.full(count, times[0]) if len(times) == 1 else np.array(times, dtype=np.int64)[poll.request_of]
    return SampleBatch(
        point=poll.points,
        value=value,
        quality=_QUALITIES[reason],
        reason=reason,
        source_time=stamp,
        receive_time=stamp.copy(),
    )


def _unread(poll: _Poll, reasons: Sequence[Reason]) -> NDArray[np.uint8]:
    """Why each row could not be read, or its status could not."""
    of_requests = np.array(reasons, dtype=np.uint8)
    of_rows = of_requests[poll.request_of]
    of_values = of_rows[poll.told]
    of_rows[poll.told] = np.where(of_values == _READ, of_requests[poll.status_request_of], of_values)
    return of_rows


def _poll(scan: Scan, work: DriverWork, settings: DeviceSettings) -> _Poll:
    values = [place for place in scan.places if place.row < len(work.points)]
    statuses = {place.row - len(work.points): place for place in scan.places if place.row >= len(work.points)}
    told = [row for row, place in enumerate(values) if place.row in statuses]
    return _Poll(
        scan=scan,
        queries=tuple(read_query(request) for request in scan.requests),
        layout=Layout([_placed(work.points[place.row], place, statuses.get(place.row), settings) for place in values]),
        points=np.array([work.points[place.row].index for place in values], dtype=np.int32),
        request_of=np.array([place.request for place in values], dtype=np.intp),
        told=np.array(told, dtype=np.intp),
        status_request_of=np.array([statuses[values[row].row].request for row in told], dtype=np.intp),
        words=scan.words,
    )


def _placed(point: Point, place: Place, status: Place | None, settings: DeviceSettings) -> Placed:
    address = _address(point)
    placed = Placed(form_of(address, settings), place.position, point.low, point.high)
    if status is None or address.status is None:
        return placed
    return replace(placed, status=status_form(address.status, settings), status_position=status.position)


def _address(point: Point) -> PointAddress:
    return own(PointAddress, point.address, point.id)


def _wanted(points: Sequence[Point]) -> list[Wanted]:
    """Every point in its row, and its status, if it stands elsewhere, so many rows further on as there are points."""
    addresses = [_address(point) for point in points]
    return [
        Wanted(row, address.table, address.address, address.registers, point.period)
        for row, (point, address) in enumerate(zip(points, addresses, strict=True))
    ] + [
        Wanted(row, status.table, status.address, status.registers, point.period)
        for row, (point, address) in enumerate(zip(points, addresses, strict=True), len(points))
        for status in [address.status]
        if status is not None
    ]


def occupies(device: Device, address: BaseModel) -> Sequence[Hashable]:
    """One place for each bit of a bit table, and sixteen for each register."""
    if isinstance(address, OutputAddress):
        table, bits = Table(address.table), None
    else:
        point = own(PointAddress, address, "a Modbus point")
        table, bits = point.table, point.bits if point.bit is None else (point.bit, point.bit)
        address = point
    if table.holds_bits:
        return [(table.value, address.address)]
    low_first = own(DeviceSettings, device.settings, device.id).word_order is Order.LITTLE
    if isinstance(address, PointAddress) and address.word_order is not None:
        low_first = address.word_order is Order.LITTLE
    last = address.registers - 1
    first_bit, last_bit = bits if bits is not None else (0, 16 * address.registers - 1)
    return [
        (table.value, address.address + (bit // 16 if low_first else last - bit // 16), bit % 16)
        for bit in range(first_bit, last_bit + 1)
    ]


def locate(device: Device, address: BaseModel, _equipment: str, _kind: str) -> BaseModel:
    """The address as it stands; raises ValueError where a point wants what must never or cannot be read."""
    if not isinstance(address, PointAddress):
        return address
    settings = own(DeviceSettings, device.settings, device.id)
    for part in (address, address.status):
        if part is None:
            continue
        if part.registers > settings.max_registers:
            raise ValueError(
                f"expected at most {settings.max_registers} registers (max_registers of {device.id}), "
                f"got {part.registers}"
            )
        for forbidden in settings.never_read:
            if forbidden.touches(part.table, part.address, part.registers):
                raise ValueError(
                    f"expected an address outside never_read of {device.id} "
                    f"({forbidden.table} {forbidden.first} to {forbidden.last}), got {part.table} {part.address}"
                )
    return address


def examine(device: Device, _points: Sequence[Point]) -> Sequence[Problem]:
    """Certificates that cannot be used."""
    settings = own(DeviceSettings, device.settings, device.id)
    if not isinstance(settings, TlsSettings):
        return []
    try:
        secure_context(settings)
    except OSError as error:
        files = ", ".join(file for file in (settings.ca, settings.certificate, settings.key) if file is not None)
        return [Problem(files, 0, 0, device.id, "certificates and a key (PEM) that can be used", str(error))]
    return []


def load(device: Device, points: Sequence[Point]) -> ScanLoad | None:
    """Bus time for each shortest period, slower scans counted by their share."""
    settings = own(DeviceSettings, device.settings, device.id)
    scans = plan(_wanted(points), settings)
    if not scans:
        return None
    period = scans[0].period
    expected = sum(duration(scan, settings) * period / scan.period for scan in scans)
    return ScanLoad(sum(len(scan.requests) for scan in scans), round(expected), period)


def _kind(name: str, settings: type[DeviceSettings], transport: str) -> DriverKind:
    return DriverKind(
        name=name,
        device_settings=settings,
        point_address=PointAddress,
        output_address=OutputAddress,
        open=ModbusDriver,
        occupies=occupies,
        load=load,
        locate=locate,
        check_read_back=check_read_back,
        examine=examine,
        line=lambda device: place_of(own(DeviceSettings, device.settings, device.id)),
        terms=lambda device: terms_of(own(DeviceSettings, device.settings, device.id)),
        manifest=replace(MANIFEST, transports=frozenset({transport})),
    )


KIND = _kind("modbus_tcp", TcpSettings, "tcp")
KINDS = (
    KIND,
    _kind("modbus_tls", TlsSettings, "tls"),
    _kind("modbus_rtu", SerialSettings, "serial"),
    _kind("modbus_rtu_over_tcp", RtuOverTcpSettings, "rtu over tcp"),
)
"""One driver, and a word for each way to reach a device."""
