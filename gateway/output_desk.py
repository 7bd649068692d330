"""The outputs of one site: who may write what now, the two steps of a person, and what a command came to.

Decides from the states and points that it is given, sends nothing, and owns no clock. What it returns is somebody
else's to keep and to take. `gateway.runtime.commands` sends what is in the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.errors import OutputRefused, UnknownSubject
from gateway.event import Event
from gateway.events.interlocks import CommandRequested, Verdict
from gateway.events.outputs import (
    CommandJudged,
    CommandRefused,
    OutputReleased,
    OutputSelected,
    Released,
    Step,
)
from gateway.identity import identity
from gateway.machines.interlock import Demand
from gateway.machines.output import (
    SELECTED_FOR,
    SELECTION,
    Command,
    CommandStage,
    OutputState,
    Selection,
    SelectionState,
    SelectionStep,
    judged,
    selection_state,
)
from gateway.machines.permission import Circumstances, Permissive, Wish, permitted
from gateway.machines.sight import Watch, look, truth_of
from gateway.plant.guard import Aspect
from gateway.plant.model import Output, Plant
from gateway.point_table import PointTable
from gateway.rule import EffectMode, InterlockInstance, PointColumns
from gateway.sample import SECOND, Instant, Quality, Reason

OPEN = (Verdict.PENDING, Verdict.FAIL, Verdict.INCONCLUSIVE)
"""Verdicts that what is seen may still change."""


FIRST_LOOK = SECOND // 2
"""Later than this after a command nobody can say any more what the point was at it."""


@dataclass(frozen=True, slots=True)
class PersonsWish:
    """What a person asks of an output, and who they are."""

    output: str
    value: float
    by: str
    token: str
    """Made for the first step and shown at the second; kept nowhere."""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a person's step; a refusal is kept as well, and then told."""

    events: tuple[Event, ...]
    refusal: OutputRefused | None = None


