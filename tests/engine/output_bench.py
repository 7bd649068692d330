"""An output desk under a script: points are set, time is moved, people and interlocks command."""

from __future__ import annotations

from dataclasses import replace

from gateway.errors import OutputRefused
from gateway.event import Event
from gateway.events.interlocks import CommandCompleted, CommandRequested, Verdict
from gateway.events.outputs import CommandJudged
from gateway.identity import identity
from gateway.output_desk import OutputDesk, PersonsWish
from gateway.plant.guard import Aspect, Comparison, Expectation, Guard, PointTest, Rate
from gateway.point_table import PointTable
from gateway.sample import SECOND, Instant, Quality, Reason, Sample, SampleBatch
from gateway.standing import Standing, fold
from tests.engine.scripted import plant

TRIP, READY, SWITCH, FLOW = "furnace.trip", "furnace.point_0", "furnace.point_1", "furnace.point_2"
GUARD = Guard(
    fail_safe=1.0,
    rate=Rate(2, 60 * SECOND),
    permissives=(PointTest(READY, Comparison.EQUALS, 1),),
    feedback=(
        Expectation(1.0, PointTest(SWITCH, Comparison.EQUALS, 1), 2 * SECOND, 0, SECOND // 10),
        Expectation(0.0, PointTest(SWITCH, Comparison.EQUALS, 0), 2 * SECOND, 0, SECOND // 10),
    ),
    process=(
        Expectation(1.0, PointTest(FLOW, Comparison.FALLS_BY, 0.5), 5 * SECOND, 0, SECOND // 10),
        Expectation(0.0, PointTest(FLOW, Comparison.STEADY, 0.1), 8 * SECOND, 3 * SECOND, SECOND // 10),
    ),
    people=True,
)
WANG, LI, TOKEN = "王", "李", "t"


class Desk:
    """A desk under a script: points are set, time is moved, events are taken."""

    def __init__(self, guard: Guard = GUARD) -> None:
        made = plant()
        self.plant = replace(made, outputs=(replace(made.outputs[0], guard=guard),))
        self.table = PointTable(self.plant)
        self.now = Instant(1_000 * SECOND)
        self.journal: list[Event] = []
        self.standing = Standing()
        self.desk = OutputDesk(self.plant, (), self.standing.outputs, self.standing.demands)
        self.see(0, 1.0)
        self.see(1, 0.0)
        self.see(2, 1.0)

    def see(self, point: int, value: float | None) -> None:
        """What a point says now; None where it cannot be read."""
        good = value is not None
        quality, reason = (Quality.GOOD, Reason.NONE) if good else (Quality.BAD, Reason.TIMEOUT)
        sample = Sample(point, value if value is not None else float("nan"), quality, reason, self.now, self.now)
        self.table.apply(SampleBatch.of([sample]))
        self.table.columns(self.now)

    def take(self, events: list[Event] | tuple[Event, ...]) -> None:
        self.journal += events
        for event in events:
            fold(self.standing, event)

    def wait(self, microseconds: int) -> list[Event]:
        self.now = Instant(self.now + microseconds)
        self.table.columns(self.now)
        events = self.desk.observe(self.table, self.now)
        self.take(events)
        return events

    def select(self, value: float, by: str = WANG, token: str = TOKEN) -> OutputRefused | None:
        decision = self.desk.select(PersonsWish(TRIP, value, by, token, "test run"), self.table, self.now)
        self.take(decision.events)
        return decision.refusal

    def operate(self, value: float, by: str = WANG, token: str = TOKEN) -> OutputRefused | None:
        decision = self.desk.operate(PersonsWish(TRIP, value, by, token), self.table, self.now)
        self.take(decision.events)
        return decision.refusal

    def complete(self, *, written: bool = True, refused: bool = False) -> None:
        command = self.desk.state(TRIP).command
        assert command is not None
        done = CommandCompleted(
            id=identity(command.id, "completed"), at=self.now, command=command.id, output=TRIP, demand=command.demand,
            written=written, detail="", value=command.value, refused=refused,
        )  # fmt: skip
        self.take([done])

    def interlock_commands(self, value: float = 1.0) -> None:
        command = CommandRequested(
            id=identity("d", self.now), at=self.now, command=identity("c", self.now), output=TRIP, value=value,
            demand="d", effect="e",
        )  # fmt: skip
        self.take([command])

    def verdicts(self) -> list[tuple[Aspect, Verdict, int | None]]:
        return [(e.aspect, e.verdict, e.delay) for e in self.journal if isinstance(e, CommandJudged)]

    def commands(self) -> list[CommandRequested]:
        return [event for event in self.journal if isinstance(event, CommandRequested)]
