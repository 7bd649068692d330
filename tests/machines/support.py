"""Builders for machine tests, and the step script: an alarm's story told in one line.

A step is TRUE, FALSE or UNKNOWN (what the condition is seen to be), or a person's `ack` or `reset`.
Steps are one second apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.event import Event
from gateway.machines import alarm
from gateway.machines.alarm import AlarmState, Observation
from gateway.plant.model import Text
from gateway.rule import Priority, RuleInstance, TicketGrade, Truth
from gateway.sample import SECOND, Instant

SITE = "demo"


def rule(
    name: str = "hot@furnace",
    *,
    index: int = 0,
    latch: bool = False,
    ticket: TicketGrade | None = TicketGrade.MAJOR,
    group: str | None = None,
    points: tuple[int, ...] = (0,),
    priority: Priority = Priority.CRITICAL,
    suppress: int | None = None,
    re_alarm: int | None = None,
) -> RuleInstance:
    return RuleInstance(
        index=index,
        id=name,
        rule=name.partition("@")[0],
        equipment=name.partition("@")[2],
        clauses=("3.5",),
        title=Text("过热", "Too hot"),
        consequence=Text("爆炸", "Explosion"),
        response=Text("停炉", "Stop"),
        response_time=60 * SECOND,
        priority=priority,
        latch=latch,
        ticket=ticket,
        first_out_group=group,
        points=points,
        hash="h",
        suppress=suppress,
        re_alarm=re_alarm,
    )


@dataclass
class Story:
    """An alarm on its way through a script."""

    of: RuleInstance
    state: AlarmState
    events: list[Event]
    now: Instant = Instant(0)

    def step(self, word: str) -> None:
        """Take one step; raises what the machine raises, and then nothing has changed."""
        self.now = Instant(self.now + SECOND)
        new: Sequence[Event]
        if word == "ack":
            new = [alarm.acknowledge(self.state, "王", "seen", self.now)]
        elif word == "reset":
            new = [alarm.reset(self.state, "王", "", self.now)]
        else:
            new = alarm.observe(SITE, self.of, self.state, Observation(Truth[word], self.now, self.now))
        for event in new:
            self.state = alarm.evolve(self.state, event)
        self.events += new


def story(script: str = "", *, latch: bool = False) -> Story:
    """The alarm after every step of the script."""
    of = rule(latch=latch)
    told = Story(of, AlarmState(of.id), [])
    for word in script.split():
        told.step(word)
    return told


def kinds(script: str, *, latch: bool = False) -> list[str]:
    """What the alarm says on the way: list in, list out."""
    return [event.kind for event in story(script, latch=latch).events if event.kind != "condition.changed"]