class OutputDesk:
    """Call `observe` once a tick; the states that it is given move by what others take."""

    def __init__(
        self,
        plant: Plant,
        interlocks: Iterable[InterlockInstance],
        outputs: Mapping[str, OutputState],
        demands: Mapping[str, Demand],
        withheld: Callable[[str], Sequence[str]] = lambda _: (),
    ) -> None:
        """`withheld`: the interlocks whose overdue proof keeps an equipment from starting."""
        self._site = plant.site.id
        self._outputs = plant.outputs_by_id()
        self._index = {point.id: point.index for point in plant.points}
        self._states, self._demands = outputs, demands
        self._commanded: dict[str, list[tuple[str, float]]] = {}
        for row in interlocks:
            for effect in row.effects:
                if effect.mode is EffectMode.COMMAND and effect.output is not None:
                    self._commanded.setdefault(effect.output, []).append((row.id, effect.value))
        self._withheld = withheld
        self._watches: dict[tuple[str, Aspect], Watch] = {}
        self._found: dict[tuple[str, str], float] = {}
        """What was last found of each output, and for which value."""
        self._proven = tuple(output.id for output in plant.outputs if output.allowed)

    def follow(self, earlier: OutputDesk) -> None:
        """Go on looking where the desk before a reload does."""
        self._watches, self._found = dict(earlier._watches), dict(earlier._found)

    def state(self, output: str) -> OutputState:
        return self._states.get(output, OutputState(output))

    def output(self, output: str) -> Output:
        """Raises UnknownSubject."""
        if output not in self._outputs:
            raise UnknownSubject("output", output)
        return self._outputs[output]

    def permit(self, wish: Wish, table: PointTable, now: Instant) -> Output:
        """The output, if this may be written now; raises OutputRefused."""
        return permitted(self._outputs.get(wish.output), wish, self._circumstances(wish.output, table, now))

    def permissives(self, output: Output, columns: PointColumns) -> list[Permissive]:
        """Each condition of the output as it is now."""
        found = []
        for test in output.guard.permissives:
            point = self._index.get(test.point)
            seen = look(columns, point)
            found.append(Permissive(test, truth_of(test, seen.value), _words(columns, point, test.unit)))
        return found

    def select(self, wish: PersonsWish, table: PointTable, now: Instant) -> Decision:
        """The first step of a person: nothing is sent. Raises UnknownSubject."""
        self.output(wish.output)
        state = self.state(wish.output)
        events: list[Event] = []
        chosen = state.selection
        if chosen is not None and selection_state(state, now) is SelectionState.SELECTED:
            if chosen.by != wish.by:
                refusal = OutputRefused(wish.output, "an output that nobody has selected", f"selected by {chosen.by}")
                return self._refused(Step.SELECT, wish, refusal, now)
            SELECTION.next(wish.output, SelectionState.SELECTED, SelectionStep.CANCEL)
            events.append(_released(wish.output, chosen, Released.CANCELLED, wish.by, now))
        try:
            self.permit(Wish(wish.output, wish.value, by_person=True), table, now)
        except OutputRefused as refusal:
            return self._refused(Step.SELECT, wish, refusal, now, events)
        SELECTION.next(wish.output, SelectionState.FREE, SelectionStep.SELECT)
        selection = identity(self._site, wish.output, "selection", wish.by, now)
        events.append(
            OutputSelected(
                id=identity(selection, "selected"),
                at=now,
                output=wish.output,
                selection=selection,
                value=wish.value,
                by=wish.by,
                comment=wish.comment,
                expires=Instant(now + SELECTED_FOR),
                seal=identity(wish.token),
            )
        )
        return Decision(tuple(events))

    def operate(self, wish: PersonsWish, table: PointTable, now: Instant) -> Decision:
        """The second step: the command, or why not. Raises UnknownSubject."""
        self.output(wish.output)
        state = self.state(wish.output)
        chosen = state.selection
        if chosen is None or selection_state(state, now) is SelectionState.FREE:
            got = "none" if chosen is None else "one that has expired"
            refusal = OutputRefused(wish.output, "a selection of this output", got)
            return self._refused(Step.OPERATE, wish, refusal, now)
        if chosen.by != wish.by or chosen.seal != identity(wish.token):
            got = f"{wish.by}" if chosen.by != wish.by else "another token"
            refusal = OutputRefused(wish.output, f"the person who selected it ({chosen.by}), with the token", got)
            return self._refused(Step.OPERATE, wish, refusal, now)
        try:
            self._permit_selected(chosen, wish, table, now)
        except OutputRefused as refusal:
            SELECTION.next(wish.output, SelectionState.SELECTED, SelectionStep.REFUSE)
            events: list[Event] = [_released(wish.output, chosen, Released.REFUSED, wish.by, now)]
            return self._refused(Step.OPERATE, wish, refusal, now, events)
        SELECTION.next(wish.output, SelectionState.SELECTED, SelectionStep.OPERATE)
        command = CommandRequested(
            id=identity(chosen.id, "requested"),
            at=now,
            command=identity(chosen.id, "command"),
            output=wish.output,
            value=wish.value,
            demand="",
            effect="",
            by=wish.by,
            comment=chosen.comment,
        )
        return Decision((command,))

    def cancel(self, output: str, by: str, now: Instant) -> list[Event]:
        """Give a selection back; nothing where there is none. Raises UnknownSubject, OutputRefused for another's."""
        self.output(output)
        state = self.state(output)
        chosen = state.selection
        if chosen is None or selection_state(state, now) is SelectionState.FREE:
            return []
        if chosen.by != by:
            raise OutputRefused(output, f"the person who selected it ({chosen.by})", by)
        SELECTION.next(output, SelectionState.SELECTED, SelectionStep.CANCEL)
        return [_released(output, chosen, Released.CANCELLED, by, now)]

    def observe(self, table: PointTable, now: Instant) -> list[Event]:
        """New verdicts on the last command of every output; not yet taken."""
        events: list[Event] = []
        for state in self._states.values():
            command, output = state.command, self._outputs.get(state.output)
            if command is None or output is None or command.stage is CommandStage.REFUSED:
                continue
            for aspect in Aspect:
                if command.proof(aspect).verdict in OPEN:
                    events += self._judge(output, command, aspect, table.latest, now)
        return events

    @property
    def timing(self) -> bool:
        """Whether a command's time runs, so that the next tick may bring a verdict by itself."""
        return any(
            command.proof(aspect).verdict is Verdict.PENDING and self._expected(output, command, aspect)
            for output, state in self._states.items()
            if (command := state.command) is not None and command.stage is not CommandStage.REFUSED
            for aspect in Aspect
        )

    def with_alarms(
        self, truth: NDArray[np.uint8], since: NDArray[np.int64], now: Instant
    ) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Truths and onsets, followed by those of `gateway.command_alarms.command_rules`."""
        ends = [
            self._lasts(what, output, found=found(output))
            for output in self._proven
            for what, found in (("refused", self.refused), ("unproven", self.unproven))
        ]
        asked = [command.at if (command := self.state(output).command) else now for output in self._proven]
        return (
            np.concatenate([truth, np.array(ends, dtype=np.uint8)]),
            np.concatenate([since, np.repeat(np.array(asked, dtype=np.int64), 2)]),
        )

    def _lasts(self, what: str, output: str, *, found: bool) -> bool:
        """What was found stands while the same is only commanded again: a repetition proves nothing by itself."""
        command, key = self.state(output).command, (what, output)
        if found and command is not None:
            self._found[key] = command.value
        elif command is None or command.value != self._found.get(key) or self._decided(output, command):
            self._found.pop(key, None)
        return key in self._found

    def _decided(self, output: str, command: Command) -> bool:
        """Whether it is known what came of a command."""
        looked = self._expected(output, command, Aspect.FEEDBACK)
        seen = not looked or command.feedback.verdict is not Verdict.PENDING
        return seen and command.stage is not CommandStage.REQUESTED

    def refused(self, output: str) -> bool:
        """Whether the last command was an interlock's that is still demanded, or a siren's, and was refused."""
        command = self.state(output).command
        if command is None or command.by or command.stage is not CommandStage.REFUSED:
            return False
        demand = self._demands.get(command.demand)
        return demand is None or demand.standing

    def unproven(self, output: str) -> bool:
        """Whether the last command did not come to what it must, for all that is known."""
        command = self.state(output).command
        if command is None or command.stage is CommandStage.REFUSED:
            return False
        verdicts = [command.proof(aspect).verdict for aspect in Aspect if self._expected(output, command, aspect)]
        if any(verdict in (Verdict.FAIL, Verdict.INCONCLUSIVE) for verdict in verdicts):
            return True
        seen = command.feedback.verdict in (Verdict.PASS, Verdict.LATE)
        return command.stage is CommandStage.UNCONFIRMED and not seen

    def _permit_selected(self, chosen: Selection, wish: PersonsWish, table: PointTable, now: Instant) -> None:
        if chosen.value != wish.value:
            raise OutputRefused(wish.output, f"the selected value {chosen.value:g}", f"{wish.value:g}")
        self.permit(Wish(wish.output, wish.value, by_person=True), table, now)

    def _expected(self, output: str, command: Command, aspect: Aspect) -> bool:
        known = self._outputs.get(output)
        return known is not None and known.guard.expected(aspect, command.value) is not None

    def _judge(
        self, output: Output, command: Command, aspect: Aspect, columns: PointColumns, now: Instant
    ) -> list[Event]:
        expected = output.guard.expected(aspect, command.value)
        if expected is None:
            return []
        seen = look(columns, self._index.get(expected.test.point))
        watch = self._watches.get((output.id, aspect))
        if watch is None or watch.asked_at != command.at or watch.expected != expected:
            first = seen.value if now - command.at <= FIRST_LOOK else None
            watch = self._watches[output.id, aspect] = Watch(expected, command.at, now, first)
        verdict = judged(command, aspect, expected, sight := watch.look(seen), now)
        if verdict is None:
            return []
        came = verdict in (Verdict.PASS, Verdict.LATE)
        return [
            CommandJudged(
                id=identity(command.id, aspect, verdict),
                at=now,
                output=output.id,
                command=command.id,
                aspect=aspect,
                verdict=verdict,
                delay=sight.since - command.at if came else None,
            )
        ]

    def _circumstances(self, output_id: str, table: PointTable, now: Instant) -> Circumstances:
        output, state = self._outputs.get(output_id), self.state(output_id)
        permissives = self.permissives(output, table.columns(now)) if output and output.guard.permissives else ()
        standing = {demand.interlock for demand in self._demands.values() if demand.standing}
        demanded = {value for interlock, value in self._commanded.get(output_id, ()) if interlock in standing}
        withheld = self._withheld(output.equipment) if output else ()
        return Circumstances(now, permissives, state.held, state.changes, frozenset(demanded), withheld)

    def _refused(
        self, step: Step, wish: PersonsWish, refusal: OutputRefused, now: Instant, events: Sequence[Event] = ()
    ) -> Decision:
        refused = CommandRefused(
            id=identity(self._site, wish.output, step, wish.by, now),
            at=now,
            output=wish.output,
            step=step,
            value=wish.value,
            by=wish.by,
            expected=refusal.expected,
            got=refusal.got,
        )
        return Decision((*events, refused), refusal)


def _released(output: str, chosen: Selection, because: Released, by: str, now: Instant) -> Event:
    return OutputReleased(
        id=identity(chosen.id, "released"),
        at=now,
        output=output,
        selection=chosen.id,
        because=because,
        by=by,
    )


def _words(columns: PointColumns, point: int | None, unit: str) -> str:
    """A point's value with its quality, for a person."""
    if point is None:
        return "no such point"
    quality = Quality(int(columns.quality[point]))
    if quality is Quality.GOOD:
        return f"{columns.value[point]:g} {unit}".rstrip()
    return f"unknown ({quality.name.lower()}, {Reason(int(columns.reason[point])).name.lower()})"
