"""Reads one Modbus device on its schedule and writes its outputs.

A scan hands up one batch with a row for every point, whatever happened: what could not be read is BAD
with its reason. Never retries within a period, never catches up in bursts, never raises into the runtime.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from drivers.link import LinkReporter, own
from drivers.modbus.address import DeviceSettings, OutputAddress, OutputTable, PointAddress
from drivers.modbus.client import (
    WRITE_RANK,
    Client,
    DeviceRefused,
    LinkLost,
    Query,
    read_query,
    write_coil_query,
    write_registers_query,
)
from drivers.modbus.codec import Layout, Placed, Words, encode, form_of, output_form
from drivers.modbus.manifest import MANIFEST
from drivers.modbus.planner import Scan, Wanted, plan, wanted
from gateway.driver import DriverKind, DriverWork, Receipt, ScanLoad
from gateway.plant.model import Device, Output, Point
from gateway.sample import SECOND, Indices, Instant, Quality, Reason, SampleBatch, failed

TURNAROUND = 10_000
"""What a request is taken to cost in the load estimate (microseconds): PLCs answer once a cycle."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Poll:
    """One scan, with everything about it that never changes prepared."""

    scan: Scan
    rank: int
    queries: tuple[Query, ...]
    layout: Layout
    points: Indices
    request_of: NDArray[np.intp]
    """By row: which request brings the point."""


