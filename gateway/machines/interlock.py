"""The demand of one interlock: its cause is there, so its effects must be, each within its time.

"Commanded" is not "done": a verdict comes from feedback alone (bounded response, past-time MTL).
A verdict that cannot be known is INCONCLUSIVE, never PASS.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.event import Event
from gateway.events.changeover import InterlockWithdrawn
from gateway.events.interlocks import (
    CommandCompleted,
    CommandRequested,
    EffectJudged,
    InterlockDemanded,
    InterlockEnded,
    Verdict,
)
from gateway.identity import identity
from gateway.machines.table import Table
from gateway.rule import Effect, EffectMode, InterlockInstance, Truth
from gateway.sample import Instant, Reading

SCANS_TO_JUDGE = 5
"""A time shorter than this many scans of its feedback cannot be told from one scan more or less."""


class Judgement(StrEnum):
    """What the feedback says of an effect."""

    IN_TIME = "in_time"
    IN_TIME_BUT_TOO_COARSE = "in_time_but_too_coarse"
    AFTER_TIME = "after_time"
    ABSENT_AT_DEADLINE = "absent_at_deadline"
    UNKNOWN_AT_DEADLINE = "unknown_at_deadline"
    NO_LONGER_WATCHED = "no_longer_watched"
    """The interlock was taken out of force before the deadline."""
    UNDER_BYPASS = "under_bypass"
    """It came, or its time is over, and the interlock was bypassed when it was demanded."""
    IN_TIME_UNDER_TEST = "in_time_under_test"


_V, _J = Verdict, Judgement

TABLE: Table[Verdict, Judgement] = Table(
    machine="interlock effect",
    initial=_V.PENDING,
    moves={
        _V.PENDING: {
            _J.IN_TIME: _V.PASS,
            _J.IN_TIME_BUT_TOO_COARSE: _V.INCONCLUSIVE,
            _J.AFTER_TIME: _V.LATE,
            _J.ABSENT_AT_DEADLINE: _V.FAIL,
            _J.UNKNOWN_AT_DEADLINE: _V.INCONCLUSIVE,
            _J.NO_LONGER_WATCHED: _V.INCONCLUSIVE,
            _J.UNDER_BYPASS: _V.BYPASSED,
            _J.IN_TIME_UNDER_TEST: _V.TEST,
        },
        _V.FAIL: {_J.AFTER_TIME: _V.LATE},
        _V.INCONCLUSIVE: {_J.AFTER_TIME: _V.LATE},
        _V.PASS: {},
        _V.LATE: {},
        _V.BYPASSED: {},
        _V.TEST: {},
    },
)

_WORST_FIRST = (_V.FAIL, _V.LATE, _V.INCONCLUSIVE, _V.BYPASSED, _V.PENDING, _V.TEST, _V.PASS)


@dataclass(frozen=True, slots=True)
class EffectState:
    """How one effect of a demand stands."""

    effect: str
    mode: EffectMode
    verdict: Verdict = Verdict.PENDING
    delay: int | None = None
    command: str | None = None
    written: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Demand:
    """One demand on one interlock, from its cause to the verdict on its last effect."""

    id: str
    interlock: str
    equipment: str
    causes: tuple[str, ...]
    onset: Instant
    demanded_at: Instant
    engaged: Truth
    effects: tuple[EffectState, ...] = ()
    ended_at: Instant | None = None
    cause_hashes: tuple[str, ...] = ()
    bypass: str = ""
    """The bypass that covers it."""
    test: str = ""
    """The proof test that it is part of."""

    @property
    def standing(self) -> bool:
        return self.ended_at is None

    @property
    def verdict(self) -> Verdict:
        """The worst of the effects' verdicts."""
        return worst(state.verdict for state in self.effects)

    @property
    def pending(self) -> bool:
        """Whether any effect still has its time."""
        return any(state.verdict is _V.PENDING for state in self.effects)

    @property
    def broken(self) -> bool:
        """Whether any effect did not come in time, for all that is known."""
        return self.verdict in (_V.FAIL, _V.LATE, _V.INCONCLUSIVE)


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The gravest of several verdicts; PASS of none."""
    present = set(verdicts)
    return next((verdict for verdict in _WORST_FIRST if verdict in present), _V.PASS)


@dataclass(frozen=True, slots=True)
class Cause:
    """One rule that demands, with the onset of its condition."""

    rule: str
    onset: Instant
    hash: str = ""
    """Of the rule that demands."""


@dataclass(frozen=True, slots=True)
class Feedback:
    """What is known of one effect: whether it is there, and since when (source time)."""

    truth: Truth
    since: Instant


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Everything one tick says of one interlock."""

    causes: tuple[Cause, ...]
    """Rules that are TRUE, earliest onset first."""
    cause_unknown: bool
    engaged: Truth
    feedback: tuple[Feedback, ...]
    """By effect, in the interlock's order."""
    now: Instant
    readings: tuple[Reading, ...] = ()
    earlier: Container[str] = ()
    """Ids of demands that were before."""
    bypass: str = ""
    """The bypass that covers a demand that begins now."""
    test: str = ""
    """The proof test that a demand that begins now is part of."""
    withhold: bool = False
    """Whether a bypass stands, in its time or past it: nothing is commanded until a person has removed it."""


