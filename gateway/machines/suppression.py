"""What keeps an alarm from being annunciated: shelving, design and service, three axes of their own.

None of them looks at the condition and none stops its evaluation. A person is behind every one that
the plant's design is not; nothing is shelved for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.duration import format_duration
from gateway.errors import Problem, RequestRefused, refusal, wrong_field
from gateway.event import Event
from gateway.events.annunciation import (
    AlarmRemovedFromService,
    AlarmReturnedToService,
    AlarmShelved,
    AlarmSuppressed,
    AlarmUnshelved,
    AlarmUnsuppressed,
    UnshelvedBecause,
)
from gateway.identity import identity
from gateway.machines.table import Table
from gateway.plant.duty import AlarmPolicy
from gateway.rule import Priority
from gateway.sample import Instant


class ShelvingState(StrEnum):
    """The shelving axis."""

    UNSHELVED = "unshelved"
    SHELVED = "shelved"
    SHELVED_ONE_SHOT = "shelved_one_shot"


class ShelvingAction(StrEnum):
    SHELVE = "shelve"
    SHELVE_ONE_SHOT = "shelve_one_shot"
    UNSHELVE = "unshelve"
    EXPIRE = "expire"
    CONDITION_GONE = "condition_gone"


class DesignState(StrEnum):
    """The axis of suppression by design."""

    ANNUNCIATED = "annunciated"
    SUPPRESSED_BY_DESIGN = "suppressed_by_design"


class DesignAction(StrEnum):
    SUPPRESS = "suppress"
    RELEASE = "release"


class ServiceState(StrEnum):
    """The service axis."""

    IN_SERVICE = "in_service"
    OUT_OF_SERVICE = "out_of_service"


class ServiceAction(StrEnum):
    REMOVE_FROM_SERVICE = "remove_from_service"
    RETURN_TO_SERVICE = "return_to_service"


_H, _HA = ShelvingState, ShelvingAction

SHELVING: Table[ShelvingState, ShelvingAction] = Table(
    machine="shelving of alarm",
    initial=_H.UNSHELVED,
    moves={
        _H.UNSHELVED: {_HA.SHELVE: _H.SHELVED, _HA.SHELVE_ONE_SHOT: _H.SHELVED_ONE_SHOT},
        _H.SHELVED: {_HA.UNSHELVE: _H.UNSHELVED, _HA.EXPIRE: _H.UNSHELVED},
        _H.SHELVED_ONE_SHOT: {
            _HA.UNSHELVE: _H.UNSHELVED,
            _HA.EXPIRE: _H.UNSHELVED,
            _HA.CONDITION_GONE: _H.UNSHELVED,
        },
    },
)

DESIGN: Table[DesignState, DesignAction] = Table(
    machine="suppression of alarm",
    initial=DesignState.ANNUNCIATED,
    moves={
        DesignState.ANNUNCIATED: {DesignAction.SUPPRESS: DesignState.SUPPRESSED_BY_DESIGN},
        DesignState.SUPPRESSED_BY_DESIGN: {DesignAction.RELEASE: DesignState.ANNUNCIATED},
    },
)

SERVICE: Table[ServiceState, ServiceAction] = Table(
    machine="service of alarm",
    initial=ServiceState.IN_SERVICE,
    moves={
        ServiceState.IN_SERVICE: {ServiceAction.REMOVE_FROM_SERVICE: ServiceState.OUT_OF_SERVICE},
        ServiceState.OUT_OF_SERVICE: {ServiceAction.RETURN_TO_SERVICE: ServiceState.IN_SERVICE},
    },
)


@dataclass(frozen=True, slots=True)
class Shelf:
    """Until when an alarm is put aside, by whom and why."""

    since: Instant
    until: Instant
    one_shot: bool
    by: str
    second: str
    comment: str


@dataclass(frozen=True, slots=True)
class Removal:
    """Under which permit an alarm is out of service, by whom and why."""

    since: Instant
    by: str
    second: str
    permit: str
    comment: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """The three axes of one alarm."""

    shelf: Shelf | None = None
    design: Instant | None = None
    """Since when the plant's state suppresses it."""
    removal: Removal | None = None

    def __bool__(self) -> bool:
        return not (self.shelf is None and self.design is None and self.removal is None)

    @property
    def shelving(self) -> ShelvingState:
        if self.shelf is None:
            return _H.UNSHELVED
        return _H.SHELVED_ONE_SHOT if self.shelf.one_shot else _H.SHELVED

    @property
    def by_design(self) -> DesignState:
        return DesignState.ANNUNCIATED if self.design is None else DesignState.SUPPRESSED_BY_DESIGN

    @property
    def service(self) -> ServiceState:
        return ServiceState.IN_SERVICE if self.removal is None else ServiceState.OUT_OF_SERVICE

    @property
    def expected(self) -> bool:
        """Whether the plant's state or a permit says that the condition means no hazard; a shelf never says so."""
        return self.design is not None or self.removal is not None


