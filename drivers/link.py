"""What every driver does the same way: take its own models, say once that a device is lost or back, wait to retry."""

from __future__ import annotations

import logging
import random
from typing import TypeVar

from pydantic import BaseModel

from drivers.clocks import ClockWatch, Drift, rounded
from gateway.clock import Clock
from gateway.driver import LinkState, LinkStatus, Receiver
from gateway.sample import Reason

FIRST_DELAY = 0.1
"""Upper bound of the first wait (seconds); doubles with every failed attempt."""
LONGEST_DELAY = 5.0
"""No wait is longer (seconds): a safety point that is back must not stay unread."""

ModelT = TypeVar("ModelT", bound=BaseModel)
_log = logging.getLogger(__name__)


def own(shape: type[ModelT], model: BaseModel, subject: str) -> ModelT:
    """The plant file's model as the driver's own; raises TypeError where it is another driver's."""
    if not isinstance(model, shape):
        got = type(model)
        expected = f"{shape.__module__}.{shape.__qualname__}"
        raise TypeError(f"expected {expected} for {subject}, got {got.__module__}.{got.__qualname__}")
    return model


def retry_delay(attempt: int) -> float:
    """Seconds to wait before the attempt (0 = first retry): full jitter, so that devices do not queue up."""
    return random.uniform(0.0, min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt, 10)))


class LinkReporter:
    """Tells the receiver and the log of each change of a link, and of nothing else."""

    def __init__(self, device: str, receiver: Receiver, clock: Clock) -> None:
        self._device, self._receiver, self._clock = device, receiver, clock
        self.state: LinkState | None = None
        self.reason = Reason.DISCONNECTED
        """Why the link is not up; what samples carry meanwhile."""
        self.detail = "not connected yet"
        self._remark = ""
        self._drift: Drift | None = None
        self._timed = False

    def connecting(self, detail: str) -> None:
        """Only at the start: a lost link stays DOWN until it answers again."""
        self._tell(LinkState.CONNECTING, Reason.NONE, detail)

    def up(self, detail: str) -> None:
        self._remark = detail
        self._tell(LinkState.UP, Reason.NONE, detail)

    def remark(self, detail: str, clocks: ClockWatch) -> None:
        """More about a link that is up, and the clock that is furthest off; told only when it is other than before."""
        if self.state is not LinkState.UP:
            return
        drift, timed = clocks.worst(), clocks.heard
        if drift is not None:
            detail = f"{detail}; {drift}"
        if detail != self._remark or timed is not self._timed:
            self._drift, self._timed = drift, timed
            self.state = None
            self.up(detail)

    def note(self, reason: Reason, detail: str) -> None:
        """A failure that is not yet a lost device: it may answer at the next attempt."""
        self.reason, self.detail = reason, detail

    def down(self, reason: Reason, detail: str) -> bool:
        """Whether this is news."""
        self.note(reason, detail)
        self._drift, self._timed = None, False
        return self._tell(LinkState.DOWN, reason, detail)

    def _tell(self, state: LinkState, reason: Reason, detail: str) -> bool:
        if state is self.state:
            return False
        self.state = state
        level = logging.WARNING if state is LinkState.DOWN else logging.INFO
        _log.log(level, "device %s is %s: %s", self._device, state.value, detail)
        self._receiver.link(self._status(state, reason, detail))
        return True

    def _status(self, state: LinkState, reason: Reason, detail: str) -> LinkStatus:
        at = self._clock.now()
        if state is not LinkState.UP or not self._timed:
            return LinkStatus(self._device, state, reason, detail, at)
        if self._drift is None:
            return LinkStatus(self._device, state, reason, detail, at, 0)
        return LinkStatus(self._device, state, reason, detail, at, rounded(self._drift.ahead), self._drift.source)