def observe(site: str, interlock: InterlockInstance, demand: Demand | None, seen: Circumstances) -> list[Event]:
    """Demand, judge, end: what follows from one tick. The commands of a new demand come right after it.

    A demand outlives its last verdict by one tick: whoever watches standing demands sees how each came out.
    """
    if demand is None:
        return _demanded(site, interlock, seen) if seen.causes else []
    events: list[Event] = []
    open_effects = False
    states = {state.effect: state for state in demand.effects}
    for effect, feedback in zip(interlock.effects, seen.feedback, strict=True):
        state = states.get(effect.id)
        if state is None:
            continue
        judgement = _judge(effect, demand, state, feedback, seen.now)
        if judgement is not None:
            verdict = TABLE.next(f"{demand.id} {effect.id}", state.verdict, judgement)
            events.append(_judged(demand, effect, verdict, feedback, seen.now))
        elif state.verdict is _V.PENDING:
            open_effects = True
    if not (seen.causes or seen.cause_unknown or open_effects or events):
        events.append(
            InterlockEnded(id=identity(demand.id, "ended"), at=seen.now, demand=demand.id, interlock=demand.interlock)
        )
    return events


def _demanded(site: str, interlock: InterlockInstance, seen: Circumstances) -> list[Event]:
    onset = seen.causes[0].onset
    demand = identity(site, interlock.id, "demand", onset)
    if demand in seen.earlier:  # a coarse source clock stamped both alike; sharing ids would swallow the command
        demand = identity(site, interlock.id, "demand", onset, seen.now)
    events: list[Event] = [
        InterlockDemanded(
            id=identity(demand, "demanded"),
            at=seen.now,
            demand=demand,
            interlock=interlock.id,
            equipment=interlock.equipment,
            clauses=interlock.clauses,
            causes=tuple(cause.rule for cause in seen.causes),
            cause_hashes=tuple(cause.hash for cause in seen.causes),
            onset=onset,
            engaged=seen.engaged,
            effects=tuple((effect.id, effect.mode) for effect in interlock.effects),
            readings=seen.readings,
            bypass=seen.bypass,
            test=seen.test,
            withheld=seen.withhold,
        )
    ]
    if seen.withhold:
        return events
    commanded = ((e, e.output) for e in interlock.effects if e.mode is EffectMode.COMMAND and e.output is not None)
    events += [
        CommandRequested(
            id=identity(demand, effect.id, "requested"),
            at=seen.now,
            command=identity(demand, effect.id, "command"),
            output=output,
            value=effect.value,
            demand=demand,
            effect=effect.id,
        )
        for effect, output in commanded
    ]
    return events


