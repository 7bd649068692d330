"""A tiny plant and a program whose truths a test writes down, tick by tick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from pydantic import BaseModel

from gateway.engine import SETTLE, Engine
from gateway.event import Event
from gateway.plant.duty import Duty
from gateway.plant.guard import Guard
from gateway.plant.model import Area, Device, Equipment, Output, Plant, Point, RiskGrade, Site, Text
from gateway.point_table import PointTable
from gateway.rule import Conditions, Effect, EffectMode, InterlockInstance, PointColumns, RuleInstance, Truth
from gateway.sample import SECOND, Instant
from gateway.standing import Standing, fold

TRUE, FALSE, UNKNOWN = Truth.TRUE, Truth.FALSE, Truth.UNKNOWN
Truths = Mapping[int, Truth | tuple[Truth, int]]

STALE_AFTER = 5 * SECOND
WITHIN, SCAN = 2 * SECOND, SECOND // 10
SETTLED = SETTLE + SECOND


UNGUARDED = Guard()


class Address(BaseModel):
    """Of nothing."""


def text(words: str) -> Text:
    return Text(words, words)


def point(index: int, kind: str) -> Point:
    return Point(
        index, f"furnace.{kind}", text(kind), "furnace", kind, "", 0, 1, SECOND, STALE_AFTER, "plc", Address()
    )  # fmt: skip


def plant(*, allowed: bool = True, points: int = 3, guard: Guard = UNGUARDED) -> Plant:
    return Plant(
        file="plant.yaml",
        hash="0",
        site=Site("demo", text("demo"), "", "", RiskGrade.A),
        areas=(Area("melt", text("melt"), staffed=True),),
        equipment=(Equipment("furnace", "electric_arc_furnace", "melt", text("furnace")),),
        devices=(Device("plc", "scripted", text("plc"), Address()),),
        points=tuple(point(index, f"point_{index}") for index in range(points)),
        outputs=(
            Output("furnace.trip", text("trip"), "furnace", "trip", "plc", Address(), allowed, (0.0, 1.0), guard),
        ),
    )  # fmt: skip


def interlock(
    causes: tuple[int, ...] = (0,), feedback: int = 1, mode: EffectMode = EffectMode.OBSERVE
) -> InterlockInstance:
    output = "furnace.trip" if mode is EffectMode.COMMAND else None
    effect = Effect("power_off", text("power off"), feedback, WITHIN, SCAN, mode, output, 1.0, (1,))
    return InterlockInstance(0, "trip@furnace", "trip", "furnace", ("4.1",), text("trip"), causes, None, (effect,))


@dataclass
class ScriptedProgram:
    """Implements `gateway.rule.Program`; every condition is UNKNOWN until the test says otherwise."""

    rules: Sequence[RuleInstance]
    interlocks: Sequence[InterlockInstance] = ()
    conditions: int = 4
    truth: np.ndarray = field(init=False)
    since: np.ndarray = field(init=False)
    resumed: Mapping[str, Instant] = field(default_factory=dict)
    horizon: int = 0

    def __post_init__(self) -> None:
        self.truth = np.full(self.conditions, UNKNOWN, dtype=np.uint8)
        self.since = np.zeros(self.conditions, dtype=np.int64)

    def set(self, column: int, truth: Truth, since: int) -> None:
        """The truth from now on; `since` counts where that is another truth than before."""
        if self.truth[column] != truth:
            self.truth[column], self.since[column] = truth, since

    def resume(self, standing: Mapping[str, Instant]) -> None:
        """Truths are the test's; it may look at what it was told."""
        self.resumed = dict(standing)

    def state(self) -> None:
        """There is nothing to remember: truths are the test's."""

    def step(self, columns: PointColumns, now: Instant) -> Conditions:
        return Conditions(self.truth.copy(), self.since.copy())


class Bench:
    """An engine under a script, and the journal that its events would fill."""

    def __init__(
        self,
        *rules: RuleInstance,
        interlocks: Sequence[InterlockInstance] = (),
        journal: Sequence[Event] = (),
        people: Duty | None = None,
        guard: Guard | None = None,
        of: Plant | None = None,
    ) -> None:
        """`of`: another plant than the tiny one, with people and guard of its own."""
        self.people, self.guard = people or Duty(), guard or Guard()
        made = plant()
        outputs = tuple(replace(output, guard=self.guard) for output in made.outputs)
        self.plant = replace(made, duty=self.people, outputs=outputs) if of is None else of
        self.program = ScriptedProgram(rules, interlocks)
        self.journal = list(journal)
        self.table = PointTable(self.plant)
        self.now = max((event.at for event in journal), default=Instant(0))
        self.engine = Engine(self.plant, self.program, folded(self.journal), self.now)

    def tick(self, truths: Truths | None = None, *, after: int = SECOND) -> list[Event]:
        """One tick `after` microseconds later; truths are by column, with an onset where it is not now."""
        self.now = Instant(self.now + after)
        for column, said in (truths or {}).items():
            truth, since = said if isinstance(said, tuple) else (said, self.now)
            self.program.set(column, truth, since)
        events = self.engine.tick(self.table, self.now)
        self.journal += events
        return events

    def settle(self) -> list[Event]:
        """A tick after which what is not known is lost."""
        return self.tick(after=SETTLED)

    def act(self, event: Event) -> None:
        """A person's action, kept and then taken."""
        self.journal.append(event)
        self.engine.take([event])

    def restarted(self) -> Bench:
        """A new run of the same gateway, from the journal alone."""
        program = self.program
        return Bench(*program.rules, interlocks=program.interlocks, journal=self.journal, of=self.plant)


def folded(journal: Sequence[Event]) -> Standing:
    standing = Standing()
    for event in journal:
        fold(standing, event)
    return standing


def kinds(events: Sequence[Event]) -> list[str]:
    return [event.kind for event in events if event.kind != "condition.changed"]
