"""What several devices share: one serial line, or one connection to a gateway, and turns on it.

The request with the earliest deadline goes next. Devices that do not answer may take only a fifth of the
line's time together, so that no dead one blinds the others.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
import math
from collections.abc import AsyncIterator, Hashable
from weakref import WeakSet, WeakValueDictionary

from drivers.link import LONGEST_DELAY, retry_delay
from drivers.modbus.cost import silence
from drivers.modbus.query import GATEWAY_CODES, DeviceRefused, LinkLost, NoLine, Query, check_reply
from drivers.modbus.settings import DeviceSettings, RtuOverTcpSettings, SerialSettings, TcpSettings, TlsSettings
from drivers.modbus.wire import Wire, WireError, framing_of, open_wire
from gateway.clock import Clock
from gateway.duration import format_duration
from gateway.sample import SECOND, Reason

_log = logging.getLogger(__name__)

SHARE = 0.2
"""Most of a shared line's time that devices in doubt may take together."""
SHORTEST_TRIAL = 0.05
"""Seconds; no device in doubt is given less to answer."""
PATIENT_EVERY = 4
"""Every so often a device in doubt is given its whole timeout after all."""


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


class Member:
    """One device on a line, as far as the line knows it."""

    def __init__(self, settings: DeviceSettings) -> None:
        self.settings = settings
        self.in_doubt = True
        """Whether its last request had no answer, or it was never heard."""
        self.doubts = 0
        """How often it came to be in doubt, or was asked in vain."""
        self.trials = 0
        self.last_trial = -math.inf
        """When it was last asked while in doubt (seconds)."""