NOT_SUPPRESSED = Suppression()


@dataclass(frozen=True, slots=True)
class Subject:
    """The alarm that a wish is about, as it is."""

    alarm: str
    occurrence: str
    priority: Priority
    held: Suppression


@dataclass(frozen=True, slots=True)
class ShelvingWish:
    """What a person asks for when they put an alarm aside."""

    by: str
    comment: str
    duration: int
    """Microseconds."""
    second: str = ""
    one_shot: bool = False


@dataclass(frozen=True, slots=True)
class RemovalWish:
    """What a person asks for when they take an alarm out of service."""

    by: str
    comment: str
    permit: str
    second: str = ""


def shelve(of: Subject, policy: AlarmPolicy, wish: ShelvingWish, now: Instant) -> Event:
    """Raises IllegalTransition for what is shelved already, RequestRefused with all that is missing or too much."""
    SHELVING.next(of.alarm, of.held.shelving, _HA.SHELVE_ONE_SHOT if wish.one_shot else _HA.SHELVE)
    longest, asked = policy.longest_shelving(of.priority), format_duration(wish.duration)
    problems = _unnamed(wish.by, wish.comment, "the reason for shelving (搁置原因)")
    if longest <= 0:
        problems.append(wrong_field("duration", f"no shelving at all of {of.priority} alarms", asked))
    elif not 0 < wish.duration <= longest:
        limit = f"more than 0 and at most {format_duration(longest)} for a {of.priority} alarm"
        problems.append(wrong_field("duration", limit, asked))
    problems += _second(of.priority, policy, wish.by, wish.second)
    if problems:
        raise RequestRefused(problems)
    return AlarmShelved(
        id=identity(of.alarm, "shelved", now),
        at=now,
        alarm=of.alarm,
        occurrence=of.occurrence,
        by=wish.by,
        second=wish.second,
        comment=wish.comment,
        until=Instant(now + wish.duration),
        one_shot=wish.one_shot,
    )


def unshelve(of: Subject, by: str, comment: str, now: Instant) -> Event:
    """Raises IllegalTransition for what is not shelved, RequestRefused for nobody."""
    SHELVING.next(of.alarm, of.held.shelving, _HA.UNSHELVE)
    _require_name(by)
    return _unshelved(of.alarm, of.occurrence, UnshelvedBecause.PERSON, by, comment, now)


def expire(alarm: str, occurrence: str, held: Suppression, now: Instant) -> Event | None:
    """The end of a shelving whose time is over; None while it is not."""
    if held.shelf is None or now < held.shelf.until:
        return None
    SHELVING.next(alarm, held.shelving, _HA.EXPIRE)
    return _unshelved(alarm, occurrence, UnshelvedBecause.EXPIRED, "", "", now)


def after_clear(alarm: str, occurrence: str, held: Suppression, now: Instant) -> Event | None:
    """The end of a one-shot shelving with the occurrence that it was for; None for any other."""
    if held.shelf is None or not held.shelf.one_shot:
        return None
    SHELVING.next(alarm, held.shelving, _HA.CONDITION_GONE)
    return _unshelved(alarm, occurrence, UnshelvedBecause.CONDITION_GONE, "", "", now)


