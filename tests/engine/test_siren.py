"""A siren sounds while somebody has to hear, is an output like any other, and is told again when it does not obey."""

from __future__ import annotations

import pytest

from gateway.errors import IllegalTransition, RequestRefused
from gateway.event import Event
from gateway.events.alarms import AlarmCleared, AlarmRaised
from gateway.events.annunciation import SirenSilenced
from gateway.events.interlocks import CommandCompleted, CommandRequested
from gateway.identity import identity
from gateway.machines.output import CommandStage
from gateway.machines.siren import SirenState
from gateway.machines.suppression import ShelvingWish
from gateway.plant.duty import Duty, DutyCheckPolicy, SirenPolicy
from gateway.plant.guard import Comparison, Expectation, Guard, PointTest
from gateway.rule import Priority
from gateway.sample import SECOND, Quality, Reason, Sample, SampleBatch
from tests.engine.scripted import FALSE, TRUE, Bench
from tests.machines.support import rule

SIREN = "furnace.trip"
GRAVE, SLIGHT = "hot@furnace", "warm@furnace"
MINUTE = 60 * SECOND


LOOKED_AT = Guard(
    feedback=tuple(
        Expectation(value, PointTest("furnace.point_0", Comparison.EQUALS, value), 2 * SECOND, 0, SECOND // 10)
        for value in (0.0, 1.0)
    )
)


def bench(*, silence: int = 3 * MINUTE, checks: DutyCheckPolicy | None = None, feedback: bool = False) -> Bench:
    """Two alarms, of which only the grave one sounds; the siren is quiet, and knows it."""
    policy = SirenPolicy(SIREN, frozenset({"critical", "high"}), silence=silence)
    people = Duty(sirens=(policy,), checks=checks or DutyCheckPolicy())
    rules = (rule(GRAVE, ticket=None), rule(SLIGHT, index=1, ticket=None, priority=Priority.LOW))
    made = Bench(*rules, people=people, guard=LOOKED_AT if feedback else None)
    assert told(made.tick({0: FALSE, 1: FALSE})) == [0.0], "after a start it is told what it should do"
    return made


def see(site: Bench, value: float) -> None:
    """What the siren's feedback says from now on."""
    sample = Sample(0, value, Quality.GOOD, Reason.NONE, site.now, site.now)
    site.table.apply(SampleBatch.of([sample]))


def under_way(site: Bench) -> bool:
    command = site.engine.states.outputs[SIREN].command
    return command is not None and command.stage is CommandStage.REQUESTED


def told(events: list[Event]) -> list[float]:
    commands = [event for event in events if isinstance(event, CommandRequested)]
    assert {event.output for event in commands} <= {SIREN}
    return [event.value for event in commands]


def acknowledge(site: Bench, alarm: str) -> None:
    site.act(site.engine.alarm_desk.acknowledge(alarm, "王", "", site.now))


def silence(site: Bench) -> list[Event]:
    events = site.engine.siren_desk.silence("王", "", site.now)
    for event in events:
        site.act(event)
    return events


def completed(site: Bench, *, written: bool) -> None:
    command = [event for event in site.journal if isinstance(event, CommandRequested)][-1]
    receipt = CommandCompleted(
        id=identity(command.command, "completed", len(site.journal)),
        at=site.now,
        command=command.command,
        output=SIREN,
        demand="",
        written=written,
        detail="",
    )
    site.act(receipt)


def test_it_sounds_from_the_annunciation_to_the_acknowledgement_and_for_its_priorities_only() -> None:
    site = bench()
    assert told(site.tick({1: TRUE})) == [], "a low alarm is not its own"
    assert told(site.tick({0: TRUE})) == [1.0]
    assert told(site.tick({0: FALSE})) == [], "an alarm that went by itself was not heard by anybody"
    acknowledge(site, GRAVE)
    assert told(site.tick()) == [0.0]


def test_silence_is_not_acknowledgement() -> None:
    site = bench()
    site.tick({0: TRUE})
    (event,) = silence(site)
    assert isinstance(event, SirenSilenced)
    assert event.until == site.now + 3 * MINUTE
    assert told(site.tick()) == [0.0]
    assert site.engine.states.alarms[GRAVE].annunciated_at is not None
    assert told(site.tick(after=2 * MINUTE)) == []
    assert told(site.tick(after=MINUTE)) == [1.0], "what nobody acknowledged sounds again"


def test_a_new_alarm_sounds_through_a_silence() -> None:
    site = bench()
    site.tick({0: TRUE})
    acknowledge(site, GRAVE)
    site.tick({0: FALSE})
    site.tick({0: TRUE})
    silence(site)
    assert told(site.tick()) == [0.0]
    acknowledge(site, GRAVE)
    site.tick({0: FALSE})
    assert told(site.tick({0: TRUE})) == [1.0]


def test_what_is_put_aside_does_not_sound() -> None:
    site = bench()
    site.tick({0: TRUE})
    wish = ShelvingWish("王", "检修", 10 * MINUTE, "李", one_shot=False)
    site.act(site.engine.alarm_desk.shelve(GRAVE, wish, site.now))
    assert told(site.tick()) == [0.0]
    assert told(site.tick(after=10 * MINUTE)) == [1.0], "it comes back unheard"


def test_a_missed_duty_check_sounds_like_an_alarm_of_its_class() -> None:
    site = bench(checks=DutyCheckPolicy(answer_within=MINUTE, priority="high"))
    check = site.engine.duty_desk.ask("person", "李", site.now)  # type: ignore[arg-type]
    site.act(check)
    assert told(site.tick()) == []
    assert told(site.tick(after=MINUTE)) == [1.0]
    site.act(site.engine.duty_desk.answer(next(iter(site.engine.states.checks)), "王", "", site.now))
    assert told(site.tick()) == [0.0]


def test_a_restart_forgets_a_silence_and_says_again_what_it_should_do() -> None:
    site = bench()
    site.tick({0: TRUE})
    silence(site)
    site.tick()
    again = site.restarted()
    again.engine.siren_desk.reindex(again.engine.states.alarms.values(), {})
    assert told(again.tick({0: TRUE})) == [1.0]


def test_a_siren_that_does_not_take_what_it_is_told_is_told_again_ever_more_seldom() -> None:
    site = bench()
    site.tick({0: TRUE})
    waits = []
    for _ in range(6):
        completed(site, written=False)
        assert site.engine.siren_desk.failed(SIREN)
        waited = 0
        while not told(site.tick()):
            waited += 1
        waits.append(waited + 1)
    assert waits == [5, 10, 20, 40, 60, 60]
    completed(site, written=True)
    assert not site.engine.siren_desk.failed(SIREN)
    assert told(site.tick(after=10 * MINUTE)) == []


def test_nobody_silences_nothing() -> None:
    site = bench()
    with pytest.raises(IllegalTransition):
        site.engine.siren_desk.silence("王", "", site.now)
    site.tick({0: TRUE})
    with pytest.raises(RequestRefused):
        site.engine.siren_desk.silence(" ", "", site.now)
    lamp = bench(silence=0)
    lamp.tick({0: TRUE})
    with pytest.raises(IllegalTransition):
        lamp.engine.siren_desk.silence("王", "", lamp.now)
    assert lamp.engine.siren_desk.state(SIREN, lamp.now) is SirenState.SOUNDING


def test_a_siren_that_stays_silent_is_an_alarm_that_lasts_while_it_is_told_again() -> None:
    site = bench(feedback=True)
    see(site, 0.0)
    site.tick({0: TRUE})
    completed(site, written=True)
    raised = [event.alarm for _ in range(4) for event in site.tick() if isinstance(event, AlarmRaised)]
    assert raised == [f"command.unproven@{SIREN}"]
    assert site.engine.states.alarms[raised[0]].active
    see(site, 1.0)
    cleared = [event.alarm for _ in range(2) for event in site.tick() if isinstance(event, AlarmCleared)]
    assert cleared == raised, "late, but it sounds"


def test_a_siren_whose_device_is_gone_is_one_alarm_however_often_it_is_told() -> None:
    site = bench()
    site.tick({0: TRUE})
    seen: list[str] = []
    for _ in range(120):
        if under_way(site):
            completed(site, written=False)
        seen += [event.kind for event in site.tick() if isinstance(event, AlarmRaised | AlarmCleared)]
    assert seen == ["alarm.raised"]
    while not under_way(site):
        site.tick()
    completed(site, written=True)
    assert [event.kind for event in site.tick() if isinstance(event, AlarmCleared)] == ["alarm.cleared"]
