"""A restart in every alarm state under every suppression: the same state after as before, and never unreported."""

from __future__ import annotations

from itertools import product

import pytest

from gateway.api.book import stands
from gateway.api.views import alarm_view
from gateway.engine import Engine
from gateway.machines.alarm import AlarmState
from gateway.machines.suppression import RemovalWish, ShelvingWish
from gateway.plant.duty import AlarmPolicy
from gateway.rule import Priority
from gateway.runtime import states
from gateway.sample import SECOND
from gateway.standing import states_of
from tests.engine.memory_journal import MemoryJournal
from tests.engine.scripted import FALSE, TRUE, UNKNOWN, Bench, kinds
from tests.machines.support import rule

HOT = "hot@furnace"
MINUTE = 60 * SECOND
SHELVE = ShelvingWish("王", "sensor is being cleaned", 10 * MINUTE)
REMOVE = RemovalWish("王", "calibration", "P-2026-7")

BASES = {
    "normal": (False, ["TRUE", "ack", "FALSE"]),
    "unacknowledged": (False, ["TRUE"]),
    "acknowledged": (False, ["TRUE", "ack"]),
    "returned_unacknowledged": (False, ["TRUE", "FALSE"]),
    "latched_unacknowledged": (True, ["TRUE", "FALSE"]),
    "latched_acknowledged": (True, ["TRUE", "FALSE", "ack"]),
}
WORDS = {"TRUE": TRUE, "FALSE": FALSE}
ASIDE = list(product((False, True), repeat=3))


def brought(latch: bool, script: list[str], held: tuple[bool, bool, bool], *, unknown: bool) -> Bench:
    """The alarm after its story, then put aside in these ways, then unknown if it is to be."""
    made = Bench(rule(HOT, priority=Priority.HIGH, latch=latch, suppress=1, ticket=None))
    made.tick({0: FALSE, 1: FALSE})
    for word in script:
        if word == "ack":
            made.act(made.engine.alarm_desk.acknowledge(HOT, "王", "", made.now))
        else:
            made.tick({0: WORDS[word]})
    shelved, designed, removed = held
    if shelved:
        made.act(made.engine.alarm_desk.shelve(HOT, SHELVE, made.now))
    if designed:
        made.tick({1: TRUE})
    if removed:
        made.act(made.engine.alarm_desk.remove(HOT, REMOVE, made.now))
    if unknown:
        made.settle()
        made.tick({0: UNKNOWN})
    return made


async def started_anew(before: Bench) -> Engine:
    """Another run of the gateway, from what the journal's rows say."""
    journal = MemoryJournal()
    await journal.commit(before.journal, states.rows(before.engine.states, states_of(before.journal)))
    return Engine(before.plant, before.program, await states.load(journal), before.now)


def listed(state: AlarmState) -> bool:
    """Whether it is in the list that people look at."""
    return stands(alarm_view(state, rule(HOT), None, {}, AlarmPolicy()))


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize("base", BASES)
async def test_a_restart_changes_nothing_of_an_alarm_under_any_suppression(base: str, unknown: bool) -> None:
    latch, script = BASES[base]
    for held in ASIDE:
        before = brought(latch, script, held, unknown=unknown)
        was = before.engine.states.alarms[HOT]
        assert (was.name, was.unknown) == (base, unknown), held
        engine = await started_anew(before)
        assert engine.states.alarms[HOT] == was, held
        for _ in range(2):
            before.now += SECOND  # type: ignore[assignment]
            assert kinds(engine.tick(before.table, before.now)) == [], f"{held}: nothing is reported anew"
        now = engine.states.alarms[HOT]
        assert (now.occurrence, now.annunciated_at, now.projected) == (
            was.occurrence,
            was.annunciated_at,
            was.projected,
        ), held
        assert listed(now) == listed(was) == (base != "normal" or any(held) or unknown), held


@pytest.mark.parametrize("base", ["unacknowledged", "latched_unacknowledged", "returned_unacknowledged"])
async def test_what_nobody_has_heard_asks_after_a_restart_once_nothing_keeps_it(base: str) -> None:
    latch, script = BASES[base]
    for held in ASIDE:
        before = brought(latch, script, held, unknown=False)
        before.engine = await started_anew(before)
        shelved, designed, removed = held
        if removed:
            back = before.engine.alarm_desk.return_to_service(HOT, "王", "", before.now)
            before.act(back)
        if shelved:
            before.act(before.engine.alarm_desk.unshelve(HOT, "王", "", before.now))
        before.tick({1: FALSE} if designed else {})
        state = before.engine.states.alarms[HOT]
        assert state.annunciated_at is not None, held
        assert state.projected == base, held