def by_design(alarm: str, occurrence: str, held: Suppression, *, suppress: bool, since: Instant, now: Instant) -> Event:
    """What the plant's state says; raises IllegalTransition where it says nothing new."""
    DESIGN.next(alarm, held.by_design, DesignAction.SUPPRESS if suppress else DesignAction.RELEASE)
    if suppress:
        return AlarmSuppressed(
            id=identity(alarm, "suppressed", now), at=now, alarm=alarm, occurrence=occurrence, since=since
        )
    return AlarmUnsuppressed(id=identity(alarm, "unsuppressed", now), at=now, alarm=alarm, occurrence=occurrence)


def remove(of: Subject, policy: AlarmPolicy, wish: RemovalWish, now: Instant) -> Event:
    """Raises IllegalTransition for what is out of service, RequestRefused with all that is missing."""
    SERVICE.next(of.alarm, of.held.service, ServiceAction.REMOVE_FROM_SERVICE)
    problems = _unnamed(wish.by, wish.comment, "the reason for taking it out of service (停用原因)")
    if not wish.permit.strip():
        problems.append(wrong_field("permit", "the number of the work permit (作业票号)", "nothing"))
    problems += _second(of.priority, policy, wish.by, wish.second)
    if problems:
        raise RequestRefused(problems)
    return AlarmRemovedFromService(
        id=identity(of.alarm, "removed", now),
        at=now,
        alarm=of.alarm,
        occurrence=of.occurrence,
        by=wish.by,
        second=wish.second,
        permit=wish.permit,
        comment=wish.comment,
    )


def return_to_service(of: Subject, by: str, comment: str, now: Instant) -> Event:
    """Raises IllegalTransition for what is in service, RequestRefused for nobody."""
    SERVICE.next(of.alarm, of.held.service, ServiceAction.RETURN_TO_SERVICE)
    _require_name(by)
    return AlarmReturnedToService(
        id=identity(of.alarm, "returned", now),
        at=now,
        alarm=of.alarm,
        occurrence=of.occurrence,
        by=by,
        comment=comment,
    )


def evolve(held: Suppression, event: Event) -> Suppression:
    """The axes after an event of this alarm; events of other kinds change nothing."""
    match event:
        case AlarmShelved():
            shelf = Shelf(event.at, event.until, event.one_shot, event.by, event.second, event.comment)
            return replace(held, shelf=shelf)
        case AlarmUnshelved():
            return replace(held, shelf=None)
        case AlarmSuppressed():
            return replace(held, design=event.since)
        case AlarmUnsuppressed():
            return replace(held, design=None)
        case AlarmRemovedFromService():
            return replace(held, removal=Removal(event.at, event.by, event.second, event.permit, event.comment))
        case AlarmReturnedToService():
            return replace(held, removal=None)
        case _:
            return held


def _unshelved(
    alarm: str, occurrence: str, because: UnshelvedBecause, by: str, comment: str, now: Instant
) -> AlarmUnshelved:
    return AlarmUnshelved(
        id=identity(alarm, "unshelved", now),
        at=now,
        alarm=alarm,
        occurrence=occurrence,
        because=because,
        by=by,
        comment=comment,
    )


def _unnamed(by: str, comment: str, reason: str) -> list[Problem]:
    problems = [] if by.strip() else [wrong_field("by", "the name of the person who does this", "nothing")]
    return problems if comment.strip() else [*problems, wrong_field("comment", reason, "nothing")]


def _second(priority: Priority, policy: AlarmPolicy, by: str, second: str) -> list[Problem]:
    """Whatever is missing of the second person that the priority needs."""
    if priority not in policy.two_person:
        return []
    if not second.strip():
        return [wrong_field("second", f"a second person who agrees: the alarm is {priority}", "nothing")]
    if second.strip() == by.strip():
        return [wrong_field("second", f"another person than {by.strip()}", second)]
    return []


def _require_name(by: str) -> None:
    if not by.strip():
        raise refusal("by", "the name of the person who does this", "nothing")