class ModbusDriver:
    """One device; see `gateway.driver.Driver`."""

    def __init__(self, work: DriverWork) -> None:
        self._work = work
        self._settings = own(DeviceSettings, work.device.settings, work.device.id)
        scans = plan(_wanted(work.points), self._settings)
        self._polls = [_poll(scan, rank, work, self._settings) for rank, scan in enumerate(scans, 1)]
        self._reporter = LinkReporter(work.device.id, work.receiver, work.clock)
        probes = tuple(query for poll in self._polls for query in poll.queries)
        self._client = Client(self._settings, probes, self._reporter)
        self._next_request = dict.fromkeys(range(1, len(scans) + 1), 0)

    async def run(self) -> None:
        self._reporter.connecting(f"{self._settings.host}:{self._settings.port}")
        async with asyncio.TaskGroup() as tasks:
            name = f"modbus {self._work.device.id}"
            tasks.create_task(self._client.maintain(), name=f"{name} link")
            for poll in self._polls:
                tasks.create_task(self._repeat(poll), name=f"{name} scan {poll.rank}")

    async def _repeat(self, poll: _Poll) -> None:
        clock, period = self._work.clock, poll.scan.period
        await self._client.settled()
        due, broken = clock.now(), False
        while True:
            try:
                batch = await self._read(poll)
                broken = False
            except Exception:
                # Supervision point: a mistake in decoding must show as BAD samples, not end the polling.
                if not broken:
                    _log.exception("device %s: scan failed by a mistake of ours", self._work.device.id)
                broken = True
                batch = failed(poll.points, Reason.MALFORMED, clock.now())
            self._work.receiver.samples(batch)
            now = clock.now()
            due = Instant(due + period * (max(0, now - due) // period + 1))
            await asyncio.sleep((due - now) / SECOND)

    async def _read(self, poll: _Poll) -> SampleBatch:
        """One batch with a row for every point of the scan."""
        count = len(poll.queries)
        words: Words = np.zeros(poll.scan.words, dtype=">u2")
        reasons = np.full(count, Reason.NONE, dtype=np.uint8)
        times = np.zeros(count, dtype=np.int64)
        lost = 0
        first = self._next_request[poll.rank]
        for step in range(count):
            index = (first + step) % count
            # Two losses in a row: the device is ill. The next scan begins with what this one leaves out.
            if lost < 2:
                await self._client.settled()
            if lost == 2 or not self._client.ready:
                reasons[index] = self._reporter.reason
            else:
                self._next_request[poll.rank] = (index + 1) % count
                reasons[index] = await self._read_one(poll, index, words)
                lost = lost + 1 if reasons[index] not in (Reason.NONE, Reason.DEVICE_EXCEPTION) else 0
            times[index] = self._work.clock.now()
        return _batch(poll, words, reasons, times)

    async def _read_one(self, poll: _Poll, index: int, words: Words) -> Reason:
        try:
            pdu = await self._client.ask(poll.queries[index], poll.rank)
        except DeviceRefused:
            return Reason.DEVICE_EXCEPTION
        except LinkLost as error:
            return error.reason
        request, start = poll.scan.requests[index], poll.scan.starts[index]
        target = words[start : start + request.count]
        if request.table.holds_bits:
            packed = np.frombuffer(pdu, dtype=np.uint8, offset=2)
            target[:] = np.unpackbits(packed, count=request.count, bitorder="little")
        else:
            target[:] = np.frombuffer(pdu, dtype=">u2", offset=2)
        return Reason.NONE

    async def write(self, output: Output, value: float) -> Receipt:
        """Goes before the next read; written means that the device repeated the request in its answer."""
        try:
            query = _write_query(output, value, self._settings)
        except (TypeError, ValueError) as error:
            return Receipt(written=False, detail=str(error), at=self._work.clock.now())
        try:
            await self._client.settled()
            await self._client.ask(query, WRITE_RANK)
        except DeviceRefused as error:
            return Receipt(written=False, detail=error.detail, at=self._work.clock.now())
        except LinkLost as error:
            detail = f"not confirmed: {error.detail}"
            return Receipt(written=False, detail=detail, at=self._work.clock.now())
        return Receipt(written=True, detail="confirmed by the device", at=self._work.clock.now())


def _batch(
    poll: _Poll, words: Words, request_reasons: NDArray[np.uint8], request_times: NDArray[np.int64]
) -> SampleBatch:
    value, reason = poll.layout.decode(words)
    of_request = request_reasons[poll.request_of]
    unread = of_request != Reason.NONE
    value[unread] = np.nan
    reason = np.where(unread, of_request, reason)
    stamp = request_times[poll.request_of]
    return SampleBatch(
        point=poll.points,
        value=value,
        quality=np.where(reason == Reason.NONE, Quality.GOOD, Quality.BAD).astype(np.uint8),
        reason=reason,
        source_time=stamp,
        receive_time=stamp.copy(),
    )


def _poll(scan: Scan, rank: int, work: DriverWork, settings: DeviceSettings) -> _Poll:
    points = [work.points[place.row] for place in scan.places]
    placed = [
        Placed(form_of(_address(point), settings), place.position, point.low, point.high)
        for point, place in zip(points, scan.places, strict=True)
    ]
    return _Poll(
        scan=scan,
        rank=rank,
        queries=tuple(read_query(request) for request in scan.requests),
        layout=Layout(placed),
        points=np.array([point.index for point in points], dtype=np.int32),
        request_of=np.array([place.request for place in scan.places], dtype=np.intp),
    )


def _write_query(output: Output, value: float, settings: DeviceSettings) -> Query:
    address = own(OutputAddress, output.address, output.id)
    words = encode(output_form(address, settings), value)
    if address.table is OutputTable.COIL:
        return write_coil_query(address.address, on=bool(words[0]))
    return write_registers_query(address.address, words)


def _address(point: Point) -> PointAddress:
    return own(PointAddress, point.address, point.id)


def _wanted(points: Sequence[Point]) -> list[Wanted]:
    return [wanted(row, _address(point), point.period) for row, point in enumerate(points)]


def occupies(_device: Device, address: BaseModel) -> Sequence[Hashable]:
    """One place for each bit of a bit table, and sixteen for each register."""
    if isinstance(address, OutputAddress):
        first, count, table, bits = address.address, address.type.registers, address.table.value, range(16)
    else:
        point = own(PointAddress, address, "a Modbus point")
        first, count, table = point.address, point.type.registers, point.table.value
        bits = range(16) if point.bit is None else range(point.bit, point.bit + 1)
    if table in ("coil", "discrete"):
        return [(table, first)]
    return [(table, register, bit) for register in range(first, first + count) for bit in bits]


def load(device: Device, points: Sequence[Point]) -> ScanLoad | None:
    """Bus time for each shortest period, slower scans counted by their share."""
    settings = own(DeviceSettings, device.settings, device.id)
    scans = plan(_wanted(points), settings)
    if not scans:
        return None
    period = scans[0].period
    cost = TURNAROUND + settings.pause_between_requests
    expected = sum(len(scan.requests) * cost * period / scan.period for scan in scans)
    return ScanLoad(sum(len(scan.requests) for scan in scans), round(expected), period)


KIND = DriverKind(
    name="modbus_tcp",
    device_settings=DeviceSettings,
    point_address=PointAddress,
    output_address=OutputAddress,
    open=ModbusDriver,
    occupies=occupies,
    load=load,
    manifest=MANIFEST,
)
