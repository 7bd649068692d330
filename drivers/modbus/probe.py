"""Asks a device that nobody has described yet what it answers: functions, addresses, exceptions, latency.

Reads only, one request at a time, never more than it was given. What it did not come to is told as such.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from pydantic import ValidationError

from drivers.modbus.cost import silence
from drivers.modbus.planner import Request
from drivers.modbus.query import EXCEPTION_NAMES, DeviceRefused, LinkLost, check_reply, read_query
from drivers.modbus.settings import (
    LAST_ADDRESS,
    DeviceSettings,
    RtuOverTcpSettings,
    SerialSettings,
    Table,
    TcpSettings,
    TlsSettings,
)
from drivers.modbus.wire import Wire, WireError, framing_of, open_wire
from gateway.clock import Clock
from gateway.duration import format_duration
from gateway.sample import SECOND

SCHEMES: dict[str, type[DeviceSettings]] = {
    "modbus": TcpSettings,
    "tcp": TcpSettings,
    "tls": TlsSettings,
    "rtu": SerialSettings,
    "rtu+tcp": RtuOverTcpSettings,
}
_ILLEGAL_FUNCTION = 1
_TOO_MUCH_OR_MISSING = frozenset({2, 3, 4})
"""Exceptions after which a shorter request may be answered; 4 is what some devices say for 2."""
GIVE_UP = 3
"""Requests without an answer, one after another, after which a table is left."""
SHOWN = 8
"""First words of a range that are kept."""


class Outcome(StrEnum):
    ANSWERED = "answered"
    REFUSED = "refused"
    SILENT = "silent"
    BROKEN = "broken"
    """Something came that is not the answer, or the connection ended."""
    UNASKED = "unasked"
    """The bound on requests was reached, or the table was given up."""


@dataclass(frozen=True, slots=True)
class Span:
    """Adjacent addresses of one table that fared the same."""

    table: Table
    first: int
    last: int
    outcome: Outcome
    detail: str = ""
    words: tuple[int, ...] = ()
    """The first that were read; one for each bit of the bit tables."""


@dataclass(slots=True)
class Found:
    """What one unit made of it."""

    unit: int
    spans: list[Span] = field(default_factory=list)
    requests: int = 0
    longest: dict[Table, int] = field(default_factory=dict)
    """Most registers or bits that it answered at once."""
    latencies: list[float] = field(default_factory=list)
    """Seconds, of every request that had an answer or an exception."""

    @property
    def answers(self) -> bool:
        return bool(self.latencies)


def target_of(url: str) -> tuple[DeviceSettings, Sequence[int]]:
    """How the device is reached, and the units to ask; raises ValueError that says what was expected.

    `modbus://host:port/unit`, `tls://…?ca=…`, `rtu+tcp://…`, `rtu:///dev/ttyS0?unit=1-8&baud=9600`; after `?`
    the settings of the plant file.
    """
    parts = urlsplit(url)
    kind = SCHEMES.get(parts.scheme)
    if kind is None:
        raise ValueError(f"expected {'://, '.join(SCHEMES)}://, got {url!r}")
    given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    if parts.username is not None or parts.fragment:
        raise ValueError(f"expected no user and no #, got {url!r}")
    unit = given.pop("unit", None)
    if kind is SerialSettings:
        if parts.netloc or not parts.path.strip("/"):
            raise ValueError(f"expected a device file such as rtu:///dev/ttyS0, got {url!r}")
        given["port"] = parts.path
    else:
        if not parts.hostname:
            raise ValueError(f"expected a host such as {parts.scheme}://192.0.2.1:502/1, got {url!r}")
        given["host"] = parts.hostname
        if parts.port is not None:
            given["port"] = str(parts.port)
        if in_path := parts.path.strip("/"):
            if unit is not None:
                raise ValueError(f"expected the unit once, got {in_path} and {unit}")
            unit = in_path
    units = _units(unit or "1")
    try:
        settings = kind.model_validate({**given, "unit_id": units[-1]})
    except ValidationError as error:
        raise ValueError("; ".join(_told(each["loc"], each["msg"], each["input"]) for each in error.errors())) from None
    return settings, units


def _told(where: tuple[int | str, ...], what: str, got: object) -> str:
    name = ".".join(map(str, where))
    return f"{name}: {what}, got {got!r}" if name else what


def _units(text: str) -> Sequence[int]:
    first, _, last = text.partition("-")
    if not first.isdecimal() or not (last or first).isdecimal() or not 0 <= int(first) <= int(last or first) <= 255:
        raise ValueError(f"expected a unit such as 1, or units such as 1-16, up to 255; got {text!r}")
    return range(int(first), int(last or first) + 1)


class Probe:
    """One connection and a bound on requests; `unit` may be called for one unit after another."""

    def __init__(self, settings: DeviceSettings, clock: Clock, most: int) -> None:
        self._settings, self._clock, self._left = settings, clock, most
        self._silence = max(silence(settings), settings.pause_between_requests / SECOND)
        self._framing = framing_of(settings)
        self._wire: Wire | None = None
        self._connected = False
        """Whether a connection was ever there: what has been found is not given up for one that is lost."""

    def close(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def unit(self, unit: int, tables: Sequence[Table], first: int, last: int) -> Found:
        """Everything from `first` to `last` in the tables; a unit that is silent at once is asked no more.

        Raises OSError where there is no connection at all.
        """
        found = Found(unit)
        for table in tables:
            if found.requests >= GIVE_UP and not found.answers:
                found.spans.append(Span(table, first, last, Outcome.UNASKED, "the unit does not answer"))
            else:
                await self._table(found, table, first, last)
        return found

    async def _table(self, found: Found, table: Table, first: int, last: int) -> None:
        most = self._settings.max_bits if table.holds_bits else self._settings.max_registers
        waiting = [(at, min(at + most - 1, last)) for at in range(first, last + 1, most)][::-1]
        spans: list[Span] = []
        losses = 0
        why = ""
        while waiting:
            start, end = waiting.pop()
            if why or self._left <= 0:
                spans.append(Span(table, start, end, Outcome.UNASKED, why or "no requests left"))
                continue
            span, code = await self._ask(found, table, start, end)
            losses = losses + 1 if span.outcome in (Outcome.SILENT, Outcome.BROKEN) else 0
            if code == _ILLEGAL_FUNCTION or losses == GIVE_UP:
                why = span.detail
            # A silence may also be a device's way of saying that it lacks an address, or that it was too much.
            if end > start and not why and (losses or code in _TOO_MUCH_OR_MISSING):
                middle = (start + end) // 2
                waiting += [(middle + 1, end), (start, middle)]
            else:
                spans.append(span)
        found.spans += _merged(spans)

    async def _ask(self, found: Found, table: Table, first: int, last: int) -> tuple[Span, int | None]:
        query = read_query(Request(table, first, last - first + 1))
        self._left -= 1
        found.requests += 1
        try:
            wire = await self._open()
        except OSError as error:
            if not self._connected:
                raise
            return Span(table, first, last, Outcome.BROKEN, f"connection lost for good: {error}"), None
        limit = self._settings.timeout / SECOND
        began = self._now()
        try:
            pdu = await wire.exchange(found.unit, query.pdu, limit)
            check_reply(query, pdu)
        except DeviceRefused as error:
            found.latencies.append(self._now() - began)
            return Span(table, first, last, Outcome.REFUSED, _named(error.code)), error.code
        except TimeoutError:
            self.close()
            # Without ids a late answer could be taken for the next one's.
            if isinstance(self._settings, SerialSettings | RtuOverTcpSettings):
                await asyncio.sleep(limit)
            return Span(table, first, last, Outcome.SILENT, f"no answer within {_brief(limit)}"), None
        except (WireError, LinkLost) as error:
            self.close()
            return Span(table, first, last, Outcome.BROKEN, error.detail), None
        found.latencies.append(self._now() - began)
        found.longest[table] = max(found.longest.get(table, 0), last - first + 1)
        return Span(table, first, last, Outcome.ANSWERED, words=_words(table, pdu, last - first + 1)), None

    def _now(self) -> float:
        return self._clock.now() / SECOND

    async def _open(self) -> Wire:
        if self._wire is not None and self._wire.is_open:
            if self._silence:
                await asyncio.sleep(self._silence)
            return self._wire
        async with asyncio.timeout(self._settings.timeout / SECOND):
            self._wire = await open_wire(self._settings, self._framing, self._clock)
        self._connected = True
        await asyncio.sleep(self._settings.pause_after_connect / SECOND)
        return self._wire


def _brief(seconds: float) -> str:
    return format_duration(round(seconds * SECOND))


def _named(code: int) -> str:
    return f"exception {code} ({EXCEPTION_NAMES.get(code, 'vendor specific')})"


def _words(table: Table, pdu: bytes, count: int) -> tuple[int, ...]:
    shown = range(min(SHOWN, count))
    if table.holds_bits:
        return tuple(pdu[2 + place // 8] >> place % 8 & 1 for place in shown)
    return tuple(int.from_bytes(pdu[2 + 2 * place : 4 + 2 * place], "big") for place in shown)


def _merged(spans: Sequence[Span]) -> list[Span]:
    merged: list[Span] = []
    for span in spans:
        before = merged[-1] if merged else None
        if before is not None and (before.outcome, before.detail) == (span.outcome, span.detail):
            words = (before.words + span.words)[:SHOWN] if len(before.words) == before.last - before.first + 1 else ()
            merged[-1] = Span(span.table, before.first, span.last, span.outcome, span.detail, words or before.words)
        else:
            merged.append(span)
    return merged


def whole_range(first: int, last: int) -> None:
    """Raises ValueError unless the addresses are some."""
    if not 0 <= first <= last <= LAST_ADDRESS:
        raise ValueError(f"expected addresses from 0 to {LAST_ADDRESS} in order, got {first} to {last}")