def _judge(effect: Effect, demand: Demand, state: EffectState, feedback: Feedback, now: Instant) -> Judgement | None:
    allowed = TABLE.allowed(state.verdict)
    if not allowed:
        return None
    if feedback.truth is Truth.TRUE:
        if demand.bypass:
            return _J.UNDER_BYPASS
        if state.verdict is _V.FAIL or feedback.since - demand.demanded_at > effect.within:
            return _J.AFTER_TIME
        if state.verdict is not _V.PENDING:  # inconclusive: it came in time, and nobody can prove it
            return None
        if effect.within < SCANS_TO_JUDGE * effect.scan:
            return _J.IN_TIME_BUT_TOO_COARSE
        return _J.IN_TIME_UNDER_TEST if demand.test else _J.IN_TIME
    # One scan more: an effect that came in time may be seen one scan after it.
    if state.verdict is not _V.PENDING or now <= demand.demanded_at + effect.within + effect.scan:
        return None
    if demand.bypass:
        return _J.UNDER_BYPASS
    return _J.UNKNOWN_AT_DEADLINE if feedback.truth is Truth.UNKNOWN else _J.ABSENT_AT_DEADLINE


def _judged(demand: Demand, effect: Effect, verdict: Verdict, feedback: Feedback, now: Instant) -> Event:
    delay = max(0, feedback.since - demand.demanded_at) if feedback.truth is Truth.TRUE else None
    return EffectJudged(
        id=identity(demand.id, effect.id, verdict),
        at=now,
        demand=demand.id,
        interlock=demand.interlock,
        effect=effect.id,
        mode=effect.mode,
        verdict=verdict,
        delay=delay,
    )


def withdraw(demand: Demand, by: str, comment: str, now: Instant) -> list[Event]:
    """The interlock of this demand is no longer in force: what is still pending can never be known."""
    events: list[Event] = []
    for state in demand.effects:
        if state.verdict is _V.PENDING:
            verdict = TABLE.next(f"{demand.id} {state.effect}", state.verdict, _J.NO_LONGER_WATCHED)
            events.append(
                EffectJudged(
                    id=identity(demand.id, state.effect, verdict),
                    at=now,
                    demand=demand.id,
                    interlock=demand.interlock,
                    effect=state.effect,
                    mode=state.mode,
                    verdict=verdict,
                    delay=None,
                )
            )
    withdrawn = InterlockWithdrawn(
        id=identity(demand.id, "withdrawn"),
        at=now,
        demand=demand.id,
        interlock=demand.interlock,
        by=by,
        comment=comment,
    )
    return [*events, withdrawn]


def evolve(demand: Demand | None, event: Event) -> Demand | None:
    """The demand after an event of its own; events of other kinds change nothing."""
    if isinstance(event, InterlockDemanded):
        return Demand(
            id=event.demand,
            interlock=event.interlock,
            equipment=event.equipment,
            causes=event.causes,
            onset=event.onset,
            demanded_at=event.at,
            engaged=event.engaged,
            effects=tuple(EffectState(effect, mode) for effect, mode in event.effects),
            cause_hashes=event.cause_hashes,
            bypass=event.bypass,
            test=event.test,
        )
    if demand is None:
        return None
    match event:
        case EffectJudged():
            return _with_effects(
                demand,
                lambda state: (
                    replace(state, verdict=event.verdict, delay=event.delay) if state.effect == event.effect else state
                ),
            )
        case CommandRequested():
            return _with_effects(
                demand,
                lambda state: replace(state, command=event.command) if state.effect == event.effect else state,
            )
        case CommandCompleted():
            return _with_effects(
                demand,
                lambda state: (
                    replace(state, written=event.written, detail=event.detail)
                    if state.command == event.command
                    else state
                ),
            )
        case InterlockEnded() | InterlockWithdrawn():
            return replace(demand, ended_at=event.at)
        case _:
            return demand


def _with_effects(demand: Demand, change: Callable[[EffectState], EffectState]) -> Demand:
    return replace(demand, effects=tuple(change(state) for state in demand.effects))
