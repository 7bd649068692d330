"""The duty checks of one site: asked, answered, missed and climbing. Does no I/O and owns no clock."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.errors import UnknownSubject
from gateway.event import Event
from gateway.events.presence import AskedBecause
from gateway.machines import duty_check
from gateway.machines.duty_check import DutyCheck
from gateway.plant.model import Plant
from gateway.sample import Instant


class DutyDesk:
    """Decides from the states that it is given; every event is somebody else's to take."""

    def __init__(self, plant: Plant, checks: Mapping[str, DutyCheck]) -> None:
        self._site = plant.site.id
        self._policy = plant.duty.checks
        self._ladder = plant.duty.escalation.ladder(plant.duty.checks.priority)
        self._checks = checks

    @property
    def open(self) -> DutyCheck | None:
        """The check that waits for its answer; there is at most one."""
        return next((check for check in self._checks.values() if check.standing), None)

    def ask(self, because: AskedBecause, by: str, now: Instant) -> Event:
        """Raises IllegalTransition while another check waits."""
        return duty_check.ask(self._site, because, by, self._policy, self.open, now)

    def answer(self, check_id: str, by: str, comment: str, now: Instant) -> Event:
        """Raises UnknownSubject, IllegalTransition for one that is answered, RequestRefused for nobody."""
        check = self._checks.get(check_id)
        if check is None:
            raise UnknownSubject("duty check", check_id)
        return duty_check.answer(check, by, comment, now)

    def due(self, now: Instant) -> list[Event]:
        """What time alone brings."""
        check = self.open
        return [] if check is None else duty_check.due(check, self._ladder, now)
