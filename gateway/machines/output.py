"""One output: who has selected it, what it was told last, and what proved that it was done.

A person's command takes two steps (select before operate, IEC 61850-7-2); an interlock's takes one and ends any
selection. "Written" is not "done": feedback and process effect have verdicts of their own. Sends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.event import Event
from gateway.events.interlocks import CommandCompleted, CommandRequested, Verdict
from gateway.events.outputs import CommandJudged, OutputReleased, OutputSelected
from gateway.machines.interlock import TABLE as VERDICTS
from gateway.machines.interlock import Judgement
from gateway.machines.table import Table
from gateway.plant.guard import MOST_CHANGES, Aspect, Expectation
from gateway.rule import Truth
from gateway.sample import SECOND, Instant

SCANS_TO_JUDGE = 5


SELECTED_FOR = 30 * SECOND
"""Between the two steps of a person's command; a second step that comes later is refused."""


class SelectionState(StrEnum):
    FREE = "free"
    SELECTED = "selected"


class SelectionStep(StrEnum):
    SELECT = "select"
    OPERATE = "operate"
    CANCEL = "cancel"
    EXPIRE = "run_out"
    REFUSE = "refuse_operation"
    """The second step did not hold: nothing is sent, and the first has to be taken again."""
    PREEMPT = "preempt"
    """An interlock commands the output."""


SELECTION: Table[SelectionState, SelectionStep] = Table(
    machine="output selection",
    initial=SelectionState.FREE,
    moves={
        SelectionState.FREE: {
            SelectionStep.SELECT: SelectionState.SELECTED,
            SelectionStep.PREEMPT: SelectionState.FREE,
        },
        SelectionState.SELECTED: {
            SelectionStep.OPERATE: SelectionState.FREE,
            SelectionStep.CANCEL: SelectionState.FREE,
            SelectionStep.EXPIRE: SelectionState.FREE,
            SelectionStep.REFUSE: SelectionState.FREE,
            SelectionStep.PREEMPT: SelectionState.FREE,
        },
    },
)


class CommandStage(StrEnum):
    """How far a command has come on its way to the device."""

    REQUESTED = "requested"
    """In the journal, and on its way."""
    WRITTEN = "written"
    """The device confirmed it."""
    REFUSED = "refused"
    """By the gateway: nothing was sent."""
    UNCONFIRMED = "unconfirmed"
    """Sent, and the device did not say that it took it."""


class Receiving(StrEnum):
    """What became of the write."""

    CONFIRM = "confirm"
    REFUSE = "refuse"
    FAIL = "leave_unconfirmed"


COMMAND: Table[CommandStage, Receiving] = Table(
    machine="command",
    initial=CommandStage.REQUESTED,
    moves={
        CommandStage.REQUESTED: {
            Receiving.CONFIRM: CommandStage.WRITTEN,
            Receiving.REFUSE: CommandStage.REFUSED,
            Receiving.FAIL: CommandStage.UNCONFIRMED,
        },
        CommandStage.WRITTEN: {},
        CommandStage.REFUSED: {},
        CommandStage.UNCONFIRMED: {},
    },
)


@dataclass(frozen=True, slots=True)
class Selection:
    """The first step of a person's command."""

    id: str
    value: float
    by: str
    comment: str
    at: Instant
    expires: Instant
    seal: str
    """`identity` of the token that the second step must show."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of one aspect of a command."""

    verdict: Verdict = Verdict.PENDING
    delay: int | None = None


@dataclass(frozen=True, slots=True)
class Command:
    """The last command of an output."""

    id: str
    value: float
    by: str
    """Empty for an interlock's."""
    comment: str
    demand: str
    at: Instant
    stage: CommandStage = CommandStage.REQUESTED
    completed_at: Instant | None = None
    detail: str = ""
    feedback: Proof = Proof()
    process: Proof = Proof()

    def proof(self, aspect: Aspect) -> Proof:
        return self.feedback if aspect is Aspect.FEEDBACK else self.process


