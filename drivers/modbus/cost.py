"""How long a request takes on its line: what the planner weighs and `tocsin check` adds up.

Pure. Estimates from the plant file alone; nothing is measured here.
"""

from __future__ import annotations

from dataclasses import dataclass

from drivers.modbus.framing import RtuFraming
from drivers.modbus.settings import DeviceSettings, Parity, SerialSettings, TcpSettings
from gateway.sample import SECOND

FIXED_SILENCE = 1750
"""Microseconds between frames above 19200 baud (Modbus over Serial Line V1.02, 2.5.1.1)."""
SILENT_CHARACTERS = 3.5
"""Between frames up to 19200 baud."""
_STANDARD_BITS = 11
"""Start bit, eight of data, parity or a second stop bit, stop bit."""
_NETWORK_REGISTER = 1.0
"""Microseconds that a register costs where only a network lies between."""
_REQUEST_PDU = 5
_ANSWER_PDU = 2
_REGISTER = 2
_REGISTER_BITS = 16


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds of line time."""

    request: float
    """Of a request before it brings anything: turnaround, pauses, frames."""
    register: float
    bit: float

    def of(self, count: int, *, bits: bool) -> float:
        """One request for so many registers or bits."""
        return self.request + count * (self.bit if bits else self.register)

    def worth_bridging(self, *, bits: bool) -> int:
        """Most registers or bits that are cheaper to read along than to leave out."""
        return int(self.request / (self.bit if bits else self.register))


def cost_of(settings: DeviceSettings) -> Cost:
    """What this device's requests take of its line."""
    fixed = float(settings.turnaround + settings.pause_between_requests)
    character = character_time(settings)
    if character is None:
        return Cost(fixed, _NETWORK_REGISTER, _NETWORK_REGISTER / _REGISTER_BITS)
    frames = (_REQUEST_PDU + _ANSWER_PDU + 2 * RtuFraming.overhead) * character
    register = _REGISTER * character
    return Cost(fixed + frames + 2 * _silence(character), register, register / _REGISTER_BITS)


def character_time(settings: DeviceSettings) -> float | None:
    """Microseconds of one character on the serial line; None where there is none."""
    if isinstance(settings, SerialSettings):
        parity = 0 if settings.parity is Parity.NONE else 1
        return (9 + parity + settings.stop_bits) * SECOND / settings.baud
    if isinstance(settings, TcpSettings) and settings.line_baud is not None:
        return _STANDARD_BITS * SECOND / settings.line_baud
    return None


def silence(settings: DeviceSettings) -> float:
    """Seconds that a line must be still before a frame begins; a converter or gateway sees to its own line."""
    character = character_time(settings) if isinstance(settings, SerialSettings) else None
    return _silence(character) / SECOND if character is not None else 0.0


def _silence(character: float) -> float:
    fast = _STANDARD_BITS * SECOND / 19_200
    return SILENT_CHARACTERS * character if character >= fast else float(FIXED_SILENCE)
