"""Rules on trial are watched and never heard; rules that are gone take their alarms with them, and say so."""

from __future__ import annotations

from dataclasses import replace

from gateway.engine import Engine
from gateway.event import decode, encode
from gateway.events.alarms import AlarmRaised
from gateway.events.changeover import AlarmWithdrawn, InterlockWithdrawn, TrialChanged
from gateway.events.interlocks import InterlockDemanded, Verdict
from gateway.events.lifecycle import ConditionChanged
from gateway.events.tickets import TicketFiled
from gateway.machines.alarm import AlarmStateName
from gateway.rule import RuleInstance
from gateway.sample import Instant
from gateway.standing import Standing
from tests.engine.scripted import FALSE, SETTLED, TRUE, UNKNOWN, Bench, ScriptedProgram, folded, interlock, kinds
from tests.machines.support import rule

HOT, WET = "hot@furnace", "wet@furnace"


def trial(name: str = HOT, **more: object) -> RuleInstance:
    return replace(rule(name), shadow=True, **more)  # type: ignore[arg-type]


def test_a_rule_on_trial_is_journalled_and_nothing_follows_from_it() -> None:
    made = Bench(trial(), interlocks=[interlock()])
    for truth in (FALSE, TRUE, UNKNOWN, TRUE, FALSE):
        made.tick({0: truth})
    assert {type(event) for event in made.journal} == {TrialChanged}
    seen = [event for event in made.journal if isinstance(event, TrialChanged)]
    assert [event.truth for event in seen] == [FALSE, TRUE, UNKNOWN, TRUE, FALSE]
    assert {event.rule_hash for event in seen} == {"h"}
    assert made.engine.states == Standing()


def test_a_lost_rule_on_trial_is_no_lost_protection() -> None:
    made = Bench(trial())
    made.tick(after=SETTLED)
    assert not made.engine.unknown_rules()
    assert kinds(made.journal) == ["trial.changed"]


def test_an_interlock_goes_by_its_other_causes() -> None:
    made = Bench(trial(), rule(WET, index=1), interlocks=[interlock(causes=(0, 1), feedback=2)])
    made.tick({0: TRUE, 1: FALSE, 2: FALSE})
    assert not [event for event in made.journal if isinstance(event, InterlockDemanded)]
    made.tick({1: TRUE})
    (demanded,) = [event for event in made.journal if isinstance(event, InterlockDemanded)]
    assert (demanded.causes, demanded.cause_hashes) == ((WET,), ("h",))


def test_a_rule_on_trial_is_never_the_first_out() -> None:
    made = Bench(trial(first_out_group="g"), replace(rule(WET, index=1), first_out_group="g"))
    made.tick({0: TRUE, 1: FALSE})
    made.tick({1: TRUE})
    (raised,) = [event for event in made.journal if isinstance(event, AlarmRaised)]
    assert raised.first_out


def test_every_event_of_a_rule_carries_its_version() -> None:
    made = Bench(replace(rule(HOT), hash="version 2"), interlocks=[interlock()])
    made.tick({0: TRUE, 1: FALSE})
    made.tick({0: FALSE})
    told = [getattr(event, "rule_hash", None) for event in made.journal if hasattr(event, "rule_hash")]
    assert len(told) == 5  # condition, alarm, ticket, condition, return
    assert set(told) == {"version 2"}
    assert [decode(encode(event)) for event in made.journal] == made.journal


def changed_over(made: Bench, *rules: RuleInstance, by: str = "王", why: str = "新方案") -> Engine:
    """The engine after the rules were exchanged, its withdrawals taken."""
    program = ScriptedProgram(rules)
    engine = Engine(made.plant, program, made.engine.states, made.now)
    engine.follow(made.engine)
    withdrawn = engine.withdrawals(by, why, made.now)
    made.journal += withdrawn
    engine.take(withdrawn)
    made.engine, made.program = engine, program
    return engine


def test_the_alarm_of_a_rule_that_is_gone_is_closed_and_says_who_and_why() -> None:
    made = Bench(rule(HOT), rule(WET, index=1))
    made.tick({0: TRUE, 1: TRUE})
    engine = changed_over(made, rule(WET))
    (gone,) = [event for event in made.journal if isinstance(event, AlarmWithdrawn)]
    assert (gone.alarm, gone.was_active, gone.by, gone.comment) == (HOT, True, "王", "新方案")
    assert engine.states.alarms[HOT].name is AlarmStateName.NORMAL
    assert not engine.states.alarms[HOT].standing
    assert engine.states.alarms[WET].name is AlarmStateName.UNACKNOWLEDGED
    assert len([ticket for ticket in engine.states.tickets.values() if ticket.standing]) == 2
    assert folded(made.journal) == engine.states


def test_a_latched_alarm_that_nobody_could_reset_any_more_is_closed_too() -> None:
    made = Bench(rule(HOT, latch=True))
    made.tick({0: TRUE})
    made.tick({0: FALSE})
    engine = changed_over(made)
    assert not engine.states.alarms[HOT].standing


def test_a_rule_that_goes_on_trial_gives_up_its_alarm_and_raises_it_again_afterwards() -> None:
    made = Bench(rule(HOT))
    made.tick({0: TRUE})
    changed_over(made, trial())
    made.tick({0: TRUE})
    changed_over(made, rule(HOT))
    made.tick({0: TRUE})
    assert kinds(made.journal) == [
        "alarm.raised",
        "ticket.filed",
        "alarm.withdrawn",
        "trial.changed",
        "alarm.raised",
        "ticket.recurred",
    ]
    ids = [event.id for event in made.journal]
    assert len(ids) == len(set(ids))


def test_what_was_known_before_a_reload_is_not_news_after_it() -> None:
    made = Bench(rule(HOT), rule(WET, index=1))
    made.tick({0: TRUE, 1: FALSE}, after=SETTLED)
    changed_over(made, rule(WET), rule(HOT, index=1), rule("new@furnace", index=2))
    assert made.tick({0: FALSE, 1: TRUE}) == []
    (lost,) = made.tick({0: UNKNOWN})
    assert isinstance(lost, ConditionChanged)
    assert lost.rule == WET


def test_a_demand_whose_interlock_is_gone_ends_unproven() -> None:
    made = Bench(rule(HOT), interlocks=[interlock()])
    made.tick({0: TRUE, 1: FALSE})
    engine = changed_over(made, rule(HOT))
    (demand,) = engine.states.demands.values()
    assert not demand.standing
    assert demand.verdict is Verdict.INCONCLUSIVE
    assert [event for event in made.journal if isinstance(event, InterlockWithdrawn)]
    assert folded(made.journal) == engine.states
    assert made.tick({0: TRUE}, after=SETTLED) == []


def test_a_ticket_is_filed_by_the_version_that_raised() -> None:
    made = Bench(replace(rule(HOT), hash="new"))
    made.tick({0: TRUE})
    assert [event.rule_hash for event in made.journal if isinstance(event, TicketFiled)] == ["new"]


def test_an_engine_knows_when_time_alone_may_decide() -> None:
    made = Bench(rule(HOT), interlocks=[interlock()])
    made.tick({0: FALSE, 1: FALSE})
    assert made.engine.next_due > 0
    made.tick({0: TRUE})
    assert made.engine.next_due == 0
    made.tick({1: (TRUE, Instant(made.now))})
    assert made.engine.next_due > 0