class Line:
    """One wire and its members. Connects when somebody asks, and closes when the last has left."""

    def __init__(self, settings: DeviceSettings, clock: Clock) -> None:
        self._settings, self._clock = settings, clock
        self.place = place_of(settings)
        self._has_ids = isinstance(settings, TcpSettings) and not isinstance(settings, RtuOverTcpSettings)
        self._framing = framing_of(settings)
        self._silence = silence(settings)
        self._turns = Turns()
        self._wire: Wire | None = None
        self._attempt = 0
        self._retry_at = 0.0
        self._why = NoLine(Reason.DISCONNECTED, "not connected")
        self._heard = False
        """Whether anything was answered on the present connection."""
        self.connections = 0
        """How many there have been."""
        self._next_trial = 0.0
        self._quiet: dict[int, float] = {}
        """By unit: the second before which it must not be asked, because an answer without an id may still come."""
        self.members: WeakSet[Member] = WeakSet()

    def join(self, settings: DeviceSettings) -> Member:
        member = Member(settings)
        self.members.add(member)
        if (asked := terms_of(settings)) != (held := terms_of(self._settings)):
            _log.error(
                "unit %d of %s: expected %s as the line has it, got %s", settings.unit_id, self.place, held, asked
            )
        return member

    def leave(self, member: Member) -> None:
        """The last one out closes the connection."""
        self.members.discard(member)
        if not self.members:
            self._drop()

    async def ask(self, member: Member, query: Query, rank: int, *, urgent: bool = False) -> bytes:
        """The PDU of the answer. Raises DeviceRefused, NoLine, LinkLost; the wire is closed after the last.

        Urgent requests (writes, and reading them back) do not wait for a retry to be due, and have the whole timeout.
        """
        async with self._turns.turn(rank):
            wire = await self._open(member.settings, urgent=urgent)
            await self._keep_silence(wire, member.settings)
            timeout = member.settings.timeout / SECOND if urgent else self._timeout(member)
            started = self._now()
            try:
                pdu = await wire.exchange(member.settings.unit_id, query.pdu, timeout, self._overdue(member))
                check_reply(query, pdu)
            except DeviceRefused as error:
                self._refused(member, started, error.code)
                raise
            except TimeoutError as error:
                limit = format_duration(round(timeout * SECOND))
                raise self._lost(member, started, Reason.TIMEOUT, f"no answer within {limit}") from error
            except (WireError, LinkLost) as error:
                raise self._lost(member, started, error.reason, error.detail) from error
            except BaseException:
                self._drop()
                raise
            self._answered(member)
            return pdu

    async def reach(self, member: Member, rank: int, *, urgent: bool = False) -> None:
        """Connect and ask nothing. Raises NoLine."""
        async with self._turns.turn(rank):
            await self._open(member.settings, urgent=urgent)

    def disown(self, member: Member) -> None:
        """What answers as this member is not it: ask it like one that does not answer."""
        member.in_doubt = True
        member.doubts += 1
        self._next_trial = 0.0

    def take_trial(self, member: Member) -> bool:
        """Whether a device in doubt may be asked now: within the share of such devices, or at the longest delay."""
        now = self._now()
        quiet = now < self._quiet.get(member.settings.unit_id, 0.0)
        overdue = now - member.last_trial >= LONGEST_DELAY
        if quiet or not (len(self.members) == 1 or overdue or now >= self._next_trial):
            return False
        # Until this one has ended, nobody else; how long it took says when the next may begin.
        self._next_trial = now + member.settings.timeout / SECOND / SHARE
        return True

    def _now(self) -> float:
        return self._clock.now() / SECOND

    async def _open(self, settings: DeviceSettings, *, urgent: bool) -> Wire:
        if self._wire is not None and self._wire.is_open:
            return self._wire
        self._drop()
        if not urgent and self._now() < self._retry_at:
            self._next_trial = 0.0
            raise NoLine(self._why.reason, self._why.detail)
        place, limit = place_of(settings), settings.timeout
        try:
            async with asyncio.timeout(limit / SECOND):
                self._wire = await open_wire(self._settings, self._framing, self._clock)
        except TimeoutError as error:
            raise self._unreachable(
                Reason.TIMEOUT, f"no connection to {place} within {format_duration(limit)}"
            ) from error
        except (OSError, UnicodeError) as error:
            raise self._unreachable(Reason.DISCONNECTED, f"no connection to {place}: {error}") from error
        self._heard = False
        self.connections += 1
        pause = max(member.settings.pause_after_connect for member in self.members or {Member(settings)})
        if pause:
            await asyncio.sleep(pause / SECOND)
        return self._wire

    def _unreachable(self, reason: Reason, detail: str) -> NoLine:
        self._why = NoLine(reason, detail)
        self._next_trial = 0.0
        self._back_off()
        return NoLine(reason, detail)

    def _back_off(self) -> None:
        self._retry_at = self._now() + retry_delay(self._attempt)
        self._attempt += 1

    async def _keep_silence(self, wire: Wire, settings: DeviceSettings) -> None:
        pause = max(self._silence, settings.pause_between_requests / SECOND)
        due = max(wire.last_byte + pause if pause else 0.0, self._quiet.get(settings.unit_id, 0.0))
        if (wait := due - self._now()) > 0:
            await asyncio.sleep(wait)

    def _overdue(self, member: Member) -> set[int]:
        """Other units that may still answer an old request; only frames without ids need the care."""
        if self._has_ids:
            return set()
        return {other.settings.unit_id for other in self.members if other.in_doubt and other is not member}

    def _timeout(self, member: Member) -> float:
        whole = member.settings.timeout / SECOND
        if not member.in_doubt or len(self.members) == 1:
            return whole
        member.trials += 1
        if member.trials % PATIENT_EVERY == 0:
            return whole
        doubtful = sum(each.in_doubt for each in self.members)
        return min(
            whole, max(SHORTEST_TRIAL, 3 * member.settings.turnaround / SECOND, SHARE * LONGEST_DELAY / doubtful)
        )

    def _answered(self, member: Member) -> None:
        self._heard = True
        self._attempt = 0
        if member.in_doubt:
            self._next_trial = 0.0
        member.in_doubt, member.trials = False, 0

    def _refused(self, member: Member, started: float, code: int) -> None:
        if code not in GATEWAY_CODES:
            self._answered(member)
            return
        self._heard, self._attempt = True, 0
        self._doubt(member, started)

    def _doubt(self, member: Member, started: float) -> None:
        if member.in_doubt:
            member.last_trial = started
            self._next_trial = self._now() + (self._now() - started) * (1 / SHARE - 1)
        member.in_doubt = True
        member.doubts += 1

    def _lost(self, member: Member, started: float, reason: Reason, detail: str) -> LinkLost:
        self._doubt(member, started)
        if not self._has_ids and reason is Reason.TIMEOUT:
            self._quiet[member.settings.unit_id] = started + 2 * member.settings.timeout / SECOND
        # Where others share the line, a unit that is dead says nothing of them: they must not wait for its retry.
        if self._heard or len(self.members) > 1:
            self._retry_at = 0.0
        else:
            self._why = NoLine(reason, detail)
            self._back_off()
        self._drop()
        return LinkLost(reason, detail)

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None


def terms_of(settings: DeviceSettings) -> str:
    """What all devices of one line must have in common."""
    if isinstance(settings, SerialSettings):
        return f"{settings.baud} baud, parity {settings.parity}, stop bits {settings.stop_bits}"
    kind = _FRAMES.get(type(settings), type(settings).__name__)
    if isinstance(settings, TlsSettings):
        return f"{kind}, ca {settings.ca}, certificate {settings.certificate}, server_name {settings.server_name}"
    if isinstance(settings, TcpSettings) and settings.line_baud is not None:
        return f"{kind}, line_baud {settings.line_baud}"
    return kind


_FRAMES = {TcpSettings: "Modbus TCP", RtuOverTcpSettings: "RTU over TCP", TlsSettings: "Modbus/TCP Security"}


_LINES: WeakValueDictionary[Hashable, Line] = WeakValueDictionary()


def line_of(settings: DeviceSettings, clock: Clock) -> Line:
    """The one line to this place in the running event loop; whoever asks holds it together."""
    key = (id(asyncio.get_running_loop()), place_of(settings))
    line = _LINES.get(key)
    if line is None:
        line = _LINES[key] = Line(settings, clock)
    return line


def place_of(settings: DeviceSettings) -> str:
    """What devices that share a line have in common: `host:port`, or the port's device file."""
    if isinstance(settings, TcpSettings):
        return f"{settings.host}:{settings.port}"
    return settings.port if isinstance(settings, SerialSettings) else ""
