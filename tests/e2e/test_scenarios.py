"""Each accident, played by the simulator over real sockets, against what its file expects of a gateway."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from gateway.sample import SECOND
from simulators.run import Simulation
from simulators.scenarios.scenario import Scenario, load_scenarios
from tests.e2e.site import Site, run_gateway, until

SCENARIOS = load_scenarios()

SITES: Sequence[Sequence[str]] = (("EAF-1", "DC-1-good", "DU-2"), ("DC-1-bad", "CO-2"))
"""Accidents that touch different equipment happen at once, as nobody promised that they would not."""

QUIET = 5.0
"""Seconds of good running before."""
AFTER = 5.0
"""Seconds after the end of the longest in which the last verdicts fall."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one gateway made of the accidents of its site."""

    events: Sequence[Mapping[str, Any]]
    tickets: Sequence[Mapping[str, Any]]
    demands: Sequence[Mapping[str, Any]]

    def raised(self) -> set[str]:
        return {event["alarm"] for event in self.events if event["kind"] == "alarm.raised"}

    def ticket(self, rule: str) -> Mapping[str, Any] | None:
        return next((ticket for ticket in self.tickets if ticket["rule"] == rule), None)

    def demand(self, interlock: str) -> Mapping[str, Any]:
        """The first demand of the interlock."""
        return min((one for one in self.demands if one["interlock"] == interlock), key=lambda one: one["onset"])


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Outcome]:
    """By scenario; all are played in the time of the longest."""
    sites = [Site.make(tmp_path_factory.mktemp("site")) for _ in SITES]
    gateways = [run_gateway(site, site.plant.with_name("gateway.log")) for site in sites]
    try:
        found = asyncio.run(play_all(sites))
        assert [gateway.process.poll() for gateway in gateways] == [None] * len(gateways)
    finally:
        for gateway in gateways:
            gateway.end()
    return {name: outcome for names, outcome in zip(SITES, found, strict=True) for name in names}


async def play_all(sites: Sequence[Site]) -> list[Outcome]:
    return await asyncio.gather(*(play(site, names) for site, names in zip(sites, SITES, strict=True)))


async def play(site: Site, names: Sequence[str]) -> Outcome:
    # The plant is restored as a whole, so the shorter ones last as long as the longest.
    longest = max(SCENARIOS[name].duration for name in names)
    scenarios = [SCENARIOS[name].model_copy(update={"duration": longest}) for name in names]
    async with Simulation(site.load(), scenarios=scenarios) as simulation:
        await asyncio.to_thread(until, site.answers, "the gateway answers")
        await asyncio.sleep(QUIET)
        await asyncio.gather(*(simulation.play(name) for name in names))
        await asyncio.sleep(AFTER)
        return await asyncio.to_thread(collect, site)


def collect(site: Site) -> Outcome:
    entries: list[Any] = []
    while more := site.get(f"events?after={entries[-1]['sequence'] if entries else 0}"):
        entries += more
    return Outcome([entry["event"] for entry in entries], site.get("tickets"), site.get("demands"))


@pytest.fixture(params=list(SCENARIOS))
def scenario(request: pytest.FixtureRequest) -> Scenario:
    return SCENARIOS[request.param]


@pytest.fixture
def outcome(scenario: Scenario, outcomes: Mapping[str, Outcome]) -> Outcome:
    return outcomes[scenario.id]


def test_every_scenario_is_played() -> None:
    assert sorted(name for names in SITES for name in names) == sorted(SCENARIOS)


def test_every_alarm_that_an_accident_deserves_is_raised(scenario: Scenario, outcome: Outcome) -> None:
    assert set(scenario.expect.alarms) <= outcome.raised()


def test_every_effect_of_an_interlock_gets_the_verdict_that_is_due(scenario: Scenario, outcome: Outcome) -> None:
    for expected in scenario.expect.interlocks:
        demand = outcome.demand(expected.interlock)
        verdicts = {effect["id"]: effect["verdict"] for effect in demand["effects"]}
        assert verdicts == {effect: verdict.value for effect, verdict in expected.verdicts.items()}
        for effect in demand["effects"]:
            if effect["verdict"] == "pass":
                assert effect["delay"] is not None
                assert -SECOND <= effect["delay"] <= effect["within"]


def test_what_is_not_part_of_an_accident_stays_quiet(outcomes: Mapping[str, Outcome]) -> None:
    first, second = (outcomes[names[0]] for names in SITES)
    assert {alarm.partition("@")[2] for alarm in first.raised()} <= {
        "eaf1", "eaf1_panel_a", "caster1", "dust_dry1", "dust_wet1",
    }  # fmt: skip
    assert not {alarm for alarm in second.raised() if "eaf" in alarm or "dust" in alarm}


def test_a_demand_that_is_met_files_no_complaint(outcomes: Mapping[str, Outcome]) -> None:
    assert not {alarm for alarm in outcomes["EAF-1"].raised() if alarm.startswith("interlock.unproven")}


def test_an_interlock_that_did_not_act_is_a_major_hazard_under_article_14(outcomes: Mapping[str, Outcome]) -> None:
    outcome = outcomes["DC-1-bad"]
    (complaint,) = [alarm for alarm in outcome.raised() if alarm.startswith("interlock.unproven@caster.trip")]
    ticket = outcome.ticket(complaint)
    assert ticket is not None
    assert ticket["grade"] == "major"
    assert "14" in ticket["clauses"]
    assert ticket["state"] == "suspected"
