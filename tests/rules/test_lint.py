"""What is legal and unwise: delays that eat the time to respond, shared sensors, trials that demand."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from gateway.errors import Severity
from gateway.plant.model import Text
from rules.compiler import compile as compile_rules
from rules.lint import delays, lint
from rules.packs import Packs
from rules.sources import Pack
from tests.rules.harness import equipment, packs, plant
from tests.rules.written import written

LEVEL = "tests: [{given: {mould_inlet_level: 0}, expect: []}]\nwhen: mould_inlet_level > 20 mm\n"


@pytest.mark.parametrize(
    ("fields", "seconds"),
    [
        ("when: level > 1 mm\non_delay: 3 s", 3),
        ("when: held(level > 1 mm, 5 s)\non_delay: 3 s", 8),
        ("when: held(level > 1 mm, 5 s, 9 s) or held(level > 1 mm, 7 s)", 9),
        ("when: held(held(level > 1 mm, 5 s), 2 s)", 5),
        ("when: not held(level > 1 mm, 5 s) and vote(1, [held(level > 1 mm, 2 s), level > 1 mm])", 2),
        ("when: avg(level, 8 s) > 1 mm", 0),
        ("when: avg(level, 8 s) > 1 mm\ncredited: true\nbad_quality: trip", 4),
        ("when: slope(level, 8 s) > 1 mm/s and avg(level, 2 s) > 1 mm\ncredited: true\nbad_quality: trip", 4),
    ],
)
def test_the_delay_of_a_rule_is_what_it_waits_for(fields: str, seconds: int) -> None:
    text = fields.replace("level", "mould_inlet_level")
    (source,) = written(text, for_each="deep_well_caster").rules()
    assert delays(source).delay == seconds * 1_000_000


def test_what_must_have_held_before_a_start_delays_nothing() -> None:
    permissive = "start_permissive: {start: process_running == 1, requires: fan_running == 1, held: 5 min}\n"
    (source,) = written(permissive, for_each="dry_dust_collector").rules()
    assert delays(source).delay == 0


@pytest.mark.parametrize(
    ("credit", "severity"), [("", Severity.WARNING), ("credited: true\nbad_quality: trip\n", Severity.ERROR)]
)
def test_a_slow_rule_is_a_warning_and_a_slow_protection_layer_a_mistake(credit: str, severity: Severity) -> None:
    (slow,) = lint(written(LEVEL + "off_delay: 1 s\non_delay: 2 min\n" + credit, for_each="deep_well_caster"))
    assert (slow.severity, slow.field, slow.got) == (severity, "on_delay", "2 min")


def test_a_cause_on_trial_is_a_warning() -> None:
    shipped = packs()
    (pack,) = [pack for pack in shipped.packs if any(each.model.id == "eaf.cooling_water" for each in pack.interlocks)]
    model_of = {rule.model.id: rule for rule in pack.rules}
    tried = model_of["eaf.flow_difference_trip"]
    trial = replace(tried, model=tried.model.model_copy(update={"shadow": True}))
    changed = tuple(trial if rule is tried else rule for rule in pack.rules)
    found = lint(Packs(shipped.criteria, (replace(pack, rules=changed),)))
    assert [(problem.severity, problem.got) for problem in found if "trial" in problem.expected] == [
        (Severity.WARNING, "eaf.flow_difference_trip")
    ]


def test_a_protection_layer_needs_a_sensor_of_its_own_and_a_date_for_its_test() -> None:
    credited = written(LEVEL + "off_delay: 1 s\ncredited: true\nbad_quality: trip\n", for_each="deep_well_caster")
    (mine,) = credited.packs
    shipped = packs()
    both = Packs(shipped.criteria, (*shipped.packs, Pack("mine", Text("我", "mine"), mine.rules, ())))
    site = plant([equipment("it", "deep_well_caster")])
    said = [w.expected for w in compile_rules(site, both).warnings if w.field == "mine.rule@it"]
    assert said == [
        "a 'calibration_due' of it.mould_inlet_level for a credited rule",
        "a sensor of its own in place of it.mould_inlet_level",
    ]
    dated = plant([equipment("it", "deep_well_caster")], calibration_due=date(2035, 1, 1))
    assert not [w for w in compile_rules(dated, credited).warnings if w.field == "mine.rule@it"]
