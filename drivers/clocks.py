"""How far the clocks of sources are from ours, measured from what they send; sans-IO.

The shortest delay seen in a window is taken for the offset: a message cannot arrive before it was sent, so a
negative one is a clock that runs ahead, and a long one a clock that runs behind, or a source that holds back.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.duration import format_duration
from gateway.sample import SECOND, Instant

WINDOW = 60 * SECOND
"""The offset is that of the present window and the one before it: a clock that is set right shows soon."""
TOLERANCE = 2 * SECOND
"""Offsets up to here are those of ordinary clocks and networks, and not worth a word."""
SOURCES = 10_000
"""Sources that are measured; those that come later are not."""


@dataclass(slots=True)
class _Offset:
    until: Instant
    now: int
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Drift:
    """A source and how far its clock is ahead of ours (microseconds; negative: behind)."""

    source: str
    ahead: int

    def __str__(self) -> str:
        way = "ahead of" if self.ahead > 0 else "behind"
        return f"the clock of {self.source} is {format_duration(abs(rounded(self.ahead)))} {way} ours"


def rounded(offset: int) -> int:
    """Whole seconds, so that the words change only when the offset does."""
    return round(offset / SECOND) * SECOND


class ClockWatch:
    """`observe` each live message that carries a time; `worst` for the one whose clock is furthest off."""

    def __init__(self) -> None:
        self._offsets: dict[str, _Offset] = {}

    @property
    def heard(self) -> bool:
        """Whether any source has told its time."""
        return bool(self._offsets)

    def observe(self, source: str, sent: Instant, now: Instant) -> None:
        """A message that was sent then, by the source's clock, and is here now, by ours."""
        delay = now - sent
        offset = self._offsets.get(source)
        if offset is None:
            if len(self._offsets) < SOURCES:
                self._offsets[source] = _Offset(Instant(now + WINDOW), delay)
        elif now < offset.until:
            offset.now = min(offset.now, delay)
        else:
            offset.before = offset.now if now < offset.until + WINDOW else None
            offset.now, offset.until = delay, Instant(now + WINDOW)

    def ahead(self, source: str) -> int | None:
        """How far this source's clock is ahead of ours (microseconds), or None where it was never heard."""
        offset = self._offsets.get(source)
        if offset is None:
            return None
        return -(offset.now if offset.before is None else min(offset.now, offset.before))

    def worst(self) -> Drift | None:
        """The source whose clock is furthest off, if it is beyond tolerance."""
        drifts = (Drift(source, self.ahead(source) or 0) for source in self._offsets)
        found = max(drifts, key=lambda drift: abs(drift.ahead), default=None)
        return found if found is not None and abs(found.ahead) > TOLERANCE else None