@dataclass(frozen=True, slots=True)
class OutputState:
    """Everything about one output that outlives a restart."""

    output: str
    held: float | None = None
    """What was last written, if that was confirmed; None where it was not, or the gateway never wrote."""
    changes: tuple[Instant, ...] = ()
    """When a write last changed the value, or may have, oldest first."""
    selection: Selection | None = None
    command: Command | None = None


def selection_state(state: OutputState, now: Instant) -> SelectionState:
    """Whether somebody holds the output now; time ends a selection without an event."""
    chosen = state.selection
    return SelectionState.FREE if chosen is None or now > chosen.expires else SelectionState.SELECTED


def evolve(state: OutputState, event: Event) -> OutputState:
    """The output after an event of its own; events of other kinds change nothing."""
    match event:
        case OutputSelected():
            return replace(state, selection=_selection(event))
        case OutputReleased():
            return replace(state, selection=None)
        case CommandRequested():
            asked = Command(event.command, event.value, event.by, event.comment, event.demand, event.at)
            return replace(state, selection=None, command=asked)
        case CommandCompleted():
            return _completed(state, event)
        case CommandJudged() if state.command is not None and state.command.id == event.command:
            proof = Proof(event.verdict, event.delay)
            if event.aspect is Aspect.FEEDBACK:
                return replace(state, command=replace(state.command, feedback=proof))
            return replace(state, command=replace(state.command, process=proof))
        case _:
            return state


def _selection(event: OutputSelected) -> Selection:
    return Selection(event.selection, event.value, event.by, event.comment, event.at, event.expires, event.seal)


def _completed(state: OutputState, event: CommandCompleted) -> OutputState:
    if event.value is not None and not event.refused:
        # What was sent and not confirmed may have moved the output all the same: it counts as a change.
        changes = state.changes if event.value == state.held else (*state.changes, event.at)[-MOST_CHANGES:]
        state = replace(state, held=event.value if event.written else None, changes=changes)
    command = state.command
    if command is None or command.id != event.command or command.stage is not CommandStage.REQUESTED:
        return state
    became = Receiving.CONFIRM if event.written else Receiving.REFUSE if event.refused else Receiving.FAIL
    stage = COMMAND.next(command.id, command.stage, became)
    return replace(state, command=replace(command, stage=stage, completed_at=event.at, detail=event.detail))


@dataclass(frozen=True, slots=True)
class Sight:
    """What one tick says of one expectation."""

    truth: Truth
    since: Instant
    """Source time at which the truth set in."""
    watched_from: Instant
    """When the gateway began to look: after a restart, later than the command."""


def judged(command: Command, aspect: Aspect, expected: Expectation, sight: Sight, now: Instant) -> Verdict | None:
    """The new verdict on one aspect of a command; None where it stays as it is."""
    verdict = command.proof(aspect).verdict
    judgement = _judgement(command, verdict, expected, sight, now)
    if judgement is None or judgement not in VERDICTS.allowed(verdict):
        return None
    return VERDICTS.next(f"{command.id} {aspect}", verdict, judgement)


def _judgement(
    command: Command, verdict: Verdict, expected: Expectation, sight: Sight, now: Instant
) -> Judgement | None:
    deadline = command.at + expected.within
    if sight.truth is Truth.TRUE:
        unseen = sight.watched_from > deadline and sight.since <= sight.watched_from
        if unseen:  # it may have come in time while nobody looked
            return Judgement.IN_TIME_BUT_TOO_COARSE if verdict is Verdict.PENDING else None
        if sight.since > deadline or verdict is Verdict.FAIL:
            return Judgement.AFTER_TIME
        coarse = expected.within < SCANS_TO_JUDGE * expected.scan
        return Judgement.IN_TIME_BUT_TOO_COARSE if coarse else Judgement.IN_TIME
    # One scan more: what came in time may be seen one scan after it.
    if verdict is not Verdict.PENDING or now <= deadline + expected.scan:
        return None
    return Judgement.UNKNOWN_AT_DEADLINE if sight.truth is Truth.UNKNOWN else Judgement.ABSENT_AT_DEADLINE
